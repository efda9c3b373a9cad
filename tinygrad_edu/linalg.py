"""Linear algebra under the names of ``torch.linalg``; the operations stand in :mod:`tinygrad_edu.ops.decompositions`."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.ops.decompositions import (
    LinAlgError,
    cholesky,
    cross,
    det,
    eigh,
    eigvalsh,
    inv,
    lstsq,
    matrix_exp,
    matrix_norm,
    matrix_power,
    matrix_rank,
    pinv,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
    svdvals,
    vector_norm,
)
from tinygrad_edu.ops.linalg import matmul
from tinygrad_edu.tensor import Tensor

__all__ = [
    "LinAlgError",
    "cholesky",
    "cross",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vector_norm",
]


def norm(x: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    r"""Norm of vectors or of matrices: :func:`vector_norm` or :func:`matrix_norm`.

    Parameters
    ----------
    x : Tensor
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
        return vector_norm(x, 2, dim, keepdim)
    dims = list(range(x.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if len(dims) not in (1, 2):
        raise ValueError(f"norm: with ord={ord!r} dim names one dimension or two; got {dim!r} for shape {x.shape}")
    return vector_norm(x, ord, dims[0], keepdim) if len(dims) == 1 else matrix_norm(x, ord, tuple(dims), keepdim)
