"""One gradient judged, and if it is wrong, with what can be said of why."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.contract.case import Case, copied
from tinygrad_edu.testing.diagnosis import diagnose, repairs
from tinygrad_edu.testing.exact import Verdict
from tinygrad_edu.testing.judgement import VANISHES, Judgement
from tinygrad_edu.testing.kinked import at_kink
from tinygrad_edu.testing.strength import strength

__all__ = ["in_words", "mended", "with_repair"]


# Of looking for a change that mends all gradients that are wrong, and then for one that mends the first.
TOGETHER, ALONE = 6.0, 3.0


def in_words(
    case: Case, i: int, verdict: Verdict | None, gradient: Any, seed: int, *, explain: bool = True
) -> Judgement:
    """What the exact check found of one gradient; it has no verdict where the forward has no derivative.

    Parameters
    ----------
    case : Case
    i : int
        Of which argument.
    verdict : Verdict or None
    gradient : array or None
        In floats.
    seed : int
    explain : bool, default True
        Whether to look for what is wrong.

    Returns
    -------
    Judgement
    """
    name = case.pair.argument(i)
    if verdict is None:
        return at_kink(case, i, gradient, seed)
    if not verdict.ok:
        why = ""
        with contextlib.suppress(Exception):
            given = [copied(a) for a in case.arguments]
            pair = with_exact_constructors(case.pair)
            why = (explain and diagnose(pair, *given, argument=i, seed=seed, **case.options)) or ""
        return Judgement(name, "wrong", "60 digits", index=verdict.index, values=verdict.values, why=why)
    if not verdict.nonzero.any():
        return Judgement(name, "cannot tell", "60 digits", why=VANISHES, zero=True)
    return Judgement(name, "right", "60 digits", strength(case, i, seed))


def with_repair(
    case: Case, judgements: list[Judgement], seed: int, also: Sequence[tuple[Any, ...]] = ()
) -> list[Judgement]:
    """The judgements, the first wrong one with a change to the source that mends it, and if possible all wrong ones.

    Parameters
    ----------
    case : Case
    judgements : list of Judgement
    seed : int
    also : sequence of tuple, optional
        Further arguments at which a suggested change of the source must be right.

    Returns
    -------
    list of Judgement
    """
    wrong = [j for j in judgements if j.verdict == "wrong" and j.by == "60 digits"]
    if not wrong:
        return judgements
    positions = {case.pair.argument(i): i for i in case.floats}
    places = [positions[j.argument] for j in wrong]
    said = mended(case, places, seed, TOGETHER, also)
    if said and len(places) > 1:
        said += ", and so do the other gradients"
    elif not said and len(places) > 1:
        said = mended(case, places[:1], seed, ALONE, also)
    first = replace(wrong[0], why="; ".join(filter(None, (wrong[0].why, said))))
    return [first if j is wrong[0] else j for j in judgements]


def mended(
    case: Case, places: list[int], seed: int, seconds: float = TOGETHER, also: Sequence[tuple[Any, ...]] = ()
) -> str:
    """A change to the source that makes the gradients of these arguments right; empty if none is found.

    Parameters
    ----------
    case : Case
    places : list of int
    seed : int
    seconds : float, default 6
        How long to look.
    also : sequence of tuple, optional
        Further arguments at which they must be right.

    Returns
    -------
    str
    """
    target = case.pair.functions or case.pair.by_hand
    code = getattr(inspect.unwrap(target[1] if isinstance(target, tuple) else target), "__code__", None)
    if case.pair.kind != "pair" or code is None or code.co_filename != case.pair.file:
        return ""
    given = [copied(a) for a in case.arguments]
    how: dict[str, Any] = {"argument": places, "seed": seed, "most": 1, "also": also, "seconds": seconds}
    with contextlib.suppress(Exception):
        return "".join(map(str, repairs(target, *given, within=with_exact_constructors, **how, **case.options)))
    return ""
