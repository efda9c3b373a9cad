"""A gradient against central differences of its forward, whose error is estimated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.testing.contract.case import Case
from tinygrad_edu.testing.judgement import VANISHES, Judgement
from tinygrad_edu.testing.numerical import central_difference

__all__ = ["by_differences", "off_together"]

# Elements of each gradient that differences look at, each for four evaluations.
ELEMENTS = 24
# Along which all elements of a larger gradient are looked at together.
DIRECTIONS = 3
# Of the estimated error of a difference: it is an estimate. Relative to the largest element: rounding of the backward.
SAFETY, ROUNDING = 4, 1e-9
# Where a difference is as uncertain as this, it is so by a jump of the slope.
KINK = 1e-4


def by_differences(case: Case, i: int, gradient: Any, seed: int, *, every: bool = False) -> Judgement:
    """A gradient against central differences of the forward, whose error is estimated."""
    name, x = case.pair.argument(i), case.arguments[i]
    gradient = np.zeros(x.shape) if gradient is None else np.asarray(gradient, np.float64)

    def forward(moved: Any) -> Any:
        return np.asarray(case.run((*case.arguments[:i], moved, *case.arguments[i + 1 :]))[0])

    if x.size > ELEMENTS and not every and (off := off_along(case, i, gradient, forward, seed)) is not None:
        return off
    count = x.size if every else min(ELEMENTS, x.size)
    at = np.sort(np.random.default_rng(seed).choice(x.size, count, replace=False)) if x.size else np.arange(0)
    right, error = central_difference(forward, x.copy(), case.dy, at)
    found = gradient.reshape(-1)[at]
    scale = max(float(np.abs(right).max(initial=0.0)), float(np.abs(found).max(initial=0.0)))
    bound = allowed(error, scale)
    excess = np.abs(found - right) - bound
    looked = f"{len(at)} of {x.size} elements looked at, and all together along {DIRECTIONS} directions"
    looked = looked if len(at) < x.size else ""
    if not np.isfinite(excess).all() or not x.size:
        return Judgement(name, "cannot tell", "differences", why="differences are not finite here")
    if excess.max() > 0:
        worst = int(excess.argmax())
        index = tuple(int(k) for k in np.unravel_index(at[worst], x.shape))
        return Judgement(
            name, "wrong", "differences", index=index, values=(float(found[worst]), float(right[worst])), why=looked
        )
    if not found.any():
        return Judgement(name, "cannot tell", "differences", why=VANISHES, zero=True)
    caught = float(np.median(2 * bound[found != 0] / np.abs(found[found != 0])))
    if caught > 0.1:
        return Judgement(name, "cannot tell", "differences", caught, why="differences are no better than bounds here")
    return Judgement(name, "right", "differences", caught, why=looked)


def off_along(case: Case, i: int, gradient: Any, forward: Callable[[Any], Any], seed: int) -> Judgement | None:
    """Wrong, if all elements together move the result by something else along a random direction."""
    x, generator = case.arguments[i], np.random.default_rng([seed, 5])
    for _ in range(DIRECTIONS):
        v = generator.choice([-1.0, 1.0], x.shape)
        (right,), (error,) = central_difference(lambda step, v=v: forward(x + step[0] * v), np.zeros(1), case.dy)  # type: ignore[misc]
        found = float((gradient * v).sum())
        if abs(found - right) > allowed(error, float(np.abs(gradient).sum())):
            name = case.pair.argument(i)
            why = f"this is its sum along a random direction of all {x.size} elements"
            return Judgement(f"{name}, summed,", "wrong", "differences", values=(found, float(right)), why=why)
    return None


def allowed(error: Any, scale: float) -> Any:
    """How far a right gradient may be from a difference: at a kink to the slopes of both sides, and not beyond."""
    return np.where(error > KINK * scale, error, SAFETY * error) + ROUNDING * scale


def off_together(case: Case, i: int) -> Judgement | None:
    """Wrong, if all elements together do not move a result by anything between its slopes to both sides.

    Element by element, 'all ties get the gradient' of a maximum is within bounds; their sum is not.
    """
    x, n = case.arguments[i], case.dy.size
    backward = case.run()[1]

    def forward(step: Any) -> Any:
        return np.asarray(case.run((*case.arguments[:i], x + step[0], *case.arguments[i + 1 :]))[0])

    for k in range(min(n, ELEMENTS)):
        dy = np.zeros(case.dy.shape)
        dy.reshape(-1)[k] = 1.0
        (right,), (error,) = central_difference(forward, np.zeros(1), dy)
        gradient = backward(dy.copy())[i]
        found = float(np.sum(gradient))
        if abs(found - right) > allowed(error, float(np.abs(gradient).sum())):
            name = case.pair.argument(i)
            why = f"added to all of {name} together, for element {k} of the result: at a kink in any direction"
            return Judgement(f"{name}, summed,", "wrong", "differences", values=(found, float(right)), why=why)
    return None
