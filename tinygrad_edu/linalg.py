"""Linear algebra under the names of ``torch.linalg``; the operations stand in :mod:`tinygrad_edu.ops`."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops import assemble, diagonals
from tinygrad_edu.ops.determinants import det, slogdet
from tinygrad_edu.ops.equations import inv, solve, solve_triangular, tensorinv, tensorsolve
from tinygrad_edu.ops.factorizations import cholesky, householder_product, qr
from tinygrad_edu.ops.least_squares import lstsq, matrix_rank, pinv
from tinygrad_edu.ops.linalg import matmul
from tinygrad_edu.ops.lu_factors import lu, lu_factor, lu_solve
from tinygrad_edu.ops.matrices import LinAlgError
from tinygrad_edu.ops.norms import cond, matrix_norm, vector_norm
from tinygrad_edu.ops.powers import matrix_exp, matrix_power
from tinygrad_edu.ops.products import cross, multi_dot, vecdot
from tinygrad_edu.ops.spectral import eigh, eigvalsh, svd, svdvals
from tinygrad_edu.tensor import Tensor

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "householder_product",
    "inv",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]


def norm(input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    r"""Norm of vectors or of matrices: :func:`vector_norm` or :func:`matrix_norm`.

    Parameters
    ----------
    input : Tensor
    ord : number, "fro" or "nuc", optional
        If omitted, the root of the sum of squares, of whatever `dim` says.
    dim : int or pair of ints, optional
        One dimension for vectors, two for matrices. If omitted, a tensor of one or two dimensions is taken as what it
        is, and without `ord` any tensor as one long vector.
    keepdim : bool, default False
        Whether the reduced dimensions stay, with length 1.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `ord` is given for a tensor of three or more dimensions, and `dim` is not.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.norm(tg.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    >>> tg.linalg.norm(tg.tensor([[3.0, 0.0], [0.0, 4.0]]), ord=2)
    tensor(4.)
    """
    if ord is None:
        return vector_norm(input, 2, dim, keepdim)
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if len(dims) not in (1, 2):
        raise ValueError(f"norm: with ord={ord!r} dim names one dimension or two; got {dim!r} for shape {input.shape}")
    return (
        vector_norm(input, ord, dims[0], keepdim) if len(dims) == 1 else matrix_norm(input, ord, tuple(dims), keepdim)
    )


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices: :func:`tinygrad_edu.diagonal`, of the last two dimensions unless others are named.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    offset : int, default 0
        Above the main diagonal if positive, below it if negative.
    dim1, dim2 : int, default -2 and -1
        The dimensions of the matrices' rows and columns.

    Returns
    -------
    Tensor
        A view; the diagonal is its last dimension.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.diagonal(tg.arange(8).reshape(2, 2, 2))
    tensor([[0, 3],
            [4, 7]])
    """
    return diagonals.diagonal(A, offset, dim1, dim2)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    r"""Powers of vectors' elements, :math:`y_{ij} = x_i^j`, from 0 on: :func:`tinygrad_edu.vander` in ascending order.

    Parameters
    ----------
    x : Tensor, shape (..., n)
    N : int, optional
        Number of powers; n if omitted.

    Returns
    -------
    Tensor, shape (..., n, N)

    Raises
    ------
    ValueError
        If N is less than 2, as in PyTorch.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.vander(tg.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    if not x.shape:
        raise ShapeError("vander: expected vectors, got a tensor without dimensions")
    count = x.shape[-1] if N is None else N
    if count < 2:
        raise ValueError(f"vander: two or more powers are needed, got {count} (shape {tuple(x.shape)}, N={N})")
    return assemble.vander(x.reshape(-1), count, increasing=True).reshape((*x.shape, count))
