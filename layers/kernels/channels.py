"""Sums and affine maps of each channel of (N, C, ...), what normalization is made of."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.layers.kernels.products import product
from tinygrad_edu.layers.kernels.threads import share


def channel_sum(x: NDArray) -> NDArray:
    """Σ x over all axes but the second: (N, C, ...) to (C,)."""
    if x.dtype.kind != "f":
        return x.sum((0, *range(2, x.ndim)))
    rows = lanes(x, x)
    if interleaved(x):  # a product with ones: 0.05 ms; rows.sum: 0.08; x.sum((0, 2, 3)): 1.0
        return fold(product(np.ones(rows.shape[1], x.dtype), rows), x)
    return product(rows, np.ones((rows.shape[2], 1), x.dtype)).sum((0, 2))


def channel_dot(x: NDArray, y: NDArray) -> NDArray:
    """Σ x y over all axes but the second: two of (N, C, ...) to (C,)."""
    if x.dtype.kind != "f":
        return (x * y).sum((0, *range(2, x.ndim)))
    if interleaved(x):  # 0.12 ms; the products, then their sum: 0.35
        return fold(np.einsum("nrk,nrk->nk", lanes(x, x), lanes(y, x)), x)
    return np.vecdot(lanes(x, x), lanes(y, x)).sum(0)


def channel_moments(x: NDArray) -> tuple[NDArray, NDArray]:
    """Mean μ = 1/m Σ x and variance 1/m Σ (x − μ)² of each channel, m = N H W: (N, C, ...) to (C,), (C,)."""
    m = max(1, x.size // x.shape[1])
    mean = channel_sum(x) / m
    var = channel_dot(x, x) / m - mean * mean  # loses as many digits as μ² / σ² has: 0.2 ms
    if x.dtype.kind != "f" or (mean * mean <= 4 * var).all():
        return mean, var
    centred = channel_affine(x, np.ones_like(mean), -mean)  # 0.5 ms
    return mean, channel_dot(centred, centred) / m


def channel_affine(x: NDArray, scale: NDArray, shift: NDArray) -> NDArray:
    """x a + b with a and b (C,), x (N, C, ...)."""
    rows, a, b = lanes(x, x), spread(scale, x), spread(shift, x)
    y = np.empty_like(rows)

    def work(part: slice) -> None:
        np.multiply(rows[part], a, out=y[part])
        y[part] += b

    share(work, len(rows), x.size if x.dtype.kind == "f" else 0)
    return like(y, x)


def channel_combination(a: NDArray, x: NDArray, b: NDArray, y: NDArray, c: NDArray) -> NDArray:
    """a x + b y + c with a, b, c (C,) and x, y (N, C, ...)."""
    x_rows, y_rows = lanes(x, x), lanes(y, x)
    a, b, c = spread(a, x), spread(b, x), spread(c, x)
    z = np.empty_like(x_rows)

    def work(part: slice) -> None:
        np.multiply(x_rows[part], a, out=z[part])
        z[part] += y_rows[part] * b
        z[part] += c

    share(work, len(x_rows), x.size if x.dtype.kind == "f" else 0)
    return like(z, x)


def interleaved(x: NDArray) -> bool:
    """Whether the channels of (N, C, ...) lie next to each other in memory."""
    return x.ndim == 2 or np.moveaxis(x, 1, -1).flags.c_contiguous


def lanes(x: NDArray, order: NDArray) -> NDArray:
    """(N, C, ..., W) as (N, ..., W C) where the channels of `order` interleave, else as (N, C, ... W)."""
    # Long inner loops, for which a vector of C numbers is repeated W times: 0.28 ms; inner loops over C: 0.84.
    n, c, *rest = x.shape
    if order.ndim == 2:
        return x[None]
    if not interleaved(order):
        return x.reshape(n, c, math.prod(rest))
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)).reshape(n, math.prod(rest[:-1]), rest[-1] * c)


def spread(v: NDArray, order: NDArray) -> NDArray:
    """(C,) to broadcast against :func:`lanes`."""
    if not interleaved(order):
        return v[:, None]
    return v if order.ndim == 2 else np.tile(v, order.shape[-1])


def like(rows: NDArray, order: NDArray) -> NDArray:
    """:func:`lanes` undone."""
    if order.ndim == 2 or not interleaved(order):
        return rows.reshape(order.shape)
    n, c, *rest = order.shape
    return np.moveaxis(rows.reshape(n, *rest, c), -1, 1)


def fold(sums: NDArray, order: NDArray) -> NDArray:
    """Sums (n, W C) of interleaved channels to (C,)."""
    return sums.sum(0).reshape(-1, order.shape[1]).sum(0)
