"""Pooling: geometry, ties, NaN, and refusals."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.layers.three_ways import WAYS, assert_agree, by_hand, in_torch
from tinygrad_edu import nn
from tinygrad_edu.layers.kernels import output_size

pair = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def pools(draw, kind):
    """A pooling layer and an input with many equal values."""
    kernel, stride = draw(pair), draw(st.one_of(st.none(), pair))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    dilation = draw(pair) if kind == "MaxPool2d" else (1, 1)
    assume(min(output_size(size, kernel, stride or kernel, padding, dilation)) >= 1)
    x = np.random.default_rng(draw(st.integers(0, 2**31))).integers(-1, 2, (2, 2, *size)).astype(np.float64)
    if kind == "MaxPool2d":
        layer = nn.MaxPool2d(kernel, stride, padding, dilation)
        # A dilated window may lie wholly on the padding, where PyTorch writes outside its memory.
        assume(np.isfinite(layer(x)).all())
        return layer, x
    return nn.AvgPool2d(kernel, stride, padding, count_include_pad=draw(st.booleans())), x


@pytest.mark.parametrize("kind", ["MaxPool2d", "AvgPool2d"])
@settings(max_examples=100)
@given(data=st.data())
def test_every_geometry_with_ties_is_torchs_on_all_ways(torch, kind, data):
    layer, x = data.draw(pools(kind))
    expected = in_torch(torch, layer, (x,))
    for run in WAYS.values():
        assert_agree(run(layer, (x,)), expected)


def test_of_equal_maxima_the_first_in_reading_order_gets_the_gradient(torch):
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 0, 1] = x[0, 0, 1, 0] = 5
    dy = np.arange(1.0, 5).reshape(1, 1, 2, 2)
    layer = nn.MaxPool2d(2)
    expected = np.zeros((4, 4))
    expected[0, 1], expected[0, 2], expected[2, 0], expected[2, 2] = 1, 2, 3, 4
    for run in WAYS.values():
        np.testing.assert_array_equal(run(layer, (x,), dy).inputs[0][0, 0], expected)
    # The wrong form: a mask of where x is the maximum gives every tie the whole gradient.
    y = np.repeat(np.repeat(layer(x), 2, 2), 2, 3)
    wrong = (x == y) * np.repeat(np.repeat(dy, 2, 2), 2, 3)
    assert wrong.sum() == 2 * 1 + 4 * (2 + 3 + 4) != dy.sum()
    theirs = torch.tensor(x, requires_grad=True)
    torch.nn.MaxPool2d(2)(theirs).backward(torch.tensor(dy))
    np.testing.assert_array_equal(theirs.grad.numpy()[0, 0], expected)


def test_max_of_a_tensor_gives_ties_their_share_or_the_first_the_whole_as_torch_does(torch):
    values = [[3.0, 1.0, 3.0, 3.0]]
    for reduce in (lambda x: x.max(), lambda x: x.amax(1).sum(), lambda x: x.max(1).values.sum()):
        mine, theirs = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
        reduce(mine).backward()
        reduce(theirs).backward()
        np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-7)
        assert mine.grad.sum().item() == pytest.approx(1)
        assert mine.grad.tolist() != [[1.0, 0.0, 1.0, 1.0]]  # the wrong form: all of them the whole


def test_overlapping_windows_add_their_gradients():
    layer = nn.MaxPool2d(3, stride=1)
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 2, 2] = 1  # in all nine windows
    assert layer(x).tolist() == [[[[1.0] * 3] * 3]]
    dx = layer.backward(np.ones((1, 1, 3, 3)))
    assert dx[0, 0, 2, 2] == 9
    assert dx.sum() == 9


@pytest.mark.parametrize("padding", [0, 1])
def test_nan_wins_the_maximum_and_gets_the_gradient_as_in_torch(torch, padding):
    x = np.random.default_rng(0).normal(size=(1, 1, 4, 4))
    x[0, 0, 1, 2] = np.nan
    layer = nn.MaxPool2d(2, 2, padding)
    expected = in_torch(torch, layer, (x,))
    assert np.isnan(expected.value).sum() == 1
    assert_agree(by_hand(layer, (x,)), expected)


def test_negative_inputs_are_never_below_the_padding(torch):
    x = np.full((1, 1, 3, 3), -7.0)
    for run in WAYS.values():
        assert (run(nn.MaxPool2d(3, 2, 1), (x,)).value == -7).all()


def test_a_window_wholly_on_the_padding_gives_minus_infinity_and_takes_no_gradient():
    layer = nn.MaxPool2d((1, 2), 1, (0, 1), (1, 2))  # columns −1 and 1 of an image of one column
    x = np.full((1, 1, 2, 1), 5.0)
    for run in WAYS.values():
        outcome = run(layer, (x,))
        assert (outcome.value == -np.inf).all()
        assert (outcome.inputs[0] == 0).all()


def test_padding_counts_in_a_mean_or_not():
    x = np.ones((1, 1, 2, 2))
    assert nn.AvgPool2d(2, padding=1)(x).tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]
    assert nn.AvgPool2d(2, padding=1, count_include_pad=False)(x).tolist() == [[[[1.0, 1.0], [1.0, 1.0]]]]


@pytest.mark.parametrize("kind", [nn.MaxPool2d, nn.AvgPool2d])
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 0},
        {"kernel_size": 2, "stride": 0},
        {"kernel_size": 3, "padding": 2},
        {"kernel_size": 2, "padding": -1},
        {"kernel_size": (2, 2, 2)},
    ],
)
def test_a_geometry_that_pools_nothing_is_refused(kind, options):
    with pytest.raises(ValueError, match=f"{kind.__name__}: "):
        kind(**options)


def test_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="ceil_mode=True is not there"):
        nn.AvgPool2d(2, ceil_mode=True)
    with pytest.raises(ValueError, match="expected a positive dilation, got 0"):
        nn.MaxPool2d(2, dilation=0)


@pytest.mark.parametrize("kind", [nn.MaxPool2d, nn.AvgPool2d])
@pytest.mark.parametrize(("shape", "message"), [((1, 1, 1, 5), "does not fit"), ((4, 4), "expected an input of shape")])
def test_an_input_that_does_not_fit_is_refused_with_its_shape(kind, shape, message):
    for convert in (np.asarray, tg.tensor):
        with pytest.raises(ValueError, match=rf"{kind.__name__}: .*{message}.*"):
            kind(2)(convert(np.zeros(shape)))
