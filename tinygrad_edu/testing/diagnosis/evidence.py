"""What one run tells of a gradient, and when two numbers are the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.exact.trial import Trial, as_floats

__all__ = ["CLOSE", "Evidence", "constant_ratio", "evidence", "same", "simple"]

# How well floats made of exact numbers agree, where they do. A coincidence this close would have to happen twice, in two
# runs on different numbers.
CLOSE = 1e-9


@dataclass
class Evidence:
    """One run on exact numbers, rounded to floats at the very end.

    Attributes
    ----------
    found : numpy.ndarray
        The gradient that the backward gave.
    right : numpy.ndarray
        The true one.
    missing : numpy.ndarray
        Their difference ``right - found``, which keeps its digits however small it is; empty if the shapes differ.
    names : dict of str to numpy.ndarray
        The author's variables, each value under one name, without those that are but this gradient.
    """

    found: NDArray
    right: NDArray
    missing: NDArray
    names: dict[str, NDArray]

    @property
    def fits(self) -> bool:
        """Whether the gradient has its argument's shape."""
        return self.found.shape == self.right.shape


def evidence(trial: Trial, i: int) -> Evidence:
    """What a run tells of the gradient of argument `i`.

    Parameters
    ----------
    trial : Trial
    i : int

    Returns
    -------
    Evidence
    """
    right = trial.right(i)
    found = trial.found[i]
    if found is None:
        found = np.full(right.shape, Decimal(0))
    missing = rounded(right - found) if right.shape == found.shape else np.zeros(0)
    found, right = rounded(found), rounded(right)
    names: dict[str, NDArray] = {}
    for name, value in as_floats({"dy": trial.dy, **trial.names}).items():
        known = any(same(value, other) for other in names.values())
        # A gradient's own variable explains it by itself.
        if value.size and np.isfinite(value).all() and not known and constant_ratio(value, found) is None:
            names[name] = value
    names |= derived(names, right)
    if found.size <= 2:  # too few elements to tell variables from the gradient
        names |= as_floats({"dy": trial.dy})
    return Evidence(found, right, missing, names)


def derived(names: dict[str, NDArray], right: NDArray) -> dict[str, NDArray]:
    """What stands in formulas beside the variables themselves.

    Parameters
    ----------
    names : dict of str to numpy.ndarray
        The variables.
    right : numpy.ndarray
        The gradient.

    Returns
    -------
    dict
        Reciprocals of small positive ones, such as a standard deviation, and of their squares; 1 − v of probabilities,
        1 ± v and 1 − v² of what is within ±1; and those that belong to the first axes of the gradient, in its number of
        dimensions.
    """
    found = {}
    for name, value in names.items():
        if value.ndim and value.size < right.size and (value > 0).all():
            found[f"1/{name}"] = 1 / value
            found[f"1/{name}²"] = 1 / value**2
        if value.ndim and np.abs(value).max() < 1 and name != "dy":
            found[f"(1 − {name})"] = 1 - value
            found[f"(1 − {name}²)"] = 1 - value**2
            if (value < 0).any():
                found[f"(1 + {name})"] = 1 + value
    for name, value in list({**names, **found}.items()):
        if 0 < value.ndim < right.ndim and value.shape == right.shape[: value.ndim] != right.shape[-value.ndim :]:
            dots = ", ".join([":"] * value.ndim + ["None"] * (right.ndim - value.ndim))
            found[f"{name}[{dots}]"] = value.reshape(value.shape + (1,) * (right.ndim - value.ndim))
    return found


def rounded(x: NDArray) -> NDArray:
    """Decimals as floats."""
    return np.asarray(x).astype(np.float64)


def same(a: NDArray, b: NDArray) -> bool:
    """Whether arrays have equal shapes, and values up to rounding of the largest.

    Parameters
    ----------
    a, b : numpy.ndarray

    Returns
    -------
    bool
    """
    if np.shape(a) != np.shape(b):
        return False
    scale = float(np.max(np.abs(b), initial=0.0))
    return bool(np.all(np.abs(a - b) <= CLOSE * scale)) if scale else not np.any(a)


def constant_ratio(a: Any, b: Any) -> float | None:
    """The number c with a = c·b, if there is one that is not 0.

    Parameters
    ----------
    a, b : numpy.ndarray

    Returns
    -------
    float or None
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or not a.size or not np.isfinite(b).all():
        return None
    place = int(np.argmax(np.abs(b)))
    if b.flat[place] == 0 or a.flat[place] == 0:
        return None
    ratio = float(a.flat[place] / b.flat[place])
    return ratio if same(a, ratio * b) else None


def simple(x: float, largest: int = 1000) -> Fraction | None:
    """The fraction of small numbers that a float is, if it is one.

    Parameters
    ----------
    x : float
    largest : int, default 1000
        Of numerator and denominator.

    Returns
    -------
    Fraction or None
    """
    near = Fraction(x).limit_denominator(largest)
    return near if near and abs(float(near) / x - 1) < CLOSE and abs(near.numerator) <= largest else None
