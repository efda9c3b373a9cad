"""Pooling and its transposes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.layers.kernels.threads import share
from tinygrad_edu.layers.kernels.windows import Pair, Slices, first, line, output_size, positions


def max_pool(x: NDArray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> NDArray:
    """y_nchw = max_ij x_nc(hs+id−p)(ws+jd−p), (N, C, H, W) to (N, C, H', W'); NaN wins, the padding never does."""
    return reduce_windows(np.maximum, x, kernel, stride, padding, dilation)


def max_pool_gradient(
    dy: NDArray, x: NDArray, y: NDArray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> NDArray:
    """dx of :func:`max_pool` from x and its result y: dy goes to a window's first maximum (last NaN, as torch)."""
    dx = np.zeros_like(x, dtype=dy.dtype)
    places = [place[2:] for place in positions(x.shape[2:], kernel, stride, padding, dilation)]

    def work(part: slice) -> None:
        free = np.ones_like(y[part], dtype=bool)  # windows whose maximum has not been met

        def give(hit: NDArray, at: Slices, to: Slices) -> None:
            hit &= free[:, :, *to]
            free[:, :, *to] ^= hit
            dx[part][:, :, *at] += where(hit, dy[part][:, :, *to])

        for at, to in places:
            give(x[part][:, :, *at] == y[part][:, :, *to], at, to)
        if free.any():  # NaN equals nothing
            for at, to in reversed(places):
                give(x[part][:, :, *at] != x[part][:, :, *at], at, to)

    share(work, len(x), y.size * len(places) if x.dtype.kind == "f" else 0)
    return dx


def average_pool(x: NDArray, kernel: Pair, stride: Pair, padding: Pair, count_include_pad: bool) -> NDArray:
    """y_nchw = Σ_ij x_nc(hs+i−p)(ws+j−p) / count, (N, C, H, W) to (N, C, H', W')."""
    y = reduce_windows(np.add, x, kernel, stride, padding, (1, 1))
    return y / window_counts(x.shape[2:], x.dtype, kernel, stride, padding, count_include_pad)


def average_pool_gradient(
    dy: NDArray, size: Pair, channels_last: bool, kernel: Pair, stride: Pair, padding: Pair, count_include_pad: bool
) -> NDArray:
    """dx_nc(hs+i−p)(ws+j−p) += dy_nchw / count: the transpose of :func:`average_pool`, for x of height and width `size`."""
    n, c = dy.shape[:2]
    dx = first(np.zeros((n, *size, c), dy.dtype)) if channels_last else np.zeros((n, c, *size), dy.dtype)
    counts = window_counts(size, dy.dtype, kernel, stride, padding, count_include_pad)
    rows, columns = (list(line(*axis)) for axis in zip(size, kernel, stride, padding, (1, 1), strict=True))

    def work(part: slice) -> None:
        share_of = dy[part] / counts
        wide = np.zeros_like(dx[part], shape=(*share_of.shape[:3], size[1]))
        for at, to in columns:
            wide[..., at] += share_of[..., to]
        for at, to in rows:
            dx[part][:, :, at] += wide[:, :, to]

    share(work, n, dx.size if dy.dtype.kind == "f" else 0)
    return dx


def reduce_windows(f: np.ufunc, x: NDArray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> NDArray:
    """f (a maximum or a sum) over each window, along height and then along width: kh + kw passes instead of kh · kw."""
    out = output_size(x.shape[2:], kernel, stride, padding, dilation)
    y = np.empty_like(x, shape=(*x.shape[:2], *out))
    rows, columns = (list(line(*axis)) for axis in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True))

    def work(part: slice) -> None:
        tall = np.empty_like(x[part], shape=(*y[part].shape[:3], x.shape[3]))  # (n, C, H', W)
        reduce_line(f, np.moveaxis(x[part], 2, 0), np.moveaxis(tall, 2, 0), rows)
        reduce_line(f, np.moveaxis(tall, 3, 0), np.moveaxis(y[part], 3, 0), columns)

    share(work, len(x), x.size if x.dtype.kind == "f" else 0)
    return y


def reduce_line(f: np.ufunc, x: NDArray, y: NDArray, places: list[tuple[slice, slice]]) -> None:
    """f over each window along the first axis, into y."""
    everywhere = slice(0, len(y))
    both = [at for at, to in places if to == everywhere][:2]
    rest = [(at, to) for at, to in places if at not in both]
    if len(both) == 2:
        f(x[both[0]], x[both[1]], out=y)
    elif both:
        y[...] = x[both[0]]
    elif f is np.add:
        y[...] = 0
    else:
        y[...] = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else -np.inf
    for at, to in rest:
        f(y[to], x[at], out=y[to])


def window_counts(
    size: Pair, dtype: np.dtype, kernel: Pair, stride: Pair, padding: Pair, count_include_pad: bool
) -> int | NDArray:
    """By how many pixels each window divides: kh · kw, or without the padding (H', W')."""
    if count_include_pad or tuple(padding) == (0, 0):
        return kernel[0] * kernel[1]
    number = dtype if dtype.kind == "f" else int
    counts = np.zeros(output_size(size, kernel, stride, padding, (1, 1)), number)
    for _, _, _, to in positions(size, kernel, stride, padding, (1, 1)):
        counts[to] += 1
    return counts


def where(hit: NDArray, dy: NDArray) -> NDArray:
    """dy where hit, else 0."""
    if dy.dtype.kind != "f" or dy.itemsize > 8:
        return np.where(hit, dy, 0)
    bits = np.dtype(f"i{dy.itemsize}")  # as bits, and with 0 or -1: 0.15 ms; np.where 0.5; a product makes 0 · inf NaN
    return (dy.view(bits) & np.negative(hit.view(np.int8), dtype=bits)).view(dy.dtype)
