"""Sixty-digit arithmetic: right pairs pass to all digits, planted errors of 1e-12 do not."""

from __future__ import annotations

import math
from decimal import Decimal

import mpmath
import numpy as np
import pytest
import scipy.special

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.announce import announced
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.testing import verify
from tinygrad_edu.testing.exact import Dual, ExactError, Inexact, check_pair, exact, precision
from tinygrad_edu.testing.exact.array import tangents, values
from tinygrad_edu.testing.exact.functions import FUNCTIONS
from tinygrad_edu.testing.exact.number import constant

A = np.random.default_rng(0)


def drawn(*shape):
    return A.uniform(0.2, 0.8, shape)


# Numbers


def test_products_and_quotients_follow_leibniz():
    with precision():
        a, b = Dual(Decimal(3), Decimal(1)), Dual(Decimal(4), Decimal(0))
        assert ((a * b).value, (a * b).tangent) == (12, 4)
        c = b / Dual(Decimal(2), Decimal(1))
        assert (c.value, c.tangent) == (2, -1)
        assert ((a**3).value, (a**3).tangent) == (27, 27)
        assert ((2**a).tangent - 8 * Decimal(2).ln()).copy_abs() < Decimal("1e-60")


# mpmath's own name of each function whose derivative it can find by itself.
IN_MPMATH = {
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh,
    "arccosh": lambda x: mpmath.acosh(x),
    "arctanh": mpmath.atanh,
    "expit": lambda x: 1 / (1 + mpmath.exp(-x)),
    "log_expit": lambda x: -mpmath.log(1 + mpmath.exp(-x)),
    "logit": lambda x: mpmath.log(x / (1 - x)),
    "ndtr": mpmath.ncdf,
    "log_ndtr": lambda x: mpmath.log(mpmath.ncdf(x)),
    "gammaln": mpmath.loggamma,
    "psi": lambda x: mpmath.psi(0, x),
}
SMOOTH = sorted(set(FUNCTIONS) - {"sign", "isnan", "isinf", "isfinite", "signbit"})


@pytest.mark.parametrize("name", [n for n in SMOOTH if FUNCTIONS[n].nin == 1])
def test_functions_agree_with_scipy_and_their_derivatives_with_mpmath(name):
    ufunc = getattr(np, name, None) or getattr(scipy.special, name)
    x = 1.7 if name == "arccosh" else 0.3
    with precision(), mpmath.workdps(80):
        y = ufunc(exact(np.array([x]), np.array([1.0])))
        slope = mpmath.diff(IN_MPMATH.get(name) or getattr(mpmath, name), mpmath.mpf(x))
        # 80 digits, of which a numerical derivative loses half.
        assert abs(mpmath.mpf(str(tangents(y)[0])) - slope) < mpmath.mpf("1e-35")
        np.testing.assert_allclose(float(values(y)[0]), ufunc(x), rtol=1e-14)  # SciPy's own rounding


@pytest.mark.parametrize(
    "written, meant",
    [
        (0.1, lambda m: m.mpf("0.1")),
        (1e-5, lambda m: m.mpf("0.00001")),
        (0.044715, lambda m: m.mpf("0.044715")),
        (1 / 3, lambda m: m.mpf(1) / 3),
        (1 / 784, lambda m: m.mpf(1) / 784),
        (math.sqrt(2 / math.pi), lambda m: m.sqrt(2 / m.pi)),
        (1 / math.sqrt(2 * math.pi), lambda m: 1 / m.sqrt(2 * m.pi)),
        (math.log(2), lambda m: m.log(2)),
        (math.pi / 180, lambda m: m.pi / 180),
        (1.0507009873554805, lambda m: m.mpf(1.0507009873554805)),  # SELU's, which no formula gives
    ],
)
def test_constants_are_what_their_writer_meant(written, meant):
    with precision(), mpmath.workdps(70):
        assert abs(mpmath.mpf(str(constant(written))) / meant(mpmath) - 1) < mpmath.mpf("1e-58")


def test_data_are_the_binary_fractions_that_they_are():
    with precision():
        assert values(exact(np.array([0.1])))[0] == Decimal(0.1)


def test_numpy_functions_give_exact_arrays():
    with precision():
        x = exact(drawn(3, 4))
        for y in (x.mean(0), np.var(x, axis=1), x[0, 0], np.where(x > 0.5, x, 0), np.concatenate([x, x]), x @ x.T):
            assert type(y) is type(x)
        assert np.einsum("ij,kj->ik", x, x).shape == (3, 3)
        assert np.isfinite(x).dtype == bool
        assert x.astype(np.float32).dtype == object


@pytest.mark.parametrize(
    "code",
    [
        lambda x: float(x[0]),
        lambda x: np.zeros(3) + np.add(x, x, out=np.empty(3)),
        lambda x: math.exp(x[0]),
        lambda x: scipy.special.zeta(x),
    ],
)
def test_what_would_round_is_refused(code):
    with precision(), pytest.raises((Inexact, TypeError)):
        code(exact(drawn(3)))


# Pairs as people write them are in pairs.py, each right and with errors down to 1e-12; test_agree.py runs them


def test_the_worst_element_is_named_with_both_values():
    def square(x):
        def backward(dy):
            dx = 2 * x * dy
            dx[1] = dx[1] * 3
            return dx

        return x * x, backward

    (verdict,) = check_pair(square, drawn(3))
    assert verdict.index == (1,)
    found, right = verdict.values
    assert found == pytest.approx(3 * right, rel=1e-15)


def test_code_that_cannot_run_exactly_is_named_with_the_reason():
    def rounded(x):
        return np.zeros(len(x)) + x.astype(float).tolist()[0] + np.linalg.inv(np.eye(2))[0, 0] * float(x[0]), None

    with pytest.raises(ExactError, match="become a float"):
        check_pair(rounded, drawn(2))


# The library's own


@pytest.mark.parametrize("name", [n for n, a in announced.items() if a.kind in ("layer", "loss")])
def test_every_layer_is_right_to_sixty_digits(name):
    report = verify(name, forms=("by hand", "60 digits"))
    if issubclass(announced[name].target, Layer):
        assert "60 digits" not in report.absent, report.absent
        assert report.ok, report


class Nearly(nn.Layer):
    """exp, with a backward that is wrong in the twelfth digit."""

    kind = "test"

    @staticmethod
    def definition(x):
        return x.exp()

    @staticmethod
    def by_hand(x):
        y = np.exp(x)
        return y, lambda dy: dy * y * 1.000000000001


def test_verify_accuses_the_backward_where_only_sixty_digits_see_the_error():
    report = verify(Nearly(), drawn(3))
    assert not report.ok
    assert report.odd_one_out("x") == "by hand"
    assert all(c.ok for c in report.comparisons if "60 digits" not in c.forms)


class Hardly(Nearly):
    """exp, with a backward that is wrong in the twentieth digit, which floats do not have."""

    kind = "test"

    @staticmethod
    def by_hand(x):
        y = np.exp(x)
        return y, lambda dy: dy * y + 1e-20 * dy * y


def test_an_error_that_floats_cannot_hold_is_the_backwards_too():
    report = verify(Hardly(), drawn(3))
    assert not report.ok
    assert report.odd_one_out("x") == "by hand"


def test_a_model_or_a_large_input_has_no_such_form():
    assert "one by one" in verify(nn.Sequential(nn.Tanh()), tg.ones(2)).absent["60 digits"]
    assert "too many" in verify(nn.Tanh(), tg.ones(50, 50)).absent["60 digits"]


def test_cross_entropy_against_probabilities_is_right_to_sixty_digits():
    report = verify(nn.CrossEntropyLoss(), (drawn(3, 4), scipy.special.softmax(drawn(3, 4), 1)))
    assert "60 digits" in report.forms, report.absent
    assert report.ok, report
