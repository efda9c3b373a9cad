"""New tensors of constants and of ranges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.device import device as Device
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.tensor import Tensor, _wrap

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "DoubleTensor",
    "FloatTensor",
    "IntTensor",
    "LongTensor",
    "arange",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


def shape_of(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape given as ints or as one sequence of ints.

    Raises
    ------
    TypeError
        If it holds something else, or a negative number.
    """
    if len(size) == 1 and isinstance(size[0], tuple | list):
        size = tuple(size[0])
    try:
        shape = tuple([length.__index__() for length in size])
    except (AttributeError, TypeError):
        raise TypeError(f"{name}: expected a size as ints or a tuple of ints, got {size}") from None
    if any(length < 0 for length in shape):
        raise ShapeError(f"{name}: lengths cannot be negative, got the size {shape}")
    return shape


def new(array: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """A leaf around a new array, in another dtype if one is asked for."""
    if device is not None:
        Device(device)
    if dtype is not None:
        array = np.asarray(array, dtype)
    result = _wrap(array)
    if requires_grad:
        result.requires_grad = True
    return result


def number_of(name: str, value: Any) -> Any:
    """A number, also out of a tensor of one.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if isinstance(value, Tensor):
        return value.item()
    if not isinstance(value, int | float | complex | np.number | np.bool_):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    return value


def float_dtype(dtype: Any) -> np.dtype:
    """The dtype asked for, or the default float type."""
    return dtypes.get_default_dtype() if dtype is None else np.dtype(dtype)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros.

    Parameters
    ----------
    *size : ints, or one tuple of ints
        The shape.
    dtype : numpy.dtype, optional
        The default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return new(np.zeros(shape_of("zeros", size), float_dtype(dtype)), None, device, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones.

    Parameters
    ----------
    *size : ints, or one tuple of ints
        The shape.
    dtype : numpy.dtype, optional
        The default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.ones(3)
    tensor([1., 1., 1.])
    """
    return new(np.ones(shape_of("ones", size), float_dtype(dtype)), None, device, requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose elements are yet to be written.

    Parameters
    ----------
    *size : ints, or one tuple of ints
        The shape.
    dtype : numpy.dtype, optional
        The default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.empty(2, 3).shape
    (2, 3)
    """
    return new(np.empty(shape_of("empty", size), float_dtype(dtype)), None, device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of one repeated value.

    Parameters
    ----------
    size : int or tuple of ints
        The shape.
    fill_value : number
    dtype : numpy.dtype, optional
        If omitted, that of the value: bool, int64, or the default float type.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    value = number_of("full", fill_value)
    dtype = dtypes.result_type(value) if dtype is None else np.dtype(dtype)
    return new(np.full(shape_of("full", (size,)), value, dtype), None, device, requires_grad)


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    r"""The numbers :math:`\mathrm{start} + k\,\mathrm{step}` before `end`; with one argument, :math:`0 \dots n - 1`.

    Parameters
    ----------
    start : number, optional
        The first number, 0 if omitted; the end where that is omitted.
    end : number, optional
    step : number, default 1
        Not 0, and towards `end`.
    dtype : numpy.dtype, optional
        If omitted, int64 for integers, else the default float type.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor
        Of shape (ceil((end - start) / step),).

    Raises
    ------
    ValueError
        If `step` is 0 or leads away from `end`, or a number is not finite.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.arange(4)
    tensor([0, 1, 2, 3])
    >>> tg.arange(1, 2, 0.25)
    tensor([1.  , 1.25, 1.5 , 1.75])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (number_of("arange", number) for number in (0 if start is None else start, end, step))
    if not (math.isfinite(start) and math.isfinite(end) and math.isfinite(step)):
        raise ValueError(f"arange: the numbers are finite, got {start}, {end}, {step}")
    if step == 0 or (end - start) * step < 0:
        raise ShapeError(f"arange: the step leads from start to end and is not 0, got {start}, {end}, {step}")
    if dtype is None:
        dtype = dtypes.result_type(start, end, step)
    # Counted in float64 as PyTorch does, whatever the result's type.
    count = int(np.ceil((end - start) / step))
    return new(np.asarray(start + step * np.arange(count), dtype), None, device, requires_grad)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Evenly spaced numbers from `start` to `end`, both included.

    Parameters
    ----------
    start, end : number
    steps : int
        How many.
    dtype : numpy.dtype, optional
        The default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor
        Of shape (steps,).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.linspace(0, 1, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    start, end = number_of("linspace", start), number_of("linspace", end)
    if not isinstance(steps, int | np.integer):
        raise TypeError(f"linspace: the number of steps is an int, got {steps!r}")
    if steps < 0:
        raise ShapeError(f"linspace: the number of steps cannot be negative, got {steps}")
    return new(np.linspace(start, end, steps), float_dtype(dtype), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere.

    Parameters
    ----------
    n : int
        Number of rows.
    m : int, optional
        Number of columns; `n` if omitted.
    dtype : numpy.dtype, optional
        The default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor
        Of shape (n, m).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows, columns = shape_of("eye", (n, n if m is None else m))
    return new(np.eye(rows, columns, dtype=float_dtype(dtype)), None, device, requires_grad)


def zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Zeros in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor or array
        An array gives an array, so that derivative rules can use it.
    dtype : numpy.dtype, optional
        Another dtype.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.zeros_like(tg.tensor([1, 2]))
    tensor([0, 0])
    """
    if not isinstance(input, Tensor):
        return np.zeros_like(input, dtype=dtype)
    return new(np.zeros_like(input.array, dtype=dtype), None, device, requires_grad)


def ones_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Ones in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor or array
        An array gives an array, so that derivative rules can use it.
    dtype : numpy.dtype, optional
        Another dtype.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.ones_like(tg.tensor([1, 2]))
    tensor([1, 1])
    """
    if not isinstance(input, Tensor):
        return np.ones_like(input, dtype=dtype)
    return new(np.ones_like(input.array, dtype=dtype), None, device, requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor in the shape and dtype of another, whose elements are yet to be written.

    Parameters
    ----------
    input : Tensor
    dtype : numpy.dtype, optional
        Another dtype.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.empty_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    return new(np.empty_like(input.array, dtype=dtype), None, device, requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One repeated value in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
    fill_value : number
    dtype : numpy.dtype, optional
        Another dtype.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.full_like(tg.zeros(2), 7)
    tensor([7., 7.])
    """
    value = number_of("full_like", fill_value)
    return new(np.full_like(input.array, value, dtype=dtype), None, device, requires_grad)


def _legacy(name: str, dtype: np.dtype) -> Any:
    def constructor(*data: Any) -> Tensor:
        return Tensor(*data, dtype=dtype)

    constructor.__name__ = constructor.__qualname__ = name
    constructor.__doc__ = f"""A new tensor of {dtype}, from sizes or from data; PyTorch's older spelling of ``tensor``.

    Parameters
    ----------
    *data : ints, or array_like
        The sizes of a new tensor, or its values.

    Returns
    -------
    Tensor
    """
    return constructor


FloatTensor = _legacy("FloatTensor", dtypes.float32)
DoubleTensor = _legacy("DoubleTensor", dtypes.float64)
LongTensor = _legacy("LongTensor", dtypes.int64)
IntTensor = _legacy("IntTensor", dtypes.int32)
ByteTensor = _legacy("ByteTensor", dtypes.uint8)
BoolTensor = _legacy("BoolTensor", dtypes.bool)
