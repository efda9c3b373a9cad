"""Where the windows of a convolution or a pooling lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Pair = Sequence[int]  # one number for the height and one for the width
Slices = tuple[slice, slice]


def output_size(size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> tuple[int, int]:
    """Number of windows along height and width: ⌊(H + 2p − d(k − 1) − 1) / s⌋ + 1."""
    axes = zip(size, kernel, stride, padding, dilation, strict=True)
    h, w = ((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes)
    return h, w


def line(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Iterator[tuple[slice, slice]]:
    """Every place of a kernel along one axis: the pixels it falls on, and the windows it does so in.

    Window ``windows[a]`` meets pixel ``pixels[a]`` there. Windows in which the place falls on the padding are left
    out, so nothing needs to be padded.
    """
    count = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    for place in range(kernel):
        offset = place * dilation - padding  # pixel = stride · window + offset
        first = max(0, -(offset // stride))
        stop = max(first, min(count, (size - 1 - offset) // stride + 1))
        start = stride * first + offset
        yield slice(start, start + stride * (stop - first), stride) if stop > first else slice(0), slice(first, stop)


def positions(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Iterator[tuple[int, int, Slices, Slices]]:
    """Every place (i, j) of the kernel in reading order, with pixels and windows as in :func:`line`."""
    rows, columns = (list(line(*axis)) for axis in zip(size, kernel, stride, padding, dilation, strict=True))
    for i, (row, row_window) in enumerate(rows):
        for j, (column, column_window) in enumerate(columns):
            yield i, j, (row, column), (row_window, column_window)


def windows(x: NDArray, axis: int, kernel: int, stride: int, dilation: int) -> NDArray:
    """Windows along one axis, their elements as a new last axis; a view to write to where `x` is."""
    view = sliding_window_view(x, dilation * (kernel - 1) + 1, axis)[..., ::dilation]
    return view[(slice(None),) * axis + (slice(None, None, stride),)]


def last(x: NDArray) -> NDArray:
    """(N, C, H, W) seen as (N, H, W, C)."""
    return x.transpose(0, 2, 3, 1)


def first(x: NDArray) -> NDArray:
    """(N, H, W, C) seen as (N, C, H, W)."""
    return x.transpose(0, 3, 1, 2)


def by_group(x: NDArray, groups: int) -> NDArray:
    """(..., C) seen as (groups, ..., C/groups)."""
    return np.moveaxis(x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups), -2, 0)
