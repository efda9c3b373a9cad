r"""Complex numbers: their parts, and what they are made of.

None of these is holomorphic. Each rule therefore gives the gradient :math:`g_z = \partial L/\partial x + i\,\partial
L/\partial y` for :math:`z = x + i y` as it is, for which :math:`\mathrm dL = \mathrm{Re}(\bar g_z\,\mathrm dz)`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinygrad_edu.announce import Case, Size, case
from tinygrad_edu.announce import real as reals
from tinygrad_edu.dtypes import complex_of, result_type
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.arithmetic import sgn
from tinygrad_edu.ops.comparison import eq
from tinygrad_edu.ops.creation import zeros_like
from tinygrad_edu.ops.operation import composite, described, elementwise, example, operation, plain, ufuncs
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.trigonometry import cos, sin
from tinygrad_edu.tensor import Tensor

__all__ = ["angle", "complex", "conj", "imag", "isreal", "polar", "real", "view_as_complex", "view_as_real"]


def _kind(x: Any) -> str:
    return np.asarray(plain(x)).dtype.kind


# Made of real numbers


# dL = Re(conj(g) (dx + i dy)) = Re(g) dx + Im(g) dy
@operation(
    method=False,
    real=lambda g, real_shape: unbroadcast(g.real, real_shape),
    imag=lambda g, imag_shape: unbroadcast(g.imag, imag_shape),
)
def complex(real: Any, imag: Any) -> Tensor:
    r"""The complex number :math:`x + i y` of two floats.

    Parameters
    ----------
    real, imag : Tensor
        Floats, whose shapes broadcast.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        For anything but floats.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.complex(tg.tensor([1.0, 2.0]), tg.tensor([0.0, -1.0]))
    tensor([1.+0.j, 2.-1.j])
    """
    dtype = result_type(real, imag)
    if dtype.kind != "f":
        raise DtypeError(f"complex: expected floats, got {described(real)} and {described(imag)}")
    try:
        shape = np.broadcast_shapes(np.shape(real), np.shape(imag))
    except ValueError:
        raise ShapeError(f"complex: shapes do not broadcast: {described(real)} and {described(imag)}") from None
    out = np.empty(shape, complex_of(dtype))
    out.real, out.imag = real, imag
    return out


@composite(method=False)
def polar(abs: Any, angle: Any) -> Tensor:
    r"""The complex number :math:`r e^{i \varphi}` of a magnitude and an angle.

    Parameters
    ----------
    abs, angle : Tensor
        Floats, whose shapes broadcast.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.polar(tg.tensor([2.0, 3.0]), tg.tensor([0.0, tg.pi])).real
    tensor([ 2., -3.])
    """
    return complex(abs * cos(angle), abs * sin(angle))


def _paired(x: np.ndarray) -> np.ndarray:
    if x.ndim and x.shape[-1] == 2 and x.dtype in (np.float32, np.float64):
        # NumPy has a view only of pairs that lie side by side.
        pairs = x if x.strides[-1] == x.itemsize else np.ascontiguousarray(x)
        return pairs.view(complex_of(x.dtype))[..., 0]
    raise ShapeError(
        f"view_as_complex: expected float32 or float64 with a last dimension of length 2, got shape {x.shape} {x.dtype}"
    )


@operation(view=True, method=False, x=lambda g: view_as_real(g))
def view_as_complex(x: Any) -> Tensor:
    r"""Pairs of floats along the last dimension as the complex numbers :math:`x_{..0} + i x_{..1}`.

    Parameters
    ----------
    x : Tensor, shape (..., 2)
        Of float32 or float64.

    Returns
    -------
    Tensor, shape (...)
        A view where the pairs lie side by side in memory, else a copy.

    Raises
    ------
    ShapeError
        If these are no pairs of floats.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.view_as_complex(tg.tensor([[1.0, 2.0], [0.0, -1.0]]))
    tensor([1.+2.j, 0.-1.j])
    """
    return _paired(x)


@operation(complex=True, view=True, method=False, x=lambda g: view_as_complex(g))
def view_as_real(x: Any) -> Tensor:
    r"""Complex numbers as pairs of floats along a new last dimension.

    Parameters
    ----------
    x : Tensor, shape (...)
        Of complex numbers.

    Returns
    -------
    Tensor, shape (..., 2)
        A view.

    Raises
    ------
    DtypeError
        If they are not complex.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.view_as_real(tg.tensor([1 + 2j, 3 - 1j]))
    tensor([[ 1.,  2.],
            [ 3., -1.]])
    """
    if x.dtype.kind != "c":
        raise DtypeError(f"view_as_real: expected complex numbers, got {x.dtype} (shape {x.shape})")
    parts = x.real
    return as_strided(parts, (*x.shape, 2), (*x.strides, parts.itemsize), writeable=x.flags.writeable)


# Their parts


@operation(complex=True, view=True, step=True, z=lambda g: g)  # dx = Re dz, so dL = Re(conj(g) dz) with a real g
def real_part(z: Any) -> Tensor:
    """The real parts."""
    return z.real


@operation(complex=True, view=True, step=True, z=lambda g: g * 1j)  # dy = Re(conj(i) dz)
def imaginary_part(z: Any) -> Tensor:
    """The imaginary parts."""
    return z.imag


@operation(complex=True, step=True, z=lambda g: g.conj())  # dL = Re(conj(g) conj(dz)) = Re(g dz)
def conjugate(z: Any) -> Tensor:
    """The complex conjugates."""
    return z.conj()


@composite(method=False)
def real(x: Any) -> Tensor:
    r"""The real part :math:`x` of :math:`x + i y`, also ``z.real``.

    Parameters
    ----------
    x : Tensor

    Returns
    -------
    Tensor
        A view; of real numbers the tensor itself.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.real(tg.tensor([1 + 2j, 3 - 1j]))
    tensor([1., 3.])
    """
    return real_part(x) if _kind(x) == "c" else x


@composite(method=False)
def imag(x: Any) -> Tensor:
    r"""The imaginary part :math:`y` of :math:`x + i y`, also ``z.imag``.

    Parameters
    ----------
    x : Tensor
        Of complex numbers.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    DtypeError
        If they are not complex.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.imag(tg.tensor([1 + 2j, 3 - 1j]))
    tensor([ 2., -1.])
    """
    if _kind(x) != "c":
        raise DtypeError(f"imag: expected complex numbers, got {x.dtype} (shape {tuple(x.shape)})")
    return imaginary_part(x)


@composite()
def conj(x: Any) -> Tensor:
    r"""The complex conjugate :math:`x - i y` of :math:`x + i y`.

    Parameters
    ----------
    x : Tensor

    Returns
    -------
    Tensor
        Of real numbers the tensor itself.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([1 + 2j, 3]).conj()
    tensor([1.-2.j, 3.-0.j])
    """
    return conjugate(x) if _kind(x) == "c" else x


def _angle(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "c":
        return np.angle(x)
    return np.where(np.isnan(x), x, np.where(x < 0, math.pi, 0.0)).astype(x.dtype)


def _angle_rule(g: Any, x: Any) -> Any:
    # dφ = Im(dz / z) = Re(conj(i z / |z|²) dz) and i z / |z|² = i / conj(z); at 0 there is no direction, and 0 is chosen.
    if x.dtype.kind != "c":
        return zeros_like(g)
    zero = eq(x, 0)
    return where(zero, 0.0, g * (1j / where(zero, 1.0, x).conj()))


@elementwise(_angle, floating=True, complex=True, x=_angle_rule)
def angle(x: Any) -> Tensor:
    r"""The angle :math:`\varphi` of :math:`r e^{i \varphi}`, in :math:`[-\pi, \pi]`; the gradient at 0 is 0.

    Of a real number it is 0, or :math:`\pi` if that is negative.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.angle(tg.tensor([1 + 1j, -2]))
    tensor([0.7854, 3.1416])
    """


@operation(complex=True)
def isreal(x: Any) -> Tensor:
    """Whether the imaginary part is 0.

    Parameters
    ----------
    x : Tensor

    Returns
    -------
    Tensor
        Of bools.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.isreal(tg.tensor([1 + 2j, 3]))
    tensor([False,  True])
    """
    return np.isreal(x)


# Attributes, as in NumPy. (A real tensor has no imaginary part in PyTorch.)
Tensor.real = property(real, doc="The real part, as a view; of real numbers the tensor itself.")  # type: ignore[attr-defined]
Tensor.imag = property(imag, doc="The imaginary part, as a view.")  # type: ignore[attr-defined]
ufuncs[np.conjugate] = conj


# Examples draw real numbers, in the place of pairs of which complex ones are made.


def of_pairs(call: Any) -> Any:
    """An operation on complex numbers, as one on pairs of floats; so are its results."""

    def of_floats(x: Any, **options: Any) -> Any:
        y = call(view_as_complex(x), **options)
        return view_as_real(y) if y.dtype.kind == "c" else y

    of_floats.__name__ = call.__name__
    return of_floats


def in_pairs(call: Any) -> Any:
    """An operation on floats that gives complex numbers, as one that gives pairs of floats."""

    def to_floats(*x: Any, **options: Any) -> Any:
        return view_as_real(call(*x, **options))

    to_floats.__name__ = call.__name__
    return to_floats


@example(complex)
def of_parts(n: Size = 3, m: Size = 4) -> Case:
    return Case(in_pairs(complex), (reals(n, m), reals(m)))


@example(polar)
def of_magnitudes_and_angles(n: Size = 3, m: Size = 4) -> Case:
    return Case(in_pairs(polar), (reals(n, m), reals(m)))


@example(view_as_complex)
def of_pairs_of_floats(n: Size = 3, m: Size = 4) -> Case:
    return Case(in_pairs(view_as_complex), (reals(n, m, 2),))


@example(view_as_real)
def as_pairs(n: Size = 3, m: Size = 4) -> Case:
    return Case(of_pairs(view_as_real), (reals(n, m, 2),))


@example(real)
def real_parts(n: Size = 3, m: Size = 4) -> Case:
    return Case(of_pairs(real), (reals(n, m, 2),))


@example(imag)
def imaginary_parts(n: Size = 3, m: Size = 4) -> Case:
    return Case(of_pairs(imag), (reals(n, m, 2),))


@example(conj)
def conjugates(n: Size = 3, m: Size = 4) -> Case:
    return Case(of_pairs(conj), (reals(n, m, 2),))


@example(angle)
def angles(n: Size = 3, m: Size = 4) -> Case:
    return Case(of_pairs(angle), (reals(n, m, 2, low=0.2),))  # away from the jump between -π and π


@example(sgn)
def directions(n: Size = 3, m: Size = 4) -> Case:
    return Case(of_pairs(sgn), (reals(n, m, 2, low=0.2),))  # away from 0


@example(isreal)
def of_real_numbers(n: Size = 3, m: Size = 4) -> Case:
    return case(reals(n, m))
