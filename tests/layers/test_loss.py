"""Losses: extremes, targets, reductions, and the forms that teaching code gets wrong."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.layers.three_ways import (
    CLOSE,
    LOSSES,
    WAYS,
    assert_agree,
    assert_same_derivatives,
    by_hand,
    in_torch,
    own_derivatives,
    torch_derivatives,
)
from tinygrad_edu import nn

pytestmark = pytest.mark.filterwarnings("error")

REDUCTIONS = ["mean", "sum", "none"]
EXTREMES = np.array([[-1e4, 0.0, 1e4], [1e4, 1e4, -1e4], [-88.8, 710.0, 1e-8]])


def close(dtype):
    # A loss of 10⁴ and a sum of nine: a few roundings each.
    eps = np.finfo(dtype).eps
    return {"rtol": 8 * eps, "atol": 4 * eps}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("BCEWithLogitsLoss", np.array([[0.0, 1.0, 1.0], [0.0, 0.5, 1.0], [1.0, 0.0, 0.25]])),
        ("CrossEntropyLoss", np.array([0, 1, 2])),
        ("CrossEntropyLoss", np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])),
        ("MSELoss", np.array([[1e4, 0.0, 1.0]] * 3)),
    ],
    ids=["BCEWithLogitsLoss", "labels", "probabilities", "MSELoss"],
)
def test_extremes_are_finite_and_torchs(torch, kind, target, reduction, dtype):
    loss = getattr(nn, kind)(reduction)
    x = EXTREMES.astype(dtype)
    target = target.astype(dtype) if target.dtype.kind == "f" else target
    leaf, given = torch.tensor(x, requires_grad=True), torch.tensor(target)
    expected = loss.to_torch()(leaf, given)
    weights = np.linspace(0.5, 1.5, expected.numel()).reshape(tuple(expected.shape)).astype(dtype)
    expected.backward(torch.tensor(weights))
    for way, run in WAYS.items():
        outcome = run(loss, (x, target), weights)
        assert np.isfinite(outcome.value).all()
        assert np.isfinite(outcome.inputs[0]).all()
        np.testing.assert_allclose(outcome.value, expected.detach().numpy(), **close(dtype), err_msg=way)
        np.testing.assert_allclose(outcome.inputs[0], leaf.grad.numpy(), **close(dtype), err_msg=way)


@pytest.mark.parametrize("kind", ["BCEWithLogitsLoss", "CrossEntropyLoss", "MSELoss"])
def test_two_derivatives_at_logits_that_are_exactly_0_are_torchs(torch, kind):
    # Logits of a fresh model are often 0, where the form max(x, 0) + log(1 + e^−|x|) has kinks that cancel.
    loss = getattr(nn, kind)()
    x = np.array([[0.0, -0.0, 0.0], [0.0, 1.0, -1.0]])
    target = np.array([0, 2]) if kind == "CrossEntropyLoss" else np.array([[1.0, 0.0, 0.25], [1.0, 0.0, 0.5]])
    theirs = torch_derivatives(torch, loss, (x, target), 2)
    for whole in (False, True):
        assert_same_derivatives(own_derivatives(loss, (x, target), 2, whole), theirs, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_bce_at_exactly_0_and_1_is_torchs(torch, reduction, dtype):
    x = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1e-20, 0.5, 1e-5], dtype)
    target = np.array([0.0, 1.0, 0.0, 1.0, 0.5, 0.5, 1.0, 0.25, 1.0], dtype)
    loss = nn.BCELoss(reduction)
    leaf = torch.tensor(x, requires_grad=True)
    expected = loss.to_torch()(leaf, torch.tensor(target))
    expected.sum().backward()
    for way in ("by hand", "fused"):
        outcome = WAYS[way](loss, (x, target), np.ones(expected.shape, dtype))
        np.testing.assert_allclose(outcome.value, expected.detach().numpy(), **close(dtype))
        # PyTorch holds the denominator at 1e-12 rounded to float32, which is 4e-9 of itself less.
        np.testing.assert_allclose(outcome.inputs[0], leaf.grad.numpy(), rtol=5e-9 if dtype is np.float64 else 1e-6)
    assert by_hand(nn.BCELoss("none"), (x, target), np.ones(9, dtype)).value[1] == 100


def test_bce_of_what_is_no_probability_is_refused():
    for wrong in (-0.1, 1.1, np.nan):
        for convert in (np.asarray, tg.tensor):
            with pytest.raises(ValueError, match="BCELoss: expected probabilities from 0 to 1; .* BCEWithLogitsLoss"):
                nn.BCELoss()(convert(np.array([0.5, wrong])), convert(np.array([0.0, 1.0])))


def test_softmax_cross_entropy_has_the_gradient_softmax_minus_one_hot():
    z = np.random.default_rng(0).normal(size=(4, 3))
    labels = np.array([0, 2, 1, 2])
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    loss = nn.CrossEntropyLoss()
    value = loss(z, labels)
    dz = loss.backward()
    np.testing.assert_allclose(value, -np.log(p[np.arange(4), labels]).mean(), **CLOSE)
    np.testing.assert_allclose(dz, (p - np.eye(3)[labels]) / 4, **CLOSE)
    wrong = {
        "not divided by the batch": (p - np.eye(3)[labels]),
        "divided by all elements": (p - np.eye(3)[labels]) / 12,
    }
    for form in wrong.values():
        assert not np.allclose(dz, form, rtol=1e-3)


def test_through_a_softmax_layer_the_negative_log_likelihood_gives_the_same_gradient():
    # With the softmax's backward passed through, as teaching code has it, it would be −1/p at the label alone.
    z = np.random.default_rng(0).normal(size=(4, 3))
    labels = np.array([0, 2, 1, 2])
    layer = nn.Softmax(dim=1)
    p = layer(z)
    dp = np.zeros_like(z)
    dp[np.arange(4), labels] = -1 / p[np.arange(4), labels] / 4
    loss = nn.CrossEntropyLoss()
    loss(z, labels)
    dz = loss.backward()
    np.testing.assert_allclose(layer.backward(dp), dz, **CLOSE)
    assert not np.allclose(dp, dz, rtol=1e-2)
    assert not np.allclose(dp * p * (1 - p), dz, rtol=1e-2)


def test_the_gradient_of_a_mean_over_a_batch_is_the_mean_of_the_samples_gradients():
    rng = np.random.default_rng(0)
    tg.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    loss = nn.CrossEntropyLoss()
    x, labels = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)

    def step(rows):
        net.zero_grad()
        value = loss(net(x[rows]), labels[rows])
        net.backward(loss.backward())
        return float(value), [p.grad.numpy().copy() for p in net.parameters()]

    value, whole = step(slice(None))
    parts = [step(slice(i, i + 1)) for i in range(6)]
    assert value == pytest.approx(np.mean([v for v, _ in parts]), rel=1e-12)
    for k, gradient in enumerate(whole):
        np.testing.assert_allclose(gradient, np.mean([g[k] for _, g in parts], axis=0), **CLOSE)
        assert not np.allclose(gradient, parts[-1][1][k], rtol=1e-2)  # the wrong form: the last sample's alone


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("probabilities", [False, True])
def test_cross_entropy_of_images_of_logits_is_torchs(torch, reduction, probabilities):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2, 3, 4, 5))
    target = rng.uniform(size=z.shape) if probabilities else rng.integers(0, 3, (2, 4, 5))
    loss = nn.CrossEntropyLoss(reduction)
    for run in WAYS.values():
        assert_agree(run(loss, (z, target)), in_torch(torch, loss, (z, target)))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_labels_of_any_integer_type_are_taken(dtype):
    z = np.random.default_rng(0).normal(size=(3, 4))
    expected = by_hand(nn.CrossEntropyLoss(), (z, np.array([0, 3, 1])))
    for run in WAYS.values():
        assert_agree(run(nn.CrossEntropyLoss(), (z, np.array([0, 3, 1], dtype))), expected)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (np.array([0, 1]), ValueError, r"expected labels of shape \(3,\) for logits of shape \(3, 4\), got \(2,\)"),
        (np.array([[0], [1], [2]]), ValueError, r"got \(3, 1\)"),
        (np.array([0, 1, 4]), IndexError, "expected labels from 0 to 3, got 0 to 4"),
        (np.array([0, -100, 1]), IndexError, "got -100 to 1"),
        (np.array([0.0, 1.0, 2.0]), TypeError, r"expected integer labels of shape \(3,\), or probabilities"),
        (np.array([True, False, True]), TypeError, "bool"),
    ],
)
@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_labels_that_do_not_fit_are_refused(target, error, message, convert):
    with pytest.raises(error, match=f"CrossEntropyLoss: .*{message}"):
        nn.CrossEntropyLoss()(convert(np.zeros((3, 4))), convert(target))


@pytest.mark.parametrize("kind", [name for name in LOSSES if name != "CrossEntropyLoss"])
@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_a_target_that_would_broadcast_or_is_no_float_is_refused(kind, convert):
    loss = getattr(nn, kind)()
    for shape in ((4,), (1, 1), (4, 1, 1)):
        with pytest.raises(
            ValueError, match=rf"{kind}: expected a target of the prediction's shape \(4, 1\), got"
        ) as error:
            loss(convert(np.full((4, 1), 0.5)), convert(np.full(shape, 0.5)))
        assert str(shape) in str(error.value)
    with pytest.raises(TypeError, match=f"{kind}: expected a float target .*int64"):
        loss(convert(np.full((4, 1), 0.5)), convert(np.ones((4, 1), np.int64)))


@pytest.mark.parametrize("kind", LOSSES)
def test_an_unknown_reduction_is_refused(kind):
    with pytest.raises(ValueError, match=f"{kind}: expected reduction 'mean', 'sum' or 'none', got 'avg'"):
        getattr(nn, kind)("avg")


@pytest.mark.parametrize("kind", LOSSES)
def test_without_a_reduction_backward_needs_the_cotangent(kind):
    loss = getattr(nn, kind)(reduction="none")
    x = np.full((3, 2), 0.5)
    target = np.array([0, 1, 0]) if kind == "CrossEntropyLoss" else np.zeros((3, 2))
    y = loss(x, target)
    with pytest.raises(
        RuntimeError, match=f"{kind}.backward: with reduction='none' there is a loss for each element; pass dy"
    ):
        loss.backward()
    assert loss.backward(np.ones(y.shape)).shape == x.shape


@pytest.mark.parametrize("kind", LOSSES)
def test_backward_without_an_argument_is_backward_of_1(kind):
    loss = getattr(nn, kind)()
    x = np.full((3, 2), 0.25)
    target = np.array([0, 1, 0]) if kind == "CrossEntropyLoss" else np.ones((3, 2))
    loss(x, target)
    one = loss.backward()
    loss(x, target)
    np.testing.assert_array_equal(loss.backward(np.float64(2.0)), 2 * one)
