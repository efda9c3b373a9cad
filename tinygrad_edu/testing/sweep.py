"""Other inputs, at which a backward that is right where it was looked at may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.contract.case import Case
from tinygrad_edu.testing.exact import Verdict
from tinygrad_edu.testing.explained import in_words, with_repair
from tinygrad_edu.testing.judgement import Judgement
from tinygrad_edu.testing.kinked import at_kink
from tinygrad_edu.testing.strength import exactly
from tinygrad_edu.testing.visited import Visited

__all__ = ["Sweep", "variations"]

# A sweep takes about ten times as long as the check itself.
ELEMENTS = 300

# From where a function is linear to where it saturates; each is made the largest element of an argument.
SCALES = (1e-3, 30.0, 200.0)
# As 1 and 2 are small enough to tie, and large enough to tell x from x².
INTEGERS = 2


def variations(arguments: tuple[Any, ...], places: list[int], seed: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The arguments at other scales, with other signs, and as small integers, in words and in numbers.

    Parameters
    ----------
    arguments : tuple
    places : list of int
        Positions of those that vary: the arrays that have a gradient. What has none, such as a target of ones and zeros,
        may have to be as it is.
    seed : int

    Yields
    ------
    how : str
        With ``{0}``, ``{1}``, ... for the names of arguments.
    arguments : tuple
        An array without negative elements keeps that, as variances and probabilities must.
    """
    generator = np.random.default_rng([seed, 3])

    def with_(changed: dict[int, NDArray]) -> tuple[Any, ...]:
        return tuple(changed.get(i, a) for i, a in enumerate(arguments))

    for i in places:
        largest = float(np.abs(arguments[i]).max(initial=0.0))
        for scale in SCALES if largest and np.isfinite(largest) else ():
            scaled = np.asarray(arguments[i] * (scale / largest))
            yield f"where {{{i}}} is at most {scale:g} in size", with_({i: scaled})
    signed = [i for i in places if (arguments[i] < 0).any()]
    if signed:
        yield "with other signs", with_({i: np.asarray(-arguments[i]) for i in signed})
    for _ in range(2):
        drawn = {i: integers(generator, arguments[i], i in signed) for i in places}
        yield "at small integers", with_(drawn)


def integers(generator: np.random.Generator, x: NDArray, signed: bool) -> NDArray:
    """Small integers in the place of the elements of an array; zeros only where there are negative ones."""
    drawn = generator.integers(-INTEGERS if signed else 1, INTEGERS + 1, x.shape)
    return np.where(np.isfinite(x), drawn, x).astype(np.float64)


class Sweep:
    """A pair at other inputs than those given.

    Parameters
    ----------
    case : Case
        At the inputs given.
    places : list of int
        Positions of the arguments whose gradients are judged.
    visited : Visited
        Which takes down what runs here, too.
    seed : int
    explain : bool, default True
        Whether to look for what is wrong with a gradient.

    Attributes
    ----------
    notes : list of str
        What there is to say beside the judgements.
    """

    def __init__(self, case: Case, places: list[int], visited: Visited, seed: int, *, explain: bool = True) -> None:
        self.case, self.places, self.visited, self.seed, self.explain = case, places, visited, seed, explain
        self.notes: list[str] = []

    def judged(self, judgements: list[Judgement], verdicts: dict[int, Verdict]) -> list[Judgement]:
        """The judgements at the inputs given, or with one that is wrong elsewhere in its place."""
        size = sum(a.size for a in self.case.arguments if isinstance(a, np.ndarray))
        if size > ELEMENTS:
            self.notes = [f"looked at these inputs alone: {size:,} elements are more than {ELEMENTS}"]
            return judgements
        nonzero = {i: verdict.nonzero for i, verdict in verdicts.items()}
        for how, arguments in variations(self.case.arguments, self.places, self.seed):
            try:
                found, wrong = self.at(arguments)
            except Exception:  # noqa: S112 - inputs that the code does not take
                continue
            if wrong is not None:
                names = [self.case.pair.argument(j) for j in range(len(arguments))]
                why = f"it is right at the inputs given, and wrong {how.format(*names)}"
                wrong = replace(wrong, why=f"{why}; {wrong.why}" if wrong.why else why)
                return [wrong if wrong.argument.startswith(j.argument) else j for j in judgements]
            nonzero = {i: seen | found[i].nonzero if i in found else seen for i, seen in nonzero.items()}
        self.notes = [
            f"{(~seen).sum()} of {seen.size} elements of the gradient of {self.case.pair.argument(i)} were 0 at all inputs"
            for i, seen in nonzero.items()
            if seen.any() and not seen.all()
        ]
        return judgements

    def at(self, arguments: tuple[Any, ...]) -> tuple[dict[int, Verdict], Judgement | None]:
        """What the exact check finds at these inputs, and the judgement of the first gradient that is wrong."""
        case = replace(self.case, arguments=arguments)
        with self.visited.comparing():
            found = {v.argument: v for v in exactly(case, self.places, self.seed)}
        with self.visited.running():
            gradients = case.gradients()
        for i in self.places:
            if i not in found:
                judgement = at_kink(case, i, gradients[i], self.seed, slopes_alone=True)
                if judgement.verdict == "wrong":
                    return found, judgement
            elif not found[i].ok:
                judgement = in_words(case, i, found[i], gradients[i], self.seed, explain=self.explain)
                if self.explain:
                    (judgement,) = with_repair(case, [judgement], self.seed, [self.case.arguments])
                return found, judgement
        return found, None
