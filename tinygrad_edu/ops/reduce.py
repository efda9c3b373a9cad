r"""Reductions along dimensions: sums, products, statistics, norms, truth.

The rules undo a reduction in two steps: :func:`kept` gives the reduced dimensions back with length 1, and broadcasting
then repeats along them.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import DtypeError
from tinygrad_edu.ops.arithmetic import abs as magnitude
from tinygrad_edu.ops.arithmetic import sgn
from tinygrad_edu.ops.comparison import eq
from tinygrad_edu.ops.creation import zeros_like
from tinygrad_edu.ops.cumulative import cumprod
from tinygrad_edu.ops.operation import example, operation, plain
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.shape import axes_of, axis_of, broadcast_to, flip, roll
from tinygrad_edu.tensor import Tensor

__all__ = ["all", "any", "count_nonzero", "mean", "norm", "prod", "std", "sum", "var"]

# Up to here copying a value is faster than np.broadcast_to, which takes 3 µs for whatever size.
SMALL = 8192

# What examples draw.
DIMS: dict[str, Any] = {"all": None, "first": 0, "last": -1, "two": (0, -1)}
Dims = Literal["all", "first", "last", "two"]
Sample = Annotated[int, range(2, 5)]


# What the rules share


def axes(name: str, dim: Any, ndim: int) -> tuple[int, ...] | None:
    """The dimensions to reduce; None for all of them, which an empty tuple means as well."""
    if dim is None or dim == () or dim == []:
        return None
    reduced = axes_of(name, dim, ndim)
    return reduced if ndim else None


def fold(kernel: Any, x: np.ndarray, axis: Any, keepdim: bool, dtype: Any = None, **options: Any) -> Any:
    """A ufunc applied along axes: what np.sum and np.max do after Python code that takes longer for small arrays."""
    return kernel.reduce(x, axis, dtype, None, keepdim, **options)


def kept_shape(shape: tuple[int, ...], dim: Any) -> tuple[int, ...]:
    """A shape with 1 for each reduced dimension."""
    reduced = axes("reduction", dim, len(shape))
    return tuple([1 if reduced is None or i in reduced else length for i, length in enumerate(shape)])


def kept(y: Any, shape: tuple[int, ...], dim: Any) -> Any:
    """A reduced value with its reduced dimensions given back as length 1."""
    wanted = kept_shape(shape, dim)
    return y if y.shape == wanted else y.reshape(wanted)


def spread(g: Any, shape: tuple[int, ...], dim: Any) -> Any:
    """A cotangent repeated along the reduced dimensions: the transpose of a sum."""
    if dim is not None:
        g = kept(g, shape, dim)
    if isinstance(g, Tensor) or math.prod(shape) > SMALL:
        return broadcast_to(g, shape)
    out = np.empty(shape, g.dtype)
    out[...] = g
    return out


def count(shape: tuple[int, ...], dim: Any, name: str = "reduction") -> int:
    """How many elements are reduced to one; `name` is the operation's, for messages."""
    reduced = axes(name, dim, len(shape))
    return math.prod(shape if reduced is None else [shape[i] for i in reduced])


def _require_float(name: str, x: Any) -> None:
    if x.dtype.kind not in "fc":
        raise DtypeError(f"{name}: expected a float tensor, got {x.dtype} (shape {x.shape}); convert it with .float()")


# Sums


@operation(complex=True, x=lambda g, x_shape, dim: spread(g, x_shape, dim))
def sum(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    r"""Sum :math:`y = \sum_i x_i` along some or all dimensions; :math:`\partial y / \partial x_i = 1`.

    Parameters
    ----------
    x : Tensor or array
    dim : int or tuple of ints, optional
        The dimensions to sum over; all if omitted.
    keepdim : bool, default False
        Whether they stay, with length 1.
    dtype : numpy.dtype, optional
        Type of the sum; if omitted that of `x` for floats, int64 for integers and bools.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.sum()
    tensor(10.)
    >>> x.sum(dim=0, keepdim=True)
    tensor([[4., 6.]])
    """
    if dtype is None and x.dtype.kind in "bui":
        dtype = np.int64
    return fold(np.add, x, None if dim is None else axes("sum", dim, x.ndim), keepdim, dtype)


@operation(complex=True, x=lambda g, x_shape, dim: spread(_divided(g, count(x_shape, dim)), x_shape, dim))
def mean(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    r"""Mean :math:`y = \frac1n \sum_i x_i` along some or all dimensions; :math:`\partial y / \partial x_i = 1/n`.

    Parameters
    ----------
    x : Tensor or array
        Of a float type.
    dim : int or tuple of ints, optional
        The dimensions to average over; all if omitted.
    keepdim : bool, default False
        Whether they stay, with length 1.
    dtype : numpy.dtype, optional
        Type of the mean.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        For integers, unless a float `dtype` is given.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.mean(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([1.5, 3.5])
    """
    _require_float("mean", x if dtype is None else np.empty(0, dtype))
    total = fold(np.add, x, axes("mean", dim, x.ndim), keepdim, dtype)
    return _divided(total, count(x.shape, dim))


def _divided(total: Any, n: float) -> Any:
    # Nothing divided by nothing is NaN, without NumPy's warning.
    return total / float(n) if n > 0 else total * math.nan


def _centered(x: Any, dim: Any) -> Any:
    return x - mean(x, dim, True)


def _degrees(
    shape: tuple[int, ...], dim: Any, correction: Any, unbiased: bool | None, name: str = "reduction"
) -> float:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return count(shape, dim, name) - float(correction if unbiased is None else unbiased)


def _var_rule(g: Any, x: Any, dim: Any, correction: Any, unbiased: bool | None) -> Any:
    # With d = x - μ, y = Σ d_i² / (n - c). That μ depends on x as well adds nothing, since Σ d_i = 0.
    n = _degrees(x.shape, dim, correction, unbiased)
    dim = None if isinstance(dim, bool) else dim
    return kept(_divided(2.0 * g, n), x.shape, dim) * _centered(x, dim)


@operation(x=_var_rule)
def var(x: Any, dim: Any = None, correction: Any = 1, keepdim: bool = False, *, unbiased: bool | None = None) -> Tensor:
    r"""Variance :math:`y = \frac{1}{n - c} \sum_i (x_i - \mu)^2`, with :math:`\mu` the mean, :math:`c` the correction.

    :math:`\partial y / \partial x_i = \frac{2}{n - c} (x_i - \mu)`.

    Parameters
    ----------
    x : Tensor or array
        Of a float type.
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    correction : number, default 1
        1 for the unbiased estimate from a sample, 0 for the variance of the numbers at hand. In its place stands
        PyTorch's older `unbiased`, whose True and False mean the same.
    keepdim : bool, default False
        Whether the reduced dimensions stay, with length 1.
    unbiased : bool, optional
        True for `correction` 1, False for 0.

    Returns
    -------
    Tensor
        Infinite or NaN where there are no more elements than `correction`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.var(tg.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor(1.6667)
    >>> tg.var(tg.tensor([1.0, 2.0, 3.0, 4.0]), correction=0)
    tensor(1.25)
    """
    return _variance("var", x, dim, correction, keepdim, unbiased)


def _variance(name: str, x: Any, dim: Any, correction: Any, keepdim: bool, unbiased: bool | None) -> Any:
    _require_float(name, x)
    n = _degrees(x.shape, dim, correction, unbiased, name)
    dim = None if isinstance(dim, bool) else dim
    d = _centered(x, dim)
    total = fold(np.add, d * d, axes(name, dim, x.ndim), keepdim)
    if n > 0:
        return total / n
    with np.errstate(divide="ignore", invalid="ignore"):  # something divided by nothing is infinite, nothing is NaN
        return total / np.zeros((), total.dtype)


def _std_rule(g: Any, x: Any, result: Any, dim: Any, correction: Any, unbiased: bool | None) -> Any:
    # y = sqrt(v), dy = dv / 2y; where y = 0 the direction is undefined and 0 is chosen.
    constant = eq(result, 0)
    return _var_rule(where(constant, 0.0, g) / (2.0 * where(constant, 1.0, result)), x, dim, correction, unbiased)


@operation(x=_std_rule)
def std(x: Any, dim: Any = None, correction: Any = 1, keepdim: bool = False, *, unbiased: bool | None = None) -> Tensor:
    r"""Standard deviation, the square root of :func:`var`; where it is 0, so is its gradient.

    Parameters
    ----------
    x : Tensor or array
        Of a float type.
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    correction : number, default 1
        What is subtracted from the number of elements, as in :func:`var`.
    keepdim : bool, default False
        Whether the reduced dimensions stay, with length 1.
    unbiased : bool, optional
        True for `correction` 1, False for 0.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.std(tg.tensor([[1.0, 3.0], [2.0, 2.0]]), dim=1, correction=0)
    tensor([1., 0.])
    """
    return np.sqrt(_variance("std", x, dim, correction, keepdim, unbiased))


# Products


def _prod_rule(g: Any, x: Any, result: Any, dim: Any) -> Any:
    # ∂y/∂x_i is the product of all others: y / x_i, or where a 0 forbids that, what stands before i times what stands
    # after.
    g, y = kept(g, x.shape, dim), kept(result, x.shape, dim)
    if plain(x).all():
        return g * y / x
    if dim is None or not x.shape:
        return g * _others(x.reshape(-1)).reshape(x.shape)
    return g * _others(x.swapaxes(dim, -1)).swapaxes(dim, -1)


def _others(x: Any) -> Any:
    """Along the last dimension, the product of all elements but one's own."""
    first = np.arange(x.shape[-1]) == 0
    before = cumprod(where(first, 1.0, roll(x, 1, -1)), -1)
    after = flip(cumprod(where(first, 1.0, roll(flip(x, -1), 1, -1)), -1), -1)
    return before * after


@operation(complex=True, x=_prod_rule)
def prod(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    r"""Product :math:`y = \prod_i x_i` along one or all dimensions.

    :math:`\partial y / \partial x_i = \prod_{j \ne i} x_j`, also where elements are 0.

    Parameters
    ----------
    x : Tensor or array
    dim : int, optional
        The dimension to reduce; all if omitted.
    keepdim : bool, default False
        Whether it stays, with length 1.
    dtype : numpy.dtype, optional
        Type of the product; if omitted that of `x` for floats, int64 for integers and bools.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> x.prod().backward()
    >>> x.grad
    tensor([0., 6., 0.])
    """
    if dtype is None and x.dtype.kind in "bui":
        dtype = np.int64
    axis = None if dim is None else axis_of("prod", dim, x.ndim)
    return fold(np.multiply, x, axis if x.ndim else None, keepdim, dtype)


# Truth and counts


@operation(complex=True)
def any(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether at least one element is true, that is, not 0.

    Parameters
    ----------
    x : Tensor or array
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    Tensor
        Of bools.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.any(tg.tensor([[True, False], [False, False]]), dim=1)
    tensor([ True, False])
    """
    return fold(np.logical_or, x, axes("any", dim, x.ndim), keepdim)


@operation(complex=True)
def all(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether every element is true, that is, not 0.

    Parameters
    ----------
    x : Tensor or array
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    keepdim : bool, default False
        Whether they stay, with length 1.

    Returns
    -------
    Tensor
        Of bools.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.all(tg.tensor([[True, False], [True, True]]), dim=1)
    tensor([False,  True])
    """
    return fold(np.logical_and, x, axes("all", dim, x.ndim), keepdim)


@operation(complex=True)
def count_nonzero(x: Any, dim: Any = None) -> Tensor:
    """The number of elements that are not 0.

    Parameters
    ----------
    x : Tensor or array
    dim : int or tuple of ints, optional
        The dimensions to count along; all if omitted.

    Returns
    -------
    Tensor
        Of dtype int64.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.count_nonzero(tg.tensor([[1, 0], [2, 3]]), dim=1)
    tensor([1, 2])
    """
    return fold(np.add, x != 0, axes("count_nonzero", dim, x.ndim), False, np.int64)


# Norms


def _norm_rule(g: Any, x: Any, result: Any, p: Any, dim: Any) -> Any:
    # y = (Σ |x_i|^p)^(1/p): ∂y/∂x_i = sgn(x_i) (|x_i| / y)^(p-1). Where y = 0 there is no direction, and 0 is chosen.
    g, y = kept(g, x.shape, dim), kept(result, x.shape, dim)
    p = 2.0 if p == "fro" else float(p)
    if p == 0:
        return zeros_like(x)
    if p == 1:
        return g * sgn(x)
    if math.isinf(p):
        mine = eq(magnitude(x), y)
        return mine * sgn(x) * (g / sum(mine, dim, True, dtype=g.dtype))
    y = where(eq(y, 0), 1.0, y)
    if p == 2:
        return g * (x / y)
    return g * sgn(x) * (where(eq(x, 0), 1.0, magnitude(x)) / y) ** (p - 1.0)


@operation(complex=True, x=_norm_rule)
def norm(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    r"""Norm :math:`y = (\sum_i |x_i|^p)^{1/p}` along some or all dimensions, of their elements as one long vector.

    :math:`\partial y / \partial x_i = \mathrm{sgn}(x_i) (|x_i| / y)^{p-1}`, and 0 where :math:`y` is 0.

    Parameters
    ----------
    x : Tensor or array
        Of a float type.
    p : number, or "fro", default "fro"
        The power; "fro" means 2, infinity the largest magnitude, 0 the number of elements that are not 0.
    dim : int or tuple of ints, optional
        The dimensions to reduce; all if omitted.
    keepdim : bool, default False
        Whether they stay, with length 1.
    dtype : numpy.dtype, optional
        Convert to this type first.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `p` is another word; the nuclear norm of matrices is :func:`linalg.matrix_norm`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.norm(tg.tensor([3.0, 4.0]))
    tensor(5.)
    >>> tg.norm(tg.tensor([3.0, -4.0]), p=1)
    tensor(7.)
    """
    x = x if dtype is None else x.astype(dtype)
    _require_float("norm", x)
    if x.dtype.kind == "c":
        x = np.abs(x)
    axis = axes("norm", dim, x.ndim)
    if isinstance(p, str) and p != "fro":
        raise ValueError(f'norm: p is a number or "fro", got {p!r}; other norms of matrices are in linalg.matrix_norm')
    p = 2.0 if p == "fro" else float(p)
    if p == 2:
        return np.sqrt(fold(np.add, x * x, axis, keepdim))
    if p == 0:
        return fold(np.add, x != 0, axis, keepdim, x.dtype)
    if math.isinf(p):
        return fold(np.maximum if p > 0 else np.minimum, np.abs(x), axis, keepdim)
    return fold(np.add, np.abs(x) ** p, axis, keepdim) ** (1.0 / p)


# Examples: what varies is the dimension, as a number from either end, a tuple or omitted, and whether it stays.


@example(var)
@example(std)
def of_samples(
    n: Sample = 3, m: Sample = 4, keepdim: bool = False, dims: Dims = "last", correction: Literal[0, 1] = 1
) -> Case:
    return case(real(n, m, 2), dim=DIMS[dims], keepdim=keepdim, correction=correction)


@example(norm)
def of_power(
    n: Size = 3,
    m: Size = 4,
    keepdim: bool = False,
    dims: Dims = "last",
    p: Literal["fro", 1, 2, 3, "half", "inf"] = "fro",
) -> Case:
    powers: dict[Any, Any] = {"half": 2.5, "inf": math.inf}
    return case(real(n, m, 2), p=powers.get(p, p), dim=DIMS[dims], keepdim=keepdim)


@example(sum)
@example(mean)
@example(any)
@example(all)
def along_dimensions(n: Size = 3, m: Size = 4, k: Size = 2, keepdim: bool = False, dims: Dims = "last") -> Case:
    return case(real(n, m, k), dim=DIMS[dims], keepdim=keepdim)


@example(prod)
def along_a_dimension(n: Size = 3, m: Size = 4, keepdim: bool = False, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), dim=dim, keepdim=keepdim)


@example(prod)
def of_all(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))


@example(prod)
def with_zeros(n: Size = 3, m: Size = 4, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m, ties=True), dim=dim)


@example(count_nonzero)
def of_numbers(n: Size = 3, m: Size = 4, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m, ties=True), dim=dim)
