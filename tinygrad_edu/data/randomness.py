"""What data is shuffled and varied with."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.random import Generator, default_generator

__all__ = ["numpy_generator"]


def numpy_generator(generator: Any = None) -> np.random.Generator:
    """NumPy's generator behind what a user passes as `generator`; the library's own if that is None."""
    if generator is None:
        return default_generator.numpy
    if isinstance(generator, Generator):
        return generator.numpy
    if isinstance(generator, np.random.Generator):
        return generator
    raise TypeError(
        f"generator: expected a Generator of this library or a numpy.random.Generator, got {type(generator).__name__}. "
        "For example: generator=np.random.default_rng(0)"
    )
