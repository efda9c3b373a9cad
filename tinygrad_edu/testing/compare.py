"""Holding the gradients of several forms against each other."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.gradients import Gradients, largest
from tinygrad_edu.testing.report import Comparison

__all__ = ["EXACT", "compared", "names_of", "shapes_of", "suspects"]

EXACT = 1e-9


def names_of(found: dict[str, Gradients]) -> list[str]:
    """The result and every gradient that any form has."""
    return list(dict.fromkeys(["result", *(name for gradients in found.values() for name in gradients.by_name)]))


def value_of(gradients: Gradients, name: str) -> NDArray | None:
    """The result or one gradient, with numbers in place of booleans."""
    value = gradients.result if name == "result" else gradients.by_name.get(name)
    return value if value is None or value.dtype.kind == "f" else value.astype(np.float64)


def shapes_of(found: dict[str, Gradients]) -> dict[str, tuple[int, ...]]:
    """The shape of the result and of each gradient."""
    values = {name: [value_of(gradients, name) for gradients in found.values()] for name in names_of(found)}
    return {
        name: next(v.shape for v in of if v is not None)
        for name, of in values.items()
        if any(v is not None for v in of)
    }


def floor_of(found: dict[str, Gradients], name: str) -> float:
    """The least scale for errors of one gradient: in a gradient that ought to vanish, rounding is all there is.

    So there is a floor at a millionth of the largest gradient (the cotangent's 1 among them), and one, up to that
    largest gradient, which lets rounding errors be a thousand times as large as those that the graph shows.
    """
    exact = [gradients for form, gradients in found.items() if form != "numerical"]
    others = max([1.0, *(largest(g) for gradients in exact for g in gradients.by_name.values())])
    rounding = max((gradients.rounding.get(name, 0.0) for gradients in exact), default=0.0)
    return max(1e-6 * others, min(1e3 * rounding / EXACT, others))


def suspects(found: dict[str, Gradients]) -> dict[str, int]:
    """For each gradient the element at which the exact forms differ most."""
    at = {}
    for name in names_of(found)[1:]:
        values = [value for gradients in found.values() if (value := value_of(gradients, name)) is not None]
        apart = [difference(x, y) for x, y in itertools.combinations(values, 2) if x.shape == y.shape and x.size]
        if apart:
            at[name] = int(np.argmax(np.max(apart, axis=0)))
    return at


def difference(x: NDArray, y: NDArray) -> NDArray:
    """Absolute differences: 0 between equal infinities and between NaNs, infinite between a NaN and a number."""
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    with np.errstate(invalid="ignore"):  # ∞ − ∞, where both are the same
        return np.where(same, 0.0, np.nan_to_num(np.abs(x - y), nan=np.inf))


def compared(name: str, forms: tuple[str, str], found: dict[str, Gradients], tolerance: float) -> Comparison | None:
    """The comparison of one gradient between two forms; None if one of them has nothing to say."""
    a, b = (found[form] for form in forms)
    x, y = value_of(a, name), value_of(b, name)
    if x is None or y is None:
        return None
    if x.shape != y.shape:
        return Comparison(name, forms, float("nan"), tolerance, shapes=(x.shape, y.shape))
    scale = max(largest(x), largest(y), 0.0 if name == "result" else floor_of(found, name))
    apart = difference(x, y)
    vague = np.zeros(x.shape, bool)
    for own in (gradients.error[name] for gradients in (a, b) if name in gradients.error):
        # Beside a kink, and where rounding is all that a difference sees, it only gives bounds.
        vague = ~(own <= 0.1 * tolerance * scale)
        apart[vague] = np.maximum(0.0, apart - own)[vague]
    seen = ~np.isnan(apart)
    if x.size and not seen.any():
        return None
    shapes = x.shape, y.shape
    if not apart[seen].any():
        return Comparison(name, forms, 0.0, tolerance, shapes=shapes, bounds=bool(x.size and vague[seen].all()))
    at = np.unravel_index(np.nanargmax(apart), x.shape)
    values = float(x[at]), float(y[at])
    error = float("nan") if np.isnan(values).any() else float(apart[at] / scale)
    return Comparison(name, forms, error, tolerance, tuple(int(i) for i in at), values, shapes)
