"""Norms of vectors and of matrices."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, matrix, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.arithmetic import abs as magnitude
from tinygrad_edu.ops.comparison import gt
from tinygrad_edu.ops.equations import inv
from tinygrad_edu.ops.extremum import amax, amin
from tinygrad_edu.ops.matrices import require_matrix
from tinygrad_edu.ops.operation import composite, example, methods, overwriting, plain
from tinygrad_edu.ops.reduce import norm
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.shape import axes_of, axis_of, movedim
from tinygrad_edu.ops.spectral import svdvals
from tinygrad_edu.tensor import Tensor

__all__ = ["cond", "matrix_norm", "renorm", "vector_norm"]


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
def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    r"""Norm of a matrix, or of each of a batch.

    Parameters
    ----------
    A : Tensor
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
    require_matrix("matrix_norm", A, square=False, complex=True)
    rows, columns = axes_of("matrix_norm", dim, len(A.shape))
    if ord == "fro":
        return norm(A, 2, (rows, columns), keepdim)
    y = movedim(A, (rows, columns), (-2, -1))
    if ord == "nuc":
        y = total(svdvals(y), -1)
    elif ord in (2, -2):
        y = (amax if ord > 0 else amin)(svdvals(y), -1)
    elif ord in (1, -1, math.inf, -math.inf):
        y = total(magnitude(y), -2 if ord in (1, -1) else -1)
        y = (amax if ord > 0 else amin)(y, -1)
    else:
        raise ValueError(f'matrix_norm: ord is "fro", "nuc", inf, -inf, 1, -1, 2 or -2, got {ord!r}')
    return y.reshape([1 if i in (rows, columns) else n for i, n in enumerate(A.shape)]) if keepdim else y


@composite(method=False)
def cond(A: Any, p: Any = None) -> Tensor:
    r"""Condition number :math:`\lVert A \rVert_p \lVert A^{-1} \rVert_p`: how much solving may enlarge relative errors.

    For :math:`p = 2` it is the ratio of the largest to the smallest singular value, and -2 turns that over.

    Parameters
    ----------
    A : Tensor, shape (..., n, n), or (..., m, n) for the singular values
    p : {2, -2, "fro", "nuc", inf, -inf, 1, -1}, optional
        The norm, see :func:`matrix_norm`; 2 if omitted.

    Returns
    -------
    Tensor, shape (...)
        Infinite for a singular matrix.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.cond(tg.tensor([[4.0, 0.0], [0.0, 0.5]]))
    tensor(8.)
    """
    if p in (None, 2, -2):
        require_matrix("cond", A, square=False)
        values = svdvals(A)
        if not values.shape[-1]:
            return total(values, -1)  # 0, as PyTorch says
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    require_matrix("cond", A)
    singular = np.linalg.slogdet(plain(A))[0] == 0  # where elimination meets a 0
    if not singular.any():
        return matrix_norm(A, p) * matrix_norm(inv(A), p)
    # A singular matrix is replaced on the way, so that the others of its batch are still inverted.
    regular = where(singular[..., None, None], np.eye(A.shape[-1], dtype=A.dtype), A)
    return where(singular, math.inf, matrix_norm(A, p) * matrix_norm(inv(regular), p))


@composite()
def renorm(x: Any, p: float, dim: int, maxnorm: float) -> Tensor:
    r"""Each slice along a dimension, scaled down to norm `maxnorm` where it is larger: :math:`x\, m / \lVert x \rVert_p`.

    Parameters
    ----------
    x : Tensor
        Of two or more dimensions.
    p : number
        Of the norm.
    dim : int
        The dimension whose slices are measured, one by one.
    maxnorm : number

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.renorm(tg.tensor([[3.0, 4.0]]), p=1, dim=0, maxnorm=2)
    tensor([[0.8571, 1.1429]])
    """
    if len(x.shape) < 2:
        raise ShapeError(f"renorm: expected two or more dimensions, got shape {tuple(x.shape)}")
    axis = axis_of("renorm", dim, len(x.shape))
    others = tuple(i for i in range(len(x.shape)) if i != axis)
    size = norm(x, p, others, True)
    # Where nothing is scaled, 1 stands in for a norm that may be 0. PyTorch adds 1e-7 too.
    large = gt(size, maxnorm)
    return x * where(large, maxnorm / (where(large, size, 1.0) + 1e-7), 1.0)


methods(renorm_=overwriting(renorm))


@example(vector_norm)
def of_vectors(n: Size = 3, m: Size = 4, p: Literal[1, 2, 3] = 2) -> Case:
    return case(real(n, m), p, 1)


@example(matrix_norm)
def norms(n: Size = 3, m: Size = 2, ord: Literal["fro", "nuc", 1, -1, 2, -2] = "fro", keepdim: bool = False) -> Case:
    return case(matrix(n, 2, m), ord, (0, 2), keepdim)


@example(cond)
def conditions(n: Size = 3, b: Size = 2, p: Literal[None, 2, -2, "fro", "nuc", 1, -1] = None) -> Case:
    return case(matrix(b, n, n), p)


@example(renorm)
def slices(n: Size = 3, m: Size = 4, p: Literal[1, 2, 3] = 2, dim: Literal[0, 1] = 0) -> Case:
    return case(real(n, m), p, dim, 1.5)
