"""Columns, rows and layers: tensors of few dimensions put side by side, and taken apart again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.join import hstack, tensor_split, vstack
from tinygrad_edu.ops.operation import composite, example, plain
from tinygrad_edu.ops.shape import broadcast_to, unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_tensors",
    "column_stack",
    "dsplit",
    "hsplit",
    "row_stack",
    "vsplit",
]


def _each(name: str, tensors: tuple, widened: Callable[[Any], Any]) -> Any:
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    for x in given:
        if not isinstance(x, Tensor | np.ndarray | np.generic):
            raise TypeError(f"{name}: expected tensors, got {x!r}")
    results = tuple(widened(x) for x in given)
    return results[0] if len(tensors) == 1 and given is tensors else results


def _row(x: Any) -> Any:
    return x.reshape((1,) * (2 - len(x.shape)) + tuple(x.shape)) if len(x.shape) < 2 else x


@composite(method=False)
def atleast_1d(*tensors: Any) -> Any:
    """Each with one dimension or more: a number becomes a vector.

    Parameters
    ----------
    *tensors : Tensor
        One, several, or one list of them.

    Returns
    -------
    Tensor, or tuple of Tensor unless one alone is given

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.atleast_1d(tg.tensor(3.0))
    tensor([3.])
    """
    return _each("atleast_1d", tensors, lambda x: x if x.shape else x.reshape((1,)))


@composite(method=False)
def atleast_2d(*tensors: Any) -> Any:
    """Each with two dimensions or more: a vector becomes a row.

    Parameters
    ----------
    *tensors : Tensor
        One, several, or one list of them.

    Returns
    -------
    Tensor, or tuple of Tensor unless one alone is given

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.atleast_2d(tg.tensor([1.0, 2.0]))
    tensor([[1., 2.]])
    """
    return _each("atleast_2d", tensors, _row)


@composite(method=False)
def atleast_3d(*tensors: Any) -> Any:
    """Each with three dimensions or more: a matrix becomes a layer, its elements the vectors of length 1 in it.

    Parameters
    ----------
    *tensors : Tensor
        One, several, or one list of them.

    Returns
    -------
    Tensor, or tuple of Tensor unless one alone is given

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.atleast_3d(tg.ones(2, 3)).shape, tg.atleast_3d(tg.ones(2)).shape
    ((2, 3, 1), (1, 2, 1))
    """
    return _each("atleast_3d", tensors, lambda x: x if len(x.shape) > 2 else unsqueeze(_row(x), -1))


@composite(method=False)
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Views of the shape that they have in common by broadcasting.

    Parameters
    ----------
    *tensors : Tensor

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> a, b = tg.broadcast_tensors(tg.ones(2, 1), tg.ones(3))
    >>> a.shape, b.shape
    ((2, 3), (2, 3))
    """
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    shapes = [tuple(x.shape) for x in given]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(f"broadcast_tensors: shapes do not broadcast: {shapes}") from None
    return tuple(broadcast_to(x, shape) for x in given)


@composite(method=False)
def column_stack(tensors: Any) -> Tensor:
    """Tensors side by side: joined along dimension 1, vectors and numbers as columns.

    Parameters
    ----------
    tensors : list or tuple of Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.column_stack([tg.tensor([1, 2]), tg.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    return hstack([x if len(x.shape) > 1 else x.reshape((-1, 1)) for x in tensors])


@composite(method=False)
def row_stack(tensors: Any) -> Tensor:
    """Tensors one below the other: another name of :func:`vstack`.

    Parameters
    ----------
    tensors : list or tuple of Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.row_stack([tg.tensor([1, 2]), tg.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return vstack(tensors)


def _equal_parts(name: str, x: Any, indices_or_sections: Any, dim: int, ndim: int) -> tuple:
    if len(x.shape) < ndim:
        raise ShapeError(f"{name}: expected {ndim} or more dimensions, got shape {tuple(x.shape)}")
    sections = plain(indices_or_sections)
    if isinstance(sections, int) and (sections <= 0 or x.shape[dim] % sections):
        raise ShapeError(f"{name}: dimension {dim} of {tuple(x.shape)} has no {sections} parts of one length")
    return tensor_split(x, sections, dim)


@composite()
def hsplit(x: Any, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts side by side: split along dimension 1, a vector along its only one.

    Parameters
    ----------
    x : Tensor
    indices_or_sections : int or sequence of ints
        How many parts, which must be of one length; or where parts begin.

    Returns
    -------
    tuple of Tensor
        Views.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.hsplit(tg.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _equal_parts("hsplit", x, indices_or_sections, 0 if len(x.shape) == 1 else 1, 1)


@composite()
def vsplit(x: Any, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts one below the other: split along dimension 0.

    Parameters
    ----------
    x : Tensor
        Of two or more dimensions.
    indices_or_sections : int or sequence of ints
        How many parts, which must be of one length; or where parts begin.

    Returns
    -------
    tuple of Tensor
        Views.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.vsplit(tg.tensor([[1, 2], [3, 4]]), 2)
    (tensor([[1, 2]]), tensor([[3, 4]]))
    """
    return _equal_parts("vsplit", x, indices_or_sections, 0, 2)


@composite()
def dsplit(x: Any, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts behind one another: split along dimension 2.

    Parameters
    ----------
    x : Tensor
        Of three or more dimensions.
    indices_or_sections : int or sequence of ints
        How many parts, which must be of one length; or where parts begin.

    Returns
    -------
    tuple of Tensor
        Views.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> [part.shape for part in tg.dsplit(tg.ones(1, 2, 5), [1, 2])]
    [(1, 2, 1), (1, 2, 1), (1, 2, 3)]
    """
    return _equal_parts("dsplit", x, indices_or_sections, 2, 3)


# PyTorch has one name for how many parts, and one for where they begin.
for _split in (hsplit, vsplit, dsplit):
    _split.operation.other_names |= dict.fromkeys(("sections", "indices"), "indices_or_sections")  # type: ignore[attr-defined]


@example(atleast_1d)
@example(atleast_2d)
@example(atleast_3d)
def several(n: Size = 3, m: Size = 2) -> Case:
    return case(real(n), real(n, m))


@example(broadcast_tensors)
def spread(n: Size = 3, m: Size = 2) -> Case:
    return case(real(n, 1), real(m))


@example(column_stack)
@example(row_stack)
def joined(n: Size = 3) -> Case:
    return case([real(n), real(n)])


@example(hsplit)
@example(vsplit)
@example(dsplit)
def apart(n: Size = 3, places: bool = False) -> Case:
    return case(real(2, 2, 2), [1]) if places else case(real(2 * n, 2, 2), 2)
