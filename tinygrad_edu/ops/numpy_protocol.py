"""NumPy's own functions on Tensors: ``np.exp(t)``, ``np.sum(t, axis=0)``, ``array * t`` give Tensors and are recorded.

NumPy asks a Tensor through two protocols, ``__array_ufunc__`` and ``__array_function__`` (NEP 13 and NEP 18). Arguments
and defaults are NumPy's here, also where PyTorch's function of that name does something else: ``np.std`` divides by n,
``np.split`` counts sections, ``np.transpose`` permutes all dimensions, ``np.max`` with an axis gives values alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops import (
    arithmetic,
    comparison,
    creation,
    cumulative,
    diagonals,
    einstein,
    extremum,
    index,
    join,
    linalg,
    reduce,
    selection,
    sorting,
)
from tinygrad_edu.ops import shape as shapes
from tinygrad_edu.ops.complex import angle, imag, real
from tinygrad_edu.ops.operation import methods, plain, ufuncs
from tinygrad_edu.tensor import Tensor, as_tensor

__all__: list[str] = []

functions: dict[Callable[..., Any], Callable[..., Any]] = {}
"""For each NumPy function what it is on Tensors."""

# ufuncs whose operation is more than an elementwise kernel, and other names for some.
_NAMED: dict[np.ufunc, Callable[..., Any]] = {
    np.power: arithmetic.pow,
    np.float_power: arithmetic.pow,
    np.remainder: arithmetic.remainder,
    np.true_divide: arithmetic.div,
    np.floor_divide: arithmetic.floor_divide,
    np.absolute: arithmetic.abs,
    np.fabs: arithmetic.abs,
    np.positive: lambda x: x,
}
for _ufunc, _call in _NAMED.items():
    ufuncs.setdefault(_ufunc, _call)

_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: reduce.sum,
    np.multiply: reduce.prod,
    np.maximum: extremum.amax,
    np.minimum: extremum.amin,
    np.logical_and: reduce.all,
    np.logical_or: reduce.any,
}


def _array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
    """What a NumPy ufunc does with Tensors: the operation of that name, recorded."""
    name = f"numpy.{ufunc.__name__}"
    if out is not None:
        raise TypeError(
            f"{name}: a Tensor cannot be computed into out=, nor added to an array in place; write a = a + x, or use "
            ".detach().numpy() where no gradient is wanted"
        )
    if method == "reduce" and ufunc in _REDUCTIONS and not set(options) - {"axis", "keepdims"}:
        return _REDUCTIONS[ufunc](inputs[0], options.get("axis", 0), options.get("keepdims", False))
    if method != "__call__" or ufunc not in ufuncs or options:
        asked = name if method == "__call__" else f"{name}.{method}"
        given = f" with {', '.join(options)}=" if options else ""
        raise TypeError(f"{asked}{given} is not defined for Tensors; for its values alone use .detach().numpy()")
    return ufuncs[ufunc](*(x if isinstance(x, Tensor | int | float | complex) else np.asarray(x) for x in inputs))


def _array_function(self: Tensor, function: Callable, types: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """What a NumPy function does with Tensors: the operation that means the same, recorded."""
    name = f"{getattr(function, '__module__', None) or 'numpy'}.{function.__name__}"
    ours = functions.get(function)
    if ours is None:
        raise TypeError(f"{name} is not defined for Tensors; for its values alone use .detach().numpy()")
    try:
        inspect.signature(ours).bind(*args, **kwargs)
    except TypeError as error:
        taken = ", ".join(inspect.signature(ours).parameters)
        raise TypeError(f"{name} on a Tensor takes the arguments ({taken}): {error}") from None
    return ours(*args, **kwargs)


methods(__array_ufunc__=_array_ufunc, __array_function__=_array_function)


def replaces(*numpy_functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function stand for these of NumPy's where an argument is a Tensor."""

    def register(ours: Callable[..., Any]) -> Callable[..., Any]:
        for function in numpy_functions:
            functions[function] = ours
        return ours

    return register


def as_operand(x: Any) -> Any:
    """A Tensor itself, or an array."""
    return x if isinstance(x, Tensor) else np.asarray(x)


# Reductions


@replaces(np.sum)
def _(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return reduce.sum(a, axis, keepdims, dtype=dtype)


@replaces(np.mean)
def _(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return reduce.mean(a if dtype is not None or a.dtype.kind in "fc" else a.double(), axis, keepdims, dtype=dtype)


@replaces(np.prod)
def _(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    if axis is None:
        return _with_ones(reduce.prod(a.reshape(-1), 0, dtype=dtype), a, keepdims)
    return reduce.prod(a, axis, keepdims, dtype=dtype)


@replaces(np.var)
def _(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    return reduce.var(a if a.dtype.kind in "fc" else a.double(), axis, ddof, keepdims)


@replaces(np.std)
def _(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    return reduce.std(a if a.dtype.kind in "fc" else a.double(), axis, ddof, keepdims)


@replaces(np.max, np.amax)
def _(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return extremum.amax(a, axis, keepdims)


@replaces(np.min, np.amin)
def _(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return extremum.amin(a, axis, keepdims)


@replaces(np.argmax)
def _(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    return extremum.argmax(a, axis, keepdims)


@replaces(np.argmin)
def _(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    return extremum.argmin(a, axis, keepdims)


@replaces(np.any)
def _(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return reduce.any(a, axis, keepdims)


@replaces(np.all)
def _(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return reduce.all(a, axis, keepdims)


@replaces(np.count_nonzero)
def _(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return reduce.sum(comparison.ne(a, 0), axis, keepdims)


@replaces(np.cumsum)
def _(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return cumulative.cumsum(a.reshape(-1) if axis is None else a, axis or 0, dtype=dtype)


@replaces(np.cumprod)
def _(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return cumulative.cumprod(a.reshape(-1) if axis is None else a, axis or 0, dtype=dtype)


def _with_ones(y: Any, x: Any, keepdims: bool) -> Any:
    return y.reshape((1,) * x.ndim) if keepdims else y


# Parts of complex numbers

functions[np.real] = real


@replaces(np.imag)
def _(val: Any) -> Any:
    return imag(val) if val.is_complex() else creation.zeros_like(val)


@replaces(np.angle)
def _(z: Any) -> Any:
    return angle(z)


# Shapes


@replaces(np.reshape)
def _(a: Any, /, shape: Any, order: str = "C") -> Any:
    if order != "C":
        raise TypeError(f"numpy.reshape: Tensors are read in row-major order ('C') alone, got {order!r}")
    return shapes.reshape(a, shape)


@replaces(np.ravel)
def _(a: Any) -> Any:
    return shapes.flatten(a)


@replaces(np.transpose)
def _(a: Any, axes: Any = None) -> Any:
    return a.T if axes is None else shapes.permute(a, tuple(axes))


if hasattr(np, "permute_dims"):
    functions[np.permute_dims] = functions[np.transpose]
if hasattr(np, "matrix_transpose"):
    functions[np.matrix_transpose] = lambda x: x.mT


@replaces(np.swapaxes)
def _(a: Any, axis1: int, axis2: int) -> Any:
    return shapes.swapaxes(a, axis1, axis2)


@replaces(np.moveaxis)
def _(a: Any, source: Any, destination: Any) -> Any:
    return shapes.movedim(a, source, destination)


@replaces(np.squeeze)
def _(a: Any, axis: Any = None) -> Any:
    axes = () if axis is None else shapes.axes_of("numpy.squeeze", axis, a.ndim)
    if any(a.shape[i] != 1 for i in axes):
        raise ShapeError(f"numpy.squeeze: only dimensions of length 1 can be taken away, not {axis} of {a.shape}")
    return shapes.squeeze(a, axis)


@replaces(np.expand_dims)
def _(a: Any, axis: Any) -> Any:
    places = axis if isinstance(axis, tuple | list) else (axis,)
    for place in sorted(shapes.axes_of("numpy.expand_dims", tuple(places), a.ndim + len(places))):
        a = shapes.unsqueeze(a, place)
    return a


@replaces(np.atleast_1d)
def _(*arys: Any) -> Any:
    results = [shapes.unsqueeze(x, 0) if not x.ndim else x for x in map(as_operand, arys)]
    return results[0] if len(arys) == 1 else tuple(results)


@replaces(np.atleast_2d)
def _(*arys: Any) -> Any:
    results = [x.reshape((1,) * (2 - x.ndim) + tuple(x.shape)) if x.ndim < 2 else x for x in map(as_operand, arys)]
    return results[0] if len(arys) == 1 else tuple(results)


@replaces(np.broadcast_to)
def _(array: Any, shape: Any) -> Any:
    return shapes.broadcast_to(array, shape)


@replaces(np.broadcast_arrays)
def _(*args: Any) -> Any:
    full = np.broadcast_shapes(*(np.shape(plain(x)) for x in args))
    return tuple(shapes.broadcast_to(as_operand(x), full) for x in args)


@replaces(np.tile)
def _(A: Any, reps: Any) -> Any:
    reps = shapes.sizes_of("numpy.tile", reps)
    return shapes.tile(A, reps)


@replaces(np.repeat)
def _(a: Any, repeats: Any, axis: int | None = None) -> Any:
    return index.repeat_interleave(a, repeats, axis)


@replaces(np.flip)
def _(m: Any, axis: Any = None) -> Any:
    return shapes.flip(m, tuple(range(m.ndim)) if axis is None else axis)


functions[np.fliplr] = shapes.fliplr
functions[np.flipud] = shapes.flipud


@replaces(np.roll)
def _(a: Any, shift: Any, axis: Any = None) -> Any:
    return shapes.roll(a, shift, axis)


@replaces(np.pad)
def _(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Any:
    if mode != "constant":
        raise TypeError(f"numpy.pad: only mode='constant' is defined for Tensors, got {mode!r}")
    return shapes.pad(array, np.broadcast_to(pad_width, (array.ndim, 2)).tolist(), constant_values)


@replaces(np.diagonal)
def _(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return diagonals.diagonal(a, offset, axis1, axis2)


@replaces(np.trace)
def _(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return reduce.sum(diagonals.diagonal(a, offset, axis1, axis2), -1)


@replaces(np.diag)
def _(v: Any, k: int = 0) -> Any:
    return diagonals.diag(v, k)


@replaces(np.tril)
def _(m: Any, k: int = 0) -> Any:
    return diagonals.tril(m, k)


@replaces(np.triu)
def _(m: Any, k: int = 0) -> Any:
    return diagonals.triu(m, k)


@replaces(np.copy)
def _(a: Any) -> Any:
    return a.clone()


# Joining and splitting


@replaces(np.concatenate)
def _(arrays: Any, /, axis: int | None = 0) -> Any:
    items = [as_operand(x) for x in arrays]
    return join.cat([x.reshape(-1) for x in items] if axis is None else items, axis or 0)


@replaces(np.stack)
def _(arrays: Any, axis: int = 0) -> Any:
    return join.stack(list(arrays), axis)


@replaces(np.hstack)
def _(tup: Any) -> Any:
    return join.hstack(tup)


@replaces(np.vstack)
def _(tup: Any) -> Any:
    return join.vstack(tup)


@replaces(np.dstack)
def _(tup: Any) -> Any:
    return join.dstack(tup)


@replaces(np.array_split)
def _(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    sections = indices_or_sections
    return list(join.tensor_split(ary, sections if isinstance(sections, int) else list(sections), axis))


@replaces(np.split)
def _(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    if isinstance(indices_or_sections, int) and ary.shape[axis] % indices_or_sections:
        raise ShapeError(
            f"numpy.split: {indices_or_sections} sections do not go into {ary.shape[axis]}, dimension {axis} of "
            f"{ary.shape}"
        )
    return functions[np.array_split](ary, indices_or_sections, axis)


# Indexing and order


@replaces(np.take)
def _(a: Any, indices: Any, axis: int | None = None) -> Any:
    indices = np.asarray(plain(indices))
    if axis is None:
        return index.take(a, indices)
    axis = shapes.axis_of("numpy.take", axis, a.ndim)
    return index.getitem(a, (*(slice(None),) * axis, indices))


@replaces(np.take_along_axis)
def _(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    return index.take_along_dim(arr, indices, axis)


@replaces(np.where)
def _(condition: Any, *branches: Any) -> Any:
    if not branches:
        return index.nonzero(condition, as_tuple=True)
    return selection.where(condition, *branches)


@replaces(np.nonzero)
def _(a: Any) -> Any:
    return index.nonzero(a, as_tuple=True)


@replaces(np.argwhere)
def _(a: Any) -> Any:
    return index.nonzero(a)


@replaces(np.sort)
def _(a: Any, axis: int | None = -1) -> Any:
    return sorting.sort(a.reshape(-1) if axis is None else a, -1 if axis is None else axis).values


@replaces(np.argsort)
def _(a: Any, axis: int | None = -1) -> Any:
    return sorting.argsort(a.reshape(-1) if axis is None else a, -1 if axis is None else axis)


@replaces(np.unique)
def _(ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False) -> Any:
    if return_index:
        raise TypeError("numpy.unique: return_index is not defined for Tensors; use .detach().numpy()")
    return sorting.unique(ar, return_inverse=return_inverse, return_counts=return_counts)


@replaces(np.clip)
def _(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return selection.clamp(a, min if a_min is None else a_min, max if a_max is None else a_max)


@replaces(np.round, np.around)
def _(a: Any, decimals: int = 0) -> Any:
    return arithmetic.round(a * 10.0**decimals) / 10.0**decimals if decimals else arithmetic.round(a)


# Products


@replaces(np.dot)
def _(a: Any, b: Any) -> Any:
    a, b = as_operand(a), as_operand(b)
    if not a.ndim or not b.ndim:
        return a * b
    return linalg.matmul(a, b) if b.ndim <= 2 else einstein.tensordot(a, b, ([-1], [-2]))


@replaces(np.vdot)
def _(a: Any, b: Any) -> Any:
    return linalg.dot(as_operand(a).reshape(-1), as_operand(b).reshape(-1))


@replaces(np.inner)
def _(a: Any, b: Any) -> Any:
    return einstein.inner(as_operand(a), as_operand(b))


@replaces(np.outer)
def _(a: Any, b: Any) -> Any:
    return linalg.outer(as_operand(a).reshape(-1), as_operand(b).reshape(-1))


@replaces(np.tensordot)
def _(a: Any, b: Any, axes: Any = 2) -> Any:
    return einstein.tensordot(as_operand(a), as_operand(b), axes)


@replaces(np.einsum)
def _(subscripts: str, *operands: Any) -> Any:
    return einstein.einsum(subscripts, *operands)


# Questions


functions[np.shape] = lambda a: np.shape(plain(a))
functions[np.ndim] = lambda a: np.ndim(plain(a))
functions[np.iscomplexobj] = lambda x: np.iscomplexobj(plain(x))
functions[np.isrealobj] = lambda x: np.isrealobj(plain(x))


@replaces(np.size)
def _(a: Any, axis: int | None = None) -> int:
    return np.size(plain(a), axis)


@replaces(np.may_share_memory)
def _(a: Any, b: Any) -> bool:
    return np.may_share_memory(plain(a), plain(b))


@replaces(np.shares_memory)
def _(a: Any, b: Any) -> bool:
    return np.shares_memory(plain(a), plain(b))


@replaces(np.array_equal)
def _(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    return np.array_equal(plain(a1), plain(a2), equal_nan)


@replaces(np.allclose)
def _(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    return np.allclose(plain(a), plain(b), rtol, atol, equal_nan)


@replaces(np.isclose)
def _(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    return as_tensor(np.isclose(plain(a), plain(b), rtol, atol, equal_nan))


@replaces(np.zeros_like)
def _(a: Any, dtype: Any = None) -> Any:
    return creation.zeros_like(a, dtype=dtype)


@replaces(np.ones_like)
def _(a: Any, dtype: Any = None) -> Any:
    return creation.ones_like(a, dtype=dtype)


@replaces(np.empty_like)
def _(prototype: Any, dtype: Any = None) -> Any:
    return creation.empty_like(prototype, dtype=dtype)


@replaces(np.full_like)
def _(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    return creation.full_like(a, fill_value, dtype=dtype)
