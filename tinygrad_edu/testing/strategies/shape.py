"""Shapes, shapes that broadcast, and axes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

__all__ = ["broadcastable_shapes", "dims", "empty_shapes", "shapes"]


def shapes(
    *, min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4
) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes, that of a scalar included; with ``min_side=0`` also empty ones.

    They shrink to `min_dims` lengths of `min_side`.

    Parameters
    ----------
    min_dims, max_dims : int, default 0, 3
        Number of dimensions.
    min_side, max_side : int, default 1, 4
        Length of each.

    Returns
    -------
    strategy of tuple of int

    Examples
    --------
    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: True)
    ()
    >>> find(shapes(), lambda shape: len(shape) == 2 and shape[1] > 2)
    (1, 3)
    """
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)


@st.composite
def empty_shapes(draw: st.DrawFn, *, max_dims: int = 3, max_side: int = 4) -> tuple[int, ...]:
    """Shapes without elements: at least one length is 0.

    They shrink to (0,), and other lengths to 1.

    Parameters
    ----------
    max_dims : int, default 3
        Largest number of dimensions.
    max_side : int, default 4
        Largest length.

    Returns
    -------
    strategy of tuple of int

    Examples
    --------
    >>> from hypothesis import find
    >>> find(empty_shapes(), lambda shape: True)
    (0,)
    >>> find(empty_shapes(), lambda shape: shape[-1] > 0)
    (0, 1)
    """
    rest = st.lists(st.sampled_from([*range(1, max_side + 1), 0]), max_size=max_dims - 1)
    shape = draw(rest)
    shape.insert(draw(st.integers(0, len(shape))), 0)
    return tuple(shape)


def broadcastable_shapes(
    num_shapes: int = 2,
    *,
    signature: str | None = None,
    min_dims: int = 0,
    max_dims: int = 3,
    min_side: int = 1,
    max_side: int = 4,
) -> st.SearchStrategy[hnp.BroadcastableShapes]:
    """Shapes that broadcast together, and the shape of the result.

    Length 1 and a missing dimension both meet any length, so a gradient has to be summed over them. They shrink to
    `min_dims` lengths of 1.

    Parameters
    ----------
    num_shapes : int, default 2
        How many; not with `signature`.
    signature : str, optional
        As of NumPy's generalised ufuncs: ``"(m,k),(k,n)->(m,n)"`` gives batches of matrices to multiply, whose last
        dimensions fit and whose others broadcast.
    min_dims, max_dims : int, default 0, 3
        Number of broadcast dimensions of each.
    min_side, max_side : int, default 1, 4
        Length of each; 0 gives empty ones as well.

    Returns
    -------
    strategy of BroadcastableShapes
        A named tuple: ``input_shapes``, a tuple of shapes, and ``result_shape``.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(broadcastable_shapes(), lambda s: s.result_shape == (3,) and s.input_shapes[1] == ())
    BroadcastableShapes(input_shapes=((3,), ()), result_shape=(3,))
    >>> find(broadcastable_shapes(signature="(m,k),(k)->(m)"), lambda s: True)
    BroadcastableShapes(input_shapes=((1, 1), (1,)), result_shape=(1,))
    """
    which: dict[str, Any] = dict(num_shapes=num_shapes) if signature is None else dict(signature=signature)
    return hnp.mutually_broadcastable_shapes(
        **which, min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )


def dims(
    shape: tuple[int, ...], *, several: bool = False, min_size: int = 1, max_size: int | None = None
) -> st.SearchStrategy[Any]:
    """A valid axis of a shape, from -ndim to ndim - 1; or several, no two of them the same axis.

    A shape without dimensions has the axes 0 and -1, as in PyTorch; NumPy refuses them. One axis shrinks to 0, a
    negative one to the first; several shrink to `min_size` axes, non-negative and in ascending order.

    Parameters
    ----------
    shape : tuple of int
    several : bool, default False
        Draw a tuple of axes.
    min_size, max_size : int, default 1, all
        Number of axes, if several. PyTorch takes no axes at all, (), for all of them, and NumPy for none.

    Returns
    -------
    strategy of int, or of tuple of int

    Examples
    --------
    >>> from hypothesis import find
    >>> find(dims((2, 3)), lambda dim: dim < 0)
    -2
    >>> find(dims((2, 3, 4), several=True), lambda axes: len(axes) > 1)
    (0, 1)
    """
    axes = hnp.valid_tuple_axes(
        max(len(shape), 1), min_size=min_size if several else 1, max_size=max_size if several else 1
    )
    return axes if several else axes.map(lambda of: of[0])
