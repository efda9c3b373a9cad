"""Order: the elements sorted, the largest of them, the different ones.

Each finds indices, which have no derivative, and gathers: the cotangent goes to the elements that were chosen.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, labels, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.index import gather, like
from tinygrad_edu.ops.operation import composite, example, plain, refuse_complex
from tinygrad_edu.ops.shape import axis_of
from tinygrad_edu.tensor import Tensor

__all__ = ["argsort", "sort", "topk", "unique"]


class Indexed(NamedTuple):
    """Values, and where they stood.

    Attributes
    ----------
    values : Tensor
    indices : Tensor
        Of dtype int64.
    """

    values: Any
    indices: Any


def _order(x: np.ndarray, axis: int, descending: bool) -> np.ndarray:
    if not x.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(x, axis, kind="stable")
    # The stable order of the reversed elements, read backwards: equal ones stay in their order.
    return np.flip(x.shape[axis] - 1 - np.argsort(np.flip(x, axis), axis, kind="stable"), axis)


@composite()
def sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Indexed:
    """The elements in ascending order along one dimension, and where they stood.

    Parameters
    ----------
    x : Tensor
    dim : int, default -1
    descending : bool, default False
    stable : bool
        Equal elements keep their order in any case.

    Returns
    -------
    values : Tensor
    indices : Tensor of int64

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> values, indices = tg.sort(tg.tensor([3.0, 1.0, 2.0]))
    >>> values
    tensor([1., 2., 3.])
    >>> indices
    tensor([1, 2, 0])
    """
    refuse_complex("sort", plain(x))
    axis = axis_of("sort", dim, x.ndim)
    order = _order(plain(x), axis, descending)
    return Indexed(gather(x, axis, order), like(order, x))


@example(sort)
def _(n: Size = 3, m: Size = 4, descending: bool = False) -> Case:
    return case(real(n, m), 0, descending)


@composite(differentiable=False)
def argsort(x: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Where the elements stand that are in ascending order along one dimension.

    Parameters
    ----------
    x : Tensor
    dim : int, default -1
    descending : bool, default False
    stable : bool
        Equal elements keep their order in any case.

    Returns
    -------
    Tensor of int64

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.argsort(tg.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    refuse_complex("argsort", plain(x))
    return like(_order(plain(x), axis_of("argsort", dim, x.ndim), descending), x)


@example(argsort)
def _(n: Size = 3, m: Size = 4, descending: bool = False) -> Case:
    return case(real(n, m), 0, descending)


@composite()
def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Indexed:
    """The `k` largest elements along one dimension in descending order, and where they stood.

    Parameters
    ----------
    x : Tensor
    k : int
    dim : int, default -1
    largest : bool, default True
        False for the smallest, in ascending order.
    sorted : bool
        They are sorted in any case.

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
    >>> tg.topk(tg.tensor([3.0, 1.0, 2.0]), 2).values
    tensor([3., 2.])
    """
    refuse_complex("topk", plain(x))
    axis = axis_of("topk", dim, x.ndim)
    length = x.shape[axis] if x.ndim else 1
    if not isinstance(k, int | np.integer):
        raise TypeError(f"topk: k is an int, got {k!r}")
    if not 0 <= k <= length:
        raise ShapeError(f"topk: k = {k} is out of range [0, {length}] for dimension {axis} of shape {tuple(x.shape)}")
    order = _order(plain(x), axis, largest)
    order = order[(slice(None),) * axis + (slice(k),)].copy() if x.ndim else order
    return Indexed(gather(x, axis, order), like(order, x))


@example(topk)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(m, n), 1, 0)


@composite(differentiable=False)
def unique(
    x: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The different elements, or slices along one dimension, in ascending order.

    Parameters
    ----------
    x : Tensor
    sorted : bool
        They are sorted in any case.
    return_inverse : bool, default False
        Give also which of them each element is.
    return_counts : bool, default False
        Give also how often each occurs.
    dim : int, optional
        Compare slices along this dimension instead of elements.

    Returns
    -------
    Tensor, or a tuple of the values, the inverse and the counts

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.unique(tg.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    array = plain(x)
    axis = None if dim is None else axis_of("unique", dim, array.ndim)
    wanted: dict[str, Any] = {"return_inverse": return_inverse, "return_counts": return_counts}
    found: Any = np.unique(array, axis=axis, equal_nan=False, **wanted)
    if not isinstance(found, tuple):
        return like(found, x)
    results = list(found)
    if return_inverse:
        results[1] = results[1].reshape(array.shape if axis is None else -1)
    return tuple(like(result, x) for result in results)


@example(unique)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(labels(n, m, classes=3))
