"""Places in tensors: of elements that are not 0, of triangles, of combinations."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.dtypes import int64
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.creation import new
from tinygrad_edu.ops.index import like, nonzero
from tinygrad_edu.ops.operation import composite, example
from tinygrad_edu.tensor import Tensor

__all__ = ["argwhere", "combinations", "tril_indices", "triu_indices"]


@composite(differentiable=False)
def argwhere(x: Any) -> Tensor:
    """The places of the elements that are not 0, as rows; see :func:`nonzero`.

    Parameters
    ----------
    x : Tensor

    Returns
    -------
    Tensor of int64, shape (how many, dimensions of x)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.argwhere(tg.tensor([[1, 0], [0, 2]]))
    tensor([[0, 0],
            [1, 1]])
    """
    return nonzero(x)


@composite(method=False)
def combinations(x: Any, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of several elements of a vector, as rows, in the order of the places.

    Parameters
    ----------
    x : Tensor, shape (n,)
    r : int, default 2
        How many to choose.
    with_replacement : bool, default False
        Whether an element may be chosen again.

    Returns
    -------
    Tensor, shape (how many, r)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.combinations(tg.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if len(x.shape) != 1:
        raise ShapeError(f"combinations: expected a vector, got shape {tuple(x.shape)}")
    if r < 0:
        raise ValueError(f"combinations: r is not negative, got {r}")
    if r == 0:
        return like(np.zeros(0, x.dtype), x)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return x[np.array(list(choose(range(x.shape[0]), r)), np.int64).reshape(-1, r)]


def _lengths(name: str, *lengths: int) -> tuple[int, ...]:
    if any(length < 0 for length in lengths):
        raise ShapeError(f"{name}: lengths cannot be negative, got {lengths}")
    return lengths


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = int64, device: Any = None) -> Tensor:
    """The places of a matrix's lower triangle: one row of their rows, one of their columns.

    Parameters
    ----------
    row, col : int
        The matrix's shape.
    offset : int, default 0
        How many diagonals more, or fewer if negative.
    dtype : numpy.dtype, default int64
    device : optional
        Accepted for PyTorch programs; must be the CPU.

    Returns
    -------
    Tensor, shape (2, how many)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    n, m = _lengths("tril_indices", row, col)
    return new(np.stack(np.tril_indices(n, offset, m)), dtype, device, False)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = int64, device: Any = None) -> Tensor:
    """The places of a matrix's upper triangle: one row of their rows, one of their columns.

    Parameters
    ----------
    row, col : int
        The matrix's shape.
    offset : int, default 0
        How many diagonals fewer, or more if negative.
    dtype : numpy.dtype, default int64
    device : optional
        Accepted for PyTorch programs; must be the CPU.

    Returns
    -------
    Tensor, shape (2, how many)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    n, m = _lengths("triu_indices", row, col)
    return new(np.stack(np.triu_indices(n, offset, m)), dtype, device, False)


@example(argwhere)
def of_a_matrix(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m, ties=True))


@example(combinations)
def of_a_vector(n: Size = 3, with_replacement: bool = False) -> Case:
    return case(real(n + 1), 2, with_replacement)
