"""Products other than that of two matrices: of Kronecker, of vectors along a dimension, of chains of matrices."""

from __future__ import annotations

import functools
import itertools
from typing import Any, Literal

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.operation import composite, example
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.shape import axis_of, roll
from tinygrad_edu.tensor import Tensor

__all__ = ["cross", "kron", "multi_dot", "vecdot"]


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
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Tensor:
    r"""Inner products of vectors along a dimension, :math:`\sum_i x_i y_i`.

    Parameters
    ----------
    x, y : Tensor
        Of float types; the shapes broadcast.
    dim : int, default -1

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.vecdot(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    if x.dtype.kind != "f" or y.dtype.kind != "f":
        raise DtypeError(f"vecdot: expected floats, got {x.dtype} and {y.dtype}; convert with .float()")
    return total(x * y, dim)


@composite(method=False)
def multi_dot(tensors: Any) -> Tensor:
    r"""Product of several matrices, :math:`A_1 A_2 \cdots A_n`, bracketed so that the multiplications are fewest.

    Parameters
    ----------
    tensors : sequence of Tensor
        Two or more matrices; the first may be a vector, which stands for a row, and the last one, for a column.

    Returns
    -------
    Tensor
        Without the dimensions that vectors stand for.

    Raises
    ------
    ShapeError
        If there is but one, or if neighbours do not fit.

    References
    ----------
    T. H. Cormen, C. E. Leiserson, R. L. Rivest and C. Stein, "Introduction to Algorithms", on matrix-chain
    multiplication.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linalg.multi_dot([tg.ones(2, 9), tg.ones(9, 2), tg.ones(2)])
    tensor([18., 18.])
    """
    operands = list(tensors)
    shapes = [tuple(x.shape) for x in operands]
    if len(operands) < 2:
        raise ShapeError(f"multi_dot: expected two or more matrices, got {len(operands)}")
    if not all(len(s) == 2 or len(s) == 1 and i in (0, len(shapes) - 1) for i, s in enumerate(shapes)):
        raise ShapeError(f"multi_dot: expected matrices, and vectors only first and last, got {shapes}")
    if any(a[-1] != b[0] for a, b in itertools.pairwise(shapes)):
        raise ShapeError(f"multi_dot: the lengths of neighbours differ: {shapes}")
    return _chain(operands, _brackets([s[0] if len(s) == 2 else 1 for s in shapes] + [shapes[-1][-1]]))


def _chain(operands: list, brackets: Any) -> Any:
    if isinstance(brackets, int):
        return operands[brackets]
    return _chain(operands, brackets[0]) @ _chain(operands, brackets[1])


def _brackets(lengths: list[int]) -> Any:
    """How to multiply matrices of lengths[i] rows and lengths[i + 1] columns: nested pairs of their places."""

    @functools.cache
    def best(i: int, j: int) -> tuple[int, Any]:
        """The fewest multiplications for the product of i to j - 1, and the brackets."""
        if j - i == 1:
            return 0, i
        splits = [(k, best(i, k), best(k, j)) for k in range(i + 1, j)]
        return min(
            ((l[0] + r[0] + lengths[i] * lengths[k] * lengths[j], (l[1], r[1])) for k, l, r in splits),
            key=lambda found: found[0],
        )

    return best(0, len(lengths) - 1)[1]


@example(kron)
def blocks(n: Size = 2, m: Size = 3, k: Size = 2) -> Case:
    return case(real(n, m), real(k))


@example(cross)
def in_space(n: Size = 3) -> Case:
    return case(real(n, 3), real(1, 3))


@example(vecdot)
def along_a_dimension(n: Size = 3, m: Size = 4, dim: Literal[0, 1, -1] = -1) -> Case:
    return case(real(n, m), real(n, 1), dim=dim)


@example(multi_dot)
def chained(n: Size = 2, m: Size = 3, k: Size = 4, vectors: bool = False) -> Case:
    return case([real(n) if vectors else real(m, n), real(n, k), real(k, m), real(m) if vectors else real(m, n)])
