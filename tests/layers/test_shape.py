"""Layers that change the shape alone."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.layers.three_ways import WAYS, assert_agree, cotangent, in_torch
from tinygrad_edu import nn


@pytest.mark.parametrize(("start", "end"), [(1, -1), (0, -1), (0, 1), (1, 2), (2, 2), (-2, -1), (-3, 1)])
def test_flatten_joins_any_neighbouring_axes_as_torch_does(torch, start, end):
    layer = nn.Flatten(start, end)
    x = np.arange(24.0).reshape(2, 3, 4)
    for run in WAYS.values():
        assert_agree(run(layer, (x,)), in_torch(torch, layer, (x,)))
    assert repr(layer) == repr(layer.to_torch())


def test_flatten_takes_the_elements_in_row_major_order_whatever_the_memory():
    x = np.arange(24.0).reshape(2, 3, 4)
    for memory in (x, np.asfortranarray(x), x.transpose(0, 2, 1).copy().transpose(0, 2, 1)):
        np.testing.assert_array_equal(nn.Flatten()(memory), x.reshape(2, 12))


@pytest.mark.parametrize("shape", [(2, 6), (-1,), (3, -1, 2), (1, 12, 1)])
def test_reshape_gives_each_sample_a_shape_and_its_backward_the_old_one(shape):
    x = np.arange(24.0).reshape(2, 3, 4)
    layer = nn.Reshape(*shape)
    for run in WAYS.values():
        outcome = run(layer, (x,))
        np.testing.assert_array_equal(outcome.value, x.reshape(2, *shape))
        np.testing.assert_array_equal(outcome.inputs[0], cotangent(outcome.value).reshape(x.shape))
    assert nn.Reshape(shape).shape == layer.shape  # a tuple as well


@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_reshape_refuses_what_does_not_fit_with_both_shapes(convert):
    for n in (1, 2, 6):
        with pytest.raises(ValueError, match=r"Reshape: a sample of shape \(3,\) does not fit into \(2, 2\)"):
            nn.Reshape(2, 2)(convert(np.zeros((n, 3))))


def test_an_overwritten_result_does_not_change_the_input():
    # As in PyTorch both may share memory; the clock knows of writes through either.
    x = tg.arange(6.0).reshape(2, 3)
    y = nn.Flatten()(x)
    with tg.no_grad():
        y.add_(1.0)
    assert x.tolist() == y.tolist() or x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
