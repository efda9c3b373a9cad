"""Exponentials, logarithms and roots."""

import numpy as np
import pytest
from scipy import special

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check_case

NAMES = ["exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "rsqrt", "sigmoid", "sqrt"]


@pytest.mark.parametrize(("entry", "found"), cases(*NAMES))
def test_value_and_first_two_derivatives_are_torchs(torch, entry, found):
    check_case(torch, entry, found)


@pytest.mark.parametrize("name", NAMES)
def test_integers_give_the_default_float_type(torch, name):
    y = getattr(tg, name)(tg.tensor([1, 2]))
    assert y.dtype == tg.float32
    # both in float32, whose last bit is 6e-8
    np.testing.assert_allclose(y.numpy(), getattr(torch, name)(torch.tensor([1, 2])).numpy(), rtol=3e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_saturates_without_overflow(dtype):
    with np.errstate(all="raise", under="ignore"):
        x = tg.tensor(np.array([-1e4, -100.0, 0.0, 100.0, 1e4], dtype), requires_grad=True)
        y = x.sigmoid()
        y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype
    assert y.tolist()[0] == 0.0
    assert y.tolist()[-1] == 1.0
    assert np.isfinite(x.grad.numpy()).all()


def test_sigmoid_is_accurate_in_its_tail():
    x = np.linspace(-700.0, 40.0, 101)
    # SciPy's expit; a few roundings of 1e-16 each
    np.testing.assert_allclose(tg.sigmoid(tg.tensor(x)).numpy(), special.expit(x), rtol=1e-15)


def test_sigmoid_of_nan_is_nan():
    assert np.isnan(tg.sigmoid(tg.tensor(float("nan"))).item())


def test_logarithms_of_0_and_below_are_torchs(torch):
    x = [0.0, -1.0, float("inf")]
    with np.errstate(all="ignore"):  # NumPy warns where PyTorch is silent; the values are the same
        np.testing.assert_array_equal(tg.log(tg.tensor(x)).numpy(), torch.log(torch.tensor(x)).numpy())
        np.testing.assert_array_equal(tg.sqrt(tg.tensor(x)).numpy(), torch.sqrt(torch.tensor(x)).numpy())
