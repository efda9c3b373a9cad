"""gradcheck tells right gradients from wrong ones, as PyTorch's does."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.testing import GradcheckError, gradcheck


@pytest.fixture
def x(rng):
    return tg.tensor(rng.normal(size=(2, 3)), requires_grad=True)


def wrong(x):
    """x² whose recorded gradient is x, since one factor is detached."""
    return x * x.detach()


def test_a_right_gradient_passes(x):
    assert gradcheck(lambda x: (x * x).sin(), x)


def test_a_wrong_gradient_is_named_with_its_place_and_values(x):
    with pytest.raises(GradcheckError, match=r"output 0\[\d, \d\] with respect to input 0\[\d, \d\]: recorded"):
        gradcheck(wrong, x)


def test_without_raise_exception_it_returns_false(x):
    assert gradcheck(wrong, x, raise_exception=False) is False


def test_every_input_that_requires_a_gradient_is_checked(x):
    y = tg.tensor(np.ones((2, 3)), requires_grad=True)
    assert gradcheck(lambda x, y: x * y, (x, y))
    assert not gradcheck(lambda x, y: x * (y * y.detach()), (x, y), raise_exception=False)


def test_inputs_without_a_gradient_and_plain_ones_are_passed_on(x):
    labels = tg.tensor([0, 2])
    frozen = tg.tensor(np.full((2, 3), 2.0))
    assert gradcheck(lambda x, n, w, k: (x * w).pow(k).gather(1, n.reshape(2, 1)), (x, labels, frozen, 2))


def test_every_float_output_is_checked(x):
    assert gradcheck(lambda x: (x.sin(), x.argmax(), x.cos()), x)
    with pytest.raises(GradcheckError, match="output 1"):
        gradcheck(lambda x: (x.sin(), wrong(x)), x)


def test_a_result_without_history_must_be_constant(x):
    assert gradcheck(lambda x: tg.ones(2, dtype=tg.float64), x)
    assert not gradcheck(lambda x: x.detach(), x, raise_exception=False)


def test_no_gradient_of_the_callers_is_touched(x):
    layer = nn.Linear(3, 2).double()
    assert gradcheck(layer, x)
    assert x.grad is None and layer.weight.grad is None


def test_a_nan_on_one_side_is_a_disagreement():
    x = tg.tensor([0.0], dtype=tg.float64, requires_grad=True)
    # The derivative of sqrt at 0 is infinite, and to the left of 0 there is no square root.
    with np.errstate(divide="ignore", invalid="ignore"):
        assert not gradcheck(lambda x: x.sqrt(), x, raise_exception=False)


def test_no_input_that_requires_a_gradient_is_an_error():
    with pytest.raises(ValueError, match="at least one input"):
        gradcheck(lambda x: x, tg.ones(2))


def test_float32_inputs_are_warned_of():
    with pytest.warns(UserWarning, match="float32"):
        gradcheck(lambda x: 2 * x, tg.ones(2, requires_grad=True), atol=0.1)


def test_a_function_that_gives_no_tensor_is_an_error(x):
    with pytest.raises(ValueError, match="returns Tensors, got ndarray"):
        gradcheck(lambda x: x.detach().numpy(), x)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3)])
def test_shapes_without_dimensions_or_elements(shape):
    x = tg.tensor(np.full(shape, 0.5), requires_grad=True)
    assert gradcheck(lambda x: x * x, x)


def test_it_agrees_with_torch_about_what_passes(torch, rng):
    values = rng.normal(size=3)
    ours, theirs = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    # A recorded gradient that is too large by a factor of 1 + e, around rtol = 1e-3.
    for e in (1e-4, 5e-4, 2e-3, 1e-2):
        f = lambda x, e=e: 1e3 * (x + e * (x - x.detach()))
        expected = torch.autograd.gradcheck(f, theirs, raise_exception=False)
        assert gradcheck(f, ours, raise_exception=False) is expected
