"""Numerical derivatives, to hold the others against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["central_difference"]

# The error of a central difference is about h² f‴/6 + ε |f| / h, least near h = ε^(1/3).
STEP = float(np.finfo(np.float64).eps ** (1 / 3))


def central_difference(
    f: Callable[[NDArray], NDArray], x: NDArray, dy: NDArray, at: NDArray | None = None
) -> tuple[NDArray, NDArray]:
    r"""The gradient of :math:`\langle dy, f(x) \rangle` by central differences, :math:`(f(x + h e_i) - f(x - h e_i))/2h`.

    Parameters
    ----------
    f : callable
        From an array to an array; called twice for each element.
    x : numpy.ndarray of float64
    dy : numpy.ndarray
        Of the result's shape.
    at : numpy.ndarray of int, optional
        Flat indices of the elements of `x` to do; all if omitted.

    Returns
    -------
    gradient : numpy.ndarray
        Of the elements in `at`.
    smooth : numpy.ndarray of bool
        False where the one-sided differences disagree: there lies a kink within a step, and a central difference says
        nothing about the derivative.

    Examples
    --------
    >>> import numpy as np
    >>> gradient, smooth = central_difference(np.square, np.array([1.0, 3.0]), np.ones(2))
    >>> np.round(gradient, 6)
    array([2., 6.])
    """
    at = np.arange(x.size) if at is None else at
    middle = np.array(f(x), np.float64)
    gradient, smooth = np.zeros(len(at)), np.ones(len(at), bool)
    moved = x.copy()
    flat = moved.reshape(-1)
    for k, i in enumerate(at):
        value = flat[i]
        h = STEP * max(1.0, abs(value))
        flat[i] = above = value + h
        up = np.array(f(moved), np.float64)
        flat[i] = below = value - h
        down = np.array(f(moved), np.float64)
        flat[i] = value
        # Elementwise differences first: what does not depend on this element cancels exactly.
        gradient[k] = (dy * (up - down)).sum() / (above - below)
        bend = np.abs(dy * (up - 2 * middle + down)).sum() / h
        # Where f is smooth the bend is h |f″|, of the order of 1e-5.
        smooth[k] = bend <= 1e-2 * max(1e-3, np.abs(dy * (up - down)).sum() / h)
    return gradient, smooth
