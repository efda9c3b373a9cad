"""Where a layer adds, multiplies, divides and compares alone, its gradient equals the derivative, without a tolerance."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from tests.testing.pairs import PAIRS
from tinygrad_edu.testing import assert_gradients_agree
from tinygrad_edu.testing.exact import ExactError, check_pair, exact
from tinygrad_edu.testing.exact.array import values
from tinygrad_edu.testing.exact.rational import Rational, rational

fractions = st.fractions(max_denominator=1000).map(lambda x: (x, Rational(x)))


@given(fractions, fractions)
def test_they_compute_as_fractions_do(first, second):
    (a, x), (b, y) = first, second
    assert ((x + y).fraction, (x - y).fraction, (x * y).fraction) == (a + b, a - b, a * b)
    assert [x < y, x <= y, x == y] == [a < b, a <= b, a == b]
    assert (bool(x), float(x), int(x)) == (bool(a), float(a), int(a))
    assert ((-x).fraction, abs(x).fraction, (x**3).fraction) == (-a, abs(a), a**3)
    if b:
        assert ((x / y).fraction, (x % y).fraction, (2 / y).fraction) == (a / b, a % b, 2 / b)


def test_decimals_are_fractions_among_them():
    x = Decimal("0.25") * Rational(Fraction(1, 3)) + 1
    assert x.fraction == Fraction(13, 12)
    assert (1 - Rational(3)).fraction == -2


def test_constants_are_the_fractions_that_were_meant():
    with rational():
        x = exact(np.array([3.0]))
        assert [number.fraction for number in values(x * 0.1 + 1 / 3)] == [Fraction(3, 10) + Fraction(1, 3)]


@pytest.mark.parametrize(
    "function", [np.exp, np.sqrt, np.tanh, np.log1p, scipy.special.erf, lambda x: x**0.5, lambda x: x * np.pi * np.nan]
)
def test_what_leads_out_of_fractions_is_refused(function):
    with pytest.raises(ExactError):
        check_pair(lambda x: (function(x), lambda dy: dy), np.array([2.0]), digits=None)


def test_equality_has_no_tolerance():
    def ratio(x):
        return x**3 / (1 + x**2), lambda dy: dy * (3 * x**2 / (1 + x**2) - 2 * x**4 / (1 + x**2) ** 2)

    (verdict,) = check_pair(ratio, np.array([0.3, -2.5]), digits=None)
    assert verdict.error == verdict.tolerance == 0
    assert verdict.ok

    def nearly(x):
        y, backward = ratio(x)
        return y, lambda dy: backward(dy) * (1 + exact(np.array(Decimal("1e-100"), object)))

    (verdict,) = check_pair(nearly, np.array([0.3, -2.5]), digits=None)
    assert 0 < verdict.error < Decimal("1e-99")
    assert not verdict.ok
    # Not to be seen in 60 digits.
    assert check_pair(nearly, np.array([0.3, -2.5]))[0].ok


def test_what_agrees_as_fractions_says_so():
    found = {name: assert_gradients_agree(w.function, *w.inputs, sweep=False).gradients for name, w in PAIRS.items()}
    equal = {name for name, gradients in found.items() if {g.by for g in gradients} == {"rational arithmetic"}}
    assert {"linear", "relu", "conv2d_by_taps", "polynomial_ratio", "bilinear"} <= equal
    assert not equal & {"softmax", "batch_norm", "tanh", "log_cosh", "lstm_cell"}
    assert "is right by rational arithmetic: both are equal, without a tolerance" in str(found["linear"][0])
