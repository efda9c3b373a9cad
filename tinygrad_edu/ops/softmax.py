"""Softmax, its logarithm, and the logarithm of a sum of exponentials: stable for inputs of any size."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.dtypes import get_default_dtype
from tinygrad_edu.ops.exponential import exp
from tinygrad_edu.ops.operation import example, operation
from tinygrad_edu.ops.reduce import axes, fold, kept, sum
from tinygrad_edu.ops.shape import axis_of
from tinygrad_edu.tensor import Tensor

__all__ = ["log_softmax", "logsumexp", "softmax"]


def _floating(x: np.ndarray) -> np.ndarray:
    return x if x.dtype.kind == "f" else x.astype(get_default_dtype())


def _below_the_largest(x: np.ndarray, axis: Any) -> tuple[np.ndarray, np.ndarray]:
    """The largest element and e to the power of what each lies below it: at most 1, whatever `x` is."""
    largest = fold(np.maximum, x, axis, True, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, 0.0)  # infinities speak for themselves: inf - inf is not formed
    return largest, np.exp(x - largest)


@operation(x=lambda g, x, result, dim: kept(g, x.shape, dim) * exp(x - kept(result, x.shape, dim)))
def logsumexp(x: Any, dim: Any, keepdim: bool = False) -> Tensor:
    r"""Logarithm of the sum of exponentials, :math:`y = m + \ln \sum_i e^{x_i - m}` with :math:`m = \max_i x_i`.

    No exponential overflows, since no exponent is positive. :math:`\partial y / \partial x_i = e^{x_i - y}`, the
    softmax.

    Parameters
    ----------
    x : Tensor or array
    dim : int or tuple of ints
        The dimensions to reduce.
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    Tensor
        :math:`-\infty` where all elements are.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logsumexp(tg.tensor([1e4, 1e4]), dim=0)
    tensor(10000.693)
    """
    axis = axes("logsumexp", dim, x.ndim)
    largest, e = _below_the_largest(_floating(x), axis)
    total = fold(np.add, e, axis, True)
    with np.errstate(divide="ignore"):  # ln 0 = -inf is the value where all elements are -inf
        y = np.log(total) + largest
    return y if keepdim else y.reshape([n for i, n in enumerate(x.shape) if axis is not None and i not in axis])


@operation(x=lambda g, result, dim: result * (g - sum(g * result, dim, True)))
def softmax(x: Any, dim: int, *, dtype: Any = None) -> Tensor:
    r"""Softmax :math:`y_i = e^{x_i} / \sum_j e^{x_j}` along a dimension.

    :math:`\partial y_j / \partial x_i = y_j (\delta_{ij} - y_i)`, and so the cotangent is :math:`y_i (g_i - \sum_j g_j
    y_j)`.

    Parameters
    ----------
    x : Tensor or array
    dim : int
        The dimension along which the result sums to 1.
    dtype : numpy.dtype, optional
        Convert to this type first.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.softmax(tg.tensor([1e4, 1e4, 0.0]), dim=0)
    tensor([0.5, 0.5, 0. ])
    """
    axis = None if x.ndim == 0 else axis_of("softmax", dim, x.ndim)
    e = _below_the_largest(_floating(x) if dtype is None else x.astype(dtype), axis)[1]
    e /= fold(np.add, e, axis, True)
    return e


@operation(x=lambda g, result, dim: g - exp(result) * sum(g, dim, True))
def log_softmax(x: Any, dim: int, *, dtype: Any = None) -> Tensor:
    r"""Logarithm of the softmax, :math:`y_i = x_i - \ln \sum_j e^{x_j}`, accurate also where the softmax is tiny.

    :math:`\partial y_j / \partial x_i = \delta_{ij} - e^{y_i}`, and so the cotangent is :math:`g_i - e^{y_i} \sum_j
    g_j`.

    Parameters
    ----------
    x : Tensor or array
    dim : int
        The dimension along which the exponentials sum to 1.
    dtype : numpy.dtype, optional
        Convert to this type first.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.log_softmax(tg.tensor([0.0, 1e4]), dim=0)
    tensor([-10000.,      0.])
    """
    axis = None if x.ndim == 0 else axis_of("log_softmax", dim, x.ndim)
    x = _floating(x) if dtype is None else x.astype(dtype)
    largest, e = _below_the_largest(x, axis)
    with np.errstate(
        divide="ignore"
    ):  # ln 0 occurs along a dimension of length 0, where nothing is left to subtract from
        total = np.log(fold(np.add, e, axis, True))
    # Subtracted one after the other, so that a large maximum does not swallow the logarithm's digits.
    return x - largest - total


@example(softmax)
@example(log_softmax)
@example(logsumexp)
def along(n: Size = 3, m: Size = 4, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), dim=dim)


@example(logsumexp)
def along_several(n: Size = 3, m: Size = 4, k: Size = 2, keepdim: bool = False) -> Case:
    return case(real(n, m, k), dim=(0, -1), keepdim=keepdim)
