"""Rounding errors in units in the last place of what is right."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ulps", "digits_of", "ulps"]


@dataclass(frozen=True)
class Ulps:
    r"""The errors of an array's elements, each measured three times.

    With the right value :math:`r`, what was found :math:`f`, and :math:`u(a)` the gap between the floats around :math:`a`:

    Attributes
    ----------
    element : numpy.ndarray
        :math:`|f - r| / u(r)`.
    largest : numpy.ndarray
        :math:`|f - r| / u(\max |r|)`, in units of the array's largest element.
    inputs : numpy.ndarray
        :math:`|f - r| / (u(r) + m)`, where :math:`m` is how far :math:`r` moves when the inputs are rounded.
    """

    element: NDArray
    largest: NDArray
    inputs: NDArray


def digits_of(dtype: Any) -> float:
    """The number of ulps that an error as large as the number itself has at least.

    Parameters
    ----------
    dtype : numpy.dtype

    Returns
    -------
    float

    Examples
    --------
    >>> digits_of("float32") == 2**23
    True
    """
    return 1.0 / float(np.finfo(dtype).eps)


def ulps(found: NDArray, right: NDArray, moved: NDArray, dtype: Any) -> Ulps:
    """The errors of `found` in units in the last place.

    Parameters
    ----------
    found : numpy.ndarray
    right : numpy.ndarray of Decimal
        What it ought to be, of the same shape.
    moved : numpy.ndarray of Decimal
        How far that moves when the inputs are rounded.
    dtype : numpy.dtype
        Whose ulps count.

    Returns
    -------
    Ulps
        Errors are held at :func:`digits_of`, where no digit is right; infinite where there is a number on one side alone.
        Where both are NaN, or the same infinity after rounding, the error is 0.

    Examples
    --------
    >>> right = np.array([Decimal(1), Decimal(4)])
    >>> ulps(np.array([1.0, 4.0]) * (1 + 2**-51), right, 0 * right, "float64").element
    array([2., 2.])
    """
    limits = np.finfo(dtype)
    with np.errstate(all="ignore"):
        near = np.array([float(r) for r in right.ravel()]).astype(dtype).reshape(right.shape)
        unit = np.spacing(np.minimum(np.abs(near), np.nextafter(limits.max, 0))).astype(np.float64)
    unit = np.where(np.isnan(unit), 1.0, unit)
    largest = float(np.abs(near).max(initial=0, where=np.isfinite(near)))
    same = (found == near) | (np.isnan(found) & np.isnan(near))
    numbers = np.isfinite(found) & np.isfinite(near)
    error = np.full(right.shape, np.inf)
    error[same & ~numbers] = 0
    moves = np.zeros(right.shape)
    for index in np.ndindex(right.shape):
        if not numbers[index]:
            continue
        # In decimals, as it may be far smaller than what is subtracted.
        error[index] = abs(Decimal(found[index].item()) - right[index])
        moves[index] = abs(moved[index])
    most = np.where(np.isinf(error), np.inf, digits_of(dtype))
    of_largest = float(np.spacing(limits.dtype.type(min(largest, np.nextafter(limits.max, 0)))))
    with np.errstate(all="ignore"):
        # A gradient that moves without bound explains every error; ∞ less ∞ is none.
        beyond = np.where(np.isinf(moves), 0.0, error / (unit + np.nan_to_num(moves)))
        return Ulps(*(np.minimum(e, most) for e in (error / unit, error / of_largest, beyond)))
