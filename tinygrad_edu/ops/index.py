r"""Reading and writing elements by index, and what follows from it.

Two operations are each other's transpose: :func:`getitem` takes elements out, and :func:`unindex` adds elements into
zeros at the same places. A third, :func:`index_put`, writes elements into a copy. Everything else here, ``gather``,
``scatter_add`` and so on, finds an index and calls one of them.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, labels, real
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.operation import composite, described, example, methods, operation, plain, refuse_complex
from tinygrad_edu.ops.shape import axis_of, broadcast_to, flatten
from tinygrad_edu.tensor import Tensor, _wrap

__all__ = [
    "gather",
    "getitem",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_select",
    "masked_fill",
    "masked_select",
    "nonzero",
    "one_hot",
    "repeat_interleave",
    "scatter",
    "scatter_add",
    "take",
    "take_along_dim",
    "unindex",
]


# What an index means


def normal(index: Any, ndim: int) -> tuple[tuple, tuple | None]:
    """An index in NumPy's terms, in two steps.

    PyTorch takes ints out first, and so ``x[0, :, [1, 2]]`` has the shape of ``x[0][:, [1, 2]]``, where NumPy counts
    the 0 among the arrays and moves their dimension to the front. Where both stand in one index, the first step holds
    what is no array, and the second the arrays.

    Parameters
    ----------
    index : int, slice, None, Ellipsis, bool, list, array, Tensor or a tuple of them
    ndim : int
        Number of dimensions of what is indexed.

    Returns
    -------
    tuple, tuple or None
        Arrays in them are copies, so that an array that the user changes later is no longer the graph's.

    Raises
    ------
    IndexError
        If something is no index, or there are too many.
    """
    items = index if type(index) is tuple else (index,)
    parts: list[Any] = []
    used = 0
    arrays = numbers = False
    ellipsis = -1
    for item in items:
        if item is None or isinstance(item, slice):
            if item is None:
                parts.append(None)
                continue
            if any(isinstance(end, Tensor) for end in (item.start, item.stop, item.step)):
                item = slice(
                    *(None if end is None else operator.index(end) for end in (item.start, item.stop, item.step))
                )
        elif item is Ellipsis:
            if ellipsis >= 0:
                raise IndexError("index: an ellipsis (...) can stand only once in an index")
            ellipsis = len(parts)
            continue
        elif type(item) is int:
            numbers = True
        else:
            array = _index_array(item)
            if array.ndim == 0 and array.dtype.kind != "b":
                item, numbers = int(array), True
            else:
                item, arrays = array, True
                used += array.ndim - 1 if array.dtype.kind == "b" else 0
        used += 1
        parts.append(item)
    if used > ndim:
        raise IndexError(f"index: too many indices for a tensor of {ndim} dimensions: {used}")
    rest = [slice(None)] * (ndim - used)
    if not arrays:
        # With an ellipsis a full index gives NumPy's view of one element instead of a number of its own.
        place = len(parts) if ellipsis < 0 else ellipsis
        return (*parts[:place], Ellipsis, *parts[place:]), None
    if ellipsis >= 0:
        parts[ellipsis:ellipsis] = rest
    if not numbers:
        return tuple(parts), None
    first: list[Any] = []
    second: list[Any] = []
    for item in parts:
        if isinstance(item, np.ndarray):
            first.extend([slice(None)] * (item.ndim if item.dtype.kind == "b" else 1))
            second.append(item)
        else:
            first.append(item)
            if type(item) is not int:
                second.append(slice(None))
    return (*first, Ellipsis), tuple(second)


def _index_array(item: Any) -> np.ndarray:
    array = np.array(plain(item))
    if array.size == 0 and isinstance(item, list):
        array = array.astype(np.int64)
    if array.dtype.kind not in "biu":
        raise IndexError(
            "index: expected ints, slices, None, ..., bools, or arrays and lists of ints or bools, got "
            + (f"dtype {array.dtype}" if array.dtype.kind == "f" else f"{type(item).__name__} {item!r}")
        )
    return array


def taken(x: np.ndarray, index: Any, name: str = "index") -> np.ndarray:
    """``x[index]`` of an array, with an error that tells the shape."""
    try:
        return x[index]
    except (IndexError, TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error} (shape {x.shape})") from None


@operation(complex=True, view=True, method=False, x=lambda g, x_shape, index: unindex(g, index, x_shape))
def getitem(x: Any, index: Any) -> Tensor:
    r"""The elements at an index: ``x[index]``.

    An element that is taken several times gets the sum of their cotangents.

    Parameters
    ----------
    x : Tensor
    index : int, slice, None, Ellipsis, bool, list, array or Tensor of ints or bools, or a tuple of them
        In ``x[index]`` with PyTorch's meaning. Here, as in a rule, with NumPy's, which differs only where ints and
        arrays stand apart in one index.

    Returns
    -------
    Tensor
        A view if there are no arrays in the index, else a copy.

    Raises
    ------
    IndexError
        If an index is out of range, or is no index.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.arange(6).reshape(2, 3)
    >>> x[:, 1]
    tensor([1, 4])
    >>> x[x > 3]
    tensor([4, 5])
    """
    return taken(x, index)


@example(getitem)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), (slice(None, None, 2), None, 0))


@example(getitem)
def _(n: Size = 3, m: Size = 4, k: Size = 3) -> Case:
    return case(real(n, m), (slice(None), np.arange(k) % m // 2))


def _getitem(self: Tensor, index: Any) -> Tensor:
    if type(index) is int:
        return getitem(self, (index, Ellipsis))
    first, second = normal(index, self.array.ndim)
    part = getitem(self, first)
    return part if second is None else getitem(part, second)


methods(__getitem__=_getitem)


def is_basic(index: Any) -> bool:
    """Whether an index holds no arrays, and so takes no element twice."""
    return not any(isinstance(item, np.ndarray | list) for item in (index if type(index) is tuple else (index,)))


def add_at(out: np.ndarray, index: Any, values: Any) -> None:
    """``out[index] += values``, where an element that is met several times gets the sum."""
    items = index if type(index) is tuple else (index,)
    arrays = [item for item in items if isinstance(item, np.ndarray | list)]
    if all(np.asarray(item).dtype.kind == "b" for item in arrays):
        out[index] += values
        return
    leading = np.asarray(items[0])
    if len(items) == 1 and leading.dtype.kind in "iu" and out.ndim > 1 and out.size and leading.size:
        rows = leading.ravel() % len(out)
        flat = np.broadcast_to(values, (*leading.shape, *out.shape[1:])).reshape(rows.size, -1)
        places, sums = summed_rows(rows, flat)
        out[places] += sums.reshape(-1, *out.shape[1:])
        return
    np.add.at(out, index, values)


def summed_rows(rows: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different numbers among `rows`, and for each the sum of its values, as of the rows of an embedding.

    Sorted, equal numbers are neighbours, and their sums one product with a sparse matrix of ones. For 2,048 rows of 128
    that takes 0.15 ms; ``np.add.reduceat`` 1.1 ms, ``np.add.at`` 2.3 ms.
    """
    order = np.argsort(rows, kind="stable")
    found = rows[order]
    starts = np.flatnonzero(np.concatenate(([True], found[1:] != found[:-1])))
    if type(values) is not np.ndarray or values.dtype not in (np.float32, np.float64):
        return found[starts], np.add.reduceat(values[order], starts, axis=0)
    from scipy.sparse import csr_array

    ones = np.ones(len(rows), values.dtype)
    matrix = csr_array((ones, order, np.append(starts, len(rows))), shape=(len(starts), len(rows)))
    return found[starts], matrix @ values


@operation(complex=True, method=False, y=lambda g, index: getitem(g, index))
def unindex(y: Any, index: Any, shape: Any) -> Tensor:
    r"""Elements added into zeros at an index: the transpose of :func:`getitem`.

    Parameters
    ----------
    y : Tensor
        Of the shape that the index takes.
    index
        As for :func:`getitem`.
    shape : tuple of int
        Of the result.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.unindex(tg.tensor([1.0, 2.0, 3.0]), [0, 2, 0], (4,))
    tensor([4., 0., 2., 0.])
    """
    out = np.zeros(shape, y.dtype)
    if is_basic(index):
        out[index] = y
    else:
        add_at(out, index, y)
    return out


@example(unindex)
def _(n: Size = 3, m: Size = 4, k: Size = 3) -> Case:
    return case(real(n, k), (slice(None), np.arange(k) % m // 2), (n, m))


def overwritten_once(shape: tuple[int, ...], index: Any) -> np.ndarray | None:
    """Where several values go to one element only the last stays: 1 for those that stay, or None if all do."""
    if is_basic(index) or all(np.asarray(i).dtype.kind == "b" for i in index if isinstance(i, np.ndarray | list)):
        return None
    last = np.zeros(shape, np.int64)
    order = np.arange(last[index].size).reshape(last[index].shape)
    last[index] = order
    stays = last[index] == order
    return None if stays.all() else stays


def _as_index(indices: Any) -> Any:
    """PyTorch's list of index tensors is a tuple of them."""
    several = isinstance(indices, list) and any(isinstance(item, Tensor | np.ndarray) for item in indices)
    return tuple(plain(indices)) if several else indices


def _put_values(g: Any, indices: Any, shape: tuple[int, ...], accumulate: bool) -> Any:
    indices = _as_index(indices)
    part = getitem(g, indices)
    stays = None if accumulate else overwritten_once(g.shape, indices)
    return unbroadcast(part if stays is None else part * stays, shape)


@operation(
    complex=True,
    in_place=False,
    x=lambda g, indices, accumulate: g if accumulate else index_put(g, indices, 0.0),
    values=lambda g, indices, values_shape, accumulate: _put_values(g, indices, values_shape, accumulate),
)
def index_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """A copy of `x` in which the elements at an index are replaced by others, or have others added.

    Parameters
    ----------
    x : Tensor
    indices
        As for :func:`getitem`.
    values : Tensor or number
        Broadcasts to the shape that the index takes.
    accumulate : bool, default False
        Add, instead of replacing. Where an index names an element several times, all values are added, while of
        replacing ones the last stays.

    Returns
    -------
    Tensor
        Of the dtype of `x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.index_put(tg.zeros(3), (tg.tensor([0, 0]),), tg.tensor([1.0, 2.0]), accumulate=True)
    tensor([3., 0., 0.])
    """
    indices = _as_index(indices)
    if isinstance(values, np.ndarray) and values.dtype != x.dtype:
        raise DtypeError(f"index_put: the tensor and the values must have one dtype, got {x.dtype} and {values.dtype}")
    out = np.array(x)
    put(out, indices, values, accumulate, "index_put")
    return out


@example(index_put)
def _(n: Size = 3, m: Size = 4, k: Size = 2, accumulate: bool = False) -> Case:
    return case(real(n, m), (slice(None), np.arange(k) % m), real(k), accumulate)


def put(out: np.ndarray, index: Any, values: Any, accumulate: bool, name: str) -> None:
    """Write values into an array at an index."""
    part = taken(out, index, name)
    if np.asarray(values).dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected a Tensor, an array or a number, got {values!r}")
    _require_real(name, out, values)
    try:
        np.broadcast_to(values, part.shape)
    except ValueError:
        raise ShapeError(
            f"{name}: values of shape {np.shape(values)} do not broadcast to the indexed part, {part.shape} of "
            f"{out.shape}"
        ) from None
    if accumulate:
        add_at(out, index, values)
    else:
        out[index] = values


def _require_real(name: str, out: np.ndarray, values: Any) -> None:
    if out.dtype.kind != "c":
        refuse_complex(f"{name} into {out.dtype}", values)


# Along one dimension


def _grid(name: str, x: Any, dim: int, index: Any) -> tuple[np.ndarray, ...]:
    """The index that moves along every dimension, and along `dim` as `index` says."""
    index = np.array(plain(index))
    if index.dtype.kind not in "iu":
        raise DtypeError(f"{name}: expected an index of ints, got {index.dtype}")
    if index.ndim != x.ndim:
        raise ShapeError(
            f"{name}: the index must have as many dimensions as the tensor: {index.shape} and {tuple(x.shape)}"
        )
    axis = axis_of(name, dim, x.ndim)
    for i, (taken, there) in enumerate(zip(index.shape, x.shape, strict=True)):
        if i != axis and taken > there:
            raise ShapeError(f"{name}: index of shape {index.shape} is larger than {tuple(x.shape)} in dimension {i}")
    size = x.shape[axis] if x.ndim else 1
    if index.size and not (index.min() >= 0 and index.max() < size):
        wrong = index.max() if index.max() >= size else index.min()
        raise IndexError(f"{name}: index {wrong} is out of range for dimension {axis} of shape {tuple(x.shape)}")
    if not x.ndim:
        return ()
    grid = list(np.ogrid[tuple(slice(n) for n in index.shape)]) if index.ndim > 1 else [np.arange(len(index))]
    grid[axis] = index
    return tuple(grid)


@composite()
def gather(x: Any, dim: int, index: Any) -> Tensor:
    r"""Elements picked along one dimension: :math:`y_{ijk} = x_{i\,t_{ijk}\,k}` for ``dim=1`` and the index :math:`t`.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : Tensor of ints
        With as many dimensions as `x`, and no longer than it in any but `dim`.

    Returns
    -------
    Tensor
        Of the shape of `index`.

    Raises
    ------
    ShapeError, IndexError
        If the index does not fit, or reaches outside.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.gather(tg.tensor([[1, 2], [3, 4]]), 1, tg.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """
    return getitem(x, _grid("gather", x, dim, index))


@example(gather)
def _(n: Size = 3, m: Size = 4, k: Size = 2) -> Case:
    return case(real(n, m), 1, labels(n, k, classes=m))


def _fitting(name: str, src: Any, grid: tuple, index: Any) -> Any:
    """The part of `src` that has the index's shape."""
    shape = np.shape(plain(index))
    if np.ndim(plain(src)) == 0:
        return src
    if len(src.shape) != len(shape) or any(n < m for n, m in zip(src.shape, shape, strict=True)):
        raise ShapeError(f"{name}: src of shape {tuple(src.shape)} is smaller than the index of shape {shape}")
    return src if tuple(src.shape) == shape else getitem(src, tuple(slice(n) for n in shape))


@composite()
def scatter(x: Any, dim: int, index: Any, src: Any) -> Tensor:
    r"""A copy of `x` with elements replaced along one dimension: :math:`y_{i\,t_{ijk}\,k} = s_{ijk}` for ``dim=1``.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : Tensor of ints
        With as many dimensions as `x`. Where it names an element several times, the last value stays.
    src : Tensor or number
        Not smaller than `index` in any dimension.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.scatter(tg.zeros(2, 3), 1, tg.tensor([[0], [2]]), 1.0)
    tensor([[1., 0., 0.],
            [0., 0., 1.]])
    """
    grid = _grid("scatter", x, dim, index)
    _require_same_dtype("scatter", x, src)
    return index_put(x, grid, _fitting("scatter", src, grid, index))


# The name that PyTorch has for a number.
scatter.operation.other_names["value"] = "src"  # type: ignore[attr-defined]


@example(scatter)
def _(n: Size = 3, m: Size = 4, k: Size = 2) -> Case:
    # No place twice: PyTorch leaves open which value is written there, and its derivative gives both the gradient.
    m = max(m, k)
    return case(real(n, m), 1, np.tile(np.arange(m)[::-1][:k], (n, 1)), real(n, k))


@composite()
def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Tensor:
    r"""A copy of `x` with elements added along one dimension: :math:`y_{i\,t_{ijk}\,k} \mathrel{+}= s_{ijk}`.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : Tensor of ints
        With as many dimensions as `x`. Where it names an element several times, all values are added.
    src : Tensor
        Not smaller than `index` in any dimension.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.scatter_add(tg.zeros(3), 0, tg.tensor([0, 2, 0]), tg.ones(3))
    tensor([2., 0., 1.])
    """
    grid = _grid("scatter_add", x, dim, index)
    _require_same_dtype("scatter_add", x, src)
    _require_array("scatter_add", src)
    return index_put(x, grid, _fitting("scatter_add", src, grid, index), True)


@example(scatter_add)
def _(n: Size = 3, m: Size = 4, k: Size = 2) -> Case:
    return case(real(n, m), 1, labels(n, k, classes=m), real(n, k))


def _require_same_dtype(name: str, x: Any, src: Any) -> None:
    if hasattr(src, "dtype") and src.dtype != x.dtype:
        raise DtypeError(f"{name}: the tensor and the source must have one dtype, got {x.dtype} and {src.dtype}")


def _require_array(name: str, src: Any) -> None:
    if not isinstance(src, Tensor | np.ndarray | np.generic):
        raise TypeError(f"{name}: expected a tensor as source, got {src!r}")


def _vector(name: str, x: Any, dim: int, index: Any, wraps: bool = False) -> tuple:
    index = np.array(plain(index))
    if index.size == 0:
        index = index.astype(np.int64)
    if index.dtype.kind not in "iu" or index.ndim > 1:
        raise ShapeError(f"{name}: expected a vector of ints as index, got shape {index.shape} {index.dtype}")
    axis = axis_of(name, dim, x.ndim)
    size = x.shape[axis] if x.ndim else 1
    first = -size if wraps else 0
    if index.size and not (index.min() >= first and index.max() < size):
        raise IndexError(
            f"{name}: an index is out of range [{first}, {size}) for dimension {axis} of shape {tuple(x.shape)}"
        )
    if not x.ndim and index.size != 1:
        raise IndexError(f"{name}: a single number takes one index, got {index.size}")
    return (slice(None),) * axis + (index.reshape(-1),) if x.ndim else ()


def _places(name: str, x: Any, dim: int, index: Any, source: Any) -> tuple:
    """The index of the slices that a source of their shape goes to."""
    place = _vector(name, x, dim, index)
    _require_same_dtype(name, x, source)
    _require_array(name, source)
    expected = list(x.shape)
    if x.ndim:
        expected[dim] = np.size(plain(index))
    if tuple(source.shape) != tuple(expected):
        raise ShapeError(
            f"{name}: expected a source of shape {tuple(expected)} for {tuple(x.shape)}, got {tuple(source.shape)}"
        )
    return place


@composite()
def index_select(x: Any, dim: int, index: Any) -> Tensor:
    """The slices that an index names along one dimension.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : Tensor of ints, shape (k,)

    Returns
    -------
    Tensor
        Of length `k` in `dim`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.index_select(tg.tensor([[1, 2, 3]]), 1, tg.tensor([2, 0]))
    tensor([[3, 1]])
    """
    return getitem(x, _vector("index_select", x, dim, index))


@example(index_select)
def _(n: Size = 3, m: Size = 4, k: Size = 2) -> Case:
    return case(real(n, m), 1, labels(k, classes=m))


@composite()
def index_add(x: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """A copy of `x` with slices added at the places that an index names along one dimension.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : Tensor of ints, shape (k,)
        Where it names a place several times, all slices are added.
    source : Tensor
        Of the shape of `x`, but of length `k` in `dim`.
    alpha : float, default 1
        Factor of `source`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.index_add(tg.zeros(2, 2), 0, tg.tensor([1, 1]), tg.ones(2, 2))
    tensor([[0., 0.],
            [2., 2.]])
    """
    place = _places("index_add", x, dim, index, source)
    return index_put(x, place, source if alpha == 1 else source * alpha, True)


@example(index_add)
def _(n: Size = 3, m: Size = 4, k: Size = 2) -> Case:
    return case(real(n, m), 1, labels(k, classes=m), real(n, k))


@composite()
def index_copy(x: Any, dim: int, index: Any, source: Any) -> Tensor:
    """A copy of `x` with slices replaced at the places that an index names along one dimension.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : Tensor of ints, shape (k,)
    source : Tensor
        Of the shape of `x`, but of length `k` in `dim`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.index_copy(tg.zeros(2, 2), 0, tg.tensor([1]), tg.ones(1, 2))
    tensor([[0., 0.],
            [1., 1.]])
    """
    return index_put(x, _places("index_copy", x, dim, index, source), source)


@example(index_copy)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), 1, np.arange(m)[::2], real(n, (m + 1) // 2))


@composite()
def index_fill(x: Any, dim: int, index: Any, value: Any) -> Tensor:
    """A copy of `x` with one value at the places that an index names along one dimension.

    Parameters
    ----------
    x : Tensor
    dim : int
    index : Tensor of ints, shape (k,)
    value : float or Tensor without dimensions

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.index_fill(tg.zeros(1, 3), 1, tg.tensor([0, 2]), 7)
    tensor([[7., 0., 7.]])
    """
    _single("index_fill", value)
    if hasattr(value, "dtype") and value.dtype != x.dtype:
        value = value.astype(x.dtype)
    return index_put(x, _vector("index_fill", x, dim, index, wraps=True), value)


@example(index_fill)
def _(n: Size = 3, m: Size = 4, k: Size = 2) -> Case:
    return case(real(n, m), 1, labels(k, classes=m), 0.5)


@composite()
def take(x: Any, index: Any) -> Tensor:
    """Elements by their place in row-major order.

    Parameters
    ----------
    x : Tensor
    index : Tensor of ints

    Returns
    -------
    Tensor
        Of the shape of `index`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.take(tg.tensor([[1, 2], [3, 4]]), tg.tensor([3, 0]))
    tensor([4, 1])
    """
    index = np.array(plain(index))
    if index.dtype.kind not in "iu":
        raise DtypeError(f"take: expected an index of ints, got {index.dtype}")
    x = flatten(x)
    if index.size and not (index.min() >= -x.shape[0] and index.max() < x.shape[0]):
        raise IndexError(f"take: an index is out of range [{-x.shape[0]}, {x.shape[0]}), the number of elements")
    return getitem(x, (index,))


@example(take)
def _(n: Size = 3, m: Size = 4, k: Size = 2) -> Case:
    return case(real(n, m), labels(k, 2, classes=n * m))


@composite()
def take_along_dim(x: Any, indices: Any, dim: int | None = None) -> Tensor:
    """Elements picked along one dimension, with broadcasting in the others: what ``argsort`` and ``argmax`` are for.

    Parameters
    ----------
    x : Tensor
    indices : Tensor of ints
        With as many dimensions as `x`.
    dim : int, optional
        If omitted both are taken as flat.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([[10, 30, 20]])
    >>> tg.take_along_dim(x, tg.argsort(x, dim=1), dim=1)
    tensor([[10, 20, 30]])
    """
    indices = np.asarray(plain(indices))
    if indices.dtype.kind not in "iu":
        raise DtypeError(f"take_along_dim: expected indices as ints, got {indices.dtype}")
    if dim is None:
        x, indices, dim = flatten(x), indices.ravel(), 0
    axis = axis_of("take_along_dim", dim, x.ndim)
    if indices.ndim != x.ndim:
        raise ShapeError(
            f"take_along_dim: expected {x.ndim} dimensions, got indices {indices.shape} for {tuple(x.shape)}"
        )
    size = x.shape[axis] if x.ndim else 1
    if indices.size and not (indices.min() >= 0 and indices.max() < size):
        raise IndexError(f"take_along_dim: an index is out of range for dimension {axis} of shape {tuple(x.shape)}")
    try:
        others = np.broadcast_shapes(
            tuple(1 if i == axis else n for i, n in enumerate(x.shape)),
            tuple(1 if i == axis else n for i, n in enumerate(indices.shape)),
        )
    except ValueError:
        raise ShapeError(
            f"take_along_dim: shapes do not broadcast outside dimension {axis}: {tuple(x.shape)} and {indices.shape}"
        ) from None
    wide = [n if i != axis else x.shape[axis] for i, n in enumerate(others)]
    taken = [n if i != axis else indices.shape[axis] for i, n in enumerate(others)]
    return gather(broadcast_to(x, tuple(wide)), axis, np.broadcast_to(indices, taken))


@example(take_along_dim)
def _(n: Size = 3, m: Size = 4, k: Size = 2) -> Case:
    return case(real(n, m), labels(1, k, classes=m), 1)


# By a mask


@operation(
    complex=True,
    in_place=True,
    x=lambda g, mask, x_shape: unbroadcast(masked_fill(g, mask, 0.0), x_shape),
    value=lambda g, mask: (g * mask).sum(),
)
def masked_fill(x: Any, mask: Any, value: Any) -> Tensor:
    """A copy of `x` with one value wherever a mask is true.

    Parameters
    ----------
    x : Tensor
    mask : Tensor of bools
        Broadcasts with `x`.
    value : float or Tensor without dimensions

    Returns
    -------
    Tensor
        Of the dtype of `x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.masked_fill(tg.ones(3), tg.tensor([True, False, True]), -1.0)
    tensor([-1.,  1., -1.])
    """
    if np.asarray(mask).dtype.kind != "b":
        raise DtypeError(f"masked_fill: expected a mask of bools, got {np.asarray(mask).dtype}")
    value = _single("masked_fill", value)
    _require_real("masked_fill", x, value)
    value = value.astype(x.dtype)
    try:
        return np.where(mask, value, x)
    except ValueError:
        raise ShapeError(f"masked_fill: shapes do not broadcast: {x.shape} and a mask of {np.shape(mask)}") from None


def _single(name: str, value: Any) -> np.ndarray:
    array = np.asarray(plain(value))
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected a number or a tensor without dimensions, got {value!r}")
    if array.ndim:
        raise ShapeError(f"{name}: expected a single value, got shape {array.shape}")
    return array


@example(masked_fill)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), np.arange(m) % 2 == 0, 0.5)


@composite()
def masked_select(x: Any, mask: Any) -> Tensor:
    """The elements where a mask is true, in row-major order.

    Parameters
    ----------
    x : Tensor
    mask : Tensor of bools
        Broadcasts with `x`.

    Returns
    -------
    Tensor
        Of one dimension.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([1.0, -2.0, 3.0])
    >>> tg.masked_select(x, x > 0)
    tensor([1., 3.])
    """
    mask = np.array(plain(mask))
    if mask.dtype.kind != "b":
        raise DtypeError(f"masked_select: expected a mask of bools, got {mask.dtype}")
    try:
        shape = np.broadcast_shapes(tuple(x.shape), mask.shape)
    except ValueError:
        raise ShapeError(
            f"masked_select: shapes do not broadcast: {tuple(x.shape)} and a mask of {mask.shape}"
        ) from None
    return getitem(broadcast_to(x, shape), (np.broadcast_to(mask, shape),))


@example(masked_select)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m), np.arange(m) % 2 == 0)


@composite(differentiable=False)
def nonzero(x: Any, *, as_tuple: bool = False) -> Any:
    """Where the elements are not 0.

    Parameters
    ----------
    x : Tensor
    as_tuple : bool, default False
        Give one vector for each dimension, which serve as an index, instead of a matrix with a row for each element.

    Returns
    -------
    Tensor or tuple of Tensor
        Of dtype int64.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nonzero(tg.tensor([[0, 5], [7, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    array = plain(x)
    if not as_tuple:
        return like(np.argwhere(array), x)
    return tuple(like(places, x) for places in np.nonzero(np.atleast_1d(array)))


@example(nonzero)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m, ties=True))


def like(array: np.ndarray, given: Any) -> Any:
    """An array as a Tensor where a Tensor was given."""
    return _wrap(array) if isinstance(given, Tensor) else array


@composite(differentiable=False)
def one_hot(x: Any, num_classes: int = -1) -> Tensor:
    r"""Classes as rows of the unit matrix: :math:`y_{..c} = [x_{..} = c]`.

    Parameters
    ----------
    x : Tensor of ints
        Each 0 or more.
    num_classes : int, optional
        One more than the largest if omitted.

    Returns
    -------
    Tensor, shape (..., num_classes)
        Of dtype int64.

    Raises
    ------
    ValueError
        If a class is negative, or not smaller than `num_classes`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.one_hot(tg.tensor([0, 2]), 3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    array = np.asarray(plain(x))
    if array.dtype.kind not in "iu":
        raise DtypeError(f"one_hot: expected classes as ints, got {array.dtype}")
    if num_classes == -1:
        if not array.size:
            raise ShapeError(f"one_hot: num_classes cannot be found from an empty tensor of shape {array.shape}")
        num_classes = int(array.max()) + 1
    if array.size and not (array.min() >= 0 and array.max() < num_classes):
        raise ShapeError(
            f"one_hot: expected classes from 0 to {num_classes - 1}, got values from {array.min()} to {array.max()}"
        )
    return like((array[..., None] == np.arange(num_classes)).astype(np.int64), x)


@example(one_hot)
def _(n: Size = 3, m: Size = 4) -> Case:
    return case(labels(n, classes=m), m)


@composite()
def repeat_interleave(x: Any, repeats: Any, dim: int | None = None) -> Tensor:
    """Every slice several times in a row. NumPy calls this ``repeat``.

    Parameters
    ----------
    x : Tensor
    repeats : int or Tensor of ints
        How often, for all or for each.
    dim : int, optional
        If omitted, every element in row-major order.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.repeat_interleave(tg.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    if dim is None:
        x, dim = flatten(x), 0
    axis = axis_of("repeat_interleave", dim, x.ndim)
    repeats = np.asarray(plain(repeats))
    if repeats.dtype.kind not in "iu" or repeats.ndim > 1:
        raise DtypeError(f"repeat_interleave: expected an int or a vector of ints as repeats, got {described(repeats)}")
    if repeats.size not in (1, x.shape[axis]) or (repeats < 0).any():
        raise ShapeError(
            f"repeat_interleave: expected a number of repeats, or one for each of {x.shape[axis]}, got "
            f"{repeats.tolist()}"
        )
    return index_select(x, axis, np.repeat(np.arange(x.shape[axis]), repeats))


@example(repeat_interleave)
def _(n: Size = 3, m: Size = 4, times: Size = 2) -> Case:
    return case(real(n, m), times, 0)
