"""Formulas in other operations that have names of their own: fused products, distances, covariances, moments."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.arithmetic import mul, square
from tinygrad_edu.ops.diagonals import diagonal
from tinygrad_edu.ops.exponential import sqrt
from tinygrad_edu.ops.linalg import bmm, mv, outer, scaled, weighted_sum
from tinygrad_edu.ops.operation import composite, example, methods, overwriting, plain, refuse_complex
from tinygrad_edu.ops.reduce import mean, norm, std, var
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.selection import clamp
from tinygrad_edu.ops.shape import unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = [
    "addbmm",
    "addcdiv",
    "addcmul",
    "addmv",
    "addr",
    "cdist",
    "corrcoef",
    "cov",
    "dist",
    "pdist",
    "std_mean",
    "var_mean",
]


# Fused products


@composite()
def addcmul(x: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    r""":math:`x + v\, a\, b`, element by element.

    Parameters
    ----------
    x, tensor1, tensor2 : Tensor
        The shapes broadcast.
    value : number, default 1

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.addcmul(tg.tensor([1.0]), tg.tensor([2.0]), tg.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    return x + scaled(tensor1 * tensor2, value)


@composite()
def addcdiv(x: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    r""":math:`x + v\, a / b`, element by element.

    Parameters
    ----------
    x, tensor1, tensor2 : Tensor
        The shapes broadcast.
    value : number, default 1

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.addcdiv(tg.tensor([1.0]), tg.tensor([2.0]), tg.tensor([4.0]))
    tensor([1.5])
    """
    return x + scaled(tensor1 / tensor2, value)


@composite()
def addmv(x: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    r""":math:`\beta x + \alpha A v`.

    Parameters
    ----------
    x : Tensor, shape (n,)
    mat : Tensor, shape (n, m)
    vec : Tensor, shape (m,)
    beta, alpha : number, default 1
        With `beta` 0, `x` is not read.

    Returns
    -------
    Tensor, shape (n,)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.addmv(tg.tensor([1.0]), tg.tensor([[2.0, 3.0]]), tg.tensor([1.0, 1.0]))
    tensor([6.])
    """
    return weighted_sum(x, beta, mv(mat, vec), alpha)


@composite()
def addr(x: Any, vec1: Any, vec2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    r""":math:`\beta X + \alpha\, u v^\top`.

    Parameters
    ----------
    x : Tensor, shape (n, m)
    vec1 : Tensor, shape (n,)
    vec2 : Tensor, shape (m,)
    beta, alpha : number, default 1
        With `beta` 0, `x` is not read.

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.addr(tg.zeros(2, 2), tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return weighted_sum(x, beta, outer(vec1, vec2), alpha)


@composite()
def addbmm(x: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    r""":math:`\beta X + \alpha \sum_b A_b B_b`.

    Parameters
    ----------
    x : Tensor, shape (n, m)
    batch1 : Tensor, shape (b, n, k)
    batch2 : Tensor, shape (b, k, m)
    beta, alpha : number, default 1
        With `beta` 0, `x` is not read.

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.addbmm(tg.zeros(1, 1), tg.ones(2, 1, 3), tg.ones(2, 3, 1))
    tensor([[6.]])
    """
    return weighted_sum(x, beta, total(bmm(batch1, batch2), 0), alpha)


methods(
    addcmul_=overwriting(addcmul), addcdiv_=overwriting(addcdiv), addmv_=overwriting(addmv), addr_=overwriting(addr)
)
methods(addbmm_=overwriting(addbmm))


# Distances


@composite()
def dist(x: Any, other: Any, p: float = 2) -> Tensor:
    r"""Norm of the difference, :math:`\lVert x - y \rVert_p`, of all elements.

    Parameters
    ----------
    x, other : Tensor
        The shapes broadcast.
    p : number, default 2

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.dist(tg.tensor([3.0, 0.0]), tg.tensor([0.0, 4.0]))
    tensor(5.)
    """
    return norm(x - other, p)


@composite(method=False)
def cdist(x1: Any, x2: Any, p: float = 2.0) -> Tensor:
    r"""Distance of every row of one matrix from every row of another, :math:`\lVert x_i - y_j \rVert_p`.

    Where two rows are equal, the gradient is 0.

    Parameters
    ----------
    x1 : Tensor, shape (..., n, d)
    x2 : Tensor, shape (..., m, d)
    p : number, default 2

    Returns
    -------
    Tensor, shape (..., n, m)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cdist(tg.tensor([[0.0, 0.0]]), tg.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    if len(x1.shape) < 2 or len(x2.shape) < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            f"cdist: expected matrices with rows of one length, got {tuple(x1.shape)} and {tuple(x2.shape)}"
        )
    return norm(unsqueeze(x1, -2) - unsqueeze(x2, -3), p, -1)


@composite(method=False)
def pdist(x: Any, p: float = 2.0) -> Tensor:
    r"""Distances between the rows of a matrix, :math:`\lVert x_i - x_j \rVert_p` for all :math:`i < j`.

    Where two rows are equal, the gradient is 0.

    Parameters
    ----------
    x : Tensor, shape (n, d)
    p : number, default 2

    Returns
    -------
    Tensor, shape (n (n - 1) / 2,)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.pdist(tg.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])).round(decimals=2)
    tensor([5.  , 1.  , 4.24])
    """
    if len(x.shape) != 2:
        raise ShapeError(f"pdist: expected a matrix, got shape {tuple(x.shape)}")
    refuse_complex("pdist", plain(x))
    first, second = np.triu_indices(x.shape[0], 1)
    return norm(x[first] - x[second], p, -1)


# Moments


@composite(method=False)
def var_mean(x: Any, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """Variance and mean along some or all dimensions; see :func:`var`.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    correction : number, default 1
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    var, mean : Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.var_mean(tg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    return var(x, dim, correction, keepdim), mean(x, dim, keepdim)


@composite(method=False)
def std_mean(x: Any, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean along some or all dimensions; see :func:`std`.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    correction : number, default 1
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    std, mean : Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.std_mean(tg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    return std(x, dim, correction, keepdim), mean(x, dim, keepdim)


@composite()
def cov(x: Any, *, correction: int = 1) -> Tensor:
    r"""Covariances of variables, :math:`C_{ij} = \frac{1}{n - c} \sum_k (x_{ik} - \mu_i)(x_{jk} - \mu_j)`.

    Parameters
    ----------
    x : Tensor, shape (variables, observations) or (observations,)
    correction : int, default 1
        1 for the unbiased estimate from a sample, 0 for the numbers at hand.

    Returns
    -------
    Tensor, shape (variables, variables), or () for one variable

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cov(tg.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    refuse_complex("cov", plain(x))
    if not 1 <= len(x.shape) <= 2:
        raise ShapeError(f"cov: expected variables as rows, or one of them, got shape {tuple(x.shape)}")
    n = x.shape[-1] - correction
    if n <= 0:
        raise ShapeError(f"cov: {x.shape[-1]} observations are too few for the correction {correction}")
    d = x - mean(x, -1, True)
    return total(square(d)) / float(n) if len(x.shape) == 1 or x.shape[0] == 1 else (d @ d.mT) / float(n)


@composite()
def corrcoef(x: Any) -> Tensor:
    r"""Correlations of variables, :math:`R_{ij} = C_{ij} / \sqrt{C_{ii} C_{jj}}`; see :func:`cov`.

    Parameters
    ----------
    x : Tensor, shape (variables, observations)

    Returns
    -------
    Tensor, shape (variables, variables), or () for one variable
        Limited to -1 and 1, which rounding could pass.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.corrcoef(tg.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    c = cov(x)
    if not len(c.shape):
        return c / c
    s = sqrt(diagonal(c))
    return clamp(mul(c / unsqueeze(s, 1), 1.0 / unsqueeze(s, 0)), -1.0, 1.0)


@example(addcmul)
@example(addcdiv)
def fused(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), real(m), real(n, m, low=0.5), value=0.5)


@example(addmv)
def matrix_vector(n: Size = 3, m: Size = 4, beta: Literal[0, 1, 2] = 2) -> Case:
    return case(real(n), real(n, m), real(m), beta=beta, alpha=0.5)


@example(addr)
def vectors(n: Size = 3, m: Size = 4, beta: Literal[0, 1, 2] = 2) -> Case:
    return case(real(n, m), real(n), real(m), beta=beta, alpha=0.5)


@example(addbmm)
def batches(n: Size = 3, k: Size = 4, m: Size = 2, b: Size = 2) -> Case:
    return case(real(n, m), real(b, n, k), real(b, k, m), beta=0.5, alpha=2)


@example(dist)
def two(n: Size = 3, m: Size = 4, p: Literal[1, 2, 3] = 2) -> Case:
    return case(real(n, m), real(m), p)


@example(cdist)
def rows(n: Size = 3, m: Size = 2, d: Size = 4, p: Literal[1, 2, 3] = 2) -> Case:
    return case(real(2, n, d), real(m, d), float(p))


@example(var_mean)
@example(std_mean)
def of_samples(n: Size = 3, m: Size = 2, keepdim: bool = False, correction: Literal[0, 1] = 1) -> Case:
    return case(real(n, m + 1), dim=-1, correction=correction, keepdim=keepdim)


@example(cov)
def observations(n: Size = 3, m: Size = 3, correction: Literal[0, 1] = 1) -> Case:
    return case(real(n, m + 1), correction=correction)


@example(corrcoef)
def variables(n: Size = 3, m: Size = 3) -> Case:
    return case(real(n, m + 2))


@example(pdist)
def pairs(n: Size = 3, d: Size = 4, p: Literal[1, 2, 3] = 2) -> Case:
    return case(real(n + 1, d), float(p))
