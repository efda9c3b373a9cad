"""Judging a gradient where its forward has no derivative, and a value is chosen by convention."""

from __future__ import annotations

import contextlib
import linecache
import re
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.contract.case import Case, copied
from tinygrad_edu.testing.differences import by_differences, off_together
from tinygrad_edu.testing.exact import Verdict
from tinygrad_edu.testing.exact.kinks import Slopes, limits
from tinygrad_edu.testing.judgement import Judgement
from tinygrad_edu.testing.strength import exactly, strength
from tinygrad_edu.testing.visited import Visited

__all__ = ["CONVENTIONS", "at_kink"]

CONVENTIONS = {
    r"\babs\(|\babsolute\(|\bsign\(|\bfabs\(": "PyTorch's abs takes 0 at 0",
    r"\bmaximum\(|\bminimum\(|\bwhere\(|[<>]": "PyTorch's relu takes 0 at 0, its maximum gives half to each of two equal "
    "numbers, its clamp passes it on at a bound",
    r"\bclip\(": "PyTorch's clamp passes the gradient on at a bound",
    r"\bmax\(|\bmin\(|\bargmax\(|\bargmin\(|\bamax\(|\bamin\(": "PyTorch's max(dim) gives all to the first of equal "
    "numbers, its amax shares it among them",
}
"""What PyTorch takes at ties, by what stands in the line where numbers tie."""


def at_kink(case: Case, i: int, gradient: Any, seed: int, *, slopes_alone: bool = False) -> Judgement:
    """Judge a gradient at a kink: it must lie between the slopes of both sides, and beside the kink it must be exact.

    Parameters
    ----------
    case : Case
    i : int
        Of which argument.
    gradient : array or None
    seed : int
    slopes_alone : bool, default False
        Whether to leave it at the slopes, and at what is known exactly.

    Returns
    -------
    Judgement
    """
    name = case.pair.argument(i)
    visited = Visited(case.pair.file)
    with visited.comparing():
        pair = with_exact_constructors(case.pair)
        slopes = limits(pair, *(copied(a) for a in case.arguments), argument=i, seed=seed, **case.options)
    if slopes is None:
        return Judgement(name, "cannot tell", "") if slopes_alone else by_finite_steps(case, i, gradient, seed)
    wrong = outside(name, slopes)
    if slopes_alone:
        # A NaN at a point that the caller did not ask for, as that of x / |x| at 0, is left to be.
        asked = wrong is not None and np.isfinite(wrong.values[0])
        return wrong if wrong is not None and asked else Judgement(name, "cannot tell", "60 digits")
    if wrong is not None:
        return wrong
    beside, verdict = nudged(case, i, seed)
    if verdict is not None and not verdict.ok:
        return wrong_beside(name, verdict)
    caught = strength(beside, i, seed) if verdict is not None else float("inf")
    return Judgement(name, "right", "60 digits", caught, why=chosen(name, slopes) + convention(case, visited))


def outside(name: str, slopes: Slopes) -> Judgement | None:
    """Wrong, if the gradient of an element, or their sum, is beyond the slopes around."""
    by = "60 digits, at a kink"
    if (k := slopes.index) is not None:
        found, least, most = (float(array[k]) for array in (slopes.found, slopes.least, slopes.most))
        why = f"around it, it is between {least:.6g} and {most:.6g}" if least != most else ""
        return Judgement(name, "wrong", by, index=k, values=(found, most if found > most else least), why=why)
    if slopes.together is not None:
        element, total, least, most = slopes.together
        why = f"added to all of {name} together, for element {element} of the result: at a kink in any direction"
        values = (total, least if total < least else most)
        return Judgement(f"{name}, summed,", "wrong", by, values=values, why=why)
    return None


def chosen(name: str, slopes: Slopes) -> str:
    """Which of the values between the slopes a right gradient takes."""
    kinks = np.argwhere(slopes.kinks)
    if not len(kinks):
        return "equal numbers meet here, but nothing depends on which is taken"
    k = tuple(int(n) for n in kinks[0])
    least, most = sorted((float(slopes.least[k]), float(slopes.most[k])))
    place = f"{name}[{', '.join(map(str, k))}]" if k else name
    many = f"{len(kinks)} of {slopes.found.size} elements are at kinks, where it is" if k else "it is at a kink, and"
    return f"{many} between the slopes around: {place} gets {slopes.found[k]:.6g}, of {least:.6g} to {most:.6g}"


def convention(case: Case, visited: Visited) -> str:
    """What PyTorch takes for what stands in the lines where numbers tie."""
    for line in sorted(visited.ties):
        text = linecache.getline(case.pair.file or "", line)
        for pattern, sentence in CONVENTIONS.items():
            if re.search(pattern, text):
                return f"; {sentence}"
    return ""


def nudged(case: Case, i: int, seed: int) -> tuple[Case, Verdict | None]:
    """The case with its arguments moved away from kinks, by a hundredth of what they hold, and the verdict there."""

    def moved(a: Any) -> Any:
        if not (isinstance(a, np.ndarray) and a.dtype.kind == "f"):
            return a
        size = float(np.abs(a).max(initial=0.0)) or 1.0
        return np.asarray(a + 0.01 * size * case.cotangent(a.shape))

    beside = replace(case, arguments=tuple(moved(a) for a in case.arguments))
    verdicts: list[Verdict] = []
    with contextlib.suppress(Exception):  # the code may refuse what is beside the inputs
        verdicts = exactly(beside, [i], seed)
    return beside, verdicts[0] if verdicts else None


def wrong_beside(name: str, verdict: Verdict) -> Judgement:
    """The judgement of a gradient that is no derivative a little beside the inputs."""
    by = "60 digits, beside the inputs, which are at a kink"
    return Judgement(name, "wrong", by, index=verdict.index, values=verdict.values)


def by_finite_steps(case: Case, i: int, gradient: Any, seed: int) -> Judgement:
    """The judgement where exact slopes are infinite or no numbers, as those of a square root at 0 are."""
    found = by_differences(case, i, gradient, seed, every=True)
    _, verdict = nudged(case, i, seed)
    if found.verdict == "wrong" or verdict is None or np.isinf(found.caught):
        return found
    if not verdict.ok:
        return wrong_beside(found.argument, verdict)
    if (off := off_together(case, i)) is not None:
        return off
    why = "at a kink it lies between the slopes of both sides, and beside it, it is exact"
    return Judgement(found.argument, "right", "60 digits and differences", found.caught, why=why)
