"""A wrong gradient beside the right one, for a simple cotangent, with exact numbers where they can be had."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.contract.case import Case, copied
from tinygrad_edu.testing.exact.array import exact, tangents, values
from tinygrad_edu.testing.exact.kinks import AWAY
from tinygrad_edu.testing.exact.number import precision
from tinygrad_edu.testing.exact.trial import Trial
from tinygrad_edu.testing.numerical import central_difference
from tinygrad_edu.testing.shrink.shown import Smallest, number

__all__ = ["inputs_of", "with_gradients"]

# The first for which the gradients differ by a thousandth of their size, and are no remainder of what cancels, is taken,
# or that for which they differ most.
CYCLES = ((1.0,), (1.0, 2.0), (1.0, -1.0), (2.0, 1.0, -1.0, 3.0))
UNITS, ENOUGH, SMALL = 8, 1e-3, 0.01


def inputs_of(case: Case, **more: Any) -> Smallest:
    """The inputs of a case, and what there is to say of them."""
    options = {name: value for name, value in case.options.items() if isinstance(value, np.ndarray)}
    names = tuple(case.pair.argument(k) for k in range(len(case.arguments)))
    return Smallest(case.arguments, names, options, **more)


def with_gradients(case: Case, i: int, kink: bool, seed: int) -> Smallest | None:
    """The inputs with a cotangent for which the gradient of argument `i` is seen to be wrong; None if there is none."""
    most, best = 0.0, None
    with precision():
        slopes: ExactSlopes | Differences
        try:
            slopes = ExactSlopes(case, i, kink, seed)
        except Exception:  # what the code says to numbers that are no floats
            slopes = Differences(case, i)
        for dy in cotangents(case.y.shape):
            off, size, found = slopes.at(dy)
            if off * size > most:
                most, best = off * size, inputs_of(case, argument=case.pair.argument(i), dy=dy, **found)
            if off >= ENOUGH and size >= SMALL:
                break
    return best


def cotangents(shape: tuple[int, ...]) -> Iterator[NDArray]:
    """Simple cotangents: of ones, of small integers, and of ones and zeros."""
    size = int(np.prod(shape))
    for cycle in CYCLES:
        yield np.array(list(itertools.islice(itertools.cycle(cycle), size))).reshape(shape)
    for k in range(min(size, UNITS)):
        yield np.eye(1, size, k).reshape(shape)


class ExactSlopes:
    """A gradient and the derivative of the forward in 60 digits, at a kink the derivatives to both sides."""

    def __init__(self, case: Case, i: int, kink: bool, seed: int) -> None:
        self.i, self.away = i, (AWAY, -AWAY) if kink else (Decimal(0),)
        given = tuple(copied(a) for a in case.arguments)
        self.trial = Trial(with_exact_constructors(case.pair), given, case.options, seed)
        self.x = values(exact(case.arguments[i]))
        places = np.arange(self.x.size).reshape(self.x.shape)
        self.columns = [self.sides(np.equal(places, k)) for k in range(self.x.size)]
        self.together = self.sides(places >= 0)

    def sides(self, moved: NDArray) -> list[NDArray]:
        """The derivative of each element of the result when these elements move."""
        v = np.full(moved.shape, Decimal(0))
        v[moved] = Decimal(1)
        return [tangents(self.trial.run(v, self.i, self.x + away * v)[0]) for away in self.away]

    def at(self, dy: NDArray) -> tuple[float, float, dict[str, Any]]:
        """For a cotangent, by how much the gradient is wrong, and how large it is; both, and what there is to say."""
        gradient = self.trial.run()[1](exact(dy))[self.i]
        found = np.full(self.x.shape, Decimal(0)) if gradient is None else values(gradient)
        decimals = values(exact(dy))
        slopes = [[np.sum(decimals * side) for side in sides] for sides in self.columns]
        least, most = (filled([end(sides) for sides in slopes], self.x.shape) for end in (min, max))
        (off, size), said = apart(found, least, most), ""
        if not off:
            # Each element may take its own side of a kink, and all together no more than there is.
            total, together = np.sum(found), [np.sum(decimals * side) for side in self.together]
            off, size = apart(*(filled([x], ()) for x in (total, min(together), max(together))))
            said = f"added up it is {number(total, 6)}, and should be {number(min(together), 6)}" if off else ""
        return off, size, {"found": found, "right": least, "upper": most, "said": said}


class Differences:
    """A gradient and the derivative of the forward by differences."""

    def __init__(self, case: Case, i: int) -> None:
        self.case, self.i = case, i

    def at(self, dy: NDArray) -> tuple[float, float, dict[str, Any]]:
        """For a cotangent, by how much the gradient is wrong, and how large it is; and both."""
        case, i = self.case, self.i
        x = case.arguments[i]

        def forward(moved: NDArray) -> NDArray:
            return np.asarray(case.run((*case.arguments[:i], moved, *case.arguments[i + 1 :]))[0])

        gradient = case.gradients(dy)[i]
        found = np.zeros(x.shape) if gradient is None else np.asarray(gradient, np.float64)
        right = central_difference(forward, x.copy(), dy)[0].reshape(x.shape)
        return *apart(found, right, right), {"found": found, "right": right}


def filled(numbers: list[Any], shape: tuple[int, ...]) -> NDArray:
    """An array of objects."""
    array = np.empty(len(numbers), object)
    array[:] = numbers
    return array.reshape(shape)


def apart(found: NDArray, least: NDArray, most: NDArray) -> tuple[float, float]:
    """How far, relative to the largest, a gradient is from what is right, 0 within the error of that; and the largest."""
    if not all(np.isfinite(float(x)) for x in found.flat):
        return 1.0, 1.0
    scale = max(abs(x) for a in (found, least, most) for x in a.flat)
    beyond = max(max(a - x, x - b) for x, a, b in zip(found.flat, least.flat, most.flat, strict=True))
    slack = Decimal("1e-25") if isinstance(scale, Decimal) else 1e-8
    return float(beyond / scale) if beyond > slack * scale else 0.0, float(scale)
