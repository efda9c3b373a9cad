r"""Arithmetic, element by element, with broadcasting.

Each operation stands with the formula of its cotangents: for :math:`y = f(a, b)` and an incoming cotangent :math:`g =
\partial L/\partial y`, the rule of :math:`a` is :math:`g\,\partial f/\partial a`.
"""

from __future__ import annotations

import cmath
import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from tinygrad_edu.dtypes import result_type
from tinygrad_edu.errors import DtypeError
from tinygrad_edu.ops.comparison import eq, ge, logical_and
from tinygrad_edu.ops.creation import zeros_like
from tinygrad_edu.ops.exponential import log
from tinygrad_edu.ops.operation import (
    Rule,
    composite,
    described,
    elementwise,
    is_complex,
    methods,
    overwriting,
    plain,
    ufuncs,
)
from tinygrad_edu.ops.selection import where
from tinygrad_edu.tensor import Tensor

__all__ = [
    "abs",
    "add",
    "ceil",
    "div",
    "floor",
    "floor_divide",
    "fmod",
    "mul",
    "neg",
    "pow",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "sgn",
    "sign",
    "square",
    "sub",
    "trunc",
]

F = TypeVar("F", bound=Callable[..., Any])

AWAY_FROM_ZERO = (0.5, 2.0)
CONSTANT: Rule = lambda g: zeros_like(g)


@elementwise(np.add, complex=True, a=lambda g: g, b=lambda g: g)
def add(a: Any, b: Any) -> Tensor:
    r"""Sum :math:`a + b`; with `alpha`, :math:`a + \alpha b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.add(tg.tensor([1.0, 2.0]), 10)
    tensor([11., 12.])
    >>> tg.add(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0]), alpha=0.5)
    tensor([1.5, 2.5])
    """


@elementwise(np.subtract, complex=True, a=lambda g: g, b=lambda g: -g)
def sub(a: Any, b: Any) -> Tensor:
    r"""Difference :math:`a - b`; with `alpha`, :math:`a - \alpha b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.sub(tg.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """


@elementwise(np.multiply, complex=True, a=lambda g, b: g * b, b=lambda g, a: g * a)
def mul(a: Any, b: Any) -> Tensor:
    r"""Product :math:`a b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.mul(tg.tensor([[1.0], [2.0]]), tg.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """


@elementwise(
    np.divide,
    floating=True,
    complex=True,
    domain={"b": AWAY_FROM_ZERO},
    a=lambda g, b: g / b,
    b=lambda g, b, result: -g * (result / b),
)
def div(a: Any, b: Any) -> Tensor:
    r"""Quotient :math:`a / b`, a float also for integers; rounded where `rounding_mode` is "floor" or "trunc".

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.div(tg.tensor([7, -7]), 2)
    tensor([ 3.5, -3.5])
    >>> tg.div(tg.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """


def _not_by_zero(kernel: np.ufunc) -> Callable:
    def divided(a: Any, b: Any) -> Any:
        # Floats have infinity and NaN for it; for integers NumPy would warn, and give 0.
        if np.result_type(a, b).kind != "f" and not np.all(b):
            raise RuntimeError(f"{kernel.__name__}: division of integers by 0")
        return kernel(a, b)

    return divided


@elementwise(_not_by_zero(np.floor_divide), domain={"b": AWAY_FROM_ZERO}, a=CONSTANT, b=CONSTANT)
def floor_divide(a: Any, b: Any) -> Tensor:
    r"""Quotient rounded down, :math:`\lfloor a / b \rfloor`; constant between its jumps, hence of gradient 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.floor_divide(tg.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """


@elementwise(
    _not_by_zero(np.remainder),
    domain={"b": AWAY_FROM_ZERO},
    a=lambda g: g,
    b=lambda g, a, b: -g * floor_divide(a, b),
)
def remainder(a: Any, b: Any) -> Tensor:
    r"""Remainder :math:`a - b \lfloor a / b \rfloor`, of the sign of :math:`b`, as Python's ``%``.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.remainder(tg.tensor([5.0, -5.0]), 3)
    tensor([2., 1.])
    """


@elementwise(_not_by_zero(np.fmod), domain={"b": AWAY_FROM_ZERO}, a=lambda g: g, b=lambda g, a, b: -g * trunc(a / b))
def fmod(a: Any, b: Any) -> Tensor:
    r"""Remainder :math:`a - b\,\mathrm{trunc}(a / b)`, of the sign of :math:`a`, as C's ``fmod``.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fmod(tg.tensor([5.0, -5.0]), 3)
    tensor([ 2., -2.])
    """


@elementwise(np.negative, complex=True, x=lambda g: -g)
def neg(x: Any) -> Tensor:
    r"""Negative :math:`-x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.neg(tg.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """


@elementwise(
    np.reciprocal, floating=True, complex=True, domain={"x": AWAY_FROM_ZERO}, x=lambda g, result: -g * (result * result)
)
def reciprocal(x: Any) -> Tensor:
    r"""Reciprocal :math:`1 / x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.reciprocal(tg.tensor([2.0, -4.0]))
    tensor([ 0.5 , -0.25])
    """


@elementwise(
    lambda x: np.square(x, dtype=np.int64 if x.dtype.kind == "b" else None), complex=True, x=lambda g, x: g * (2.0 * x)
)
def square(x: Any) -> Tensor:
    r"""Square :math:`x^2`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.square(tg.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """


# For x = u + iv and y = |x|, ∂y/∂u + i ∂y/∂v = (u + iv) / y.
@elementwise(np.absolute, complex=True, x=lambda g, x: g * sgn(x))
def abs(x: Any) -> Tensor:
    r"""Magnitude :math:`|x|`, a real number also for complex ones; the gradient at 0 is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.abs(tg.tensor([1.0, -3.0]))
    tensor([1., 3.])
    """


def _power(a: Any, b: Any) -> Any:
    dtype = getattr(a, "dtype", None) or getattr(b, "dtype", None)
    if dtype is not None and dtype.kind in "bui":
        if np.less(b, 0).any():
            raise TypeError("integers have no negative integer powers")
        if np.result_type(a, b).kind == "b":
            return a | ~b
    # Written with **, for which NumPy has short cuts (b = 2, 0.5, -1) that np.power has not.
    return a**b


def _power_da(g: Any, a: Any, b: Any) -> Any:
    # b a^(b-1). Where b is 0 the power is constant; a^(b-1) could be infinite there and is not formed.
    if isinstance(b, int | float | complex):
        if b == 0:
            return zeros_like(g)
        return g * (2.0 * a) if b == 2 else g * (1.0 * b * a ** (b - 1))
    constant = eq(b, 0)
    return where(constant, 0.0, g) * (b * a ** where(constant, 0.0, b - 1.0))


def _power_db(g: Any, a: Any, b: Any, result: Any) -> Any:
    # a^b ln a. Where a is 0 and b >= 0 its limit is 0, which the product 0 · ln 0 would miss.
    if isinstance(a, int | float | complex):
        if a == 0:
            return where(_not_negative(b), 0.0, g * -cmath.inf)
        logarithm: Any = cmath.log(a)
        if result.dtype.kind != "c":
            logarithm = logarithm.real if logarithm.imag == 0 else cmath.nan
        return g * (result * logarithm)
    constant = logical_and(eq(a, 0), _not_negative(b))
    base = where(constant, 1.0, a)
    if result.dtype.kind == "c":
        base = base * (1 + 0j)  # a negative number has a complex logarithm
    return where(constant, 0.0, g) * (result * log(base))


def _not_negative(b: Any) -> Any:
    return logical_and(ge(b.real, 0), eq(b.imag, 0)) if is_complex(plain(b)) else ge(b, 0)


@elementwise(_power, complex=True, domain={"a": AWAY_FROM_ZERO}, a=_power_da, b=_power_db)
def pow(a: Any, b: Any) -> Tensor:
    r"""Power :math:`a^b`.

    With :math:`\partial y/\partial a = b\,a^{b-1}` and :math:`\partial y/\partial b = a^b \ln a`. By the conventions of
    the limits, :math:`0^0 = 1`, the gradient of :math:`a` is 0 where :math:`b = 0`, and the gradient of :math:`b` is 0
    where :math:`a = 0` and :math:`b \ge 0`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.pow(tg.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """


def _rounding(kernel: np.ufunc) -> Callable:
    # Integers are round already, and np.rint would make floats of them.
    return lambda x: kernel(x) if x.dtype.kind == "f" else +x


@elementwise(_rounding(np.floor), x=CONSTANT)
def floor(x: Any) -> Tensor:
    r"""The largest integer not above, :math:`\lfloor x \rfloor`; its gradient is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.floor(tg.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """


@elementwise(_rounding(np.ceil), x=CONSTANT)
def ceil(x: Any) -> Tensor:
    r"""The smallest integer not below, :math:`\lceil x \rceil`; its gradient is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.ceil(tg.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """


@elementwise(_rounding(np.trunc), x=CONSTANT)
def trunc(x: Any) -> Tensor:
    r"""The integer part, rounded towards 0; its gradient is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.trunc(tg.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """


@elementwise(_rounding(np.rint), x=CONSTANT)
def round(x: Any) -> Tensor:
    r"""The nearest integer, halves to the even one, or with `decimals` the nearest multiple of :math:`10^{-d}`.

    Its gradient is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.round(tg.tensor([0.5, 1.5, 2.4]))
    tensor([0., 2., 2.])
    >>> tg.round(tg.tensor([0.126, 12.5]), decimals=1)
    tensor([ 0.1, 12.5])
    """


@composite()
def sgn(x: Any) -> Tensor:
    r"""The number of magnitude 1 in the direction of :math:`x`, :math:`x / |x|`, and 0 for 0; of real numbers the sign.

    Parameters
    ----------
    x : Tensor, array or number
        Of any shape.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.sgn(tg.tensor([3 + 4j, 0, -2]))
    tensor([ 0.6+0.8j,  0. +0.j , -1. +0.j ])
    """
    if not is_complex(plain(x)):
        return sign(x)
    zero = eq(x, 0)
    return where(zero, 0.0, x / where(zero, 1.0, abs(x)))


def _sign(x: np.ndarray) -> np.ndarray:
    # Two comparisons: np.sign branches on every float, which took 30 times as long on mixed signs.
    return np.subtract(x > 0, x < 0, dtype=np.int8).astype(x.dtype)


@elementwise(_sign, x=CONSTANT)
def sign(x: Any) -> Tensor:
    r"""-1, 0 or 1; its gradient is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.sign(tg.tensor([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """


def _relu(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "b":
        raise DtypeError(f"relu: expected numbers, got bools (shape {x.shape})")
    return np.maximum(x, 0)


# Not `result > 0`: where the result is NaN, so is the gradient's source, and the gradient passes as in PyTorch.
@elementwise(_relu, x=lambda g, result: g * (result != 0))
def relu(x: Any) -> Tensor:
    r"""Rectifier :math:`\max(x, 0)`; the gradient at 0 is 0.

    The rule keeps the result, which the next operation mostly keeps as well.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.relu(tg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """


def _scaled(operation: F) -> F:
    @functools.wraps(operation)
    def call(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        if alpha == 1:
            return operation(input, other)
        if isinstance(alpha, float) and result_type(plain(input), plain(other)).kind != "f":
            raise DtypeError(f"{operation.__name__}: alpha is an int for integers, got {alpha}")
        return operation(input, mul(other, alpha))

    return call


def _rounded(quotient: F) -> F:
    @functools.wraps(quotient)
    def call(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        if rounding_mode is None:
            return quotient(input, other)
        if rounding_mode == "floor":
            return floor_divide(input, other)
        if rounding_mode != "trunc":
            raise ValueError(f'div: rounding_mode is None, "floor" or "trunc", got {rounding_mode!r}')
        if result_type(plain(input), plain(other)).kind == "f":
            return trunc(quotient(input, other))
        return floor_divide(
            sub(input, fmod(input, other)), other
        )  # a multiple of the divisor, hence exact for integers of any size

    return call


def _to_decimals(nearest: F) -> F:
    @functools.wraps(nearest)
    def call(input: Any, *, decimals: int = 0) -> Tensor:
        if decimals == 0:
            return nearest(input)
        if plain(input).dtype.kind != "f" or not isinstance(decimals, int):
            raise DtypeError(f"round: expected floats and a number of decimals, got {described(input)}, {decimals!r}")
        # Positive powers of ten are exact, their reciprocals are not.
        if decimals > 0:
            return nearest(input * 10.0**decimals) / 10.0**decimals
        return nearest(input / 10.0**-decimals) * 10.0**-decimals

    return call


def _to_exponent(power: F) -> F:
    @functools.wraps(power)
    def call(input: Any, exponent: Any) -> Tensor:
        return power(input, exponent)

    return call


def _positive(x: Tensor) -> Tensor:
    if x.dtype.kind == "b":
        raise DtypeError(f"pos: expected numbers, got {described(x)}")
    return x


# The operators are the operations themselves; alpha and rounding_mode cost only those who name the function.
methods(__neg__=neg, __pos__=_positive, __abs__=abs)
methods(__add__=add, __radd__=add, __iadd__=overwriting(add))
methods(__sub__=sub, __rsub__=lambda b, a: sub(a, b), __isub__=overwriting(sub))
methods(__mul__=mul, __rmul__=mul, __imul__=overwriting(mul))
methods(__truediv__=div, __rtruediv__=lambda b, a: div(a, b), __itruediv__=overwriting(div))
methods(
    __floordiv__=floor_divide, __rfloordiv__=lambda b, a: floor_divide(a, b), __ifloordiv__=overwriting(floor_divide)
)
methods(__mod__=remainder, __rmod__=lambda b, a: remainder(a, b), __imod__=overwriting(remainder))
methods(__pow__=pow, __rpow__=lambda b, a: pow(a, b), __ipow__=overwriting(pow))

add, sub, div, round, pow = _scaled(add), _scaled(sub), _rounded(div), _to_decimals(round), _to_exponent(pow)
methods(add=add, add_=overwriting(add), sub=sub, sub_=overwriting(sub), div=div, div_=overwriting(div))
methods(round=round, round_=overwriting(round), pow=pow, pow_=overwriting(pow))

# Those whose kernel is not the ufunc itself.
ufuncs.update({np.power: pow, np.square: square, np.sign: sign})
ufuncs.update({np.floor_divide: floor_divide, np.remainder: remainder, np.fmod: fmod})
ufuncs.update({np.floor: floor, np.ceil: ceil, np.trunc: trunc, np.rint: round})
