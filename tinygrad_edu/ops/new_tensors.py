"""Methods that make a new tensor of a tensor's own element type: ``x.new_zeros(2, 3)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.creation import new, number_of, shape_of
from tinygrad_edu.ops.operation import methods, plain
from tinygrad_edu.tensor import Tensor

__all__: list[str] = []


def _new_zeros(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of this tensor's dtype, unless another is named."""
    return new(np.zeros(shape_of("new_zeros", size), dtype or self.dtype), None, device, requires_grad)


def _new_ones(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of this tensor's dtype, unless another is named."""
    return new(np.ones(shape_of("new_ones", size), dtype or self.dtype), None, device, requires_grad)


def _new_empty(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of this tensor's dtype, unless another is named, whose values are not set."""
    return new(np.empty(shape_of("new_empty", size), dtype or self.dtype), None, device, requires_grad)


def _new_full(
    self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One number everywhere, of this tensor's dtype unless another is named."""
    shape, value = shape_of("new_full", (size,)), number_of("new_full", fill_value)
    return new(np.full(shape, value, dtype or self.dtype), None, device, requires_grad)


def _new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of the data in this tensor's dtype, unless another is named."""
    try:
        return new(np.array(plain(data), dtype or self.dtype), None, device, requires_grad)
    except (TypeError, ValueError) as error:
        raise TypeError(f"new_tensor: {data!r} cannot be made into numbers of {dtype or self.dtype}: {error}") from None


methods(new_zeros=_new_zeros, new_ones=_new_ones, new_empty=_new_empty, new_full=_new_full, new_tensor=_new_tensor)
