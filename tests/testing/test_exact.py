"""Sixty-digit arithmetic: right pairs pass to all digits, planted errors of 1e-12 do not."""

from __future__ import annotations

import cProfile
import math
import sys
from decimal import Decimal

import mpmath
import numpy as np
import pytest
import scipy.special

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.announce import announced
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.ops.operation import operation
from tinygrad_edu.testing import verify
from tinygrad_edu.testing.constructors import exact_constructors
from tinygrad_edu.testing.exact import Dual, ExactError, Inexact, check_pair, exact, precision
from tinygrad_edu.testing.exact.array import posing_as_floats, tangents, values
from tinygrad_edu.testing.exact.form import sixty_digits
from tinygrad_edu.testing.exact.functions import FUNCTIONS
from tinygrad_edu.testing.exact.number import constant
from tinygrad_edu.testing.gradients import Absent
from tinygrad_edu.testing.subject import Subject

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
    "i0": lambda x: mpmath.besseli(0, x),
    "i1": lambda x: mpmath.besseli(1, x),
    "i0e": lambda x: mpmath.exp(-x) * mpmath.besseli(0, x),
    "i1e": lambda x: mpmath.exp(-x) * mpmath.besseli(1, x),
    "entr": lambda x: -x * mpmath.log(x),
    "floor": lambda x: mpmath.mpf(0),
    "ceil": lambda x: mpmath.mpf(1),
    "trunc": lambda x: mpmath.mpf(0),
    # Of two operands.
    "logaddexp": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "logaddexp2": lambda a, b: mpmath.log(2**a + 2**b, 2),
    "xlogy": lambda a, b: a * mpmath.log(b),
    "xlog1py": lambda a, b: a * mpmath.log(1 + b),
    "fmod": lambda a, b: a + 2 * b,
    "copysign": lambda a, b: -a,
    "arctan2": mpmath.atan2,
    "maximum": lambda a, b: a,
    "minimum": lambda a, b: b,
    "betaln": lambda a, b: mpmath.log(mpmath.beta(a, b)),
    "_zeta": mpmath.zeta,
}
SMOOTH = sorted(set(FUNCTIONS) - {"real", "sign", "isnan", "isinf", "isfinite", "signbit"})


@pytest.mark.parametrize("name", [n for n in SMOOTH if FUNCTIONS[n].nin == 1])
def test_functions_agree_with_scipy_and_their_derivatives_with_mpmath(name):
    ufunc = getattr(np, name, None)
    ufunc = ufunc if isinstance(ufunc, np.ufunc) else getattr(scipy.special, name)
    x = 1.7 if name == "arccosh" else 0.3
    with precision(), mpmath.workdps(80):
        y = ufunc(exact(np.array([x]), np.array([1.0])))
        slope = mpmath.diff(IN_MPMATH.get(name) or getattr(mpmath, name), mpmath.mpf(x))
        # 80 digits, of which a numerical derivative loses half.
        assert abs(mpmath.mpf(str(tangents(y)[0])) - slope) < mpmath.mpf("1e-35")
        np.testing.assert_allclose(float(values(y)[0]), ufunc(x), rtol=1e-14)  # SciPy's own rounding


@pytest.mark.parametrize("name", [n for n in SMOOTH if FUNCTIONS[n].nin == 2])
def test_functions_of_two_operands_agree_with_scipy_and_their_derivatives_with_mpmath(name):
    ufunc = getattr(np, name, None) or getattr(scipy.special, name.removeprefix("_"))
    a, b = (1.7, -0.6) if name in ("fmod", "copysign", "arctan2") else (1.7, 0.6)
    function = IN_MPMATH.get(name) or getattr(mpmath, name)
    with precision(), mpmath.workdps(80):
        for da, db in ((0.0, 1.0), (1.0, 0.0)):
            if (name, da) == ("_zeta", 1.0):
                with pytest.raises(Inexact, match="first argument"):
                    ufunc(exact(np.array([a]), np.array([da])), b)
                continue
            y = ufunc(exact(np.array([a]), np.array([da])), exact(np.array([b]), np.array([db])))
            slope = mpmath.diff(lambda t: function(mpmath.mpf(a) + da * t, mpmath.mpf(b) + db * t), 0)  # noqa: B023
            assert abs(mpmath.mpf(str(tangents(y)[0])) - slope) < mpmath.mpf("1e-35")  # as above
            np.testing.assert_allclose(float(values(y)[0]), ufunc(a, b), rtol=1e-14)


def test_functions_have_their_limits_at_infinity():
    x = np.array([np.inf, -np.inf, np.nan])
    with precision():
        for function in (np.tanh, np.arctan, np.expm1, scipy.special.erf, scipy.special.ndtr):
            np.testing.assert_allclose(values(function(exact(x))).astype(float), function(x), rtol=1e-15)


def test_numpys_own_approximation_is_replaced_too():
    with precision():
        x = exact(np.array([0.3, 1.7]), np.ones(2))
        assert (values(np.i0(x) - scipy.special.i0(x)) == 0).all()


def vanishes(x):
    """Whether value and tangent of each element are 0 to 60 digits."""
    return all(abs(part) < Decimal("1e-60") for part in (*values(x).flat, *tangents(x).flat))


def test_linear_algebra_satisfies_its_equations_and_their_derivatives():
    a = drawn(2, 3, 3) + 2 * np.eye(3)[[1, 0, 2]]  # whose rows have to be exchanged
    positive = a @ a.swapaxes(-1, -2)
    with precision():
        A, B = exact(a, drawn(2, 3, 3)), exact(drawn(2, 3, 2), drawn(2, 3, 2))
        assert vanishes(A @ np.linalg.inv(A) - np.eye(3, dtype=int))
        assert vanishes(A @ np.linalg.solve(A, B) - B)
        assert vanishes(A[0] @ np.linalg.solve(A[0], B[0, :, 0]) - B[0, :, 0])
        q, r = np.linalg.qr(A)
        assert vanishes(q @ r - A) and vanishes(q.swapaxes(-1, -2) @ q - np.eye(3, dtype=int))
        assert all(abs(x) < Decimal("1e-60") for x in values(np.tril(r[0], -1)).flat)
        q, r = np.linalg.qr(B)
        assert vanishes(q @ r - B)
        half = drawn(2, 3, 3)
        P = exact(positive, half + half.swapaxes(-1, -2))
        l = np.linalg.cholesky(P)
        assert vanishes(l @ l.swapaxes(-1, -2) - P)
        assert vanishes(np.linalg.cholesky(P, upper=True).swapaxes(-1, -2) - l)
        # Jacobi's formula.
        found = np.linalg.det(A)
        slope = values(found) * np.trace(values(np.linalg.inv(A)) @ tangents(A), axis1=-2, axis2=-1)
        assert all(abs(x) < Decimal("1e-60") for x in (tangents(found) - slope).flat)
        sign, log = np.linalg.slogdet(-A)
        assert vanishes(-sign * np.exp(log) - found)
        # NumPy's own rounding.
        for function, matrices in ((np.linalg.inv, a), (np.linalg.det, a), (np.linalg.cholesky, positive)):
            np.testing.assert_allclose(values(function(exact(matrices))).astype(float), function(matrices), rtol=1e-12)


def test_linear_algebra_refuses_what_numpy_refuses_and_what_it_does_not_know():
    with precision():
        for function in (np.linalg.inv, np.linalg.det):
            with pytest.raises(np.linalg.LinAlgError, match="Singular"):
                function(exact(np.ones((2, 2))))
        with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
            np.linalg.cholesky(exact(-np.eye(2)))
        with pytest.raises(Inexact, match="numpy.linalg.svd has no exact"):
            np.linalg.svd(exact(np.eye(2)))


def test_exact_arrays_pose_as_floats_on_request():
    x = exact(drawn(3))
    with posing_as_floats():
        assert x.dtype == np.float64 and (x + x)[0].dtype == np.float64
        assert np.zeros_like(x).view(np.ndarray).dtype == object
        with pytest.raises(Inexact, match="complex128"):
            x.view(np.complex128)
    assert x.dtype == object


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


ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def test_a_product_of_two_literals_is_that_of_what_was_written():
    """Floats round it, and another order of the same factors does not."""

    def selu(x):
        y = SCALE * np.where(x > 0, x, ALPHA * np.expm1(x))
        return y, lambda dy: dy * np.where(x > 0, SCALE, SCALE * ALPHA * np.exp(x))

    (verdict,) = check_pair(selu, np.array([-0.5, 1.5]))
    assert verdict.ok
    assert Decimal(repr(ALPHA)) * Decimal(repr(SCALE)) != Decimal(ALPHA * SCALE)

    def off(x):
        y = selu(x)[0]
        return y, lambda dy: dy * np.where(x > 0, SCALE, 1.7580993408473 * np.exp(x))

    assert not check_pair(off, np.array([-0.5, 1.5]))[0].ok


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_scipys_functions_of_arrays_run_on_exact_numbers(name):
    x = A.normal(size=(3, 4))
    function = getattr(scipy.special, name)
    with precision(), exact_constructors():
        y = getattr(scipy.special, name)(exact(x), axis=1)
    np.testing.assert_allclose(values(y).astype(float), function(x, axis=1), rtol=1e-14)  # SciPy's own rounding
    assert getattr(scipy.special, name) is function


def test_a_profiler_at_work_is_left_at_work():
    profile = cProfile.Profile()
    profile.enable()
    try:
        before = sys.getprofile()  # None where profilers work otherwise
        assert check_pair(lambda x: (x * x, lambda dy: 2 * x * dy), drawn(3))[0].ok
        assert sys.getprofile() is before
    finally:
        profile.disable()
    assert any(entry.code == check_pair.__code__ for entry in profile.getstats())


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


@pytest.mark.parametrize("slope, ok", [(0, True), (1e-40, False)])
def test_a_derivative_that_vanishes_but_for_rounding_is_zero(slope, ok):
    def one(x):
        return np.sin(x) ** 2 + np.cos(x) ** 2, lambda dy: slope * dy

    (verdict,) = check_pair(one, drawn(3))
    assert verdict.ok == ok


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


# What does not run on exact numbers, and a word of the reason that is given.
COMPLEX = (
    *("complex", "polar", "view_as_complex", "view_as_real", "real", "imag", "conj", "sgn"),
    *(name for name in tg.fft.__all__ if "shift" not in name and "freq" not in name),
)
NOT_EXACT = {
    **dict.fromkeys(COMPLEX, "complex numbers"),
    **dict.fromkeys(("eigh", "eigvalsh"), "numpy.linalg.eigh"),
    **dict.fromkeys(("svd", "svdvals", "cond"), "numpy.linalg.svd"),
    **dict.fromkeys(("pinv", "pinverse", "lstsq"), "numpy.linalg.pinv"),
    **dict.fromkeys(("lu", "lu_factor"), "lu_factors"),  # LAPACK's
    "matrix_exp": "scipy.linalg",
    **dict.fromkeys(("clamp_min", "clamp_max"), "no derivative"),  # the example is at the bound,
    "corrcoef": "no derivative",  # and this limits what is 1 to 1
}


def test_everything_announced_is_right_to_sixty_digits_but_for_these():
    absent = {}
    for name in announced:
        try:
            comparisons = sixty_digits(Subject.of(name))
        except Absent as reason:
            absent[name] = str(reason)
        else:
            assert comparisons and all(c.ok for c in comparisons), (name, comparisons)
    constant = {name for name, reason in absent.items() if reason == "there is no gradient"}
    assert constant == {name for name, known in announced.items() if not known.differentiable}
    assert absent.keys() - constant == NOT_EXACT.keys()
    assert [name for name, reason in NOT_EXACT.items() if reason not in absent[name]] == []


@pytest.mark.parametrize("name", ["clamp_min", "clamp_max"])
def test_a_bound_is_right_to_sixty_digits_away_from_it(name):
    report = verify(announced[name].target, (drawn(3, 4), 0.5), forms=("graph", "60 digits"))
    assert report.ok and "60 digits" in report.forms


@operation(step=True, x=lambda g, x: g * (2.000000000001 * x))
def nearly_square(x):
    """x², with a rule that is wrong in the twelfth digit."""
    return x * x


def test_verify_accuses_the_rule_of_an_operation_where_only_sixty_digits_see_the_error():
    report = verify(nearly_square, drawn(3))
    assert not report.ok
    assert report.odd_one_out("x") == "graph"
    assert all(c.ok for c in report.comparisons if "60 digits" not in c.forms)


def test_a_function_of_ones_own_has_the_form_of_its_operations():
    report = verify(lambda x, others: (tg.cat([x, *others]) / x.exp().sum()).square(), (drawn(2), [drawn(3), drawn(1)]))
    assert report.ok, report
    of_exact = [c.gradient for c in report.comparisons if "60 digits" in c.forms]
    assert of_exact == ["x", "others[0]", "others[1]"]


def test_a_function_that_leaves_exact_numbers_is_named():
    def rounded(x):
        return x * math.exp(float(x.array[0]))

    reason = verify(rounded, drawn(3), forms=("graph", "60 digits")).absent["60 digits"]
    assert ".rounded: " in reason and "to become a float" in reason


def test_a_constructor_that_was_kept_is_numpys_again_afterwards():
    kept = []
    verify(lambda x: kept.append(np.zeros) or x * np.zeros(3), drawn(3), forms=("60 digits",))
    assert len(set(map(id, kept))) > 1, "never replaced"
    assert all(zeros.__name__ == "zeros" and zeros(2).dtype == float for zeros in kept)
