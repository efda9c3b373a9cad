"""Inputs of the conformance tables, written as what they are: ``f(3, 4).t`` is a transposed 4 x 3 tensor of floats.

An input is a description. Its numbers are made when a row is run, and depend on its place in the row alone, so that
two inputs of one row differ and every run is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = [
    "Input",
    "b",
    "diagonal",
    "f",
    "f16",
    "f32",
    "i",
    "i32",
    "pd",
    "pos",
    "sym",
    "ties",
    "u8",
    "unit",
    "v",
    "zeros",
]


@dataclass(frozen=True)
class Input:
    """A tensor to be made: how from its place in the row, and the views that are then taken of it."""

    make: Callable[[int], np.ndarray]
    views: tuple[Callable[[Any], Any], ...] = ()

    def seen(self, tensor: Any) -> Any:
        """The views of a tensor, on either side."""
        for view in self.views:
            tensor = view(tensor)
        return tensor

    def viewed(self, view: Callable[[Any], Any]) -> Input:
        """The same with one more view."""
        return replace(self, views=(*self.views, view))

    @property
    def t(self) -> Input:
        """Its last two dimensions exchanged."""
        return self.viewed(lambda x: x.transpose(-1, -2))

    @property
    def step(self) -> Input:
        """Every second element of its last dimension."""
        return self.viewed(lambda x: x[..., ::2])

    @property
    def tail(self) -> Input:
        """All but the first of its first dimension: memory that begins elsewhere."""
        return self.viewed(lambda x: x[1:])

    @property
    def still(self) -> Input:
        """Without a gradient."""
        return self.viewed(lambda x: x.detach())

    def expand(self, *shape: int) -> Input:
        """Its elements repeated without copying."""
        return self.viewed(lambda x: x.expand(*shape))


def spaced(shape: tuple[int, ...], place: int, low: float, high: float) -> np.ndarray:
    """Numbers between two bounds, all different and none near a multiple of 1/2, where functions have their kinks."""
    count = int(np.prod(shape))
    # Multiples of the golden ratio modulo 1 never meet and leave no gap.
    x = low + (high - low) * np.mod(0.6180339887498949 * (np.arange(count) + 1 + 1009 * place), 1.0)
    cell = np.floor(2 * x) / 2
    return (cell + 0.05 + 0.8 * (x - cell)).reshape(shape)


def f(*shape: int, low: float = -2, high: float = 2, dtype: Any = "float64") -> Input:
    """Floats between two multiples of 1/2."""
    return Input(lambda place: spaced(shape, place, low, high).astype(dtype))


def f32(*shape: int, low: float = -2, high: float = 2) -> Input:
    """Floats of 32 bits."""
    return f(*shape, low=low, high=high, dtype="float32")


def f16(*shape: int, low: float = -2, high: float = 2) -> Input:
    """Floats of 16 bits."""
    return f(*shape, low=low, high=high, dtype="float16")


def pos(*shape: int) -> Input:
    """Floats between 1/2 and 3."""
    return f(*shape, low=0.5, high=3)


def unit(*shape: int) -> Input:
    """Floats between 0 and 1."""
    return f(*shape, low=0, high=1)


def i(*shape: int, low: int = 1, high: int = 6, dtype: Any = "int64") -> Input:
    """Integers, low <= i < high."""
    return Input(lambda place: np.floor(spaced(shape, place, low, high)).astype(dtype))


def i32(*shape: int, low: int = 1, high: int = 6) -> Input:
    """Integers of 32 bits."""
    return i(*shape, low=low, high=high, dtype="int32")


def u8(*shape: int, low: int = 1, high: int = 6) -> Input:
    """Integers of 8 bits without sign."""
    return i(*shape, low=low, high=high, dtype="uint8")


def b(*shape: int) -> Input:
    """Booleans."""
    return Input(lambda place: spaced(shape, place, 0, 1) > 0.5)


def ties(*shape: int, dtype: Any = "float64") -> Input:
    """Floats of which many are equal: -1, 0 and 2."""
    return Input(lambda place: np.array([-1, 0, 2])[np.floor(spaced(shape, place, 0, 3)).astype(int)].astype(dtype))


def zeros(*shape: int, dtype: Any = "float64") -> Input:
    """Zeros."""
    return Input(lambda place: np.zeros(shape, dtype))


def v(values: Any, dtype: Any = None) -> Input:
    """These values; floats have 64 bits."""
    return Input(lambda place: np.array(values, dtype))


def diagonal(*shape: int) -> Input:
    """Matrices far from singular, with singular values far apart."""

    def make(place: int) -> np.ndarray:
        x = 0.3 * spaced(shape, place, -1, 1)
        k = np.arange(min(shape[-2:]))
        x[..., k, k] += 2.0 * (k + 1)
        return x

    return Input(make)


def sym(*shape: int) -> Input:
    """Symmetric matrices with eigenvalues far apart."""
    return Input(lambda place: (lambda x: (x + x.swapaxes(-1, -2)) / 2)(diagonal(*shape).make(place)))


def pd(*shape: int) -> Input:
    """Symmetric positive definite matrices."""
    return Input(lambda place: (lambda x: x @ x.swapaxes(-1, -2))(diagonal(*shape).make(place)))
