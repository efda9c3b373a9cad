"""Statistics of what is not NaN."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.comparison import isnan, logical_not
from tinygrad_edu.ops.extremum import ValuesAndIndices
from tinygrad_edu.ops.index import gather, like, masked_select
from tinygrad_edu.ops.operation import composite, example, plain, refuse_complex
from tinygrad_edu.ops.order import middle
from tinygrad_edu.ops.reduce import DIMS, Dims
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.shape import axis_of, squeeze
from tinygrad_edu.tensor import Tensor

__all__ = ["nanmean", "nanmedian", "nansum"]


@composite()
def nansum(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum along some or all dimensions in which NaN counts as 0, and gets the gradient 0.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    keepdim : bool, default False
        Whether they stay, with length 1.
    dtype : numpy.dtype, optional
        Type of the sum.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nansum(tg.tensor([1.0, tg.nan, 2.0]))
    tensor(3.)
    """
    return total(where(isnan(x), np.zeros((), x.dtype), x), dim, keepdim, dtype=dtype)


@composite()
def nanmean(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Mean along some or all dimensions of what is not NaN.

    Parameters
    ----------
    x : Tensor
        Of a float type.
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    Tensor
        NaN where nothing else is.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nanmean(tg.tensor([1.0, tg.nan, 2.0]))
    tensor(1.5)
    """
    if x.dtype.kind != "f":
        raise DtypeError(f"nanmean: expected floats, got {x.dtype}; convert with .float()")
    count = total(logical_not(isnan(x)), dim, keepdim, dtype=x.dtype)
    none = count == 0
    return where(none, np.asarray(np.nan, x.dtype), nansum(x, dim, keepdim) / where(none, np.ones((), x.dtype), count))


@composite()
def nanmedian(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of what is not NaN; see :func:`median`, also for the gradient.

    Parameters
    ----------
    x : Tensor
    dim : int, optional
        The dimension to reduce; all if omitted.
    keepdim : bool, default False
        Whether it stays, with length 1.

    Returns
    -------
    Tensor, or a named tuple of values and indices where a dimension is given
        NaN where nothing else is.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nanmedian(tg.tensor([3.0, tg.nan, 1.0, 2.0]))
    tensor(2.)
    """
    refuse_complex("nanmedian", plain(x))
    missing = np.isnan(plain(x))
    if dim is None:
        return middle(x if missing.all() else masked_select(x, ~missing))
    axis = axis_of("nanmedian", dim, len(x.shape))
    if not x.shape:
        return ValuesAndIndices(x.reshape(()), like(np.zeros((), np.int64), x))
    if not x.shape[axis]:
        raise ShapeError(f"nanmedian: dimension {axis} of shape {tuple(x.shape)} is empty, it has no median")
    # NaNs are sorted to the end.
    middles = np.maximum(np.sum(~missing, axis, keepdims=True) - 1, 0) // 2
    index = np.take_along_axis(np.argsort(plain(x), axis, kind="stable"), middles, axis)
    values = gather(x, axis, index)
    if not keepdim:
        values, index = squeeze(values, axis), np.squeeze(index, axis)
    return ValuesAndIndices(values, like(index, x))


@example(nansum)
@example(nanmean)
def along_dimensions(n: Size = 3, m: Size = 4, keepdim: bool = False, dims: Dims = "last") -> Case:
    return case(real(n, m), DIMS[dims], keepdim)


@example(nanmedian)
def along_one(n: Size = 3, m: Size = 4, keepdim: bool = False, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), dim, keepdim)


@example(nanmedian)
def of_all(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))
