r"""Sliding windows and their transpose: what convolution and pooling are made of.

:math:`y_{..hw\,ij} = x_{..\,(hs + id)(ws + jd)}` with stride :math:`s` and dilation :math:`d`. An element of :math:`x`
lies in several windows, so that its cotangent is the sum over all places in all windows where it is seen. That sum is
:func:`overlap_add`, and the cotangent of `overlap_add` in turn is read off by `windows`.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.operation import example, operation
from tinygrad_edu.tensor import Tensor

__all__ = ["overlap_add", "windows"]


def _each(name: str, what: str, value: Any, axes: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    if len(values) != axes or not all(isinstance(v, int | np.integer) and v > 0 for v in values):
        raise ShapeError(f"{name}: {what} must be a positive int or {axes} of them, got {value!r}")
    return values


def _kernel(name: str, kernel_size: Any) -> tuple[int, ...]:
    return _each(name, "kernel_size", kernel_size, len(kernel_size) if isinstance(kernel_size, tuple | list) else 2)


@operation(
    complex=True,
    view=True,
    x=lambda g, x_shape, kernel_size, stride, dilation: overlap_add(
        g, x_shape[len(x_shape) - len(_kernel("windows", kernel_size)) :], stride, dilation
    ),
)
def windows(x: Any, kernel_size: Any, stride: Any = 1, dilation: Any = 1) -> Tensor:
    r"""Every window that a kernel sees: :math:`y_{..hw\,ij} = x_{..\,(hs + id)(ws + jd)}`.

    Parameters
    ----------
    x : Tensor, shape (..., H, W)
    kernel_size : int or tuple of int
        Height and width of a window. A tuple of one number slides along the last dimension alone, a tuple of three
        along the last three.
    stride : int or tuple of int, default 1
        Steps from one window to the next.
    dilation : int or tuple of int, default 1
        Steps between neighbours within a window.

    Returns
    -------
    Tensor, shape (..., H', W', kh, kw)
        A view, in which elements share places in memory; it cannot be written to. With
        :math:`H' = \lfloor (H - d(k_h - 1) - 1) / s \rfloor + 1`.

    Raises
    ------
    ShapeError
        If not even one window fits.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.windows(tg.arange(5), (3,), stride=2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    kernel = _kernel("windows", kernel_size)
    axes = len(kernel)
    stride, dilation = _each("windows", "stride", stride, axes), _each("windows", "dilation", dilation, axes)
    if x.ndim < axes:
        raise ShapeError(f"windows: a kernel of {axes} dimensions cannot slide over shape {x.shape}")
    front = x.ndim - axes
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(length < r for length, r in zip(x.shape[front:], reach, strict=True)):
        raise ShapeError(
            f"windows: a kernel of {kernel} with dilation {dilation} reaches over {tuple(reach)}, which does not fit "
            f"shape {x.shape}; pad it first"
        )
    axis = tuple(range(front, x.ndim))
    steps: Any = (Ellipsis, *(slice(None, None, s) for s in (*stride, *dilation)))
    return np.lib.stride_tricks.sliding_window_view(x, reach, axis)[steps]


@example(windows)
def _(n: Size = 2, h: Size = 3, w: Size = 4, kernel: Size = 2, stride: Size = 2, dilation: Size = 1) -> Case:
    reach = dilation * (kernel - 1)
    return case(real(n, h + reach, w + reach), (kernel, kernel), stride, dilation)


@example(windows)
def _(n: Size = 2, length: Size = 4, kernel: Size = 2, stride: Size = 1) -> Case:
    return case(real(n, length + kernel), (kernel,), stride)


@operation(
    complex=True,
    y=lambda g, y_shape, size, stride, dilation: windows(g, y_shape[len(y_shape) - len(size) :], stride, dilation),
)
def overlap_add(y: Any, size: Any, stride: Any = 1, dilation: Any = 1) -> Tensor:
    r"""Windows added up where they overlap: :math:`x_{..mn} = \sum y_{..hw\,ij}` over :math:`hs + id = m, ws + jd = n`.

    The transpose of :func:`windows`.

    Parameters
    ----------
    y : Tensor, shape (..., H', W', kh, kw)
    size : tuple of int
        Height and width of the result.
    stride, dilation : int or tuple of int, default 1
        As for :func:`windows`.

    Returns
    -------
    Tensor, shape (..., H, W)

    Raises
    ------
    ShapeError
        If so many windows do not lie in that size.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.overlap_add(tg.ones(2, 3), (5,), stride=2)
    tensor([1., 1., 2., 1., 1.])
    """
    axes = len(size)
    stride, dilation = _each("overlap_add", "stride", stride, axes), _each("overlap_add", "dilation", dilation, axes)
    front = y.ndim - 2 * axes
    if front < 0:
        raise ShapeError(
            f"overlap_add: windows of {axes} dimensions have {2 * axes} dimensions and more, got {y.shape}"
        )
    counts, kernel = y.shape[front : front + axes], y.shape[front + axes :]
    fitting = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True))
    if fitting != counts:
        raise ShapeError(f"overlap_add: {fitting} windows of {kernel} lie in {tuple(size)}, but there are {counts}")
    out = np.zeros((*y.shape[:front], *size), y.dtype)
    for place in itertools.product(*map(range, kernel)):
        # Position `place` of all windows at once: they are s apart.
        seen = tuple(
            slice(i * d, i * d + s * (n - 1) + 1, s) for i, d, s, n in zip(place, dilation, stride, counts, strict=True)
        )
        there: Any = (Ellipsis, *seen)
        at_place: Any = (Ellipsis, *(slice(None),) * axes, *place)
        out[there] += y[at_place]
    return out


@example(overlap_add)
def _(n: Size = 2, h: Size = 3, w: Size = 4, kernel: Size = 2, stride: Size = 2, dilation: Size = 1) -> Case:
    reach = dilation * (kernel - 1)
    size = (h + reach, w + reach)
    counts = ((h - 1) // stride + 1, (w - 1) // stride + 1)
    return case(real(n, *counts, kernel, kernel), size, stride, dilation)
