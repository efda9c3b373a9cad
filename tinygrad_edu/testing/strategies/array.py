"""Arrays and Tensors of simple values, with ties, without, and of class labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tinygrad_edu.tensor import Tensor, tensor
from tinygrad_edu.testing.strategies.shape import shapes
from tinygrad_edu.testing.strategies.value import quarters

__all__ = ["arrays", "class_labels", "tensors", "with_ties", "without_ties"]

# Up to here each element is drawn by itself. Hypothesis gives up on draws that are much longer, so of a larger array
# most elements share one drawn value.
DRAWN = 256


@st.composite
def arrays(draw: st.DrawFn, shape: Any = None, dtype: Any = np.float64, *, elements: Any = None) -> NDArray:
    """NumPy arrays of values that a person can reckon with.

    They shrink to few elements, those that do not matter to the simplest value: 0, if it may be drawn. In an array of
    more than 256 elements, most are equal.

    Parameters
    ----------
    shape : int, tuple of int, or strategy of these, default ``shapes()``
    dtype : numpy.dtype, or strategy of these, default float64
    elements : strategy of numbers, optional
        Default: for floats :func:`quarters`, for integers -8 to 8 (0 to 8 if unsigned), for bools both. Floats are
        rounded to `dtype`; those of ``extreme(dtype=...)`` and ``st.floats(width=32)`` fit as they are.

    Returns
    -------
    strategy of ndarray

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays(), lambda x: True)
    array(0.)
    >>> find(arrays(3), lambda x: x.min() < -1)
    array([ 0.,  0., -2.])
    """
    shape, dtype = drawn(draw, shapes() if shape is None else shape), np.dtype(drawn(draw, dtype))
    elements = default_elements(dtype) if elements is None else elements
    return draw(hnp.arrays(dtype, shape, elements=elements, fill=fill_for(shape)))


def drawn(draw: st.DrawFn, value: Any) -> Any:
    """A value as it is, or drawn if it is a strategy."""
    return draw(value) if isinstance(value, st.SearchStrategy) else value


def fill_for(shape: int | tuple[int, ...]) -> st.SearchStrategy | None:
    """What `hypothesis.extra.numpy.arrays` takes to draw each element by itself, while that is feasible."""
    return st.nothing() if math.prod(np.atleast_1d(shape).tolist()) <= DRAWN else None


def default_elements(dtype: np.dtype) -> st.SearchStrategy:
    """Simple values of a type."""
    if dtype.kind == "f":
        return quarters()
    return st.booleans() if dtype.kind == "b" else st.integers(0 if dtype.kind == "u" else -8, 8)


@st.composite
def tensors(
    draw: st.DrawFn, shape: Any = None, dtype: Any = np.float64, *, elements: Any = None, requires_grad: Any = False
) -> Tensor:
    """Tensors of values that a person can reckon with: :func:`arrays`, as leaves of a graph.

    They shrink as arrays do. For a tensor over memory of another layout see :func:`layouts`.

    Parameters
    ----------
    shape : int, tuple of int, or strategy of these, default ``shapes()``
    dtype : numpy.dtype, or strategy of these, default float64
    elements : strategy of numbers, optional
        As in :func:`arrays`.
    requires_grad : bool, or strategy of these, default False
        Only floats can require a gradient.

    Returns
    -------
    strategy of Tensor

    Examples
    --------
    >>> from hypothesis import find
    >>> find(tensors((2, 1), requires_grad=True), lambda x: x.sum() > 0.5)
    tensor([[0.],
            [1.]], dtype=float64, requires_grad=True)
    """
    return tensor(draw(arrays(shape, dtype, elements=elements)), requires_grad=drawn(draw, requires_grad))


@st.composite
def with_ties(
    draw: st.DrawFn, shape: Any = None, dtype: Any = np.float64, *, axis: int | None = None, elements: Any = None
) -> NDArray:
    """Arrays with ties: of two or more elements, in the whole array or in each line along `axis`, two are equal.

    Where ``max``, ``sort`` or ``median`` meets them, a convention decides who gets the gradient. They shrink to zeros.

    Parameters
    ----------
    shape : int, tuple of int, or strategy of these, default ``shapes(min_dims=1, min_side=2)``
    dtype : numpy.dtype, or strategy of these, default float64
    axis : int, optional
        The axis along which elements are compared; by default all are.
    elements : strategy of numbers, default 0, 1, and if not unsigned -1

    Returns
    -------
    strategy of ndarray

    Examples
    --------
    >>> from hypothesis import find
    >>> import numpy as np
    >>> find(with_ties(3), lambda x: x.max() > x.min())
    array([0., 0., 1.])
    """
    shape, dtype = drawn(draw, shapes(min_dims=1, min_side=2) if shape is None else shape), np.dtype(drawn(draw, dtype))
    few = st.sampled_from([0, 1] if dtype.kind in "bu" else [0, 1, -1])
    array = draw(arrays(shape, dtype, elements=few if elements is None else elements))
    lines = array.reshape(-1) if axis is None else np.moveaxis(array, axis, -1)
    if lines.shape[-1] >= 2:
        untied = (np.diff(np.sort(lines, -1), axis=-1) != 0).all(-1)
        lines[..., -1] = np.where(untied, lines[..., 0], lines[..., -1])
    return array


@st.composite
def without_ties(draw: st.DrawFn, shape: Any = None, dtype: Any = np.float64) -> NDArray:
    """Arrays in which no two elements are nearer than 1: whole numbers around 0 in any order, each once.

    ``max``, ``sort`` and ``median`` have a derivative there. They shrink to ascending order.

    Parameters
    ----------
    shape : int, tuple of int, or strategy of these, default ``shapes()``
    dtype : numpy.dtype, or strategy of these, default float64

    Returns
    -------
    strategy of ndarray

    Raises
    ------
    ValueError
        When a shape is drawn that has more elements than `dtype` has whole numbers.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(without_ties(4), lambda x: True)
    array([-2., -1.,  0.,  1.])
    >>> find(without_ties(3), lambda x: x.argmax() == 1)
    array([-1.,  1.,  0.])
    """
    shape, dtype = drawn(draw, shapes() if shape is None else shape), np.dtype(drawn(draw, dtype))
    size = math.prod(np.atleast_1d(shape).tolist())
    least = 0 if dtype.kind in "bu" else -(size // 2)
    values = np.arange(least, least + size)
    if len(np.unique(values.astype(dtype))) < size:
        raise ValueError(f"without_ties: {dtype} does not have {size} different whole numbers, for shape {shape}")
    order = draw(st.permutations(range(size))) if size else []
    return values[np.asarray(order, np.intp)].astype(dtype).reshape(shape)


@st.composite
def class_labels(
    draw: st.DrawFn,
    shape: Any,
    num_classes: int,
    *,
    ignore_index: int | None = None,
    all_ignored: bool = True,
    dtype: Any = np.int64,
) -> NDArray:
    """Labels of classes, 0 to `num_classes` - 1, and where there is one, the index that a loss ignores.

    They shrink to class 0 everywhere, or the first that is not ignored.

    Parameters
    ----------
    shape : int, tuple of int, or strategy of these
    num_classes : int
    ignore_index : int, optional
        Drawn too. It may be one of the classes, which is then the ignored one.
    all_ignored : bool, default True
        Whether every label may be `ignore_index`, where a mean over the others is 0/0.
    dtype : numpy.dtype, default int64

    Returns
    -------
    strategy of ndarray

    Raises
    ------
    ValueError
        If there is no class, or no class that is not ignored where one is needed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(class_labels(3, 4, ignore_index=-100), lambda labels: -100 in labels)
    array([   0,    0, -100])
    """
    classes = [k for k in range(num_classes) if k != ignore_index]
    if num_classes < 1 or (not classes and not all_ignored):
        raise ValueError(f"class_labels: none of {num_classes} classes is left, with ignore_index={ignore_index}")
    choices = classes if ignore_index is None else [*classes, ignore_index]
    labels = draw(arrays(shape, dtype, elements=st.sampled_from(choices)))
    if labels.size and not all_ignored and (labels == ignore_index).all():
        labels.flat[draw(st.integers(0, labels.size - 1))] = draw(st.sampled_from(classes))
    return labels
