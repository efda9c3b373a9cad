"""The same values laid out differently in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinygrad_edu.testing.strategies.array import arrays, drawn
from tinygrad_edu.testing.strategies.shape import dims, shapes

__all__ = ["expanded", "layouts"]


def _strided(x: NDArray) -> NDArray:
    # What lies between the elements would show in any result that it got into.
    between = np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).max if x.dtype.kind in "iu" else True
    room = np.full(tuple(2 * n for n in x.shape), between, x.dtype)
    view = room[(slice(None, None, 2),) * x.ndim]
    view[...] = x
    return view


def _read_only(x: NDArray) -> NDArray:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def _reversed(x: NDArray) -> NDArray:
    backwards = (slice(None, None, -1),) * x.ndim
    return x[backwards].copy()[backwards]


def _constant_axes(x: NDArray) -> list[int]:
    """The axes of length 2 or more along which nothing changes."""
    return [a for a in range(x.ndim) if x.size and x.shape[a] > 1 and (x == x.take([0], a)).all()]


def _expanded(x: NDArray) -> NDArray:
    constant = _constant_axes(x)
    first = tuple(slice(0, 1) if a in constant else slice(None) for a in range(x.ndim))
    return np.broadcast_to(x[first].copy(), x.shape)


LAYOUTS: dict[str, tuple[Callable[[NDArray], bool], Callable[[NDArray], NDArray]]] = {
    "contiguous": (lambda x: True, lambda x: x.copy(order="C")),
    "transposed": (lambda x: x.ndim > 1, lambda x: x.copy(order="F")),
    "channels last": (lambda x: x.ndim > 2, lambda x: np.moveaxis(np.moveaxis(x, 1, -1).copy(order="C"), -1, 1)),
    "strided": (lambda x: x.ndim > 0, _strided),
    "reversed": (lambda x: x.ndim > 0, _reversed),
    "expanded": (lambda x: bool(_constant_axes(x)), _expanded),
    "read-only": (lambda x: True, _read_only),
}
"""For each layout, the arrays that can have it, and how they get it."""


@st.composite
def layouts(draw: st.DrawFn, array: Any, *, kinds: Collection[str] = tuple(LAYOUTS)) -> NDArray:
    """An array of the same values, shape and dtype, laid out in memory in any of several ways.

    - contiguous: a copy in row-major order, to which they shrink;
    - transposed: in column-major order;
    - channels last: axis 1 varies fastest, as images may lie;
    - strided: every other element, along each axis, of an array that holds NaN in between;
    - reversed: negative strides along all axes;
    - expanded: stride 0 along each axis on which nothing changes, and read-only, as ``np.broadcast_to`` gives it;
    - read-only: contiguous, and not to be written to.

    What an array cannot be is not drawn: a vector is not transposed, and only what is constant along an axis expanded;
    for the latter see :func:`expanded`. As the repr of an array does not show its layout, a failing example notes it.

    Parameters
    ----------
    array : ndarray, or strategy of these
    kinds : collection of str, default all
        Which of the above.

    Returns
    -------
    strategy of ndarray

    Raises
    ------
    ValueError
        If a kind is unknown, or when none of `kinds` fits the array.

    Examples
    --------
    >>> from hypothesis import find
    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> find(layouts(np.zeros((2, 3))), lambda x: 0 > x.strides[0]).strides
    (-24, -8)
    >>> find(layouts(arrays((2, 3)), kinds=["strided"]).map(tg.from_numpy), lambda x: True).stride()
    (12, 2)
    """
    unknown = set(kinds) - set(LAYOUTS)
    if unknown:
        raise ValueError(f"layouts: there is no layout {sorted(unknown)}; there are {list(LAYOUTS)}")
    array = drawn(draw, array)
    able = [kind for kind in LAYOUTS if kind in kinds and LAYOUTS[kind][0](array)]
    if not able:
        raise ValueError(f"layouts: an array of shape {array.shape} cannot be any of {list(kinds)}")
    kind = draw(st.sampled_from([kind for kind in LAYOUTS if kind in kinds]))
    kind = kind if kind in able else able[0]  # a choice among those alone would change its meaning as the array shrinks
    if currently_in_test_context():
        note(f"layout: {kind}")
    return LAYOUTS[kind][1](array)


@st.composite
def expanded(draw: st.DrawFn, shape: Any = None, dtype: Any = np.float64, *, elements: Any = None) -> NDArray:
    """Arrays that ``np.broadcast_to`` made: stride 0 along one axis or more, and read-only.

    All elements along such an axis are one and the same in memory. They shrink to two zeros in one place.

    Parameters
    ----------
    shape : int, tuple of int, or strategy of these, default ``shapes(min_dims=1, min_side=2)``
    dtype : numpy.dtype, or strategy of these, default float64
    elements : strategy of numbers, optional
        As in :func:`arrays`.

    Returns
    -------
    strategy of ndarray

    Raises
    ------
    ValueError
        When a shape without dimensions is drawn.

    Examples
    --------
    >>> from hypothesis import find
    >>> x = find(expanded(), lambda x: x.ndim == 2 and x.any())
    >>> x, x.strides
    (array([[0., 1.],
           [0., 1.]]), (0, 8))
    """
    shape = drawn(draw, shapes(min_dims=1, min_side=2) if shape is None else shape)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if not shape:
        raise ValueError("expanded: a shape without dimensions has no axis to expand; use shapes(min_dims=1)")
    axes = {axis % len(shape) for axis in draw(dims(shape, several=True))}
    own = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    return np.broadcast_to(draw(arrays(own, dtype, elements=elements)), shape)
