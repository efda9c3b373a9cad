"""Gradients on demand: autograd.grad and autograd.backward against PyTorch's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import autograd


def leaf(*values):
    return tg.tensor(values, dtype=tg.float64, requires_grad=True)


def program(lib, a, b):
    """Two results and an inner one, of operations that both libraries have."""
    h = a * b.sin()
    return h, (h * h).sum(0) + a.exp().sum(0), h.tanh() * b


def in_both(torch, call, a, b):
    """What a call gives here and in PyTorch, on the same two leaves."""
    found = []
    for lib in (tg, torch):
        leaves = [lib.tensor(v, dtype=lib.float64, requires_grad=True) for v in (a, b)]
        results = call(lib, *leaves)
        found.append([None if r is None else r.detach().numpy() for r in results])
        assert all(x.grad is None for x in leaves)
    return found


def same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)  # a few roundings of float64


SMALL = [[0.3, -0.7], [1.1, 0.4]]


@given(
    outputs=st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=3),
    inputs=st.lists(st.sampled_from(["a", "b", "h"]), min_size=1, max_size=3),
    seeded=st.booleans(),
)
def test_outputs_and_inputs_combine_as_in_pytorch(torch, outputs, inputs, seeded):
    def call(lib, a, b):
        results = program(lib, a, b)
        ys = [results[i] if seeded else (results[i] * (i + 1)).sum() for i in outputs]
        weights = [lib.ones(*y.shape, dtype=lib.float64) * (k + 2) for k, y in enumerate(ys)] if seeded else None
        chosen = {"a": a, "b": b, "h": results[0]}
        return lib.autograd.grad(ys, [chosen[name] for name in inputs], weights)

    same(*in_both(torch, call, SMALL, [[0.5, 0.1], [-0.2, 0.9]]))


def test_a_result_counts_as_input_beside_its_own_ancestors(torch):
    def call(lib, a, b):
        u = a * b
        v = u.exp()
        return lib.autograd.grad((v * u).sum(), [v, u, a, b])

    same(*in_both(torch, call, [0.3, 0.7], [1.5, -0.5]))


def test_an_input_that_is_the_output_gets_the_cotangent(torch):
    def call(lib, a, b):
        y = (a * b).sum()
        return (*lib.autograd.grad(y, y), *lib.autograd.grad(a, a, lib.ones(2, dtype=lib.float64)))

    same(*in_both(torch, call, [0.3, 0.7], [1.5, -0.5]))


def test_an_unused_input_is_refused_or_none_or_zero(torch):
    def none(lib, a, b):
        return lib.autograd.grad((a * a).sum(), [a, b], allow_unused=True)

    def zeros(lib, a, b):
        return lib.autograd.grad((a * a).sum(), [a, b], materialize_grads=True)

    for call in (none, zeros):
        same(*in_both(torch, call, [0.3, 0.7], [1.5]))
    x, z = leaf(1.0), leaf(2.0, 3.0)
    with pytest.raises(RuntimeError, match=r"input 1 of shape \(2,\).*allow_unused"):
        autograd.grad(x, [x, z])
    with pytest.raises(ValueError, match="contradict|cannot be False"):
        autograd.grad(x, [z], allow_unused=False, materialize_grads=True)


def test_create_graph_gives_second_and_third_derivatives(torch):
    def call(lib, a, b):
        first = lib.autograd.grad((a**4 * b).sum(), [a, b], create_graph=True)
        (second,) = lib.autograd.grad((first[0] * first[1]).sum(), a, create_graph=True)
        (third,) = lib.autograd.grad(second.sum(), b)
        return (*first, second, third)

    same(*in_both(torch, call, [0.3, 0.7], [1.5, -0.5]))


def test_the_graph_is_freed_unless_retained():
    x = leaf(2.0, 3.0)
    y = (x * x).sum()
    autograd.grad(y, x, retain_graph=True)
    autograd.grad(y, x)
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        autograd.grad(y, x)


def test_only_what_leads_to_the_inputs_is_visited_and_freed():
    x, z = leaf(2.0, 3.0), leaf(5.0, 7.0)
    side = z.exp()
    y = (x * x).sum() + (side * side).sum()
    autograd.grad(y, x)
    autograd.grad(side.sum(), z)  # its kept values are all there still


def test_nothing_below_an_input_is_freed():
    x = leaf(2.0, 3.0)
    h = x * x
    (dh,) = autograd.grad(h.exp().sum(), h)
    (dx,) = autograd.grad(h, x, dh)
    np.testing.assert_allclose(dx.numpy(), 2 * x.detach().numpy() * np.exp(x.detach().numpy() ** 2), rtol=1e-15)


def test_gradients_share_no_memory_with_each_other_or_the_cotangent():
    x, z = leaf(2.0, 3.0), leaf(5.0, 7.0)
    g = tg.ones(2, dtype=tg.float64)
    h = x + z
    dh, dx, dz, again = autograd.grad(h, [h, x, z, x], g)
    arrays = [g.array, dh.array, dx.array, dz.array, again.array]
    assert not any(np.may_share_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_mistakes_are_named():
    x, plain = leaf(2.0, 3.0), tg.ones(2)
    with pytest.raises(RuntimeError, match="input 0.*does not require grad"):
        autograd.grad(x.sum(), plain)
    with pytest.raises(RuntimeError, match="does not require grad and has no grad_fn"):
        autograd.grad(plain.sum(), x)
    with pytest.raises(RuntimeError, match="single element"):
        autograd.grad(x * 2, x)
    with pytest.raises(RuntimeError, match=r"expected a gradient of shape \(2,\), got \(3,\)"):
        autograd.grad(x * 2, x, tg.ones(3, dtype=tg.float64))
    with pytest.raises(RuntimeError, match="2 cotangents for 1 outputs"):
        autograd.grad(x * 2, x, [None, None])
    with pytest.raises(ValueError, match="at least one"):
        autograd.grad(x.sum(), [])
    with pytest.raises(TypeError, match="expected Tensors, got ndarray"):
        autograd.grad(x.sum(), [np.ones(2)])


def test_backward_adds_the_gradients_of_several_tensors(torch):
    def grads(lib):
        a, b = (lib.tensor(v, dtype=lib.float64, requires_grad=True) for v in ([0.3, 0.7], [1.5, -0.5]))
        h = a * b
        lib.autograd.backward([h, h.sum()], [lib.ones(2, dtype=lib.float64) * 3, None])
        lib.autograd.backward((a * a).sum())
        return [a.grad.numpy(), b.grad.numpy()]

    same(grads(tg), grads(torch))


def test_backward_adds_to_the_named_leaves_alone():
    x, z = leaf(2.0), leaf(3.0)
    y = x * z
    autograd.backward(y, inputs=[z], retain_graph=True)
    assert x.grad is None
    assert z.grad.item() == 2.0
    with pytest.raises(RuntimeError, match="leaves"):
        autograd.backward(y, inputs=[y * 1])


def test_an_error_half_way_leaves_every_grad_as_it_was():
    x, z = leaf(2.0), leaf(3.0)
    kept = z.clone()
    y = x * 3 + kept.exp() * kept
    kept.detach().zero_()
    with pytest.raises(RuntimeError, match="overwritten"):
        autograd.backward(y)
    assert x.grad is None and z.grad is None
