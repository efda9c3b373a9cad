"""Comparisons, logic and bits, element by element. Their results are constant between jumps and record nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.operation import composite, described, elementwise, example, methods, operation, plain
from tinygrad_edu.tensor import Tensor

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "eq",
    "equal",
    "ge",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
]


@elementwise(np.equal, complex=True)
def eq(a: Any, b: Any) -> Tensor:
    r"""Whether :math:`a = b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.eq(tg.tensor([1, 2]), 2)
    tensor([False,  True])
    """


@elementwise(np.not_equal, complex=True)
def ne(a: Any, b: Any) -> Tensor:
    r"""Whether :math:`a \ne b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.ne(tg.tensor([1, 2]), 2)
    tensor([ True, False])
    """


@elementwise(np.less)
def lt(a: Any, b: Any) -> Tensor:
    r"""Whether :math:`a < b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.lt(tg.tensor([1, 2]), 2)
    tensor([ True, False])
    """


@elementwise(np.less_equal)
def le(a: Any, b: Any) -> Tensor:
    r"""Whether :math:`a \le b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.le(tg.tensor([1, 2, 3]), 2)
    tensor([ True,  True, False])
    """


@elementwise(np.greater)
def gt(a: Any, b: Any) -> Tensor:
    r"""Whether :math:`a > b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.gt(tg.tensor([1, 2, 3]), 2)
    tensor([False, False,  True])
    """


@elementwise(np.greater_equal)
def ge(a: Any, b: Any) -> Tensor:
    r"""Whether :math:`a \ge b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.ge(tg.tensor([1, 2, 3]), 2)
    tensor([False,  True,  True])
    """


@example(eq)
@example(ne)
@example(lt)
@example(le)
@example(gt)
@example(ge)
def equal_operands(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m, ties=True), real(m, ties=True))


@elementwise(np.logical_and, complex=True)
def logical_and(a: Any, b: Any) -> Tensor:
    r"""Whether both are true; all numbers but 0 count as true.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logical_and(tg.tensor([True, True]), tg.tensor([True, False]))
    tensor([ True, False])
    """


@elementwise(np.logical_or, complex=True)
def logical_or(a: Any, b: Any) -> Tensor:
    r"""Whether one or both are true; all numbers but 0 count as true.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logical_or(tg.tensor([True, False]), tg.tensor([False, False]))
    tensor([ True, False])
    """


@elementwise(np.logical_xor, complex=True)
def logical_xor(a: Any, b: Any) -> Tensor:
    r"""Whether exactly one is true; all numbers but 0 count as true.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logical_xor(tg.tensor([True, False]), tg.tensor([True, True]))
    tensor([False,  True])
    """


@elementwise(np.logical_not, complex=True)
def logical_not(x: Any) -> Tensor:
    r"""Whether 0 or false.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logical_not(tg.tensor([0, 3]))
    tensor([ True, False])
    """


@elementwise(np.isnan, complex=True)
def isnan(x: Any) -> Tensor:
    r"""Whether not a number.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.isnan(tg.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """


@elementwise(np.isinf, complex=True)
def isinf(x: Any) -> Tensor:
    r"""Whether :math:`\pm\infty`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.isinf(tg.tensor([1.0, -float("inf")]))
    tensor([False,  True])
    """


@elementwise(np.isfinite, complex=True)
def isfinite(x: Any) -> Tensor:
    r"""Whether neither infinite nor NaN.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.isfinite(tg.tensor([1.0, float("inf"), float("nan")]))
    tensor([ True, False, False])
    """


INTEGERS = {"a": 8, "b": 8}


@elementwise(np.bitwise_and, domain=INTEGERS)
def bitwise_and(a: Any, b: Any) -> Tensor:
    r"""The bits set in both integers; for bools "and".

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bitwise_and(tg.tensor([3, 6]), 2)
    tensor([2, 2])
    """


@elementwise(np.bitwise_or, domain=INTEGERS)
def bitwise_or(a: Any, b: Any) -> Tensor:
    r"""The bits set in either integer; for bools "or".

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bitwise_or(tg.tensor([1, 4]), 2)
    tensor([3, 6])
    """


@elementwise(np.bitwise_xor, domain=INTEGERS)
def bitwise_xor(a: Any, b: Any) -> Tensor:
    r"""The bits in which two integers differ; for bools "either, or".

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bitwise_xor(tg.tensor([3, 4]), 2)
    tensor([1, 6])
    """


@elementwise(np.bitwise_not, domain={"x": 8})
def bitwise_not(x: Any) -> Tensor:
    r"""The bits turned over; for bools "not".

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bitwise_not(tg.tensor([True, False]))
    tensor([False,  True])
    """


@operation(complex=True)
def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    r"""Whether :math:`|a - b| \le \mathrm{atol} + \mathrm{rtol}\,|b|`, element by element.

    Parameters
    ----------
    a, b : Tensor or array
    rtol, atol : float
        Relative and absolute tolerance.
    equal_nan : bool, default False
        Whether NaN counts as close to NaN.

    Returns
    -------
    Tensor
        Of bools.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.isclose(tg.tensor([1.0, 2.0]), tg.tensor([1.0 + 1e-7, 2.1]))
    tensor([ True, False])
    """
    return _close("isclose", a, b, rtol, atol, equal_nan)


def _close(name: str, a: Any, b: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    if rtol < 0 or atol < 0:
        raise ValueError(f"{name}: tolerances are not negative, got rtol={rtol}, atol={atol}")
    try:
        return np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    except ValueError:
        raise ShapeError(f"{name}: shapes do not broadcast: {described(a)} and {described(b)}") from None


@composite(differentiable=False)
def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    r"""Whether every element is close, as :func:`isclose` says.

    Parameters
    ----------
    a, b : Tensor or array
    rtol, atol : float
        Relative and absolute tolerance.
    equal_nan : bool, default False
        Whether NaN counts as close to NaN.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.allclose(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.1]))
    False
    """
    return bool(np.all(_close("allclose", plain(a), plain(b), rtol, atol, equal_nan)))


@composite(differentiable=False)
def equal(a: Any, b: Any) -> bool:
    """Whether two tensors have the same shape and the same elements.

    Parameters
    ----------
    a, b : Tensor or array

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.equal(tg.tensor([1, 2]), tg.tensor([1, 2]))
    True
    """
    return bool(np.array_equal(plain(a), plain(b)))


@example(isclose)
@example(allclose)
@example(equal)
def close_operands(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m, ties=True), real(n, m, ties=True))


def _or_not_implemented(comparison: Callable[..., Tensor]) -> Callable[..., Any]:
    # == and != are defined between any two objects: with something that is no operand, such as None, Python decides.
    def operator(self: Tensor, other: Any) -> Any:
        if other is None or isinstance(other, str):
            return NotImplemented
        return comparison(self, other)

    return operator


methods(__eq__=_or_not_implemented(eq), __ne__=_or_not_implemented(ne), __lt__=lt, __le__=le, __gt__=gt, __ge__=ge)
methods(__and__=bitwise_and, __or__=bitwise_or, __xor__=bitwise_xor, __invert__=bitwise_not)
methods(__rand__=bitwise_and, __ror__=bitwise_or, __rxor__=bitwise_xor)
