"""Special functions: values, derivatives, limits and result types are PyTorch's."""

import math
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case

# SciPy's and PyTorch's approximations differ by a few roundings each; PyTorch's trigamma is wrong by up to 5e-10 of it
# (of π² / 6 at 1, where SciPy's is right to the last bit).
CLOSE = {"rtol": 1e-11, "atol": 1e-12}
TRIGAMMA = {"rtol": 1e-9, "atol": 1e-12}

NAMES = ["copysign", "deg2rad", "digamma", "erf", "erfc", "erfinv", "frac", "hypot", "i0", "lgamma", "logaddexp"]
NAMES += ["logaddexp2", "logit", "nan_to_num", "polygamma", "rad2deg", "sinc", "xlogy"]
ONLY_SPECIAL = ["entr", "i1", "xlog1py"]


@pytest.mark.parametrize("entry, found", cases(*NAMES, *ONLY_SPECIAL))
def test_values_and_two_derivatives_are_torchs(torch, entry, found):
    twin = getattr(torch, entry.name, None) or getattr(torch.special, entry.name)
    check_case(torch, entry, found, twin, **(TRIGAMMA if "gamma" in entry.name else CLOSE))


@pytest.mark.parametrize("name", [*NAMES, *ONLY_SPECIAL])
def test_every_function_is_under_the_name_it_has_in_torch(torch, name):
    ours = getattr(tg.special, name) if hasattr(torch.special, name) and name in ONLY_SPECIAL else getattr(tg, name)
    assert callable(ours)
    assert hasattr(tg.Tensor, name) == hasattr(torch.Tensor, name)


def test_every_name_of_special_is_one_of_torchs(torch):
    assert [name for name in tg.special.__all__ if not hasattr(torch.special, name)] == []


EDGES = [-np.inf, -30.0, -1.5, -1.0, -0.0, 0.0, 0.25, 0.5, 1.0, 2.0, 30.0, np.inf, np.nan]


@pytest.mark.parametrize("name", ["erf", "erfc", "erfinv", "deg2rad", "i0", "logit", "sinc"])
def test_edges_have_torchs_values_and_gradients(torch, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # 1 / 0 and inf - inf at the ends of the domain
        check(torch, getattr(tg, name), getattr(torch, name), [np.array(EDGES)], twice=False, **CLOSE)


@pytest.mark.parametrize("name", ["lgamma", "digamma", "entr", "frac", "nan_to_num", "i1"])
def test_edges_have_torchs_values(torch, name):
    # At the poles of the gamma function PyTorch gives no derivative that agrees with a limit.
    x = np.array([e for e in EDGES if name != "frac" or np.isfinite(e)])
    ours = getattr(tg, name, None) or getattr(tg.special, name)
    theirs = getattr(torch, name, None) or getattr(torch.special, name)
    np.testing.assert_allclose(ours(tg.tensor(x)).numpy(), theirs(torch.tensor(x)).numpy(), **CLOSE)


@pytest.mark.parametrize("name", ["xlogy", "xlog1py"])
def test_nothing_times_a_logarithm_is_nothing(torch, name):
    a, b = np.array([0.0, 0.0, 0.0, 2.0, 0.0]), np.array([0.5, 2.0, np.inf, 3.0, np.nan])
    f = lambda home: lambda a, b: getattr(home, name)(a, b)
    check(torch, f(tg.special), f(torch.special), [a, b], twice=False, **CLOSE)
    x = tg.tensor([0.0], requires_grad=True)
    tg.special.xlogy(x, tg.tensor([0.0])).backward()
    assert x.grad.item() == 0  # and no 0 · ln 0


def test_the_sum_of_large_exponentials_does_not_overflow(torch):
    a, b = np.array([1e4, -1e4, 700.0, 3.0]), np.array([1e4 - 1, -1e4, -700.0, 3.0])
    for name in ("logaddexp", "logaddexp2"):
        # PyTorch's second gradient is NaN at 700, where it is 0.
        check(torch, getattr(tg, name), getattr(torch, name), [a, b], twice=False, **CLOSE)


def test_a_clamped_logit_passes_the_gradient_at_its_bounds_alone(torch):
    x = np.array([-1.0, 0.1, 0.25, 0.5, 0.75, 0.9, 2.0])
    check(torch, lambda x: tg.logit(x, 0.25), lambda x: torch.logit(x, 0.25), [x], **CLOSE)


def test_copysign_sees_the_sign_of_zero(torch):
    a, b = np.array([2.0, -2.0, 0.0, 3.0]), np.array([-0.0, 0.0, -1.0, 5.0])
    check(torch, tg.copysign, torch.copysign, [a, b], twice=False)  # PyTorch's second gradient is NaN where a is 0


def test_heaviside_agrees_with_torch_and_has_no_gradient(torch):
    for dtype in (np.float64, np.int64):
        a, b = np.array([-2, 0, 3], dtype), np.array([5], dtype)
        ours, theirs = tg.heaviside(tg.tensor(a), tg.tensor(b)), torch.heaviside(torch.tensor(a), torch.tensor(b))
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert ours.dtype == dtype
    assert not tg.heaviside(tg.ones(2, requires_grad=True), tg.ones(2)).requires_grad


def test_infinities_are_replaced_and_get_no_gradient(torch):
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    f = lambda home: lambda x: home.nan_to_num(x, 7.0, posinf=8.0, neginf=-9.0)
    check(torch, f(tg), f(torch), [x])
    np.testing.assert_array_equal(tg.nan_to_num(tg.tensor(x)).numpy(), torch.nan_to_num(torch.tensor(x)).numpy())


@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_derivatives_of_digamma_agree_with_torch(torch, order):
    x = np.array([0.3, 1.0, 2.5, 10.0])
    check(torch, lambda x: tg.polygamma(order, x), lambda x: torch.polygamma(order, x), [x], **TRIGAMMA)
    with pytest.raises(ValueError, match="polygamma: n is not negative, got -1"):
        tg.polygamma(-1, tg.ones(2))


@pytest.mark.parametrize("name", ["erf", "erfinv", "lgamma", "digamma", "i0", "sinc", "deg2rad"])
def test_integers_become_floats_as_in_torch(torch, name):
    ours, theirs = getattr(tg, name)(tg.tensor([1])), getattr(torch, name)(torch.tensor([1]))
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_scipy_is_not_loaded_before_a_special_function_is_called():
    import subprocess
    import sys

    code = "import sys, tinygrad_edu as tg; a = 'scipy' in sys.modules; tg.erf(tg.ones(1)); print(a, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_known_values():
    assert float(tg.special.psi(tg.ones(1, dtype=tg.float64))) == pytest.approx(-np.euler_gamma, rel=1e-14)
    assert float(tg.lgamma(tg.tensor(0.5, dtype=tg.float64))) == pytest.approx(0.5 * math.log(math.pi), rel=1e-14)
    assert float(tg.polygamma(1, tg.ones(1, dtype=tg.float64))) == pytest.approx(math.pi**2 / 6, rel=1e-14)


def test_the_derivative_of_i1_at_zero_is_a_half(torch):
    check(torch, tg.special.i1, torch.special.i1, [np.array([-2.0, 0.0, 1e-9, 3.0])], twice=False, **CLOSE)


def test_the_second_derivative_of_sinc_at_0_is_that_of_its_series():
    x = tg.tensor([0.0, 1e-4], dtype=tg.float64, requires_grad=True)
    (first,) = tg.autograd.grad(tg.sinc(x).sum(), x, create_graph=True)
    (second,) = tg.autograd.grad(first.sum(), x)
    # 1 - π²x²/6 + …; the formula for x ≠ 0 loses eight of its digits at 1e-4.
    np.testing.assert_allclose(second.numpy(), -(np.pi**2) / 3, rtol=1e-6)
