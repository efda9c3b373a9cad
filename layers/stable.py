"""Exponentials and logarithms in forms that overflow nowhere and lose no digits, on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_softmax", "others", "sigmoid", "sigmoid_slope"]


def sigmoid(x: NDArray) -> NDArray:
    """1/(1 + e^−x), with all its digits also where it is nearly 0."""
    e = np.exp(-abs(x))  # at most 1
    return np.where(x >= 0, np.ones_like(e), e) / (1 + e)


def sigmoid_slope(x: NDArray) -> NDArray:
    """σ′(x) = e^−|x| / (1 + e^−|x|)², an even function, with all its digits also where σ is nearly 1."""
    e = np.exp(-abs(x))
    u = 1 + e
    u *= u
    e /= u
    return e


def log_softmax(x: NDArray, axis: int) -> NDArray:
    """x − log Σ_k e^x_k along one axis; the largest is taken out first, so that every exponential is at most 1."""
    if not x.shape[axis]:
        return x.copy()
    largest = x.argmax(axis, keepdims=True)
    x = x - np.take_along_axis(x, largest, axis)
    # The largest is 0 now and its exponential 1: Σ_k e^x_k = 1 + Σ of the others, which in a sum would be lost to the 1.
    e = np.exp(x)
    np.put_along_axis(e, largest, 0, axis)
    return x - np.log1p(e.sum(axis, keepdims=True))


def others(x: NDArray, axis: int) -> NDArray:
    """Σ_{k≠i} x_k for each i along one axis, of numbers of which none is negative.

    That is the sum of all less x_i, and at least half of it unless x_i is the largest; so only there digits would be lost.
    """
    if not x.shape[axis]:
        return x.copy()
    largest = x.argmax(axis, keepdims=True)
    rest = x.copy()
    np.put_along_axis(rest, largest, 0, axis)
    of_largest = rest.sum(axis, keepdims=True)
    result = np.take_along_axis(x, largest, axis) + of_largest - x
    np.put_along_axis(result, largest, of_largest, axis)
    return result
