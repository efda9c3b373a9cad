"""Hooks on tensors and on modules against PyTorch's."""

import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


def leaf(*values):
    return tg.tensor(values, dtype=tg.float64, requires_grad=True)


def both(torch, program):
    ours, theirs = program(tg), program(torch)
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if isinstance(a, list | str | bool):
            assert a == b
        elif a is not None:
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-13)  # a few roundings


def in_lib(lib, *values):
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


# Tensors


@pytest.mark.parametrize("way", ["backward", "grad", "create_graph", "twice"])
def test_hooks_see_and_replace_gradients_in_order(torch, way):
    def program(lib):
        x, log, seen = in_lib(lib, 0.3, -0.7), [], []
        h = x * x
        h.retain_grad()
        h.register_hook(lambda g: log.append("h1") or g * 10)
        h.register_hook(lambda g: log.append("h2") or seen.append(g))
        x.register_hook(lambda g: log.append("x") or g * 3)
        y = (h.sin() + h * x).sum()
        if way == "grad":
            # Apart: asked for x and h at once, PyTorch gives h's gradient as it was before h's hooks.
            result = (*lib.autograd.grad(y, x, retain_graph=True), *lib.autograd.grad(y, h))
        elif way == "create_graph":
            (g,) = lib.autograd.grad(y, x, create_graph=True)
            result = (g, *lib.autograd.grad((g * g).sum(), x))
        else:
            y.backward(retain_graph=True)
            if way == "twice":
                y.backward()
            result = (x.grad,)
        return (log, h.grad, *seen, *result)

    both(torch, program)


def test_a_hook_sees_the_sum_over_all_readers(torch):
    def program(lib):
        x, seen = in_lib(lib, 0.3, -0.7), []
        h = x.exp()
        for t in (x, h):
            t.register_hook(lambda g: seen.append(g.detach()) or None)
        (h * h + h * x + x).sum().backward()
        return seen

    both(torch, program)


def test_a_removed_hook_is_silent():
    x, log = leaf(1.0), []
    handle = x.register_hook(lambda g: log.append(1))
    with x.register_hook(lambda g: log.append(2)):
        x.exp().backward()
    x.exp().backward()
    handle.remove()
    handle.remove()
    x.exp().backward()
    assert log == [1, 2, 1]


def test_a_gradient_that_a_hook_kept_does_not_change_later():
    x, kept = leaf(1.0, 2.0), []
    h = x + 0
    h.register_hook(lambda g: kept.append(g))
    x.register_hook(lambda g: kept.append(g))
    y = h.sum()
    y.backward(retain_graph=True)
    y.backward()
    assert [g.tolist() for g in kept] == [[1.0, 1.0]] * 4


def test_mistakes_of_hooks_are_named_and_change_nothing():
    x = leaf(1.0, 2.0)
    for hook, error, message in (
        (lambda g: g.sum(), ValueError, r"shape \(2,\) float64, the one returned has \(\)"),
        (lambda g: g.float(), RuntimeError, "float32"),
        (lambda g: 3, TypeError, "expected a Tensor or None back, got int"),
    ):
        for t in (x, x * 1):
            with t.register_hook(hook), pytest.raises(error, match=message):
                t.sum().backward()
    assert x.grad is None
    for name in ("register_hook", "register_post_accumulate_grad_hook"):
        with pytest.raises(RuntimeError, match=f"{name}.*grad"):
            getattr(tg.ones(2), name)(print)
    with pytest.raises(RuntimeError, match="retain_grad.*does not require grad"):
        tg.ones(2).retain_grad()
    with pytest.raises(RuntimeError, match="no leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_retain_grad_is_for_results_and_accumulates(torch):
    def program(lib):
        x = in_lib(lib, 0.3, -0.7)
        h = x * x
        for t in (x, h, h):
            t.retain_grad()
        y = (h * 3).sum()
        y.backward(retain_graph=True)
        y.backward()
        return h.grad, x.grad, x.retains_grad, h.retains_grad

    both(torch, program)


def test_a_retained_gradient_shares_no_memory_with_the_leaf_s():
    x = leaf(1.0, 2.0)
    h = x + 0
    h.retain_grad()
    y = h.sum()
    y.backward(retain_graph=True)
    y.backward()
    assert h.grad.tolist() == x.grad.tolist() == [2.0, 2.0]


def test_a_retained_gradient_makes_no_cycle():
    gc.collect()
    gc.disable()
    try:
        h = leaf(1.0) * 2
        h.retain_grad()
        h.exp().backward()
        assert h.grad.item() == np.exp(2)
        gone = weakref.ref(h)
        del h
        assert gone() is None
    finally:
        gc.enable()


def test_a_post_accumulate_hook_may_use_the_gradient_up(torch):
    def program(lib):
        x, seen = in_lib(lib, 1.0, 2.0), []

        def step(p):
            seen.append(p.grad.clone())
            with lib.no_grad():
                p -= 0.1 * p.grad
            p.grad = None

        handle = x.register_post_accumulate_grad_hook(step)
        for _ in range(2):
            (x * x * x).sum().backward()
        handle.remove()
        (x * x).sum().backward()
        return (*seen, x, x.grad)

    both(torch, program)


def test_leaf_hooks_act_through_a_fused_layer(torch):
    layer, twin = nn.Linear(3, 2).double(), None
    twin = layer.to_torch()
    for m in (layer, twin):
        m.weight.register_hook(lambda g: g * 2)
    layer(tg.ones(4, 3, dtype=tg.float64)).sum().backward()
    twin(torch.ones(4, 3, dtype=torch.float64)).sum().backward()
    np.testing.assert_allclose(layer.weight.grad.numpy(), twin.weight.grad.numpy(), rtol=1e-13)  # roundings


# Modules


def network(lib):
    m = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2)).double()
    with lib.no_grad():
        for i, p in enumerate(m.parameters()):
            p.copy_(lib.arange(p.numel(), dtype=lib.float64).reshape(p.shape).sin() * (i + 1) * 0.3)
    return m


def inputs(lib, requires_grad=True):
    return (lib.arange(6, dtype=lib.float64).reshape(2, 3) * 0.2).requires_grad_(requires_grad)


def test_forward_hooks_see_and_replace(torch):
    def program(lib):
        m, log = network(lib), []
        m[1].register_forward_pre_hook(lambda mod, args: log.append("pre1"))
        m[1].register_forward_pre_hook(lambda mod, args: log.append("pre2") or args[0] * 2)
        m[1].register_forward_hook(lambda mod, args, out: log.append("post1"))
        m[1].register_forward_hook(lambda mod, args, out: log.append("post2") or out + args[0])
        first = m[0].register_forward_hook(lambda mod, args, out: log.append("second") or out.clone())
        m[0].register_forward_hook(lambda mod, args, out: log.append("first"), prepend=True)
        x = inputs(lib)
        y = m(x)
        y.sum().backward()
        first.remove()
        return (log, y, m(x), x.grad, *[p.grad for p in m.parameters()])

    both(torch, program)


def test_full_backward_hooks_see_and_replace(torch):
    def program(lib):
        m, log, seen = network(lib), [], []

        def full(mod, grad_input, grad_output):
            log.append("full")
            seen.extend([*grad_input, *grad_output])
            return (grad_input[0] * 2,)

        m[1].register_full_backward_pre_hook(lambda mod, g: log.append("pre") or (g[0] * 3,))
        m[1].register_full_backward_hook(full)
        m[2].register_full_backward_hook(lambda mod, gi, go: log.append("last"))
        x = inputs(lib)
        y = m(x)
        (y * y).sum().backward()
        return (log, *seen, y, x.grad, *[p.grad for p in m.parameters()])

    both(torch, program)


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # PyTorch's word on the same case
def test_a_full_backward_hook_gets_none_for_data(torch):
    def program(lib):
        m, seen = network(lib), []
        m[0].register_full_backward_hook(lambda mod, gi, go: seen.extend([*gi, *go]))
        m(inputs(lib, False)).sum().backward()
        return (*seen, *[p.grad for p in m.parameters()])

    both(torch, program)


def test_full_backward_hooks_of_several_inputs_and_results(torch):
    def program(lib):
        class Two(lib.nn.Module):
            def forward(self, a, b, scale):
                return a * b * scale, a + b

        m, seen = Two(), []
        handle = m.register_full_backward_hook(lambda mod, gi, go: seen.extend([*gi, *go]) or (None, gi[1] * 10, None))
        a, b = in_lib(lib, 1.0, 2.0), in_lib(lib, 3.0, 5.0)
        p, q = m(a, b, 2.0)
        (p * q).sum().backward()
        handle.remove()
        m.register_full_backward_hook(lambda mod, gi, go: seen.extend([*gi, *go]))
        m(a, b, 2.0)[1].sum().backward()  # the other result is not used
        return (*seen, a.grad, b.grad)

    both(torch, program)


def test_a_full_backward_hook_gets_none_where_no_gradient_is_wanted():
    # PyTorch gives zeros for a Tensor that needs no gradient beside one that does.
    class Product(nn.Module):
        def forward(self, a, b, scale):
            return a * b * scale

    m, seen = Product(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.extend(gi))
    m(leaf(3.0), tg.tensor([5.0], dtype=tg.float64), 2.0).backward()
    assert seen[0].tolist() == [10.0] and seen[1:] == [None, None]


def test_module_hooks_pass_second_derivatives():
    m = network(tg)
    x = inputs(tg)
    (plain,) = tg.autograd.grad(m(x).sum(), x, create_graph=True)
    (expected,) = tg.autograd.grad((plain * plain).sum(), x)
    m[1].register_full_backward_hook(lambda mod, gi, go: None)
    (first,) = tg.autograd.grad(m(x).sum(), x, create_graph=True)
    (second,) = tg.autograd.grad((first * first).sum(), x)
    np.testing.assert_array_equal(second.numpy(), expected.numpy())


def test_the_by_hand_track_refuses_hooks_on_any_module_within():
    m = network(tg)
    data = inputs(tg, False).numpy()
    plain = np.asarray(m(data))
    handle = m[1].register_forward_hook(lambda mod, args, out: None)
    with pytest.raises(RuntimeError, match=r"Sequential: .*Tanh.*hooks.*by-hand"):
        m(data)
    m(inputs(tg))
    handle.remove()
    np.testing.assert_array_equal(np.asarray(m(data)), plain)


def test_module_hooks_of_a_wrong_kind_are_named():
    m = network(tg)
    m[1].register_full_backward_hook(lambda mod, gi, go: (gi[0].sum(),))
    with pytest.raises(RuntimeError, match=r"Tanh: a full backward hook.*\(2, 4\).*returned \(\)"):
        m(inputs(tg)).sum().backward()
    n = network(tg)
    n.register_full_backward_hook(lambda mod, gi, go: (None, None))
    with pytest.raises(RuntimeError, match="Sequential: a full backward hook was given 1 gradients and returned 2"):
        n(inputs(tg)).sum().backward()


def test_a_module_with_hooks_copies_with_them(torch):
    import copy

    def program(lib):
        m, log = network(lib), []
        m.register_forward_hook(lambda mod, args, out: log.append("hook"))
        twin = copy.deepcopy(m)
        twin(inputs(lib))
        twin.register_forward_hook(lambda mod, args, out: log.append("twin"))
        m(inputs(lib))
        return (log,)

    both(torch, program)


def scaling(lib):
    class Scaling(lib.nn.Module):
        def forward(self, x, *, scale=1.0, fail=False):
            if fail:
                raise KeyError("forward")
            return x * scale

    return Scaling()


def test_forward_hooks_see_and_replace_keyword_arguments(torch):
    def program(lib):
        m, log, x = scaling(lib), [], in_lib(lib, 0.3, -0.7)
        m.register_forward_pre_hook(lambda mod, args, kwargs: log.append(str(kwargs)), with_kwargs=True)
        m.register_forward_pre_hook(
            lambda mod, args, kwargs: ((args[0] * 2,), {"scale": kwargs["scale"] + 1}), with_kwargs=True
        )
        m.register_forward_hook(lambda mod, args, kwargs, out: log.append(str(kwargs)) or out + 1, with_kwargs=True)
        m.register_forward_hook(lambda mod, args, out: log.append(str(len(args))))
        m.register_forward_pre_hook(lambda mod, args, kwargs: ((args[0] * 5,), kwargs), with_kwargs=True, prepend=True)
        y = m(x, scale=3.0)
        return (log, y, *lib.autograd.grad((y * y).sum(), x))

    both(torch, program)


def test_a_pre_hook_with_keywords_returns_both(torch):
    for returned in (3, ((1,),), [(1,), {}], (1, 2)):
        # PyTorch goes on with any pair.
        for lib in (tg, torch) if returned != (1, 2) else (tg,):
            m = scaling(lib)
            m.register_forward_pre_hook(lambda mod, args, kwargs, r=returned: r, with_kwargs=True)
            with pytest.raises(RuntimeError, match="forward pre-hook"):
                m(in_lib(lib, 1.0))


def test_a_forward_hook_may_run_in_spite_of_errors(torch):
    def program(lib):
        m, log = scaling(lib), []
        seen = lambda name: lambda mod, args, out: log.append(f"{name} {out is None}")
        m.register_forward_hook(seen("always"), always_call=True)
        m.register_forward_hook(seen("else"))
        m.register_forward_hook(
            lambda mod, args, kwargs, out: log.append(str(kwargs)), always_call=True, with_kwargs=True
        )
        m(in_lib(lib, 1.0))
        with pytest.raises(KeyError, match="forward"):
            m(in_lib(lib, 1.0), fail=True)
        with m.register_forward_pre_hook(lambda mod, args: {}["pre"]), pytest.raises(KeyError, match="pre"):
            m(in_lib(lib, 1.0))
        with (
            m.register_forward_hook(lambda mod, args, out: {}["hook"], prepend=True),
            pytest.raises(KeyError, match="hook"),
        ):
            m(in_lib(lib, 1.0))
        return (log,)

    both(torch, program)


def test_an_error_in_a_hook_that_is_called_in_any_case_is_a_warning_beside_the_first(torch):
    for lib in (tg, torch):
        m, log = scaling(lib), []
        m.register_forward_hook(lambda mod, args, out: {}["second"], always_call=True)
        m.register_forward_hook(lambda mod, args, out, log=log: log.append("third"), always_call=True)
        with pytest.warns(UserWarning, match="second"), pytest.raises(KeyError, match="forward"):
            m(in_lib(lib, 1.0), fail=True)
        assert log == ["third"]


def test_an_error_in_a_hook_of_a_backward_leaves_gradients_mode_and_graph_as_they_were(torch):
    for lib in (tg, torch):
        m, x, fail = network(lib), inputs(lib), [True]
        h = m[0](x)
        h.register_hook(lambda g, fail=fail: {}["tensor"] if fail else None)
        m[1].register_full_backward_hook(lambda mod, gi, go, fail=fail: {}["module"] if len(fail) > 1 else None)
        y = m[2](m[1](h)).sum()
        for name in ("tensor", "module"):
            with pytest.raises(KeyError, match=name):
                y.backward(retain_graph=True)
            assert lib.is_grad_enabled()
            fail.append(True)
        assert x.grad is None and m[0].weight.grad is None
        fail.clear()
        y.backward()
        assert x.grad is not None and m[0].weight.grad is not None
