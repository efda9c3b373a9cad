"""What ``torch`` itself has beside ``torch.linalg`` under the same name, with other arguments, defaults or results."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops import factorizations, linalg, lu_factors, products, spectral
from tinygrad_edu.ops.index import like
from tinygrad_edu.ops.operation import methods
from tinygrad_edu.tensor import Tensor

__all__ = ["chain_matmul", "cross", "ger", "lu_solve", "qr", "svd", "vdot"]


def chain_matmul(*matrices: Any) -> Tensor:
    """Product of several matrices; see :func:`tinygrad_edu.linalg.multi_dot`.

    Parameters
    ----------
    *matrices : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.chain_matmul(tg.ones(1, 2), tg.ones(2, 3), tg.ones(3, 1))
    tensor([[6.]])
    """
    return matrices[0] if len(matrices) == 1 else products.multi_dot(matrices)


class USV(NamedTuple):
    """What :func:`svd` gives.

    Attributes
    ----------
    U : Tensor
    S : Tensor
    V : Tensor
    """

    U: Any
    S: Any
    V: Any


def svd(input: Any, some: bool = True, compute_uv: bool = True) -> USV:
    r"""Singular value decomposition :math:`A = U \operatorname{diag}(S) V^\top`; see :func:`tinygrad_edu.linalg.svd`.

    Parameters
    ----------
    input : Tensor, shape (..., m, n)
    some : bool, default True
        Whether U and V have the first min(m, n) vectors alone.
    compute_uv : bool, default True
        Whether the vectors are wanted; otherwise they are zeros.

    Returns
    -------
    U : Tensor
    S : Tensor
    V : Tensor
        Not transposed, other than ``linalg.svd`` gives it.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.svd(tg.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    if compute_uv:
        u, s, vh = spectral.svd(input, full_matrices=not some)
        return USV(u, s, vh.mT)
    s = spectral.svdvals(input)
    m, n = input.shape[-2:]
    zeros = (like(np.zeros((*input.shape[:-2], size, size), input.dtype), input) for size in (m, n))
    return USV(next(zeros), s, next(zeros))


def qr(input: Any, some: bool = True) -> factorizations.QR:
    r"""Factors :math:`A = Q R`; see :func:`tinygrad_edu.linalg.qr`.

    Parameters
    ----------
    input : Tensor, shape (..., m, n)
    some : bool, default True
        Whether Q has the first min(m, n) columns alone.

    Returns
    -------
    Q : Tensor
    R : Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.qr(tg.tensor([[3.0], [4.0]])).R.abs()
    tensor([[5.]])
    """
    return factorizations.qr(input, "reduced" if some else "complete")


def cross(input: Any, other: Any, dim: int | None = None) -> Tensor:
    """Vector product; see :func:`tinygrad_edu.linalg.cross`.

    Parameters
    ----------
    input, other : Tensor
    dim : int, optional
        The dimension of length 3; the first that has this length if omitted.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cross(tg.tensor([1.0, 0.0, 0.0]), tg.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    if dim is None:
        if 3 not in input.shape:
            raise ShapeError(f"cross: no dimension of {tuple(input.shape)} has length 3")
        dim = tuple(input.shape).index(3)
    return products.cross(input, other, dim=dim)


def lu_solve(input: Any, LU_data: Any, LU_pivots: Any) -> Tensor:
    """Solution of equations from the factors of their matrix; see :func:`tinygrad_edu.linalg.lu_solve`.

    Parameters
    ----------
    input : Tensor, shape (..., n, k)
        The right side.
    LU_data : Tensor, shape (..., n, n)
    LU_pivots : Tensor of int32, shape (..., n)

    Returns
    -------
    Tensor, shape (..., n, k)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> factors = tg.linalg.lu_factor(tg.tensor([[1.0, 1.0], [2.0, 4.0]]))
    >>> tg.lu_solve(tg.tensor([[2.0], [6.0]]), *factors)
    tensor([[1.],
            [1.]])
    """
    return lu_factors.lu_solve(LU_data, LU_pivots, input)


ger, vdot = linalg.outer, linalg.dot

methods(ger=ger, vdot=vdot, svd=svd, qr=qr, cross=cross, lu_solve=lu_solve)
