"""Exponentials and logarithms in forms that overflow nowhere and lose no digits, on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["log1p_exp", "log_softmax", "sigmoid"]


def sigmoid(x: NDArray) -> NDArray:
    """1/(1 + e^−x), with all its digits also where it is nearly 0."""
    e = np.exp(-abs(x))  # at most 1
    return np.where(x >= 0, np.ones_like(e), e) / (1 + e)


def log1p_exp(x: NDArray) -> NDArray:
    """log(1 + e^x) = max(x, 0) + log(1 + e^−|x|)."""
    return np.maximum(x, np.zeros_like(x)) + np.log1p(np.exp(-abs(x)))


def log_softmax(x: NDArray, axis: int) -> NDArray:
    """x − log Σ_k e^x_k along one axis; the largest is taken out first, so that every exponential is at most 1."""
    x = x - x.max(axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis, keepdims=True))
