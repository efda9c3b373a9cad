"""From what is wrong to the smallest inputs that show it."""

from __future__ import annotations

import contextlib
import itertools
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.contract.case import Case
from tinygrad_edu.testing.contract.check import Finding
from tinygrad_edu.testing.judgement import Judgement
from tinygrad_edu.testing.kinked import nudged
from tinygrad_edu.testing.shrink.gradient import inputs_of, with_gradients
from tinygrad_edu.testing.shrink.search import READABLE, Arrays, elements, reduced
from tinygrad_edu.testing.shrink.shown import Smallest
from tinygrad_edu.testing.shrink.still import BrokenClause, WrongGradient, arrays_of, at
from tinygrad_edu.testing.sweep import variations

__all__ = ["smallest"]

SECONDS = 2.0
# Where exact numbers take a second, the inputs given are not looked at again.
ELEMENTS = 300


def smallest(
    case: Case, judgements: list[Judgement], broken: list[Finding], seed: int = 0, seconds: float = SECONDS
) -> Smallest | None:
    """Find small inputs with simple values at which the first wrong gradient, or broken clause, is still wrong.

    Parameters
    ----------
    case : Case
        At the inputs given.
    judgements : list of Judgement
    broken : list of Finding
        Clauses of the contract that are broken.
    seed : int, default 0
    seconds : float, default 2
        When they are over, it is the smallest found so far.

    Returns
    -------
    Smallest or None
        None where nothing was found that can be read.
    """
    ends = time.monotonic() + seconds
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = next((j for j in judgements if j.verdict == "wrong"), None)
        with contextlib.suppress(Exception):  # what goes wrong here must not hide what was found
            if wrong is not None:
                return of_gradient(case, wrong, judgements, seed, ends)
            return of_clause(case, broken[0], ends) if broken else None
    return None


def of_gradient(case: Case, wrong: Judgement, judgements: list[Judgement], seed: int, ends: float) -> Smallest | None:
    """The smallest inputs at which a gradient is wrong."""
    places = {case.pair.argument(i): i for i in case.floats}
    i = places[wrong.argument.removesuffix(", summed,")]
    still = WrongGradient(case, wrong, i, [places[j.argument] for j in judgements if j.verdict == "right"], seed)
    whole = arrays_of(case)
    if elements(whole) <= ELEMENTS:
        judged = [places[j.argument.removesuffix(", summed,")] for j in judgements]
        tried = itertools.takewhile(lambda _: time.monotonic() < ends, starts(case, i, judged, seed))
        whole = next((arrays for arrays in tried if still(arrays)), {})
    free = [k for k, gradient in enumerate(case.gradients()) if gradient is not None]
    kept = [key for key, a in whole.items() if key not in free and adds_up_to_1(a)]
    found = reduced(whole, still, ends, free, kept)
    there = at(case, found)
    if not whole or there is None or elements(found) > READABLE:
        return None
    return with_gradients(there, i, still.kink, seed)


def adds_up_to_1(a: NDArray) -> bool:
    """Whether these are probabilities along some axis: with other values, or fewer, a right backward may fail."""
    return a.dtype.kind == "f" and a.ndim > 1 and any(np.allclose(a.sum(axis), 1) for axis in range(a.ndim))


def starts(case: Case, i: int, places: list[int], seed: int) -> Iterator[Arrays]:
    """The inputs at which the gradient may have been found wrong: those given, beside a kink, and at other scales."""
    yield arrays_of(case)
    yield arrays_of(nudged(replace(case, generator=np.random.default_rng(seed)), i, seed)[0])
    for _, arguments in variations(case.arguments, places, seed):
        yield arrays_of(replace(case, arguments=arguments))


def of_clause(case: Case, finding: Finding, ends: float) -> Smallest | None:
    """The smallest inputs at which a clause is broken."""
    still, whole = BrokenClause(case, finding), arrays_of(case)
    if not still(whole):
        return None
    found = reduced(whole, still, ends)
    there = at(case, found)
    if there is None or not still(found) or elements(found) > READABLE:
        return None
    return inputs_of(there, said=still.what)
