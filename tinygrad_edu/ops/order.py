"""What order decides: running extremes, the k-th smallest, medians and quantiles, searching and counting."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, labels, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.comparison import eq, isnan, logical_or
from tinygrad_edu.ops.extremum import ValuesAndIndices, amax, amin
from tinygrad_edu.ops.index import gather, like
from tinygrad_edu.ops.join import stack
from tinygrad_edu.ops.operation import composite, example, operation, plain, refuse_complex
from tinygrad_edu.ops.reduce import any as any_of
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.shape import axis_of, squeeze, unsqueeze
from tinygrad_edu.ops.sorting import sort
from tinygrad_edu.tensor import Tensor

__all__ = [
    "aminmax",
    "bincount",
    "bucketize",
    "cummax",
    "cummin",
    "histc",
    "kthvalue",
    "median",
    "quantile",
    "searchsorted",
]


# Running extremes


def _running(name: str, kernel: np.ufunc, x: Any, dim: int) -> ValuesAndIndices:
    array = plain(x)
    refuse_complex(name, array)
    axis = axis_of(name, dim, array.ndim)
    if not array.ndim:
        return ValuesAndIndices(x.reshape(()), like(np.zeros((), np.int64), x))
    best = kernel.accumulate(array, axis)
    # The latest place where the running extreme was met; once a NaN was, every further one counts.
    shape = [1] * array.ndim
    shape[axis] = -1
    place = np.where((array == best) | (array != array), np.arange(array.shape[axis]).reshape(shape), 0)
    place = np.maximum.accumulate(place, axis)
    return ValuesAndIndices(gather(x, axis, place), like(place, x))


@composite()
def cummax(x: Any, dim: int) -> ValuesAndIndices:
    r"""Running maximum :math:`y_i = \max_{j \le i} x_j`, and where it stood; of equal elements the latest.

    The gradient goes to the element at that index.

    Parameters
    ----------
    x : Tensor
    dim : int
        The dimension along which it runs.

    Returns
    -------
    values : Tensor
    indices : Tensor of int64

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cummax(tg.tensor([1.0, 3.0, 2.0]), 0).values
    tensor([1., 3., 3.])
    """
    return _running("cummax", np.maximum, x, dim)


@composite()
def cummin(x: Any, dim: int) -> ValuesAndIndices:
    r"""Running minimum :math:`y_i = \min_{j \le i} x_j`, and where it stood; of equal elements the latest.

    The gradient goes to the element at that index.

    Parameters
    ----------
    x : Tensor
    dim : int
        The dimension along which it runs.

    Returns
    -------
    values : Tensor
    indices : Tensor of int64

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cummin(tg.tensor([2.0, 1.0, 3.0]), 0).values
    tensor([2., 1., 1.])
    """
    return _running("cummin", np.minimum, x, dim)


@composite()
def aminmax(x: Any, *, dim: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest and the largest element, of all or along a dimension; those that tie share the gradient evenly.

    Parameters
    ----------
    x : Tensor
    dim : int, optional
        The dimension to reduce; all if omitted.
    keepdim : bool, default False
        Whether it stays, with length 1.

    Returns
    -------
    min, max : Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.aminmax(tg.tensor([1.0, 3.0, 2.0]))
    (tensor(1.), tensor(3.))
    """
    reduced = None if dim is None else axis_of("aminmax", dim, x.ndim)
    if not (math.prod(x.shape) if reduced is None or not x.ndim else x.shape[reduced]):
        raise ShapeError(f"aminmax: there is no element to choose from in shape {tuple(x.shape)} along {dim}")
    return amin(x, dim, keepdim), amax(x, dim, keepdim)


# The k-th of all


@composite()
def kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices:
    """The k-th smallest element along a dimension, counted from 1, and where it stands; it gets the gradient.

    Parameters
    ----------
    x : Tensor
    k : int
    dim : int, default -1
    keepdim : bool, default False
        Whether the dimension stays, with length 1.

    Returns
    -------
    values : Tensor
    indices : Tensor of int64

    Raises
    ------
    ShapeError
        If there are fewer than `k`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.kthvalue(tg.tensor([3.0, 1.0, 2.0]), 2).values
    tensor(2.)
    """
    refuse_complex("kthvalue", plain(x))
    axis = axis_of("kthvalue", dim, len(x.shape))
    length = x.shape[axis] if x.shape else 1
    if not isinstance(k, int | np.integer):
        raise TypeError(f"kthvalue: k is an int, got {k!r}")
    if not 1 <= k <= length:
        raise ShapeError(f"kthvalue: k = {k} is out of range [1, {length}] for dimension {axis} of {tuple(x.shape)}")
    if not x.shape:
        return ValuesAndIndices(x.reshape(()), like(np.zeros((), np.int64), x))
    order = np.argsort(plain(x), axis, kind="stable")
    index = np.take(order, [k - 1], axis)
    values = gather(x, axis, index)
    if not keepdim:
        values, index = squeeze(values, axis), np.squeeze(index, axis)
    return ValuesAndIndices(values, like(index, x))


def _middle_rule(g: Any, x: Any, result: Any) -> Any:
    # All that equal the median share the gradient; where it is NaN, the NaNs do.
    mine = logical_or(eq(x, result), isnan(x)) if np.isnan(plain(result)) else eq(x, result)
    return mine * (g / total(mine, dtype=g.dtype))


@operation(step=True, x=_middle_rule)
def middle(x: Any) -> Tensor:
    """The median of all elements, NaN if one is."""
    if not x.size:
        return np.asarray(np.nan, x.dtype)
    # NaNs are sorted to the end.
    flat = np.sort(x, None)
    return flat[-1] if flat[-1] != flat[-1] else flat[(x.size - 1) // 2]


@composite()
def median(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median, of an even number of elements the lower one: of all, or along a dimension together with its index.

    Of all elements, those that equal it share the gradient evenly; along a dimension the one at the index gets it. The
    median is NaN where an element is.

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

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.median(tg.tensor([3.0, 1.0, 2.0, 9.0]))
    tensor(2.)
    """
    if dim is None:
        return middle(x)
    refuse_complex("median", plain(x))
    axis = axis_of("median", dim, len(x.shape))
    if not x.shape:
        return ValuesAndIndices(x.reshape(()), like(np.zeros((), np.int64), x))
    if not x.shape[axis]:
        raise ShapeError(f"median: dimension {axis} of shape {tuple(x.shape)} is empty, it has no median")
    array = plain(x)
    index = np.take(np.argsort(array, axis, kind="stable"), [(array.shape[axis] - 1) // 2], axis)
    missing = array != array
    index = np.where(missing.any(axis, keepdims=True), missing.argmax(axis, keepdims=True), index)
    values = gather(x, axis, index)
    if not keepdim:
        values, index = squeeze(values, axis), np.squeeze(index, axis)
    return ValuesAndIndices(values, like(index, x))


Interpolation = Literal["linear", "lower", "higher", "midpoint", "nearest"]


@composite()
def quantile(
    x: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: Interpolation = "linear"
) -> Tensor:
    r"""The value below which the share `q` of the elements lies.

    With :math:`p = q (n - 1)` and the elements sorted, it is :math:`x_{\lfloor p \rfloor} + (p - \lfloor p \rfloor)
    (x_{\lceil p \rceil} - x_{\lfloor p \rfloor})`. It is NaN where an element is.

    Parameters
    ----------
    x : Tensor
        Of a float type.
    q : float or Tensor, shape (k,)
        Between 0 and 1; it gets no gradient.
    dim : int, optional
        The dimension to reduce; all if omitted.
    keepdim : bool, default False
        Whether it stays, with length 1.
    interpolation : {"linear", "lower", "higher", "midpoint", "nearest"}, default "linear"
        What to take between two elements.

    Returns
    -------
    Tensor
        With a dimension of length k in front, where `q` has one.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.quantile(tg.tensor([0.0, 10.0, 20.0]), 0.75)
    tensor(15.)
    """
    if x.dtype.kind != "f":
        raise DtypeError(f"quantile: expected floats, got {x.dtype}; convert with .float()")
    if isinstance(q, Tensor) and q.dtype != x.dtype:
        raise DtypeError(f"quantile: q has the type of the tensor, got {q.dtype} for {x.dtype}")
    shares = np.asarray(plain(q), x.dtype)
    if shares.ndim > 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"quantile: q is a number between 0 and 1 or a vector of them, got {q!r}")
    shape = tuple(x.shape)
    axis = 0 if dim is None else axis_of("quantile", dim, len(shape))
    rows = x.reshape(-1) if dim is None else x
    if not rows.shape or not rows.shape[axis]:
        rows = rows.reshape(-1)
        if not rows.shape[0]:
            raise ShapeError(f"quantile: there is no element to choose from in shape {shape}")
    ordered = sort(rows, axis).values.swapaxes(axis, -1)  # (..., n)
    position = shares.reshape(-1) * (ordered.shape[-1] - 1)
    lower, upper = np.floor(position).astype(np.int64), np.ceil(position).astype(np.int64)
    if interpolation == "linear":
        weight = (position - lower).astype(x.dtype)
    elif interpolation in ("lower", "higher", "midpoint", "nearest"):
        near = np.rint(position)
        weight = {"lower": 0.0 * position, "higher": 0.0 * position + 1, "midpoint": 0.0 * position + 0.5}.get(
            interpolation, np.where(upper > lower, near - lower, 0.0)
        )
        weight = weight.astype(x.dtype)
    else:
        raise ValueError(
            f"quantile: unknown interpolation {interpolation!r}; choose linear, lower, higher, midpoint or nearest"
        )
    low, high = ordered[..., lower], ordered[..., upper]
    values = low + like(weight, x) * (high - low)  # (..., k)
    values = where(unsqueeze(any_of(isnan(ordered), -1), -1), np.asarray(np.nan, x.dtype), values)
    parts = []
    for i in range(len(position)):
        part = values[..., i]
        if dim is None:
            part = part.reshape((1,) * len(shape)) if keepdim else part
        elif len(shape):
            # The dimension that stood at `axis` stands last in `ordered`, so what was last now stands at `axis`.
            part = unsqueeze(part, -1).swapaxes(axis, -1)
            part = part if keepdim else squeeze(part, axis)
        parts.append(part)
    return stack(parts, 0) if shares.ndim else parts[0]


# Searching and counting; steps, which have no derivative


@composite(method=False, differentiable=False)
def searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: Literal["left", "right"] | None = None,
    sorter: Any = None,
) -> Tensor:
    """Where to insert values into sorted rows so that they stay sorted.

    Parameters
    ----------
    sorted_sequence : Tensor, shape (n,) or (..., n)
        Ascending along the last dimension.
    input : Tensor or number, shape (...) or (..., k)
        Of any shape for a single row; else of as many rows.
    out_int32 : bool, default False
        Whether the result is of int32 rather than int64.
    right : bool, default False
        Whether to stand behind elements that are equal rather than in front of them.
    side : {"left", "right"}, optional
        The same in NumPy's words.
    sorter : Tensor of ints, optional
        The order that sorts `sorted_sequence`, which is then in any order, as :func:`argsort` gives it.

    Returns
    -------
    Tensor of int64
        Of the shape of `input`.

    Raises
    ------
    ValueError
        If `side` is another word, or contradicts `right`.
    ShapeError
        If there are not as many rows in both.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.searchsorted(tg.tensor([1.0, 3.0, 5.0]), tg.tensor([3.0, 9.0]))
    tensor([1, 3])
    """
    rows, array = np.asarray(plain(sorted_sequence)), np.asarray(plain(input))
    refuse_complex("searchsorted", rows, array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"searchsorted: expected a tensor or a number to look for, got {input!r}")
    if side not in ("left", "right", None) or (right and side == "left"):
        raise ValueError(f'searchsorted: side is "left" or "right" and agrees with right={right}, got {side!r}')
    end: Literal["left", "right"] = side or ("right" if right else "left")
    if sorter is not None:
        rows = np.take_along_axis(rows, plain(sorter), -1)
    if rows.ndim == 1:
        found = np.asarray(np.searchsorted(rows, array, end))
    elif rows.shape[:-1] != array.shape[:-1]:
        raise ShapeError(f"searchsorted: as many rows are needed in both, got {rows.shape} and {array.shape}")
    else:
        found = np.zeros(array.shape, np.int64)
        for i in np.ndindex(rows.shape[:-1]):
            found[i] = np.searchsorted(rows[i], array[i], end)
    return like(found.astype(np.int32 if out_int32 else np.int64), sorted_sequence)


@composite(method=False, differentiable=False)
def bucketize(x: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The bucket of each element, between sorted boundaries: 0 below the first, n above the last.

    Parameters
    ----------
    x : Tensor or number
    boundaries : Tensor, shape (n,)
        Ascending.
    out_int32 : bool, default False
        Whether the result is of int32 rather than int64.
    right : bool, default False
        Whether a boundary belongs to the bucket above it rather than below.

    Returns
    -------
    Tensor of int64

    Raises
    ------
    ShapeError
        If the boundaries are not one row.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bucketize(tg.tensor([0.5, 3.0, 9.0]), tg.tensor([1.0, 3.0, 5.0]))
    tensor([0, 1, 3])
    """
    refuse_complex("bucketize", np.asarray(plain(x)))
    if np.asarray(plain(x)).dtype.kind not in "biuf":
        raise TypeError(f"bucketize: expected a tensor or a number, got {x!r}")
    if len(np.shape(plain(boundaries))) != 1:
        raise ShapeError(f"bucketize: expected one row of boundaries, got shape {np.shape(plain(boundaries))}")
    return searchsorted(boundaries, x, out_int32=out_int32, right=right)


@composite(differentiable=False)
def histc(x: Any, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of several intervals of equal width; what lies outside is not counted.

    Parameters
    ----------
    x : Tensor
        Of a float type.
    bins : int, default 100
    min, max : float, default 0
        The outer bounds; if they are equal, the smallest and the largest element.

    Returns
    -------
    Tensor, shape (bins,)
        Of the type of `x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.histc(tg.tensor([1.0, 2.0, 1.0]), bins=3, min=0, max=3)
    tensor([0., 2., 1.])
    """
    array = plain(x)
    if array.dtype.kind != "f":
        raise DtypeError(f"histc: expected floats, got {array.dtype}; convert with .float()")
    if bins < 1 or max < min:
        raise ValueError(f"histc: expected bins >= 1 and min <= max, got bins={bins}, min={min}, max={max}")
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if not math.isfinite(high - low):
        raise ValueError(f"histc: the bounds are finite, got {low} and {high}")
    if low == high:
        low, high = low - 1.0, high + 1.0
    inside = array[(array >= low) & (array <= high)]
    # The last interval has both its bounds.
    place = np.minimum(((inside - low) * (bins / (high - low))).astype(np.int64), bins - 1)
    return like(np.bincount(place, minlength=bins).astype(array.dtype), x)


@composite(differentiable=False)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each integer from 0 occurs, or the sum of the weights where it does.

    Parameters
    ----------
    x : Tensor of ints, shape (n,)
        Not negative.
    weights : Tensor, shape (n,), optional
    minlength : int, default 0
        The least length of the result.

    Returns
    -------
    Tensor, shape (max(x) + 1,)
        Of int64; of the weights' type, if they are float32, else of float64 where there are any.

    Raises
    ------
    ValueError
        If a number is negative.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bincount(tg.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    array = plain(x)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ShapeError(f"bincount: expected a vector of integers, got shape {array.shape} {array.dtype}")
    if minlength < 0:
        raise ValueError(f"bincount: minlength is not negative, got {minlength}")
    if array.size and array.min() < 0:
        raise ValueError(f"bincount: expected integers from 0, got {array.min()}")
    if weights is not None and np.shape(plain(weights)) != array.shape:
        raise ShapeError(f"bincount: the weights have shape {np.shape(plain(weights))}, the numbers {array.shape}")
    counts = np.bincount(array, None if weights is None else plain(weights), minlength)
    narrow = weights is not None and plain(weights).dtype == np.float32
    return like(counts.astype(np.float32) if narrow else counts, x)


@example(cummax)
@example(cummin)
@example(median)
def along(n: Size = 3, m: Size = 4, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), dim)


@example(median)
def of_all(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))


@example(aminmax)
def of_some(n: Size = 3, m: Size = 4, keepdim: bool = False) -> Case:
    return case(real(n, m), dim=1, keepdim=keepdim)


@example(kthvalue)
def smallest(n: Size = 3, m: Size = 4, keepdim: bool = False) -> Case:
    return case(real(n, m), 1, 1, keepdim)


@example(quantile)
def share(n: Size = 3, m: Size = 4, keepdim: bool = False, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), 0.3, dim, keepdim)


@example(searchsorted)
def places(n: Size = 3, m: Size = 4) -> Case:
    return case(np.arange(-2.0, n), real(m, n))


@example(bucketize)
def buckets(n: Size = 3, m: Size = 4) -> Case:
    return case(real(m, n), np.arange(-2.0, n))


@example(histc)
def intervals(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), 4, -2.0, 2.0)


@example(bincount)
def numbers(n: Size = 4) -> Case:
    return case(labels(n, classes=3))
