"""Batch normalization: statistics, modes, and the terms of its input gradient."""

import copy
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.layers.three_ways import CLOSE, WAYS, assert_agree, by_hand, cotangent, in_torch
from tinygrad_edu import nn

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

SHAPES = {"BatchNorm1d": [(6, 3), (4, 3, 5)], "BatchNorm2d": [(3, 3, 4, 2)]}
KINDS = [(kind, shape) for kind, shapes in SHAPES.items() for shape in shapes]


def made(kind, **options):
    layer = getattr(nn, kind)(3, dtype=tg.float64, **options)
    rng = np.random.default_rng(0)
    for p in layer.parameters():
        p.array[...] = rng.uniform(0.5, 1.5, 3)
    return layer


def batches(shape, n=4):
    rng = np.random.default_rng(1)
    return [rng.normal(rng.normal(size=3).reshape(1, 3, *(1,) * (len(shape) - 2)), 2.0, shape) for _ in range(n)]


@pytest.mark.parametrize(("kind", "shape"), KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": None},
        {"momentum": 0.0},
        {"momentum": 1.0},
        {"affine": False},
        {"track_running_stats": False},
        {"eps": 0.1},
    ],
    ids=str,
)
@pytest.mark.parametrize("way", WAYS)
def test_several_batches_and_then_evaluation_are_torchs(torch, kind, shape, options, way):
    layer = made(kind, **options)
    theirs = layer.to_torch()
    x = batches(shape)
    for i, batch in enumerate(x):
        layer.train(i < 3)
        theirs.train(i < 3)
        layer.zero_grad()
        theirs.zero_grad()
        leaf = torch.tensor(batch, requires_grad=True)
        y = theirs(leaf)
        y.backward(torch.tensor(cotangent(batch)))
        if way == "by hand":
            found = layer(batch)
            dx = layer.backward(cotangent(batch))
        else:
            mine = tg.tensor(batch, requires_grad=True)
            with nn.expanded() if way == "definition" else tg.enable_grad():
                out = layer(mine)
            out.backward(cotangent(batch))
            found, dx = out.detach().numpy(), mine.grad.numpy()
        np.testing.assert_allclose(found, y.detach().numpy(), **CLOSE)
        np.testing.assert_allclose(dx, leaf.grad.numpy(), **CLOSE)
        for (name, p), q in zip(layer.named_parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), **CLOSE, err_msg=name)
        assert [k for k, _ in layer.named_buffers()] == [k for k, _ in theirs.named_buffers()]
        for (name, b), c in zip(layer.named_buffers(), theirs.buffers(), strict=True):
            np.testing.assert_allclose(b.numpy(), c.numpy(), **CLOSE, err_msg=name)


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_the_input_gradient_has_the_terms_through_the_mean_and_the_variance(kind, shape):
    layer = made(kind)
    (x,) = batches(shape, 1)
    axes = (0, *range(2, x.ndim))
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    r = 1 / np.sqrt(var + layer.eps)
    x_hat = (x - mean) * r
    dy = cotangent(x)
    g = layer.weight.numpy(force=True).reshape(mean.shape) * r
    sum_dy, sum_dyx = dy.mean(axes, keepdims=True), (dy * x_hat).mean(axes, keepdims=True)
    wrong = {
        "no term at all": g * dy,
        "no variance term": g * (dy - sum_dy),
        "no mean term": g * (dy - x_hat * sum_dyx),
    }
    for way, run in WAYS.items():
        dx = run(layer, (x,)).inputs[0]
        np.testing.assert_allclose(dx, g * (dy - sum_dy - x_hat * sum_dyx), rtol=1e-11, atol=1e-13, err_msg=way)
        # y does not change when x is shifted, nor, but for ε/σ² of about 1e-5, when it is scaled.
        np.testing.assert_allclose(dx.sum(axes), 0, atol=1e-13)
        np.testing.assert_allclose((dx * x_hat).sum(axes), 0, atol=1e-4)
        for what, form in wrong.items():
            assert not np.allclose(dx, form, rtol=1e-3, atol=1e-4), what


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_the_cotangent_is_left_as_it_was(kind, shape):
    # Teaching code scales dy by γ in place before it sums it for β.
    layer = made(kind)
    (x,) = batches(shape, 1)
    layer(x)
    dy = cotangent(x)
    layer.backward(dy)
    np.testing.assert_array_equal(dy, cotangent(x))
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(layer.bias.grad.numpy(), dy.sum(axes), **CLOSE)
    overwritten = dy * layer.weight.numpy(force=True).reshape(1, 3, *(1,) * (x.ndim - 2))
    assert not np.allclose(layer.bias.grad.numpy(), overwritten.sum(axes), rtol=1e-3)


@pytest.mark.parametrize("kind", SHAPES)
def test_in_evaluation_the_statistics_are_constants(kind):
    layer = made(kind)
    layer.running_mean.copy_(tg.tensor([0.5, -1.0, 2.0]))
    layer.running_var.copy_(tg.tensor([0.25, 1.0, 9.0]))
    layer.eval()
    x = batches(SHAPES[kind][0], 1)[0]
    before = {k: b.numpy().copy() for k, b in layer.named_buffers()}
    for run in WAYS.values():
        outcome = run(layer, (x,))
        slope = (layer.weight.numpy(force=True) / np.sqrt([0.25, 1.0, 9.0] + np.float64(1e-5))).reshape(
            1, 3, *(1,) * (x.ndim - 2)
        )
        np.testing.assert_allclose(outcome.inputs[0], slope * cotangent(x), **CLOSE)
        for key, value in outcome.buffers.items():
            np.testing.assert_array_equal(value, before[key])


def test_a_backward_in_evaluation_uses_the_statistics_of_its_own_call():
    layer = made("BatchNorm1d")
    x = batches((6, 3), 2)
    layer.eval()
    expected = by_hand(layer, (x[0],))
    leaf = tg.tensor(x[0], requires_grad=True)
    y, back = layer.pair(x[0])
    recorded = layer(leaf)
    layer.train()(x[1])  # moves the statistics
    np.testing.assert_array_equal(back(cotangent(y)), expected.inputs[0])
    np.testing.assert_allclose(layer.weight.grad.numpy(), expected.parameters["weight"], **CLOSE)
    recorded.backward(cotangent(y))
    np.testing.assert_allclose(leaf.grad.numpy(), expected.inputs[0], **CLOSE)


@pytest.mark.parametrize(
    ("kind", "shape"), [("BatchNorm1d", (1, 3)), ("BatchNorm1d", (1, 3, 1)), ("BatchNorm2d", (1, 3, 1, 1))]
)
@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_one_value_for_each_channel_is_refused_in_training_and_nothing_moves(kind, shape, convert):
    layer = made(kind)
    before = {k: v.numpy().copy() for k, v in layer.named_buffers()}
    with pytest.raises(ValueError, match=rf"{kind}: training needs more than one value .* got \(1, 3"):
        layer(convert(np.ones(shape)))
    for key, value in layer.named_buffers():
        np.testing.assert_array_equal(value.numpy(), before[key], err_msg=key)
    assert layer.eval()(convert(np.ones(shape))).shape == shape


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("BatchNorm1d", (4, 2)),
        ("BatchNorm1d", (4, 3, 2, 2)),
        ("BatchNorm1d", (3,)),
        ("BatchNorm2d", (4, 3)),
        ("BatchNorm2d", (4, 2, 3, 3)),
    ],
)
@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_a_wrong_shape_is_refused_with_what_was_expected_and_nothing_moves(kind, shape, convert):
    layer = made(kind)
    with pytest.raises(ValueError, match=rf"{kind}: expected an input of shape \(batch, 3.*got \(") as error:
        layer(convert(np.ones(shape)))
    assert str(shape) in str(error.value)
    assert layer.num_batches_tracked.item() == 0


def test_an_empty_batch_moves_no_statistics(torch):
    layer = made("BatchNorm1d")
    for run in WAYS.values():
        assert_agree(run(layer, (np.zeros((0, 3)),)), in_torch(torch, layer, (np.zeros((0, 3)),)))


def test_a_channel_far_from_0_keeps_its_variance():
    # E x² − μ² would lose all digits here: σ² = 1 beside μ² = 10¹⁴.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 2, 3, 3)) + np.array([1e7, 0.0]).reshape(1, 2, 1, 1)
    layer = nn.BatchNorm2d(2, dtype=tg.float64)
    centred = x - x.mean((0, 2, 3), keepdims=True)
    expected = centred / np.sqrt((centred**2).mean((0, 2, 3), keepdims=True) + 1e-5)
    for way, run in WAYS.items():
        # x itself is known to 10⁷ · 2⁻⁵³ only.
        np.testing.assert_allclose(run(layer, (x,)).value, expected, atol=5e-9, err_msg=way)
    x = x.astype(np.float32)
    layer = nn.BatchNorm2d(2)
    y = layer(x - np.float32(0))
    assert np.isfinite(y).all()


def test_memory_order_changes_no_value():
    layer = made("BatchNorm2d")
    (x,) = batches((3, 3, 4, 2), 1)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for run in WAYS.values():
        assert_agree(run(layer, (last,)), run(layer, (x,)))


def test_repr_and_state_are_torchs(torch):
    for options in ({}, {"affine": False, "momentum": None}, {"track_running_stats": False}):
        mine, theirs = nn.BatchNorm2d(3, **options), torch.nn.BatchNorm2d(3, **options)
        # Recent versions show an option `bias` as well.
        assert repr(mine) == re.sub(" bias=(True|False),", "", repr(theirs))
        assert {k: v.numpy().tolist() for k, v in mine.state_dict().items()} == {
            k: v.numpy().tolist() for k, v in theirs.state_dict().items()
        }


def test_copies_have_statistics_of_their_own():
    layer = made("BatchNorm1d")
    twin = copy.deepcopy(layer)
    layer(batches((6, 3), 1)[0])
    assert twin.num_batches_tracked.item() == 0
    assert layer.num_batches_tracked.item() == 1
    assert (twin.running_mean.numpy() == 0).all()
