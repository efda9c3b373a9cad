"""Elementwise functions on exact numbers, under NumPy's and SciPy's names; the transcendental ones by mpmath."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np

from tinygrad_edu.testing.exact.number import Dual, Inexact, as_dual

__all__ = ["FUNCTIONS", "QUESTIONS"]


def by_mpmath(function: Callable[..., Any]) -> Callable[..., Decimal]:
    """A function of mpmath as one of decimals."""

    def call(*x: Decimal) -> Decimal:
        if not all(isinstance(v, Decimal) for v in x):
            raise Inexact(f"{function.__name__} of a fraction is none")
        digits = decimal.getcontext().prec
        with mpmath.workdps(digits + 5):
            y = function(*[mpmath.mpf(str(v).replace("Infinity", "inf")) for v in x])
            return Decimal("NaN") if isinstance(y, mpmath.mpc) else Decimal(mpmath.nstr(y, digits + 5))

    return call


def unary(value: Callable[[Decimal], Decimal], slope: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any], Any]:
    """A function of arrays from the value f(x) and the slope f′(x), a function of x and f(x)."""

    def one(x: Any) -> Dual:
        x = as_dual(x)
        y = value(x.value)
        return Dual(y, slope(x.value, y) * x.tangent if x.tangent else x.tangent)

    return np.frompyfunc(one, 1, 1)


def sigmoid(x: Decimal) -> Decimal:
    """1/(1 + e^−x)."""
    return 1 / (1 + (-x).exp())


def gauss(x: Decimal) -> Decimal:
    """The density of the normal distribution."""
    return (-x * x / 2).exp() / (2 * PI()).sqrt()


def PI() -> Decimal:
    """Of as many digits as are in use."""
    return by_mpmath(lambda: +mpmath.pi)()


sin, cos, tan, sinh, cosh, tanh = (
    by_mpmath(f) for f in (mpmath.sin, mpmath.cos, mpmath.tan, mpmath.sinh, mpmath.cosh, mpmath.tanh)
)
digamma, trigamma = by_mpmath(lambda x: mpmath.psi(0, x)), by_mpmath(lambda x: mpmath.psi(1, x))
erf, erfc, ncdf = by_mpmath(mpmath.erf), by_mpmath(mpmath.erfc), by_mpmath(mpmath.ncdf)
gamma, hurwitz = by_mpmath(mpmath.gamma), by_mpmath(mpmath.zeta)
bessel0, bessel1 = by_mpmath(lambda x: mpmath.besseli(0, x)), by_mpmath(lambda x: mpmath.besseli(1, x))


def maximum(a: Any, b: Any) -> Any:
    """The larger one, the first where they are equal; NaN if one is."""
    a, b = as_dual(a), as_dual(b)
    if a.value.is_nan() or b.value.is_nan():
        return a if a.value.is_nan() else b
    return a if a >= b else b


def minimum(a: Any, b: Any) -> Any:
    """The smaller one, the first where they are equal; NaN if one is."""
    return -maximum(-as_dual(a), -as_dual(b))


def logaddexp(a: Any, b: Any) -> Any:
    """log(eᵃ + eᵇ)."""
    a, b = as_dual(a), as_dual(b)
    return (a.exp() + b.exp()).log()


def xlogy(a: Any, b: Any) -> Any:
    """a log b, which is 0 for a = 0."""
    a, b = as_dual(a), as_dual(b)
    return a if not a.value else a * b.log()


def xlog1py(a: Any, b: Any) -> Any:
    """a log(1 + b), which is 0 for a = 0."""
    return xlogy(a, 1 + as_dual(b))


def logaddexp2(a: Any, b: Any) -> Any:
    """log₂(2ᵃ + 2ᵇ)."""
    return (2 ** as_dual(a) + 2 ** as_dual(b)).log() / Decimal(2).ln()


def fmod(a: Any, b: Any) -> Any:
    """The rest of a division whose quotient is rounded towards 0."""
    a, b = as_dual(a), as_dual(b)
    return a - b * (a / b).trunc()


def copysign(a: Any, b: Any) -> Any:
    """|a| with the sign of b."""
    a, b = as_dual(a), as_dual(b)
    return a if a.value.is_signed() == b.value.is_signed() else -a


def arctan2(a: Any, b: Any) -> Any:
    """The angle of the point (b, a)."""
    a, b = as_dual(a), as_dual(b)
    slope = (a.tangent * b.value - a.value * b.tangent) / (a.value * a.value + b.value * b.value)
    return Dual(by_mpmath(mpmath.atan2)(a.value, b.value), slope)


def zeta(s: Any, a: Any) -> Any:
    """Σ (n + a)^−s over n = 0, 1, …, whose derivative by s is not known here."""
    s, a = as_dual(s), as_dual(a)
    if s.tangent:
        raise Inexact("the derivative of zeta by its first argument has no exact counterpart")
    return Dual(hurwitz(s.value, a.value), -s.value * hurwitz(s.value + 1, a.value) * a.tangent)


def scaled_bessel(name: str) -> Callable[[Any], Any]:
    """e^−|x| times a Bessel function."""
    return np.frompyfunc(lambda x: (-abs(as_dual(x))).exp() * FUNCTIONS[name](as_dual(x)), 1, 1)


def betaln(a: Any, b: Any) -> Any:
    """The logarithm of the beta function."""
    a, b = as_dual(a), as_dual(b)
    log_gamma = FUNCTIONS["gammaln"]
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


def question(what: str) -> Any:
    """A question about the value alone."""
    return np.frompyfunc(lambda x: getattr(as_dual(x).value, what)(), 1, 1)


HALF = Decimal("0.5")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    # NumPy would call these by name, also on a float that stands among exact numbers.
    "exp": np.frompyfunc(lambda x: as_dual(x).exp(), 1, 1),
    "log": np.frompyfunc(lambda x: as_dual(x).log(), 1, 1),
    "sqrt": np.frompyfunc(lambda x: as_dual(x).sqrt(), 1, 1),
    "exp2": unary(lambda x: 2**x, lambda x, y: y * Decimal(2).ln()),
    "expm1": unary(by_mpmath(mpmath.expm1), lambda x, y: x.exp()),
    "log1p": unary(by_mpmath(mpmath.log1p), lambda x, y: 1 / (1 + x)),
    "log2": unary(lambda x: x.ln() / Decimal(2).ln(), lambda x, y: 1 / (x * Decimal(2).ln())),
    "log10": unary(lambda x: x.log10(), lambda x, y: 1 / (x * Decimal(10).ln())),
    "cbrt": unary(by_mpmath(mpmath.cbrt), lambda x, y: 1 / (3 * y * y)),
    "sin": unary(sin, lambda x, y: cos(x)),
    "cos": unary(cos, lambda x, y: -sin(x)),
    "tan": unary(tan, lambda x, y: 1 + y * y),
    "arcsin": unary(by_mpmath(mpmath.asin), lambda x, y: 1 / (1 - x * x).sqrt()),
    "arccos": unary(by_mpmath(mpmath.acos), lambda x, y: -1 / (1 - x * x).sqrt()),
    "arctan": unary(by_mpmath(mpmath.atan), lambda x, y: 1 / (1 + x * x)),
    "sinh": unary(sinh, lambda x, y: cosh(x)),
    "cosh": unary(cosh, lambda x, y: sinh(x)),
    # 1 − tanh² has no digits left in saturation, 1/cosh² has them all.
    "tanh": unary(tanh, lambda x, y: 1 / cosh(x) ** 2),
    "arcsinh": unary(by_mpmath(mpmath.asinh), lambda x, y: 1 / (1 + x * x).sqrt()),
    "arccosh": unary(by_mpmath(mpmath.acosh), lambda x, y: 1 / (x * x - 1).sqrt()),
    "arctanh": unary(by_mpmath(mpmath.atanh), lambda x, y: 1 / (1 - x * x)),
    "expit": unary(sigmoid, lambda x, y: y * sigmoid(-x)),
    "log_expit": unary(lambda x: sigmoid(x).ln(), lambda x, y: sigmoid(-x)),
    "logit": unary(lambda x: (x / (1 - x)).ln(), lambda x, y: 1 / (x * (1 - x))),
    "erf": unary(erf, lambda x, y: 2 * (-x * x).exp() / PI().sqrt()),
    "erfc": unary(erfc, lambda x, y: -2 * (-x * x).exp() / PI().sqrt()),
    "erfinv": unary(by_mpmath(mpmath.erfinv), lambda x, y: HALF * PI().sqrt() * (y * y).exp()),
    "ndtr": unary(ncdf, lambda x, y: gauss(x)),
    "log_ndtr": unary(lambda x: ncdf(x).ln(), lambda x, y: gauss(x) / ncdf(x)),
    "gammaln": unary(by_mpmath(mpmath.loggamma), lambda x, y: digamma(x)),
    "psi": unary(digamma, lambda x, y: trigamma(x)),
    "gamma": unary(gamma, lambda x, y: y * digamma(x)),
    "i0": unary(bessel0, lambda x, y: bessel1(x)),
    "i1": unary(bessel1, lambda x, y: bessel0(x) - (y / x if x else HALF)),
    "i0e": scaled_bessel("i0"),
    "i1e": scaled_bessel("i1"),
    "entr": unary(lambda x: -x * x.ln(), lambda x, y: -x.ln() - 1),
    # Constants between their jumps.
    "floor": np.frompyfunc(lambda x: as_dual(x).floor(), 1, 1),
    "ceil": np.frompyfunc(lambda x: as_dual(x).ceil(), 1, 1),
    "trunc": np.frompyfunc(lambda x: as_dual(x).trunc(), 1, 1),
    "sign": np.frompyfunc(lambda x: Dual(Decimal((as_dual(x) > 0) - (as_dual(x) < 0))), 1, 1),
    # Of real numbers themselves; `np.var` asks for it.
    "real": np.frompyfunc(as_dual, 1, 1),
    "isnan": question("is_nan"),
    "isinf": question("is_infinite"),
    "isfinite": question("is_finite"),
    "signbit": question("is_signed"),
    "maximum": np.frompyfunc(maximum, 2, 1, identity=None),
    "minimum": np.frompyfunc(minimum, 2, 1, identity=None),
    "logaddexp": np.frompyfunc(logaddexp, 2, 1),
    "xlogy": np.frompyfunc(xlogy, 2, 1),
    "logaddexp2": np.frompyfunc(logaddexp2, 2, 1),
    "xlog1py": np.frompyfunc(xlog1py, 2, 1),
    "fmod": np.frompyfunc(fmod, 2, 1),
    "copysign": np.frompyfunc(copysign, 2, 1),
    "arctan2": np.frompyfunc(arctan2, 2, 1),
    "betaln": np.frompyfunc(betaln, 2, 1),
    "_zeta": np.frompyfunc(zeta, 2, 1),
    "hypot": np.frompyfunc(lambda a, b: (as_dual(a) * as_dual(a) + as_dual(b) * as_dual(b)).sqrt(), 2, 1),
}
QUESTIONS = {FUNCTIONS[name] for name in ("isnan", "isinf", "isfinite", "signbit")}
