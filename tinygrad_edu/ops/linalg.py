r"""Products of matrices and their relatives: everything that is a sum of products.

With :math:`C = A B` and a cotangent :math:`G` of :math:`C`, the differential

.. math::
    \langle G, \mathrm dA\,B + A\,\mathrm dB\rangle
    = \langle G B^\top, \mathrm dA\rangle + \langle A^\top G, \mathrm dB\rangle

shows both cotangents at once.
"""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.diagonals import diagonal
from tinygrad_edu.ops.operation import composite, example, methods, operation, plain, ufuncs
from tinygrad_edu.ops.shape import permute, unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = ["addmm", "baddbmm", "bmm", "contract", "dot", "einsum", "inner", "matmul", "mm", "mv", "outer", "tensordot"]


def _require_same_dtype(name: str, a: np.ndarray, b: np.ndarray) -> None:
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
        _require_same_dtype("matmul", a, b)
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
def mm(a: Any, b: Any) -> Tensor:
    r"""Product of two matrices, without broadcasting.

    Parameters
    ----------
    a : Tensor, shape (n, k)
    b : Tensor, shape (k, m)

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
    _require_dims("mm", a=(a, 2), b=(b, 2))
    return matmul(a, b)


@example(mm)
def _(n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(n, k), real(k, m))


@composite()
def bmm(a: Any, b: Any) -> Tensor:
    r"""Products of matrices in a batch, without broadcasting.

    Parameters
    ----------
    a : Tensor, shape (batch, n, k)
    b : Tensor, shape (batch, k, m)

    Returns
    -------
    Tensor, shape (batch, n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bmm(tg.ones(5, 2, 3), tg.ones(5, 3, 1)).shape
    (5, 2, 1)
    """
    _require_dims("bmm", a=(a, 3), b=(b, 3))
    if a.shape[0] != b.shape[0]:
        raise ShapeError(f"bmm: batch sizes differ: {tuple(a.shape)} and {tuple(b.shape)}")
    return matmul(a, b)


@example(bmm)
def _(b: Size = 2, n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(b, n, k), real(b, k, m))


@composite()
def mv(a: Any, x: Any) -> Tensor:
    r"""Product of a matrix and a vector, :math:`y_i = \sum_k a_{ik} x_k`.

    Parameters
    ----------
    a : Tensor, shape (n, k)
    x : Tensor, shape (k,)

    Returns
    -------
    Tensor, shape (n,)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.mv(tg.ones(2, 3), tg.ones(3))
    tensor([3., 3.])
    """
    _require_dims("mv", a=(a, 2), x=(x, 1))
    return matmul(a, x)


@example(mv)
def _(n: Size = 3, k: Size = 4) -> Case:
    return case(real(n, k), real(k))


@composite()
def dot(a: Any, b: Any) -> Tensor:
    r"""Inner product of two vectors, :math:`\sum_k a_k b_k`.

    Parameters
    ----------
    a, b : Tensor, shape (k,)

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.dot(tg.tensor([1, 2]), tg.tensor([3, 4]))
    tensor(11)
    """
    _require_dims("dot", a=(a, 1), b=(b, 1))
    return matmul(a, b)


@example(dot)
def _(k: Size = 4) -> Case:
    return case(real(k), real(k))


@composite()
def outer(a: Any, b: Any) -> Tensor:
    r"""Outer product of two vectors, :math:`y_{ij} = a_i b_j`.

    Parameters
    ----------
    a : Tensor, shape (n,)
    b : Tensor, shape (m,)

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
    _require_dims("outer", a=(a, 1), b=(b, 1))
    return unsqueeze(a, 1) * b


@example(outer)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n), real(m))


@composite()
def inner(a: Any, b: Any) -> Tensor:
    r"""Sum of products over the last dimensions, :math:`y_{ij} = \sum_k a_{ik} b_{jk}`.

    Parameters
    ----------
    a : Tensor, shape (..., k)
    b : Tensor, shape (..., k)

    Returns
    -------
    Tensor
        With the dimensions in front of `a`, then those of `b`; for single numbers the ordinary product.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.inner(tg.tensor([[1, 2], [3, 4]]), tg.tensor([1, 10]))
    tensor([21, 43])
    """
    if not len(np.shape(plain(a))) or not len(np.shape(plain(b))):
        return a * b
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"inner: last dimensions differ: {tuple(a.shape)} and {tuple(b.shape)}")
    return tensordot(a, b, ([-1], [-1]))


@example(inner)
def _(n: Size = 3, m: Size = 2, k: Size = 4) -> Case:
    return case(real(n, k), real(m, k))


@composite(method=False)
def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    r"""Sum of products over pairs of dimensions, one of `a` and one of `b` each.

    Parameters
    ----------
    a, b : Tensor
    dims : int or (sequence of int, sequence of int), default 2
        The last so many of `a` with the first of `b`; or which with which.

    Returns
    -------
    Tensor
        With the other dimensions of `a`, then those of `b`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensordot(tg.ones(2, 3, 4), tg.ones(3, 4, 5)).shape
    (2, 5)
    """
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ShapeError(f"tensordot: {dims} dimensions to sum over, in {tuple(a.shape)} and {tuple(b.shape)}")
        dims = (range(a.ndim - dims, a.ndim), range(dims))
    of_a, of_b = ([dim % x.ndim for dim in ([d] if isinstance(d, int) else d)] for x, d in ((a, dims[0]), (b, dims[1])))
    if len(of_a) != len(of_b) or any(a.shape[i] != b.shape[j] for i, j in zip(of_a, of_b, strict=True)):
        raise ShapeError(f"tensordot: dimensions {of_a} of {tuple(a.shape)} do not fit {of_b} of {tuple(b.shape)}")
    letters = iter(string.ascii_letters)
    of_first = [next(letters) for _ in range(a.ndim)]
    of_second = [of_first[of_a[of_b.index(j)]] if j in of_b else next(letters) for j in range(b.ndim)]
    free = [x for i, x in enumerate(of_first) if i not in of_a] + [x for j, x in enumerate(of_second) if j not in of_b]
    return einsum(f"{''.join(of_first)},{''.join(of_second)}->{''.join(free)}", a, b)


@example(tensordot)
def _(n: Size = 3, k: Size = 2, m: Size = 4) -> Case:
    return case(real(n, k, m), real(m, k, n), ([1, 2], [1, 0]))


@composite()
def addmm(x: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    r"""A product of matrices added to something, :math:`\beta x + \alpha\, a b`.

    Parameters
    ----------
    x : Tensor
        Broadcasts to (n, m).
    a : Tensor, shape (n, k)
    b : Tensor, shape (k, m)
    beta, alpha : float, default 1

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.addmm(tg.tensor([1.0]), tg.ones(1, 3), tg.ones(3, 2))
    tensor([[4., 4.]])
    """
    product = mm(a, b)
    return _scaled(x, beta) + _scaled(product, alpha)


@example(addmm)
def _(n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(m), real(n, k), real(k, m), beta=0.5, alpha=2)


@composite()
def baddbmm(x: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    r"""Products of matrices in a batch added to something, :math:`\beta x + \alpha\, a b`.

    Parameters
    ----------
    x : Tensor
        Broadcasts to (batch, n, m).
    a : Tensor, shape (batch, n, k)
    b : Tensor, shape (batch, k, m)
    beta, alpha : float, default 1

    Returns
    -------
    Tensor, shape (batch, n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.baddbmm(tg.zeros(1), tg.ones(1, 1, 3), tg.ones(1, 3, 2))
    tensor([[[3., 3.]]])
    """
    product = bmm(a, b)
    return _scaled(x, beta) + _scaled(product, alpha)


@example(baddbmm)
def _(b: Size = 2, n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case(real(m), real(b, n, k), real(b, k, m), beta=0.5, alpha=2)


def _scaled(x: Any, factor: float) -> Any:
    return x if factor == 1 else x * factor


# Einstein's convention


def _explicit(equation: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The letters of every operand and of the result, with ``...`` replaced by letters of its own."""
    if not isinstance(equation, str):
        raise TypeError(f"einsum: expected an equation such as 'ij,jk->ik' first, got {type(equation).__name__}")
    left, arrow, result = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(shapes):
        raise ShapeError(
            f"einsum: {equation!r} speaks of {len(inputs)} operands, but {len(shapes)} are given: {shapes}"
        )
    for part in (*inputs, result):
        letters = part.replace("...", "", 1)
        if letters and not (letters.isascii() and letters.isalpha()):
            raise ShapeError(f"einsum: expected letters, commas, '...' and one '->', got {equation!r}")
    # What the dots stand for are the last so many of these, since those dimensions broadcast from the right.
    spare = [letter for letter in string.ascii_letters if letter not in equation]
    dots = ""
    for i, (part, shape) in enumerate(zip(inputs, shapes, strict=True)):
        count = len(shape) - len(part.replace("...", "", 1))
        if count < 0 or (count and "..." not in part):
            raise ShapeError(f"einsum: operand {i} of {equation!r} is {part!r}, but has shape {shape}")
        if "..." in part:
            inputs[i] = part.replace("...", "".join(spare[len(spare) - count :]))
            dots = max(dots, "".join(spare[len(spare) - count :]), key=len)
    letters = "".join(inputs)
    if arrow:
        result = result.replace("...", dots)
    else:
        result = dots + "".join(sorted(letter for letter in set(letters) - set(dots) if letters.count(letter) == 1))
    if len(set(result)) != len(result) or set(result) - set(letters):
        raise ShapeError(f"einsum: a letter of the result stands there once, and in an operand: {equation!r}")
    return inputs, result


def _lengths(equation: str, inputs: list[str], shapes: list[tuple[int, ...]]) -> dict[str, int]:
    """The length of every letter; where it is 1 in one place and more in another, it is broadcast."""
    lengths: dict[str, int] = {}
    for part, shape in zip(inputs, shapes, strict=True):
        for letter, length in zip(part, shape, strict=True):
            known = lengths.setdefault(letter, length)
            if known != length and 1 not in (known, length):
                raise ShapeError(
                    f"einsum: {letter!r} has lengths {known} and {length} in {equation!r} for shapes {shapes}"
                )
            lengths[letter] = length if known == 1 else known
    return lengths


def _contract_rule(g: Any, operands: list, equation: str) -> Any:
    # The result is linear in every operand, y = Σ x_1 x_2 … x_n, and so is L = Σ g x_1 x_2 … x_n, a sum over all
    # letters. Its derivative by an element of x_i is the sum over the letters that x_i does not have, without x_i.
    left, _, result = equation.partition("->")
    inputs = left.split(",")

    def cotangent(i: int) -> Any:
        others = ",".join([result, *inputs[:i], *inputs[i + 1 :]])
        return contract(f"{others}->{inputs[i]}", [g, *operands[:i], *operands[i + 1 :]])

    return cotangent


@operation(complex=True, method=False, operands=lambda g, operands, equation: _contract_rule(g, operands, equation))
def contract(equation: str, operands: Any) -> Tensor:
    r"""Sum of products in which every letter of an operand stands in another operand or the result.

    The core of :func:`einsum`. The cotangent of an operand is the same sum with the result's cotangent in the place of
    the operand.

    Parameters
    ----------
    equation : str
        As for :func:`einsum`, with a result, without dots, and no letter twice in one operand.
    operands : list of Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.contract("ij,j->i", [tg.ones(2, 3), tg.ones(3)])
    tensor([3., 3.])
    """
    if len(operands) == 1:  # NumPy gives a view
        return np.einsum(equation, *operands).copy()
    return np.einsum(equation, *operands, optimize=True)


@example(contract)
def _(n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case("ij,jk,k->ki", [real(n, k), real(k, m), real(m)])


@composite(method=False)
def einsum(equation: str, *operands: Any) -> Tensor:
    r"""Sums of products in Einstein's notation: ``'ij,jk->ik'`` is :math:`y_{ik} = \sum_j a_{ij} b_{jk}`.

    Parameters
    ----------
    equation : str
        A letter for every dimension of each operand, and after ``->`` those of the result. Letters that are not in the
        result are summed over; twice in one operand means its diagonal; ``...`` stands for any further dimensions.
        Without ``->`` the result has, in alphabetical order, the letters that occur once.
    *operands : Tensor
        All of one dtype, which the result has as well.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the equation does not fit the operands.
    DtypeError
        If the dtypes differ.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> a = tg.arange(4).reshape(2, 2)
    >>> tg.einsum("ij,kj->ik", a, a)
    tensor([[ 1,  3],
            [ 3, 13]])
    >>> tg.einsum("ii->i", a)
    tensor([0, 3])
    """
    given = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], list | tuple) else list(operands)
    given = [x if isinstance(x, Tensor) else np.asarray(x) for x in given]
    for x in given[1:]:
        _require_same_dtype("einsum", given[0], x)
    shapes = [tuple(x.shape) for x in given]
    inputs, result = _explicit(equation, shapes)
    lengths = _lengths(equation, inputs, shapes)
    for i, x in enumerate(given):
        elsewhere = result + "".join(inputs[:i] + inputs[i + 1 :])
        inputs[i], given[i] = _regular(equation, inputs[i], x, elsewhere, lengths)
    if len(given) == 1:
        return permute(given[0], tuple(inputs[0].index(letter) for letter in result))
    return contract(",".join(inputs) + "->" + result, given)


@example(einsum)
def _(n: Size = 3, k: Size = 4, m: Size = 2) -> Case:
    return case("ij,kj,k->ki", real(n, k), real(m, k), real(m))


@example(einsum)
def _(n: Size = 3, k: Size = 4, b: Size = 2) -> Case:
    return case("i...i,...k->...i", real(n, b, n), real(1, k))


def _regular(equation: str, part: str, x: Any, elsewhere: str, lengths: dict[str, int]) -> tuple[str, Any]:
    """An operand with its diagonals taken, and without the letters that stand nowhere else or are broadcast."""
    for letter in dict.fromkeys(part):
        while part.count(letter) > 1:
            first = part.index(letter)
            second = part.index(letter, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ShapeError(f"einsum: the diagonal {letter!r} of {equation!r} meets a shape {tuple(x.shape)}")
            x = diagonal(x, 0, first, second)  # the diagonal is the last dimension now
            part = part[:first] + part[first + 1 : second] + part[second + 1 :] + letter
    gone = [k for k, letter in enumerate(part) if letter not in elsewhere or x.shape[k] != lengths[letter]]
    if gone:
        dtype = x.dtype
        x = x.sum(tuple(gone)).astype(dtype)
        part = "".join(letter for k, letter in enumerate(part) if k not in gone)
    return part, x
