"""SciPy's functions of arrays that are written for floats, as formulas: exact numbers do not overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["COMPOSED"]


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    r""":math:`\log \sum_i b_i e^{a_i}`."""
    return np.log((np.exp(a) if b is None else b * np.exp(a)).sum(axis, keepdims=keepdims))


def softmax(x: Any, axis: Any = None) -> Any:
    r""":math:`e^{x_i} / \sum_j e^{x_j}`."""
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    r""":math:`x_i - \log \sum_j e^{x_j}`."""
    return x - logsumexp(x, axis, keepdims=True)


COMPOSED = {f.__name__: f for f in (logsumexp, softmax, log_softmax)}
"""By their names in ``scipy.special``."""
