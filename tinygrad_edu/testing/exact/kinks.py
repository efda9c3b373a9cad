"""Gradients at kinks, held against those of the points around: computed with 60 digits, 1e-30 away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.exact.array import exact, tangents, values
from tinygrad_edu.testing.exact.check import ExactError
from tinygrad_edu.testing.exact.number import Inexact, precision
from tinygrad_edu.testing.exact.trial import Trial, random_decimals

__all__ = ["Slopes", "limits"]

ZERO, ONE = Decimal(0), Decimal(1)
# Slopes that far away differ by about as much from those at the kink itself, and by no more than the tolerance.
AWAY, TOLERANCE = Decimal("1e-30"), Decimal("1e-25")
# A slope of this size comes of a derivative that is infinite at the kink.
INFINITE = Decimal("1e12")
# An element takes two forwards, and those that seem wrong this many more.
ELEMENTS, DIRECTIONS = 64, 24


@dataclass(frozen=True)
class Slopes:
    r"""A gradient at a kink, beside what it is around.

    Attributes
    ----------
    found, least, most : numpy.ndarray of float64
        For each element the gradient, and the least and the largest number between those around.
    index : tuple of int or None
        An element at which the gradient lies outside.
    together : tuple of (int, float, float, float) or None
        An element of the result for which the sum of the gradient lies outside, and that sum, the least and the most: all
        elements move together then, as when all ties of a maximum rise.
    """

    found: NDArray
    least: NDArray
    most: NDArray
    index: tuple[int, ...] | None = None
    together: tuple[int, float, float, float] | None = None

    @property
    def kinks(self) -> NDArray:
        """Where the slopes around differ."""
        return self.most - self.least > float(TOLERANCE) * np.abs(self.most)


def limits(
    by_hand: Callable[..., Any], *arguments: Any, argument: int = 0, seed: int = 0, **options: Any
) -> Slopes | None:
    r"""Compare a gradient at a kink with its limits from around: what it is at :math:`x + 10^{-30} w`.

    Each convention for a kink takes one of the limits :math:`\lim_{h \to 0} \nabla f(x + h w)`, or a mean of them (Clarke's
    generalized gradient); each element of the result may take its own. A gradient that has an element beyond all of them
    is none, and neither is one whose sum is beyond the slopes of the function when all elements of `x` move together:
    that is how to tell 'each of the largest gets it all'.

    Parameters
    ----------
    by_hand : callable
        ``by_hand(*arguments, **options) -> (y, backward)`` in NumPy.
    *arguments
        As for :func:`~tinygrad_edu.testing.exact.check_pair`.
    argument : int, default 0
        Which gradient, by its position.
    seed : int, default 0
        For the cotangent, and for directions beside those along an element and back.
    **options
        Keyword arguments.

    Returns
    -------
    Slopes or None
        None where a limit is infinite or the function is not defined on both sides, and for more than 64 elements.

    Raises
    ------
    ExactError
        If the code does something that exact numbers cannot do.

    References
    ----------
    F. H. Clarke, Optimization and Nonsmooth Analysis, Wiley, 1983, section 2.5.

    Examples
    --------
    >>> import numpy as np
    >>> def relu(x):
    ...     return np.maximum(x, 0), lambda dy: dy * (x > 0)
    >>> slopes = limits(relu, np.array([0.0, 2.0]))
    >>> slopes.kinks, slopes.index
    (array([ True, False]), None)
    """
    if arguments[argument].size > ELEMENTS:
        return None
    with precision():
        try:
            return Around(Trial(by_hand, arguments, options, seed), argument, seed).compared()
        except Infinite:
            return None
        except (Inexact, ArithmeticError, LookupError, AttributeError, TypeError, ValueError) as error:
            raise ExactError(f"{type(error).__name__}: {error}") from error


class Infinite(Exception):
    """A limit is infinite, or there is none."""


class Around:
    """The points around the argument of a trial."""

    def __init__(self, trial: Trial, i: int, seed: int) -> None:
        self.trial, self.i = trial, i
        x = trial.arguments[i]
        self.at = values(exact(x))
        generator = np.random.default_rng([seed, 4])
        self.directions = [random_decimals(generator, x.shape) for _ in range(DIRECTIONS)]

    def slopes(self, v: NDArray, w: NDArray) -> NDArray:
        """The derivative along `v` of each element of the result, a little away along `w`."""
        found = tangents(self.trial.run(v, self.i, self.at + AWAY * w)[0]).ravel()
        if not all(slope.is_finite() and abs(slope) < INFINITE for slope in found):
            raise Infinite
        return found

    def compared(self) -> Slopes | None:
        """The gradient, and its sum, beside the limits."""
        shape, dy = self.at.shape, self.trial.dy.ravel()
        found: Any = self.trial.found[self.i]
        if found is None or found.shape != shape:
            return None
        # Relative to this, what is left where large terms cancel is rounding.
        scale = max([ZERO, *(abs(g) for g in found.ravel() if g.is_finite()), self.rounding() * max(map(abs, dy))])
        least: Any = np.empty(shape, object)
        most: Any = np.empty(shape, object)
        outside = []
        for index in np.ndindex(*shape):
            unit = np.full(shape, ZERO)
            unit[index] = ONE
            near = [dy * self.slopes(unit, w) for w in (unit, -unit)]
            if not _within(found[index], *_bounds(near), scale):
                near += [dy * self.slopes(unit, w) for w in self.directions]
            least[index], most[index] = _bounds(near)
            if not _within(found[index], least[index], most[index], scale):
                outside.append(index)
        together = None if outside else self.sum_outside()
        floats = [array.astype(np.float64) for array in (found, least, most)]
        return Slopes(floats[0], floats[1], floats[2], outside[0] if outside else None, together)

    def rounding(self) -> Decimal:
        """What a slope of 0 may come out as, in units of the tolerance: 60 digits less than the largest number here."""
        y = values(self.trial.run()[0]).ravel()
        largest = max([ONE, *(abs(v) for v in (*y, *self.at.ravel()) if v.is_finite())])
        return largest * AWAY / TOLERANCE

    def sum_outside(self) -> tuple[int, float, float, float] | None:
        """The first element of the result whose slopes do not hold the sum of its gradient between them."""
        ones = np.full(self.at.shape, ONE)
        near = [self.slopes(ones, w) for w in (ones, -ones, *self.directions)]
        rounding, (_, backward) = self.rounding(), self.trial.run()
        for k in range(near[0].size):
            dy = np.full(self.trial.dy.shape, ZERO)
            dy.reshape(-1)[k] = ONE
            gradients = backward(exact(dy))
            gradient = (gradients if isinstance(gradients, tuple | list) else (gradients,))[self.i]
            gradient = values(gradient() if callable(gradient) else gradient).ravel()
            total, scale = sum(gradient, ZERO), sum((abs(g) for g in gradient), ZERO)
            if not total.is_finite():
                continue  # 0 · infinity, where the result's element is left out
            least, most = min(slopes[k] for slopes in near), max(slopes[k] for slopes in near)
            if not _within(total, least, most, max(scale, rounding)):
                return k, float(total), float(least), float(most)
        return None


def _bounds(near: list[NDArray]) -> tuple[Decimal, Decimal]:
    """The sums of the least and of the largest terms: each element of the result has its own choice."""
    terms = list(zip(*near, strict=True))
    return sum((min(t) for t in terms), ZERO), sum((max(t) for t in terms), ZERO)


def _within(x: Decimal, least: Decimal, most: Decimal, scale: Decimal) -> bool:
    slack = TOLERANCE * max(scale, abs(least), abs(most))
    return x.is_finite() and least - slack <= x <= most + slack
