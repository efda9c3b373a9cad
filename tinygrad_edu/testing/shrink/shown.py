"""A small failing input, as a person reads and pastes it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Smallest"]

WIDTH = 112
# Elements of a gradient that are shown; of more, the worst one is.
TOLD = 16
# Denominators that a person computes with.
DENOMINATOR = 64


@dataclass(frozen=True)
class Smallest:
    """The smallest inputs found at which a gradient is still wrong, or a clause of the contract broken.

    Attributes
    ----------
    arguments : tuple
        Of the forward.
    names : tuple of str
        Of the arguments.
    options : dict
        The arrays among the forward's options.
    argument : str
        That whose gradient is wrong.
    dy : numpy.ndarray or None
        The cotangent.
    found, right : numpy.ndarray of Decimal or of float64, or None
        The gradient by the backward, and the derivative of the forward; as decimals where the code runs on exact numbers.
    upper : numpy.ndarray or None
        At a kink `right` is the least slope around, and this the largest.
    said : str
        What else there is to say.
    """

    arguments: tuple[Any, ...]
    names: tuple[str, ...]
    options: dict[str, NDArray] = field(default_factory=dict)
    argument: str = ""
    dy: NDArray | None = None
    found: NDArray | None = None
    right: NDArray | None = None
    upper: NDArray | None = None
    said: str = ""

    @property
    def elements(self) -> int:
        """How many numbers the arrays among the arguments hold."""
        return sum(a.size for a in self.arguments if isinstance(a, np.ndarray))

    def __str__(self) -> str:
        return "\n".join(["the smallest inputs found at which it is wrong:", *(f"  {line}" for line in self.lines())])

    def lines(self) -> Iterator[str]:
        """The inputs, the gradient that came, and the right one."""
        given = dict(zip(self.names, self.arguments, strict=True)) | self.options
        given |= {} if self.dy is None else {"dy": self.dy}
        yield from packed([f"{name} = {literal(value)}" for name, value in given.items()])
        if self.found is not None and self.right is not None:
            found, right, where = self.found, self.right, ""
            upper = right if self.upper is None else self.upper
            if found.size > TOLD:
                at = worst(found, right, upper)
                found, right, upper = found[at], right[at], upper[at]
                where = f" at [{', '.join(map(str, at))}]"
            digits = next(
                (d for d in (6, 12, 24, 48) if nested(found, d) not in (nested(right, d), nested(upper, d))), 60
            )
            least, most = nested(right, digits), nested(upper, digits)
            yield f"the gradient of {self.argument}{where} comes out as {nested(found, digits)}"
            yield f"and should be {least}" if least == most else f"and should be between {least} and {most}"
        if self.said:
            yield from textwrap.wrap(self.said, WIDTH)


def worst(found: NDArray, least: NDArray, most: NDArray) -> tuple[int, ...]:
    """The element that is furthest from what is right."""

    def beyond(k: tuple[int, ...]) -> tuple[bool, Fraction]:
        if not all(Decimal(a[k]).is_finite() for a in (found, least, most)):
            return True, Fraction(0)
        x, a, b = Fraction(found[k]), Fraction(least[k]), Fraction(most[k])
        return False, max(a - x, x - b)

    return max(np.ndindex(*found.shape), key=beyond)


def packed(statements: list[str]) -> Iterator[str]:
    """Statements on as few lines as hold them, long ones broken within their brackets."""
    line = ""
    for statement in statements:
        if line and len(line) + len(statement) > WIDTH:
            yield from textwrap.wrap(line, WIDTH, subsequent_indent="    ")
            line = ""
        line += f"; {statement}" if line else statement
    yield from textwrap.wrap(line, WIDTH, subsequent_indent="    ")


def literal(value: Any) -> str:
    """A value as Python writes it."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.size:
        return f"np.array({value.tolist()!r})"
    return f"np.zeros({value.shape})"


def nested(x: Any, digits: int) -> str:
    """Numbers within brackets, simple fractions as such, others in so many digits."""
    if isinstance(x, np.ndarray):
        return nested(x.tolist(), digits)
    if isinstance(x, list):
        return f"[{', '.join(nested(item, digits) for item in x)}]"
    return number(x, digits)


def number(x: Decimal | float | None, digits: int) -> str:
    """A simple fraction, or so many digits."""
    if x is None or not Decimal(x).is_finite():
        return str(x).lower()
    if digits > 12 and isinstance(x, Decimal):
        return f"{x.normalize(Context(digits))}"
    value = Fraction(x)
    near = value.limit_denominator(DENOMINATOR)
    # The last digits are not to be trusted: those of a difference from its 9th on, of decimals from their 30th on.
    slack = Fraction(1, 10**30) if isinstance(x, Decimal) else Fraction(1, 10**8)
    if abs(value - near) <= slack * max(Fraction(1), abs(near)) and (near or not x or isinstance(x, float)):
        return str(near)
    return f"{float(x):.{min(digits, 12)}g}"
