"""Saved-tensor hooks."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import graph, nn
from tinygrad_edu.autograd.graph import saved_tensors_hooks


def programs():
    """Programs over both libraries, whose kept values are operands, results, lists and a Function's."""

    def elementwise(library, x):
        h = x * x
        return (h.exp() * h).sum()

    def products(library, x):
        return (x.reshape(2, 3) @ library.ones_like(x).reshape(3, 2)).pow(3).sum()

    def joined(library, x):
        return library.einsum("i,i->", x, library.cat([x[:3], x[3:] * 2])).tanh()

    def function(library, x):
        class Cube(library.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x * x
                ctx.save_for_backward(x, y)
                return y * x, y

            @staticmethod
            def backward(ctx, g, h):
                x, y = ctx.saved_tensors
                return 3 * y * g + 2 * x * h

        y, z = Cube.apply(x)
        return (y * z).sum()

    return [elementwise, products, joined, function]


def derivatives(library, program, hooks=None):
    """First and second derivatives of a program whose first graph was recorded under the hooks."""
    x = library.linspace(0.1, 0.9, 6, dtype=library.float64).requires_grad_()
    if hooks is None:
        y = program(library, x)
    else:
        with library.autograd.graph.saved_tensors_hooks(*hooks):
            y = program(library, x)
    (first,) = library.autograd.grad(y, x, create_graph=True)
    (second,) = library.autograd.grad((first * first).sum(), x)
    return first.detach().numpy(), second.numpy()


@pytest.mark.parametrize("program", programs(), ids=lambda p: p.__name__)
def test_derivatives_pass_through_packing(program):
    packed = []

    def pack(t):
        packed.append(t)
        return t.numpy(force=True).tolist()

    found = derivatives(tg, program, (pack, lambda data: tg.tensor(data, dtype=tg.float64)))
    assert packed
    for a, b in zip(found, derivatives(tg, program), strict=True):
        np.testing.assert_array_equal(a, b)


# Of products and powers PyTorch keeps other values, such as a transposed one.
@pytest.mark.parametrize("program", [programs()[0], programs()[3]], ids=lambda p: p.__name__)
def test_what_hooks_change_changes_the_gradient_as_in_pytorch(torch, program):
    hooks = (lambda t: t, lambda t: 2 * t)
    # Both compute the same formula in float64.
    np.testing.assert_allclose(
        derivatives(tg, program, hooks)[0], derivatives(torch, program, hooks)[0], rtol=1e-12, err_msg=program.__name__
    )


def test_layers_are_packed_too():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = tg.randn(5, 3)
    net(x).square().sum().backward()
    expected = [p.grad.numpy() for p in net.parameters()]
    net.zero_grad()
    shapes = []
    with saved_tensors_hooks(lambda t: shapes.append(tuple(t.shape)) or t, lambda t: t):
        y = net(x).square().sum()
    y.backward()
    assert (5, 4) in shapes
    for p, g in zip(net.parameters(), expected, strict=True):
        # The definition sums in another order than the fused pair, in float32.
        np.testing.assert_allclose(p.grad.numpy(), g, rtol=1e-5, atol=1e-6)


def test_a_layer_uses_what_was_unpacked_and_nothing_else():
    layer = nn.Linear(3, 2)
    with saved_tensors_hooks(lambda t: t, tg.zeros_like):
        y = layer(tg.ones(5, 3)).sum()
    y.backward()
    assert layer.weight.grad.tolist() == [[0.0] * 3] * 2  # dy xᵀ of an x that was unpacked as zeros


def test_hooks_run_with_nothing_recorded_and_see_no_history():
    seen = []
    x = tg.ones(2, requires_grad=True)
    with saved_tensors_hooks(lambda t: seen.append((t.requires_grad, tg.is_grad_enabled())) or t, lambda t: t):
        x.exp()
        x * x
    assert seen == [(False, False)] * 3


def test_the_innermost_hooks_alone_apply_and_are_gone_afterwards():
    x = tg.ones(2, requires_grad=True)
    calls = []
    with saved_tensors_hooks(lambda t: calls.append("outer") or t, lambda t: t):
        with saved_tensors_hooks(lambda t: calls.append("inner") or t, lambda t: t):
            x.exp()
        x.exp()
    x.exp()
    assert calls == ["inner", "outer"]
    assert graph.pack is None


def test_another_thread_is_not_packed():
    x = tg.ones(2, requires_grad=True)
    calls = []
    with saved_tensors_hooks(lambda t: calls.append(1) or t, lambda t: t):
        thread = threading.Thread(target=lambda: x.exp())
        thread.start()
        thread.join()
    assert not calls


def test_a_packed_value_may_be_overwritten_as_in_pytorch(torch):
    def gradient(library):
        x = library.tensor([1.0, 2.0], dtype=library.float64, requires_grad=True)
        h = x * 1
        with library.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
            y = (h * h).sum()
        h.detach().add_(1)
        y.backward()
        return x.grad.numpy()

    np.testing.assert_array_equal(gradient(tg), gradient(torch))


@pytest.mark.parametrize(
    "unpack, error, message",
    [(lambda t: 3, TypeError, "gave int"), (lambda t: t[:1], tg.ShapeError, r"shape \(1,\) float32.*shape \(2,\)")],
)
def test_a_wrong_unpack_hook_is_refused(unpack, error, message):
    x = tg.ones(2, requires_grad=True)
    with saved_tensors_hooks(lambda t: t, unpack):
        y = x.exp().sum()
    with pytest.raises(error, match=message):
        y.backward()
    assert x.grad is None


def test_an_error_in_a_pack_hook_leaves_the_mode_as_it_was():
    x = tg.ones(2, requires_grad=True)

    def pack(t):
        raise KeyError

    with pytest.raises(KeyError), saved_tensors_hooks(pack, pack):
        x.exp()
    assert tg.is_grad_enabled()
    assert graph.pack is None
