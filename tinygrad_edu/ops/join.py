"""Joining tensors, and taking them apart again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.dtypes import result_type
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.operation import composite, example, operation
from tinygrad_edu.ops.shape import axis_of, int_of, sizes_of
from tinygrad_edu.tensor import Tensor

__all__ = [
    "cat",
    "chunk",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "split",
    "stack",
    "tensor_split",
    "unbind",
    "vstack",
]


def _at(dim: int, part: Any) -> tuple:
    return (slice(None),) * dim + (part,)


def _cat_rule(g: Any, shapes: Sequence[tuple[int, ...]], dim: int) -> Any:
    dim = dim % len(g.shape)
    # A legacy of PyTorch's: an operand of shape (0,) fits everything and contributes nothing.
    ends = list(itertools.accumulate(shape[dim] if len(shape) == len(g.shape) else 0 for shape in shapes))

    def part(i: int) -> Any:
        start = ends[i - 1] if i else 0
        return g[_at(dim, slice(start, ends[i]))].reshape(shapes[i])

    return part


def _require_several(name: str, tensors: Any) -> None:
    if not isinstance(tensors, list | tuple) or not tensors:
        got = "an empty one" if isinstance(tensors, list | tuple) else type(tensors).__name__
        raise TypeError(f"{name}: expected a list or tuple of at least one tensor, got {got}")


def _arrays(name: str, tensors: Any) -> list[np.ndarray]:
    _require_several(name, tensors)
    arrays = [np.asarray(item) for item in tensors]
    for item, array in zip(tensors, arrays, strict=True):
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{name}: expected tensors, got {item!r} among them")
    dtypes = {array.dtype for array in arrays}
    return arrays if len(dtypes) == 1 else [array.astype(result_type(*arrays), copy=False) for array in arrays]


@operation(complex=True, method=False, tensors=lambda g, tensors_shape, dim: _cat_rule(g, tensors_shape, dim))
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors joined along a dimension they have.

    Parameters
    ----------
    tensors : list or tuple of Tensor
        Of equal shapes but for `dim`; of different dtypes they are promoted.
    dim : int, default 0

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If another dimension differs.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cat([tg.zeros(2, 1), tg.ones(2, 2)], dim=1)
    tensor([[0., 1., 1.],
            [0., 1., 1.]])
    """
    arrays = _arrays("cat", tensors)
    shapes = [array.shape for array in arrays]
    if () in shapes:
        raise ShapeError(f"cat: single numbers have no dimension to be joined along, got shapes {shapes}; use stack")
    fitting = [array for array in arrays if array.shape != (0,)] or arrays[:1]
    dim = axis_of("cat", dim, fitting[0].ndim)
    others = {(*array.shape[:dim], *array.shape[dim + 1 :]) for array in fitting}
    if len(others) > 1 or len({array.ndim for array in fitting}) > 1:
        raise ShapeError(f"cat: shapes must be equal except in dimension {dim}, got {shapes}")
    return np.concatenate(fitting, dim)


@example(cat)
def _(n: Size = 2, a: Size = 1, b: Size = 3) -> Case:
    return case([real(n, a), real(n, b), real(n, a)], 1)


concat = concatenate = cat


def _stack_rule(g: Any, dim: int) -> Any:
    dim = dim % len(g.shape)
    return lambda i: g[_at(dim, i)]


@operation(complex=True, method=False, tensors=lambda g, dim: _stack_rule(g, dim))
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors joined along a new dimension.

    Parameters
    ----------
    tensors : list or tuple of Tensor
        All of one shape; of different dtypes they are promoted.
    dim : int, default 0
        Where the new dimension stands in the result.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.stack([tg.zeros(2), tg.ones(2)], dim=1)
    tensor([[0., 1.],
            [0., 1.]])
    """
    arrays = _arrays("stack", tensors)
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1:
        raise ShapeError(f"stack: all shapes must be equal, got {shapes}")
    return np.stack(arrays, axis_of("stack", dim, arrays[0].ndim + 1))


@example(stack)
def _(n: Size = 2, m: Size = 3) -> Case:
    return case([real(n, m), real(n, m)], -1)


def _cat_as(name: str, tensors: list, dim: int) -> Any:
    """:func:`cat` for another function, whose name the errors begin with."""
    try:
        return cat(tensors, dim)
    except (ShapeError, TypeError) as error:
        raise type(error)(str(error).replace("cat", name, 1)) from None


def _at_least(name: str, tensors: Any, ndim: int) -> list:
    _require_several(name, tensors)
    shapes = {0: (1,) * ndim, 1: (1, -1) if ndim == 2 else (1, -1, 1)}
    items = [item if isinstance(item, Tensor) else np.asarray(item) for item in tensors]
    if ndim == 1:
        return [item.reshape((1,)) if item.ndim == 0 else item for item in items]
    return [
        item.reshape(shapes[item.ndim])
        if item.ndim < 2
        else item.reshape((*item.shape, 1))
        if item.ndim < ndim
        else item
        for item in items
    ]


@composite(method=False)
def hstack(tensors: Any) -> Tensor:
    """Tensors side by side: joined along dimension 1, vectors along their only one.

    Parameters
    ----------
    tensors : list or tuple of Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.hstack([tg.tensor([1, 2]), tg.tensor([3])])
    tensor([1, 2, 3])
    """
    items = _at_least("hstack", tensors, 1)
    return _cat_as("hstack", items, 0 if items[0].ndim == 1 else 1)


@example(hstack)
def _(n: Size = 2, a: Size = 1, b: Size = 3) -> Case:
    return case([real(n, a), real(n, b)])


@composite(method=False)
def vstack(tensors: Any) -> Tensor:
    """Tensors one below the other: joined along dimension 0, vectors as rows.

    Parameters
    ----------
    tensors : list or tuple of Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.vstack([tg.tensor([1, 2]), tg.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return _cat_as("vstack", _at_least("vstack", tensors, 2), 0)


@example(vstack)
def _(n: Size = 2, m: Size = 3) -> Case:
    return case([real(n, m), real(m)])


@composite(method=False)
def dstack(tensors: Any) -> Tensor:
    """Tensors behind one another: joined along dimension 2.

    Parameters
    ----------
    tensors : list or tuple of Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.dstack([tg.tensor([1, 2]), tg.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    return _cat_as("dstack", _at_least("dstack", tensors, 3), 2)


@example(dstack)
def _(n: Size = 2, m: Size = 3) -> Case:
    return case([real(n, m), real(n, m)])


# Apart


@composite()
def split(x: Any, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of a given size, or of given sizes, along one dimension.

    Parameters
    ----------
    x : Tensor
    split_size : int or sequence of int
        The size of each part but the last, which holds what is left; or the size of every part.
    dim : int, default 0

    Returns
    -------
    tuple of Tensor
        Views.

    Raises
    ------
    ShapeError
        If sizes are given that do not add up to the length.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(5).split([2, 3])
    (tensor([0, 1]), tensor([2, 3, 4]))
    """
    dim, length = _dimension("split", x, dim)
    if isinstance(split_size, Sequence):
        sizes = list(sizes_of("split", split_size))
        if sum(sizes) != length or min(sizes, default=0) < 0:
            raise ShapeError(
                f"split: sizes {sizes} do not add up to {length}, dimension {dim} of shape {tuple(x.shape)}"
            )
    else:
        split_size = int_of("split", "a size", split_size)
        if split_size < 0 or (split_size == 0 and length):
            raise ShapeError(f"split: expected a positive size, got {split_size} for shape {tuple(x.shape)}")
        full, rest = divmod(length, split_size) if length else (0, 0)
        sizes = [split_size] * full + [rest] * (rest > 0)
    return _parts(x, list(itertools.accumulate(sizes))[:-1], dim)


# The name that PyTorch has in the function; the other is the method's.
split.operation.other_names["split_size_or_sections"] = "split_size"  # type: ignore[attr-defined]


@example(split)
def _(n: Size = 4, m: Size = 3, size: Size = 2) -> Case:
    return case(real(n, m), size)


@composite()
def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of equal size along one dimension; the last may be smaller.

    Parameters
    ----------
    x : Tensor
    chunks : int
    dim : int, default 0

    Returns
    -------
    tuple of Tensor
        Views.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if int_of("chunk", "a number of chunks", chunks) < 1:
        raise ShapeError(f"chunk: expected a positive number of chunks, got {chunks}")
    dim, length = _dimension("chunk", x, dim)
    if length == 0:
        return _parts(x, [0] * (chunks - 1), dim)
    return split(x, -(-length // chunks), dim)


@example(chunk)
def _(n: Size = 4, m: Size = 3, chunks: Size = 2) -> Case:
    return case(real(n, m), chunks)


@composite()
def tensor_split(x: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts as equal as can be, or parts between given places, along one dimension.

    Parameters
    ----------
    x : Tensor
    indices_or_sections : int, or sequence or Tensor of ints
        The number of parts, of which the first ones are longer by one where it does not go into the length; or where
        each part but the first begins.
    dim : int, default 0

    Returns
    -------
    tuple of Tensor
        Views.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(5).tensor_split(3)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    dim, length = _dimension("tensor_split", x, dim)
    given = indices_or_sections.tolist() if isinstance(indices_or_sections, Tensor) else indices_or_sections
    if isinstance(given, Sequence):
        return _parts(x, list(sizes_of("tensor_split", given)), dim)
    parts = int_of("tensor_split", "a number of sections", given)
    if parts < 1:
        raise ShapeError(f"tensor_split: expected a positive number of sections, got {parts}")
    size, longer = divmod(length, parts)
    return _parts(x, [i * size + min(i, longer) for i in range(1, parts)], dim)


@example(tensor_split)
def _(n: Size = 4, m: Size = 3, parts: Size = 3) -> Case:
    return case(real(n, m), parts)


@composite()
def unbind(x: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along one dimension, which is thereby taken away.

    Parameters
    ----------
    x : Tensor
    dim : int, default 0

    Returns
    -------
    tuple of Tensor
        Views.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([[1, 2], [3, 4]]).unbind(1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    dim, length = _dimension("unbind", x, dim)
    return tuple(x[_at(dim, i)] for i in range(length))


@example(unbind)
def _(n: Size = 2, m: Size = 3) -> Case:
    return case(real(n, m), 1)


def _dimension(name: str, x: Any, dim: int) -> tuple[int, int]:
    if not x.ndim:
        raise ShapeError(f"{name}: expected at least one dimension, got a single number")
    dim = axis_of(name, dim, x.ndim)
    return dim, x.shape[dim]


def _parts(x: Any, starts: list[int], dim: int) -> tuple:
    bounds = zip([0, *starts], [*starts, x.shape[dim]], strict=True)
    return tuple(x[_at(dim, slice(start, end))] for start, end in bounds)
