"""Sums of products over any letters: Einstein's notation, and what is a case of it."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.diagonals import diagonal
from tinygrad_edu.ops.linalg import require_same_dtype
from tinygrad_edu.ops.operation import composite, example, operation, plain
from tinygrad_edu.ops.shape import permute
from tinygrad_edu.tensor import Tensor

__all__ = ["contract", "einsum", "inner", "tensordot"]


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
        require_same_dtype("einsum", given[0], x)
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
