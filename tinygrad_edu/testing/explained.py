"""One gradient judged, and if it is wrong, with what can be said of why."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.contract.case import Case, copied
from tinygrad_edu.testing.diagnosis import diagnose, repairs
from tinygrad_edu.testing.exact import Verdict
from tinygrad_edu.testing.judgement import VANISHES, Judgement
from tinygrad_edu.testing.kinked import at_kink
from tinygrad_edu.testing.strength import strength

__all__ = ["in_words"]


def in_words(
    case: Case,
    i: int,
    verdict: Verdict | None,
    gradient: Any,
    seed: int,
    also: Sequence[tuple[Any, ...]] = (),
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
    also : sequence of tuple, optional
        Further arguments at which a suggested change of the source must be right.

    Returns
    -------
    Judgement
    """
    name = case.pair.argument(i)
    if verdict is None:
        return at_kink(case, i, gradient, seed)
    if not verdict.ok:
        why = explained(case, i, seed, also)
        return Judgement(name, "wrong", "60 digits", index=verdict.index, values=verdict.values, why=why)
    if not verdict.nonzero.any():
        return Judgement(name, "cannot tell", "60 digits", why=VANISHES, zero=True)
    return Judgement(name, "right", "60 digits", strength(case, i, seed))


def explained(case: Case, i: int, seed: int, also: Sequence[tuple[Any, ...]] = ()) -> str:
    """What is wrong with a gradient, as far as its values tell, and which change of its source would mend it.

    A change must make it right at the further arguments in `also`, too.
    """
    pair = case.pair
    said: list[str] = []
    with contextlib.suppress(Exception):
        given = [copied(a) for a in case.arguments]
        found = diagnose(with_exact_constructors(pair), *given, argument=i, seed=seed, **case.options)
        said += [found] if found else []
    code = getattr(inspect.unwrap(pair.by_hand), "__code__", None)
    if pair.kind == "pair" and code is not None and code.co_filename == pair.file:
        with contextlib.suppress(Exception):
            given = [copied(a) for a in case.arguments]
            how: dict[str, Any] = {"argument": i, "seed": seed, "most": 1, "also": also}
            said += map(str, repairs(pair.by_hand, *given, within=with_exact_constructors, **how, **case.options))
    return "; ".join(said)
