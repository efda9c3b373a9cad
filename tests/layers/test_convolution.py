"""Convolution: its three forms, its geometry, its bias, its refusals."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.layers.three_ways import (
    CLOSE,
    WAYS,
    assert_agree,
    assert_same_derivatives,
    by_hand,
    cotangent,
    in_torch,
    own_derivatives,
    torch_derivatives,
)
from tinygrad_edu import nn
from tinygrad_edu.layers.kernels import output_size

pair = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def geometries(draw):
    """A convolution and an input for it: every option, rectangular, down to a single window and to 1×1 kernels."""
    kernel, dilation = draw(pair), draw(pair)
    stride = draw(st.one_of(st.just((1, 1)), pair))  # kernels have a path of their own for stride 1
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    size = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    c, o = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    n, bias, seed = draw(st.integers(1, 3)), draw(st.booleans()), draw(st.integers(0, 2**31))
    assume(min(output_size(size, kernel, stride, padding, dilation)) >= 1)
    tg.manual_seed(seed)
    layer = nn.Conv2d(c, o, kernel, stride, padding, dilation, groups, bias).double()
    if bias:
        tg.nn.init.normal_(layer.bias)
    return layer, np.random.default_rng(seed).normal(size=(n, c, *size))


def by_scipy(layer, x):
    """The reference pair: SciPy's correlations and convolutions, one pair of channels at a time."""
    _, options = layer._arguments((x,))
    bias = None if layer.bias is None else layer.bias.numpy(force=True)
    y, backward = nn.Conv2d.reference(x, layer.weight.numpy(force=True), bias, **options)
    return y, backward(cotangent(y))


@settings(max_examples=300)
@given(case=geometries())
def test_by_hand_definition_and_scipy_agree_on_any_geometry(case):
    layer, x = case
    hand, graph = by_hand(layer, (x,)), WAYS["definition"](layer, (x,))
    assert_agree(hand, graph)
    y, (dx, dweight, dbias) = by_scipy(layer, x)
    # Sums of up to 81 products of numbers about 1.
    tolerance = {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(hand.value, y, **tolerance)
    np.testing.assert_allclose(hand.inputs[0], dx, **tolerance)
    np.testing.assert_allclose(hand.parameters["weight"], dweight, **tolerance)
    if layer.bias is not None:
        np.testing.assert_allclose(hand.parameters["bias"], dbias, **tolerance)


@settings(max_examples=60)
@given(case=geometries())
def test_all_forms_are_torchs_on_any_geometry(torch, case):
    layer, x = case
    expected = in_torch(torch, layer, (x,))
    for run in WAYS.values():
        assert_agree(run(layer, (x,)), expected)


@settings(max_examples=10)
@given(case=geometries())
def test_second_derivatives_are_torchs_on_any_geometry(torch, case):
    layer, x = case
    mine, theirs = own_derivatives(layer, (x,), 2), torch_derivatives(torch, layer, (x,), 2)
    assert_same_derivatives(mine, theirs, rtol=1e-11)


@pytest.mark.parametrize("groups", [1, 4])
def test_a_large_batch_that_kernels_share_out_is_torchs(torch, groups):
    layer = nn.Conv2d(4, 8, 3, padding=1, groups=groups).double()
    x = np.random.default_rng(0).normal(size=(33, 4, 17, 15))
    expected = in_torch(torch, layer, (x,))
    # Weight gradients are sums of 8,415 products of numbers about 1, in another order.
    assert_agree(by_hand(layer, (x,)), expected, rtol=1e-10, atol=1e-11)


def test_it_is_a_correlation_and_not_a_convolution_with_a_flipped_kernel():
    layer = nn.Conv2d(1, 1, (1, 2), bias=False)
    layer.load_state_dict({"weight": np.array([[[[1.0, 10.0]]]])})
    assert layer(np.array([[[[1.0, 2.0, 3.0]]]], np.float32)).tolist() == [[[[21.0, 32.0]]]]


def test_the_bias_is_one_number_for_each_channel_and_its_gradient_a_sum_over_samples_and_pixels():
    layer = nn.Conv2d(2, 3, 2).double()
    x = np.random.default_rng(0).normal(size=(4, 2, 5, 6))
    y = layer(x)
    dy = cotangent(y)
    layer.backward(dy)
    assert layer.bias.shape == layer.bias.grad.shape == (3,)
    np.testing.assert_allclose(layer.bias.grad.numpy(), dy.sum((0, 2, 3)), **CLOSE)
    # The wrong forms: one bias for each output pixel, and its mean in place of its sum.
    assert dy.sum(0).shape != layer.bias.shape
    for wrong in (dy.sum(0).mean((1, 2)), dy.mean((0, 2, 3)), dy[-1].sum((1, 2))):
        assert not np.allclose(layer.bias.grad.numpy(), wrong, rtol=1e-3)
    with tg.no_grad():
        layer.bias += 1.0
    np.testing.assert_allclose(layer(x), y + 1, **CLOSE)


def test_the_input_gradient_turns_the_kernel_half_round():
    layer = nn.Conv2d(1, 1, 2, bias=False)
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    layer.load_state_dict({"weight": kernel[None, None]})
    layer(np.zeros((1, 1, 3, 3), np.float32))
    dy = np.zeros((1, 1, 2, 2), np.float32)
    dy[0, 0, 1, 0] = 1
    expected = np.zeros((3, 3))
    expected[1:, :2] = kernel  # the one window's pixels get the kernel as it lies
    np.testing.assert_array_equal(layer.backward(dy)[0, 0], expected)


def test_pixels_that_no_window_reaches_get_0():
    layer = nn.Conv2d(1, 1, 2, stride=3).double()
    layer(np.ones((1, 1, 6, 7)))
    dx = layer.backward(np.ones((1, 1, 2, 2)))[0, 0]
    assert (dx[2] == 0).all()
    assert (dx[5] == 0).all()
    assert (dx[:, [2, 5, 6]] == 0).all()


def test_same_and_valid_padding_are_torchs(torch):
    x = np.random.default_rng(0).normal(size=(2, 2, 7, 6))
    for padding, kernel, dilation in (("same", (3, 5), 1), ("same", 3, (2, 1)), ("valid", 3, 1)):
        tg.manual_seed(0)
        layer = nn.Conv2d(2, 4, kernel, padding=padding, dilation=dilation).double()
        theirs = torch.nn.Conv2d(2, 4, kernel, padding=padding, dilation=dilation).double()
        theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in layer.state_dict().items()})
        np.testing.assert_allclose(layer(x), theirs(torch.tensor(x)).detach().numpy(), **CLOSE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 2}, "groups=2 does not divide 3 and 4 channels"),
        ({"groups": 3}, "groups=3 does not divide 3 and 4 channels"),
        ({"groups": 0}, "groups=0"),
        ({"kernel_size": 0}, "positive kernel_size"),
        ({"stride": 0}, "positive kernel_size, stride"),
        ({"dilation": (1, 0)}, "and dilation"),
        ({"padding": -1}, "no negative padding"),
        ({"padding": 1.5}, "Conv2d: padding: expected an int or two ints, got 1.5"),
        ({"kernel_size": (3, 3, 3)}, r"Conv2d: kernel_size: expected an int or two ints, got \(3, 3, 3\)"),
        ({"stride": "2"}, "Conv2d: stride: expected an int or two ints"),
        ({"padding": "same", "stride": 2}, "padding='same'"),
        ({"padding_mode": "reflect"}, "padding_mode 'reflect' is not there"),
    ],
)
def test_options_that_make_no_convolution_are_refused(options, message):
    with pytest.raises(ValueError, match=f"Conv2d: .*{message.removeprefix('Conv2d: ')}"):
        nn.Conv2d(3, 4, **{"kernel_size": 3, **options})


def test_numpys_integers_are_ints():
    assert nn.Conv2d(1, 1, np.int64(3), padding=(np.int32(1), 1)).padding == (1, 1)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (2, 3, 2, 9),
            r"a kernel of \(3, 3\) with dilation \(1, 1\) does not fit into an input of shape \(2, 3, 2, 9\)",
        ),
        ((2, 4, 9, 9), r"expected an input of shape \(batch, 3, height, width\), got \(2, 4, 9, 9\)"),
        ((3, 9, 9), r"got \(3, 9, 9\)"),
        ((2, 3, 0, 9), "does not fit"),
    ],
)
@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_an_input_that_does_not_fit_is_refused_with_its_shape(convert, shape, message):
    layer = nn.Conv2d(3, 4, 3)
    with pytest.raises(ValueError, match=f"Conv2d: .*{message}"):
        layer(convert(np.zeros(shape, np.float32)))
    with pytest.raises(RuntimeError, match="no call is waiting"):
        layer.backward(np.zeros(1))


def test_the_weight_starts_as_hes_of_its_fan_in():
    tg.manual_seed(0)
    layer = nn.Conv2d(16, 128, 5, groups=2)
    # 25,600 draws: 0.44 % of the standard deviation, five of which are allowed.
    assert layer.weight.std().item() == pytest.approx((2 / (8 * 25)) ** 0.5, rel=0.022)
    assert layer.weight.shape == (128, 8, 5, 5)


def test_repr_shows_what_differs_from_the_default():
    shown = repr(nn.Conv2d(2, 4, 3, (2, 1), 1, 2, 2, False))
    assert shown == (
        "Conv2d(2, 4, kernel_size=(3, 3), stride=(2, 1), padding=(1, 1), dilation=(2, 2), groups=2, bias=False)"
    )


def test_its_result_is_flattened_by_view_as_pytorch_programs_do(torch):
    # Its memory has the channels last, which no program is to notice.
    layer = nn.Conv2d(1, 2, 3)
    x = tg.randn(2, 1, 5, 5, requires_grad=True)
    y = nn.functional.relu(layer(x))
    flat = y.view(y.size(0), -1)
    np.testing.assert_array_equal(flat.detach().numpy(), y.detach().numpy().reshape(2, -1))
    (flat * tg.arange(18.0)).sum().backward()
    expected = layer.to_torch()
    leaf = torch.tensor(x.detach().numpy(), requires_grad=True)
    (torch.relu(expected(leaf)).view(2, -1) * torch.arange(18.0)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), leaf.grad.numpy(), rtol=1e-5, atol=1e-5)  # float32
