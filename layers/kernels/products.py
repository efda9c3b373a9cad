"""Products of matrices."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.layers.kernels.process import on_this_thread

# Multiplications from which several threads of BLAS gain more on a product than they cost those who wait for a core.
LARGE = 1 << 20


def product(a: NDArray, b: NDArray) -> NDArray:
    """a @ b, on the calling thread alone where it is small; see :func:`on_this_thread`."""
    if a.ndim == 0 or a.dtype.kind != "f" or math.prod(a.shape) * b.shape[-1] >= LARGE:
        return a @ b
    with on_this_thread():
        return np.matmul(a, b)
