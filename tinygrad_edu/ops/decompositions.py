r"""Inverses, determinants, factorisations and what is made of them, for matrices and batches of matrices.

The cotangents follow from the differential of the equation that defines the result. For :math:`Y = A^{-1}` it is
:math:`\mathrm dA\,Y + A\,\mathrm dY = 0`, hence :math:`\mathrm dY = -Y\,\mathrm dA\,Y` and
:math:`\langle G, \mathrm dY\rangle = \langle -Y^\top G Y^\top, \mathrm dA\rangle`.

References
----------
M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008. J. Townsend, "Differentiating the singular value decomposition", 2016. G. H. Golub and V. Pereyra,
"The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", 1973.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.grad_mode import is_grad_enabled
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.arithmetic import abs as magnitude
from tinygrad_edu.ops.cast import clone
from tinygrad_edu.ops.comparison import eq
from tinygrad_edu.ops.diagonals import diagonal, tril, triu
from tinygrad_edu.ops.extremum import amax, amin
from tinygrad_edu.ops.index import like
from tinygrad_edu.ops.join import cat
from tinygrad_edu.ops.operation import composite, example, operation, plain
from tinygrad_edu.ops.reduce import norm
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.shape import axes_of, axis_of, movedim, roll, unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = [
    "LinAlgError",
    "cholesky",
    "cross",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "inverse",
    "kron",
    "logdet",
    "lstsq",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "pinv",
    "pinverse",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "trace",
    "vector_norm",
]


class LinAlgError(np.linalg.LinAlgError, RuntimeError):
    """A matrix that the operation is not defined for: singular, or not positive definite."""


def _require_matrix(name: str, x: Any, square: bool = True, complex: bool = False) -> None:
    if not isinstance(x, np.ndarray | Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}")
    if len(x.shape) < 2:
        raise ShapeError(f"{name}: expected a matrix, or a batch of them, got shape {tuple(x.shape)}")
    if square and x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: expected a square matrix, or a batch of them, got shape {tuple(x.shape)}")
    if x.dtype.kind not in ("fc" if complex else "f"):
        raise DtypeError(f"{name}: expected floats, got {x.dtype} (shape {tuple(x.shape)}); convert with .float()")


def _ratio(a: Any, b: Any) -> Any:
    """The quotient, with 0 / 0 = 0: what does not reach the result needs no defined derivative."""
    undefined = eq(b, 0)
    quotient = a / where(undefined, 1.0, b)
    return where(undefined, where(eq(a, 0), 0.0, math.nan), quotient)


def _as_matrix(g: Any) -> Any:
    """One number for each matrix of a batch, to be multiplied by that matrix."""
    return unsqueeze(unsqueeze(g, -1), -1)


# Inverse and equations


@operation(complex=True, method=False, x=lambda g, result: -(result.mT @ g @ result.mT))
def inv(x: Any) -> Tensor:
    r"""Inverse :math:`Y = X^{-1}` of a matrix, or of each of a batch; :math:`\bar X = -Y^\top \bar Y Y^\top`.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (..., n, n)

    Raises
    ------
    LinAlgError
        If a matrix is singular.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.inv(tg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    _require_matrix("inv", x, complex=True)
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"inv: a matrix is singular (shape {x.shape}), it has no inverse") from None


@composite()
def inverse(x: Any) -> Tensor:
    r"""Inverse of a matrix, or of each of a batch: :func:`inv` under its older name.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (..., n, n)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.inverse(tg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    return inv(x)


def _is_vector(a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> bool:
    return len(b_shape) == 1 or b_shape == a_shape[:-1]


def _solve_b(g: Any, a: Any, left: bool) -> Any:
    return solve(a.mT, g, left=left)


def _solve_a(g: Any, a: Any, result: Any, b_shape: tuple[int, ...], left: bool) -> Any:
    # A X = B: dA X + A dX = 0, so dX = -A⁻¹ dA X and the cotangent of A is -(A⁻ᵀ G) Xᵀ.
    db = _solve_b(g, a, left)
    if _is_vector(a.shape, b_shape):
        db, result = unsqueeze(db, -1), unsqueeze(result, -1)
    return unbroadcast(-(db @ result.mT) if left else -(result.mT @ db), a.shape)


@operation(
    complex=True,
    method=False,
    a=_solve_a,
    b=lambda g, a, b_shape, left: unbroadcast(_solve_b(g, a, left), b_shape),
)
def solve(a: Any, b: Any, *, left: bool = True) -> Tensor:
    r"""Solution :math:`X` of :math:`A X = B`, or of :math:`X A = B`.

    With :math:`\bar B = A^{-\top} \bar X` and :math:`\bar A = -\bar B X^\top`.

    Parameters
    ----------
    a : Tensor, shape (..., n, n)
    b : Tensor, shape (..., n, k) or (..., n)
        Dimensions in front are broadcast. It stands for vectors where its shape is (n,) or that of `a` without its last
        dimension.
    left : bool, default True
        Whether `a` stands on the left.

    Returns
    -------
    Tensor
        Of the shape of `b`, broadcast.

    Raises
    ------
    LinAlgError
        If a matrix is singular.
    ShapeError, DtypeError
        If the operands do not fit.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.solve(tg.tensor([[2.0, 0.0], [0.0, 4.0]]), tg.tensor([2.0, 2.0]))
    tensor([1. , 0.5])
    """
    _require_matrix("solve", a, complex=True)
    if a.dtype != b.dtype:
        raise DtypeError(f"solve: both operands must have one dtype, got {a.dtype} and {b.dtype}")
    vector = _is_vector(a.shape, b.shape)
    if vector and not left:
        raise ShapeError(f"solve: with left=False the right side is a matrix, got shape {b.shape}")
    columns = b[..., None] if vector else b if left else b.swapaxes(-1, -2)
    if a.shape[-1] != columns.shape[-2]:
        raise ShapeError(f"solve: the matrix has shape {a.shape} and the right side {b.shape}: their lengths differ")
    try:
        x = np.linalg.solve(a if left else a.mT, columns)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"solve: a matrix is singular (shape {a.shape}), there is no single solution") from None
    except ValueError:
        raise ShapeError(f"solve: the dimensions in front do not broadcast: {a.shape} and {b.shape}") from None
    return x[..., 0] if vector else x if left else x.mT


@composite(method=False)
def solve_triangular(a: Any, b: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    r"""Solution :math:`X` of :math:`A X = B`, or of :math:`X A = B`, for a triangular :math:`A`.

    Only one triangle of `a` is read, and only it gets a gradient.

    Parameters
    ----------
    a : Tensor, shape (..., n, n)
    b : Tensor, shape (..., n, k)
    upper : bool
        Whether to read the upper triangle rather than the lower one.
    left : bool, default True
        Whether `a` stands on the left.
    unitriangular : bool, default False
        Whether to take the diagonal as ones, without reading it.

    Returns
    -------
    Tensor
        Of the shape of `b`, broadcast.

    Raises
    ------
    LinAlgError
        If an element of the diagonal is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> a = tg.tensor([[2.0, 99.0], [1.0, 1.0]])
    >>> tg.linalg.solve_triangular(a, tg.tensor([[2.0], [3.0]]), upper=False)
    tensor([[1.],
            [2.]])
    """
    _require_matrix("solve_triangular", a, complex=True)
    if len(b.shape) < 2:
        raise ShapeError(f"solve_triangular: expected a matrix on the right side, got shape {tuple(b.shape)}")
    offset = int(unitriangular)
    triangle = triu(a, offset) if upper else tril(a, -offset)
    if unitriangular:
        triangle = triangle + like(np.eye(a.shape[-1], dtype=a.dtype), a)
    # A batch whose shape is that of `a` without its last dimension would be taken for vectors.
    if b.shape == a.shape[:-1]:
        b = unsqueeze(b, 0)
    return solve(triangle, b, left=left)


# Determinants


def _det_rule(g: Any, x: Any, result: Any) -> Any:
    # d det A = tr(adj(A) dA), with adj(A) = det(A) A⁻¹ where that exists.
    if plain(result).all():
        return _as_matrix(g * result) * inv(x).mT
    if isinstance(x, Tensor):
        raise NotImplementedError("det: the second derivative at a singular matrix is not computed")
    return _as_matrix(g) * _cofactors(x)


def _cofactors(x: np.ndarray) -> np.ndarray:
    # With A = U S V*, cof(A) = det(U) det(V*) conj(U cof(S) V*), and cof(S) is the product of all other singular values.
    u, s, vh = np.linalg.svd(x)
    n = x.shape[-1]
    others = np.where(np.eye(n, dtype=bool), s.dtype.type(1), s[..., None, :]).prod(-1)
    sign = (np.linalg.det(u) * np.linalg.det(vh)).astype(x.dtype)
    return sign[..., None, None] * ((u * others[..., None, :]) @ vh).conj()


@operation(complex=True, x=_det_rule)
def det(x: Any) -> Tensor:
    r"""Determinant of a matrix, or of each of a batch; :math:`\bar X = \bar y\, y\, X^{-\top}`, the cofactors.

    The gradient exists for a singular matrix as well; its own gradient is refused there.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (...)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.det(tg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)
    """
    _require_matrix("det", x, complex=True)
    return np.linalg.det(x)


@operation(step=True, x=lambda g, x: _as_matrix(g) * inv(x).mT)
def logabsdet(x: Any) -> Tensor:
    """Logarithm of the determinant's magnitude."""
    return np.linalg.slogdet(x)[1]


class SignAndLogarithm(NamedTuple):
    """What :func:`slogdet` gives.

    Attributes
    ----------
    sign : Tensor
    logabsdet : Tensor
    """

    sign: Any
    logabsdet: Any


@composite()
def slogdet(x: Any) -> SignAndLogarithm:
    r"""Sign of the determinant, and the logarithm of its magnitude, which neither over- nor underflows.

    :math:`\bar X = \bar y\, X^{-\top}` for :math:`y = \ln |\det X|`; the sign is constant.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)

    Returns
    -------
    sign : Tensor, shape (...)
        0 for a singular matrix, with the logarithm -inf.
    logabsdet : Tensor, shape (...)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.slogdet(tg.tensor([[0.0, 1.0], [1.0, 0.0]]))
    SignAndLogarithm(sign=tensor(-1.), logabsdet=tensor(0.))
    """
    _require_matrix("slogdet", x)
    return SignAndLogarithm(like(np.linalg.slogdet(plain(x))[0], x), logabsdet(x))


@composite()
def logdet(x: Any) -> Tensor:
    r"""Logarithm of the determinant, :math:`\ln \det X`: NaN where that is negative.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (...)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logdet(tg.eye(3))
    tensor(0.)
    """
    sign, logarithm = slogdet(x)
    return where(sign < 0, math.nan, logarithm)


# Factorisations. Those with several results are computed as one array, which carries one rule, and then taken apart.


def _halved(x: Any) -> Any:
    """The lower triangle with half of the diagonal."""
    return 0.5 * (tril(x) + tril(x, -1))


def _cholesky_rule(g: Any, result: Any, upper: bool) -> Any:
    # A = L Lᵀ: L⁻¹ dA L⁻ᵀ = L⁻¹dL + (L⁻¹dL)ᵀ, whose lower triangle with half of the diagonal is L⁻¹dL.
    l, g = (result.mT, g.mT) if upper else (result, g)
    inner = solve(l.mT, _halved(l.mT @ g))
    da = solve(l, inner, left=False)
    return 0.5 * (da + da.mT)


@operation(x=_cholesky_rule)
def cholesky(x: Any, *, upper: bool = False) -> Tensor:
    r"""Factor :math:`L` of :math:`A = L L^\top`, for a symmetric positive definite matrix.

    With :math:`\Phi` the lower triangle with half of the diagonal, :math:`\bar A` is the symmetric part of
    :math:`L^{-\top} \Phi(L^\top \bar L) L^{-1}`. As in PyTorch the gradient is symmetric, though one triangle alone
    is read.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)
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
    _require_matrix("cholesky", x)
    try:
        l = np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"cholesky: a matrix is not positive definite (shape {x.shape})") from None
    return l.mT if upper else l


def _eigh_rule(g: Any, result: Any) -> Any:
    # A V = V Λ gives dΛ = diag(Vᵀ dA V) and dV = V (F ∘ Vᵀ dA V), F_ij = 1 / (λ_j - λ_i) beside the diagonal.
    values, vectors = result[..., :1, :], result[..., 1:, :]
    diagonal = np.eye(result.shape[-1], dtype=bool)
    turned = vectors.mT @ g[..., 1:, :]
    turned = 0.5 * (turned - turned.mT)  # orthonormal vectors can only turn: Vᵀ dV is skew
    inner = where(diagonal, g[..., :1, :], _ratio(turned, values - values.mT))
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
def eigh(x: Any, UPLO: Literal["L", "U"] = "L") -> Eigen:
    r"""Eigenvalues and eigenvectors of a symmetric matrix, :math:`A = V \operatorname{diag}(\lambda) V^\top`.

    With :math:`F_{ij} = 1 / (\lambda_j - \lambda_i)` beside the diagonal and 0 on it,

    .. math::
        \bar A = V \left(\operatorname{diag}(\bar\lambda)
        + \tfrac12 F \circ (V^\top \bar V - \bar V^\top V)\right) V^\top

    The gradient through the eigenvectors is NaN where eigenvalues are equal; that through the eigenvalues exists.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)
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
    _require_matrix("eigh", x)
    if UPLO not in ("L", "U"):
        raise ValueError(f'eigh: UPLO is "L" or "U", got {UPLO!r}')
    both = eigen(x, UPLO)
    return Eigen(both[..., 0, :], both[..., 1:, :])


@composite(method=False)
def eigvalsh(x: Any, UPLO: Literal["L", "U"] = "L") -> Tensor:
    r"""Eigenvalues of a symmetric matrix in ascending order; :math:`\bar A = V \operatorname{diag}(\bar\lambda) V^\top`.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)
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
    return eigh(x, UPLO).eigenvalues


def _svd_rule(g: Any, result: Any, x_shape: tuple[int, ...]) -> Any:
    m, n = x_shape[-2:]
    u, s, v = result[..., :m].mT, result[..., m : m + 1], result[..., m + 1 :].mT  # (m, k), (k, 1), (n, k)
    du, ds, dv = g[..., :m].mT, g[..., m : m + 1], g[..., m + 1 :].mT
    diagonal = np.eye(min(m, n), dtype=bool)
    row = s.mT
    gap = row * row - s * s  # s_j² - s_i²

    def rotation(vectors: Any, cotangent: Any) -> Any:
        moved = vectors.mT @ cotangent
        return _ratio(where(diagonal, 0.0, moved - moved.mT), gap)

    inner = rotation(u, du) * row + s * rotation(v, dv) + where(diagonal, ds, 0.0)
    da = u @ inner @ v.mT
    # What turns the vectors out of the space that the others span.
    if m > n:
        out = du - u @ (u.mT @ du)
        da = da + _ratio(out, row) @ v.mT
    if n > m:
        out = dv - v @ (v.mT @ dv)
        da = da + u @ _ratio(out, row).mT
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
def svd(x: Any, full_matrices: bool = True) -> SVD:
    r"""Singular value decomposition :math:`A = U \operatorname{diag}(S) V^\top`.

    With :math:`F_{ij} = 1 / (s_j^2 - s_i^2)` beside the diagonal and 0 on it, :math:`\bar A` is

    .. math::
        U \left((F \circ (U^\top \bar U - \bar U^\top U)) S + S (F \circ (V^\top \bar V - \bar V^\top V))
        + \bar S \right) V^\top + (I - U U^\top) \bar U S^{-1} V^\top + U S^{-1} \bar V^\top (I - V V^\top)

    The gradient through the vectors is NaN where singular values are equal; that through the values exists.

    Parameters
    ----------
    x : Tensor, shape (..., m, n)
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
    _require_matrix("svd", x, square=False)
    m, n = x.shape[-2:]
    parts = singular(x)
    u, s, vh = parts[..., :m].mT, parts[..., m], parts[..., m + 1 :]
    if full_matrices and m > n:
        u = cat([u, like(np.linalg.svd(plain(x))[0][..., n:], x)], -1)
    if full_matrices and n > m:
        vh = cat([vh, like(np.linalg.svd(plain(x))[2][..., m:, :], x)], -2)
    return SVD(u, s, vh)


@composite(method=False)
def svdvals(x: Any) -> Tensor:
    r"""Singular values in descending order; :math:`\bar A = U \operatorname{diag}(\bar S) V^\top`.

    Parameters
    ----------
    x : Tensor, shape (..., m, n)

    Returns
    -------
    Tensor, shape (..., min(m, n))

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.svdvals(tg.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    return svd(x, False).S


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
    _require_matrix("qr", A, square=False)
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


# Pseudo-inverse and least squares


def _pinv_rule(g: Any, x: Any, result: Any) -> Any:
    # dP = -P dA P + P Pᵀ dAᵀ (I - A P) + (I - P A) dAᵀ Pᵀ P while the rank stays (Golub and Pereyra, 1973).
    p, gt = result, g.mT
    da = -(p.mT @ g @ p.mT)
    right = gt @ p @ p.mT
    left = p.mT @ p @ gt
    return da + (right - x @ (p @ right)) + (left - (left @ p) @ x)


@operation(method=False, x=_pinv_rule)
def pinv(x: Any, *, rtol: float | None = None) -> Tensor:
    r"""Pseudo-inverse :math:`P = A^+` of Moore and Penrose.

    As long as the rank stays, :math:`\bar A = -P^\top \bar P P^\top + (I - A P) \bar P^\top P P^\top + P^\top P
    \bar P^\top (I - P A)`.

    Parameters
    ----------
    x : Tensor, shape (..., m, n)
    rtol : float, optional
        Singular values up to this multiple of the largest count as 0; max(m, n) roundings if omitted.

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
    _require_matrix("pinv", x, square=False)
    return np.linalg.pinv(x, max(x.shape[-2:]) * float(np.finfo(x.dtype).eps) if rtol is None else rtol)


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
    return pinv(x, rtol=rcond)


class LeastSquares(NamedTuple):
    """What :func:`lstsq` gives.

    Attributes
    ----------
    solution : Tensor
    residuals : Tensor
    rank : Tensor
    """

    solution: Any
    residuals: Any
    rank: Any


@composite(method=False)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> LeastSquares:
    r"""The :math:`X` of least norm among those that minimise :math:`\lVert A X - B \rVert`.

    It is :math:`A^+ B`, through the pseudo-inverse, whose rule gives the gradient.

    Parameters
    ----------
    a : Tensor, shape (..., m, n)
    b : Tensor, shape (..., m, k)
    rcond : float, optional
        Singular values up to this multiple of the largest count as 0; max(m, n) roundings if omitted.

    Returns
    -------
    solution : Tensor, shape (..., n, k)
    residuals : Tensor, shape (..., k)
        The squared norm of each column of :math:`A X - B`; empty unless m > n and every matrix has rank n.
    rank : Tensor of int64, shape (...)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.lstsq(tg.tensor([[1.0], [1.0]]), tg.tensor([[1.0], [3.0]])).solution
    tensor([[2.]])
    """
    _require_matrix("lstsq", a, square=False)
    _require_matrix("lstsq", b, square=False)
    if a.shape[-2] != b.shape[-2]:
        raise ShapeError(f"lstsq: both sides need as many rows, got {tuple(a.shape)} and {tuple(b.shape)}")
    x = pinv(a, rtol=rcond) @ b
    rank = matrix_rank(a, rtol=rcond)
    if a.shape[-2] > a.shape[-1] and np.all(plain(rank) == a.shape[-1]):
        error = a @ x - b
        residuals = total(error * error, -2)
    else:
        residuals = like(np.zeros(0, a.dtype), a)
    return LeastSquares(x, residuals, rank)


@composite(method=False, differentiable=False)
def matrix_rank(x: Any, *, rtol: float | None = None) -> Tensor:
    r"""Number of singular values above `rtol` times the largest.

    Parameters
    ----------
    x : Tensor, shape (..., m, n)
    rtol : float, optional
        The bound; max(m, n) roundings if omitted.

    Returns
    -------
    Tensor of int64, shape (...)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.matrix_rank(tg.ones(3, 3))
    tensor(1)
    """
    _require_matrix("matrix_rank", x, square=False)
    array = plain(x)
    bound = max(x.shape[-2:]) * float(np.finfo(x.dtype).eps) if rtol is None else rtol
    return like(np.asarray(np.linalg.matrix_rank(array, rtol=bound), np.int64), x)


# Powers and norms


@composite()
def matrix_power(x: Any, n: int) -> Tensor:
    r"""Power :math:`X^n` for an integer :math:`n`, of the inverse where it is negative.

    Parameters
    ----------
    x : Tensor, shape (..., m, m)
    n : int

    Returns
    -------
    Tensor, shape (..., m, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.matrix_power(tg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    _require_matrix("matrix_power", x, complex=True)
    if n == 0:
        return where(np.zeros(x.shape, bool), x, np.eye(x.shape[-1], dtype=x.dtype))
    factor: Any = clone(x) if n > 0 else inv(x)
    power = factor
    for digit in f"{abs(n):b}"[1:]:  # n in binary: a further digit doubles it, and adds itself
        power = power @ power
        if digit == "1":
            power = power @ factor
    return power


def _matrix_exp_rule(g: Any, x: Any) -> Any:
    # exp [[Xᵀ, G], [0, Xᵀ]] has the wanted integral ∫ exp(sXᵀ) G exp((1-s)Xᵀ) ds in its upper right corner.
    n = x.shape[-1]
    above = cat([x.mT, g], -1)
    below = cat([x.mT * 0.0, x.mT], -1)
    return matrix_exp(cat([above, below], -2))[..., :n, n:]


@operation(complex=True, x=_matrix_exp_rule)
def matrix_exp(x: Any) -> Tensor:
    r"""Exponential :math:`e^X = \sum_k X^k / k!` of a matrix, or of each of a batch.

    :math:`\bar X = \int_0^1 e^{s X^\top} \bar Y e^{(1 - s) X^\top} \mathrm ds`.

    Parameters
    ----------
    x : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (..., n, n)

    References
    ----------
    C. Van Loan, "Computing integrals involving the matrix exponential", 1978.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.matrix_exp(tg.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    _require_matrix("matrix_exp", x, complex=True)
    from scipy.linalg import expm

    return expm(x)


@composite()
def trace(x: Any) -> Tensor:
    r"""Sum of the diagonal, :math:`\sum_i x_{ii}`.

    Parameters
    ----------
    x : Tensor, shape (n, m)

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.trace(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if len(x.shape) != 2:
        raise ShapeError(f"trace: expected a matrix, got shape {tuple(x.shape)}")
    return total(diagonal(x), -1)


@composite()
def kron(a: Any, b: Any) -> Tensor:
    r"""Product of Kronecker: the blocks :math:`a_{ij} B`.

    Parameters
    ----------
    a, b : Tensor
        The one with fewer dimensions gets further ones of length 1 in front.

    Returns
    -------
    Tensor
        Each length is the product of both.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.kron(tg.tensor([1.0, 10.0]), tg.tensor([1.0, 2.0]))
    tensor([ 1.,  2., 10., 20.])
    """
    ndim = max(len(a.shape), len(b.shape))
    p = (1,) * (ndim - len(a.shape)) + tuple(a.shape)
    q = (1,) * (ndim - len(b.shape)) + tuple(b.shape)
    wide = a.reshape([n for length in p for n in (length, 1)]) * b.reshape([n for length in q for n in (1, length)])
    return wide.reshape([m * n for m, n in zip(p, q, strict=True)])


@composite(method=False)
def cross(a: Any, b: Any, *, dim: int = -1) -> Tensor:
    r"""Vector product :math:`y_i = a_{i+1} b_{i+2} - a_{i+2} b_{i+1}` along a dimension of length 3, indices modulo 3.

    Parameters
    ----------
    a, b : Tensor
        As many dimensions each, which are broadcast.
    dim : int, default -1

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If that dimension is not of length 3.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.cross(tg.tensor([1.0, 0.0, 0.0]), tg.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
    if len(a.shape) != len(b.shape):
        raise ShapeError(f"cross: both operands need as many dimensions, got {shapes}")
    axis = axis_of("cross", dim, len(a.shape))
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise ShapeError(f"cross: dimension {dim} of both operands must have length 3, got {shapes}")
    return roll(a, -1, axis) * roll(b, -2, axis) - roll(a, -2, axis) * roll(b, -1, axis)


@composite(method=False)
def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    r"""Norm :math:`(\sum_i |x_i|^p)^{1/p}` along some or all dimensions; see :func:`~tinygrad_edu.norm`.

    Parameters
    ----------
    x : Tensor
    ord : number, default 2
        The power :math:`p`; infinity for the largest magnitude, -infinity for the smallest, 0 for the number of
        elements that are not 0.
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.vector_norm(tg.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return norm(x, ord, dim, keepdim)


@composite(method=False)
def matrix_norm(x: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    r"""Norm of a matrix, or of each of a batch.

    Parameters
    ----------
    x : Tensor
    ord : {"fro", "nuc", inf, -inf, 1, -1, 2, -2}, default "fro"
        Frobenius (the root of the sum of squares); the sum of singular values; the largest or smallest sum of
        magnitudes in a row, or in a column; the largest or smallest singular value.
    dim : pair of ints, default (-2, -1)
        The dimensions that hold the matrix.
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> tg.linalg.matrix_norm(x), tg.linalg.matrix_norm(x, ord="nuc")
    (tensor(5.), tensor(7.))
    """
    _require_matrix("matrix_norm", x, square=False, complex=True)
    rows, columns = axes_of("matrix_norm", dim, len(x.shape))
    if ord == "fro":
        return norm(x, 2, (rows, columns), keepdim)
    y = movedim(x, (rows, columns), (-2, -1))
    if ord == "nuc":
        y = total(svdvals(y), -1)
    elif ord in (2, -2):
        y = (amax if ord > 0 else amin)(svdvals(y), -1)
    elif ord in (1, -1, math.inf, -math.inf):
        y = total(magnitude(y), -2 if ord in (1, -1) else -1)
        y = (amax if ord > 0 else amin)(y, -1)
    else:
        raise ValueError(f'matrix_norm: ord is "fro", "nuc", inf, -inf, 1, -1, 2 or -2, got {ord!r}')
    return y.reshape([1 if i in (rows, columns) else n for i, n in enumerate(x.shape)]) if keepdim else y


# Examples


@example(inv)
@example(inverse)
@example(det)
@example(slogdet)
@example(logdet)
def of_square_matrices(n: Size = 3, b: Size = 2) -> Case:
    return case(matrix(b, n, n))


@example(trace)
@example(matrix_rank)
def of_a_matrix(n: Size = 3, m: Size = 2) -> Case:
    return case(matrix(n, m))


@example(matrix_exp)
def small(n: Size = 3, b: Size = 2) -> Case:
    return case(real(b, n, n, low=-1.0, high=1.0))


@example(matrix_power)
def power(n: Size = 3, k: Literal[-2, -1, 0, 1, 2, 3, 5] = 3) -> Case:
    return case(matrix(n, n), k)


@example(svdvals)
@example(pinv)
@example(pinverse)
def of_matrices(n: Size = 3, m: Size = 2, b: Size = 2) -> Case:
    return case(matrix(b, n, m))


@example(qr)
def factors(n: Size = 3, m: Size = 2, b: Size = 2) -> Case:
    return case(matrix(b, n, m))


@example(svd)
def singular_vectors(n: Size = 3, m: Size = 2, b: Size = 2) -> Case:
    return case(matrix(b, n, m), full_matrices=False)


def symmetric(call: Any) -> Any:
    """An operation on symmetric matrices, as one on all: of the mean of a matrix and its transpose."""

    def of_symmetric(x: Any) -> Any:
        return call(0.5 * (x + x.mT))

    of_symmetric.__name__ = call.__name__
    return of_symmetric


@example(cholesky)
def positive(n: Size = 3, b: Size = 2) -> Case:
    return Case(symmetric(cholesky), (matrix(b, n, n),))


@example(eigh)
def eigenvalues_and_vectors(n: Size = 3, b: Size = 2) -> Case:
    return Case(symmetric(eigh), (matrix(b, n, n),))


@example(eigvalsh)
def eigenvalues(n: Size = 3, b: Size = 2) -> Case:
    return Case(symmetric(eigvalsh), (matrix(b, n, n),))


@example(solve)
def equations(n: Size = 3, k: Size = 2, b: Size = 2, left: bool = True) -> Case:
    return case(matrix(b, n, n), real(b, n, k) if left else real(b, k, n), left=left)


@example(solve)
def vectors(n: Size = 3, b: Size = 2) -> Case:
    return case(matrix(b, n, n), real(b, n))


@example(solve_triangular)
def triangles(n: Size = 3, k: Size = 2, upper: bool = False, unitriangular: bool = False) -> Case:
    return case(matrix(n, n), real(n, k), upper=upper, unitriangular=unitriangular)


@example(lstsq)
def overdetermined(n: Size = 2, more: Size = 2, k: Size = 2) -> Case:
    return case(matrix(n + more, n), real(n + more, k))


@example(kron)
def blocks(n: Size = 2, m: Size = 3, k: Size = 2) -> Case:
    return case(real(n, m), real(k))


@example(cross)
def in_space(n: Size = 3) -> Case:
    return case(real(n, 3), real(1, 3))


@example(vector_norm)
def of_vectors(n: Size = 3, m: Size = 4, p: Literal[1, 2, 3] = 2) -> Case:
    return case(real(n, m), p, 1)


@example(matrix_norm)
def norms(n: Size = 3, m: Size = 2, ord: Literal["fro", "nuc", 1, -1, 2, -2] = "fro", keepdim: bool = False) -> Case:
    return case(matrix(n, 2, m), ord, (0, 2), keepdim)
