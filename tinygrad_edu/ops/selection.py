"""Choosing between values, element by element: by a condition, by size, between bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, labels, real
from tinygrad_edu.dtypes import result_type
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.comparison import ge, gt, isnan, le, logical_and, logical_not, logical_or, lt
from tinygrad_edu.ops.operation import composite, described, elementwise, example, methods, operation, overwriting
from tinygrad_edu.tensor import Tensor

__all__ = ["clamp", "clamp_max", "clamp_min", "clip", "fmax", "fmin", "lerp", "maximum", "minimum", "where"]


@operation(
    complex=True,
    method=False,
    a=lambda g, condition, a_shape: unbroadcast(where(condition, g, 0.0), a_shape),
    b=lambda g, condition, b_shape: unbroadcast(where(condition, 0.0, g), b_shape),
)
def where(condition: Any, a: Any, b: Any) -> Tensor:
    r""":math:`a` where the condition holds and :math:`b` elsewhere, with broadcasting.

    The cotangent of :math:`a` is that of the result where the condition holds, and exactly 0 elsewhere, even if it is
    infinite there.

    Parameters
    ----------
    condition : Tensor or array
        Of bools; of other numbers, all but 0 count as true.
    a, b : Tensor, array or number

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([-1.0, 4.0])
    >>> tg.where(x > 0, x, 0.0)
    tensor([0., 4.])
    """
    if not isinstance(condition, np.ndarray) or condition.dtype.kind != "b":
        condition = np.not_equal(condition, 0)
    dtype = result_type(a, b)
    try:
        return np.where(condition, np.asarray(a, dtype), np.asarray(b, dtype))
    except ValueError:
        shapes = ", ".join(described(operand) for operand in (condition, a, b))
        raise ShapeError(f"where: shapes do not broadcast: {shapes}") from None


@example(where)
def where_chooses(n: Size = 3, m: Size = 4, spread: bool = True) -> Case:
    return case(labels(n, m, classes=2), real(m) if spread else real(n, m), real(n, 1) if spread else real(n, m))


def _where(self: Tensor, condition: Any, other: Any) -> Tensor:
    return where(condition, self, other)


_where.__doc__ = "This tensor where the condition holds and `other` elsewhere: see :func:`where`."
methods(where=_where)


def _larger(g: Any, a: Any, b: Any) -> Any:
    # 1 where a > b and 1/2 at ties: the mean of a > b and a >= b.
    g = 0.5 * g
    return g * gt(a, b) + g * ge(a, b)


@elementwise(np.maximum, a=lambda g, a, b: _larger(g, a, b), b=lambda g, a, b: _larger(g, b, a))
def maximum(a: Any, b: Any) -> Tensor:
    r"""The larger of two, :math:`\max(a, b)`; at ties each gets half of the gradient.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.maximum(tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0]))
    tensor([3., 5.])
    """


@elementwise(np.minimum, a=lambda g, a, b: _larger(g, b, a), b=lambda g, a, b: _larger(g, a, b))
def minimum(a: Any, b: Any) -> Tensor:
    r"""The smaller of two, :math:`\min(a, b)`; at ties each gets half of the gradient.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.minimum(tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0]))
    tensor([1., 4.])
    """


def _first(chosen: Any, a: Any, b: Any) -> Any:
    return logical_or(chosen(a, b), isnan(b))


@elementwise(np.fmax, a=lambda g, a, b: g * _first(ge, a, b), b=lambda g, a, b: g * logical_not(_first(ge, a, b)))
def fmax(a: Any, b: Any) -> Tensor:
    r"""The larger of two, or the one that is not NaN; at ties the first gets the gradient.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fmax(tg.tensor([1.0, tg.nan]), tg.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """


@elementwise(np.fmin, a=lambda g, a, b: g * _first(le, a, b), b=lambda g, a, b: g * logical_not(_first(le, a, b)))
def fmin(a: Any, b: Any) -> Tensor:
    r"""The smaller of two, or the one that is not NaN; at ties the first gets the gradient.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fmin(tg.tensor([1.0, tg.nan]), tg.tensor([3.0, 4.0]))
    tensor([1., 4.])
    """


@example(maximum)
@example(minimum)
def equal_operands(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m, ties=True), real(n, m, ties=True))


def _inside(x: Any, min: Any, max: Any) -> Any:
    if max is None:
        return ge(x, min)
    return le(x, max) if min is None else logical_and(ge(x, min), le(x, max))


def _below(x: Any, min: Any, max: Any) -> Any:
    # Where max <= min the result is max.
    return lt(x, min) if max is None else logical_and(lt(x, min), lt(min, max))


def _above(x: Any, min: Any, max: Any) -> Any:
    return gt(x, max) if min is None else logical_or(gt(x, max), lt(max, min))


@operation(
    in_place=True,
    x=lambda g, x, min, max, x_shape: unbroadcast(g * _inside(x, min, max), x_shape),
    min=lambda g, x, min, max, min_shape: unbroadcast(g * _below(x, min, max), min_shape),
    max=lambda g, x, min, max, max_shape: unbroadcast(g * _above(x, min, max), max_shape),
)
def clamp(x: Any, min: Any = None, max: Any = None) -> Tensor:
    r"""Limit to the interval between two bounds, :math:`\min(\max(x, \mathrm{min}), \mathrm{max})`.

    The gradient passes inside and at the bounds; outside it goes to the bound, where that is a tensor.

    Parameters
    ----------
    x : Tensor or array
    min, max : Tensor, array or number, optional
        One may be omitted, for no bound on that side.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If both bounds are omitted.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.clamp(tg.tensor([-3.0, 0.5, 3.0]), min=-1, max=1)
    tensor([-1. ,  0.5,  1. ])
    """
    bounds = [bound for bound in (min, max) if bound is not None]
    if not bounds:
        raise ValueError("clamp: at least one of min and max is needed, both are None")
    dtype = result_type(x, *bounds)
    x, *bounds = (np.asarray(operand, dtype) for operand in (x, *bounds))
    try:
        if min is not None:
            x = np.maximum(x, bounds[0])
        if max is not None:
            x = np.minimum(x, bounds[-1])
    except ValueError:
        shapes = ", ".join(described(operand) for operand in (x, *bounds))
        raise ShapeError(f"clamp: shapes do not broadcast: {shapes}") from None
    return x


@example(clamp)
def between_numbers(n: Size = 3, m: Size = 4, low: bool = True) -> Case:
    return case(real(n, m), min=-0.7, max=0.9) if low else case(real(n, m), max=0.9)


@example(clamp)
def between_tensors(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), real(m), real(n, 1))


@example(clamp)
def at_the_bounds(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m, ties=True), min=-1.0, max=1.0)


@composite()
def clamp_min(x: Any, min: Any) -> Tensor:
    r"""Limit from below, :math:`\max(x, \mathrm{min})`; see :func:`clamp`.

    Parameters
    ----------
    x : Tensor or array
    min : Tensor, array or number

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.clamp_min(tg.tensor([-3.0, 0.5]), 0)
    tensor([0. , 0.5])
    """
    return clamp(x, min)


@composite()
def clamp_max(x: Any, max: Any) -> Tensor:
    r"""Limit from above, :math:`\min(x, \mathrm{max})`; see :func:`clamp`.

    Parameters
    ----------
    x : Tensor or array
    max : Tensor, array or number

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.clamp_max(tg.tensor([0.5, 3.0]), 1)
    tensor([0.5, 1. ])
    """
    return clamp(x, None, max)


methods(clamp_min_=overwriting(clamp_min), clamp_max_=overwriting(clamp_max))


@example(clamp_min)
@example(clamp_max)
def by_one_bound(n: Size = 3, m: Size = 4, number: bool = True) -> Case:
    return case(real(n, m, ties=True), 1.0 if number else real(m))


def clip(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """The same as :func:`clamp`, under NumPy's name.

    Parameters
    ----------
    input : Tensor or array
    min, max : Tensor, array or number, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.clip(tg.tensor([-3.0, 0.5, 3.0]), -1, 1)
    tensor([-1. ,  0.5,  1. ])
    """
    return clamp(input, min, max)


methods(clip=clip, clip_=overwriting(clip))


@composite()
def lerp(x: Any, end: Any, weight: Any) -> Tensor:
    r"""Linear interpolation :math:`x + w\,(\mathrm{end} - x)`.

    Parameters
    ----------
    x, end : Tensor
        The values at weights 0 and 1.
    weight : Tensor or number

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.lerp(tg.tensor([0.0, 10.0]), tg.tensor([1.0, 20.0]), 0.25)
    tensor([ 0.25, 12.5 ])
    """
    return x + weight * (end - x)


methods(lerp_=overwriting(lerp))


@example(lerp)
def lerp_between(n: Size = 3, m: Size = 4, number: bool = True) -> Case:
    return case(real(n, m), real(m), 0.3 if number else real(n, 1))
