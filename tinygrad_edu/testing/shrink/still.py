"""What is still wrong at other inputs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.contract.case import Broken, Case, NotApplicable, copied
from tinygrad_edu.testing.contract.check import Finding
from tinygrad_edu.testing.contract.clauses import CLAUSES
from tinygrad_edu.testing.differences import by_differences
from tinygrad_edu.testing.exact.check import measured
from tinygrad_edu.testing.exact.number import precision
from tinygrad_edu.testing.exact.trial import Trial
from tinygrad_edu.testing.judgement import Judgement
from tinygrad_edu.testing.kinked import at_kink
from tinygrad_edu.testing.shrink.search import Arrays, elements

__all__ = ["BrokenClause", "WrongGradient", "arrays_of", "at"]

# Of 60 digits, half may be lost where numbers cancel.
TOLERANCE = Decimal("1e-30")
# A gradient that has all but vanished is no good example, as that of a batch norm of two rows, unless it was as small; and
# neither is an error that has.
FADED, SMALL, ERROR_FADED = 0.1, 0.05, 0.02
# Where exact numbers take a second, nothing is looked at.
LARGEST = 600


def arrays_of(case: Case) -> Arrays:
    """The arrays among arguments and options."""
    everything: list[tuple[int | str, Any]] = [*enumerate(case.arguments), *case.options.items()]
    return {key: a for key, a in everything if isinstance(a, np.ndarray)}


def at(case: Case, arrays: Arrays) -> Case | None:
    """The case with other arrays; None if the forward does not take them, or its result is not finite."""
    arguments = tuple(arrays.get(i, a) for i, a in enumerate(case.arguments))
    options = {name: arrays.get(name, value) for name, value in case.options.items()}
    there = replace(case, arguments=arguments, options=options, generator=np.random.default_rng(0))
    try:
        there.y = np.array(there.run()[0])
    except Exception:  # whatever it does with what it does not take
        return None
    if not there.y.size or there.y.dtype.kind != "f" or not np.isfinite(there.y).all():
        return None
    there.dy = there.cotangent(there.y.shape)
    return there


class WrongGradient:
    """Whether a gradient is wrong at other arrays as it was at those given, and what was right is right.

    Parameters
    ----------
    case : Case
    judgement : Judgement
        That it is wrong.
    i : int
        Of which argument.
    right : sequence of int
        Positions of the gradients that were not wrong.
    seed : int
    """

    def __init__(self, case: Case, judgement: Judgement, i: int, right: Sequence[int], seed: int) -> None:
        self.case, self.judgement, self.i, self.right, self.seed = case, judgement, i, right, seed
        self.finite = bool(np.isfinite(judgement.values[0]))
        self.kink = "at a kink" in judgement.by and "beside" not in judgement.by
        self.least: tuple[float, float] | None = None
        "How large the gradient and its relative error must be; known after the first call."

    def __call__(self, arrays: Arrays) -> bool:
        """Whether it is still wrong."""
        there = at(self.case, arrays) if elements(arrays) <= LARGEST else None
        try:
            return there is not None and self.wrong(there, there.gradients())
        except Exception:  # whatever the backward does with what it does not take
            return False

    def wrong(self, there: Case, gradients: tuple[Any, ...]) -> bool:
        """Whether the gradient is wrong, by the means by which it was at the inputs given."""
        if any(g is not None and np.shape(g) != np.shape(a) for g, a in zip(gradients, there.arguments, strict=True)):
            return False
        if self.kink:
            again = at_kink(there, self.i, gradients[self.i], self.seed)
            return again.verdict == "wrong" and again.by == self.judgement.by
        if there.pair.kind != "torch":
            with contextlib.suppress(Exception):  # what code that needs floats says to others
                return self.in_exact_numbers(there)
        return self.judgement.by == "differences" and self.in_differences(there, gradients)

    def in_exact_numbers(self, there: Case) -> bool:
        """Whether it is wrong in 60 digits."""
        with precision():
            given = tuple(copied(a) for a in there.arguments)
            trial = Trial(with_exact_constructors(there.pair), given, there.options, self.seed)
            found = measured(trial, self.i, self.seed)
            if found is None or found.error.is_finite() != self.finite:
                return False
            if self.finite and found.error <= TOLERANCE:
                return False
            size = max((float(abs(g)) for g in found.gradient.flat if g.is_finite()), default=0.0)
            error = float(found.error) if self.finite else 1.0
            if self.least is None:
                self.least = min(SMALL, FADED * size), ERROR_FADED * error
            if size < self.least[0] or error < self.least[1]:
                return False
            others = [measured(trial, k, self.seed) for k in self.right]
            return all(other is None or other.error <= TOLERANCE for other in others)

    def in_differences(self, there: Case, gradients: tuple[Any, ...]) -> bool:
        """Whether it is wrong by more than differences are."""

        def wrong(k: int) -> bool:
            return by_differences(there, k, gradients[k], self.seed, every=True).verdict == "wrong"

        return wrong(self.i) and not any(wrong(k) for k in self.right)


class BrokenClause:
    """Whether a clause of the contract is broken at other arrays as it was at those given.

    Parameters
    ----------
    case : Case
    finding : Finding
        What was seen of the clause.
    """

    def __init__(self, case: Case, finding: Finding) -> None:
        self.case, self.finding = case, finding
        self.what = finding.what

    def __call__(self, arrays: Arrays) -> bool:
        """Whether it is still broken; `what` is what was seen."""
        there = at(self.case, arrays)
        if there is None:
            return False
        try:
            CLAUSES[self.finding.clause](there)
        except Broken as error:
            self.what = str(error)
            return gradient_in(self.what) == gradient_in(self.finding.what)
        except NotApplicable:
            return False
        except Exception as error:
            return f"raises {type(error).__name__}:" in self.finding.what
        return False


def gradient_in(sentence: str) -> str:
    """The name of the argument of whose gradient it is said."""
    found = re.search(r"the gradient of (\S+)", sentence)
    return found[1] if found else ""
