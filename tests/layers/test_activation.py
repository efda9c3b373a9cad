"""Activations at extremes, at kinks, and against the forms that teaching code gets wrong."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.layers.three_ways import WAYS, assert_agree, cotangent, in_torch
from tinygrad_edu import nn

pytestmark = pytest.mark.filterwarnings("error")

EXTREMES = np.array([[-1e4, -710.0, -88.8, -1.0, -0.0, 0.0, 1e-8, 1.0, 17.0, 88.8, 710.0, 1e4]])


@pytest.mark.parametrize("layer", [nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.Softmax(dim=1)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_extremes_are_finite_and_torchs(torch, layer, dtype):
    x = EXTREMES.astype(dtype)
    theirs = torch.tensor(x, requires_grad=True)
    expected = layer.to_torch()(theirs)
    expected.backward(torch.tensor(cotangent(x, dtype)))
    # Sigmoid by its definition is (1 + tanh(x/2))/2, which near 0 is a difference of numbers about 1: hence absolute.
    eps = np.finfo(dtype).eps
    for run in WAYS.values():
        outcome = run(layer, (x,))
        assert np.isfinite(outcome.value).all()
        assert np.isfinite(outcome.inputs[0]).all()
        np.testing.assert_allclose(outcome.value, expected.detach().numpy(), rtol=8 * eps, atol=2 * eps)
        np.testing.assert_allclose(outcome.inputs[0], theirs.grad.numpy(), rtol=8 * eps, atol=4 * eps)


@pytest.mark.parametrize("way", ["by hand", "fused"])
def test_sigmoid_keeps_its_digits_where_it_is_nearly_0(way):
    x = np.array([-700.0, -100.0, -40.0])
    outcome = WAYS[way](nn.Sigmoid(), (x,), np.ones(3))
    # e^x − e^2x + ..., whose second term is below the last digit of a float64.
    np.testing.assert_allclose(outcome.value, np.exp(x), rtol=4e-16)
    np.testing.assert_allclose(outcome.inputs[0], np.exp(x), rtol=1e-15)


def test_relu_has_derivative_0_at_0_as_torch(torch):
    x = np.array([[-1.0, -0.0, 0.0, 2.0]])
    for run in WAYS.values():
        outcome = run(nn.ReLU(), (x,), np.ones((1, 4)))
        assert outcome.inputs[0].tolist() == [[0.0, 0.0, 0.0, 1.0]]
        assert_agree(run(nn.ReLU(), (x,)), in_torch(torch, nn.ReLU(), (x,)))


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
def test_softmax_sums_to_1_over_its_axis_and_its_backward_is_the_whole_jacobian(torch, dim):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    layer = nn.Softmax(dim)
    y = layer(x)
    np.testing.assert_allclose(y.sum(dim), 1, rtol=1e-15)
    dy = cotangent(y)
    dx = layer.backward(dy)
    # diag(y) − y yᵀ along the axis, written out.
    rows, d_rows = (np.moveaxis(a, dim, -1).reshape(-1, x.shape[dim]) for a in (y, dy))
    whole = np.stack([(np.diag(r) - np.outer(r, r)) @ d for r, d in zip(rows, d_rows, strict=True)])
    found = np.moveaxis(dx, dim, -1).reshape(-1, x.shape[dim])
    np.testing.assert_allclose(found, whole, rtol=1e-12, atol=1e-15)
    # Adding one number to all x along the axis changes nothing.
    np.testing.assert_allclose(dx.sum(dim), 0, atol=1e-15)
    wrong = {"passed through": dy, "the diagonal alone": dy * y * (1 - y), "the probabilities": dy * y}
    for form in wrong.values():
        assert not np.allclose(dx, form, rtol=1e-2, atol=1e-3)
        assert not np.allclose(form.sum(dim), 0, atol=1e-3)


def test_softmax_of_the_wrong_axis_is_an_index_error():
    for convert in (np.asarray, tg.tensor):
        with pytest.raises(IndexError):
            nn.Softmax(dim=2)(convert(np.zeros((2, 3))))


def test_log_softmax_at_extremes_is_finite_and_torchs(torch):
    for dtype in (np.float32, np.float64):
        x = tg.tensor(EXTREMES.astype(dtype), requires_grad=True)
        theirs = torch.tensor(EXTREMES.astype(dtype), requires_grad=True)
        y, expected = nn.functional.log_softmax(x, dim=1), torch.log_softmax(theirs, 1)
        y.backward(cotangent(x, dtype))
        expected.backward(torch.tensor(cotangent(x, dtype)))
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=2 * eps)
        np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), rtol=4 * eps, atol=4 * eps)
