r"""Dual numbers over decimals: a value and its derivative along one direction, both with 60 digits.

A dual number is :math:`a + \dot a\,\varepsilon` with :math:`\varepsilon^2 = 0`. Computing a program on duals gives its
value and, as the coefficient of :math:`\varepsilon`, its derivative along the direction in which the arguments' tangents
point: Taylor's series without its second term. Products give Leibniz' rule,
:math:`(a + \dot a\varepsilon)(b + \dot b\varepsilon) = ab + (a\dot b + \dot a b)\varepsilon`.
"""

from __future__ import annotations

import contextlib
import decimal
import itertools
import math
import operator
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

__all__ = ["Dual", "Inexact", "as_dual", "constant", "field", "precision", "ties"]

DIGITS = 60
# Some functions cancel; what is lost there is computed in excess.
GUARD = 15
ZERO, ONE = Decimal(0), Decimal(1)


class Ties(threading.local):
    r"""What becomes of numbers that are equal and about to part, as their tangents differ.

    Attributes
    ----------
    met : bool
        Whether such numbers were compared: the branch taken there is a convention.
    watch : callable or None
        ``watch(operator, outcome, tie)``, told of every comparison.
    """

    met = False
    watch: Callable[[str, bool, bool], None] | None = None


ties = Ties()


class Field(threading.local):
    """How numbers are made.

    Attributes
    ----------
    number : type
        Decimal, or :class:`~tinygrad_edu.testing.exact.rational.Rational`.
    literals : tuple of float
        The numbers that stand in the source of what is running.
    """

    number: Callable[[Any], Any] = Decimal
    literals: tuple[float, ...] = ()


field = Field()


class Inexact(TypeError):
    """The code asked for something that has no exact counterpart."""


@contextlib.contextmanager
def precision(digits: int = DIGITS) -> Iterator[None]:
    """Within it decimals are computed with this many digits, and infinities and NaN are values, not errors.

    Parameters
    ----------
    digits : int, default 60
    """
    with decimal.localcontext() as context:
        context.prec = digits + GUARD
        context.Emax, context.Emin = decimal.MAX_EMAX, decimal.MIN_EMIN
        context.clear_traps()
        yield


class Dual:
    """A number and its derivative along one direction.

    Parameters
    ----------
    value : Decimal
    tangent : Decimal, optional
        The derivative.

    Notes
    -----
    Comparisons look at the value alone. ``float()`` is refused: it would let NumPy round without saying so.
    """

    __slots__ = ("tangent", "value")

    def __init__(self, value: Decimal, tangent: Decimal = ZERO) -> None:
        self.value = value
        self.tangent = tangent

    def __add__(self, other: Any) -> Any:
        b = as_dual(other)
        return b if b is NotImplemented else Dual(self.value + b.value, self.tangent + b.tangent)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        b = as_dual(other)
        return b if b is NotImplemented else Dual(self.value - b.value, self.tangent - b.tangent)

    def __rsub__(self, other: Any) -> Any:
        a = as_dual(other)
        return a if a is NotImplemented else a - self

    def __mul__(self, other: Any) -> Any:
        b = as_dual(other)
        if b is NotImplemented:
            return b
        return Dual(self.value * b.value, self.value * b.tangent + self.tangent * b.value)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        b = as_dual(other)
        if b is NotImplemented:
            return b
        quotient = self.value / b.value
        return Dual(quotient, (self.tangent - quotient * b.tangent) / b.value)

    def __rtruediv__(self, other: Any) -> Any:
        a = as_dual(other)
        return a if a is NotImplemented else a / self

    def __floordiv__(self, other: Any) -> Any:
        b = as_dual(other)
        return b if b is NotImplemented else (self / b).floor()

    def __rfloordiv__(self, other: Any) -> Any:
        return as_dual(other) // self

    def __mod__(self, other: Any) -> Any:
        b = as_dual(other)
        return b if b is NotImplemented else self - b * (self / b).floor()

    def __pow__(self, other: Any) -> Any:
        b = as_dual(other)
        if b is NotImplemented:
            return b
        if not b.tangent and b.value == b.value.to_integral_value():
            value = self.value**b.value
            return Dual(value, b.value * self.value ** (b.value - 1) * self.tangent if b.value else ZERO)
        log = self.value.ln()
        value = (b.value * log).exp()
        return Dual(value, value * (b.tangent * log + b.value * self.tangent / self.value))

    def __rpow__(self, other: Any) -> Any:
        return as_dual(other) ** self

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.tangent)

    def __pos__(self) -> Dual:
        return self

    def __abs__(self) -> Dual:
        return -self if self < 0 else self

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

    def _compared(self, other: Any, comparison: Any) -> Any:
        b = as_dual(other)
        if b is NotImplemented:
            return b
        outcome, tie = comparison(self.value, b.value), self.value == b.value
        ties.met = ties.met or (tie and self.tangent != b.tangent)
        if ties.watch is not None:
            ties.watch(comparison.__name__, outcome, tie)
        return outcome

    def __hash__(self) -> int:
        return hash(self.value)

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __float__(self) -> float:
        raise Inexact(
            "an exact number was to become a float, as when it is written into an array of floats. Make such arrays "
            "like another (np.zeros_like(x), np.empty(n, dtype=x.dtype))"
        )

    def __int__(self) -> int:
        if self.value != self.value.to_integral_value():
            raise Inexact(f"an exact number, {self.value:.6g}, was to become an integer")
        return int(self.value)

    # NumPy calls these by name on the elements of an array of objects.

    def conjugate(self) -> Dual:
        """The number itself; ``np.var`` asks for it."""
        return self

    def floor(self) -> Dual:
        """The integer below, a constant between its jumps."""
        return Dual(self.value.to_integral_value(decimal.ROUND_FLOOR))

    def ceil(self) -> Dual:
        """The integer above."""
        return Dual(self.value.to_integral_value(decimal.ROUND_CEILING))

    def trunc(self) -> Dual:
        """The integer towards 0."""
        return Dual(self.value.to_integral_value(decimal.ROUND_DOWN))

    def rint(self) -> Dual:
        """The nearest integer, halves to the even one."""
        return Dual(self.value.to_integral_value(decimal.ROUND_HALF_EVEN))

    def exp(self) -> Dual:
        """Exponential."""
        value = self.value.exp()
        return Dual(value, value * self.tangent)

    def log(self) -> Dual:
        """Natural logarithm."""
        if self.value < 0:
            return Dual(Decimal("NaN"), Decimal("NaN"))
        return Dual(self.value.ln(), self.tangent / self.value)

    def sqrt(self) -> Dual:
        """Square root."""
        value = self.value.sqrt()
        return Dual(value, self.tangent / (2 * value))

    def __repr__(self) -> str:
        return f"{self.value:.10g}" + (f" + {self.tangent:.10g}ε" if self.tangent else "")


def as_dual(x: Any) -> Any:
    """A number that code computes with, as a dual without tangent; floats are what their writer meant.

    Parameters
    ----------
    x : Dual, int, float, Decimal, bool or a NumPy scalar

    Returns
    -------
    Dual, or NotImplemented for anything else
    """
    if isinstance(x, Dual):
        return x
    if isinstance(x, float):
        return Dual(constant(float(x)))
    if isinstance(x, int | Decimal):
        return Dual(field.number(x))
    item = getattr(x, "item", None)
    if item is not None and getattr(x, "ndim", None) == 0:
        found = item()
        # A float32 has fewer digits, of which the shortest that give it are what was meant.
        return as_dual(float(str(x)) if isinstance(found, float) else found)
    return NotImplemented


def constant(x: float) -> Decimal:
    r"""The number that a float in a program stands for.

    A literal such as 0.1 is the decimal that was typed. What a program computed as a float, such as ``1/3`` or
    ``math.sqrt(2/math.pi)``, has 16 or 17 digits and was meant to be a quotient of small integers, or that times a
    well-known number or its root, or a sum, difference, product or quotient of two literals.

    Parameters
    ----------
    x : float

    Returns
    -------
    Decimal, or Rational within :func:`~tinygrad_edu.testing.exact.rational.rational`
        If it is none of these, the binary fraction that the float is: a rounded number, but the same one wherever the
        program uses it.
    """
    meant = _meant(x, decimal.getcontext().prec, field.literals)
    if isinstance(meant, Fraction):
        return field.number(meant.numerator) / field.number(meant.denominator)
    return field.number(meant)


@lru_cache(4096)
def _meant(x: float, digits: int, literals: tuple[float, ...]) -> Decimal | Fraction:
    if not math.isfinite(x):
        return Decimal(x)
    if len(repr(x).split("e")[0].replace(".", "").strip("-0")) <= 14:
        return Decimal(repr(x))
    for factor in _known():
        # A sum or product of floats may be off by a unit or two in the last place.
        quotient = Decimal(x) / factor
        near = Fraction(float(quotient)).limit_denominator(1000)
        if near and abs(Decimal(near.numerator) / near.denominator / quotient - 1) < Decimal("5e-16"):
            return near if factor == 1 else Decimal(near.numerator) / near.denominator * factor
    if x in literals:
        return Decimal(repr(x))
    for a, b in itertools.product(literals, repeat=2):
        for operation in (operator.mul, operator.truediv, operator.add, operator.sub):
            if abs(operation(a, b) - x) <= math.ulp(x):
                return operation(Decimal(repr(a)), Decimal(repr(b)))
    return Decimal(x)


def _known() -> list[Decimal]:
    """Numbers that, times a fraction, make the constants of formulas: roots, powers of π, e, logarithms of 2 and 10."""
    pi, roots = Decimal(PI), [Decimal(n).sqrt() for n in (1, 2, 3, 5)]
    bases = [ONE, pi, 1 / pi, pi.sqrt(), 1 / pi.sqrt()]
    others = [Decimal(1).exp(), Decimal(2).ln(), 1 / Decimal(2).ln(), Decimal(10).ln(), 1 / Decimal(10).ln()]
    return [*(base * root for base in bases for root in roots), *others]


PI = (
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651328"
    "2306647093844609550582231725359408128481117450284102701938521105559644622948954930381964428810975665933446128475648"
    "2337867831652712019091456485669234603486104543266482"
)
