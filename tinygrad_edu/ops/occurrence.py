"""Which values occur, where and how often."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, labels, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.extremum import ValuesAndIndices
from tinygrad_edu.ops.index import gather, like
from tinygrad_edu.ops.operation import composite, example, plain, refuse_complex
from tinygrad_edu.ops.shape import axis_of, squeeze
from tinygrad_edu.tensor import Tensor

__all__ = ["histogram", "isin", "mode", "unique_consecutive"]


def _last_of_most_frequent(row: np.ndarray) -> int:
    _, inverse, counts = np.unique(row, return_inverse=True, return_counts=True, equal_nan=False)
    return int(np.flatnonzero(inverse == counts.argmax())[-1])


@composite()
def mode(x: Any, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices:
    """The most frequent value along a dimension, of several the smallest, and where it stands last.

    The gradient goes to the element at that index.

    Parameters
    ----------
    x : Tensor
    dim : int, default -1
        The dimension to reduce.
    keepdim : bool, default False
        Whether it stays, with length 1.

    Returns
    -------
    values : Tensor
    indices : Tensor of int64

    Raises
    ------
    ShapeError
        If there is no element.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> values, indices = tg.mode(tg.tensor([3, 1, 1, 3, 2]))
    >>> values, indices
    (tensor(1), tensor(2))
    """
    refuse_complex("mode", plain(x))
    axis = axis_of("mode", dim, len(x.shape))
    if not x.shape:
        return ValuesAndIndices(x.reshape(()), like(np.zeros((), np.int64), x))
    if not x.shape[axis]:
        raise ShapeError(f"mode: dimension {axis} of shape {tuple(x.shape)} is empty, no value is the most frequent")
    rows = np.moveaxis(plain(x), axis, -1)
    index = np.empty((*rows.shape[:-1], 1), np.int64)
    for i in np.ndindex(rows.shape[:-1]):
        index[i] = _last_of_most_frequent(rows[i])
    index = np.moveaxis(index, -1, axis)
    values = gather(x, axis, index)
    if not keepdim:
        values, index = squeeze(values, axis), np.squeeze(index, axis)
    return ValuesAndIndices(values, like(index, x))


@composite(differentiable=False)
def unique_consecutive(
    x: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements, or slices along one dimension, that differ from the one before.

    Parameters
    ----------
    x : Tensor
    return_inverse : bool, default False
        Give also in which run of equals each element is.
    return_counts : bool, default False
        Give also how long each run is.
    dim : int, optional
        Compare slices along this dimension instead of elements.

    Returns
    -------
    Tensor, or a tuple of the values, the inverse and the counts

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.unique_consecutive(tg.tensor([1, 1, 2, 1]), return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    array = plain(x)
    axis = 0 if dim is None else axis_of("unique_consecutive", dim, array.ndim)
    slices = array.reshape(-1) if dim is None else np.moveaxis(array, axis, 0)
    n = len(slices)
    starts = np.ones(n, bool)
    starts[1:] = (slices[1:] != slices[:-1]).any(tuple(range(1, slices.ndim)))
    results = [np.moveaxis(slices[starts], 0, axis)]
    if return_inverse:
        inverse = np.cumsum(starts) - 1
        results.append(inverse.reshape(array.shape) if dim is None else inverse)
    if return_counts:
        results.append(np.diff(np.append(np.flatnonzero(starts), n)))
    found = tuple(like(result, x) for result in results)
    return found[0] if len(found) == 1 else found


@composite(method=False, differentiable=False)
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is among others; NaN never is.

    Parameters
    ----------
    elements : Tensor or number
    test_elements : Tensor or number
    assume_unique : bool, default False
        Whether no element occurs twice in either; it makes the search faster.
    invert : bool, default False
        Ask instead whether it is not among them.

    Returns
    -------
    Tensor of bool

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.isin(tg.tensor([1, 2, 3]), tg.tensor([2, 5]))
    tensor([False,  True, False])
    """
    found = np.isin(plain(elements), plain(test_elements), assume_unique=assume_unique, invert=invert)
    return like(np.asarray(found), elements if isinstance(elements, Tensor) else test_elements)


class Histogram(NamedTuple):
    """What :func:`histogram` gives.

    Attributes
    ----------
    hist : Tensor
    bin_edges : Tensor
    """

    hist: Any
    bin_edges: Any


@composite(differentiable=False)
def histogram(
    x: Any, bins: Any = 100, *, range: tuple[float, float] | None = None, weight: Any = None, density: bool = False
) -> Histogram:
    """How many elements lie in each of several intervals; what lies outside is not counted.

    Parameters
    ----------
    x : Tensor
        Of a float type.
    bins : int or Tensor, shape (bins + 1,), default 100
        How many intervals of equal width, or their bounds.
    range : pair of floats, optional
        The outer bounds; the smallest and the largest element if omitted.
    weight : Tensor, optional
        For each element how much it counts.
    density : bool, default False
        Whether to divide so that the area is 1.

    Returns
    -------
    hist : Tensor, shape (bins,)
    bin_edges : Tensor, shape (bins + 1,)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.histogram(tg.tensor([1.0, 2.0, 1.0]), bins=3, range=(0.0, 3.0)).hist
    tensor([0., 2., 1.])
    """
    array = plain(x)
    if array.dtype.kind != "f":
        raise DtypeError(f"histogram: expected floats, got {array.dtype}; convert with .float()")
    hist, edges = np.histogram(array, plain(bins), range, density, None if weight is None else plain(weight))
    return Histogram(like(hist.astype(array.dtype), x), like(edges.astype(array.dtype), x))


@example(mode)
def along_one(n: Size = 3, m: Size = 4, keepdim: bool = False, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), dim, keepdim)


@example(unique_consecutive)
def numbers(n: Size = 3, m: Size = 4) -> Case:
    return case(labels(n, m, classes=2))


@example(isin)
def among(n: Size = 3, m: Size = 4) -> Case:
    return case(labels(n, m, classes=5), labels(m, classes=5))


@example(histogram)
def intervals(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), bins=4, range=(-1.0, 1.0))
