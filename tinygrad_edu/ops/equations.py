r"""Inverses and systems of linear equations, for matrices and batches of matrices.

The cotangents follow from the differential of the equation that defines the result. For :math:`Y = A^{-1}` it is
:math:`\mathrm dA\,Y + A\,\mathrm dY = 0`, hence :math:`\mathrm dY = -Y\,\mathrm dA\,Y` and
:math:`\langle G, \mathrm dY\rangle = \langle -Y^\top G Y^\top, \mathrm dA\rangle`.

References
----------
M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.diagonals import tril, triu
from tinygrad_edu.ops.index import like
from tinygrad_edu.ops.matrices import LinAlgError, require_matrix
from tinygrad_edu.ops.operation import composite, example, operation
from tinygrad_edu.ops.shape import movedim, unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = [
    "cholesky_inverse",
    "cholesky_solve",
    "inv",
    "inverse",
    "solve",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]


@operation(complex=True, method=False, A=lambda g, result: -(result.mT @ g @ result.mT))
def inv(A: Any) -> Tensor:
    r"""Inverse :math:`Y = A^{-1}` of a matrix, or of each of a batch; :math:`\bar A = -Y^\top \bar Y Y^\top`.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)

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
    require_matrix("inv", A, complex=True)
    try:
        return np.linalg.inv(A)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"inv: a matrix is singular (shape {A.shape}), it has no inverse") from None


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
    require_matrix("inverse", x, complex=True)
    return inv(x)


def _is_vector(A_shape: tuple[int, ...], B_shape: tuple[int, ...]) -> bool:
    return len(B_shape) == 1 or B_shape == A_shape[:-1]


def _solve_b(g: Any, A: Any, left: bool) -> Any:
    return solve(A.mT, g, left=left)


def _solve_a(g: Any, A: Any, result: Any, B_shape: tuple[int, ...], left: bool) -> Any:
    # A X = B: dA X + A dX = 0, so dX = -A⁻¹ dA X and the cotangent of A is -(A⁻ᵀ G) Xᵀ.
    db = _solve_b(g, A, left)
    if _is_vector(A.shape, B_shape):
        db, result = unsqueeze(db, -1), unsqueeze(result, -1)
    return unbroadcast(-(db @ result.mT) if left else -(result.mT @ db), A.shape)


@operation(
    complex=True,
    method=False,
    A=_solve_a,
    B=lambda g, A, B_shape, left: unbroadcast(_solve_b(g, A, left), B_shape),
)
def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:
    r"""Solution :math:`X` of :math:`A X = B`, or of :math:`X A = B`.

    With :math:`\bar B = A^{-\top} \bar X` and :math:`\bar A = -\bar B X^\top`.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    B : Tensor, shape (..., n, k) or (..., n)
        Dimensions in front are broadcast. It stands for vectors where its shape is (n,) or that of `A` without its last
        dimension.
    left : bool, default True
        Whether `A` stands on the left.

    Returns
    -------
    Tensor
        Of the shape of `B`, broadcast.

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
    require_matrix("solve", A, complex=True)
    if A.dtype != B.dtype:
        raise DtypeError(f"solve: both operands must have one dtype, got {A.dtype} and {B.dtype}")
    vector = _is_vector(A.shape, B.shape)
    if vector and not left:
        raise ShapeError(f"solve: with left=False the right side is a matrix, got shape {B.shape}")
    columns = B[..., None] if vector else B if left else B.swapaxes(-1, -2)
    if A.shape[-1] != columns.shape[-2]:
        raise ShapeError(f"solve: the matrix has shape {A.shape} and the right side {B.shape}: their lengths differ")
    try:
        x = np.linalg.solve(A if left else A.mT, columns)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"solve: a matrix is singular (shape {A.shape}), there is no single solution") from None
    except ValueError:
        raise ShapeError(f"solve: the dimensions in front do not broadcast: {A.shape} and {B.shape}") from None
    return x[..., 0] if vector else x if left else x.mT


@composite(method=False)
def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    r"""Solution :math:`X` of :math:`A X = B`, or of :math:`X A = B`, for a triangular :math:`A`.

    Only one triangle of `A` is read, and only it gets a gradient.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    B : Tensor, shape (..., n, k)
    upper : bool
        Whether to read the upper triangle rather than the lower one.
    left : bool, default True
        Whether `A` stands on the left.
    unitriangular : bool, default False
        Whether to take the diagonal as ones, without reading it.

    Returns
    -------
    Tensor
        Of the shape of `B`, broadcast.

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
    require_matrix("solve_triangular", A, complex=True)
    if len(B.shape) < 2:
        raise ShapeError(f"solve_triangular: expected a matrix on the right side, got shape {tuple(B.shape)}")
    offset = int(unitriangular)
    triangle = triu(A, offset) if upper else tril(A, -offset)
    if unitriangular:
        triangle = triangle + like(np.eye(A.shape[-1], dtype=A.dtype), A)
    # A batch whose shape is that of `A` without its last dimension would be taken for vectors.
    if B.shape == A.shape[:-1]:
        B = unsqueeze(B, 0)
    return solve(triangle, B, left=left)


@composite()
def cholesky_solve(B: Any, L: Any, upper: bool = False) -> Tensor:
    r"""Solution :math:`X` of :math:`A X = B` from the factor of :math:`A = L L^\top`.

    Only one triangle of `L` is read, and only it gets a gradient.

    Parameters
    ----------
    B : Tensor, shape (..., n, k)
    L : Tensor, shape (..., n, n)
        As :func:`cholesky` gives it.
    upper : bool, default False
        Whether `L` is the upper factor, of :math:`A = L^\top L`.

    Returns
    -------
    Tensor
        Of the shape of `B`, broadcast.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cholesky_solve(tg.tensor([[4.0], [9.0]]), tg.tensor([[2.0, 0.0], [0.0, 3.0]]))
    tensor([[1.],
            [1.]])
    """
    require_matrix("cholesky_solve", L)
    require_matrix("cholesky_solve", B, square=False)
    if L.shape[-1] != B.shape[-2]:
        raise ShapeError(f"cholesky_solve: the factor has shape {tuple(L.shape)} and the right side {tuple(B.shape)}")
    l = L.mT if upper else L
    return solve_triangular(l.mT, solve_triangular(l, B, upper=False), upper=True)


cholesky_solve.operation.other_names["input2"] = "L"  # type: ignore[attr-defined]  # as PyTorch has it, who documents L


@composite()
def cholesky_inverse(L: Any, upper: bool = False) -> Tensor:
    r"""Inverse of :math:`A = L L^\top` from the factor.

    Only one triangle of `L` is read, and only it gets a gradient.

    Parameters
    ----------
    L : Tensor, shape (..., n, n)
        As :func:`cholesky` gives it.
    upper : bool, default False
        Whether `L` is the upper factor, of :math:`A = L^\top L`.

    Returns
    -------
    Tensor, shape (..., n, n)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cholesky_inverse(tg.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([[0.25, 0.  ],
            [0.  , 1.  ]])
    """
    require_matrix("cholesky_inverse", L)
    return cholesky_solve(like(np.eye(L.shape[-1], dtype=L.dtype), L), L, upper)


@composite(method=False)
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Tensor:
    r"""Solution :math:`X` of ``tensordot(A, X) = B``, summed over as many dimensions as X has.

    Parameters
    ----------
    A : Tensor
        Its first dimensions are those of `B`, the others those of X; each are as many elements.
    B : Tensor
    dims : sequence of ints, optional
        Dimensions of `A` that are first moved to its end.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.tensorsolve(tg.eye(6).reshape(2, 3, 6), tg.ones(2, 3)).shape
    (6,)
    """
    if dims is not None:
        A = movedim(A, tuple(dims), tuple(range(len(A.shape) - len(dims), len(A.shape))))
    rows, columns = tuple(A.shape[: len(B.shape)]), tuple(A.shape[len(B.shape) :])
    if math.prod(rows) != math.prod(columns) or rows != tuple(B.shape):
        raise ShapeError(
            f"tensorsolve: the first dimensions of {tuple(A.shape)} are not those of the right side {tuple(B.shape)}, "
            "or the others do not have as many elements"
        )
    n = math.prod(rows)
    return solve(A.reshape((n, n)), B.reshape((n,))).reshape(columns)


@composite(method=False)
def tensorinv(A: Any, ind: int = 2) -> Tensor:
    r"""Inverse :math:`Y` of a tensor, in that ``tensordot(Y, B, ind)`` solves :func:`tensorsolve`.

    Parameters
    ----------
    A : Tensor
        Its first `ind` dimensions have as many elements as the others.
    ind : int, default 2

    Returns
    -------
    Tensor
        With the first `ind` dimensions last.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.tensorinv(tg.eye(6).reshape(6, 2, 3), ind=1).shape
    (2, 3, 6)
    """
    if ind <= 0:
        raise ValueError(f"tensorinv: ind is a positive number of dimensions, got {ind}")
    rows, columns = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    n = math.prod(rows)
    if n != math.prod(columns):
        raise ShapeError(f"tensorinv: the dimensions {rows} and {columns} do not have as many elements each")
    return inv(A.reshape((n, n))).reshape((*columns, *rows))


@example(inv)
@example(inverse)
def of_square_matrices(n: Size = 3, b: Size = 2) -> Case:
    return case(matrix(b, n, n))


@example(solve)
def equations(n: Size = 3, k: Size = 2, b: Size = 2, left: bool = True) -> Case:
    return case(matrix(b, n, n), real(b, n, k) if left else real(b, k, n), left=left)


@example(solve)
def vectors(n: Size = 3, b: Size = 2) -> Case:
    return case(matrix(b, n, n), real(b, n))


@example(solve_triangular)
def triangles(n: Size = 3, k: Size = 2, upper: bool = False, unitriangular: bool = False) -> Case:
    return case(matrix(n, n), real(n, k), upper=upper, unitriangular=unitriangular)


def of_lower(call: Any) -> Any:
    """An operation whose last operand is a lower triangle, as one of all matrices: PyTorch's gradient fills the other."""

    def of_matrices(*operands: Any) -> Any:
        return call(*operands[:-1], tril(operands[-1]))

    of_matrices.__name__ = call.__name__
    return of_matrices


@example(cholesky_solve)
def factor_and_right_side(n: Size = 3, k: Size = 2, b: Size = 2) -> Case:
    return Case(of_lower(cholesky_solve), (real(b, n, k), matrix(b, n, n)))


@example(cholesky_inverse)
def factor(n: Size = 3, b: Size = 2) -> Case:
    return Case(of_lower(cholesky_inverse), (matrix(b, n, n),))


@example(tensorsolve)
def tensors_and_right_side(n: Size = 3) -> Case:
    return case(matrix(n, n), real(n))


@example(tensorinv)
def tensors(n: Size = 3) -> Case:
    return case(matrix(n, n), ind=1)
