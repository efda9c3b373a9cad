"""Shapes that are tried for the arguments of a function, and values for them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["combinations", "valued"]

# All lengths differ, so that a moved axis is seen. Images and the later ones are even, for pooling.
FIRST: tuple[tuple[int, ...], ...] = ((5, 3), (5,), (2, 3, 4, 6), (2, 3, 5), (), (4, 6), (6,), (2, 4, 6), (1, 2, 4, 4))
# A length that no axis of a first matrix has, such as the number of columns of a weight; and that of a kernel's channels.
NEW, CHANNELS = 2, 5
# So many combinations for each shape of the first argument.
COMBINATIONS = 10_000


def combinations(names: list[str], known: Mapping[str, Any], vectors: set[str]) -> Iterator[Iterator[tuple[Any, ...]]]:
    """For each shape of the first argument, shapes or arrays for all of them, the likeliest first."""
    if not names:
        yield iter([()])
        return
    for first in [known[names[0]]] if names[0] in known else FIRST:
        axes = first if isinstance(first, tuple) else np.shape(first)
        choices = [[known[name]] if name in known else others(axes, name in vectors) for name in names[1:]]
        places = itertools.islice(ranked([len(choice) for choice in choices]), COMBINATIONS)
        yield ((first, *map(list.__getitem__, choices, at)) for at in places)


def ranked(lengths: list[int]) -> Iterator[tuple[int, ...]]:
    """Places in lists of these lengths, by their sum: two likely shapes before a likely and an odd one."""

    def of_sum(lengths: list[int], total: int) -> Iterator[tuple[int, ...]]:
        if not lengths:
            yield from [()] if total == 0 else []
        for k in range(min(total, lengths[0] - 1) + 1) if lengths else ():
            yield from ((k, *rest) for rest in of_sum(lengths[1:], total - k))

    for total in range(sum(length - 1 for length in lengths) + 1):
        yield from of_sum(lengths, total)


def others(axes: tuple[int, ...], vector: bool) -> list[Any]:
    """Shapes for a further argument, from the axes of the first; what draws integers comes last."""
    shapes = [axes, ()]
    indices: list[Any] = []
    if len(axes) == 1:
        (n,) = axes
        shapes = [(n,), (n, n), (n, NEW), (NEW, n), (NEW,), (3,), ()]
        indices = [integers((n,), 2), integers((3,), n)]
    elif len(axes) == 2:
        (n, m), k = axes, NEW
        shapes = [(n, m), (m, k), (k, m), (m,), (k,), (n, k), (m, m), (k, k), (n,), (n, 1), (1, m), (k, n), ()]
        shapes += [(m, 3 * k), (k, 3 * k), (m, 4 * k), (k, 4 * k), (m + k, 4 * k), (3 * k,), (4 * k,)]  # of gates
        shapes += [(CHANNELS, m, k), (CHANNELS, m, m)]
        indices = [integers((n,), m), integers((n, m), 2), integers((n, k), m), integers((4,), n)]
    elif len(axes) == 3:
        n, c, m = axes
        shapes = [axes, (m,), (c,), (n, m, NEW), (CHANNELS, c, 2), (c, CHANNELS, 3), (CHANNELS,)]
        shapes += [(m, NEW), (c, m), (n, c)]
        indices = [integers((n, c), m), integers((n, m), c)]
    elif len(axes) == 4:
        n, c, h, w = axes
        shapes = [(CHANNELS, c, *kernel) for kernel in ((3, 2), (3, 3), (2, 2), (1, 1))]
        shapes += [(CHANNELS, 4 * c), (CHANNELS,), (c,), (1, c, 1, 1), axes, (c, h, w)]
        indices = [integers((n,), c), integers((n, h, w), c)]
    return [shape for shape in shapes if len(shape) == 1] if vector else [*shapes, *indices]


def integers(shape: tuple[int, ...], below: int) -> Callable[[np.random.Generator], NDArray]:
    """Integers yet to be drawn, such as class labels."""
    return lambda generator: generator.integers(0, below, shape)


def valued(choice: tuple[Any, ...], seed: int) -> Iterator[tuple[Any, ...]]:
    """Values for these shapes: of both signs, positive, between 0 and 1."""
    for low, high, signs in ((0.2, 1.2, [-1.0, 1.0]), (0.3, 1.7, [1.0]), (0.15, 0.85, [1.0])):
        generator = np.random.default_rng(seed)
        given = []
        for item in choice:
            if isinstance(item, tuple):
                item = np.asarray(generator.uniform(low, high, item) * generator.choice(signs, item))
            given.append(item(generator) if callable(item) else item)
        yield tuple(given)
