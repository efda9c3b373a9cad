"""The largest and the smallest element, and where they stand."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.comparison import eq, isnan, logical_or
from tinygrad_edu.ops.index import gather
from tinygrad_edu.ops.operation import composite, example, operation
from tinygrad_edu.ops.reduce import DIMS, Dims, axes, count, fold, kept, sum
from tinygrad_edu.ops.selection import maximum, minimum
from tinygrad_edu.ops.shape import axis_of, squeeze
from tinygrad_edu.tensor import Tensor

__all__ = ["amax", "amin", "argmax", "argmin", "max", "min"]


def _extreme_rule(g: Any, x: Any, result: Any, dim: Any) -> Any:
    # All that equal the extreme get the same share of the gradient; where there is a NaN, it is the extreme.
    mine = logical_or(eq(x, kept(result, x.shape, dim)), isnan(x))
    return mine * (kept(g, x.shape, dim) / sum(mine, dim, True, dtype=g.dtype))


@operation(x=_extreme_rule)
def amax(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    r"""The largest element along some or all dimensions; elements that tie share the gradient evenly.

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

    Raises
    ------
    ShapeError
        If there is no element to choose from.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([3.0, 1.0, 3.0], requires_grad=True)
    >>> x.amax().backward()
    >>> x.grad
    tensor([0.5, 0. , 0.5])
    """
    _require_elements("amax", x, dim)
    return fold(np.maximum, x, axes("amax", dim, x.ndim), keepdim)


@operation(x=_extreme_rule)
def amin(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    r"""The smallest element along some or all dimensions; elements that tie share the gradient evenly.

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

    Raises
    ------
    ShapeError
        If there is no element to choose from.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.amin(tg.tensor([[3.0, 1.0], [2.0, 5.0]]), dim=(0, 1))
    tensor(1.)
    """
    _require_elements("amin", x, dim)
    return fold(np.minimum, x, axes("amin", dim, x.ndim), keepdim)


class ValuesAndIndices(NamedTuple):
    """What :func:`max` and :func:`min` give along a dimension.

    Attributes
    ----------
    values : Tensor
    indices : Tensor
        Where along the dimension each value stands.
    """

    values: Tensor
    indices: Tensor


@composite()
def max(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    r"""The largest element: of all, along a dimension together with its index, or of two tensors.

    Of the whole tensor, elements that tie share the gradient evenly; along a dimension it goes to the element at the
    index taken, the first of those that tie.

    Parameters
    ----------
    x : Tensor or array
    dim : int or Tensor, optional
        The dimension to reduce; all if omitted. A second tensor in its place is compared element by element, as in
        :func:`maximum`.
    keepdim : bool, default False
        Whether the reduced dimension stays, with length 1.

    Returns
    -------
    Tensor, or a named tuple of values and indices where a dimension is given

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> x.max()
    tensor(7.)
    >>> values, indices = x.max(dim=1)
    >>> indices
    tensor([1, 0])
    """
    if isinstance(dim, Tensor | np.ndarray):
        return maximum(x, dim)
    return amax(x) if dim is None else _taken(x, dim, argmax(x, dim, True), keepdim)


@composite()
def min(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    r"""The smallest element: of all, along a dimension together with its index, or of two tensors.

    Of the whole tensor, elements that tie share the gradient evenly; along a dimension it goes to the element at the
    index taken, the first of those that tie.

    Parameters
    ----------
    x : Tensor or array
    dim : int or Tensor, optional
        The dimension to reduce; all if omitted. A second tensor in its place is compared element by element, as in
        :func:`minimum`.
    keepdim : bool, default False
        Whether the reduced dimension stays, with length 1.

    Returns
    -------
    Tensor, or a named tuple of values and indices where a dimension is given

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> x.min(dim=1).values
    tensor([1., 2.])
    """
    if isinstance(dim, Tensor | np.ndarray):
        return minimum(x, dim)
    return amin(x) if dim is None else _taken(x, dim, argmin(x, dim, True), keepdim)


def _taken(x: Any, dim: int, indices: Any, keepdim: bool) -> ValuesAndIndices:
    values = gather(x, dim, indices)
    if not keepdim:
        values, indices = squeeze(values, dim), squeeze(indices, dim)
    return ValuesAndIndices(values, indices)


@operation()
def argmax(x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    r"""Index of the largest element, the first of those that tie.

    Parameters
    ----------
    x : Tensor or array
    dim : int, optional
        The dimension to search; if omitted, the index counts in the flattened tensor.
    keepdim : bool, default False
        Whether the reduced dimensions stay, with length 1.

    Returns
    -------
    Tensor
        Of dtype int64.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.argmax(tg.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1, 0])
    """
    return _position(np.argmax, "argmax", x, dim, keepdim)


@operation()
def argmin(x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    r"""Index of the smallest element, the first of those that tie.

    Parameters
    ----------
    x : Tensor or array
    dim : int, optional
        The dimension to search; if omitted, the index counts in the flattened tensor.
    keepdim : bool, default False
        Whether the reduced dimensions stay, with length 1.

    Returns
    -------
    Tensor
        Of dtype int64.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.argmin(tg.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([0, 1])
    """
    return _position(np.argmin, "argmin", x, dim, keepdim)


def _position(kernel: Any, name: str, x: np.ndarray, dim: int | None, keepdim: bool) -> Any:
    _require_elements(name, x, dim)
    return kernel(x, None if dim is None or x.ndim == 0 else axis_of(name, dim, x.ndim), keepdims=keepdim)


def _require_elements(name: str, x: Any, dim: Any) -> None:
    if count(x.shape, dim, name) == 0:
        raise ShapeError(f"{name}: no elements to choose from in shape {x.shape} along {'all' if dim is None else dim}")


@example(amax)
@example(amin)
def along_dimensions(n: Size = 3, m: Size = 4, k: Size = 2, keepdim: bool = False, dims: Dims = "last") -> Case:
    return case(real(n, m, k), dim=DIMS[dims], keepdim=keepdim)


@example(amax)
@example(amin)
def with_ties(n: Size = 3, m: Size = 4, k: Size = 2, dims: Dims = "last") -> Case:
    return case(real(n, m, k, ties=True), dim=DIMS[dims])


@example(argmax)
@example(argmin)
@example(max)
@example(min)
def along_a_dimension(n: Size = 3, m: Size = 4, keepdim: bool = False, dim: Literal[0, 1, -1] = 1) -> Case:
    return case(real(n, m), dim=dim, keepdim=keepdim)


@example(argmax)
@example(argmin)
@example(max)
@example(min)
def of_all(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))
