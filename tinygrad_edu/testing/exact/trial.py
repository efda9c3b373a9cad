"""One run of a hand-derived pair on exact numbers, beside the true derivative of its forward."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.exact.array import exact, tangents, values
from tinygrad_edu.testing.exact.literals import reading
from tinygrad_edu.testing.exact.number import Dual, Inexact

__all__ = ["Trial", "random_decimals"]


class Trial:
    r"""A pair, run once forward and backward on exact numbers with a random cotangent.

    To be used within :func:`precision`.

    Parameters
    ----------
    by_hand : callable
        ``by_hand(*arguments, **options) -> (y, backward)``.
    arguments : tuple
        Float arrays become exact.
    options : dict
        Keyword arguments; float arrays among them become exact, too.
    seed : int, default 0
        For the cotangent.
    backward : bool, default True
        Whether to run the backward; without it there are no gradients found.

    Attributes
    ----------
    dy : numpy.ndarray of Decimal
        The cotangent.
    found : list
        For each argument the gradient that the backward gave, an array of Decimal, or None.
    names : dict of str to numpy.ndarray
        The local variables of the forward and the backward that are arrays, as they were when these returned.
    """

    def __init__(
        self,
        by_hand: Callable,
        arguments: tuple,
        options: dict[str, Any],
        seed: int = 0,
        *,
        backward: bool = True,
    ) -> None:
        self.by_hand, self.arguments, self.options = reading(by_hand), arguments, options
        self.names: dict[str, Any] = {}
        generator = np.random.default_rng([seed, 1])
        with _locals_into(self.names, _file_of(by_hand)):
            y, pull = self.run()
            self.dy = random_decimals(generator, np.shape(y))
            gradients = pull(exact(self.dy)) if backward else ()
            gradients = gradients if isinstance(gradients, tuple | list) else (gradients,)
            gradients = [g() if callable(g) else g for g in gradients]
        self.found = [None if g is None else values(g) for g in gradients]
        self.found += [None] * (len(arguments) - len(self.found))

    def run(self, tangent: NDArray | None = None, of: int = -1, at: NDArray | None = None) -> tuple[Any, Callable]:
        """Call the pair, with a tangent for one argument, and other values of it if they are given."""
        given = [_exact(a, tangent if i == of else None) for i, a in enumerate(self.arguments)]
        if at is not None:
            given[of] = exact(at, tangent)
        return self.by_hand(*given, **{name: _exact(value) for name, value in self.options.items()})

    def slopes(self, i: int, v: NDArray) -> NDArray:
        r"""The terms of :math:`\langle dy, J v \rangle` for a direction of argument `i`."""
        return np.asarray(self.dy * tangents(self.run(v, i)[0])).ravel()

    def right(self, i: int) -> NDArray:
        """The true gradient of argument `i`, one forward for each element."""
        shape = self.arguments[i].shape
        right = np.empty(shape, object)
        for index in np.ndindex(*shape):
            unit = np.full(shape, Decimal(0))
            unit[index] = Decimal(1)
            right[index] = sum(self.slopes(i, unit), Decimal(0))
        return right


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
    integers = np.asarray(generator.integers(500_000, 1_500_000, shape) * generator.choice([-1, 1], shape))
    result = np.empty(shape, object)
    for index in np.ndindex(*shape):
        result[index] = Decimal(int(integers[index])) / 1_000_000
    return result


def _exact(value: Any, tangent: Any = None) -> Any:
    if isinstance(value, np.ndarray):
        return exact(value, tangent) if value.dtype.kind == "f" else value.copy()
    if isinstance(value, list | tuple) and any(isinstance(item, np.ndarray) for item in value):
        return type(value)(_exact(item) for item in value)
    return copy.copy(value)


def _file_of(function: Callable) -> str | None:
    function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    return None if code is None else code.co_filename


class _locals_into:
    """Within it, functions of one file leave their local arrays in a dictionary when they return."""

    def __init__(self, names: dict[str, Any], file: str | None) -> None:
        self.names, self.file = names, file

    def __enter__(self) -> None:
        # A profiler at work is left to it, as it could not be put back.
        self.looking = self.file is not None and sys.getprofile() is None
        if self.looking:
            sys.setprofile(self._event)

    def __exit__(self, *error: Any) -> None:
        if self.looking:
            sys.setprofile(None)

    def _event(self, frame: Any, event: str, argument: Any) -> None:
        if event != "return" or frame.f_code.co_filename != self.file:
            return
        for name, value in frame.f_locals.items():
            if isinstance(value, np.ndarray | Dual) and not name.startswith("."):
                self.names[name] = value  # as floats below, once nobody is being profiled


def as_floats(names: dict[str, Any]) -> dict[str, NDArray]:
    """The numbers among local variables, rounded to floats.

    Parameters
    ----------
    names : dict

    Returns
    -------
    dict
    """
    found = {}
    for name, value in names.items():
        try:
            found[name] = np.asarray(values(value)).astype(np.float64)
        except Inexact:
            continue
    return found
