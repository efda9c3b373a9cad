"""The affine layer, beyond what holds for every layer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.layers.three_ways import WAYS, assert_agree, cotangent, in_torch
from tinygrad_edu import nn


@given(batch=st.lists(st.integers(0, 3), max_size=3), bias=st.booleans())
def test_any_number_of_leading_axes_is_a_batch(torch, batch, bias):
    layer = nn.Linear(3, 2, bias).double()
    x = np.random.default_rng(0).normal(size=(*batch, 3))
    for run in WAYS.values():
        assert_agree(run(layer, (x,)), in_torch(torch, layer, (x,)))


def test_the_gradients_are_sums_over_the_batch_of_outer_products():
    # Teaching code that takes one sample at a time writes dW = dy xᵀ, which for a batch is another thing altogether.
    layer = nn.Linear(3, 2).double()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3))
    y = layer(x)
    dy = cotangent(y)
    layer.backward(dy)
    np.testing.assert_allclose(
        layer.weight.grad.numpy(), sum(np.outer(d, s) for d, s in zip(dy, x, strict=True)), rtol=1e-12
    )
    np.testing.assert_allclose(layer.bias.grad.numpy(), dy.sum(0), rtol=1e-12)
    assert layer.bias.grad.shape == (2,)
    wrong = {"the last sample's": np.outer(dy[-1], x[-1]), "the mean": layer.weight.grad.numpy() / 5}
    for gradient in wrong.values():
        assert not np.allclose(layer.weight.grad.numpy(), gradient, rtol=1e-3)


@pytest.mark.parametrize("shape", [(), (2,), (3, 2), (2, 3, 4)])
@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_a_wrong_last_axis_is_refused_with_both_shapes(shape, convert):
    with pytest.raises(ValueError, match=r"Linear: expected an input of shape \(..., 3\), got \(") as error:
        nn.Linear(3, 2)(convert(np.zeros(shape, np.float32)))
    assert str(shape) in str(error.value)


def test_dense_is_linear():
    assert nn.Dense is nn.Linear


def test_without_bias_there_is_none(torch):
    assert list(nn.Linear(3, 2, bias=False).state_dict()) == list(torch.nn.Linear(3, 2, bias=False).state_dict())
    assert repr(nn.Linear(3, 2, bias=False)) == repr(torch.nn.Linear(3, 2, bias=False))


def test_the_weight_starts_as_hes_and_the_bias_at_0_and_other_ways_can_be_chosen():
    tg.manual_seed(0)
    layer = nn.Linear(200, 300)
    # 60,000 draws: the standard deviation is off by 1/√(2·60,000) = 0.3 %, five of which are allowed.
    assert layer.weight.std().item() == pytest.approx((2 / 200) ** 0.5, rel=0.015)
    assert layer.weight.mean().item() == pytest.approx(0, abs=5 * 0.1 / 60_000**0.5)
    assert layer.bias.tolist() == [0.0] * 300
    layer = nn.Linear(200, 300, init=nn.init.xavier_uniform_)
    bound = (6 / 500) ** 0.5
    assert layer.weight.abs().max().item() <= bound
    assert layer.weight.abs().max().item() > 0.99 * bound
    tg.manual_seed(1)
    first = nn.Linear(3, 2).weight.tolist()
    tg.manual_seed(1)
    assert nn.Linear(3, 2).weight.tolist() == first


def test_dtype_and_device_are_taken_as_in_torch():
    layer = nn.Linear(3, 2, dtype=tg.float64, device="cpu")
    assert layer.weight.dtype == layer.bias.dtype == tg.float64
    with pytest.raises(RuntimeError, match="CPU"):
        nn.Linear(3, 2, device="cuda")


def test_no_inputs_or_no_outputs_are_allowed(torch):
    for i, o in ((0, 2), (3, 0)):
        layer = nn.Linear(i, o).double()
        for run in WAYS.values():
            outcome = run(layer, (np.zeros((4, i)),))
            assert outcome.value.shape == (4, o)
            assert outcome.inputs[0].shape == (4, i)
