"""What is announced: every operation, layer and loss, each with an example from which cases are drawn.

An example is a function of a few annotated sizes and options. Its annotations are the ranges that property tests draw
from; its defaults are the case that benchmarks and documentation show. It returns :class:`Case`: what to call, and on
what. Whoever defines an operation or a layer writes that and nothing more; the verifier, the property tests and the
benchmarks all read it here.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np

__all__ = [
    "Announcement",
    "Case",
    "Drawn",
    "Size",
    "announce",
    "announced",
    "applied",
    "case",
    "labels",
    "matrix",
    "real",
]

Size = Annotated[int, range(1, 5)]
"""A small length; examples use it for dimensions that have no constraint."""


@dataclass(frozen=True)
class Drawn:
    """An array yet to be drawn: real numbers between two bounds, or integers below `classes`.

    Attributes
    ----------
    shape : tuple of int
    low, high : float
        Bounds of the values; the default stays clear of overflow and is dense around 0.
    classes : int or None
        Draw integers 0 <= k < classes instead.
    ties : bool
        Round to a few values, so that equal ones occur.
    diagonal : bool
        Add 2, 4, 6, ... to the diagonal of the last two dimensions.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    classes: int | None = None
    ties: bool = False
    diagonal: bool = False

    def array(self, generator: np.random.Generator, dtype: Any = np.float64) -> np.ndarray:
        """Draw the array; integers have dtype int64, reals `dtype`."""
        if self.classes is not None:
            return generator.integers(0, self.classes, self.shape)
        values = generator.uniform(self.low, self.high, self.shape)
        if self.diagonal:
            i = np.arange(min(self.shape[-2:]))
            values[..., i, i] += 2.0 * (i + 1)
        return np.asarray(np.round(values) if self.ties else values, dtype)


def real(*shape: int, low: float = -2.0, high: float = 2.0, ties: bool = False) -> Drawn:
    """A real array of this shape, to be drawn between two bounds."""
    return Drawn(shape, low, high, ties=ties)


def matrix(*shape: int) -> Drawn:
    """A matrix, or a batch, that is far from singular and whose singular values (and eigenvalues) are far apart."""
    return Drawn(shape, -0.3, 0.3, diagonal=True)


def labels(*shape: int, classes: int) -> Drawn:
    """An integer array of this shape, to be drawn from 0 to classes - 1."""
    return Drawn(shape, classes=classes)


@dataclass(frozen=True)
class Case:
    """A call yet to be made: a function or layer, its inputs (those to draw are :class:`Drawn`) and its options."""

    function: Callable[..., Any] | None
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def drawn(self, generator: np.random.Generator, dtype: Any = np.float64) -> tuple[Any, ...]:
        """The inputs with every :class:`Drawn` replaced by an array, also inside lists."""
        return tuple(_drawn(item, generator, dtype) for item in self.inputs)


def _drawn(item: Any, generator: np.random.Generator, dtype: Any) -> Any:
    if isinstance(item, Drawn):
        return item.array(generator, dtype)
    if isinstance(item, list):
        return [_drawn(part, generator, dtype) for part in item]
    return item


def case(*inputs: Any, **options: Any) -> Case:
    """The call of an operation on these inputs with these options."""
    return Case(None, inputs, options)


def applied(layer: Callable[..., Any], *inputs: Any) -> Case:
    """The call of this layer on these inputs."""
    return Case(layer, inputs)


@dataclass
class Announcement:
    """One operation, layer or loss.

    Attributes
    ----------
    name : str
        As users call it.
    kind : {"operation", "layer", "loss"}
    target : callable
        The operation, or the class.
    examples : list of functions returning Case
    differentiable : bool
        Whether any gradient exists.
    """

    name: str
    kind: Literal["operation", "layer", "loss"]
    target: Callable[..., Any]
    examples: list[Callable[..., Case]] = field(default_factory=list)
    differentiable: bool = True

    def ranges(self, example: Callable[..., Case]) -> dict[str, list]:
        """The values that each argument of an example may take, from its annotations."""
        hints = typing.get_type_hints(example, include_extras=True)
        return {name: list(_choices(hints[name])) for name in inspect.signature(example).parameters}

    def case(self, example: Callable[..., Case] | None = None, **arguments: Any) -> Case:
        """The case of one example (the first if omitted) for these arguments, its defaults for the rest."""
        found = (example or self.examples[0])(**arguments)
        return found if found.function is not None else Case(self.target, found.inputs, found.options)


def _choices(hint: Any) -> Iterator[Any]:
    if typing.get_origin(hint) is Annotated:
        yield from hint.__metadata__[0]
    elif typing.get_origin(hint) is Literal:
        yield from typing.get_args(hint)
    elif hint is bool:
        yield from (False, True)
    else:
        raise TypeError(
            f"example: an argument is annotated by bool, Literal[...] or Annotated[type, values], not {hint}"
        )


announced: dict[str, Announcement] = {}
"""Every announced operation, layer and loss by name; layers and losses under their class names."""


def announce(announcement: Announcement) -> None:
    """Add to the announced; a second definition of the same name is an error."""
    before = announced.get(announcement.name)
    if before is not None and before.target.__module__ != announcement.target.__module__:
        raise ValueError(f"{announcement.name} is announced by {before.target.__module__} already")
    announced[announcement.name] = announcement
