"""Holding a hand-derived backward against its own forward, on exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.exact.number import DIGITS, Inexact, precision, ties
from tinygrad_edu.testing.exact.rational import rational
from tinygrad_edu.testing.exact.trial import Trial, random_decimals

__all__ = ["ExactError", "Measured", "Verdict", "check_pair", "measured"]

# Digits for a second look at what seems wrong.
AGAIN = 240
# Where terms are so small that more digits were needed, there is no verdict.
MOST = 1_500


class ExactError(TypeError):
    """The code cannot run on exact numbers; the message says where and why."""


@dataclass(frozen=True)
class Verdict:
    r"""Whether one gradient is the derivative of the forward.

    Attributes
    ----------
    argument : int
        Its position.
    error : Decimal
        :math:`|\langle dy, J v\rangle - \langle dx, v\rangle|` relative to the sum of the terms' absolute values.
    tolerance : Decimal
    index : tuple of int
        Where the gradient is wrong, the element at which it is worst.
    values : (float, float)
        The gradient there, and what it ought to be.
    shape : tuple of int
        Of the gradient; the error is infinite where it is not its argument's.
    nonzero : numpy.ndarray of bool
        Which elements of the gradient are not 0.
    """

    argument: int
    error: Decimal
    tolerance: Decimal
    index: tuple[int, ...] = ()
    values: tuple[float, float] = (0.0, 0.0)
    shape: tuple[int, ...] = ()
    nonzero: NDArray = field(default_factory=lambda: np.zeros(0, bool), repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether they agree."""
        return self.error.is_finite() and self.error <= self.tolerance


def check_pair(
    by_hand: Callable[..., tuple[Any, Callable]],
    *arguments: Any,
    wanted: Sequence[int] | None = None,
    digits: int | None = DIGITS,
    seed: int = 0,
    **options: Any,
) -> list[Verdict]:
    r"""Check a pair of forward and backward in 60-digit arithmetic, for each argument along a random direction.

    The very lines of `by_hand` run on arrays of dual numbers. With a random direction :math:`v` as the tangent of one
    argument the forward gives :math:`J v` exactly, and a right backward satisfies :math:`\langle dy, J v \rangle =
    \langle J^\top dy, v \rangle` to all digits, whatever the shapes. A wrong factor, sign or term, of relative size
    :math:`10^{-40}` or more, does not.

    Parameters
    ----------
    by_hand : callable
        ``by_hand(*arguments, **options) -> (y, backward)`` in NumPy; ``backward(dy)`` gives the gradient of each
        argument, or a tuple of them, None (or a function of nothing) in the place of any.
    *arguments
        Float arrays are differentiated; integers, booleans and other values are passed on as they are.
    wanted : sequence of int, optional
        Positions of the arguments to check; all float arrays if omitted.
    digits : int or None, default 60
        None computes with fractions: there is no rounding, and the tolerance is 0. Code that takes exponentials or roots
        does not run there.
    seed : int, default 0
    **options
        Keyword arguments; float arrays among them become exact, too.

    Returns
    -------
    list of Verdict
        Without those arguments at whose values the forward has no derivative: at a kink, where the branch taken is a
        convention, where it is infinite, and where it is smaller than 10^-600.

    Raises
    ------
    ExactError
        If the code does something that exact numbers cannot do.

    Notes
    -----
    That a random direction misses an error has probability zero, but the points are random, too: what only goes wrong
    elsewhere, in another branch, is not seen.

    Examples
    --------
    >>> import numpy as np
    >>> def square(x):
    ...     return x * x, lambda dy: 2 * x * dy
    >>> [verdict.ok for verdict in check_pair(square, np.array([0.5, -1.5]))]
    [True]
    >>> def nearly(x):
    ...     return x * x, lambda dy: 2.0000000000001 * x * dy
    >>> [verdict.ok for verdict in check_pair(nearly, np.array([0.5, -1.5]))]
    [False]
    """
    if wanted is None:
        wanted = [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    tolerance = Decimal(0) if digits is None else Decimal(10) ** (15 - digits)
    arithmetic = rational() if digits is None else precision(digits)
    verdicts, unsure = [], []
    try:
        with arithmetic:
            trial = Trial(by_hand, arguments, options, seed)
            for i in wanted:
                found = measured(trial, i, seed)
                if found is None:
                    continue
                if digits is not None and found.error.is_finite() and found.error > tolerance:
                    unsure.append((i, max(AGAIN, digits) - 2 * min(found.exponent, 0), found.scale))
                else:
                    verdicts.append(_verdict(trial, i, found, tolerance))
        for i, more, scale in unsure:
            # Digits are lost where numbers cancel, too; what is off by the same with more of them is a formula.
            if more <= MOST:
                with precision(more):
                    trial = Trial(by_hand, arguments, options, seed)
                    found = measured(trial, i, seed)
                    if found is not None and found.scale < scale.scaleb(-DIGITS):
                        found = replace(found, error=Decimal(0))  # all terms were rounding alone: they vanish
                    verdicts += [] if found is None else [_verdict(trial, i, found, tolerance)]
        return sorted(verdicts, key=lambda verdict: verdict.argument)
    except (Inexact, ArithmeticError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise ExactError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Measured:
    """How far a gradient is from being the derivative along a direction.

    Attributes
    ----------
    gradient : numpy.ndarray of Decimal
    error : Decimal
        Relative to the sum of the terms' absolute values.
    exponent : int
        Of the smallest term, as a power of ten.
    scale : Decimal
        The sum of the terms' absolute values.
    """

    gradient: NDArray
    error: Decimal
    exponent: int = 0
    scale: Decimal = Decimal(0)


def measured(trial: Trial, i: int, seed: int) -> Measured | None:
    """What a random direction tells of a gradient; None where the forward has no derivative along it.

    Parameters
    ----------
    trial : Trial
    i : int
        Of which argument.
    seed : int
        For the direction.

    Returns
    -------
    Measured or None
    """
    shape, gradient = trial.arguments[i].shape, trial.found[i]
    if gradient is None:
        gradient = np.full(shape, Decimal(0))
    if gradient.shape != shape:
        return Measured(gradient, Decimal("Infinity"))
    v = random_decimals(np.random.default_rng([seed, i]), shape)
    ties.met = False
    forward, reverse = trial.slopes(i, v), np.asarray(gradient * v).ravel()
    if ties.met or not all(term.is_finite() for term in forward):
        return None
    scale = sum((term.copy_abs() for term in (*forward, *reverse)), Decimal(0))
    error = (sum(forward, Decimal(0)) - sum(reverse, Decimal(0))).copy_abs()
    exponents = [term.adjusted() for term in (*forward, *reverse) if term and term.is_finite()]
    relative = error / scale if scale else error
    return Measured(gradient, _as_decimal(relative), min(exponents, default=0), _as_decimal(scale))


def _as_decimal(x: Any) -> Decimal:
    return x if isinstance(x, Decimal) else Decimal(x.fraction.numerator) / x.fraction.denominator


def _verdict(trial: Trial, i: int, found: Measured, tolerance: Decimal) -> Verdict:
    """The verdict, with the worst element if it is a bad one."""
    gradient, shape = found.gradient, trial.arguments[i].shape
    nonzero = np.not_equal(gradient, 0).astype(bool)
    verdict = Verdict(i, found.error, tolerance, shape=gradient.shape, nonzero=nonzero)
    if verdict.ok or gradient.shape != shape:
        return verdict
    right = trial.right(i)
    apart = {index: (gradient[index] - right[index]).copy_abs() for index in np.ndindex(*shape)}
    worst = max(
        apart, key=lambda index: (not apart[index].is_finite(), apart[index] if apart[index].is_finite() else 0)
    )
    return replace(verdict, index=worst, values=(float(gradient[worst]), float(right[worst])))
