r"""Discrete Fourier transforms, under the names of ``torch.fft``; see :mod:`tinygrad_edu.ops.fourier` for how they work."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.ops.complex import conj, in_pairs, of_pairs
from tinygrad_edu.ops.creation import float_dtype, new
from tinygrad_edu.ops.fourier import OPPOSITE, along_one, halved, made_whole, norm_of, transformed
from tinygrad_edu.ops.operation import composite, example
from tinygrad_edu.ops.shape import axes_of, roll
from tinygrad_edu.tensor import Tensor

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


# The sections that read the same for all.


def _along_one(function: Callable[..., Any]) -> Callable[..., Any]:
    return _documented(
        function,
        """n : int, optional
    Length to which `x` is cut, or padded with zeros; of irfft and hfft that of the result, 2 (m - 1) if omitted.
dim : int, default -1
    Of length m.""",
    )


def _along_many(function: Callable[..., Any]) -> Callable[..., Any]:
    return _documented(
        function,
        """s : tuple of int, optional
    Length along each dimension to which `x` is cut, or padded with zeros, -1 for its own; of irfft2 and irfftn the
    last is that of the result, 2 (m - 1) if omitted.
dim : tuple of int, optional
    The last two for fft2 and its like; all if omitted, or the last where there are lengths.""",
    )


def _documented(function: Callable[..., Any], where: str) -> Callable[..., Any]:
    text, _, examples = inspect.cleandoc(function.__doc__ or "").partition("Examples\n")
    function.__doc__ = f"""{text}Parameters
----------
x : Tensor
{where}
norm : {{"backward", "forward", "ortho"}}, optional
    Which way carries the factor 1 / n: back (the default), forward, or each its root.

Returns
-------
Tensor
    Of the width of `x`; of integers in that of the default float type.

Examples
{examples}"""
    return function


# Along one dimension


@composite(method=False)
@_along_one
def fft(x: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    r"""Spectrum :math:`y_k = \sum_j x_j e^{-2 \pi i j k / n}` of complex or real numbers.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.fft(tg.tensor([1.0, 2.0, 3.0, 4.0]))[1]
    tensor(-2.+2.j)
    """
    return transformed("fft", x, *along_one("fft", x, n, dim), norm, False)


@composite(method=False)
@_along_one
def ifft(x: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    r"""Back from a spectrum, :math:`x_j = \frac1n \sum_k y_k e^{2 \pi i j k / n}`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.ifft(tg.tensor([10, -2 + 2j, -2, -2 - 2j])).real
    tensor([1., 2., 3., 4.])
    """
    return transformed("ifft", x, *along_one("ifft", x, n, dim), norm, True)


@composite(method=False)
@_along_one
def rfft(x: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    r"""Spectrum of real numbers without its second half, which mirrors the first: its first :math:`n // 2 + 1` elements.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.rfft(tg.tensor([1.0, 2.0, 3.0, 4.0]))[1]
    tensor(-2.+2.j)
    """
    return halved("rfft", x, *along_one("rfft", x, n, dim), norm)


@composite(method=False)
@_along_one
def irfft(x: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    r"""Real numbers from the first half of their spectrum.

    Of a spectrum of real numbers the first element is real, and for an even length the last one: imaginary parts there
    are not read.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.irfft(tg.tensor([10, -2 + 2j, -2]))
    tensor([1., 2., 3., 4.])
    """
    return made_whole("irfft", x, *along_one("irfft", x, n, dim), norm)


@composite(method=False)
@_along_one
def hfft(x: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    r"""Real spectrum of numbers whose second half mirrors, conjugated, the first, which is given.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.hfft(tg.tensor([1, 1 + 2j, 3]))
    tensor([ 6.,  2.,  2., -6.])
    """
    return made_whole("hfft", conj(x), *along_one("hfft", x, n, dim), OPPOSITE[norm_of("hfft", norm)])


@composite(method=False)
@_along_one
def ihfft(x: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    r"""First half of the numbers whose spectrum is real, from that.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.ihfft(tg.tensor([6.0, 2.0, 2.0, -6.0]))[1]
    tensor(1.+2.j)
    """
    return conj(halved("ihfft", x, *along_one("ihfft", x, n, dim), OPPOSITE[norm_of("ihfft", norm)]))


# Along several dimensions


@composite(method=False)
@_along_many
def fftn(x: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Spectrum along several dimensions.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.fftn(tg.ones(2, 2)).abs()
    tensor([[4., 0.],
            [0., 0.]])
    """
    return transformed("fftn", x, s, dim, norm, False)


@composite(method=False)
@_along_many
def fft2(x: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Spectrum along two dimensions.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.fft2(tg.ones(2, 2)).abs()
    tensor([[4., 0.],
            [0., 0.]])
    """
    return transformed("fft2", x, s, dim, norm, False)


@composite(method=False)
@_along_many
def ifftn(x: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Back from a spectrum along several dimensions.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.ifftn(tg.ones(2, 2)).abs()
    tensor([[1., 0.],
            [0., 0.]])
    """
    return transformed("ifftn", x, s, dim, norm, True)


@composite(method=False)
@_along_many
def ifft2(x: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Back from a spectrum along two dimensions.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.ifft2(tg.ones(2, 2)).abs()
    tensor([[1., 0.],
            [0., 0.]])
    """
    return transformed("ifft2", x, s, dim, norm, True)


@composite(method=False)
@_along_many
def rfftn(x: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Spectrum of real numbers along several dimensions, of which the last is halved as by :func:`rfft`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.rfftn(tg.ones(2, 4)).abs()
    tensor([[8., 0., 0.],
            [0., 0., 0.]])
    """
    return halved("rfftn", x, s, dim, norm)


@composite(method=False)
@_along_many
def rfft2(x: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Spectrum of real numbers along two dimensions, of which the last is halved as by :func:`rfft`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.rfft2(tg.ones(2, 4)).abs()
    tensor([[8., 0., 0.],
            [0., 0., 0.]])
    """
    return halved("rfft2", x, s, dim, norm)


@composite(method=False)
@_along_many
def irfftn(x: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Real numbers from their spectrum along several dimensions, of which the last is half of it as for :func:`irfft`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.irfftn(tg.ones(2, 3))
    tensor([[1., 0., 0., 0.],
            [0., 0., 0., 0.]])
    """
    return made_whole("irfftn", x, s, dim, norm)


@composite(method=False)
@_along_many
def irfft2(x: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Real numbers from their spectrum along two dimensions, of which the last is half of it as for :func:`irfft`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.irfft2(tg.ones(2, 3))
    tensor([[1., 0., 0., 0.],
            [0., 0., 0., 0.]])
    """
    return made_whole("irfft2", x, s, dim, norm)


# Frequencies, and their order


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    r"""Frequencies of a spectrum of length :math:`n`: :math:`0, 1, \dots, -2, -1` over :math:`n d`.

    Parameters
    ----------
    n : int
    d : float, default 1
        Distance of neighbouring samples.
    dtype : numpy.dtype, optional
        The default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor, shape (n,)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.fftfreq(4)
    tensor([ 0.  ,  0.25, -0.5 , -0.25])
    """
    return new(np.fft.fftfreq(n, d), float_dtype(dtype), device, requires_grad)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    r"""Frequencies of what :func:`rfft` gives of length :math:`n`: :math:`0, 1, \dots, n // 2` over :math:`n d`.

    Parameters
    ----------
    n : int
    d : float, default 1
        Distance of neighbouring samples.
    dtype : numpy.dtype, optional
        The default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor, shape (n // 2 + 1,)

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.rfftfreq(4)
    tensor([0.  , 0.25, 0.5 ])
    """
    return new(np.fft.rfftfreq(n, d), float_dtype(dtype), device, requires_grad)


@composite(method=False)
def fftshift(x: Any, dim: Any = None) -> Tensor:
    """A spectrum with frequency 0 in the middle, negative ones in front.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of int, optional
        All if omitted.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.fftshift(tg.fft.fftfreq(4))
    tensor([-0.5 , -0.25,  0.  ,  0.25])
    """
    dims = axes_of("fftshift", tuple(range(len(x.shape))) if dim is None else dim, len(x.shape))
    return roll(x, tuple(x.shape[d] // 2 for d in dims), dims)


@composite(method=False)
def ifftshift(x: Any, dim: Any = None) -> Tensor:
    """What :func:`fftshift` moved, moved back.

    Parameters
    ----------
    x : Tensor
    dim : int or tuple of int, optional
        All if omitted.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.fft.ifftshift(tg.tensor([-2, -1, 0, 1]))
    tensor([ 0,  1, -2, -1])
    """
    dims = axes_of("ifftshift", tuple(range(len(x.shape))) if dim is None else dim, len(x.shape))
    return roll(x, tuple(-(x.shape[d] // 2) for d in dims), dims)


# Examples: of floats, or of pairs of them in the place of complex numbers; cut and padded, of even and odd lengths.

Norms = Literal["backward", "forward", "ortho"]
Lengths = Literal[3, 4, 5]


def _complex_example(call: Any) -> None:
    @example(call)
    def along_one(n: Size = 2, m: Size = 4, length: Lengths = 4, norm: Norms = "backward") -> Case:
        return Case(of_pairs(call), (real(n, m, 2),), {"n": length, "norm": norm})


def _real_example(call: Any) -> None:
    @example(call)
    def along_one(n: Size = 2, m: Size = 4, length: Lengths = 4, norm: Norms = "backward") -> Case:
        return Case(in_pairs(call), (real(n, m),), {"n": length, "norm": norm})


def _complex_examples(call: Any) -> None:
    @example(call)
    def along_many(n: Size = 2, m: Size = 4, length: Lengths = 4, norm: Norms = "backward") -> Case:
        return Case(of_pairs(call), (real(n, m, 2),), {"s": (-1, length), "dim": (0, 1), "norm": norm})


def _real_examples(call: Any) -> None:
    @example(call)
    def along_many(n: Size = 2, m: Size = 4, length: Lengths = 4, norm: Norms = "backward") -> Case:
        return Case(in_pairs(call), (real(n, m),), {"s": (-1, length), "dim": (0, 1), "norm": norm})


for _call in (fft, ifft, irfft, hfft):
    _complex_example(_call)
for _call in (rfft, ihfft):
    _real_example(_call)
for _call in (fft2, fftn, ifft2, ifftn, irfft2, irfftn):
    _complex_examples(_call)
for _call in (rfft2, rfftn):
    _real_examples(_call)


@example(fftshift)
@example(ifftshift)
def of_a_spectrum(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))
