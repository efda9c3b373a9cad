"""Two-dimensional convolution, said three times: by sliding windows, by fast matrix products, and by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, applied, real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.layers.init import kaiming_normal_
from tinygrad_edu.layers.kernels import (
    channel_sum,
    convolve,
    convolve_input_gradient,
    convolve_weight_gradient,
    output_size,
)
from tinygrad_edu.layers.layer import Layer, require_float
from tinygrad_edu.layers.module import Parameter
from tinygrad_edu.ops import einsum, empty, pad, windows, zeros

__all__ = ["Conv2d"]


def pair_of_ints(value: Any, name: str) -> tuple[int, int]:
    """A length for height and width: one int for both, or two.

    Raises
    ------
    ValueError
        If it is neither; the message names the argument.
    """
    pair = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(pair) != 2 or not all(isinstance(v, int | np.integer) for v in pair):
        raise ValueError(f"{name}: expected an int or two ints, got {value!r}")
    return int(pair[0]), int(pair[1])


class Conv2d(Layer):
    r"""Two-dimensional convolution (in the field's sense: cross-correlation) of images with learned kernels.

    .. math:: y_{nohw} = b_o + \sum_{cij} W_{ocij}\, x_{n c,\; h s + i d - p,\; w s + j d - p}

    with stride :math:`s`, padding :math:`p` by zeros, and dilation :math:`d`, each for height and width. With groups the
    channels are parted, and each part of the outputs sees the same part of the inputs alone.

    Parameters
    ----------
    in_channels, out_channels : int
        :math:`C` and :math:`O`.
    kernel_size : int or (int, int)
        Height and width of the kernel.
    stride, padding, dilation : int or (int, int), default 1, 0, 1
        `padding` may also be ``"valid"`` (none) or, for odd kernels and stride 1, ``"same"``.
    groups : int, default 1
        Divides both numbers of channels.
    bias : bool, default True
        Whether :math:`b`, one number for each output channel, is there.
    padding_mode : {"zeros"}
        Other modes are refused.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    dtype : numpy.dtype, optional
        Type of the parameters; the default float type if omitted.
    init : callable, default :func:`~tinygrad_edu.nn.init.kaiming_normal_`
        Fills the weight, in place: He's initialisation [2]_, of standard deviation :math:`\sqrt{2/(C/g \cdot k_h k_w)}`.

    Attributes
    ----------
    weight : Parameter
        :math:`W`, of shape (out_channels, in_channels / groups, kernel height, kernel width).
    bias : Parameter or None
        :math:`b`, of shape (out_channels,), initially 0.

    Raises
    ------
    ValueError
        If `groups` does not divide the channels, or a length is not positive.
    ShapeError
        If the input is not (N, in_channels, H, W), or smaller than the kernel.

    Notes
    -----
    Input (N, C, H, W), result (N, O, H', W') with :math:`H' = \lfloor (H + 2p - d (k - 1) - 1)/s \rfloor + 1`.

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", 2016, relationship 15.
    .. [2] K. He et al., "Delving deep into rectifiers", ICCV 2015, eq. 10.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> nn.Conv2d(1, 16, 5, padding=2)(tg.ones(2, 1, 28, 28)).shape
    (2, 16, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        init: Callable = kaiming_normal_,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f"Conv2d: padding_mode {padding_mode!r} is not there; pad the input, and use padding=0")
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"Conv2d: groups={groups} does not divide {in_channels} and {out_channels} channels")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair_of_ints(kernel_size, "Conv2d: kernel_size")
        self.stride = pair_of_ints(stride, "Conv2d: stride")
        self.dilation = pair_of_ints(dilation, "Conv2d: dilation")
        self.padding = self._padding(padding)
        if min(*self.kernel_size, *self.stride, *self.dilation) < 1 or min(self.padding) < 0:
            raise ValueError(
                f"Conv2d: expected positive kernel_size, stride and dilation and no negative padding, got "
                f"{kernel_size}, {stride}, {dilation} and {padding}"
            )
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(init(empty(shape, dtype=dtype, device=device)))
        self.bias = Parameter(zeros(out_channels, dtype=dtype)) if bias else None

    def _padding(self, padding: Any) -> tuple[int, int]:
        if padding == "valid":
            return 0, 0
        if padding == "same":
            reach = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
            if self.stride != (1, 1) or any(r % 2 for r in reach):
                raise ValueError("Conv2d: padding='same' is there for stride 1 and odd kernels; give padding as ints")
            return reach[0] // 2, reach[1] // 2
        return pair_of_ints(padding, "Conv2d: padding")

    @staticmethod
    def check(x, weight, bias, *, stride, padding, dilation, groups):
        require_float("Conv2d", x)
        if weight.ndim != 4 or (bias is not None and bias.shape != weight.shape[:1]):
            raise ShapeError(
                f"Conv2d: expected a weight of shape (out_channels, in_channels / groups, height, width) and a bias of shape "
                f"(out_channels,), got {weight.shape} and {None if bias is None else bias.shape}"
            )
        if groups < 1 or weight.shape[0] % groups:
            raise ValueError(f"Conv2d: groups={groups} does not divide {weight.shape[0]} output channels")
        if min(*stride, *dilation) < 1 or min(padding) < 0:
            raise ValueError(
                f"Conv2d: expected positive stride and dilation and no negative padding, got {stride}, {dilation} and "
                f"{padding}"
            )
        if x.ndim != 4 or x.shape[1] != weight.shape[1] * groups:
            raise ShapeError(
                f"Conv2d: expected an input of shape (batch, {weight.shape[1] * groups}, height, width), got {x.shape}"
            )
        if min(output_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)) < 1:
            raise ShapeError(
                f"Conv2d: a kernel of {weight.shape[2:]} with dilation {dilation} does not fit into an input of shape "
                f"{x.shape} with padding {padding}"
            )

    @staticmethod
    def definition(x, weight, bias, *, stride, padding, dilation, groups):
        (n, c, _, _), (o, _, *kernel_size) = x.shape, weight.shape
        x = pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
        x = windows(x, tuple(kernel_size), stride, dilation)  # (N, C, H', W', kh, kw)
        x = x.reshape((n, groups, c // groups, *x.shape[2:]))
        w = weight.reshape((groups, o // groups, c // groups, *kernel_size))
        y = einsum("ngchwij,gocij->ngohw", x, w)
        y = y.reshape((n, o, *y.shape[3:]))
        return y if bias is None else y + bias.reshape((-1, 1, 1))

    @staticmethod
    def by_hand(x, weight, bias, *, stride, padding, dilation, groups):
        # Window (h, w) meets pixel (hs + id − p, ws + jd − p) at the kernel's place (i, j); y is a sum over these
        # meetings, so each gradient is the sum over the same meetings with its own factor left out:
        #   dx_nchw, at each pixel  = Σ dy_no(window) W_ocij
        #   dW_ocij, at each place  = Σ dy_no(window) x_nc(pixel)
        #   db_o                    = Σ dy_nohw, one number for each channel
        geometry = (stride, padding, dilation, groups)
        y = convolve(x, weight, *geometry, bias)

        def backward(dy):
            dx = lambda: convolve_input_gradient(dy, weight, x.shape[2:], *geometry)
            dweight = lambda: convolve_weight_gradient(x, dy, weight.shape[2:], *geometry)
            dbias = lambda: channel_sum(dy)
            return dx, dweight, dbias

        return y, backward

    @staticmethod
    def reference(x, weight, bias, *, stride, padding, dilation, groups):
        # The mathematics in SciPy's words, one pair of channels at a time. With the kernel spread by the dilation and dy
        # spread by the stride, both with zeros in between,
        #   y  = x correlated with w, every s-th
        #   dw = x correlated with dy, every d-th
        #   dx = dy convolved with w in full (that is, correlated with the kernel turned half round)
        from scipy.signal import convolve as convolve2d
        from scipy.signal import correlate

        (n, _, h, w), (o, per_group, *kernel) = x.shape, weight.shape
        x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
        spread_w = spread(weight, dilation)
        size = output_size((h, w), tuple(kernel), stride, padding, dilation)
        meetings = [
            (s, k, k // (o // groups) * per_group + i, i) for s in range(n) for k in range(o) for i in range(per_group)
        ]
        y = np.zeros((n, o, *size), x.dtype)
        for s, k, channel, i in meetings:
            full = correlate(x[s, channel], spread_w[k, i], "valid", "direct")
            y[s, k] += full[:: stride[0], :: stride[1]]
        if bias is not None:
            y += bias[:, None, None]

        def backward(dy):
            spread_dy = spread(dy, stride)
            dx, dweight = np.zeros_like(x), np.zeros_like(weight)
            # Rows and columns that no window reaches, where the stride does not divide the way.
            reach = [(size[a] - 1) * stride[a] + dilation[a] * (kernel[a] - 1) + 1 for a in (0, 1)]
            for s, k, channel, i in meetings:
                seen = x[s, channel, : reach[0], : reach[1]]
                dweight[k, i] += correlate(seen, spread_dy[s, k], "valid", "direct")[:: dilation[0], :: dilation[1]]
                dx[s, channel, : reach[0], : reach[1]] += convolve2d(spread_dy[s, k], spread_w[k, i], "full", "direct")
            dx = dx[:, :, padding[0] : padding[0] + h, padding[1] : padding[1] + w]
            return dx, dweight, dy.sum((0, 2, 3))

        return y, backward

    @staticmethod
    def example(
        n: Size = 64,
        c: Size = 1,
        o: Size = 16,
        size: Annotated[int, range(3, 7)] = 28,
        kernel_size: Literal[1, 2, 3] = 3,
        stride: Literal[1, 2, 3] = 1,
        padding: Literal[0, 1, 2] = 1,
        dilation: Literal[1, 2] = 1,
        groups: Literal[1, 2] = 1,
        bias: bool = True,
    ) -> Case:
        size = max(size, dilation * (kernel_size - 1) + 1)
        layer = Conv2d(c * groups, o * groups, kernel_size, (stride, 1), padding, dilation, groups, bias)
        return applied(layer, real(n, c * groups, size, size + 1))

    def extra_repr(self) -> str:
        options = dict(stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1)
        given = [f"{k}={getattr(self, k)}" for k, default in options.items() if getattr(self, k) != default]
        parts = [str(self.in_channels), str(self.out_channels), f"kernel_size={self.kernel_size}", *given]
        return ", ".join(parts + ([] if self.bias is not None else ["bias=False"]))


def spread(x, step):
    """Images with step − 1 zeros between neighbours: (..., H, W) to (..., (H − 1) s + 1, (W − 1) s + 1)."""
    h, w = x.shape[-2:]
    out = np.zeros((*x.shape[:-2], (h - 1) * step[0] + 1, (w - 1) * step[1] + 1), x.dtype)
    out[..., :: step[0], :: step[1]] = x
    return out
