"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.operation import composite, example, operation, refuse_complex
from tinygrad_edu.ops.shape import axes_of, int_of
from tinygrad_edu.tensor import Tensor

__all__ = ["diag", "diagonal", "diagonal_scatter", "tril", "triu"]


@operation(
    complex=True,
    view=True,
    x=lambda g, x_shape, offset, dim1, dim2: diagonal_scatter(np.zeros(x_shape, g.dtype), g, offset, dim1, dim2),
)
def diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    r"""The diagonal of the matrices in two dimensions: :math:`y_{..i} = x_{i, i + k}` with :math:`k` the offset.

    Parameters
    ----------
    x : Tensor
    offset : int, default 0
        Above the main diagonal if positive, below it if negative.
    dim1, dim2 : int, default 0 and 1
        The dimensions of the matrices' rows and columns.

    Returns
    -------
    Tensor
        A view; the diagonal is its last dimension.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(9).reshape(3, 3).diagonal()
    tensor([0, 4, 8])
    """
    axes = axes_of("diagonal", (dim1, dim2), x.ndim)
    out = np.diagonal(x, int_of("diagonal", "an offset", offset), *axes)
    if x.flags.writeable:
        # NumPy gives it read-only for historical reasons.
        out.flags.writeable = True
    return out


@example(diagonal)
def _(n: Size = 3, m: Size = 4, b: Size = 2) -> Case:
    return case(real(n, b, m), 0, 0, -1)


@operation(
    complex=True,
    x=lambda g, src_shape, offset, dim1, dim2: diagonal_scatter(g, np.zeros(src_shape, g.dtype), offset, dim1, dim2),
    src=lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2),
)
def diagonal_scatter(x: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `x` with another diagonal.

    Parameters
    ----------
    x : Tensor
    src : Tensor
        What stands on the diagonal; of the shape of ``x.diagonal(offset, dim1, dim2)``.
    offset : int, default 0
        Above the main diagonal if positive, below it if negative.
    dim1, dim2 : int, default 0 and 1
        The dimensions of the matrices' rows and columns.

    Returns
    -------
    Tensor
        A copy.

    Raises
    ------
    ShapeError
        If `src` has another shape than that diagonal.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.diagonal_scatter(tg.zeros(2, 2), tg.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    out = x.copy()
    part = np.diagonal(out, offset, *axes_of("diagonal_scatter", (dim1, dim2), x.ndim))
    if np.shape(src) != part.shape:
        raise ShapeError(f"diagonal_scatter: the diagonal has shape {part.shape}, src has shape {np.shape(src)}")
    if x.dtype.kind != "c":
        refuse_complex(f"diagonal_scatter into {x.dtype}", src)
    part.flags.writeable = True
    part[...] = src
    return out


@example(diagonal_scatter)
def _(n: Size = 3, b: Size = 2) -> Case:
    return case(real(n, b, n), real(b, n), 0, 0, -1)


@composite()
def diag(x: Any, diagonal: int = 0) -> Tensor:
    """The matrix with a given diagonal, or the diagonal of a given matrix.

    Parameters
    ----------
    x : Tensor
        A vector or a matrix.
    diagonal : int, default 0
        Above the main diagonal if positive, below it if negative.

    Returns
    -------
    Tensor
        A copy.

    Raises
    ------
    ShapeError
        If `x` has other than one or two dimensions.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.diag(tg.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    diagonal = int_of("diag", "a diagonal", diagonal)
    if x.ndim == 2:
        return _diagonal(x, diagonal) + x.dtype.type(0)
    if x.ndim != 1:
        raise ShapeError(f"diag: expected a vector or a matrix, got shape {tuple(x.shape)}")
    n = x.shape[0] + abs(diagonal)
    return diagonal_scatter(np.zeros((n, n), x.dtype), x, diagonal)


_diagonal = diagonal


@example(diag)
def _(n: Size = 3) -> Case:
    return case(real(n))


@operation(complex=True, in_place=True, x=lambda g, diagonal: tril(g, diagonal))
def tril(x: Any, diagonal: int = 0) -> Tensor:
    """The lower triangle of the matrices in the last two dimensions, and 0 above it.

    Parameters
    ----------
    x : Tensor, shape (..., n, m)
    diagonal : int, default 0
        The last diagonal that is kept.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tril(tg.ones(2, 3))
    tensor([[1., 0., 0.],
            [1., 1., 0.]])
    """
    _require_matrix("tril", x)
    return np.tril(x, int_of("tril", "a diagonal", diagonal))


@example(tril)
def _(n: Size = 3, m: Size = 4, b: Size = 2) -> Case:
    return case(real(b, n, m), 1)


@operation(complex=True, in_place=True, x=lambda g, diagonal: triu(g, diagonal))
def triu(x: Any, diagonal: int = 0) -> Tensor:
    """The upper triangle of the matrices in the last two dimensions, and 0 below it.

    Parameters
    ----------
    x : Tensor, shape (..., n, m)
    diagonal : int, default 0
        The first diagonal that is kept.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.triu(tg.ones(2, 3))
    tensor([[1., 1., 1.],
            [0., 1., 1.]])
    """
    _require_matrix("triu", x)
    return np.triu(x, int_of("triu", "a diagonal", diagonal))


@example(triu)
def _(n: Size = 3, m: Size = 4, b: Size = 2) -> Case:
    return case(real(b, n, m), 1)


def _require_matrix(name: str, x: np.ndarray) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{name}: expected matrices in the last two dimensions, got shape {x.shape}")
