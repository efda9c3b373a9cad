"""Element types under PyTorch's names, and PyTorch's rules for mixing them.

NumPy and PyTorch promote differently: ``int64 + float32`` is float64 in NumPy and float32 in PyTorch, and a PyTorch
operand without dimensions changes the other's *kind* (bool, integer, float, complex) but never its width. A float32 model
stays float32 only under the second rule, hence it is the one used here.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

__all__ = [
    "bool",
    "cdouble",
    "cfloat",
    "complex64",
    "complex128",
    "double",
    "float",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "half",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "long",
    "promote_types",
    "result_type",
    "set_default_dtype",
    "short",
    "uint8",
]

float16 = half = np.dtype("float16")
float32 = float = np.dtype("float32")
float64 = double = np.dtype("float64")
complex64 = cfloat = np.dtype("complex64")
complex128 = cdouble = np.dtype("complex128")
uint8 = np.dtype("uint8")
int8 = np.dtype("int8")
int16 = short = np.dtype("int16")
int32 = int = np.dtype("int32")
int64 = long = np.dtype("int64")
bool = np.dtype("bool")

_default = [float32]

# bool < integers < floats < complex numbers
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def get_default_dtype() -> np.dtype:
    """The float type of tensors made from Python numbers; float32 unless :func:`set_default_dtype` changed it.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.get_default_dtype()
    dtype('float32')
    """
    return _default[0]


def set_default_dtype(dtype: Any) -> None:
    """Set the float type of tensors made from Python numbers.

    Parameters
    ----------
    dtype : numpy.dtype
        A float type.

    Raises
    ------
    TypeError
        If `dtype` is no float type.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.set_default_dtype(tg.float64)
    >>> tg.tensor(0.5).dtype
    dtype('float64')
    >>> tg.set_default_dtype(tg.float32)
    """
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"set_default_dtype: expected a float type such as float32 or float64, got {dtype}")
    _default[0] = dtype


def promote_types(a: Any, b: Any) -> np.dtype:
    """The smallest type that holds the values of two tensors with dimensions, as in ``torch.promote_types``.

    Parameters
    ----------
    a, b : numpy.dtype

    Returns
    -------
    numpy.dtype

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.promote_types(tg.int64, tg.float32)
    dtype('float32')
    """
    a, b = np.dtype(a), np.dtype(b)
    if a is b:
        return a
    wide, narrow = (a, b) if _RANK[a.kind] > _RANK[b.kind] else (b, a)
    if wide.kind in "fc" and narrow.kind in "bui":
        return wide
    return np.promote_types(a, b)


def complex_of(dtype: np.dtype) -> np.dtype:
    """The complex type whose parts have a float type, or complex64 for float16; the default for bools and integers."""
    return np.promote_types(dtype if dtype.kind in "fc" else get_default_dtype(), complex64)


def result_type(*operands: Any) -> np.dtype:
    """The type of the result of an operation on tensors, arrays and Python numbers, as in ``torch.result_type``.

    Operands stand in three classes: with dimensions, without, and Python numbers. A lower class matters only where it
    is of a higher kind (bool < integer < float < complex) than the classes above it.

    Parameters
    ----------
    *operands : Tensor, array or number

    Returns
    -------
    numpy.dtype

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.result_type(tg.ones(2), 2.5)
    dtype('float32')
    >>> tg.result_type(tg.arange(3), 2.5)
    dtype('float32')
    """
    classes: list[np.dtype | None] = [None, None, None]
    for operand in operands:
        dtype, level = _classified(operand)
        before = classes[level]
        classes[level] = dtype if before is None else promote_types(before, dtype)
    result = classes[2]
    for higher in (classes[1], classes[0]):
        result = _combined(higher, result)
    if result is None:
        raise TypeError("result_type: at least one operand is needed")
    return result


def _classified(operand: Any) -> tuple[np.dtype, Any]:
    if isinstance(operand, np.generic):
        # What NumPy makes of a 0-d array. np.float64 is a subclass of Python's float, but has a width.
        return operand.dtype, 1
    if isinstance(operand, builtins.bool):
        return bool, 2
    if isinstance(operand, builtins.int):
        return int64, 2
    if isinstance(operand, builtins.float):
        return get_default_dtype(), 2
    if isinstance(operand, builtins.complex):
        return complex_of(get_default_dtype()), 2
    return operand.dtype, 1 if operand.ndim == 0 else 0


def _combined(higher: np.dtype | None, lower: np.dtype | None) -> np.dtype | None:
    if higher is None or lower is None:
        return lower if higher is None else higher
    if _RANK[higher.kind] >= _RANK[lower.kind]:
        return higher
    return complex_of(higher) if higher.kind == "f" else promote_types(higher, lower)
