"""Rational arithmetic: where a layer adds, multiplies, divides and compares alone, equality needs no tolerance."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import ceil, floor, log10
from typing import Any

from tinygrad_edu.testing.exact.number import Inexact, field

__all__ = ["Rational", "rational"]


class Rational:
    """A fraction that answers to what decimals are asked, and computes with them: they are fractions, too.

    Parameters
    ----------
    x : int, float, Decimal, Fraction or Rational
    """

    __slots__ = ("fraction",)

    def __init__(self, x: Any) -> None:
        if isinstance(x, Decimal) and not x.is_finite():
            raise Inexact(f"{x} is no fraction")
        self.fraction: Fraction = x.fraction if isinstance(x, Rational) else Fraction(x)

    def __add__(self, other: Any) -> Any:
        return self._computed(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._computed(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return Rational(other) - self

    def __mul__(self, other: Any) -> Any:
        return self._computed(other, operator.mul)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._computed(other, operator.truediv)

    def __rtruediv__(self, other: Any) -> Any:
        return Rational(other) / self

    def __mod__(self, other: Any) -> Any:
        return self._computed(other, operator.mod)

    def __pow__(self, other: Any) -> Any:
        exponent = Rational(other).fraction
        if exponent.denominator != 1:
            raise Inexact(f"a power of {float(exponent):.6g} is no fraction")
        return Rational(self.fraction**exponent.numerator)

    def __neg__(self) -> Rational:
        return Rational(-self.fraction)

    def __abs__(self) -> Rational:
        return Rational(abs(self.fraction))

    def __eq__(self, other: Any) -> Any:
        return self._compared(other, operator.eq)

    def __lt__(self, other: Any) -> Any:
        return self._compared(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compared(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compared(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compared(other, operator.ge)

    def __hash__(self) -> int:
        return hash(self.fraction)

    def __bool__(self) -> bool:
        return bool(self.fraction)

    def __float__(self) -> float:
        return float(self.fraction)

    def __int__(self) -> int:
        return int(self.fraction)

    def __format__(self, how: str) -> str:
        return str(self.fraction)

    def __repr__(self) -> str:
        return str(self.fraction)

    def _computed(self, other: Any, operation: Callable[[Fraction, Fraction], Fraction]) -> Rational:
        return Rational(operation(self.fraction, Rational(other).fraction))

    def _compared(self, other: Any, comparison: Callable[[Fraction, Fraction], bool]) -> bool:
        return comparison(self.fraction, Rational(other).fraction)

    # The questions that decimals answer.

    copy_abs = __abs__

    def is_nan(self) -> bool:
        """No."""
        return False

    is_infinite = is_nan

    def is_finite(self) -> bool:
        """Yes."""
        return True

    def is_signed(self) -> bool:
        """Whether it is negative."""
        return self.fraction < 0

    def adjusted(self) -> int:
        """The power of ten of its first digit, or one beside it."""
        return floor(log10(abs(self.fraction.numerator)) - log10(self.fraction.denominator))

    def to_integral_value(self, rounding: str = ROUND_HALF_EVEN) -> Rational:
        """An integer beside it."""
        towards: dict[str, Any] = {ROUND_FLOOR: floor, ROUND_CEILING: ceil, ROUND_HALF_EVEN: round}
        return Rational(towards.get(rounding, int)(self.fraction))

    def exp(self) -> Any:
        """Refused, as are logarithms and roots."""
        raise Inexact("an exponential, a logarithm or a root is no fraction")

    ln = log10 = sqrt = exp


@contextlib.contextmanager
def rational() -> Iterator[None]:
    """Within it exact numbers are fractions; what leads out of them raises :class:`Inexact`.

    Examples
    --------
    >>> from tinygrad_edu.testing.exact import exact
    >>> with rational():
    ...     print((1 / (exact(3.0) * 7)).item())
    1/21
    """
    before, field.number = field.number, Rational
    try:
        yield
    finally:
        field.number = before
