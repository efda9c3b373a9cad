"""Whether the gradients of a pair are the derivative of its forward, and how sure that is."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.contract.case import Case, copied
from tinygrad_edu.testing.diagnosis import diagnose, repairs
from tinygrad_edu.testing.differences import by_differences, off_together
from tinygrad_edu.testing.exact import ExactError, Verdict, check_pair
from tinygrad_edu.testing.exact.number import Dual
from tinygrad_edu.testing.judgement import VANISHES, Judgement

__all__ = ["judged"]

# About a second in 60-digit arithmetic.
EXACT_ELEMENTS = 2_000
# Errors planted to see whether the exact check sees them, from the smallest.
PLANTED = ("1e-40", "1e-30", "1e-20", "1e-10", "1e-5")


def judged(case: Case, wanted: Sequence[str] | None, seed: int) -> tuple[list[Judgement], list[str]]:
    """Judge each gradient of a pair.

    Parameters
    ----------
    case : Case
    wanted : sequence of str or None
        Names of arguments that must have a gradient.
    seed : int

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
    try:
        verdicts = {v.argument: v for v in exactly(case, places, seed)}
    except Exception as error:  # whatever the code does with numbers that are no floats
        reason = error if isinstance(error, ExactError) else f"{type(error).__name__}: {error}"
        notes.append(f"not in 60 digits, as the code does not run there ({reason})")
        return [by_differences(case, i, gradients[i], seed) for i in places], notes
    return [in_words(case, i, verdicts.get(i), gradients[i], seed) for i in places], notes


def no_exact_form(case: Case) -> str:
    """Why there is no sense in trying 60 digits; empty if there is."""
    size = sum(a.size for a in case.arguments if isinstance(a, np.ndarray))
    if case.pair.kind == "torch":
        return "PyTorch computes with floats alone"
    return f"not in 60 digits: {size:,} elements are more than {EXACT_ELEMENTS:,}" if size > EXACT_ELEMENTS else ""


def exactly(
    case: Case, places: list[int], seed: int, arguments: tuple[Any, ...] | None = None, plant: str = ""
) -> list[Verdict]:
    """The exact check, with an error in the smallest element of each gradient if there is one to plant."""
    pair = with_exact_constructors(case.pair)
    if plant:
        pair = planted(pair, Decimal(plant))
    given = case.arguments if arguments is None else arguments
    return check_pair(pair, *(copied(a) for a in given), wanted=places, seed=seed, **case.options)


def planted(pair: Callable[..., Any], e: Decimal) -> Callable[..., Any]:
    """A pair with a relative error in the smallest element of each of its gradients that is not 0."""

    def spoiled(gradient: Any) -> Any:
        if gradient is None or not gradient.size:
            return gradient
        gradient = gradient.astype(object)
        flat = gradient.reshape(-1)
        places = [k for k in range(flat.size) if flat[k] != 0]
        if places:
            least = min(places, key=lambda k: abs(flat[k]))
            flat[least] = flat[least] * Dual(1 + e)
        return flat.reshape(gradient.shape)

    def run(*arguments: Any, **options: Any) -> Any:
        y, backward = pair(*arguments, **options)
        return y, lambda dy: tuple(spoiled(gradient) for gradient in backward(dy))

    return run


def in_words(case: Case, i: int, verdict: Verdict | None, gradient: Any, seed: int) -> Judgement:
    """What the exact check found of one gradient; it has no verdict where the forward has no derivative."""
    name = case.pair.argument(i)
    if verdict is None:
        return at_kink(case, i, gradient, seed)
    if not verdict.ok:
        why = explained(case, i, seed)
        return Judgement(name, "wrong", "60 digits", index=verdict.index, values=verdict.values, why=why)
    if gradient is None or not np.any(gradient):
        return Judgement(name, "cannot tell", "60 digits", why=VANISHES, zero=True)
    return Judgement(name, "right", "60 digits", strength(case, i, seed))


def explained(case: Case, i: int, seed: int) -> str:
    """What is wrong with a gradient, as far as its values tell, and which change of its source would mend it."""
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
            options = {"argument": i, "seed": seed, "most": 1, "within": with_exact_constructors, **case.options}
            said += map(str, repairs(pair.by_hand, *given, **options))
    return "; ".join(said)


def strength(case: Case, i: int, seed: int) -> float:
    """The smallest of some planted errors that the exact check sees."""
    for e in PLANTED:
        if not exactly(case, [i], seed, plant=e)[0].ok:
            return float(e)
    return float("inf")


def at_kink(case: Case, i: int, gradient: Any, seed: int) -> Judgement:
    """At a kink a gradient must lie between the slopes of both sides, and beside the kink it must be exact."""
    found = by_differences(case, i, gradient, seed, every=True)
    beside: list[Verdict] = []
    with contextlib.suppress(Exception):  # the code may refuse what is beside the inputs
        beside = exactly(case, [i], seed, tuple(nudged(a, case) for a in case.arguments))
    if found.verdict == "wrong" or not beside or np.isinf(found.caught):
        return found
    if not beside[0].ok:
        by = "60 digits, beside the inputs, which are at a kink"
        return Judgement(found.argument, "wrong", by, index=beside[0].index, values=beside[0].values)
    if (outside := off_together(case, i)) is not None:
        return outside
    why = "at a kink it lies between the slopes of both sides, and beside it, it is exact"
    return Judgement(found.argument, "right", "60 digits and differences", found.caught, why=why)


def nudged(a: Any, case: Case) -> Any:
    """An array away from kinks: moved by a hundredth of what it holds."""
    if not (isinstance(a, np.ndarray) and a.dtype.kind == "f"):
        return a
    size = float(np.abs(a).max(initial=0.0)) or 1.0
    return np.asarray(a + 0.01 * size * case.cotangent(a.shape))
