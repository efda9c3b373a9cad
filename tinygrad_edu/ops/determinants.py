"""Determinants and the trace: one number for a matrix, or for each of a batch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.diagonals import diagonal
from tinygrad_edu.ops.equations import inv
from tinygrad_edu.ops.index import like
from tinygrad_edu.ops.matrices import require_matrix
from tinygrad_edu.ops.operation import composite, example, operation, plain
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.shape import unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = ["det", "logdet", "slogdet", "trace"]


def _as_matrix(g: Any) -> Any:
    """One number for each matrix of a batch, to be multiplied by that matrix."""
    return unsqueeze(unsqueeze(g, -1), -1)


def _det_rule(g: Any, A: Any, result: Any) -> Any:
    # d det A = tr(adj(A) dA), with adj(A) = det(A) A⁻¹ where that exists.
    if plain(result).all():
        return _as_matrix(g * result) * inv(A).mT
    if isinstance(A, Tensor):
        raise NotImplementedError("det: the second derivative at a singular matrix is not computed")
    return _as_matrix(g) * _cofactors(A)


def _cofactors(x: np.ndarray) -> np.ndarray:
    # With A = U S V*, cof(A) = det(U) det(V*) conj(U cof(S) V*), and cof(S) is the product of all other singular values.
    u, s, vh = np.linalg.svd(x)
    n = x.shape[-1]
    others = np.where(np.eye(n, dtype=bool), s.dtype.type(1), s[..., None, :]).prod(-1)
    sign = (np.linalg.det(u) * np.linalg.det(vh)).astype(x.dtype)
    return sign[..., None, None] * ((u * others[..., None, :]) @ vh).conj()


@operation(complex=True, A=_det_rule)
def det(A: Any) -> Tensor:
    r"""Determinant of a matrix, or of each of a batch; :math:`\bar A = \bar y\, y\, A^{-\top}`, the cofactors.

    The gradient exists for a singular matrix as well; its own gradient is refused there.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (...)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.det(tg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)
    """
    require_matrix("det", A, complex=True)
    return np.linalg.det(A)


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
def slogdet(A: Any) -> SignAndLogarithm:
    r"""Sign of the determinant, and the logarithm of its magnitude, which neither over- nor underflows.

    :math:`\bar A = \bar y\, A^{-\top}` for :math:`y = \ln |\det A|`; the sign is constant.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)

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
    require_matrix("slogdet", A)
    return SignAndLogarithm(like(np.linalg.slogdet(plain(A))[0], A), logabsdet(A))


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


@example(det)
@example(slogdet)
@example(logdet)
def of_square_matrices(n: Size = 3, b: Size = 2) -> Case:
    return case(matrix(b, n, n))


@example(trace)
def of_a_matrix(n: Size = 3, m: Size = 2) -> Case:
    return case(matrix(n, m))
