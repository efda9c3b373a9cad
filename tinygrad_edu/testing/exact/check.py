"""Holding a hand-derived backward against its own forward, on exact numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.exact.array import exact, tangents, values
from tinygrad_edu.testing.exact.number import DIGITS, Inexact, precision

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
    """

    argument: int
    error: Decimal
    tolerance: Decimal
    index: tuple[int, ...] = ()
    values: tuple[float, float] = (0.0, 0.0)

    @property
    def ok(self) -> bool:
        """Whether they agree."""
        return bool(self.error <= self.tolerance)


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
    generator = np.random.default_rng(seed)
    if wanted is None:
        wanted = [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    with precision(digits):

        def run(tangent: NDArray | None = None, of: int = -1) -> tuple[Any, Callable]:
            given = [_exact(a, tangent if i == of else None) for i, a in enumerate(arguments)]
            return by_hand(*given, **{name: _exact(value) for name, value in options.items()})

        try:
            y, backward = run()
            dy = random_decimals(generator, np.shape(y))
            gradients = backward(exact(dy))
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            verdicts = []
            for i in wanted:
                gradient = gradients[i]() if callable(gradients[i]) else gradients[i]
                gradient = values(np.zeros(arguments[i].shape, int) if gradient is None else gradient)
                if gradient.shape != arguments[i].shape:
                    raise Inexact(f"gradient {i} has shape {gradient.shape}, its argument {arguments[i].shape}")

                def slope(v: NDArray, i: int = i) -> NDArray:
                    return np.asarray(dy * tangents(run(v, i)[0]))

                verdicts.append(_judged(i, gradient, slope, random_decimals(generator, gradient.shape), digits))
            return verdicts
        except (Inexact, AttributeError, TypeError, ValueError) as error:
            raise ExactError(f"{type(error).__name__}: {error}") from error


def _judged(i: int, gradient: NDArray, slope: Callable[[NDArray], NDArray], v: NDArray, digits: int) -> Verdict:
    forward, reverse = slope(v).ravel(), np.asarray(gradient * v).ravel()
    scale = sum(map(abs, (*forward, *reverse)), Decimal(0))
    error = abs(sum(forward, Decimal(0)) - sum(reverse, Decimal(0)))
    relative, tolerance = error / scale if scale else error, Decimal(10) ** (15 - digits)
    if relative <= tolerance:
        return Verdict(i, relative, tolerance)
    right = np.empty(gradient.shape, object)
    for index in np.ndindex(*gradient.shape):
        unit = np.full(gradient.shape, Decimal(0))
        unit[index] = Decimal(1)
        right[index] = slope(unit).sum()
    worst = max(np.ndindex(*gradient.shape), key=lambda index: abs(gradient[index] - right[index]))
    return Verdict(i, relative, tolerance, worst, (float(gradient[worst]), float(right[worst])))


def random_decimals(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray:
    """Decimals of six digits between 0.5 and 1.5 in absolute value.

    Parameters
    ----------
    generator : numpy.random.Generator
    shape : tuple of int

    Returns
    -------
    numpy.ndarray of Decimal
    """
    integers = generator.integers(500_000, 1_500_000, shape) * generator.choice([-1, 1], shape)
    result = np.empty(shape, object)
    for index in np.ndindex(*shape):
        result[index] = Decimal(int(np.asarray(integers)[index])) / 1_000_000
    return result


def _exact(value: Any, tangent: Any = None) -> Any:
    if isinstance(value, np.ndarray):
        return exact(value, tangent) if value.dtype.kind == "f" else value.copy()
    if isinstance(value, list | tuple) and any(isinstance(item, np.ndarray) for item in value):
        return type(value)(_exact(item) for item in value)
    return copy.copy(value)
