"""Whether the gradients of a pair are the derivative of its forward, and how sure that is."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinygrad_edu.testing.contract.case import Case
from tinygrad_edu.testing.differences import by_differences
from tinygrad_edu.testing.exact import ExactError
from tinygrad_edu.testing.explained import in_words, with_repair
from tinygrad_edu.testing.judgement import Judgement
from tinygrad_edu.testing.strength import exactly
from tinygrad_edu.testing.sweep import Sweep
from tinygrad_edu.testing.visited import Visited

__all__ = ["judged"]

# About a second in 60-digit arithmetic.
EXACT_ELEMENTS = 2_000
# Fractions grow with every product.
RATIONAL_ELEMENTS = 200


def judged(
    case: Case, wanted: Sequence[str] | None, seed: int, *, sweep: bool = True, explain: bool = True
) -> tuple[list[Judgement], list[str]]:
    """Judge each gradient of a pair.

    Parameters
    ----------
    case : Case
    wanted : sequence of str or None
        Names of arguments that must have a gradient.
    seed : int
    sweep : bool, default True
        Whether to look at other inputs, too.
    explain : bool, default True
        Whether to look for what is wrong with a gradient.

    Returns
    -------
    judgements : list of Judgement
    notes : list of str
    """
    gradients = case.gradients()
    names = {case.pair.argument(i): i for i in case.floats}
    if unknown := [name for name in wanted or () if name not in names]:
        raise TypeError(f"{case.pair.name}: wanted {unknown[0]!r}, but the arrays of floats are {', '.join(names)}")
    places = [i for name, i in names.items() if (gradients[i] is not None if wanted is None else name in wanted)]
    notes = [f"no gradient of {name}, which was not checked" for name, i in names.items() if i not in places]
    if case.varies:
        why = "two forwards of the same arguments differ, so that there is no derivative to compare with"
        return [Judgement(case.pair.argument(i), "cannot tell", "", why=why) for i in places], notes
    if why := no_exact_form(case):
        notes += [why] if case.pair.kind != "torch" else []
        return [by_differences(case, i, gradients[i], seed) for i in places], notes
    visited = Visited(case.pair.file)
    try:
        with visited.comparing():
            verdicts = {v.argument: v for v in exactly(case, places, seed)}
    except Exception as error:  # whatever the code does with numbers that are no floats
        reason = error if isinstance(error, ExactError) else f"{type(error).__name__}: {error}"
        notes.append(f"not in 60 digits, as the code does not run there ({reason})")
        return [by_differences(case, i, gradients[i], seed) for i in places], notes
    judgements = [in_words(case, i, verdicts.get(i), gradients[i], seed, explain=explain) for i in places]
    judgements = without_tolerance(case, places, judgements, seed)
    with visited.running(), contextlib.suppress(Exception):
        case.gradients()
    if any(j.verdict == "wrong" for j in judgements):
        judgements = with_repair(case, judgements, seed) if explain else judgements
    elif sweep:
        elsewhere = Sweep(case, places, visited, seed, explain=explain)
        judgements = elsewhere.judged(judgements, verdicts)
        notes += elsewhere.notes
    return judgements, notes + visited.told()


def without_tolerance(case: Case, places: list[int], judgements: list[Judgement], seed: int) -> list[Judgement]:
    """The judgements, those of gradients that agree as fractions among them."""
    equal: set[str] = set()
    if sum(case.arguments[i].size for i in places) <= RATIONAL_ELEMENTS:
        with contextlib.suppress(Exception):  # what is no polynomial or quotient of such does not run there
            verdicts = exactly(case, places, seed, digits=None)
            equal = {case.pair.argument(v.argument) for v in verdicts if v.error == 0}
    told = [j.verdict == "right" and j.by == "60 digits" and j.argument in equal for j in judgements]
    return [
        replace(j, by="rational arithmetic", caught=0.0) if is_equal else j
        for j, is_equal in zip(judgements, told, strict=True)
    ]


def no_exact_form(case: Case) -> str:
    """Why there is no sense in trying 60 digits; empty if there is."""
    size = sum(a.size for a in case.arguments if isinstance(a, np.ndarray))
    if case.pair.kind == "torch":
        return "PyTorch computes with floats alone"
    return f"not in 60 digits: {size:,} elements are more than {EXACT_ELEMENTS:,}" if size > EXACT_ELEMENTS else ""
