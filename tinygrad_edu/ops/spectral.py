"""Eigenvalues of symmetric matrices, and singular values, with their vectors.

A decomposition is computed as one array, which carries one rule, and then taken apart.

References
----------
M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008. J. Townsend, "Differentiating the singular value decomposition", 2016.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix
from tinygrad_edu.ops.index import like
from tinygrad_edu.ops.join import cat
from tinygrad_edu.ops.matrices import ratio, require_matrix, symmetric
from tinygrad_edu.ops.operation import composite, example, operation, plain
from tinygrad_edu.ops.selection import where
from tinygrad_edu.tensor import Tensor

__all__ = ["eigh", "eigvalsh", "svd", "svdvals"]


def _eigh_rule(g: Any, result: Any) -> Any:
    # A V = V Λ gives dΛ = diag(Vᵀ dA V) and dV = V (F ∘ Vᵀ dA V), F_ij = 1 / (λ_j - λ_i) beside the diagonal.
    values, vectors = result[..., :1, :], result[..., 1:, :]
    diagonal = np.eye(result.shape[-1], dtype=bool)
    turned = vectors.mT @ g[..., 1:, :]
    turned = 0.5 * (turned - turned.mT)  # orthonormal vectors can only turn: Vᵀ dV is skew
    inner = where(diagonal, g[..., :1, :], ratio(turned, values - values.mT))
    return vectors @ inner @ vectors.mT


@operation(step=True, x=_eigh_rule)
def eigen(x: Any, uplo: Literal["L", "U"]) -> Tensor:
    """The eigenvalues as a row above the eigenvectors as columns."""
    values, vectors = np.linalg.eigh(x, uplo)
    return np.concatenate([values[..., None, :], vectors], -2)


class Eigen(NamedTuple):
    """What :func:`eigh` gives.

    Attributes
    ----------
    eigenvalues : Tensor
    eigenvectors : Tensor
    """

    eigenvalues: Any
    eigenvectors: Any


@composite(method=False)
def eigh(A: Any, UPLO: Literal["L", "U"] = "L") -> Eigen:
    r"""Eigenvalues and eigenvectors of a symmetric matrix, :math:`A = V \operatorname{diag}(\lambda) V^\top`.

    With :math:`F_{ij} = 1 / (\lambda_j - \lambda_i)` beside the diagonal and 0 on it,

    .. math::
        \bar A = V \left(\operatorname{diag}(\bar\lambda)
        + \tfrac12 F \circ (V^\top \bar V - \bar V^\top V)\right) V^\top

    The gradient through the eigenvectors is NaN where eigenvalues are equal; that through the eigenvalues exists.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
        Symmetric, which is not checked.
    UPLO : {"L", "U"}, default "L"
        The triangle that is read.

    Returns
    -------
    eigenvalues : Tensor, shape (..., n)
        In ascending order.
    eigenvectors : Tensor, shape (..., n, n)
        As columns; the sign of each is arbitrary, and so is the gradient of a loss that depends on it.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> values, vectors = tg.linalg.eigh(tg.tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> values
    tensor([1., 3.])
    """
    require_matrix("eigh", A)
    if UPLO not in ("L", "U"):
        raise ValueError(f'eigh: UPLO is "L" or "U", got {UPLO!r}')
    both = eigen(A, UPLO)
    return Eigen(both[..., 0, :], both[..., 1:, :])


@composite(method=False)
def eigvalsh(A: Any, UPLO: Literal["L", "U"] = "L") -> Tensor:
    r"""Eigenvalues of a symmetric matrix in ascending order; :math:`\bar A = V \operatorname{diag}(\bar\lambda) V^\top`.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
        Symmetric, which is not checked.
    UPLO : {"L", "U"}, default "L"
        The triangle that is read.

    Returns
    -------
    Tensor, shape (..., n)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.eigvalsh(tg.tensor([[2.0, 1.0], [1.0, 2.0]]))
    tensor([1., 3.])
    """
    require_matrix("eigvalsh", A)
    return eigh(A, UPLO).eigenvalues


def _svd_rule(g: Any, result: Any, x_shape: tuple[int, ...]) -> Any:
    m, n = x_shape[-2:]
    u, s, v = result[..., :m].mT, result[..., m : m + 1], result[..., m + 1 :].mT  # (m, k), (k, 1), (n, k)
    du, ds, dv = g[..., :m].mT, g[..., m : m + 1], g[..., m + 1 :].mT
    diagonal = np.eye(min(m, n), dtype=bool)
    row = s.mT
    gap = row * row - s * s  # s_j² - s_i²

    def rotation(vectors: Any, cotangent: Any) -> Any:
        moved = vectors.mT @ cotangent
        return ratio(where(diagonal, 0.0, moved - moved.mT), gap)

    inner = rotation(u, du) * row + s * rotation(v, dv) + where(diagonal, ds, 0.0)
    da = u @ inner @ v.mT
    # What turns the vectors out of the space that the others span.
    if m > n:
        out = du - u @ (u.mT @ du)
        da = da + ratio(out, row) @ v.mT
    if n > m:
        out = dv - v @ (v.mT @ dv)
        da = da + u @ ratio(out, row).mT
    return da


@operation(step=True, x=_svd_rule)
def singular(x: Any) -> Tensor:
    """For each singular value a row: the left vector, the value, the right vector."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u.mT, s[..., None], vh], -1)


class SVD(NamedTuple):
    """What :func:`svd` gives.

    Attributes
    ----------
    U : Tensor
    S : Tensor
    Vh : Tensor
    """

    U: Any
    S: Any
    Vh: Any


@composite(method=False)
def svd(A: Any, full_matrices: bool = True) -> SVD:
    r"""Singular value decomposition :math:`A = U \operatorname{diag}(S) V^\top`.

    With :math:`F_{ij} = 1 / (s_j^2 - s_i^2)` beside the diagonal and 0 on it, :math:`\bar A` is

    .. math::
        U \left((F \circ (U^\top \bar U - \bar U^\top U)) S + S (F \circ (V^\top \bar V - \bar V^\top V))
        + \bar S \right) V^\top + (I - U U^\top) \bar U S^{-1} V^\top + U S^{-1} \bar V^\top (I - V V^\top)

    The gradient through the vectors is NaN where singular values are equal; that through the values exists.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    full_matrices : bool, default True
        Whether U and V are square. The vectors beyond the first k = min(m, n) are not unique and have no gradient.

    Returns
    -------
    U : Tensor, shape (..., m, m) or (..., m, k)
    S : Tensor, shape (..., k)
        In descending order.
    Vh : Tensor, shape (..., n, n) or (..., k, n)
        The transpose of V. The signs of corresponding vectors of U and V are arbitrary together.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> U, S, Vh = tg.linalg.svd(tg.tensor([[3.0, 0.0], [0.0, 4.0]]))
    >>> S
    tensor([4., 3.])
    """
    require_matrix("svd", A, square=False)
    m, n = A.shape[-2:]
    parts = singular(A)
    u, s, vh = parts[..., :m].mT, parts[..., m], parts[..., m + 1 :]
    if full_matrices and m > n:
        u = cat([u, like(np.linalg.svd(plain(A))[0][..., n:], A)], -1)
    if full_matrices and n > m:
        vh = cat([vh, like(np.linalg.svd(plain(A))[2][..., m:, :], A)], -2)
    return SVD(u, s, vh)


@composite(method=False)
def svdvals(A: Any) -> Tensor:
    r"""Singular values in descending order; :math:`\bar A = U \operatorname{diag}(\bar S) V^\top`.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)

    Returns
    -------
    Tensor, shape (..., min(m, n))

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.svdvals(tg.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    require_matrix("svdvals", A, square=False)
    return svd(A, False).S


@example(eigh)
def eigenvalues_and_vectors(n: Size = 3, b: Size = 2) -> Case:
    return Case(symmetric(eigh), (matrix(b, n, n),))


@example(eigvalsh)
def eigenvalues(n: Size = 3, b: Size = 2) -> Case:
    return Case(symmetric(eigvalsh), (matrix(b, n, n),))


def thin(A: Any) -> SVD:
    """As few vectors as give the matrix back; those of PyTorch may have other signs."""
    return svd(A, full_matrices=False)


thin.__name__ = svd.__name__


@example(svd)
def singular_vectors(n: Size = 3, m: Size = 2, b: Size = 2) -> Case:
    return Case(thin, (matrix(b, n, m),))


@example(svdvals)
def of_matrices(n: Size = 3, m: Size = 2, b: Size = 2) -> Case:
    return case(matrix(b, n, m))
