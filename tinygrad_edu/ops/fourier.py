r"""What the discrete Fourier transforms of :mod:`tinygrad_edu.fft` are made of: three linear maps with their transposes.

Forward along a dimension of length :math:`n`, and back:

.. math::
    y_k = \sum_j x_j\, e^{-2 \pi i j k / n}
    \qquad
    x_j = \frac1n \sum_k y_k\, e^{2 \pi i j k / n}

With the matrix :math:`F_{kj} = e^{-2 \pi i j k / n}` the first is :math:`y = F x` and the second :math:`x = \frac1n F^* y`,
with :math:`F^*` its conjugate transpose. The gradient of a linear :math:`y = A x` is :math:`g_x = A^* g_y`, since
:math:`\mathrm dL = \mathrm{Re}(g_y^* A\,\mathrm dx)`: of the unscaled transform it is the unscaled transform back, and the
other way round. A factor in front is real and stays: where :math:`1/n` or :math:`1/\sqrt n` stood, it stands again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from tinygrad_edu.dtypes import complex_of, get_default_dtype
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.complex import real
from tinygrad_edu.ops.operation import operation
from tinygrad_edu.ops.shape import axes_of, axis_of, narrow, pad
from tinygrad_edu.tensor import Tensor

__all__: list[str] = []

Norm = Literal["backward", "forward", "ortho"]

# Which way carries the factor 1/n. A transform and its transpose go opposite ways and have the same factor.
OPPOSITE: dict[Any, Norm] = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


# The transforms of arrays that have the right length already, and their rules


@operation(
    complex=True,
    step=True,
    x=lambda g, dims, norm, back: transform(g, dims, OPPOSITE[norm], not back),
)
def transform(x: Any, dims: tuple[int, ...], norm: Norm, back: bool) -> Tensor:
    """All elements to all: A* is the transform the other way. Of a real `x` its real part counts, which the sweep takes."""
    from scipy import fft

    return (fft.ifftn if back else fft.fftn)(x, axes=dims, norm=norm)


def _half_rule(g: Any, x_shape: tuple[int, ...], dim: int, norm: Norm) -> Any:
    # y = H F x, where H takes the first n // 2 + 1 elements. So A* = F* Hᵀ, and Hᵀ puts zeros behind; of a real x the
    # real part counts.
    missing = x_shape[dim] - g.shape[dim]
    widths = [(0, missing if i == dim else 0) for i in range(len(x_shape))]
    return real(transform(pad(g, widths), (dim,), OPPOSITE[norm], True))


@operation(step=True, x=_half_rule)
def half(x: Any, dim: int, norm: Norm) -> Tensor:
    """Real numbers to the first half of the spectrum; the other is its mirror image, conjugated."""
    from scipy import fft

    return fft.rfft(x, axis=dim, norm=norm)


def _whole_rule(g: Any, y_shape: tuple[int, ...], n: int, dim: int, norm: Norm) -> Any:
    # The conjugated mirror image adds to each term its own conjugate: x = Re(F* W y), with a weight of 2 for all but
    # those that are their own image, the first and for an even n the last. So A* g = W H F g for a real g.
    weights = np.full(y_shape[dim], 2.0, g.dtype)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    return half(g, dim, OPPOSITE[norm]) * weights.reshape([-1 if i == dim else 1 for i in range(len(y_shape))])


@operation(complex=True, step=True, y=_whole_rule)
def whole(y: Any, n: int, dim: int, norm: Norm) -> Tensor:
    """The half of a spectrum to `n` real numbers, as if the other half were its mirror image."""
    from scipy import fft

    return fft.irfft(y, n, axis=dim, norm=norm)


# What the arguments mean


def norm_of(name: str, norm: Any) -> Norm:
    """The norm that is meant."""
    if norm is None:
        return "backward"
    if norm not in OPPOSITE:
        raise ValueError(f'{name}: norm is "backward", "forward" or "ortho", got {norm!r}')
    return norm


def require_tensor(name: str, x: Any) -> None:
    """Refuse what is no tensor."""
    if not isinstance(x, Tensor | np.ndarray):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}")


def floats_of(name: str, x: Any) -> Any:
    """`x` in a type that can be transformed: bools and integers as floats."""
    require_tensor(name, x)
    if x.dtype == np.float16:
        raise DtypeError(
            f"{name}: float16 is too narrow for a transform (shape {tuple(x.shape)}); convert with .float()"
        )
    return x if x.dtype.kind in "fc" else x.astype(get_default_dtype())


def reals_of(name: str, x: Any) -> Any:
    """The same, where complex numbers are refused."""
    x = floats_of(name, x)
    if x.dtype.kind == "c":
        raise DtypeError(
            f"{name}: expected real numbers, got {x.dtype} (shape {tuple(x.shape)}); take .real, or use fft"
        )
    return x


def dims_of(name: str, x: Any, s: Any, dim: Any) -> tuple[tuple[int, ...], list[int]]:
    """The dimensions to transform, and for each the length that is asked for, -1 if none is."""
    ndim = len(x.shape)
    sizes = None if s is None else list(s) if isinstance(s, Sequence) else [s]
    if dim is not None:
        dims = axes_of(name, dim, ndim) if ndim else ()
    elif sizes is None:
        dims = tuple(range(ndim))
    else:
        dims = tuple(range(ndim - len(sizes), ndim))
    if sizes is not None and (len(sizes) != len(dims) or min(dims, default=0) < 0):
        raise ShapeError(
            f"{name}: expected a length for each dimension, got s={s}, dim={dim} for shape {tuple(x.shape)}"
        )
    return dims, [-1] * len(dims) if sizes is None else sizes


def resized(name: str, x: Any, dims: tuple[int, ...], sizes: list[int]) -> Any:
    """The first elements along each dimension, with zeros behind where there are fewer."""
    for dim, size in zip(dims, sizes, strict=True):
        length = x.shape[dim]
        n = length if size == -1 else size
        if n < 1:
            raise ShapeError(
                f"{name}: length {n} along dimension {dim}; at least one is needed (shape {tuple(x.shape)})"
            )
        if n < length:
            x = narrow(x, dim, 0, n)
        elif n > length:
            x = pad(x, [(0, n - length if i == dim else 0) for i in range(len(x.shape))])
    return x


# The transforms of whatever is given


def transformed(name: str, x: Any, s: Any, dim: Any, norm: Any, back: bool) -> Any:
    """All dimensions in full."""
    norm, x = norm_of(name, norm), floats_of(name, x)
    dims, sizes = dims_of(name, x, s, dim)
    if not dims:
        return x.astype(complex_of(x.dtype))
    return transform(resized(name, x, dims, sizes), dims, norm, back)


def halved(name: str, x: Any, s: Any, dim: Any, norm: Any) -> Any:
    """Of real numbers; the last dimension gets half of its spectrum, the others theirs in full."""
    norm, x = norm_of(name, norm), reals_of(name, x)
    dims, sizes = dims_of(name, x, s, dim)
    _require_dims(name, dims, x)
    y = half(resized(name, x, dims, sizes), dims[-1], norm)
    return transform(y, dims[:-1], norm, False) if dims[1:] else y


def made_whole(name: str, y: Any, s: Any, dim: Any, norm: Any) -> Any:
    """The way back, to real numbers."""
    norm, y = norm_of(name, norm), floats_of(name, y)
    dims, sizes = dims_of(name, y, s, dim)
    _require_dims(name, dims, y)
    n = 2 * (y.shape[dims[-1]] - 1) if sizes[-1] == -1 else sizes[-1]
    if n < 1:
        raise ShapeError(f"{name}: a result of length {n}; at least one is needed (shape {tuple(y.shape)}, s={s})")
    y = resized(name, y, dims, [*sizes[:-1], n // 2 + 1])
    return whole(transform(y, dims[:-1], norm, True) if dims[1:] else y, n, dims[-1], norm)


def _require_dims(name: str, dims: tuple[int, ...], x: Any) -> None:
    if not dims:
        raise ShapeError(f"{name}: expected a dimension to transform, got shape {tuple(x.shape)}")


def along_one(name: str, x: Any, n: Any, dim: int) -> tuple[Any, tuple[int, ...]]:
    """Length and dimension of a transform along one, as the others take them."""
    require_tensor(name, x)
    if not len(x.shape):
        raise ShapeError(f"{name}: expected at least one dimension, got a single number")
    return None if n is None else (n,), (axis_of(name, dim, len(x.shape)),)
