"""The recorded graph and its sweep: what is freed when, what accumulates where, and what an error leaves behind."""

import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.graph import unbroadcast
from tinygrad_edu.ops.operation import Operation, operation


@pytest.fixture
def without_collector():
    """Reference counting alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf(*values, dtype=tg.float64):
    return tg.tensor(values, dtype=dtype, requires_grad=True)


# Values


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    "f, derivatives",
    [
        (lambda x: x**5, [lambda x: 5 * x**4, lambda x: 20 * x**3, lambda x: 60 * x**2]),
        (lambda x: x.sin() * x, [lambda x: x * np.cos(x) + np.sin(x), lambda x: 2 * np.cos(x) - x * np.sin(x),
                                 lambda x: -3 * np.sin(x) - x * np.cos(x)]),
        (lambda x: 1 / x, [lambda x: -(x**-2), lambda x: 2 * x**-3, lambda x: -6 * x**-4]),
        (lambda x: (x * x).exp(), [lambda x: 2 * x * np.exp(x * x), lambda x: (2 + 4 * x * x) * np.exp(x * x),
                                   lambda x: (12 * x + 8 * x**3) * np.exp(x * x)]),
        (lambda x: x.log() * x.clone()[...], [lambda x: np.log(x) + 1, lambda x: 1 / x, lambda x: -1 / x**2]),
    ],
)  # fmt: skip
def test_create_graph_gives_higher_derivatives(f, derivatives, order):
    values = np.array([0.3, 0.7, 1.1])
    x = tg.tensor(values, requires_grad=True)
    y = f(x)
    for _ in range(order):
        x.grad = None
        y.sum().backward(create_graph=True)
        y = x.grad
    np.testing.assert_allclose(y.detach().numpy(), derivatives[order - 1](values), rtol=1e-12)


def test_cotangents_add_up_over_a_diamond(torch):
    def program(x):
        y = x * 2
        return ((y + 1) * (y * y) + y).sum()

    x, z = leaf(1.0, -2.0), torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    program(x).backward()
    program(z).backward()
    np.testing.assert_array_equal(x.grad.numpy(), z.grad.numpy())


@given(steps=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=30))
def test_random_graphs_have_torchs_gradients(torch, steps):
    def build(values):
        made = list(values)
        for kind, i, j in steps:
            a, b = made[i % len(made)], made[j % len(made)]
            made.append((a + b, a * b * 0.5, a - 0.5 * b, a.tanh() + b, a * a.sigmoid())[kind])
            made[-1] = made[-1].tanh()
        return sum(m.sum() for m in made)

    arrays = [np.linspace(-1, 1, 3), np.linspace(0.5, 2, 3)]
    ours = [tg.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    build(ours).backward()
    build(theirs).backward()
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64])
def test_a_gradient_has_its_leafs_dtype_and_shape(dtype):
    x = tg.ones(2, 3, dtype=dtype, requires_grad=True)
    y = tg.ones(3, dtype=tg.float64, requires_grad=True)
    (x * y + x.sum()).sum().backward()
    assert (x.grad.dtype, x.grad.shape) == (dtype, (2, 3))
    assert (y.grad.dtype, y.grad.shape) == (tg.float64, (3,))


def test_two_backwards_accumulate():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [5, 7])
    assert x.grad is first


def test_a_recorded_gradient_is_not_changed_in_place():
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    (x * 3).sum().backward()
    np.testing.assert_array_equal(first.detach().numpy(), [12])
    np.testing.assert_array_equal(x.grad.numpy(), [15])


def test_backward_of_a_leaf_is_its_cotangent():
    x = leaf(1.0, 2.0)
    x.backward(tg.tensor([3.0, 4.0], dtype=tg.float64))
    np.testing.assert_array_equal(x.grad.numpy(), [3, 4])


def test_gradients_share_no_memory():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    cotangent = tg.tensor([1.0, 1.0], dtype=tg.float64)
    (a + b).backward(cotangent)
    c = leaf(1.0, 2.0)
    c.backward(cotangent)
    d = leaf(1.0, 2.0)
    d.reshape(2, 1).expand(2, 3).sum().backward()
    e = leaf(1.0, 2.0)
    (e.view(1, 2) + 0).backward(cotangent.view(1, 2))
    arrays = [a.grad.numpy(), b.grad.numpy(), c.grad.numpy(), d.grad.numpy(), e.grad.numpy(), cotangent.numpy()]
    for i, x in enumerate(arrays):
        assert x.flags.writeable
        for y in arrays[:i]:
            assert not np.may_share_memory(x, y)


def test_the_same_tensor_as_both_operands_gets_both_shares():
    x = leaf(3.0)
    (x + x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2])


# What is kept, and for how long


def test_a_second_backward_says_how_to_keep_the_graph():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"kept values are freed \(first met at 'mul'.*retain_graph=True"):
        y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [4])


def test_retain_graph_keeps_it():
    x = leaf(2.0)
    y = (x * x).exp().sum()
    y.backward(retain_graph=True)
    first = x.grad.numpy().copy()
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), 3 * first, rtol=1e-15)
    with pytest.raises(RuntimeError, match="freed"):
        y.backward()


def test_what_keeps_nothing_can_be_swept_again(torch):
    for lib in (tg, torch):
        x = lib.ones(2, requires_grad=True)
        y = (x + 1).sum()
        y.backward()
        y.backward()
        np.testing.assert_array_equal(x.grad.numpy(), [2, 2])


def test_a_graph_that_nobody_holds_is_freed_at_once(without_collector):
    x = leaf(1.0, 2.0)
    y = x * 2
    z = (y.exp() @ y).tanh()[None].reshape(1)
    seen = [weakref.ref(y), weakref.ref(z)]
    del y, z
    assert [ref() for ref in seen] == [None, None]


def test_a_swept_graph_is_freed_at_once_also_with_views_writes_and_create_graph(without_collector):
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    y[1:].mul_(x[0])
    y[0] = y[2] * 2
    loss = (y * y).sum()
    loss.backward(create_graph=True)
    seen = [weakref.ref(y), weakref.ref(loss)]
    del y, loss
    assert [ref() for ref in seen] == [None, None]
    x.grad = None
    assert gc.collect() == 0


def test_a_sweep_frees_kept_values_as_it_goes():
    x = leaf(1.0, 2.0)
    kept = x * 2
    ref = weakref.ref(kept)
    loss = (kept * kept).sum()
    del kept
    assert ref() is not None
    loss.backward()
    assert ref() is None


def test_a_chain_of_200000_operations_is_built_swept_and_deleted_without_recursion():
    x = tg.ones(1, requires_grad=True)
    y = x
    for _ in range(200_000):
        y = y + 1
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1])
    del y
    y = x
    for _ in range(200_000):
        y = y * 1.0
    del y


def test_a_chain_of_kept_values_and_views_is_deleted_without_recursion():
    y = tg.ones(1, 1, requires_grad=True)
    for _ in range(50_000):
        y = (y * y).reshape(1, 1)
    del y


# Errors


def test_an_error_half_way_changes_no_gradient():
    class Broken(Exception):
        pass

    def rule(g):
        raise Broken

    def breaks(x):
        return x.copy()

    x, y = leaf(1.0), leaf(2.0)
    (x * 1 + y * 1).sum().backward()
    failing = y * 2
    result = failing.clone()
    op = Operation(breaks, {"x": rule})
    out = tg.tensor([0.0], dtype=tg.float64)
    op.record({"x": result}, out.array, out)
    for _ in range(2):
        with pytest.raises(Broken):
            (x * 3 + out).sum().backward()
        np.testing.assert_array_equal([x.grad.item(), y.grad.item()], [1, 1])
    assert tg.is_grad_enabled()


def test_an_overwritten_value_is_found_before_any_gradient_changes():
    x, y = leaf(1.0), leaf(2.0)
    kept = y * 2
    loss = (x * 3).sum() + (kept * kept).sum()
    kept.add_(1)
    with pytest.raises(RuntimeError, match="backward of 'mul' needs an operand"):
        loss.backward()
    assert x.grad is None
    assert y.grad is None


def test_a_rule_of_the_wrong_shape_is_an_error_and_not_a_sum():
    from tinygrad_edu.announce import announced

    @operation(method=False, x=lambda g: g)
    def wrongly_summed(x):
        return x.sum(0)

    del announced["wrongly_summed"]
    x = tg.ones(3, 2, requires_grad=True)
    with pytest.raises(
        RuntimeError,
        match=r"backward of 'wrongly_summed' gave a cotangent of shape \(2,\) for an operand of shape \(3, 2\)",
    ):
        wrongly_summed(x).sum().backward()
    assert x.grad is None


def test_rules_for_operands_that_do_not_exist_are_refused():
    def double(x):
        return 2 * x

    with pytest.raises(TypeError, match=r"double: rules for \['y'\], but the operands are \('x',\)"):
        Operation(double, {"y": lambda g: 2 * g})


@given(data=st.data())
def test_unbroadcast_is_the_transpose_of_broadcasting(data):
    shape = tuple(data.draw(st.lists(st.sampled_from([1, 2, 3]), max_size=3)))
    front = tuple(data.draw(st.lists(st.integers(0, 2), max_size=2)))
    full = front + tuple(n if n > 1 else data.draw(st.integers(1, 3)) for n in shape)
    random = np.random.default_rng(0)
    x, g = random.standard_normal(shape), random.standard_normal(full)
    found = unbroadcast(g, shape)
    assert found.shape == shape
    np.testing.assert_allclose((x * found).sum(), (np.broadcast_to(x, full) * g).sum(), rtol=1e-12, atol=1e-12)


# Threads


def test_threads_sweep_independent_graphs_while_another_records_nothing():
    errors = []
    start = threading.Barrier(3)

    def sweep(scale):
        try:
            start.wait()
            for _ in range(200):
                x = tg.tensor([scale], dtype=tg.float64, requires_grad=True)
                y = x
                for _ in range(10):
                    y = y * x
                y.backward(create_graph=True)
                np.testing.assert_allclose(x.grad.detach().numpy(), [11 * scale**10], rtol=1e-12)
                assert x.grad.requires_grad
        except BaseException as error:
            errors.append(error)

    def evaluate():
        try:
            start.wait()
            with tg.no_grad():
                for _ in range(2000):
                    assert not (tg.ones(1, requires_grad=True) * 2).requires_grad
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=sweep, args=(s,)) for s in (1.1, 0.9)] + [threading.Thread(target=evaluate)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


# What a node tells


def test_a_node_names_its_operation_and_its_parents():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y.sum()
    assert z.grad_fn.name() == "sum"
    assert repr(z.grad_fn) == "<sum () float64>"
    assert z.grad_fn.next_functions == ((y.grad_fn, 0),)
    assert y.grad_fn.next_functions == ((x, 0),)


def test_the_result_of_untracked_operands_has_no_node():
    assert (tg.ones(2) * 2).grad_fn is None
    assert (tg.arange(3) * tg.arange(3)).grad_fn is None
