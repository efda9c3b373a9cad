"""Along a dimension: differences, areas by the trapezoidal rule, running log-sum-exp."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.comparison import eq, logical_xor
from tinygrad_edu.ops.cumulative import cumsum
from tinygrad_edu.ops.exponential import exp
from tinygrad_edu.ops.join import cat
from tinygrad_edu.ops.operation import composite, example, operation
from tinygrad_edu.ops.reduce import sum as total
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.shape import axis_of, narrow, unsqueeze
from tinygrad_edu.tensor import Tensor

__all__ = ["cumulative_trapezoid", "diff", "logcumsumexp", "trapezoid", "trapz"]


@composite()
def diff(x: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    r"""Differences of neighbours, :math:`y_i = x_{i+1} - x_i`, taken `n` times; of bools, whether they differ.

    Parameters
    ----------
    x : Tensor
    n : int, default 1
    dim : int, default -1
    prepend, append : Tensor, optional
        Put in front of `x`, or behind it, first.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.diff(tg.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    if not len(x.shape):
        raise ShapeError("diff: expected at least one dimension, got shape ()")
    if n < 0:
        raise ValueError(f"diff: n is not negative, got {n}")
    axis = axis_of("diff", dim, len(x.shape))
    parts = [part for part in (prepend, x, append) if part is not None]
    if len({tuple(part.shape[:axis]) + tuple(part.shape[axis + 1 :]) for part in parts}) > 1:
        raise ShapeError(f"diff: shapes differ not in dimension {axis} alone: {[tuple(part.shape) for part in parts]}")
    x = cat(parts, axis) if len(parts) > 1 else x
    for _ in range(n):
        if not x.shape[axis]:
            break
        before, after = narrow(x, axis, 0, x.shape[axis] - 1), narrow(x, axis, 1, x.shape[axis] - 1)
        x = logical_xor(after, before) if x.dtype.kind == "b" else after - before
    return x


def _areas(name: str, y: Any, x: Any, dx: float, dim: int) -> Any:
    """The area between each two neighbours."""
    if not len(y.shape):
        raise ShapeError(f"{name}: expected at least one dimension, got shape ()")
    axis = axis_of(name, dim, len(y.shape))
    count = y.shape[axis]
    if not count:
        return y
    means = 0.5 * (narrow(y, axis, 0, count - 1) + narrow(y, axis, 1, count - 1))
    if x is None:
        return means * dx
    if len(x.shape) == 1:
        if x.shape[0] != count:
            raise ShapeError(f"{name}: there are {count} values along the dimension, but {x.shape[0]} points")
        return means * diff(x).reshape([-1 if i == axis else 1 for i in range(len(y.shape))])
    return means * diff(x, 1, axis - len(y.shape))


@composite(method=False)
def trapezoid(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    r"""Area below points by the trapezoidal rule, :math:`\sum_i \frac{y_i + y_{i+1}}{2} (x_{i+1} - x_i)`.

    Parameters
    ----------
    y : Tensor
    x : Tensor, optional
        The points: a vector, or broadcast with `y`.
    dx : number, default 1
        The distance of neighbours, in place of the points.
    dim : int, default -1

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.trapezoid(tg.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    return total(_areas("trapezoid", y, x, dx, dim), dim)


@composite(method=False)
def trapz(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Area below points: :func:`trapezoid` under its older name.

    Parameters
    ----------
    y : Tensor
    x : Tensor, optional
    dx : number, default 1
    dim : int, default -1

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.trapz(tg.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    return total(_areas("trapz", y, x, dx, dim), dim)


@composite(method=False)
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    r"""Running area below points by the trapezoidal rule; see :func:`trapezoid`.

    Parameters
    ----------
    y : Tensor
    x : Tensor, optional
        The points: a vector, or broadcast with `y`.
    dx : number, default 1
        The distance of neighbours, in place of the points.
    dim : int, default -1

    Returns
    -------
    Tensor
        Of one element less along the dimension.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.cumulative_trapezoid(tg.tensor([1.0, 2.0, 3.0]))
    tensor([1.5, 4. ])
    """
    return cumsum(_areas("cumulative_trapezoid", y, x, dx, dim), dim)


def _logcumsumexp_rule(g: Any, x: Any, result: Any, dim: int) -> Any:
    # ∂y_i/∂x_k = e^(x_k - y_i) for i >= k, never above 1; the square of all pairs, row k and column i, keeps it so.
    if not x.shape:
        return g
    x, y, g = (v.swapaxes(dim, -1) for v in (x, result, g))
    y = where(eq(y, -math.inf), 0.0, y)
    k, i = np.indices((x.shape[-1], x.shape[-1]))
    share = exp(where(i >= k, unsqueeze(x, -1) - unsqueeze(y, -2), -math.inf))
    return (share * unsqueeze(g, -2)).sum(-1).swapaxes(dim, -1)


@operation(x=_logcumsumexp_rule)
def logcumsumexp(x: Any, dim: int) -> Tensor:
    r"""Running :math:`y_i = \ln \sum_{j \le i} e^{x_j}`, without overflow.

    The gradient takes memory for the square of the dimension's length.

    Parameters
    ----------
    x : Tensor
        Of a float type.
    dim : int
        The dimension along which the sum runs.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logcumsumexp(tg.tensor([0.0, 0.0]), dim=0)
    tensor([0.    , 0.6931])
    """
    if x.dtype.kind != "f":
        raise DtypeError(f"logcumsumexp: expected floats, got {x.dtype}; convert with .float()")
    axis = axis_of("logcumsumexp", dim, x.ndim)
    return np.logaddexp.accumulate(x, axis) if x.ndim else x.copy()


@example(diff)
def neighbours(n: Size = 3, m: Size = 4, times: Literal[0, 1, 2] = 1, dim: Literal[0, -1] = -1) -> Case:
    return case(real(n, m), times, dim)


@example(trapezoid)
@example(trapz)
@example(cumulative_trapezoid)
def of_points(n: Size = 3, m: Size = 4, spread: bool = False) -> Case:
    return case(real(n, m), real(n, m) if spread else real(m))


@example(logcumsumexp)
def along(n: Size = 3, m: Size = 4, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), dim)
