"""Pseudo-inverses, least squares and the rank: matrices that need not be square, nor regular."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.arithmetic import square
from tinygrad_edu.ops.index import like
from tinygrad_edu.ops.matrices import require_matrix
from tinygrad_edu.ops.operation import composite, example, operation, plain
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.shape import unsqueeze
from tinygrad_edu.ops.spectral import svdvals
from tinygrad_edu.tensor import Tensor

__all__ = ["lstsq", "matrix_rank", "pinv", "pinverse"]


def _pinv_rule(g: Any, A: Any, result: Any) -> Any:
    # dP = -P dA P + P Pᵀ dAᵀ (I - A P) + (I - P A) dAᵀ Pᵀ P while the rank stays (Golub and Pereyra, 1973).
    p, gt = result, g.mT
    da = -(p.mT @ g @ p.mT)
    right = gt @ p @ p.mT
    left = p.mT @ p @ gt
    return da + (right - A @ (p @ right)) + (left - (left @ p) @ A)


def _cutoff(A: np.ndarray, atol: Any, rtol: Any) -> np.ndarray:
    """The multiple of the largest singular value up to which one counts as 0, for each matrix of a batch."""
    if rtol is None:
        rtol = max(A.shape[-2:]) * float(np.finfo(A.dtype).eps) if atol is None else 0.0
    if atol is None:
        return np.asarray(rtol, A.dtype)
    largest = np.linalg.svd(A, compute_uv=False).max(-1, initial=0)
    return np.maximum(atol / np.where(largest > 0, largest, 1), rtol)  # no element of a zero matrix is above any bound


@operation(method=False, A=_pinv_rule)
def pinv(A: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    r"""Pseudo-inverse :math:`P = A^+` of Moore and Penrose.

    As long as the rank stays, :math:`\bar A = -P^\top \bar P P^\top + (I - A P) \bar P^\top P P^\top + P^\top P
    \bar P^\top (I - P A)`.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    rcond : float, optional
        Older name of `rtol`.
    hermitian : bool, default False
        Whether `A` is symmetric, so that one triangle of it can be read alone.
    atol : float, optional
        Singular values up to this count as 0.
    rtol : float, optional
        And those up to this multiple of the largest: max(m, n) roundings if both are omitted.

    Returns
    -------
    Tensor, shape (..., n, m)

    References
    ----------
    Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
    separate", 1973.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.pinv(tg.tensor([[2.0], [0.0]]))
    tensor([[0.5, 0. ]])
    """
    require_matrix("pinv", A, square=hermitian)
    return np.linalg.pinv(A, _cutoff(A, atol, rcond if rtol is None else rtol), hermitian)


@composite()
def pinverse(x: Any, rcond: float = 1e-15) -> Tensor:
    r"""Pseudo-inverse of Moore and Penrose: :func:`pinv` under its older name.

    Parameters
    ----------
    x : Tensor, shape (..., m, n)
    rcond : float, default 1e-15
        Singular values up to this multiple of the largest count as 0.

    Returns
    -------
    Tensor, shape (..., n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.pinverse(tg.tensor([[2.0], [0.0]]))
    tensor([[0.5, 0. ]])
    """
    require_matrix("pinverse", x, square=False)
    return pinv(x, rtol=rcond)


class LeastSquares(NamedTuple):
    """What :func:`lstsq` gives.

    Attributes
    ----------
    solution : Tensor
    residuals : Tensor
    rank : Tensor
    singular_values : Tensor
    """

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


@composite(method=False)
def lstsq(
    A: Any, B: Any, rcond: float | None = None, *, driver: Literal["gelsy", "gels", "gelsd", "gelss"] | None = None
) -> LeastSquares:
    r"""The :math:`X` of least norm among those that minimise :math:`\lVert A X - B \rVert`.

    It is :math:`A^+ B`, through the pseudo-inverse, whose rule gives the gradient.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    B : Tensor, shape (..., m, k) or (..., m)
        A vector where its shape is that of `A` without its last dimension.
    rcond : float, optional
        Singular values up to this multiple of the largest count as 0; max(m, n) roundings if omitted.
    driver : {"gelsy", "gels", "gelsd", "gelss"}, optional
        Which of LAPACK's methods PyTorch would take. The solution is the same here; the singular values are given for
        the last two.

    Returns
    -------
    solution : Tensor, shape (..., n, k) or (..., n)
    residuals : Tensor, shape (..., k)
        The squared norm of each column of :math:`A X - B`; empty unless m > n and every matrix has rank n.
    rank : Tensor of int64, shape (...)
    singular_values : Tensor, shape (..., min(m, n)) or (0,)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.lstsq(tg.tensor([[1.0], [1.0]]), tg.tensor([[1.0], [3.0]])).solution
    tensor([[2.]])
    """
    require_matrix("lstsq", A, square=False)
    if driver not in (None, "gelsy", "gels", "gelsd", "gelss"):
        raise ValueError(f'lstsq: driver is "gelsy", "gels", "gelsd" or "gelss", got {driver!r}')
    vector = B.shape == A.shape[:-1]
    columns = unsqueeze(B, -1) if vector else B
    require_matrix("lstsq", columns, square=False)
    if A.shape[-2] != columns.shape[-2]:
        raise ShapeError(f"lstsq: both sides need as many rows, got {tuple(A.shape)} and {tuple(B.shape)}")
    x = pinv(A, rtol=rcond) @ columns
    rank = matrix_rank(A, rtol=rcond)
    none = like(np.zeros(0, A.dtype), A)
    residuals = none
    if A.shape[-2] > A.shape[-1] and np.all(plain(rank) == A.shape[-1]):
        residuals = total(square(A @ x - columns), -2)
    values = svdvals(A) if driver in ("gelsd", "gelss") else none
    return LeastSquares(x[..., 0] if vector else x, residuals, rank, values)


lstsq.operation.other_names["b"] = "B"  # type: ignore[attr-defined]  # as PyTorch has it, who documents B


@composite(method=False, differentiable=False)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    r"""Number of singular values that are not 0, up to a tolerance.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    tol : float, optional
        Older name of `atol`.
    hermitian : bool, default False
        Whether `A` is symmetric, so that one triangle of it can be read alone.
    atol : float, optional
        Singular values up to this count as 0.
    rtol : float, optional
        And those up to this multiple of the largest: max(m, n) roundings if both are omitted.

    Returns
    -------
    Tensor of int64, shape (...)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.matrix_rank(tg.ones(3, 3))
    tensor(1)
    """
    require_matrix("matrix_rank", A, square=hermitian)
    array = plain(A)
    bound = _cutoff(array, plain(tol if atol is None else atol), plain(rtol))
    return like(np.asarray(np.linalg.matrix_rank(array, rtol=bound, hermitian=hermitian), np.int64), A)


@example(pinv)
@example(pinverse)
def of_matrices(n: Size = 3, m: Size = 2, b: Size = 2) -> Case:
    return case(matrix(b, n, m))


@example(matrix_rank)
def of_a_matrix(n: Size = 3, m: Size = 2) -> Case:
    return case(matrix(n, m))


@example(lstsq)
def overdetermined(n: Size = 2, more: Size = 2, k: Size = 2) -> Case:
    return case(matrix(n + more, n), real(n + more, k))
