"""Activation checkpointing."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def mlp(depth: int = 6, width: int = 8, dropout: float = 0.0) -> nn.Sequential:
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.Tanh(), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*layers)


def gradients(net, x, run):
    net.zero_grad()
    x = x.detach().requires_grad_()
    tg.manual_seed(3)
    y = run(net, x)
    y.square().mean().backward()
    return [y.detach().numpy(), x.grad.numpy(), *(p.grad.numpy() for p in net.parameters())]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("segments", [1, 2, 5])
def test_gradients_are_bit_equal(dropout, segments):
    tg.manual_seed(0)
    net, x = mlp(dropout=dropout), tg.randn(4, 8)
    plain = gradients(net, x, lambda net, x: net(x))
    found = gradients(net, x, lambda net, x: checkpoint_sequential(net, segments, x))
    for a, b in zip(found, plain, strict=True):
        np.testing.assert_array_equal(a, b)


def test_random_numbers_go_on_as_without_it():
    def drawn(run):
        tg.manual_seed(1)
        x = tg.ones(8, requires_grad=True)
        y = run(lambda x: nn.functional.dropout(x, 0.5), x).sum()
        between = tg.rand(3).tolist()  # which the second call must not draw again
        y.backward()
        return between + tg.rand(3).tolist()

    assert drawn(checkpoint) == drawn(lambda f, x: f(x))


def test_without_preserve_rng_state_the_second_call_draws_anew():
    tg.manual_seed(1)
    x = tg.ones(64, requires_grad=True)
    y = checkpoint(lambda x: nn.functional.dropout(x, 0.5), x, preserve_rng_state=False)
    y.sum().backward()
    assert x.grad.tolist() != y.tolist()


def test_second_derivatives_agree_with_pytorch(torch):
    def second(library, checkpointed):
        x = library.linspace(0.1, 0.9, 5, dtype=library.float64).requires_grad_()
        y = checkpointed(lambda x: (x.exp() * x.sin()).cumsum(0), x)
        (first,) = library.autograd.grad(y.square().sum(), x, create_graph=True)
        (second,) = library.autograd.grad(first.square().sum(), x)
        return second.numpy()

    from torch.utils.checkpoint import checkpoint as theirs

    expected = second(torch, lambda f, x: theirs(f, x, use_reentrant=False))
    # The same formula in float64, summed in another order.
    np.testing.assert_allclose(second(tg, checkpoint), expected, rtol=1e-12)


def test_tensors_that_the_function_captures_get_their_gradients():
    w = tg.tensor([2.0, 3.0], requires_grad=True)
    h = w * 2  # recorded before, and captured
    x = tg.tensor([1.0, 1.0], requires_grad=True)
    checkpoint(lambda x: (x * h * w).sum(), x).backward()
    np.testing.assert_array_equal(w.grad.numpy(), [8.0, 12.0])  # 2 w² differentiated
    np.testing.assert_array_equal(x.grad.numpy(), [8.0, 18.0])


def test_hooks_run_once():
    seen = []
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    h = x * 2
    x.register_hook(lambda g: seen.append("leaf"))
    h.register_hook(lambda g: seen.append("result"))
    y = checkpoint(lambda h: (h * h * x).sum(), h)
    y.register_hook(lambda g: seen.append("output"))
    y.backward()
    assert seen == ["output", "result", "leaf"]


def test_several_results_and_other_arguments():
    x = tg.tensor([1.0, 2.0], requires_grad=True)

    def function(x, factor, *, power):
        return x * factor, "text", x**power, tg.arange(2)

    a, text, b, plain = checkpoint(function, x, 3.0, power=2)
    assert text == "text"
    assert plain.tolist() == [0, 1]
    (a.sum() + 10 * b.sum()).backward(retain_graph=True)
    np.testing.assert_array_equal(x.grad.numpy(), [23.0, 43.0])
    x.grad = None
    b.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0])
    with pytest.raises(RuntimeError, match="swept before"):
        a.sum().backward()


def test_the_segments_activations_are_let_go():
    kept = []

    def function(x):
        h = x.exp()
        kept.append(weakref.ref(h))
        return h * h

    x = tg.ones(3, requires_grad=True)
    gc.disable()
    try:
        y = checkpoint(function, x)
        assert kept[0]() is None
        y.sum().backward()
        assert [ref() for ref in kept] == [None, None]
    finally:
        gc.enable()


def test_checkpoints_nest():
    net, x = mlp(4), tg.randn(2, 8)
    plain = gradients(net, x, lambda net, x: net(x).sin())
    found = gradients(net, x, lambda net, x: checkpoint(lambda x: checkpoint_sequential(net, 3, x).sin(), x))
    for a, b in zip(found, plain, strict=True):
        np.testing.assert_array_equal(a, b)


def test_under_no_grad_it_is_the_function_alone():
    x = tg.ones(2, requires_grad=True)
    with tg.no_grad():
        assert checkpoint(lambda x: x * 2, x).grad_fn is None
    assert checkpoint(lambda x: x * 2, tg.ones(2)).grad_fn is None


def test_an_argument_overwritten_later_is_noticed():
    x = tg.ones(2, requires_grad=True)
    h = x * 2
    y = checkpoint(lambda h: h.exp(), h)
    h.add_(1)
    with pytest.raises(RuntimeError, match="'checkpoint' needs an operand.*overwritten"):
        y.sum().backward()


def test_a_function_that_overwrites_its_argument_is_refused():
    h = tg.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="checkpoint: the function wrote in place to an argument of shape"):
        checkpoint(lambda h: h.add_(1).exp(), h)


def test_a_function_that_computes_something_else_is_refused():
    shapes = iter([(2,), (3,)])
    x = tg.ones(3, requires_grad=True)
    y = checkpoint(lambda x: x[: next(shapes)[0]] * 2, x)
    with pytest.raises(CheckpointError, match=r"shape \(3,\) float32, and shape \(2,\) float32 before"):
        y.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("segments", [0, 13])
def test_a_wrong_number_of_segments_is_refused(segments):
    with pytest.raises(ValueError, match="expected 1 to 12 segments"):
        checkpoint_sequential(mlp(), segments, tg.ones(1, 8))


def test_a_function_that_returns_a_view_of_its_argument():
    x = tg.arange(4.0).requires_grad_()
    y = checkpoint(lambda x: x[1:3], x)
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 2.0, 4.0, 0.0])
