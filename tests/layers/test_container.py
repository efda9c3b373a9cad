"""Containers: order, indexing, and the chained backward by hand."""

import copy
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.layers.three_ways import WAYS, assert_agree, by_hand, cotangent, fused, in_torch
from tinygrad_edu import nn
from tinygrad_edu.testing import verify

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@pytest.fixture(params=["ours", "torch"])
def lib(request):
    return tg if request.param == "ours" else request.getfixturevalue("torch")


def test_sequential_is_a_sequence_as_in_torch(lib):
    net = lib.nn.Sequential(lib.nn.Linear(1, 2), lib.nn.Tanh(), lib.nn.Linear(2, 1))
    assert len(net) == 3
    assert [type(m).__name__ for m in net] == ["Linear", "Tanh", "Linear"]
    assert net[-1] is net[2]
    assert isinstance(net[1:], lib.nn.Sequential)
    assert net[1:][1] is net[2]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    net[1] = lib.nn.ReLU()
    assert net.append(lib.nn.Tanh()) is net
    assert [type(m).__name__ for m in net] == ["Linear", "ReLU", "Linear", "Tanh"]
    net.extend([lib.nn.ReLU(), lib.nn.ReLU()])
    assert len(net) == 6
    named = lib.nn.Sequential(OrderedDict(first=lib.nn.Linear(1, 1), then=lib.nn.ReLU()))
    assert named.first is named[0]
    assert list(named.state_dict()) == ["first.weight", "first.bias"]
    with pytest.raises(IndexError):
        net[6]


def test_module_list_registers_its_modules_as_in_torch(lib):
    layers = lib.nn.ModuleList([lib.nn.Linear(2, 2) for _ in range(2)])
    layers.append(lib.nn.Linear(2, 1))
    assert len(layers) == 3
    assert len(list(layers.parameters())) == 6
    assert isinstance(layers[:2], lib.nn.ModuleList)
    assert list(layers.state_dict())[-1] == "2.bias"
    with pytest.raises(NotImplementedError):
        layers(lib.ones(1, 2))


def test_an_empty_sequential_is_the_identity():
    x = np.ones((2, 3))
    net = nn.Sequential()
    np.testing.assert_array_equal(net(x), x)
    np.testing.assert_array_equal(net.backward(2 * x), 2 * x)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), stride=st.sampled_from([1, 2]), norm=st.booleans())
def test_a_whole_network_agrees_on_all_ways(torch, seed, stride, norm):
    tg.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride, padding=1),
        nn.BatchNorm2d(4) if norm else nn.Tanh(),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.AvgPool2d(2, padding=1),
        nn.Flatten(),
        nn.Linear(16 if stride == 1 else 4, 6),
        nn.Sigmoid(),
        nn.Reshape(2, 3),
        nn.Softmax(dim=-1),
    ).double()
    x = np.random.default_rng(seed).normal(size=(3, 2, 4, 4))
    expected = in_torch(torch, net, (x,))
    for run in WAYS.values():
        assert_agree(run(net, (x,)), expected, rtol=1e-10, atol=1e-12)  # rounding grows over ten layers


def test_a_layer_that_stands_twice_gets_the_sum_of_both_gradients(torch):
    layer = nn.Linear(3, 3).double()
    net = nn.Sequential(layer, nn.Tanh(), layer)
    x = np.random.default_rng(0).normal(size=(4, 3))
    hand = by_hand(net, (x,))
    assert_agree(hand, fused(net, (x,)))
    assert_agree(hand, in_torch(torch, net, (x,)))
    # The wrong form: the second use's values in both backwards, as when a layer keeps its latest input alone.
    h = np.tanh(x @ layer.weight.numpy(force=True).T + layer.bias.numpy(force=True))
    dy = cotangent(hand.value)
    assert not np.allclose(hand.parameters["0.weight"], dy.T @ h, rtol=1e-3)


def test_a_relu_shared_between_places_is_right():
    act = nn.ReLU()
    tg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), act, nn.Linear(4, 4), act).double()
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert_agree(by_hand(net, (x,)), fused(net, (x,)))


@settings(max_examples=10)
@given(
    channels=st.sampled_from([(3, 3), (2, 4)]),
    stride=st.sampled_from([1, 2]),
    training=st.booleans(),
    seed=st.integers(0, 999),
)
def test_a_residual_block_agrees_on_all_ways(torch, channels, stride, training, seed):
    tg.manual_seed(seed)
    block = nn.ResidualBlock(*channels, stride).double().train(training)
    x = np.random.default_rng(seed).normal(size=(2, channels[0], 5, 6))
    expected = in_torch(torch, block, (x,))
    for run in WAYS.values():
        assert_agree(run(block, (x,)), expected, rtol=1e-9, atol=1e-11)  # two batch norms multiply rounding


def test_a_residual_blocks_gradient_has_both_ways():
    tg.manual_seed(0)
    block = nn.ResidualBlock(2, 2).double()
    assert len(block.shortcut) == 0
    assert len(nn.ResidualBlock(2, 2, stride=2).shortcut) == 2
    assert len(nn.ResidualBlock(2, 3).shortcut) == 2
    x = np.random.default_rng(0).normal(size=(2, 2, 4, 4))
    whole = by_hand(block, (x,)).inputs[0]
    y, back = block.pair(x)
    dsum = cotangent(y) * (y > 0)
    _, branch = nn.Sequential(block.conv1, block.bn1, block.relu1, block.conv2, block.bn2).pair(x)
    np.testing.assert_allclose(whole, branch(dsum) + dsum, rtol=1e-10, atol=1e-12)
    assert back(cotangent(y), input_gradient=False) is None
    assert verify(copy.deepcopy(block), x).ok


def test_cotangents_between_the_layers_are_not_overwritten():
    # dy of the block goes both into the branch and into the shortcut.
    block = nn.ResidualBlock(2, 2)
    x = np.random.default_rng(0).normal(size=(2, 2, 4, 4)).astype(np.float32)
    y = block(x)
    dy = cotangent(y, np.float32)
    block.backward(dy)
    np.testing.assert_array_equal(dy, cotangent(y, np.float32))


def test_no_layer_of_a_sequential_waits_for_a_backward_of_its_own():
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    y = net(np.ones((1, 3), np.float32))
    with pytest.raises(RuntimeError, match="Tanh.backward: no call is waiting"):
        net[1].backward(np.ones_like(y))


def test_the_shape_of_a_wrong_input_is_named_with_its_layer():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 1))
    for convert in (np.asarray, tg.tensor):
        with pytest.raises(ValueError, match=r"Linear: expected an input of shape \(..., 3\), got \(4, 2\)"):
            net(convert(np.ones((4, 3), np.float32)))
