"""Running sums and products along a dimension."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.ops.operation import example, operation, plain
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.shape import axis_of, flip, unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = ["cumprod", "cumsum"]


@operation(complex=True, x=lambda g, dim: flip(cumsum(flip(g, dim), dim), dim))
def cumsum(x: Any, dim: int, *, dtype: Any = None) -> Tensor:
    r"""Running sum :math:`y_i = \sum_{j \le i} x_j`; its transpose runs from the other end.

    Parameters
    ----------
    x : Tensor or array
    dim : int
        The dimension along which the sum runs.
    dtype : numpy.dtype, optional
        Type of the sum; if omitted that of `x` for floats, int64 for integers and bools.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cumsum(tg.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 3., 6.])
    """
    return _running(np.add, "cumsum", x, dim, dtype)


def _running(kernel: np.ufunc, name: str, x: np.ndarray, dim: int, dtype: Any) -> np.ndarray:
    axis = axis_of(name, dim, x.ndim)
    if dtype is None and x.dtype.kind in "bui":
        dtype = np.int64
    return kernel.accumulate(np.atleast_1d(x), axis, dtype).reshape(x.shape)


def _cumprod_rule(g: Any, x: Any, result: Any, dim: int) -> Any:
    # x_k reaches every y_i with i >= k, and ∂y_i/∂x_k is y_i / x_k:
    if plain(x).all():
        return flip(cumsum(flip(g * result, dim), dim), dim) / x
    if not x.shape:
        return g
    # or where a 0 forbids that, the running product with x_k replaced by 1: row k of a square.
    x, g = unsqueeze(x.swapaxes(dim, -1), -2), unsqueeze(g.swapaxes(dim, -1), -2)  # (..., 1, n)
    k, i = np.indices((x.shape[-1], x.shape[-1]))
    return (where(i < k, 0.0, g) * cumprod(where(i == k, 1.0, x), -1)).sum(-1).swapaxes(dim, -1)


@operation(complex=True, x=_cumprod_rule)
def cumprod(x: Any, dim: int, *, dtype: Any = None) -> Tensor:
    r"""Running product :math:`y_i = \prod_{j \le i} x_j`.

    :math:`\partial L / \partial x_k = \sum_{i \ge k} g_i \prod_{j \le i, j \ne k} x_j`, also where elements are 0.

    Parameters
    ----------
    x : Tensor or array
    dim : int
        The dimension along which the product runs.
    dtype : numpy.dtype, optional
        Type of the product; if omitted that of `x` for floats, int64 for integers and bools.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cumprod(tg.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 2., 6.])
    """
    return _running(np.multiply, "cumprod", x, dim, dtype)


@example(cumsum)
@example(cumprod)
def along(n: Size = 3, m: Size = 4, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), dim=dim)


@example(cumprod)
def with_zeros(n: Size = 3, m: Size = 4, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m, ties=True), dim=dim)
