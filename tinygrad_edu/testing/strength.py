"""The exact check of a pair, and how small an error it sees there."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.contract.case import Case, copied
from tinygrad_edu.testing.exact import Verdict, check_pair
from tinygrad_edu.testing.exact.number import DIGITS, Dual

__all__ = ["exactly", "strength"]

# Errors planted to see whether the exact check sees them, from the smallest.
PLANTED = ("1e-40", "1e-30", "1e-20", "1e-10", "1e-5")


def exactly(case: Case, places: list[int], seed: int, *, plant: str = "", digits: int | None = DIGITS) -> list[Verdict]:
    """The exact check, with an error in the smallest element of each gradient if there is one to plant."""
    pair = with_exact_constructors(case.pair)
    if plant:
        pair = planted(pair, Decimal(plant))
    given = [copied(a) for a in case.arguments]
    return check_pair(pair, *given, wanted=places, digits=digits, seed=seed, **case.options)


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


def strength(case: Case, i: int, seed: int) -> float:
    """The smallest of some planted errors that the exact check sees."""
    for e in PLANTED:
        verdicts = exactly(case, [i], seed, plant=e)
        if verdicts and not verdicts[0].ok:
            return float(e)
    return float("inf")
