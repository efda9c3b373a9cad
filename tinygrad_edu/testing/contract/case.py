"""A pair at one point, run as often as the clauses of the contract ask."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.pair import Pair
from tinygrad_edu.testing.subject import as_inputs

__all__ = ["Broken", "Case", "NotApplicable", "first_difference"]

# Sums in another order differ by rounding, by far less than this; another formula by far more. In units of the dtype's
# rounding for what computes in float32 whatever its arguments are.
ROUNDING, UNITS = 1e-9, 100


class Broken(Exception):
    """A clause is broken; the message says how."""


class NotApplicable(Exception):
    """A clause says nothing about this pair; the message says why."""


@dataclass
class Case:
    """A pair with its arguments.

    Attributes
    ----------
    pair : Pair
    arguments : tuple
        Copies; floats are float64.
    options : dict
    y : numpy.ndarray
        The result.
    dy : numpy.ndarray
        A cotangent.
    generator : numpy.random.Generator
    varies : bool
        Whether two forwards of the same arguments differ.
    """

    pair: Pair
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    y: NDArray
    dy: NDArray
    generator: np.random.Generator
    varies: bool = False

    @classmethod
    def of(cls, pair: Pair, inputs: tuple[Any, ...], options: dict[str, Any], seed: int = 0) -> Case:
        """The case for a caller's inputs."""
        given, own = pair.complete(tuple(in_float64(x) for x in as_inputs(tuple(inputs))))
        options = {**own, **options}
        if not any(is_float(a) for a in given):
            raise TypeError(f"{pair.name}: expected at least one array of floats among the inputs, got none")
        case = cls(pair, given, options, np.zeros(()), np.zeros(()), np.random.default_rng(seed))
        case.y = np.array(case.run()[0])
        if case.y.dtype.kind != "f":
            raise TypeError(f"{pair.name}: expected a result of floats, got {case.y.dtype} of shape {case.y.shape}")
        case.varies = bool(first_difference(case.run()[0], case.y))
        case.dy = case.cotangent(case.y.shape)
        return case

    @property
    def rounding(self) -> float:
        """The relative difference of arrays that are the same up to rounding."""
        return max(ROUNDING, UNITS * float(np.finfo(self.y.dtype).eps)) if self.y.dtype.kind == "f" else ROUNDING

    @property
    def floats(self) -> list[int]:
        """Positions of the arguments that are arrays of floats."""
        return [i for i, a in enumerate(self.arguments) if is_float(a)]

    def cotangent(self, shape: tuple[int, ...]) -> NDArray:
        """A random cotangent, away from 0."""
        drawn = self.generator.uniform(0.5, 1.5, shape) * self.generator.choice([-1.0, 1.0], shape)
        return np.asarray(drawn)

    def run(self, arguments: tuple[Any, ...] | None = None, *, fresh: bool = True) -> tuple[Any, Callable]:
        """Run the forward, on copies unless told otherwise; NumPy's own generator starts from the same state."""
        given = self.arguments if arguments is None else arguments
        if fresh:
            given = tuple(copied(a) for a in given)
        state = np.random.get_state()  # noqa: NPY002
        np.random.seed(0)  # noqa: NPY002
        try:
            return self.pair(*given, **{name: copied(value) for name, value in self.options.items()})
        finally:
            np.random.set_state(state)  # noqa: NPY002

    def gradients(self, dy: NDArray | None = None, arguments: tuple[Any, ...] | None = None) -> tuple[Any, ...]:
        """The gradients of a fresh run."""
        return self.run(arguments)[1]((self.dy if dy is None else dy).copy())

    def names(self, gradients: tuple[Any, ...]) -> list[tuple[str, Any]]:
        """The gradients that there are, with their names."""
        return [(f"the gradient of {self.pair.argument(i)}", g) for i, g in enumerate(gradients) if g is not None]

    def compare(self, found: tuple[Any, ...], expected: tuple[Any, ...], how: str) -> None:
        """Break the clause if gradients differ from what they ought to be; `how` goes on the sentence."""
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            name = f"the gradient of {self.pair.argument(i)}"
            if (a is None) != (b is None):
                raise Broken(f"{name} is {'None' if a is None else 'an array'} {how}")
            if a is not None and (difference := first_difference(a, b, self.rounding)):
                raise Broken(f"{name} differs {how}: {difference}")

    def moved(self) -> tuple[Any, ...]:
        """Other arguments, near these: each float times a number between 0.95 and 1.05."""
        return tuple(
            np.asarray(a * self.generator.uniform(0.95, 1.05, a.shape)) if is_float(a) else copied(a)
            for a in self.arguments
        )


def is_float(value: Any) -> bool:
    """Whether this is an array of floats."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def in_float64(value: Any) -> Any:
    """A copy, of float64 if it is an array of floats."""
    if hasattr(value, "detach") and hasattr(value, "numpy"):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        return np.array(value, np.float64 if value.dtype.kind == "f" else None)
    return np.asarray(value) if isinstance(value, np.floating) else value


def copied(value: Any) -> Any:
    """A copy of arrays, and of what holds arrays."""
    return np.array(value) if isinstance(value, np.ndarray) else copy.deepcopy(value)


def first_difference(found: Any, expected: Any, tolerance: float = ROUNDING) -> str:
    """The worst element of two arrays that are not the same up to rounding, in words; empty if they are."""
    a, b = (x if (x := np.asarray(v)).dtype.kind == "f" else x.astype(np.float64) for v in (found, expected))
    if a.shape != b.shape:
        return f"shape {a.shape} where {b.shape} was expected"
    if not a.size:
        return ""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    apart = np.where(same, 0.0, np.nan_to_num(np.abs(a - b), nan=np.inf))
    scale = float(np.abs(b).max(initial=0.0, where=np.isfinite(b)))
    if apart.max() <= tolerance * scale:
        return ""
    at = np.unravel_index(int(apart.argmax()), a.shape)
    place = f"at [{', '.join(str(int(i)) for i in at)}] " if at else ""
    return f"{place}{a[at]:.10g} where {b[at]:.10g} was expected"
