"""Tensors put together and turned: grids, diagonals, blocks, rotations."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.creation import zeros
from tinygrad_edu.ops.diagonals import diagonal_scatter
from tinygrad_edu.ops.index import getitem, like
from tinygrad_edu.ops.join import cat, stack
from tinygrad_edu.ops.operation import composite, example
from tinygrad_edu.ops.shape import axes_of, axis_of, broadcast_to, flip, int_of, movedim
from tinygrad_edu.tensor import Tensor

__all__ = ["block_diag", "cartesian_prod", "diag_embed", "meshgrid", "rot90", "unfold", "vander"]


def _several(name: str, tensors: tuple) -> list:
    given = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else list(tensors)
    for x in given:
        if not isinstance(x, Tensor | np.ndarray):
            raise TypeError(f"{name}: expected tensors, got {type(x).__name__}")
    return given


def _vectors(name: str, tensors: tuple) -> list:
    given = _several(name, tensors)
    if not given:
        raise TypeError(f"{name}: expected one tensor at least")
    if len({x.dtype for x in given}) > 1:
        raise DtypeError(f"{name}: all dtypes must be equal, got {', '.join(str(x.dtype) for x in given)}")
    return given


@composite(method=False)
def meshgrid(*tensors: Any, indexing: Literal["ij", "xy"] = "ij") -> tuple[Tensor, ...]:
    """The coordinates of every point of a grid, from those along each axis.

    Parameters
    ----------
    *tensors : Tensor, shape (n,) or ()
        One for each axis; or one list of them.
    indexing : {"ij", "xy"}, default "ij"
        "xy" exchanges the first two dimensions of the results.

    Returns
    -------
    tuple of Tensor, shape (n, m, ...)
        One for each axis.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x, y = tg.meshgrid(tg.tensor([1, 2]), tg.tensor([3, 4, 5]))
    >>> x
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    given = _vectors("meshgrid", tensors)
    if indexing not in ("ij", "xy"):
        raise ValueError(f'meshgrid: indexing is "ij" or "xy", got {indexing!r}')
    for x in given:
        if len(x.shape) > 1:
            raise ShapeError(f"meshgrid: expected vectors, got shape {tuple(x.shape)}")
    given = [x.reshape(-1) for x in given]
    swapped = indexing == "xy" and len(given) > 1
    if swapped:
        given[:2] = given[1::-1]
    shape = tuple(x.shape[0] for x in given)
    grids = [
        broadcast_to(x.reshape([-1 if k == i else 1 for k in range(len(given))]), shape) for i, x in enumerate(given)
    ]
    if swapped:
        grids[:2] = grids[1::-1]
    return tuple(grids)


@composite(method=False)
def cartesian_prod(*tensors: Any) -> Tensor:
    """Every combination of one element from each vector, as rows.

    Parameters
    ----------
    *tensors : Tensor, shape (n,)

    Returns
    -------
    Tensor, shape (n m ..., number of tensors)
        The vector itself, if there is but one.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cartesian_prod(tg.tensor([1, 2]), tg.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    given = _vectors("cartesian_prod", tensors)
    for x in given:
        if len(x.shape) != 1:
            raise ShapeError(f"cartesian_prod: expected vectors, got shape {tuple(x.shape)}")
    if len(given) == 1:
        return given[0]
    return stack([grid.reshape(-1) for grid in meshgrid(*given)], 1)


@composite(method=False)
def block_diag(*tensors: Any) -> Tensor:
    """A matrix with the given ones along its diagonal, and zeros elsewhere.

    Parameters
    ----------
    *tensors : Tensor, shape (n, m), (m,) or ()
        A vector is taken as one row, a number as one element.

    Returns
    -------
    Tensor, shape (sum of n, sum of m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.block_diag(tg.tensor([[1, 2]]), tg.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    given = _several("block_diag", tensors)
    if not given:
        return zeros((1, 0))
    blocks = []
    for x in given:
        if len(x.shape) > 2:
            raise ShapeError(f"block_diag: expected matrices, got shape {tuple(x.shape)}")
        blocks.append(x if len(x.shape) == 2 else x.reshape(1, -1))
    width, before, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        n, m = x.shape
        left, right = np.zeros((n, before), x.dtype), np.zeros((n, width - before - m), x.dtype)
        rows.append(cat([like(left, x), x, like(right, x)], 1))
        before += m
    return cat(rows, 0)


@composite()
def diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension as a diagonal, and zeros elsewhere.

    Parameters
    ----------
    x : Tensor, shape (..., n)
    offset : int, default 0
        Which diagonal: above the main one if positive, below it if negative.
    dim1, dim2 : int, default -2, -1
        The dimensions of the result that hold the matrices.

    Returns
    -------
    Tensor, shape (..., n + abs(offset), n + abs(offset))

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.diag_embed(tg.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if not len(x.shape):
        raise ShapeError("diag_embed: expected at least one dimension, got shape ()")
    offset = int_of("diag_embed", "an offset", offset)
    size = x.shape[-1] + abs(offset)
    first, second = (axis_of("diag_embed", d, len(x.shape) + 1) for d in (dim1, dim2))
    if first == second:
        raise ShapeError(f"diag_embed: the two dimensions are the same: {dim1} and {dim2}")
    squares = diagonal_scatter(np.zeros((*x.shape[:-1], size, size), x.dtype), x, offset, -2, -1)
    return movedim(squares, (-2, -1), (first, second))


@composite(method=False)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers of a vector's elements as columns, from the highest to 0.

    Parameters
    ----------
    x : Tensor, shape (n,)
    N : int, optional
        Number of columns; n if omitted.
    increasing : bool, default False
        Whether the powers ascend.

    Returns
    -------
    Tensor, shape (n, N)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.vander(tg.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    if len(x.shape) != 1:
        raise ShapeError(f"vander: expected a vector, got shape {tuple(x.shape)}")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise ValueError(f"vander: N is not negative, got {N}")
    if not count:
        return like(np.zeros((x.shape[0], 0), x.dtype), x)
    power = like(np.ones(x.shape, x.dtype), x)
    powers = [power]
    for _ in range(count - 1):
        power = power * x
        powers.append(power)
    return stack(powers if increasing else powers[::-1], 1)


@composite()
def rot90(x: Any, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned by `k` right angles, from the first of two dimensions towards the second.

    Parameters
    ----------
    x : Tensor
    k : int, default 1
    dims : pair of int, default (0, 1)

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.rot90(tg.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    if len(dims) != 2:
        raise ShapeError(f"rot90: expected two dimensions, got {dims!r}")
    first, second = axes_of("rot90", tuple(dims), len(x.shape))
    k = int_of("rot90", "a number of turns", k) % 4
    if k == 2:
        return flip(x, (first, second))
    if k == 0:
        return flip(x, ())
    return flip(x, second).swapaxes(first, second) if k == 1 else flip(x, first).swapaxes(first, second)


@composite()
def unfold(x: Any, dimension: int, size: int, step: int) -> Tensor:
    """Every window of one length along a dimension; a copy, where PyTorch gives a view.

    Parameters
    ----------
    x : Tensor
    dimension : int
    size : int
        Length of a window.
    step : int
        From the start of one to that of the next.

    Returns
    -------
    Tensor
        With the number of windows in the place of that dimension, and `size` as the last one.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    axis = axis_of("unfold", dimension, len(x.shape))
    size, step = int_of("unfold", "a size", size), int_of("unfold", "a step", step)
    if not x.shape:
        return unfold(x.reshape((1,)), 0, size, step)[0]
    length = x.shape[axis]
    if not 0 <= size <= length or step < 1:
        raise ShapeError(
            f"unfold: expected 0 <= size <= {length} and step > 0 for dimension {dimension} of shape {tuple(x.shape)}, "
            f"got size={size}, step={step}"
        )
    starts = np.arange((length - size) // step + 1) * step
    windows = getitem(x, (slice(None),) * axis + (starts[:, None] + np.arange(size),))
    return movedim(windows, axis + 1, -1)


@example(meshgrid)
def grid(n: Size = 2, m: Size = 3, indexing: Literal["ij", "xy"] = "ij") -> Case:
    return case(real(n), real(m), indexing=indexing)


@example(cartesian_prod)
def combinations(n: Size = 2, m: Size = 3) -> Case:
    return case(real(n), real(m))


@example(block_diag)
def blocks(n: Size = 2, m: Size = 3) -> Case:
    return case(real(n, m), real(m, 2))


@example(diag_embed)
def diagonals(n: Size = 2, m: Size = 3, offset: Literal[-1, 0, 2] = 0) -> Case:
    return case(real(n, m), offset)


@example(vander)
def powers(n: Size = 3, N: Size = 4, increasing: bool = False) -> Case:
    return case(real(n), N, increasing)


@example(rot90)
def turned(n: Size = 2, m: Size = 3, k: Literal[-1, 0, 1, 2, 3] = 1) -> Case:
    return case(real(n, m), k, (1, 0))


@example(unfold)
def windows(n: Size = 2, size: Size = 2, step: Size = 1) -> Case:
    return case(real(n, 6), 1, size, step)
