r"""Special functions, element by element, and a few small ones.

SciPy computes most of them, and is imported when the first is called.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.announce import Case, Size, case, real
from tinygrad_edu.dtypes import get_default_dtype
from tinygrad_edu.ops.arithmetic import CONSTANT, sign
from tinygrad_edu.ops.comparison import eq, ge, isfinite, le, logical_and
from tinygrad_edu.ops.exponential import LN2, POSITIVE, exp, log, sigmoid
from tinygrad_edu.ops.operation import elementwise, example, methods, operation, overwriting
from tinygrad_edu.ops.selection import where
from tinygrad_edu.ops.trigonometry import cos, sin
from tinygrad_edu.tensor import Tensor

__all__ = [
    "copysign",
    "deg2rad",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "frac",
    "heaviside",
    "hypot",
    "i0",
    "i1",
    "lgamma",
    "logaddexp",
    "logaddexp2",
    "logit",
    "nan_to_num",
    "polygamma",
    "rad2deg",
    "sinc",
    "xlog1py",
    "xlogy",
]

ROOT_PI = math.sqrt(math.pi)
DEGREE = math.pi / 180.0


def _scipy(name: str) -> Callable[..., Any]:
    """SciPy's function of that name, imported when it is called."""

    def kernel(*arrays: Any) -> Any:
        from scipy import special

        out = getattr(special, name)(*arrays)
        # SciPy widens float16, and float32 beside a Python number.
        dtype = np.result_type(*arrays)
        return out if out.dtype == dtype or dtype.kind != "f" else out.astype(dtype)

    return kernel


# Error function and its relatives


@elementwise(_scipy("erf"), floating=True, x=lambda g, x: g * (2.0 / ROOT_PI * exp(-x * x)))
def erf(x: Any) -> Tensor:
    r"""Error function :math:`\frac{2}{\sqrt\pi} \int_0^x e^{-t^2} \mathrm dt`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.erf(tg.tensor([0.0, 1.0]))
    tensor([0.    , 0.8427])
    """


@elementwise(_scipy("erfc"), floating=True, x=lambda g, x: g * (-2.0 / ROOT_PI * exp(-x * x)))
def erfc(x: Any) -> Tensor:
    r"""Complement of the error function, :math:`1 - \mathrm{erf}(x)`, accurate also where that is tiny.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.erfc(tg.tensor([0.0, 1.0]))
    tensor([1.    , 0.1573])
    """


@elementwise(
    _scipy("erfinv"),
    floating=True,
    domain={"x": (-0.9, 0.9)},
    x=lambda g, result: g * (0.5 * ROOT_PI * exp(result * result)),
)
def erfinv(x: Any) -> Tensor:
    r"""Inverse of the error function, for :math:`-1 \le x \le 1`; NaN elsewhere.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.erfinv(tg.tensor([0.0, 0.5]))
    tensor([0.    , 0.4769])
    """


# Gamma function and its relatives


def _lgamma(x: Any) -> Any:
    # At -infinity SciPy gives -infinity, PyTorch and C the limit of the poles' neighbourhoods.
    return np.where(np.isinf(x), np.abs(x), _scipy("gammaln")(x))


@elementwise(_lgamma, floating=True, domain={"x": POSITIVE}, x=lambda g, x: g * digamma(x))
def lgamma(x: Any) -> Tensor:
    r"""Logarithm of the gamma function's magnitude, :math:`\ln |\Gamma(x)|`; its derivative is :func:`digamma`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.lgamma(tg.tensor([1.0, 4.0]))
    tensor([0.    , 1.7918])
    """


@elementwise(_scipy("digamma"), floating=True, domain={"x": POSITIVE}, x=lambda g, x: g * polygamma(1, x))
def digamma(x: Any) -> Tensor:
    r"""Derivative of :func:`lgamma`, :math:`\psi(x) = \Gamma'(x) / \Gamma(x)`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.digamma(tg.tensor([1.0, 2.0]))
    tensor([-0.5772,  0.4228])
    """


@operation(method=False, x=lambda g, n, x: g * polygamma(n + 1, x))
def polygamma(n: int, x: Any) -> Tensor:
    r"""The n-th derivative of :func:`digamma`, :math:`\psi^{(n)}(x) = (-1)^{n+1} n! \, \zeta(n + 1, x)` for n > 0.

    Parameters
    ----------
    n : int
        Not negative.
    x : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.polygamma(1, tg.tensor([1.0, 2.0]))
    tensor([1.6449, 0.6449])
    """
    if not isinstance(n, int):
        raise TypeError(f"polygamma: n is an int, got {n!r}")
    if n < 0:
        raise ValueError(f"polygamma: n is not negative, got {n}")
    from scipy.special import gamma, psi, zeta

    y = psi(x) if n == 0 else (-1.0) ** (n + 1) * gamma(n + 1.0) * zeta(n + 1.0, x)
    return y.astype(_floating(x).dtype)


def _floating(x: Any) -> Any:
    return x if x.dtype.kind == "f" else x.astype(get_default_dtype())


@example(polygamma)
def of_order(order: Size = 1, n: Size = 3, m: Size = 4) -> Case:
    return case(order, real(n, m, low=0.5, high=3.0))


def _polygamma(self: Tensor, n: int) -> Tensor:
    return polygamma(n, self)


_polygamma.__doc__ = "The n-th derivative of digamma: see :func:`polygamma`."
methods(polygamma=_polygamma)


# Bessel functions


@elementwise(_scipy("i0"), floating=True, x=lambda g, x: g * i1(x))
def i0(x: Any) -> Tensor:
    r"""Modified Bessel function of order 0, :math:`I_0(x) = \frac1\pi \int_0^\pi e^{x \cos t} \mathrm dt`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.i0(tg.tensor([0.0, 1.0]))
    tensor([1.    , 1.2661])
    """


def _i1_rule(g: Any, x: Any) -> Any:
    # I1' = I0 - I1 / x, of limit 1/2 at 0.
    at_0 = eq(x, 0)
    return g * where(at_0, 0.5, i0(x) - i1(x) / where(at_0, 1.0, x))


@elementwise(_scipy("i1"), floating=True, method=False, x=_i1_rule)
def i1(x: Any) -> Tensor:
    r"""Modified Bessel function of order 1, :math:`I_1 = I_0'`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.special.i1(tg.tensor([0.0, 1.0]))
    tensor([0.    , 0.5652])
    """


# Logarithms with a limit


def _logit_rule(g: Any, x: Any, eps: float | None) -> Any:
    if eps is None:
        x = x + 0.0  # no -0, whose reciprocal is -infinity
        return where(logical_and(ge(x, 0), le(x, 1)), g, math.nan) / (x * (1.0 - x))
    inside = logical_and(ge(x, eps), le(x, 1.0 - eps))
    x = where(inside, x, 0.5)
    return where(inside, g, 0.0) / (x * (1.0 - x))


@operation(x=_logit_rule)
def logit(x: Any, eps: float | None = None) -> Tensor:
    r"""Inverse of the logistic function, :math:`\ln \frac{x}{1 - x}`.

    Parameters
    ----------
    x : Tensor
        Between 0 and 1; elsewhere the result is NaN, without `eps`.
    eps : float, optional
        Limit `x` to between `eps` and 1 - `eps` first; outside the gradient is 0.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logit(tg.tensor([0.5, 0.9]))
    tensor([0.    , 2.1972])
    """
    x = _floating(x)
    return _scipy("logit")(x if eps is None else np.clip(x, eps, 1.0 - eps))


@example(logit)
def between_0_and_1(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m, low=0.1, high=0.9))


@example(logit)
def limited(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m, low=-0.5, high=1.5), eps=0.2)


@elementwise(
    _scipy("xlogy"),
    floating=True,
    domain={"b": POSITIVE},
    a=lambda g, a, b: xlogy(where(logical_and(eq(a, 0), le(b, 0)), 0.0, g), b),
    b=lambda g, a, b: g * a / b,
)
def xlogy(a: Any, b: Any) -> Tensor:
    r""":math:`a \ln b`, and 0 where :math:`a = 0`, whatever :math:`b` is.

    The gradient of :math:`a` is :math:`\ln b`, and 0 where :math:`a = 0` and :math:`b \le 0`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.xlogy(tg.tensor([0.0, 2.0]), tg.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """


@elementwise(
    _scipy("xlog1py"),
    floating=True,
    method=False,
    domain={"b": (-0.8, 2.0)},
    a=lambda g, a, b: xlog1py(where(logical_and(eq(a, 0), le(b, -1)), 0.0, g), b),
    b=lambda g, a, b: g * a / (b + 1.0),
)
def xlog1py(a: Any, b: Any) -> Tensor:
    r""":math:`a \ln(1 + b)`, and 0 where :math:`a = 0`, whatever :math:`b` is.

    The gradient of :math:`a` is :math:`\ln(1 + b)`, and 0 where :math:`a = 0` and :math:`b \le -1`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.special.xlog1py(tg.tensor([0.0, 2.0]), tg.tensor([-1.0, 0.0]))
    tensor([0., 0.])
    """


@elementwise(_scipy("entr"), floating=True, method=False, domain={"x": POSITIVE}, x=lambda g, x: -g * (log(x) + 1.0))
def entr(x: Any) -> Tensor:
    r"""Term of an entropy, :math:`-x \ln x`: 0 at 0, and -infinity below.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.special.entr(tg.tensor([0.0, 0.5, 1.0]))
    tensor([ 0.    ,  0.3466, -0.    ])
    """


@elementwise(
    np.logaddexp,
    floating=True,
    a=lambda g, a, b: g * sigmoid(a - b),
    b=lambda g, a, b: g * sigmoid(b - a),
)
def logaddexp(a: Any, b: Any) -> Tensor:
    r""":math:`\ln(e^a + e^b)`, without overflow; the derivative for :math:`a` is :math:`\sigma(a - b)`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logaddexp(tg.tensor([0.0, 1e4]), tg.tensor([0.0, 0.0]))
    tensor([6.9315e-01, 1.0000e+04])
    """


@elementwise(
    np.logaddexp2,
    floating=True,
    a=lambda g, a, b: g * sigmoid(LN2 * (a - b)),
    b=lambda g, a, b: g * sigmoid(LN2 * (b - a)),
)
def logaddexp2(a: Any, b: Any) -> Tensor:
    r""":math:`\log_2(2^a + 2^b)`, without overflow.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.logaddexp2(tg.tensor([0.0, 1.0]), tg.tensor([0.0, 1.0]))
    tensor([1., 2.])
    """


# Small ones


def _sinc(x: np.ndarray) -> np.ndarray:
    t = math.pi * x
    return np.where(t == 0, t.dtype.type(1), np.sin(t) / np.where(t == 0, t.dtype.type(1), t))


def _sinc_rule(g: Any, x: Any) -> Any:
    # (cos t - sin t / t) / x with t = πx. Near 0 it is -π²x/3 + O(x³), a formula whose own derivative is right at 0.
    at_0 = eq(x, 0)
    away = where(at_0, 1.0, x)
    t = math.pi * away
    return g * where(at_0, (-math.pi * math.pi / 3) * x, (cos(t) - sin(t) / t) / away)


@elementwise(_sinc, floating=True, x=_sinc_rule)
def sinc(x: Any) -> Tensor:
    r""":math:`\frac{\sin \pi x}{\pi x}`, and 1 at 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.sinc(tg.tensor([0.0, 0.5]))
    tensor([1.    , 0.6366])
    """


@elementwise(
    np.hypot,
    floating=True,
    domain={"b": (0.5, 2.0)},
    a=lambda g, a, result: g * (a / result),
    b=lambda g, b, result: g * (b / result),
)
def hypot(a: Any, b: Any) -> Tensor:
    r"""Length of the hypotenuse, :math:`\sqrt{a^2 + b^2}`, without overflow.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.hypot(tg.tensor([3.0]), tg.tensor([4.0]))
    tensor([5.])
    """


@elementwise(lambda x: x * DEGREE, floating=True, x=lambda g: g * DEGREE)
def deg2rad(x: Any) -> Tensor:
    r"""Degrees as radians, :math:`\frac{\pi}{180} x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.deg2rad(tg.tensor([180.0]))
    tensor([3.1416])
    """


@elementwise(lambda x: x * (1.0 / DEGREE), floating=True, x=lambda g: g * (1.0 / DEGREE))
def rad2deg(x: Any) -> Tensor:
    r"""Radians as degrees, :math:`\frac{180}{\pi} x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.rad2deg(tg.tensor([tg.pi]))
    tensor([180.])
    """


@elementwise(lambda a, b: np.where(a == 0, b, a > 0).astype(np.result_type(a, b)), domain={"a": (-2.0, 2.0)})
def heaviside(a: Any, b: Any) -> Tensor:
    r"""The step function: 0 for negative :math:`a`, 1 for positive, :math:`b` at 0. It has no derivative.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.heaviside(tg.tensor([-1.0, 0.0, 2.0]), tg.tensor([0.5]))
    tensor([0. , 0.5, 1. ])
    """


@elementwise(np.copysign, floating=True, a=lambda g, a, b: g * (sign(a) * copysign(1.0, b)), b=CONSTANT)
def copysign(a: Any, b: Any) -> Tensor:
    r"""Magnitude of :math:`a` with the sign of :math:`b`, also of a zero; the gradient at :math:`a = 0` is 0.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.copysign(tg.tensor([1.0, -2.0]), tg.tensor([-0.0, 3.0]))
    tensor([-1.,  2.])
    """


@elementwise(lambda x: x - np.trunc(x), x=lambda g: g)
def frac(x: Any) -> Tensor:
    r"""What stands behind the point, :math:`x - \mathrm{trunc}(x)`, of the sign of :math:`x`.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.frac(tg.tensor([1.25, -1.25]))
    tensor([ 0.25, -0.25])
    """


@operation(x=lambda g, x: where(isfinite(x), g, 0.0))
def nan_to_num(x: Any, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    r"""Numbers in the place of NaN and of infinities, which then have the gradient 0.

    Parameters
    ----------
    x : Tensor
    nan : float, default 0
    posinf, neginf : float, optional
        The largest and the smallest number of the type if omitted.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nan_to_num(tg.tensor([1.0, tg.nan, tg.inf]), posinf=9.0)
    tensor([1., 0., 9.])
    """
    return np.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


@example(nan_to_num)
def of_numbers(n: Size = 3, m: Size = 4) -> Case:
    return case(real(n, m))


methods(nan_to_num_=overwriting(nan_to_num), logit_=overwriting(logit))
