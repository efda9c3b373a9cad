"""Dropout: one mask for a call, its expectation, its extremes, its seed."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.layers.three_ways import WAYS
from tinygrad_edu import nn


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_backward_has_the_mask_of_its_forward(way, dtype):
    x = np.ones((40, 30), dtype)
    outcome = WAYS[way](nn.Dropout(0.25), (x,), np.full(x.shape, 2, dtype))
    kept = outcome.value != 0
    assert 0 < kept.mean() < 1
    np.testing.assert_array_equal(outcome.value, np.where(kept, dtype(1 / 0.75), 0))
    np.testing.assert_array_equal(outcome.inputs[0], 2 * outcome.value)


def test_a_second_derivative_has_the_mask_of_its_forward():
    x = tg.full((30,), 3.0, requires_grad=True)
    y = nn.Dropout(0.5)(x)
    (y**3).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.sum().backward()
    mask = y.detach() / 3.0
    np.testing.assert_allclose(x.grad.numpy(), (6 * 3.0 * mask**3).numpy())


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_expectation_is_the_input(p):
    tg.manual_seed(0)
    n = 200_000
    y = nn.Dropout(p)(np.ones(n))
    # A zero with probability p has variance p (1 − p); five standard deviations of its mean.
    assert (y == 0).mean() == pytest.approx(p, abs=5 * (p * (1 - p) / n) ** 0.5)
    assert y.mean() == pytest.approx(1, abs=5 * (p / (1 - p) / n) ** 0.5)


@pytest.mark.parametrize("way", WAYS)
def test_p_0_keeps_all_and_p_1_nothing_and_evaluation_is_the_identity(way):
    x = np.array([[1.0, -2.0, np.inf]])
    run = WAYS[way]
    for layer in (nn.Dropout(0.0), nn.Dropout(0.9).eval(), nn.Dropout(1.0).eval()):
        outcome = run(layer, (x,), np.ones((1, 3)))
        np.testing.assert_array_equal(outcome.value, x)
        np.testing.assert_array_equal(outcome.inputs[0], 1)
    outcome = run(nn.Dropout(1.0), (x[:, :2],), np.ones((1, 2)))
    assert (outcome.value == 0).all()
    assert (outcome.inputs[0] == 0).all()


def test_the_result_is_never_the_input_itself():
    x = np.ones(3)
    nn.Dropout().eval()(x)[0] = 7
    assert x[0] == 1


def test_masks_come_from_the_librarys_seed_and_change_from_call_to_call():
    x = np.ones(100)
    layer = nn.Dropout(0.5)
    tg.manual_seed(3)
    first, second = layer(x).copy(), layer(x).copy()
    tg.manual_seed(3)
    np.testing.assert_array_equal(layer(tg.tensor(x)).numpy(), first)  # the tracks draw alike
    np.testing.assert_array_equal(layer(x), second)
    assert (first != second).any()


def test_evaluation_draws_nothing():
    tg.manual_seed(0)
    expected = tg.rand(3).tolist()
    tg.manual_seed(0)
    nn.Dropout(0.5).eval()(np.ones(100))
    assert tg.rand(3).tolist() == expected


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="Dropout: expected a probability p from 0 to 1, got"):
        nn.Dropout(p)
    with pytest.raises(ValueError, match="dropout: expected a probability p from 0 to 1, got"):
        nn.functional.dropout(tg.ones(2), p)
