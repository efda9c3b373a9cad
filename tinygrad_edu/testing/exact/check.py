"""Holding a hand-derived backward against its own forward, on exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from tinygrad_edu.testing.exact.number import DIGITS, Inexact, precision, ties
from tinygrad_edu.testing.exact.trial import Trial, random_decimals

__all__ = ["ExactError", "Verdict", "check_pair"]


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
    """

    argument: int
    error: Decimal
    tolerance: Decimal
    index: tuple[int, ...] = ()
    values: tuple[float, float] = (0.0, 0.0)
    shape: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether they agree."""
        return self.error.is_finite() and self.error <= self.tolerance


def check_pair(
    by_hand: Callable[..., tuple[Any, Callable]],
    *arguments: Any,
    wanted: Sequence[int] | None = None,
    digits: int = DIGITS,
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
    digits : int, default 60
    seed : int, default 0
    **options
        Keyword arguments; float arrays among them become exact, too.

    Returns
    -------
    list of Verdict
        Without those arguments at whose values the forward has no derivative: at a kink, where the branch taken is a
        convention, and where it is infinite.

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
    generator = np.random.default_rng(seed)
    with precision(digits):
        try:
            trial = Trial(by_hand, arguments, options, seed)
            verdicts = [_judged(trial, i, generator, digits) for i in wanted]
            return [verdict for verdict in verdicts if verdict is not None]
        except (Inexact, ArithmeticError, LookupError, AttributeError, TypeError, ValueError) as error:
            raise ExactError(f"{type(error).__name__}: {error}") from error


def _judged(trial: Trial, i: int, generator: np.random.Generator, digits: int) -> Verdict | None:
    shape, tolerance = trial.arguments[i].shape, Decimal(10) ** (15 - digits)
    gradient = trial.found[i]
    if gradient is None:
        gradient = np.full(shape, Decimal(0))
    if gradient.shape != shape:
        return Verdict(i, Decimal("Infinity"), tolerance, shape=gradient.shape)
    v = random_decimals(generator, shape)
    ties.met = False
    forward, reverse = trial.slopes(i, v), np.asarray(gradient * v).ravel()
    if ties.met or not all(term.is_finite() for term in forward):
        return None
    scale = sum((term.copy_abs() for term in (*forward, *reverse)), Decimal(0))
    error = (sum(forward, Decimal(0)) - sum(reverse, Decimal(0))).copy_abs()
    relative = error / scale if scale else error
    if relative.is_finite() and relative <= tolerance:
        return Verdict(i, relative, tolerance, shape=shape)
    right = trial.right(i)
    apart = {index: (gradient[index] - right[index]).copy_abs() for index in np.ndindex(*shape)}
    worst = max(
        apart, key=lambda index: (not apart[index].is_finite(), apart[index] if apart[index].is_finite() else 0)
    )
    return Verdict(i, relative, tolerance, worst, (float(gradient[worst]), float(right[worst])), shape)
