r"""Factors of Gaussian elimination, :math:`A = P L U`: a permutation, a lower triangle of unit diagonal, an upper one.

References
----------
F. R. de Hoog, R. S. Anderssen and M. A. Lukas, "Differentiation of matrix functionals using triangular factorization",
2011.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.diagonals import tril, triu
from tinygrad_edu.ops.equations import solve, solve_triangular
from tinygrad_edu.ops.index import like, take_along_dim
from tinygrad_edu.ops.join import cat
from tinygrad_edu.ops.matrices import LinAlgError, require_matrix
from tinygrad_edu.ops.operation import composite, example, operation, plain
from tinygrad_edu.tensor import Tensor

__all__ = ["lu", "lu_factor", "lu_solve", "lu_unpack"]


def _eliminated(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L below and U on and above the diagonal; and with which row each was exchanged, counted from 0."""
    from scipy.linalg.lapack import get_lapack_funcs

    (getrf,) = get_lapack_funcs(("getrf",), (a,))
    k = min(a.shape[-2:])
    factors, pivots = np.zeros(a.shape, a.dtype), np.zeros((*a.shape[:-2], k), np.int32)
    if a.size:
        for i in np.ndindex(a.shape[:-2]):
            factors[i], pivots[i], _ = getrf(a[i])
    return factors, pivots


def _order(pivots: np.ndarray, m: int) -> np.ndarray:
    """The order of rows that these exchanges lead to, one after another."""
    order = np.broadcast_to(np.arange(m), (*pivots.shape[:-1], m)).copy()
    for row in range(pivots.shape[-1]):
        other = pivots[..., row : row + 1].astype(np.int64)
        first, second = order[..., row : row + 1].copy(), np.take_along_axis(order, other, -1)
        np.put_along_axis(order, other, first, -1)
        order[..., row : row + 1] = second
    return order


def _lu_rule(g: Any, result: Any) -> Any:
    # Of a square matrix dX = dL U + L dU, so L⁻¹ dX U⁻¹ = L⁻¹ dL + dU U⁻¹: its strict lower triangle is the first, the
    # rest is the second. Columns further right are L C, and rows further down B U; so dC = L⁻¹ (dY - dL C) and
    # dB = (dZ - B dU) U⁻¹, whose cotangents come back to L and U.
    k = min(g.shape[-2:])
    u = triu(result[..., :k, :k])
    l = tril(result[..., :k, :k], -1) + like(np.eye(k, dtype=g.dtype), g)
    c, b = result[..., :k, k:], result[..., k:, :k]
    dl, du, dc, db = tril(g[..., :k, :k], -1), triu(g[..., :k, :k]), g[..., :k, k:], g[..., k:, :k]
    inner = tril(l.mT @ dl - dc @ c.mT, -1) + triu(du @ u.mT - b.mT @ db)
    right = solve(l.mT, cat([solve(u.mT, inner, left=False), dc], -1))
    return cat([right, cat([solve(u.mT, db, left=False), g[..., k:, k:]], -1)], -2)


@operation(step=True, x=_lu_rule)
def triangles(x: Any, factors: Any) -> Tensor:
    """The factors of a matrix whose rows are in order, which the search for that order has computed already."""
    return factors


class LUFactor(NamedTuple):
    """What :func:`lu_factor` gives.

    Attributes
    ----------
    LU : Tensor
    pivots : Tensor
    """

    LU: Any
    pivots: Any


def _factored(name: str, A: Any, pivot: bool) -> LUFactor:
    require_matrix(name, A, square=False)
    if not pivot:
        raise RuntimeError(f"{name}: elimination without exchanging rows (pivot=False) is not implemented")
    factors, pivots = _eliminated(plain(A))
    rows = take_along_dim(A, _order(pivots, A.shape[-2])[..., None], -2)
    return LUFactor(triangles(rows, factors), like(pivots + 1, A))


@composite(method=False)
def lu_factor(A: Any, *, pivot: bool = True) -> LUFactor:
    r"""Factors of :math:`A = P L U` in one matrix, as LAPACK keeps them; what :func:`lu_solve` takes.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    pivot : bool, default True
        Whether rows are exchanged, which is always done here.

    Returns
    -------
    LU : Tensor, shape (..., m, n)
        L below the diagonal, whose own diagonal of ones is left out, and U on and above it.
    pivots : Tensor of int32, shape (..., min(m, n))
        With which row each was exchanged, one after another, counted from 1; see :func:`lu_unpack`.

    Raises
    ------
    LinAlgError
        If U has a 0 on its diagonal.
    RuntimeError
        If rows are not to be exchanged.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.lu_factor(tg.tensor([[1.0, 1.0], [2.0, 4.0]])).LU
    tensor([[ 2. ,  4. ],
            [ 0.5, -1. ]])
    """
    found = _factored("lu_factor", A, pivot)
    if not np.diagonal(plain(found.LU), axis1=-2, axis2=-1).all():
        raise LinAlgError(f"lu_factor: a matrix is singular (shape {tuple(A.shape)}): U has a 0 on its diagonal")
    return found


class LU(NamedTuple):
    """What :func:`lu` gives.

    Attributes
    ----------
    P : Tensor
    L : Tensor
    U : Tensor
    """

    P: Any
    L: Any
    U: Any


@composite(method=False)
def lu_unpack(LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True) -> LU:
    r"""The three factors :math:`P, L, U` of what :func:`lu_factor` gave.

    Parameters
    ----------
    LU_data : Tensor, shape (..., m, n)
    LU_pivots : Tensor of int32, shape (..., min(m, n))
    unpack_data, unpack_pivots : bool, default True
        Whether L and U, and whether P, are wanted; they are empty otherwise.

    Returns
    -------
    P : Tensor, shape (..., m, m)
        A permutation, which has no gradient.
    L : Tensor, shape (..., m, min(m, n))
    U : Tensor, shape (..., min(m, n), n)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> P, L, U = tg.lu_unpack(*tg.linalg.lu_factor(tg.tensor([[1.0, 1.0], [2.0, 4.0]])))
    >>> P @ L @ U
    tensor([[1., 1.],
            [2., 4.]])
    """
    require_matrix("lu_unpack", LU_data, square=False)
    m, k = LU_data.shape[-2], min(LU_data.shape[-2:])
    p = l = u = like(np.zeros(0, LU_data.dtype), LU_data)
    if unpack_pivots:
        p = like(_permutation("lu_unpack", plain(LU_pivots), m, k).astype(LU_data.dtype), LU_data)
    if unpack_data:
        l = tril(LU_data[..., :k], -1) + like(np.eye(m, k, dtype=LU_data.dtype), LU_data)
        u = triu(LU_data[..., :k, :])
    return LU(p, l, u)


def _permutation(name: str, pivots: np.ndarray, m: int, k: int) -> np.ndarray:
    if pivots.shape[-1:] != (k,) or pivots.dtype.kind not in "iu":
        raise ShapeError(f"{name}: expected {k} pivots, which are integers, got {pivots.shape} {pivots.dtype}")
    if pivots.size and not (pivots.min() >= 1 and pivots.max() <= m):
        raise ValueError(f"{name}: pivots count rows from 1 to {m}, got {pivots.min()} to {pivots.max()}")
    order = _order(pivots - 1, m)
    return (np.arange(m)[:, None] == order[..., None, :]).astype(np.float64)  # P[order_j, j] = 1


@composite(method=False)
def lu(A: Any, *, pivot: bool = True) -> LU:
    r"""Factors :math:`A = P L U` of Gaussian elimination: a permutation and two triangles.

    Of a square matrix, with the strict lower triangle tril and the upper one triu,

    .. math::
        \bar A = P L^{-\top} \left(\operatorname{tril}(L^\top \bar L) + \operatorname{triu}(\bar U U^\top)\right) U^{-\top}

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    pivot : bool, default True
        Whether rows are exchanged, which is always done here.

    Returns
    -------
    P : Tensor, shape (..., m, m)
    L : Tensor, shape (..., m, min(m, n))
    U : Tensor, shape (..., min(m, n), n)

    Raises
    ------
    RuntimeError
        If rows are not to be exchanged.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> P, L, U = tg.linalg.lu(tg.tensor([[1.0, 1.0], [2.0, 4.0]]))
    >>> L, U
    (tensor([[1. , 0. ],
            [0.5, 1. ]]), tensor([[ 2.,  4.],
            [ 0., -1.]]))
    """
    return lu_unpack(*_factored("lu", A, pivot))


@composite(method=False)
def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Tensor:
    r"""Solution :math:`X` of :math:`A X = B` from the factors of :math:`A = P L U`, for many B in turn.

    Parameters
    ----------
    LU : Tensor, shape (..., n, n)
    pivots : Tensor of int32, shape (..., n)
        Both as :func:`lu_factor` gives them.
    B : Tensor, shape (..., n, k)
    left : bool, default True
        Whether A stands on the left of X.
    adjoint : bool, default False
        Whether to take :math:`A^\top` in the place of A.

    Returns
    -------
    Tensor
        Of the shape of `B`, broadcast.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> factors = tg.linalg.lu_factor(tg.tensor([[1.0, 1.0], [2.0, 4.0]]))
    >>> tg.linalg.lu_solve(*factors, tg.tensor([[2.0], [6.0]]))
    tensor([[1.],
            [1.]])
    """
    require_matrix("lu_solve", LU)
    require_matrix("lu_solve", B, square=False)
    n = LU.shape[-1]
    if B.shape[-2 if left else -1] != n:
        raise ShapeError(f"lu_solve: the factors have shape {tuple(LU.shape)} and the right side {tuple(B.shape)}")
    if not left:  # X A = B is Aᵀ Xᵀ = Bᵀ
        return lu_solve(LU, pivots, B.mT, adjoint=not adjoint).mT
    p = like(_permutation("lu_solve", plain(pivots), n, n).astype(LU.dtype), LU)
    if adjoint:  # Uᵀ Lᵀ Pᵀ X = B
        y = solve_triangular(LU.mT, B, upper=False)
        return p @ solve_triangular(LU.mT, y, upper=True, unitriangular=True)
    y = solve_triangular(LU, p.mT @ B, upper=False, unitriangular=True)
    return solve_triangular(LU, y, upper=True)


@example(lu)
@example(lu_factor)
def rectangular(n: Size = 3, m: Size = 2, b: Size = 2) -> Case:
    return case(matrix(b, n, m))


def pivots_of(n: int) -> np.ndarray:
    """Pivots that exchange the first row with the last, and no other."""
    return np.array([n, *range(2, n + 1)], np.int32)


@example(lu_unpack)
def packed(n: Size = 3, m: Size = 2) -> Case:
    return case(matrix(n, m), pivots_of(n)[: min(n, m)])


@example(lu_solve)
def factors_and_right_side(n: Size = 3, k: Size = 2, left: bool = True, adjoint: bool = False) -> Case:
    return case(matrix(n, n), pivots_of(n), real(n, k) if left else real(k, n), left=left, adjoint=adjoint)
