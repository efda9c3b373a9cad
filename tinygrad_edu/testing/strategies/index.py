"""Index expressions: ints, slices, ellipsis, new axes, arrays of integers and masks, mixed."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

__all__ = ["index_expressions"]

WHOLE = slice(None)


@st.composite
def index_expressions(
    draw: st.DrawFn,
    shape: tuple[int, ...],
    *,
    advanced: bool = True,
    newaxis: bool = True,
    negative_steps: bool = True,
) -> Any:
    """What may stand between the brackets of ``x[...]`` for an array of this shape.

    Ints (also negative), slices (also beyond the ends), at most one ellipsis, new axes; and of the advanced ones either
    arrays of integers that broadcast together (also empty, also with the same element twice, whose gradients add up), or
    one mask over one or more axes. Basic and advanced indices mix. ``hypothesis.extra.numpy`` has strategies for either
    kind, but for no mixture. Where an int and an array stand apart, as in ``x[0, :, [1]]``, NumPy moves a dimension to
    the front that PyTorch and this library leave in its place.

    They shrink to the empty tuple, and each index to a slice of everything, then 0.

    Parameters
    ----------
    shape : tuple of int
    advanced : bool, default True
        Draw arrays of integers and masks too.
    newaxis : bool, default True
        Draw None too.
    negative_steps : bool, default True
        Draw slices that run backwards, which PyTorch refuses.

    Returns
    -------
    strategy of int, slice, None, Ellipsis, ndarray, or a tuple of these

    Examples
    --------
    >>> from hypothesis import find
    >>> import numpy as np
    >>> x = np.arange(6.0).reshape(2, 3)
    >>> find(index_expressions((2, 3)), lambda index: True)
    ()
    >>> find(index_expressions((2, 3), advanced=False), lambda index: x[index].shape == (2,))
    (slice(None, None, None), 0)
    >>> find(index_expressions((2, 3), advanced=False), lambda index: x[index].size < 3 and isinstance(index, slice))
    slice(None, 0, None)
    """
    each = lambda lengths, common=None: [draw(item(n, negative_steps, common)) for n in lengths]
    if advanced and shape and draw(st.booleans()):
        first, mask = draw(masks(shape))
        items = [*each(shape[:first]), mask, *each(shape[first + mask.ndim :])]
    elif advanced:
        items = each(shape, draw(hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=3)))
    else:
        items = each(shape)
    if newaxis:
        for _ in range(draw(st.integers(0, 2))):
            items.insert(draw(st.integers(0, len(items))), None)
    form = draw(st.sampled_from(["short", "full", "ellipsis"]))
    if form == "short":
        while items and items[-1] is WHOLE:
            items.pop()
    if form == "ellipsis":
        at = draw(st.integers(0, len(items)))
        while at < len(items) and items[at] is WHOLE:
            items.pop(at)
        items.insert(at, Ellipsis)
    return items[0] if len(items) == 1 else tuple(items)


@st.composite
def masks(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, np.ndarray]:
    """A mask over one axis or several neighbours, and the first of them."""
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.integers(first, len(shape) - 1))
    return first, draw(hnp.arrays(bool, shape[first : last + 1], elements=st.booleans(), fill=st.nothing()))


@functools.cache  # halves the time of a draw, to 1.8 ms
def item(length: int, negative_steps: bool, common: tuple[int, ...] | None) -> st.SearchStrategy[Any]:
    """An index for one axis; arrays of integers broadcast to the common shape, if there is one."""
    end = st.none() | st.integers(0, length + 1) | st.integers(-length - 1, -1)
    step = st.sampled_from([None, 2, 3, -1, -2] if negative_steps else [None, 2, 3])
    kinds: list[st.SearchStrategy[Any]] = [st.just(WHOLE)]
    if length:
        kinds.append(places(length))
    kinds.append(st.builds(slice, end, end, step))
    # In an axis of length 0 there is nothing to point at, but with an empty array.
    if common is not None and (length or 0 in common):
        kinds.append(pointers(length, common))
    return st.one_of(*kinds)


def places(length: int) -> st.SearchStrategy[int]:
    """The places along an axis: 0, 1, ..., then those counted from the end."""
    return st.sampled_from([*range(length), *range(-1, -length - 1, -1)])


@st.composite
def pointers(draw: st.DrawFn, length: int, common: tuple[int, ...]) -> np.ndarray:
    """Places along an axis in an array of the common shape, or of a shape that broadcasts to it."""
    own = draw(st.sampled_from([common, common[1:], common[:1] + (1,) * (len(common) - 1)]))
    if not length and 0 not in own:
        own = common
    elements = places(length) if length else st.just(0)
    return draw(hnp.arrays(np.int64, own, elements=elements, fill=st.nothing()))
