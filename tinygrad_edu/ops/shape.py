r"""Operations that move elements, or look at them in another shape, and compute nothing.

Each is linear, :math:`y = P x` with a matrix of zeros and ones, so that its rule is the transpose: what carries an
element forward carries its cotangent back. Those marked as views give a tensor in the same memory wherever NumPy can.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.operation import composite, example, methods, operation
from tinygrad_edu.tensor import Tensor

__all__ = [
    "adjoint",
    "broadcast_to",
    "expand",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "moveaxis",
    "movedim",
    "narrow",
    "pad",
    "permute",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "select",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "tile",
    "transpose",
    "unflatten",
    "unsqueeze",
    "view",
]


# What the arguments mean


def int_of(name: str, what: str, value: Any) -> int:
    """A number that must be whole."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected {what} as an int, got {value!r}") from None


def axis_of(name: str, dim: int, ndim: int) -> int:
    """The dimension that a possibly negative number means; a tensor without dimensions counts as having one."""
    dim = int_of(name, "a dimension", dim)
    count = max(ndim, 1)
    if not -count <= dim < count:
        raise IndexError(
            f"{name}: dimension {dim} is out of range [{-count}, {count - 1}] of a tensor of {ndim} dimensions"
        )
    return dim % count


def axes_of(name: str, dims: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions that one number, or a sequence of different ones, means."""
    if not isinstance(dims, Sequence):
        dims = (dims,)
    axes = tuple(axis_of(name, dim, ndim) for dim in dims)
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: a dimension appears twice in {tuple(dims)} for a tensor of {ndim} dimensions")
    return axes


def sizes_of(name: str, sizes: Any) -> tuple[int, ...]:
    """A shape as a tuple of ints."""
    try:
        return tuple(map(operator.index, sizes)) if isinstance(sizes, Sequence) else (operator.index(sizes),)
    except TypeError:
        raise TypeError(f"{name}: expected sizes as ints, got {sizes!r}") from None


def variadic(call: Callable[..., Any]) -> None:
    """Make an operation a method that takes its sequence as one argument or as several, ``x.permute(1, 0)``."""

    @functools.wraps(call)
    def method(self: Tensor, *sizes: Any, **options: Any) -> Tensor:
        if not sizes:
            if not options:
                raise TypeError(f"{call.__name__}: expected sizes or dimensions, got none")
            return call(self, **options)
        if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
            return call(self, sizes[0], **options)
        return call(self, sizes, **options)

    setattr(Tensor, call.__name__, method)


# Another shape


def _reshaped(name: str, x: np.ndarray, shape: Any) -> np.ndarray:
    shape = sizes_of(name, shape)
    if min(shape, default=0) < -1:
        raise ShapeError(f"{name}: sizes are 0 and more, or -1 for the one to be found, got {shape}")
    try:
        return x.reshape(shape)
    except ValueError:
        raise ShapeError(f"{name}: a tensor of shape {x.shape} with {x.size} elements does not fit {shape}") from None


@operation(complex=True, view=True, method=False, x=lambda g, x_shape: g.reshape(x_shape))
def reshape(x: Any, shape: Any) -> Tensor:
    """The same elements in row-major order in another shape.

    Parameters
    ----------
    x : Tensor
    shape : tuple of int
        One size may be -1 and is found from the others. The method takes the sizes as several arguments as well.

    Returns
    -------
    Tensor
        A view where the memory allows, else a copy.

    Raises
    ------
    ShapeError
        If the number of elements differs.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return _reshaped("reshape", x, shape)


@example(reshape)
def _(n: Size = 2, m: Size = 6) -> Case:
    return case(real(n, m), (m, n))


@operation(complex=True, view=True, method=False, x=lambda g, x_shape: g.reshape(x_shape))
def view(x: Any, shape: Any) -> Tensor:
    """The same memory in another shape.

    Parameters
    ----------
    x : Tensor
    shape : tuple of int
        One size may be -1. The method takes the sizes as several arguments as well.

    Returns
    -------
    Tensor
        A view, never a copy.

    Raises
    ------
    ShapeError
        If the number of elements differs, or only a copy could have this shape.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(4).view(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    out = _reshaped("view", x, shape)
    if x.size and not np.may_share_memory(out, x):
        raise ShapeError(
            f"view: a tensor of shape {x.shape} and strides {x.strides} has no view of shape {out.shape}; use "
            "reshape(), which copies where it must"
        )
    return out


@example(view)
def _(n: Size = 2, m: Size = 6) -> Case:
    return case(real(n, m), (m, n))


@operation(complex=True, view=True, x=lambda g, x_shape: g.reshape(x_shape))
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Neighbouring dimensions made one.

    Parameters
    ----------
    x : Tensor
    start_dim, end_dim : int, default 0 and -1
        The first and the last of them.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(2, 3, 4).flatten(1).shape
    (2, 12)
    """
    start, end = axis_of("flatten", start_dim, x.ndim), axis_of("flatten", end_dim, x.ndim)
    if start > end:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in shape {x.shape}")
    shape = x.shape or (1,)
    return x.reshape(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


@example(flatten)
def _(n: Size = 2, c: Size = 3, h: Size = 4) -> Case:
    return case(real(n, c, h), 1)


@operation(complex=True, view=True, x=lambda g, x_shape: g.reshape(x_shape))
def ravel(x: Any) -> Tensor:
    """All elements in one dimension, in row-major order.

    Parameters
    ----------
    x : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.ones(2, 2).ravel()
    tensor([1., 1., 1., 1.])
    """
    return x.reshape(-1)


@example(ravel)
def _(n: Size = 2, m: Size = 3) -> Case:
    return case(real(n, m))


@operation(complex=True, view=True, x=lambda g, x_shape: g.reshape(x_shape))
def unflatten(x: Any, dim: int, sizes: Any) -> Tensor:
    """One dimension made several.

    Parameters
    ----------
    x : Tensor
    dim : int
    sizes : tuple of int
        Whose product is the length of `dim`; one may be -1.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the sizes do not multiply to that length.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(2, 12).unflatten(1, (3, -1)).shape
    (2, 3, 4)
    """
    dim, sizes = axis_of("unflatten", dim, x.ndim), sizes_of("unflatten", sizes)
    known = math.prod(size for size in sizes if size != -1)
    length = x.shape[dim]
    if sizes.count(-1) > 1 or (length % known if -1 in sizes and known else known != length):
        raise ShapeError(f"unflatten: sizes {sizes} do not multiply to {length}, dimension {dim} of shape {x.shape}")
    return _reshaped("unflatten", x, (*x.shape[:dim], *sizes, *x.shape[dim + 1 :]))


@example(unflatten)
def _(n: Size = 2, h: Size = 3, w: Size = 4) -> Case:
    return case(real(n, h * w), 1, (h, w))


@operation(complex=True, view=True, x=lambda g, x_shape: g.reshape(x_shape))
def unsqueeze(x: Any, dim: int) -> Tensor:
    """A new dimension of length 1.

    Parameters
    ----------
    x : Tensor
    dim : int
        Where it stands in the result.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(3).unsqueeze(-1).shape
    (3, 1)
    """
    dim = axis_of("unsqueeze", dim, x.ndim + 1)
    return x.reshape(*x.shape[:dim], 1, *x.shape[dim:])


@example(unsqueeze)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), 1)


@operation(complex=True, view=True, x=lambda g, x_shape: g.reshape(x_shape))
def squeeze(x: Any, dim: Any = None) -> Tensor:
    """Dimensions of length 1 taken away.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of int, optional
        Only these, and only where the length is 1; all if omitted.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(1, 3, 1).squeeze(-1).shape
    (1, 3)
    """
    axes = range(x.ndim) if dim is None else axes_of("squeeze", dim, x.ndim)
    return x.reshape([size for i, size in enumerate(x.shape) if size != 1 or i not in axes])


@example(squeeze)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, 1, m), 1)


# Another order


def _inverse(dims: Any) -> tuple[int, ...]:
    # y[..., i at place k] is x's dimension dims[k]; negative numbers count from the end.
    places = [dim % len(dims) for dim in dims]
    return tuple(sorted(range(len(places)), key=places.__getitem__))


@operation(complex=True, view=True, method=False, x=lambda g, dims: permute(g, _inverse(dims)))
def permute(x: Any, dims: Any) -> Tensor:
    r"""The dimensions in another order: dimension `i` of the result is dimension `dims[i]` of `x`.

    Parameters
    ----------
    x : Tensor
    dims : tuple of int
        Every dimension once. The method takes them as several arguments as well.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    ShapeError
        If a dimension is missing or appears twice.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    if len(dims) != x.ndim:
        raise ShapeError(
            f"permute: expected all {x.ndim} dimensions of shape {x.shape} in a new order, got {tuple(dims)}"
        )
    return x.transpose(axes_of("permute", dims, x.ndim))


@example(permute)
def _(n: Size = 2, c: Size = 3, h: Size = 4) -> Case:
    return case(real(n, c, h), (1, -1, 0))


@operation(complex=True, view=True, x=lambda g, dim0, dim1: transpose(g, dim0, dim1))
def transpose(x: Any, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged.

    Parameters
    ----------
    x : Tensor
    dim0, dim1 : int

    Returns
    -------
    Tensor
        A view.

    See Also
    --------
    permute : Any order of all dimensions, which is what ``numpy.transpose`` does.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(2, 3, 4).transpose(0, 2).shape
    (4, 3, 2)
    """
    dim0, dim1 = axis_of("transpose", dim0, x.ndim), axis_of("transpose", dim1, x.ndim)
    return x.swapaxes(dim0, dim1) if x.ndim else x[...]


@example(transpose)
def _(n: Size = 2, c: Size = 3, h: Size = 4) -> Case:
    return case(real(n, c, h), 0, -1)


@operation(complex=True, view=True, x=lambda g, axis0, axis1: swapaxes(g, axis0, axis1))
def swapaxes(x: Any, axis0: int, axis1: int) -> Tensor:
    """Two dimensions exchanged, under NumPy's name.

    Parameters
    ----------
    x : Tensor
    axis0, axis1 : int

    Returns
    -------
    Tensor
        A view.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(2, 3, 4).swapaxes(0, 2).shape
    (4, 3, 2)
    """
    axis0, axis1 = axis_of("swapaxes", axis0, x.ndim), axis_of("swapaxes", axis1, x.ndim)
    return x.swapaxes(axis0, axis1) if x.ndim else x[...]


@example(swapaxes)
def _(n: Size = 2, c: Size = 3, h: Size = 4) -> Case:
    return case(real(n, c, h), 0, -1)


swapdims = transpose
methods(swapdims=transpose)


@composite()
def t(x: Any) -> Tensor:
    """The transpose of a matrix; vectors and single numbers are left as they are.

    Parameters
    ----------
    x : Tensor
        Of two dimensions at most.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    ShapeError
        If there are more dimensions.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(2, 3).t().shape
    (3, 2)
    """
    if x.ndim > 2:
        raise ShapeError(
            f"t: expected two dimensions at most, got shape {tuple(x.shape)}; use mT, transpose or permute"
        )
    return permute(x, tuple(range(x.ndim))[::-1])


@example(t)
def _(n: Size = 2, m: Size = 3) -> Case:
    return case(real(n, m))


@composite()
def adjoint(x: Any) -> Tensor:
    """The matrices in the last two dimensions transposed and conjugated; for real numbers the same as ``x.mT``.

    Parameters
    ----------
    x : Tensor, shape (..., n, m)

    Returns
    -------
    Tensor, shape (..., m, n)
        For real numbers a view.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(5, 2, 3).adjoint().shape
    (5, 3, 2)
    """
    return _matrix_transpose(x, "adjoint").conj()


@example(adjoint)
def _(b: Size = 2, n: Size = 2, m: Size = 3) -> Case:
    return case(real(b, n, m))


def _matrix_transpose(x: Any, name: str) -> Any:
    if x.ndim < 2:
        raise ShapeError(f"{name}: expected at least two dimensions, got shape {tuple(x.shape)}")
    return swapaxes(x, -1, -2)


_PROPERTIES = {
    "mT": (lambda x: _matrix_transpose(x, "mT"), "The matrices in the last two dimensions transposed."),
    "mH": (
        lambda x: _matrix_transpose(x, "mH").conj(),
        "The matrices in the last two dimensions, transposed and conjugated.",
    ),
    "T": (lambda x: permute(x, tuple(range(x.ndim))[::-1]), "The dimensions in reverse order."),
    "H": (lambda x: t(x).conj(), "The conjugate transpose of a matrix."),
}
for _name, (_get, _doc) in _PROPERTIES.items():
    setattr(Tensor, _name, property(_get, doc=_doc))


@composite()
def movedim(x: Any, source: Any, destination: Any) -> Tensor:
    """Some dimensions moved to other places, the rest in their order.

    Parameters
    ----------
    x : Tensor
    source, destination : int or tuple of int
        Where they are, and where they go.

    Returns
    -------
    Tensor
        A view.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(8, 32, 32, 3).movedim(-1, 1).shape
    (8, 3, 32, 32)
    """
    source, destination = axes_of("movedim", source, x.ndim), axes_of("movedim", destination, x.ndim)
    if len(source) != len(destination):
        raise ShapeError(
            f"movedim: {len(source)} dimensions cannot go to {len(destination)} places: {source} to {destination}"
        )
    if not x.ndim:
        return permute(x, ())
    dims = [dim for dim in range(x.ndim) if dim not in source]
    for to, dim in sorted(zip(destination, source, strict=True)):
        dims.insert(to, dim)
    return permute(x, tuple(dims))


@example(movedim)
def _(n: Size = 2, c: Size = 3, h: Size = 4) -> Case:
    return case(real(n, c, h), (0, 1), (-1, 0))


moveaxis = movedim
methods(moveaxis=movedim)


@operation(complex=True, method=False, x=lambda g, dims: flip(g, dims))
def flip(x: Any, dims: Any) -> Tensor:
    """The elements in reverse order along some dimensions.

    Parameters
    ----------
    x : Tensor
    dims : int or tuple of int
        The method takes them as several arguments as well.

    Returns
    -------
    Tensor
        A copy.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(3).flip(0)
    tensor([2, 1, 0])
    """
    return np.flip(x, axes_of("flip", dims, x.ndim) if x.ndim else ()).copy()


@example(flip)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), (0, -1))


@composite()
def fliplr(x: Any) -> Tensor:
    """Left and right exchanged: dimension 1 reversed.

    Parameters
    ----------
    x : Tensor
        Of two dimensions at least.

    Returns
    -------
    Tensor
        A copy.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([[1, 2], [3, 4]]).fliplr()
    tensor([[2, 1],
            [4, 3]])
    """
    if x.ndim < 2:
        raise ShapeError(f"fliplr: expected two dimensions at least, got shape {tuple(x.shape)}")
    return flip(x, 1)


@example(fliplr)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))


@composite()
def flipud(x: Any) -> Tensor:
    """Up and down exchanged: dimension 0 reversed.

    Parameters
    ----------
    x : Tensor
        Of one dimension at least.

    Returns
    -------
    Tensor
        A copy.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([[1, 2], [3, 4]]).flipud()
    tensor([[3, 4],
            [1, 2]])
    """
    if x.ndim < 1:
        raise ShapeError("flipud: expected one dimension at least, got a single number")
    return flip(x, 0)


@example(flipud)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))


def _negative(shifts: Any) -> Any:
    return tuple(-shift for shift in shifts) if isinstance(shifts, Sequence) else -shifts


@operation(complex=True, x=lambda g, shifts, dims: roll(g, _negative(shifts), dims))
def roll(x: Any, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved along some dimensions; those moved out at the end come in at the start.

    Parameters
    ----------
    x : Tensor
    shifts : int or tuple of int
        How far, for each of `dims`.
    dims : int or tuple of int, optional
        If omitted the elements are moved in row-major order.

    Returns
    -------
    Tensor
        A copy.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(4).roll(1, 0)
    tensor([3, 0, 1, 2])
    """
    if dims is None:
        if isinstance(shifts, Sequence) and len(shifts) != 1:
            raise ShapeError(f"roll: without dims there is one shift, got {tuple(shifts)}")
        return np.roll(x, shifts[0] if isinstance(shifts, Sequence) else shifts)
    shifts = sizes_of("roll", shifts)
    dims = [axis_of("roll", dim, x.ndim) for dim in (dims if isinstance(dims, Sequence) else (dims,))]
    if len(shifts) != len(dims):
        raise ShapeError(f"roll: expected one shift for each dimension, got shifts {shifts} and dims {tuple(dims)}")
    return np.roll(x, shifts, dims) if x.ndim else x.copy()


@example(roll)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), (1, -2), (0, 1))


# Repeated elements


def _expanded(name: str, x: np.ndarray, size: Any) -> np.ndarray:
    size = sizes_of(name, size)
    new = len(size) - x.ndim
    full = tuple(x.shape[i - new] if length == -1 and i >= new else length for i, length in enumerate(size))
    try:
        expanded = np.broadcast_to(x, full)
    except ValueError:
        raise ShapeError(f"{name}: a tensor of shape {x.shape} does not expand to {size}") from None
    return x.reshape(full) if expanded.size == x.size else expanded  # where nothing repeats it can be written to


@operation(complex=True, view=True, method=False, x=lambda g, x_shape: unbroadcast(g, x_shape))
def expand(x: Any, size: Any) -> Tensor:
    r"""Dimensions of length 1 repeated, without copying: :math:`y_{ij} = x_{i}`.

    Parameters
    ----------
    x : Tensor
    size : tuple of int
        The new shape, also with new dimensions in front; -1 leaves a length as it is. The method takes the sizes as
        several arguments as well.

    Returns
    -------
    Tensor
        A view, in which several elements share one place in memory; it cannot be written to.

    Raises
    ------
    ShapeError
        If a length other than 1 would change.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    return _expanded("expand", x, size)


@example(expand)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, 1), (2, -1, m))


@operation(complex=True, view=True, method=False, x=lambda g, x_shape: unbroadcast(g, x_shape))
def broadcast_to(x: Any, size: Any) -> Tensor:
    """Dimensions of length 1 repeated, without copying, as arithmetic does it; the same as :func:`expand`.

    Parameters
    ----------
    x : Tensor
    size : tuple of int
        -1 leaves a length as it is.

    Returns
    -------
    Tensor
        A view, in which several elements share one place in memory; it cannot be written to.

    Raises
    ------
    ShapeError
        If a length other than 1 would change.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.broadcast_to(tg.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return _expanded("broadcast_to", x, size)


@example(broadcast_to)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, 1), (2, n, m))


def _summed_repeats(g: Any, sizes: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    # Dimension k of the result runs over (which repeat, which element).
    shape = (1,) * (len(sizes) - len(shape)) + shape
    pairs = [length for pair in zip(sizes, shape, strict=True) for length in pair]
    return g.reshape(pairs).sum(tuple(range(0, len(pairs), 2)))


@operation(complex=True, method=False, x=lambda g, sizes, x_shape: _summed_repeats(g, sizes, x_shape).reshape(x_shape))
def repeat(x: Any, sizes: Any) -> Tensor:
    """The whole tensor several times along each dimension. NumPy calls this ``tile``.

    Parameters
    ----------
    x : Tensor
    sizes : tuple of int
        How often, for each dimension; further ones in front are new. The method takes them as several arguments as
        well.

    Returns
    -------
    Tensor
        A copy.

    Raises
    ------
    ShapeError
        If there are fewer sizes than dimensions.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    sizes = sizes_of("repeat", sizes)
    if len(sizes) < x.ndim or min(sizes, default=0) < 0:
        raise ShapeError(f"repeat: expected at least {x.ndim} numbers of repeats for shape {x.shape}, got {sizes}")
    return np.tile(x, sizes)


@example(repeat)
def _(n: Size = 2, m: Size = 3, times: Size = 2) -> Case:
    return case(real(n, m), (2, times, 1))


@composite(method=False)
def tile(x: Any, dims: Any) -> Tensor:
    """As :func:`repeat`, but dimensions that `dims` leaves out in front are not repeated.

    Parameters
    ----------
    x : Tensor
    dims : tuple of int
        The method takes them as several arguments as well.

    Returns
    -------
    Tensor
        A copy.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([[1], [2]]).tile(3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    dims = sizes_of("tile", dims)
    if min(dims, default=0) < 0:
        raise ShapeError(f"tile: a number of repeats is not negative, got {dims} for shape {tuple(x.shape)}")
    return repeat(x, (1,) * (x.ndim - len(dims)) + dims)


@example(tile)
def _(n: Size = 2, m: Size = 3, times: Size = 2) -> Case:
    return case(real(n, m), (times,))


# Borders


def _pairs(name: str, widths: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    pairs = tuple((int_of(name, "a width", before), int_of(name, "a width", after)) for before, after in widths)
    if len(pairs) != ndim:
        raise ShapeError(f"{name}: expected a pair of widths for each of {ndim} dimensions, got {pairs}")
    return pairs


def _opposite(widths: Any) -> tuple[tuple[int, int], ...]:
    return tuple((-before, -after) for before, after in widths)


@operation(complex=True, x=lambda g, widths: pad(g, _opposite(widths)))
def pad(x: Any, widths: Any, value: float = 0.0) -> Tensor:
    """A border of one value put around a tensor, or cut off where a width is negative.

    Parameters
    ----------
    x : Tensor
    widths : sequence of (before, after)
        For each dimension how many elements are added in front and behind.
    value : float, default 0
        What the border holds.

    Returns
    -------
    Tensor
        A copy.

    Raises
    ------
    ShapeError
        If there is not one pair for each dimension, or more is cut off than there is.

    See Also
    --------
    tinygrad_edu.nn.functional.pad : The same with PyTorch's order of the widths, last dimension first.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.pad(tg.ones(2, 2), [(0, 0), (1, 2)])
    tensor([[0., 1., 1., 0., 0.],
            [0., 1., 1., 0., 0.]])
    """
    pairs = _pairs("pad", widths, x.ndim)
    shape = [length + before + after for length, (before, after) in zip(x.shape, pairs, strict=True)]
    if min(shape, default=0) < 0:
        raise ShapeError(f"pad: widths {pairs} cut more off shape {x.shape} than there is")
    out = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    inner = tuple(slice(max(before, 0), n - max(after, 0)) for n, (before, after) in zip(shape, pairs, strict=True))
    kept = tuple(slice(max(-before, 0), n - max(-after, 0)) for n, (before, after) in zip(x.shape, pairs, strict=True))
    if out.size:
        out[inner] = x[kept]
    return out


@example(pad)
def _(n: Size = 2, m: Size = 3, before: Size = 1, after: Size = 2) -> Case:
    return case(real(n, m), ((0, 1), (before, after)), 0.5)


# A part along one dimension


@composite()
def narrow(x: Any, dim: int, start: int, length: int) -> Tensor:
    """`length` neighbours along one dimension, from `start` on.

    Parameters
    ----------
    x : Tensor
    dim : int
    start : int
        Counted from the end if negative.
    length : int

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    IndexError
        If they reach beyond the end.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])
    """
    dim = axis_of("narrow", dim, x.ndim)
    if not x.ndim:
        raise ShapeError("narrow: expected at least one dimension, got a single number")
    size = x.shape[dim]
    start, length = int_of("narrow", "a start", start), int_of("narrow", "a length", length)
    begin = start + size if start < 0 else start
    if length < 0 or begin < 0 or begin + length > size:
        raise IndexError(
            f"narrow: {length} elements from {start} reach beyond dimension {dim} of shape {tuple(x.shape)}"
        )
    return x[(slice(None),) * dim + (slice(begin, begin + length),)]


@example(narrow)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(m, n), 1, 0, n)


@composite()
def select(x: Any, dim: int, index: int) -> Tensor:
    """One slice along one dimension, which is thereby taken away.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : int

    Returns
    -------
    Tensor
        A view.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3])
    """
    if not x.ndim:
        raise IndexError("select: expected at least one dimension, got a single number")
    dim, index = axis_of("select", dim, x.ndim), int_of("select", "an index", index)
    size = x.shape[dim]
    if not -size <= index < size:
        raise IndexError(f"select: index {index} is out of range of dimension {dim} of shape {tuple(x.shape)}")
    return x[(slice(None),) * dim + (index,)]


@example(select)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), 1, 0)


for _call in (reshape, view, permute, flip, expand, broadcast_to, repeat, tile):
    variadic(_call)


def _like(call: Callable[..., Any]) -> Callable[..., Tensor]:
    def method(self: Tensor, other: Tensor) -> Tensor:
        if not isinstance(other, Tensor):
            raise TypeError(f"{method.__name__}: expected a Tensor, got {type(other).__name__}")
        try:
            return call(self, other.shape)
        except ShapeError as error:
            raise ShapeError(str(error).replace(call.__name__, method.__name__, 1)) from None

    method.__name__ = f"{call.__name__}_as"
    method.__doc__ = f":func:`{call.__name__}` to the shape of another tensor."
    return method


methods(view_as=_like(view), reshape_as=_like(reshape), expand_as=_like(expand))


_strict_view: Callable[..., Tensor] = vars(Tensor)["view"]


@functools.wraps(_strict_view)
def _view(self: Tensor, *sizes: Any, **options: Any) -> Tensor:
    # A result that the library itself laid out, such as a convolution's with the channels last, is contiguous in
    # PyTorch, where programs flatten it by view.
    laid_out_here = self.origin is None and not self.array.flags.c_contiguous
    return self.reshape(*sizes, **options) if laid_out_here else _strict_view(self, *sizes, **options)


methods(view=_view)
