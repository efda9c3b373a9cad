"""The cases on which derivatives are tried: drawn from examples, with their values changed, and the corners."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu import linalg
from tinygrad_edu.announce import Announcement, Case, Drawn
from tinygrad_edu.layers.module import Module
from tinygrad_edu.random import manual_seed
from tinygrad_edu.testing.mutation.corners import CORNERS
from tinygrad_edu.testing.subject import Subject, double, mapped

__all__ = ["cornered", "subjects"]

# Cases of each example at least.
DRAWS = 6


def subjects(known: Announcement, seed: int) -> Iterator[tuple[Subject, bool]]:
    """Cases of every example as they are and with their values changed, and the corners, which are marked."""
    generator = np.random.default_rng(seed)
    for example in known.examples:
        # First in turn, so that every choice of every argument occurs, then at random.
        ranges = {
            name: generator.permutation(np.array(values, object)) for name, values in known.ranges(example).items()
        }
        turns = max([1, *map(len, ranges.values())]) if ranges else 1
        for number in range(turns + DRAWS):
            at = [number] * len(ranges) if number < turns else generator.integers(1000, size=len(ranges))
            arguments = {name: values[i % len(values)] for i, (name, values) in zip(at, ranges.items(), strict=True)}
            manual_seed(seed + number)
            case = known.case(example, **arguments)
            subject = Subject.of(case.function, case.inputs, dict(case.options), seed + number)
            yield subject, False
            for name in CHANGES if number < 3 else ("rounded", "sparse"):
                if name == "special" and factorizes(known, case):
                    continue  # LAPACK may never come to an end
                yield changed(subject, CHANGES[name], generator), False
            if number < 2:
                yield from ((other, False) for other in with_numbers(subject, case))
    for corner in CORNERS.get(known.name, ()):
        yield cornered(known, corner, corner.drawn(generator), seed), True


def factorizes(known: Announcement, case: Case) -> bool:
    """Whether an operation may hand its input to LAPACK."""
    matrices = any(isinstance(x, Drawn) and x.diagonal for x in case.inputs)
    return matrices or hasattr(linalg, known.name) or known.target.__module__.endswith((".older", ".numpy_linalg"))


def cornered(known: Announcement, case: Case, inputs: tuple[Any, ...], seed: int) -> Subject:
    """The subject of a corner, the parameters of a layer drawn anew."""
    target: Any = case.function
    if isinstance(target, Module):
        target, generator = copy.deepcopy(target).double(), np.random.default_rng(seed)
        for parameter in target.parameters():
            parameter.array[...] = generator.uniform(-1, 1, parameter.shape)
    return Subject(target or known.target, tuple(mapped(x, double) for x in inputs), case.options, seed)


SPECIAL = (math.nan, math.inf, -math.inf)
Change = Callable[[NDArray, np.random.Generator], NDArray]
CHANGES: dict[str, Change] = {
    "rounded": lambda x, generator: np.round(x),
    "sparse": lambda x, generator: x * generator.integers(0, 2, x.shape),
    "zero": lambda x, generator: np.zeros_like(x),
    "large": lambda x, generator: 30 * x,
    "special": lambda x, generator: np.where(generator.random(x.shape) < 0.2, generator.choice(SPECIAL, x.shape), x),
    "deeper": lambda x, generator: x * generator.uniform(0.8, 1.2, (2, *x.shape)),
}


def changed(subject: Subject, change: Change, generator: np.random.Generator) -> Subject:
    """The subject on other values."""
    inputs = tuple(mapped(x, lambda a: change(a, generator) if a.dtype.kind == "f" else a) for x in subject.inputs)
    return Subject(copy.deepcopy(subject.target), inputs, subject.options, subject.seed)


def with_numbers(subject: Subject, case: Case) -> Iterator[Subject]:
    """The subject with a Python number in the place of one of two arrays."""
    if len(case.inputs) != 2 or not all(isinstance(x, Drawn) and x.classes is None for x in case.inputs):
        return
    for value in (2, 3.0, 0, -0.5):
        for place in (0, 1):
            inputs = list(subject.inputs)
            inputs[place] = value
            yield Subject(subject.target, tuple(inputs), subject.options, subject.seed)
