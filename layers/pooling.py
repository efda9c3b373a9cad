"""Pooling of images over windows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from tinygrad_edu.announce import Case, Size, applied, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.layers.convolution import pair_of_ints
from tinygrad_edu.layers.kernels import (
    average_pool,
    average_pool_gradient,
    interleaved,
    max_pool,
    max_pool_gradient,
    output_size,
)
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.ops import ones, pad, windows

__all__ = ["AvgPool2d", "MaxPool2d"]


class _Pool(Layer):
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def _geometry(self, kernel_size: Any, stride: Any, padding: Any) -> None:
        name = self.name
        self.kernel_size = pair_of_ints(kernel_size, f"{name}: kernel_size")
        self.stride = self.kernel_size if stride is None else pair_of_ints(stride, f"{name}: stride")
        self.padding = pair_of_ints(padding, f"{name}: padding")
        if min(*self.kernel_size, *self.stride) < 1 or min(self.padding) < 0:
            raise ValueError(
                f"{name}: expected positive kernel_size and stride and no negative padding, got {kernel_size}, {stride} "
                f"and {padding}"
            )
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"{name}: padding {self.padding} is more than half of kernel_size {self.kernel_size}, so that a window "
                "could lie outside the image"
            )


def check_images(name: str, x: Any, *geometry: Any) -> None:
    """Refuse what is no batch of images, or too small for one window."""
    if x.ndim != 4:
        raise ShapeError(f"{name}: expected an input of shape (batch, channels, height, width), got {x.shape}")
    if min(output_size(x.shape[2:], *geometry)) < 1:
        raise ShapeError(f"{name}: a window of {geometry[0]} does not fit into an input of shape {x.shape}")


class MaxPool2d(_Pool):
    r"""The largest value of each window: :math:`y_{nchw} = \max_{ij} x_{n c,\; h s + i d - p,\; w s + j d - p}`.

    Of several equal maxima the first in reading order gets the gradient, as in PyTorch.

    Parameters
    ----------
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        The kernel size if omitted.
    padding : int or (int, int), default 0
        By :math:`-\infty`; at most half the kernel size.
    dilation : int or (int, int), default 1

    Raises
    ------
    ValueError
        If a length is not positive, or the padding too wide.
    ShapeError
        If the input is not (N, C, H, W), or smaller than a window.

    Notes
    -----
    Input (N, C, H, W), result (N, C, H', W') with :math:`H' = \lfloor (H + 2p - d (k - 1) - 1)/s \rfloor + 1`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.MaxPool2d(2)(tg.arange(16.0).reshape(1, 1, 4, 4))
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """

    dilation: tuple[int, int]

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> None:
        self._geometry(kernel_size, stride, padding)
        self.dilation = pair_of_ints(dilation, "MaxPool2d: dilation")
        if min(self.dilation) < 1:
            raise ValueError(f"MaxPool2d: expected a positive dilation, got {dilation}")

    @staticmethod
    def check(x, *, kernel_size, stride, padding, dilation):
        check_images("MaxPool2d", x, kernel_size, stride, padding, dilation)

    @staticmethod
    def definition(x, *, kernel_size, stride, padding, dilation):
        x = pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2), value=float("-inf"))
        x = windows(x, kernel_size, stride, dilation).flatten(-2)  # (N, C, H', W', kh·kw)
        return x.max(-1).values

    @staticmethod
    def by_hand(x, *, kernel_size, stride, padding, dilation):
        geometry = (kernel_size, stride, padding, dilation)
        y = max_pool(x, *geometry)

        def backward(dy):
            # y = x at the place of the first maximum and does not change with the others: ∂y/∂x is 1 there, 0 elsewhere.
            return max_pool_gradient(dy, x, y, *geometry)

        return y, backward

    @staticmethod
    def example(
        n: Size = 64,
        c: Size = 16,
        size: Annotated[int, range(4, 8)] = 28,
        kernel_size: Literal[1, 2, 3] = 2,
        stride: Literal[None, 1, 2] = None,
        padding: Literal[0, 1] = 0,
        dilation: Literal[1, 2] = 1,
        ties: bool = False,
    ) -> Case:
        dilation = dilation if size > 2 * kernel_size else 1
        layer = MaxPool2d(kernel_size, stride, min(padding, kernel_size // 2), dilation)
        return applied(layer, real(n, c, size, size + 1, ties=ties))

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}"


class AvgPool2d(_Pool):
    r"""The mean of each window: :math:`y_{nchw} = \frac{1}{k_h k_w} \sum_{ij} x_{n c,\; h s + i - p,\; w s + j - p}`.

    Parameters
    ----------
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        The kernel size if omitted.
    padding : int or (int, int), default 0
        By zeros; at most half the kernel size.
    ceil_mode : bool, default False
        True is refused: windows lie wholly within the padded image.
    count_include_pad : bool, default True
        Whether the padding counts as part of a window; if not, a window divides by its pixels within the image.

    Raises
    ------
    ValueError
        If a length is not positive, or the padding too wide.
    ShapeError
        If the input is not (N, C, H, W), or smaller than a window.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.AvgPool2d(2)(tg.arange(16.0).reshape(1, 1, 4, 4))
    tensor([[[[ 2.5,  4.5],
              [10.5, 12.5]]]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        if ceil_mode:
            raise ValueError(
                "AvgPool2d: ceil_mode=True is not there; pad the input to a multiple of the stride instead"
            )
        self._geometry(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad

    @staticmethod
    def check(x, *, kernel_size, stride, padding, count_include_pad):
        check_images("AvgPool2d", x, kernel_size, stride, padding, (1, 1))

    @staticmethod
    def definition(x, *, kernel_size, stride, padding, count_include_pad):
        widths = ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)
        total = windows(pad(x, widths), kernel_size, stride, (1, 1)).sum((-2, -1))
        if count_include_pad:
            return total / (kernel_size[0] * kernel_size[1])
        inside = pad(ones((1, 1, *x.shape[2:]), dtype=x.dtype), widths)
        return total / windows(inside, kernel_size, stride, (1, 1)).sum((-2, -1))

    @staticmethod
    def by_hand(x, *, kernel_size, stride, padding, count_include_pad):
        geometry = (kernel_size, stride, padding, count_include_pad)
        y = average_pool(x, *geometry)
        form = (x.shape[2:], interleaved(x))  # all that matters of x: its values are let go

        def backward(dy):
            # ∂y_window/∂x_pixel = 1/count for each pixel in the window: each gets its share of dy from every window it
            # lies in.
            return average_pool_gradient(dy, *form, *geometry)

        return y, backward

    @staticmethod
    def example(
        n: Size = 64,
        c: Size = 16,
        size: Annotated[int, range(3, 7)] = 28,
        kernel_size: Literal[1, 2, 3] = 2,
        stride: Literal[None, 1, 2] = None,
        padding: Literal[0, 1] = 0,
        count_include_pad: bool = True,
    ) -> Case:
        layer = AvgPool2d(kernel_size, stride, min(padding, kernel_size // 2), count_include_pad=count_include_pad)
        return applied(layer, real(n, c, size, size + 1))

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
