"""Arrays of dual numbers that NumPy code takes for its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.exact.functions import FUNCTIONS, QUESTIONS
from tinygrad_edu.testing.exact.linear import LINEAR
from tinygrad_edu.testing.exact.number import ZERO, Dual, Inexact, as_dual, field

__all__ = ["ExactArray", "exact", "posing_as_floats", "tangents", "values"]


# Of numpy.linalg, what needs no factorization; norms do for some orders.
SUMS = "cross diagonal matmul matrix_power matrix_transpose multi_dot norm outer tensordot trace vecdot vector_norm"
COUNTERPARTS: dict[Any, Any] = {**LINEAR, np.i0: FUNCTIONS["i0"]}


class Pose(threading.local):
    """The dtype by which exact arrays go; None for their own, object."""

    dtype: np.dtype | None = None


pose = Pose()


@contextlib.contextmanager
def posing_as_floats(dtype: Any = np.float64) -> Iterator[None]:
    """Within it exact arrays say that they hold float64, to code that computes on floats alone.

    Parameters
    ----------
    dtype : numpy.dtype or None, default float64
        None lets them say what they are.
    """
    before, pose.dtype = pose.dtype, None if dtype is None else np.dtype(dtype)
    try:
        yield
    finally:
        pose.dtype = before


class ExactArray(np.ndarray):
    """An array of :class:`Dual` numbers; NumPy and scipy.special functions take it as they take floats.

    NumPy computes on objects by their own operators; what it has no operator for is given here, by name.
    """

    @property
    def dtype(self) -> Any:
        """The type of the elements: object, or float64 within :func:`posing_as_floats`."""
        own = super().dtype
        return pose.dtype if pose.dtype is not None and own.kind == "O" else own

    @dtype.setter
    def dtype(self, dtype: Any) -> None:
        if np.dtype(dtype) != self.dtype:
            raise Inexact(f"exact numbers were to be read as {np.dtype(dtype)}, in whose memory they do not lie")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        arrays = [x.view(np.ndarray) if isinstance(x, ExactArray) else x for x in inputs]
        if _kind_of(options.get("dtype")) == "f":
            del options["dtype"]
        if out is not None:
            for target in out:
                if not isinstance(target, ExactArray) and target.dtype.kind == "f":
                    raise Inexact(
                        f"{ufunc.__name__}: out= is an array of floats, of shape {target.shape}. Make it like its "
                        "operands: np.empty_like(x)"
                    )
            options["out"] = tuple(t.view(np.ndarray) if isinstance(t, ExactArray) else t for t in out)
        function: Any = FUNCTIONS.get(ufunc.__name__, ufunc)
        if function is ufunc and getattr(np, ufunc.__name__, None) is not ufunc:
            raise Inexact(f"{ufunc.__name__} has no exact counterpart")
        result = getattr(function, method)(*arrays, **options)
        if function in QUESTIONS:
            result = np.asarray(result).astype(bool)[()]
        if out is not None:
            return out[0] if len(out) == 1 else out
        return _owned(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if _kind_of(kwargs.get("dtype")) == "f":
            kwargs = {**kwargs, "dtype": object}
        # NumPy's own lines, which know of the elements' type what the caller does not, are told the truth.
        with posing_as_floats(None):
            if function in COUNTERPARTS:
                plain = [a.view(np.ndarray) if isinstance(a, ExactArray) else a for a in args]
                return _owned(COUNTERPARTS[function](*plain, **kwargs))
            if function.__module__ == "numpy.linalg" and function.__name__ not in SUMS.split():
                raise Inexact(f"numpy.linalg.{function.__name__} has no exact counterpart")
            result = super().__array_function__(function, types, args, kwargs)
        return _own(result) if isinstance(result, np.ndarray | Dual) else result

    def __getitem__(self, index: Any) -> Any:
        return _own(super().__getitem__(index))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """A copy; floats of any width are the exact numbers themselves."""
        if _kind_of(dtype) in "fO":
            return self.copy()
        return self.view(np.ndarray).astype(dtype, *args, **kwargs)

    def item(self, *args: Any) -> Any:
        """One element, as an exact number."""
        return self.view(np.ndarray).item(*args)

    def __float__(self) -> float:
        raise Inexact("an exact number was to become a float")

    # Reductions of NumPy that would ask the elements' type for its limits, or give a bare object.

    def mean(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, **options: Any
    ) -> Any:
        """Arithmetic mean."""
        total = self.sum(axis, keepdims=keepdims)
        return total / (self.size // max(total.size, 1))

    def max(  # type: ignore[override]
        self, axis: Any = None, out: Any = None, keepdims: bool = False, **options: Any
    ) -> Any:
        """Largest element."""
        return np.maximum.reduce(self, axis=axis, keepdims=keepdims, **options)

    def min(  # type: ignore[override]
        self, axis: Any = None, out: Any = None, keepdims: bool = False, **options: Any
    ) -> Any:
        """Smallest element."""
        return np.minimum.reduce(self, axis=axis, keepdims=keepdims, **options)

    def sum(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, **options: Any
    ) -> Any:
        """Sum."""
        return np.add.reduce(self, axis=axis, keepdims=keepdims, out=out, **options)


def _kind_of(dtype: Any) -> str:
    return "" if dtype is None else np.dtype(dtype).kind


def _owned(result: Any) -> Any:
    return tuple(_own(r) for r in result) if isinstance(result, tuple) else _own(result)


def _own(result: Any) -> Any:
    """Arrays of objects, and exact numbers, as ExactArray; others as they are."""
    if isinstance(result, np.ndarray):
        plain = result.view(np.ndarray)
        return plain.view(ExactArray) if plain.dtype == object else plain
    if isinstance(result, Dual):
        array = np.empty((), object)
        array[()] = result
        return array.view(ExactArray)
    return result


def exact(x: Any, tangent: Any = None) -> Any:
    """Data as exact numbers: a float is the binary fraction that it is.

    Parameters
    ----------
    x : array_like
        Floats, integers or decimals; arrays of other kinds are given back as they are.
    tangent : array_like, optional
        Of the same shape; 0 if omitted.

    Returns
    -------
    ExactArray
    """
    array = np.asarray(x)
    if array.dtype.kind in "biu":
        return array
    result = np.empty(array.shape, object)
    slopes = np.zeros(array.shape, object) if tangent is None else np.asarray(tangent)
    for index in np.ndindex(*array.shape):
        slope = slopes[index]
        result[index] = Dual(_decimal(array[index]), ZERO if not slope else _decimal(slope))
    return result.view(ExactArray)


def _decimal(x: Any) -> Decimal:
    if isinstance(x, Dual):
        return x.value
    return field.number(x.item() if isinstance(x, np.generic) else x)


def values(x: Any) -> NDArray:
    """The values of an array of exact numbers, as decimals.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    numpy.ndarray of Decimal
    """
    return _each(x, lambda number: number.value)


def tangents(x: Any) -> NDArray:
    """The tangents of an array of exact numbers, as decimals.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    numpy.ndarray of Decimal
    """
    return _each(x, lambda number: number.tangent)


def _each(x: Any, part: Any) -> NDArray:
    array = np.asarray(x).view(np.ndarray)
    result = np.empty(array.shape, object)
    for index in np.ndindex(*array.shape):
        number = as_dual(array[index])
        if number is NotImplemented:
            raise Inexact(f"expected exact numbers, got {type(array[index]).__name__}")
        result[index] = part(number)
    return result
