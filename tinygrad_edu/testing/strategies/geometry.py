"""Geometries of convolution and pooling: sizes, strides, paddings and dilations that fit together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

__all__ = ["ConvGeometry", "PoolGeometry", "conv_geometries", "pool_geometries"]


def _windows(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[int, ...]:
    axes = zip(size, kernel, stride, padding, dilation, strict=True)
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes)


@dataclass(frozen=True)
class ConvGeometry:
    r"""Sizes and options of one convolution; those in tuples are for height and width.

    Attributes
    ----------
    batch, in_channels, out_channels : int
        :math:`N, C, O`.
    image_size, kernel_size, stride, padding, dilation : tuple of int
        :math:`(H, W)`, :math:`k`, :math:`s`, :math:`p`, :math:`d`.
    groups : int
        Divides both numbers of channels.

    Examples
    --------
    >>> geometry = ConvGeometry(1, 2, 4, (5, 6), (3, 2), (2, 1), (0, 1), (1, 1), groups=2)
    >>> geometry.input_shape, geometry.weight_shape, geometry.output_shape
    ((1, 2, 5, 6), (4, 1, 3, 2), (1, 4, 2, 7))
    """

    batch: int
    in_channels: int
    out_channels: int
    image_size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the images: :math:`(N, C, H, W)`."""
        return self.batch, self.in_channels, *self.image_size

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the kernels: :math:`(O, C / g, k_h, k_w)`."""
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size

    @property
    def output_shape(self) -> tuple[int, ...]:
        r"""Shape of the result: :math:`(N, O, H', W')` with :math:`H' = \lfloor (H + 2p - d (k - 1) - 1)/s \rfloor + 1`."""
        windows = _windows(self.image_size, self.kernel_size, self.stride, self.padding, self.dilation)
        return self.batch, self.out_channels, *windows

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for ``conv2d(x, weight, bias, **options)``."""
        return dict(stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups)


@dataclass(frozen=True)
class PoolGeometry:
    r"""Sizes and options of one pooling; those in tuples are for height and width.

    Attributes
    ----------
    batch, channels : int
        :math:`N, C`.
    image_size, kernel_size, stride, padding, dilation : tuple of int
        :math:`(H, W)`, :math:`k`, :math:`s`, :math:`p`, :math:`d`.

    Examples
    --------
    >>> geometry = PoolGeometry(1, 2, (4, 5), (2, 2), (2, 2), (0, 1), (1, 1))
    >>> geometry.input_shape, geometry.output_shape
    ((1, 2, 4, 5), (1, 2, 2, 3))
    """

    batch: int
    channels: int
    image_size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the images: :math:`(N, C, H, W)`."""
        return self.batch, self.channels, *self.image_size

    @property
    def output_shape(self) -> tuple[int, ...]:
        r"""Shape of the result: :math:`(N, C, H', W')` with :math:`H' = \lfloor (H + 2p - d (k - 1) - 1)/s \rfloor + 1`."""
        windows = _windows(self.image_size, self.kernel_size, self.stride, self.padding, self.dilation)
        return self.batch, self.channels, *windows

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for ``max_pool2d(x, **options)``; average pooling has no dilation."""
        return dict(kernel_size=self.kernel_size, stride=self.stride, padding=self.padding, dilation=self.dilation)


def conv_geometries(
    *,
    batch: Any = None,
    channels: Any = None,
    kernel_size: Any = None,
    stride: Any = None,
    padding: Any = None,
    dilation: Any = None,
    groups: Any = None,
    spare: Any = None,
    ndim: int = 2,
) -> st.SearchStrategy[ConvGeometry]:
    r"""Convolutions that are valid: at least one window fits, and the groups divide the channels.

    The image is as large as one window needs, :math:`\max(1, d (k - 1) + 1 - 2p)`, and a few pixels more, so that some
    strides do not divide the way. Height and width differ in everything. They shrink to one pixel under a kernel of one.

    Each argument is an int, which fixes it, or a strategy of ints.

    Parameters
    ----------
    batch : int or strategy, default 1 to 3
    channels : int or strategy, default 1 to 2
        Per group, drawn for the inputs and for the outputs.
    kernel_size, stride, padding, dilation : int or strategy, default 1 to 3, 1 to 3, 0 to 2, 1 to 2
        Drawn for height and for width.
    groups : int or strategy, default 1 to 2
    spare : int or strategy, default 0 to 3
        Pixels beyond the smallest image, drawn for height and for width.
    ndim : int, default 2
        Dimensions of the image; 1 and 3 serve ``conv1d`` and ``conv3d``.

    Returns
    -------
    strategy of ConvGeometry

    Raises
    ------
    ValueError
        If a number is too small, such as a stride of 0.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(conv_geometries(padding=0), lambda g: g.stride[1] == 2 and g.output_shape[3] == 2)
    ConvGeometry(batch=1, in_channels=1, out_channels=1, image_size=(1, 3), kernel_size=(1, 1), stride=(1, 2),
                 padding=(0, 0), dilation=(1, 1), groups=1)
    """
    name = "conv_geometries"
    per_group = _ints(f"{name}: channels", channels, 1, 2)
    axis = _axes(name, kernel_size, stride, padding, dilation, spare)
    counts = st.tuples(_ints(f"{name}: groups", groups, 1, 2), _ints(f"{name}: batch", batch, 1, 3, least=0))

    @st.composite
    def geometry(draw: st.DrawFn) -> ConvGeometry:
        g, n = draw(counts)
        c, o = draw(per_group), draw(per_group)
        axes = [draw(axis) for _ in range(ndim)]
        sizes = [max(1, d * (k - 1) + 1 - 2 * p) + more for k, _, p, d, more in axes]
        k, s, p, d, _ = zip(*axes, strict=True)
        return ConvGeometry(n, c * g, o * g, tuple(sizes), k, s, p, d, g)

    return geometry()


def pool_geometries(
    *,
    batch: Any = None,
    channels: Any = None,
    kernel_size: Any = None,
    stride: Any = None,
    dilation: Any = 1,
    spare: Any = None,
    ndim: int = 2,
) -> st.SearchStrategy[PoolGeometry]:
    r"""Poolings that are valid: padding at most half the kernel, and in each window at least one pixel of the image.

    The image is as large as one window needs, :math:`\max(d, d (k - 1) + 1 - 2p)`, and a few pixels more. They shrink to
    one pixel under a window of one.

    Each argument is an int, which fixes it, or a strategy of ints.

    Parameters
    ----------
    batch, channels : int or strategy, default 1 to 3, 1 to 2
    kernel_size, stride : int or strategy, default 1 to 3, 1 to 3
        Drawn for height and for width.
    dilation : int or strategy, default 1
        Average pooling has none.
    spare : int or strategy, default 0 to 3
        Pixels beyond the smallest image, drawn for height and for width.
    ndim : int, default 2
        Dimensions of the image.

    Returns
    -------
    strategy of PoolGeometry

    Raises
    ------
    ValueError
        If a number is too small, such as a stride of 0.

    Notes
    -----
    A window's pixels are :math:`d` apart, its first at most at :math:`n - 1` and its last at least at 0. If the first is
    not within the image, the first that is not left of it lies before :math:`d`: hence within, if :math:`n \ge d`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(pool_geometries(), lambda g: g.padding[0] > 0)
    PoolGeometry(batch=1, channels=1, image_size=(1, 1), kernel_size=(2, 1), stride=(1, 1), padding=(1, 0),
                 dilation=(1, 1))
    """
    name = "pool_geometries"
    axis = _axes(name, kernel_size, stride, 0, dilation, spare)
    counts = st.tuples(_ints(f"{name}: batch", batch, 1, 3, least=0), _ints(f"{name}: channels", channels, 1, 2))

    @st.composite
    def geometry(draw: st.DrawFn) -> PoolGeometry:
        n, c = draw(counts)
        axes = [draw(axis) for _ in range(ndim)]
        k, s, _, d, more = zip(*axes, strict=True)
        p = tuple(draw(st.integers(0, length // 2)) for length in k)
        sizes = [max(d, d * (k - 1) + 1 - 2 * p) + more for (k, _, _, d, more), p in zip(axes, p, strict=True)]
        return PoolGeometry(n, c, tuple(sizes), k, s, p, d)

    return geometry()


def _axes(
    name: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any, spare: Any
) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(
        _ints(f"{name}: kernel_size", kernel_size, 1, 3),
        _ints(f"{name}: stride", stride, 1, 3),
        _ints(f"{name}: padding", padding, 0, 2),
        _ints(f"{name}: dilation", dilation, 1, 2),
        _ints(f"{name}: spare", spare, 0, 3),
    )


def _ints(name: str, given: Any, low: int, high: int, *, least: int | None = None) -> st.SearchStrategy[int]:
    """The strategy for one number: the default range, what the caller fixed, or the caller's strategy, checked."""
    least = low if least is None else least

    def checked(value: int) -> int:
        if value < least:
            raise ValueError(f"{name}: expected an int of at least {least}, got {value}")
        return value

    if given is None:
        return st.integers(low, high)
    return given.map(checked) if isinstance(given, st.SearchStrategy) else st.just(checked(given))
