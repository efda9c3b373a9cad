r"""Products of matrices and vectors.

With :math:`C = A B` and a cotangent :math:`G` of :math:`C`, the differential

.. math::
    \langle G, \mathrm dA\,B + A\,\mathrm dB\rangle
    = \langle G B^\top, \mathrm dA\rangle + \langle A^\top G, \mathrm dB\rangle

shows both cotangents at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.operation import composite, example, methods, operation, plain, ufuncs
from tinygrad_edu.ops.shape import unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = ["addmm", "baddbmm", "bmm", "dot", "matmul", "mm", "mv", "outer"]


def require_same_dtype(name: str, a: np.ndarray, b: np.ndarray) -> None:
    """Refuse two operands of different types, and bools."""
    if a.dtype is not b.dtype and a.dtype != b.dtype:
        raise DtypeError(
            f"{name}: both operands must have one dtype, got {a.dtype} and {b.dtype}; convert one with .to()"
        )
    if a.dtype.kind == "b":
        raise DtypeError(f"{name}: expected numbers, got bool; convert with .to() first")


def _rows(x: Any) -> Any:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _matmul_a(g: Any, b: Any, shape: tuple[int, ...]) -> Any:
    if len(b.shape) == 1:  # y_n = Σ_i a_ni b_i, so dL/da_ni = g_n b_i
        return g.reshape(*g.shape, 1) * b
    if len(shape) == 1:  # a is a row that every matrix of b meets
        return unbroadcast(g.reshape(*g.shape[:-1], 1, g.shape[-1]) @ b.mT, (1, *shape)).reshape(shape)
    return unbroadcast(g @ b.mT, shape)


def _matmul_b(g: Any, a: Any, shape: tuple[int, ...]) -> Any:
    if len(a.shape) == 1:
        if len(shape) == 1:
            return g * a
        # a is a column here; where b has further dimensions it meets each of their matrices.
        return a.reshape(-1, 1) * g.reshape(*g.shape[:-1], 1, g.shape[-1])
    if len(shape) == 1:  # y_n = Σ_i a_ni b_i, so dL/db_i = Σ_n g_n a_ni
        return (g.reshape(1, -1) @ _rows(a)).reshape(shape)
    if len(shape) == 2 and len(a.shape) > 2:  # one product over all rows instead of one for each batch, and a sum
        return _rows(a).mT @ _rows(g)
    return unbroadcast(a.mT @ g, shape)


@operation(
    complex=True,
    a=lambda g, b, a_shape: _matmul_a(g, b, a_shape),
    b=lambda g, a, b_shape: _matmul_b(g, a, b_shape),
)
def matmul(a: Any, b: Any) -> Tensor:
    r"""Product of matrices, :math:`y_{..ij} = \sum_k a_{..ik}\, b_{..kj}`.

    Parameters
    ----------
    a : Tensor, shape (..., n, k) or (k,)
    b : Tensor, shape (..., k, m) or (k,)
        Dimensions in front of the last two are broadcast. A vector stands for one row on the left and one column on
        the right, and that dimension is taken away from the result.

    Returns
    -------
    Tensor, shape (..., n, m)

    Raises
    ------
    ShapeError
        If the inner dimensions differ or those in front do not broadcast.
    DtypeError
        If the dtypes differ.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> a = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> a @ tg.tensor([1.0, 10.0])
    tensor([21., 43.])
    """
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        raise TypeError(f"matmul: expected two tensors, got {type(a).__name__} and {type(b).__name__}")
    if a.dtype is not b.dtype or a.dtype.kind == "b":
        require_same_dtype("matmul", a, b)
    if not a.ndim or not b.ndim:
        raise ShapeError(
            f"matmul: both operands need at least one dimension, got {a.shape} @ {b.shape}; use * for numbers"
        )
    if a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise ShapeError(f"matmul: inner dimensions differ: {a.shape} @ {b.shape}")
    if a.ndim > 2 and b.ndim == 2 and a.flags.c_contiguous:
        # One product over all rows.
        return (_rows(a) @ b).reshape(*a.shape[:-1], b.shape[-1])
    try:
        return a @ b
    except ValueError:
        raise ShapeError(f"matmul: the dimensions in front do not broadcast: {a.shape} @ {b.shape}") from None


@example(matmul)
def _(n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(n, k), real(k, m))


@example(matmul)
def _(n: Size = 3, k: Size = 4, m: Size = 2, b: Size = 2, spread: bool = True) -> Case:
    return case(real(b, n, k), real(k, m) if spread else real(b, k, m))


@example(matmul)
def _(n: Size = 3, k: Size = 4, vector_left: bool = True) -> Case:
    return case(real(k), real(n, k, 2)) if vector_left else case(real(2, n, k), real(k))


methods(__matmul__=matmul, __rmatmul__=lambda b, a: matmul(a, b))
ufuncs[np.matmul] = matmul


def _require_dims(name: str, **operands: tuple[Any, int]) -> None:
    for operand, ndim in operands.values():
        if len(np.shape(plain(operand))) != ndim:
            got = ", ".join(f"{key} {np.shape(plain(x))}" for key, (x, _) in operands.items())
            wanted = ", ".join(f"{key} of {n} dimensions" for key, (_, n) in operands.items())
            raise ShapeError(f"{name}: expected {wanted}, got {got}")


@composite()
def mm(input: Any, mat2: Any) -> Tensor:
    r"""Product of two matrices, without broadcasting.

    Parameters
    ----------
    input : Tensor, shape (n, k)
    mat2 : Tensor, shape (k, m)

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.mm(tg.ones(2, 3), tg.ones(3, 1))
    tensor([[3.],
            [3.]])
    """
    _require_dims("mm", input=(input, 2), mat2=(mat2, 2))
    return matmul(input, mat2)


@example(mm)
def _(n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(n, k), real(k, m))


@composite()
def bmm(input: Any, mat2: Any) -> Tensor:
    r"""Products of matrices in a batch, without broadcasting.

    Parameters
    ----------
    input : Tensor, shape (batch, n, k)
    mat2 : Tensor, shape (batch, k, m)

    Returns
    -------
    Tensor, shape (batch, n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bmm(tg.ones(5, 2, 3), tg.ones(5, 3, 1)).shape
    (5, 2, 1)
    """
    _require_dims("bmm", input=(input, 3), mat2=(mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm: batch sizes differ: {tuple(input.shape)} and {tuple(mat2.shape)}")
    return matmul(input, mat2)


@example(bmm)
def _(b: Size = 2, n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(b, n, k), real(b, k, m))


@composite()
def mv(input: Any, vec: Any) -> Tensor:
    r"""Product of a matrix and a vector, :math:`y_i = \sum_k a_{ik} x_k`.

    Parameters
    ----------
    input : Tensor, shape (n, k)
    vec : Tensor, shape (k,)

    Returns
    -------
    Tensor, shape (n,)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.mv(tg.ones(2, 3), tg.ones(3))
    tensor([3., 3.])
    """
    _require_dims("mv", input=(input, 2), vec=(vec, 1))
    return matmul(input, vec)


@example(mv)
def _(n: Size = 3, k: Size = 4) -> Case:
    return case(real(n, k), real(k))


@composite()
def dot(input: Any, tensor: Any) -> Tensor:
    r"""Inner product of two vectors, :math:`\sum_k a_k b_k`.

    Parameters
    ----------
    input, tensor : Tensor, shape (k,)

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.dot(tg.tensor([1, 2]), tg.tensor([3, 4]))
    tensor(11)
    """
    _require_dims("dot", input=(input, 1), tensor=(tensor, 1))
    return matmul(input, tensor)


@example(dot)
def _(k: Size = 4) -> Case:
    return case(real(k), real(k))


@composite()
def outer(input: Any, vec2: Any) -> Tensor:
    r"""Outer product of two vectors, :math:`y_{ij} = a_i b_j`.

    Parameters
    ----------
    input : Tensor, shape (n,)
    vec2 : Tensor, shape (m,)

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.outer(tg.tensor([1, 2]), tg.tensor([1, 10]))
    tensor([[ 1, 10],
            [ 2, 20]])
    """
    _require_dims("outer", input=(input, 1), vec2=(vec2, 1))
    return unsqueeze(input, 1) * vec2


@example(outer)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n), real(m))


def scaled(x: Any, factor: Any) -> Any:
    """The product with a number; nothing is computed for 1."""
    return x if factor == 1 else x * factor


def weighted_sum(x: Any, beta: float, product: Any, alpha: float) -> Any:
    r"""Sum :math:`\beta x + \alpha y` of something and a product."""
    # As in BLAS, what is multiplied by 0 is not read: its NaNs do not count.
    product = scaled(product, alpha)
    return product if beta == 0 else scaled(x, beta) + product


@composite()
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    r"""A product of matrices added to something, :math:`\beta X + \alpha\, A B`.

    Parameters
    ----------
    input : Tensor
        Broadcasts to (n, m).
    mat1 : Tensor, shape (n, k)
    mat2 : Tensor, shape (k, m)
    beta, alpha : float, default 1
        With `beta` 0, `input` is not read.

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.addmm(tg.tensor([1.0]), tg.ones(1, 3), tg.ones(3, 2))
    tensor([[4., 4.]])
    """
    return weighted_sum(input, beta, mm(mat1, mat2), alpha)


@example(addmm)
def _(n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(m), real(n, k), real(k, m), beta=0.5, alpha=2)


@composite()
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    r"""Products of matrices in a batch added to something, :math:`\beta X + \alpha\, A B`.

    Parameters
    ----------
    input : Tensor
        Broadcasts to (batch, n, m).
    batch1 : Tensor, shape (batch, n, k)
    batch2 : Tensor, shape (batch, k, m)
    beta, alpha : float, default 1
        With `beta` 0, `input` is not read.

    Returns
    -------
    Tensor, shape (batch, n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.baddbmm(tg.zeros(1), tg.ones(1, 1, 3), tg.ones(1, 3, 2))
    tensor([[[3., 3.]]])
    """
    return weighted_sum(input, beta, bmm(batch1, batch2), alpha)


@example(baddbmm)
def _(b: Size = 2, n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(m), real(b, n, k), real(b, k, m), beta=0.5, alpha=2)
