"""Two-dimensional convolution and its two transposes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.layers.kernels.threads import share
from tinygrad_edu.layers.kernels.windows import Pair, by_group, first, last, output_size, positions, windows

CACHE = 1 << 21  # bytes of windows copied at once: 2 MiB 3.3 ms, 1 MiB 3.8, 0.5 MiB 4.2, a whole batch 4.5
# Multiplications in one product. OpenBLAS leaves up to 10^6 (2^18 without AVX-512) on the thread that asks.
SMALL = 1 << 19


def convolve(
    x: NDArray, w: NDArray, stride: Pair, padding: Pair, dilation: Pair, groups: int, bias: NDArray | None = None
) -> NDArray:
    """y_nohw = Σ_cij x_nc(hs+id−p)(ws+jd−p) w_ocij + b_o, within each group.

    x (N, C, H, W), w (O, C/groups, kh, kw), bias (O,), y (N, O, H', W') in channels-last memory.
    """
    (n, _, *size), (o, c, *kernel) = x.shape, w.shape
    ho, wo = output_size(size, kernel, stride, padding, dilation)
    if x.dtype.kind != "f" or channelwise(w, groups):
        y = convolve_by_place(x, w, stride, padding, dilation, groups)
        return y if bias is None else y + bias[:, None, None]
    y = np.empty((n, ho, wo, o), x.dtype)
    matrix = w.reshape(groups, o // groups, -1, *kernel).transpose(0, 4, 3, 2, 1).reshape(groups, 1, 1, -1, o // groups)
    most = power_of_two(SMALL * groups // max(1, ho * w.size))  # samples in one product; 0: even one is too large

    def work(part: slice) -> None:
        for some, cells in patches(x[part], kernel, stride, padding, dilation, groups, n if most else 0):
            out = y[part][some]
            width, rows = wo, (math.gcd(len(out), most) or len(out)) * ho
            if not most:  # one product, which the threads of BLAS share, instead of one for each column
                cells = cells.swapaxes(1, 2).reshape(groups, 1, -1, *cells.shape[3:])
                width, rows = 1, rows * wo
            columns = cells.reshape(groups, width, -1, rows, matrix.shape[3]).swapaxes(1, 2)
            np.matmul(columns, matrix, out=out.reshape(-1, rows, width, groups, o // groups).transpose(3, 0, 2, 1, 4))
            if bias is not None:
                out.reshape(-1, ho, wo * o)[...] += np.tile(bias, wo)

    share(work, n, y.size * c if most else 0)
    return first(y)


def convolve_input_gradient(
    dy: NDArray, w: NDArray, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> NDArray:
    """dx_nc(hs+id−p)(ws+jd−p) += Σ_o dy_nohw w_ocij: the transpose of :func:`convolve` in x, whose (H, W) is `size`.

    dy (N, O, H', W'), w (O, C/groups, kh, kw), dx (N, C, *size) in channels-last memory.
    """
    o, c, *kernel = w.shape
    rest = [d * (k - 1) - p for k, p, d in zip(kernel, padding, dilation, strict=True)]
    if dy.dtype.kind != "f" or channelwise(w, groups) or tuple(stride) != (1, 1) or min(rest) < 0:
        return input_gradient_by_place(dy, w, size, stride, padding, dilation, groups)
    # With stride 1 a convolution again, by the kernel turned half round.
    turned = w.reshape(groups, o // groups, c, *kernel)[..., ::-1, ::-1].swapaxes(1, 2)
    return convolve(dy, turned.reshape(groups * c, o // groups, *kernel), (1, 1), rest, dilation, groups)


def convolve_weight_gradient(
    x: NDArray, dy: NDArray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> NDArray:
    """dw_ocij = Σ_nhw dy_nohw x_nc(hs+id−p)(ws+jd−p): the transpose of :func:`convolve` in w.

    x (N, C, H, W), dy (N, O, H', W'), dw (O, C/groups, kh, kw).
    """
    (kh, kw), c, o = kernel, x.shape[1] // groups, dy.shape[1] // groups  # channels in a group
    if x.dtype.kind != "f" or (c == 1 and o == 1):
        return weight_gradient_by_place(x, dy, kernel, stride, padding, dilation, groups)
    most = power_of_two(SMALL // max(1, dy.shape[2] * kw * kh * c * o))  # samples in one product
    pieces = 1 if most * dy.shape[2] >= 64 else kw  # few rows to a product: as many products as the kernel has columns
    if pieces > 1:
        most = power_of_two(SMALL // max(1, dy.shape[2] * kh * c * o))
    if most * dy.shape[2] < o:  # a product for each column of windows would be larger than the windows
        most = 0
    sums = {}

    def work(part: slice) -> None:
        dw = np.zeros((groups, pieces, kw * kh * c // pieces, o), x.dtype)
        for some, cells in patches(x[part], kernel, stride, padding, dilation, groups, most):
            right = np.ascontiguousarray(last(dy[part][some]))  # (m, H', W', O)
            right = right.reshape(cells.shape[2], -1, groups, o).transpose(2, 1, 0, 3)  # (groups, W', m H', o)
            if not most:
                cells, right = cells.reshape(groups, 1, -1, kw, kh * c), right.reshape(groups, 1, -1, o)
            cells = cells.reshape(*cells.shape[:3], *dw.shape[1:3])
            dw += (cells.transpose(0, 1, 3, 4, 2) @ right[:, :, None]).sum(1)
        sums[part.start] = dw

    share(work, len(x), dy.size * c if most else 0)
    total = np.sum([sums[start] for start in sorted(sums)], 0)  # in one order: the same call gives the same bits
    return total.reshape(groups, kw, kh, c, o).transpose(0, 4, 3, 2, 1).reshape(groups * o, c, kh, kw)


def patches(
    x: NDArray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int, most: int
) -> Iterator[tuple[slice, NDArray]]:
    """Windows of `x`, a few samples at a time: slice of m samples, (groups, W', m H', kw, kh C/groups).

    Copying each pixel for each *row* of the kernel is enough: in memory (H', W, kh, C) the kw · kh · C numbers of a
    window lie side by side, and a window further right begins kh · C numbers later. So the matrices, one for a column
    of windows, overlap in a copy kh times `x` (0.3 ms; each window copied, kh · kw times as large: 0.8).
    At most `most` samples at a time; 0 says that products are large, which many samples suit better.
    """
    if tuple(kernel) == (1, 1) and tuple(padding) == (0, 0):
        x, stride = x[:, :, :: stride[0], :: stride[1]], (1, 1)  # the other pixels are in no window
    (n, c, h, w), (kh, kw), (ph, pw) = x.shape, kernel, padding
    ho, wo = output_size((h, w), kernel, stride, padding, dilation)
    room = (CACHE if most else 16 * CACHE) // max(1, ho * (w + 2 * pw) * kh * c * x.itemsize)
    count = max(1, power_of_two(min(n, room, most or n)))
    if c < kh * groups:
        padded = np.zeros((count, h + 2 * ph, w + 2 * pw, c), x.dtype)
        runs: list[Any] = [
            np.s_[..., i, :] for i in range(kh)
        ]  # few channels: a row of places at a time, 0.1 ms; 0.3 else
    else:
        # In memory (W, H, C), so that the copy to (H', W, kh, C) runs over kh · C numbers at a time: 0.7 ms; 1.0 else.
        padded = np.zeros((count, w + 2 * pw, h + 2 * ph, c), x.dtype).swapaxes(1, 2)
        runs = [np.s_[...]]
    strips = np.empty((groups, count, ho, w + 2 * pw, kh, c // groups), x.dtype)
    rows = by_group(windows(padded, 1, kh, stride[0], dilation[0]).swapaxes(3, 4), groups)
    cells = windows(strips, 3, kw, stride[1], dilation[1])  # (groups, m, H', W', kh, C/groups, kw)
    cells = cells.transpose(0, 3, 1, 2, 6, 4, 5)
    for start in range(0, n, count):
        part = slice(start, min(start + count, n))
        m = part.stop - start
        padded[:m, ph : ph + h, pw : pw + w] = last(x[part])
        for run in runs:
            strips[:, :m][run] = rows[:, :m][run]
        yield part, cells[:, :, :m].reshape(groups, wo, m * ho, kw, kh * (c // groups))


def power_of_two(n: int) -> int:
    """The largest power of two up to n, 0 for 0."""
    return 1 << n.bit_length() - 1 if n > 0 else 0


# The plain formulas: a sum over the kernel's places, read three ways. Also the faster ones where a group is one channel
# (products with a number: 2 ms against 6) and for the input's gradient under a stride.


def convolve_by_place(x: NDArray, w: NDArray, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> NDArray:
    """For each place: y at the windows += x at the pixels · w."""
    (n, _, *size), (o, _, *kernel) = x.shape, w.shape
    y = np.zeros((n, *output_size(size, kernel, stride, padding, dilation), o), x.dtype)

    def work(part: slice) -> None:
        for i, j, at, to in positions(size, kernel, stride, padding, dilation):
            y[part][:, *to] += times(last(x[part])[:, *at], w[:, :, i, j], groups)

    share(work, n, y.size * w[0].size if x.dtype.kind == "f" else 0)
    return first(y)


def input_gradient_by_place(
    dy: NDArray, w: NDArray, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> NDArray:
    """For each place: dx at the pixels += dy at the windows · wᵀ."""
    o, c, *kernel = w.shape
    dx = np.zeros((len(dy), *size, c * groups), dy.dtype)
    turned = w.reshape(groups, o // groups, c, *kernel).swapaxes(1, 2).reshape(groups * c, o // groups, *kernel)

    def work(part: slice) -> None:
        right = np.ascontiguousarray(last(dy[part]))
        for i, j, at, to in positions(size, kernel, stride, padding, dilation):
            dx[part][:, *at] += times(right[:, *to], turned[:, :, i, j], groups)

    share(work, len(dy), dy.size * w[0].size if dy.dtype.kind == "f" else 0)
    return first(dx)


def weight_gradient_by_place(
    x: NDArray, dy: NDArray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> NDArray:
    """For each place: dw = Σ over the windows of dyᵀ · x at the pixels."""
    c, o = x.shape[1] // groups, dy.shape[1] // groups
    dw = np.zeros((*kernel, groups, o, c), x.dtype)
    for i, j, at, to in positions(x.shape[2:], kernel, stride, padding, dilation):
        x_at, dy_to = by_group(last(x)[:, *at], groups), by_group(last(dy)[:, *to], groups)
        dw[i, j] = np.einsum("gnhwo,gnhwc->goc", dy_to, x_at)
    return dw.transpose(2, 3, 4, 0, 1).reshape(groups * o, c, *kernel)


def channelwise(w: NDArray, groups: int) -> bool:
    """Whether each channel is convolved by itself."""
    return w.shape[0] == groups and w.shape[1] == 1


def times(x: NDArray, w: NDArray, groups: int) -> NDArray:
    """x (n, h, w, C) by the weights (O, C/groups) of one place: (n, h, w, O)."""
    n, h, width, c = x.shape
    if channelwise(w, groups):
        return x * np.tile(w[:, 0], (width, 1))  # repeated for long inner loops
    y = by_group(x, groups).reshape(groups, n, h * width, c // groups) @ w.reshape(groups, 1, -1, c // groups).mT
    return np.moveaxis(y, 0, 2).reshape(n, h, width, len(w))
