"""Matrices as products of triangles and orthonormal columns: the factorisations of Cholesky, and QR.

A factorisation with several results is computed as one array, which carries one rule, and then taken apart.

References
----------
M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.grad_mode import is_grad_enabled
from tinygrad_edu.ops.diagonals import tril, triu
from tinygrad_edu.ops.equations import solve
from tinygrad_edu.ops.index import like
from tinygrad_edu.ops.join import cat
from tinygrad_edu.ops.matrices import LinAlgError, require_matrix, symmetric
from tinygrad_edu.ops.operation import composite, example, operation, plain
from tinygrad_edu.tensor import Tensor

__all__ = ["cholesky", "householder_product", "qr"]


def _halved(x: Any) -> Any:
    """The lower triangle with half of the diagonal."""
    return 0.5 * (tril(x) + tril(x, -1))


def _cholesky_rule(g: Any, result: Any, upper: bool) -> Any:
    # A = L Lᵀ: L⁻¹ dA L⁻ᵀ = L⁻¹dL + (L⁻¹dL)ᵀ, whose lower triangle with half of the diagonal is L⁻¹dL.
    l, g = (result.mT, g.mT) if upper else (result, g)
    inner = solve(l.mT, _halved(l.mT @ g))
    da = solve(l, inner, left=False)
    return 0.5 * (da + da.mT)


@operation(A=_cholesky_rule)
def cholesky(A: Any, *, upper: bool = False) -> Tensor:
    r"""Factor :math:`L` of :math:`A = L L^\top`, for a symmetric positive definite matrix.

    With :math:`\Phi` the lower triangle with half of the diagonal, :math:`\bar A` is the symmetric part of
    :math:`L^{-\top} \Phi(L^\top \bar L) L^{-1}`. As in PyTorch the gradient is symmetric, though one triangle alone
    is read.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
        Symmetric, which is not checked.
    upper : bool, default False
        Whether to give :math:`L^\top`.

    Returns
    -------
    Tensor, shape (..., n, n)

    Raises
    ------
    LinAlgError
        If a matrix is not positive definite.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.cholesky(tg.tensor([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    require_matrix("cholesky", A)
    try:
        l = np.linalg.cholesky(A)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"cholesky: a matrix is not positive definite (shape {A.shape})") from None
    return l.mT if upper else l


def _qr_rule(g: Any, result: Any, x_shape: tuple[int, ...]) -> Any:
    # With M = R R̄ᵀ - Q̄ᵀ Q, the cotangent is (Q̄ + Q sym(M)) R⁻ᵀ, where sym mirrors the lower triangle.
    m = x_shape[-2]
    q, r, dq, dr = result[..., :m, :], result[..., m:, :], g[..., :m, :], g[..., m:, :]
    inner = r @ dr.mT - dq.mT @ q
    mirrored = tril(inner) + tril(inner, -1).mT
    return solve(r.mT, dq + q @ mirrored, left=False)


@operation(step=True, x=_qr_rule)
def orthogonal(x: Any) -> Tensor:
    """Q above R, of a matrix that is not wider than high."""
    return np.concatenate(np.linalg.qr(x), -2)


class QR(NamedTuple):
    """What :func:`qr` gives.

    Attributes
    ----------
    Q : Tensor
    R : Tensor
    """

    Q: Any
    R: Any


@composite(method=False)
def qr(A: Any, mode: Literal["reduced", "complete"] = "reduced") -> QR:
    r"""Factors :math:`A = Q R`, with orthonormal columns and an upper triangle.

    For a matrix at least as high as wide, with :math:`M = R \bar R^\top - \bar Q^\top Q`,

    .. math::
        \bar A = (\bar Q + Q\,(\operatorname{tril}(M) + \operatorname{tril}(M, -1)^\top))\, R^{-\top}

    Of a wider one :math:`A = [X, Y]`, X gives Q, and the rest of R is :math:`Q^\top Y`.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
        The first k = min(m, n) columns are independent where a gradient is wanted.
    mode : {"reduced", "complete"}, default "reduced"
        Whether Q has k columns or m; with m > n the complete one has no gradient.

    Returns
    -------
    Q : Tensor, shape (..., m, k) or (..., m, m)
    R : Tensor, shape (..., k, n) or (..., m, n)

    Raises
    ------
    RuntimeError
        If a gradient is wanted of what has none.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> Q, R = tg.linalg.qr(tg.tensor([[3.0, 1.0], [4.0, 1.0]]))
    >>> (Q @ R).round()
    tensor([[3., 1.],
            [4., 1.]])
    """
    require_matrix("qr", A, square=False)
    m, n = A.shape[-2:]
    if mode not in ("reduced", "complete"):
        raise ValueError(f'qr: mode is "reduced" or "complete", got {mode!r}')
    if mode == "complete" and m > n:
        if isinstance(A, Tensor) and A.requires_grad and is_grad_enabled():
            raise RuntimeError(f'qr: mode "complete" has no gradient for shape {A.shape}, higher than wide')
        return QR(*(like(factor, A) for factor in np.linalg.qr(plain(A), "complete")))
    both = orthogonal(A[..., :m])
    q, r = both[..., :m, :], triu(both[..., m:, :])
    return QR(q, r if n <= m else cat([r, q.mT @ A[..., m:]], -1))


@composite(method=False)
def householder_product(A: Any, tau: Any) -> Tensor:
    r"""First n columns of the product of reflections :math:`I - \tau_i v_i v_i^\top`, as LAPACK's QR leaves them.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
        With m >= n. Below the diagonal of its column i stands the rest of :math:`v_i`, which is 0 above it and 1 on it;
        nothing else is read.
    tau : Tensor, shape (..., k)
        With k <= n.

    Returns
    -------
    Tensor, shape (..., m, n)

    References
    ----------
    G. H. Golub and C. F. Van Loan, "Matrix computations", section 5.1.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.householder_product(tg.tensor([[0.0], [1.0]]), tg.tensor([1.0]))
    tensor([[ 0.],
            [-1.]])
    """
    require_matrix("householder_product", A, square=False)
    m, n = A.shape[-2:]
    k = tau.shape[-1] if tau.shape else 0
    if m < n or k > n or tau.shape[:-1] != A.shape[:-2]:
        raise ShapeError(
            "householder_product: expected a matrix at least as high as wide and at most one factor for each column, "
            f"got {tuple(A.shape)} and {tuple(tau.shape)}"
        )
    vectors = tril(A, -1) + like(np.eye(m, n, dtype=A.dtype), A)
    q = like(np.broadcast_to(np.eye(m, n, dtype=A.dtype), A.shape), A)
    for i in reversed(range(k)):
        v = vectors[..., i : i + 1]
        q = q - tau[..., i : i + 1, None] * (v @ (v.mT @ q))
    return q


@example(cholesky)
def positive(n: Size = 3, b: Size = 2) -> Case:
    return Case(symmetric(cholesky), (matrix(b, n, n),))


@example(qr)
def factors(n: Size = 3, m: Size = 2, b: Size = 2) -> Case:
    return case(matrix(b, n, m))


@example(householder_product)
def reflections(n: Size = 2, more: Size = 2, b: Size = 2) -> Case:
    return case(real(b, n + more, n), real(b, n))
