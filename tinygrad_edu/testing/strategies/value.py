"""Single numbers: simple ones, on and off kinks, and extreme ones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

__all__ = ["away_from", "extreme", "on_kinks", "quarters"]


def quarters(low: float = -4.0, high: float = 4.0) -> st.SearchStrategy[float]:
    """Multiples of 1/4 from `low` to `high`: numbers to reckon with on paper.

    They shrink to 0 if it lies between, through 1, -1, 2, ... before 0.5, -0.5, ... before 0.25: every whole number is
    simpler than any half, every half simpler than any quarter, and of each kind the smallest is the simplest.

    Parameters
    ----------
    low, high : float, default -4, 4
        Both ends are included.

    Returns
    -------
    strategy of float

    Raises
    ------
    ValueError
        If no multiple of 1/4 lies between.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(quarters(), lambda x: x > 0.5)
    1.0
    >>> find(quarters(), lambda x: 0 < x < 1)
    0.5
    """
    return simplest_first("quarters", low, high)


def simplest_first(
    name: str, low: float, high: float, points: Iterable[float] = (), distance: float = 0.0
) -> st.SearchStrategy[float]:
    """Multiples of 1/4 between the bounds and at a distance from all points."""
    values = [k / 4 for k in range(math.ceil(4 * low), math.floor(4 * high) + 1)]
    values = [v for v in values if all(abs(v - p) >= distance for p in points)]
    if not values:
        beside = f" is {distance} or more away from {tuple(points)}" if distance else ""
        raise ValueError(f"{name}: no multiple of 1/4 between {low} and {high}{beside}; give wider bounds")
    # Wholes, halves and quarters each have their own branch: Hypothesis does not try all smaller places of a long list.
    # A list of one takes no choice, and fewer choices are simpler; written twice it takes one.
    kinds = [[v for v in values if v.as_integer_ratio()[1] == denominator] for denominator in (1, 2, 4)]
    kinds = [sorted(kind, key=lambda v: (abs(v), v < 0)) for kind in kinds if kind]
    return st.one_of(*(st.sampled_from(kind if len(kind) > 1 else 2 * kind) for kind in kinds))


def away_from(
    points: float | Iterable[float], distance: float = 0.25, *, low: float = -4.0, high: float = 4.0
) -> st.SearchStrategy[float]:
    r"""Multiples of 1/4 at a distance from kinks: :math:`|x - p| \ge \mathrm{distance}` for each point :math:`p`.

    They shrink as those of :func:`quarters` do. Kinks between elements, where two are equal, are kept away from by
    :func:`without_ties`.

    Parameters
    ----------
    points : float or iterable of float
        Where the function has no derivative.
    distance : float, default 0.25
        More than the step of any numerical derivative.
    low, high : float, default -4, 4
        Both ends are included.

    Returns
    -------
    strategy of float

    Raises
    ------
    ValueError
        If no multiple of 1/4 is left.

    Examples
    --------
    >>> from hypothesis import find
    >>> hardtanh = away_from([-1, 1], 0.5)
    >>> find(hardtanh, lambda x: True)
    0.0
    >>> find(hardtanh, lambda x: abs(x) >= 1)
    2.0
    """
    return simplest_first("away_from", low, high, _floats(points, "away_from"), distance)


def on_kinks(points: float | Iterable[float], *, dtype: Any = np.float64) -> st.SearchStrategy[float]:
    """The points themselves, rounded to `dtype`; together with ``away_from(points)``, both sides and the kink.

    They shrink to the point given first.

    Parameters
    ----------
    points : float or iterable of float
        Where the function has no derivative.
    dtype : numpy.dtype, default float64
        The float type for which they are meant.

    Returns
    -------
    strategy of float

    Raises
    ------
    ValueError
        If there are no points.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(on_kinks([3, 0, 6]), lambda x: x > 3)
    6.0
    >>> relu = on_kinks(0) | away_from(0)
    >>> find(relu, lambda x: True)
    0.0
    >>> find(relu, lambda x: x != 0)
    1.0
    """
    return st.sampled_from([float(np.dtype(dtype).type(p)) for p in _floats(points, "on_kinks")])


def _floats(points: Any, name: str) -> list[float]:
    found = [float(p) for p in np.atleast_1d(points if np.ndim(points) or np.isscalar(points) else list(points))]
    if not found:
        raise ValueError(f"{name}: expected at least one point, got none")
    return found


def extreme(
    kind: Literal["huge", "tiny", "subnormal", "mixed"] = "mixed", *, dtype: Any = np.float64
) -> st.SearchStrategy[float]:
    r"""Powers of two of either sign at the ends of a float type's range, where formulas overflow and lose digits.

    - huge: :math:`\pm 2^e` whose square overflows, and the largest number;
    - tiny: normal :math:`\pm 2^e` whose square underflows;
    - subnormal: :math:`\pm 2^e` below the least normal number;
    - mixed: all of these, and :func:`quarters` among them, so that large and small meet.

    Infinities and NaN are none of these. Each kind shrinks towards magnitude 1; mixed shrinks to 0.

    Parameters
    ----------
    kind : {"mixed", "huge", "tiny", "subnormal"}
    dtype : numpy.dtype, default float64

    Returns
    -------
    strategy of float

    Raises
    ------
    ValueError
        If `kind` is none of these, or `dtype` no float type.

    Examples
    --------
    >>> from hypothesis import find
    >>> import numpy as np
    >>> find(extreme("huge", dtype=np.float32), lambda x: True) == 2.0**64
    True
    >>> find(extreme(), lambda x: 0 < abs(x) < 2.0**-1022) == 2.0**-1023
    True
    """
    if np.dtype(dtype).kind != "f":
        raise ValueError(f"extreme: expected a float type such as float32 or float64, got {np.dtype(dtype)}")
    info = np.finfo(dtype)
    ranges = {
        "huge": (info.maxexp // 2, info.maxexp - 1),
        "tiny": (info.minexp // 2 - 1, info.minexp),
        "subnormal": (info.minexp - 1, info.minexp - info.nmant),
    }
    if kind != "mixed" and kind not in ranges:
        raise ValueError(f"extreme: expected 'huge', 'tiny', 'subnormal' or 'mixed', got {kind!r}")
    # The exponent next to 0 first, and of each the positive number.
    powers = {name: [s * 2.0**e for e in _steps(*ends) for s in (1, -1)] for name, ends in ranges.items()}
    powers["huge"] += [float(info.max), float(info.min)]
    if kind == "mixed":
        return st.one_of(quarters(), *(st.sampled_from(values) for values in powers.values()))
    return st.sampled_from(powers[kind])


def _steps(first: int, last: int) -> range:
    return range(first, last + 1) if last > first else range(first, last - 1, -1)
