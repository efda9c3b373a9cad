"""Several threads, suspended functions, errors and finalisers at once: what is recorded, and what a sweep gives."""

import asyncio
import gc
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.autograd import Function
from tinygrad_edu.autograd.graph import saved_tensors_hooks


@pytest.fixture(autouse=True)
def often():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
    assert tg.is_grad_enabled()


def together(*functions):
    """What the functions return, each called in a thread of its own, all at the same time."""
    start = threading.Barrier(len(functions))

    def call(function):
        start.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(call, function) for function in functions]]


def leaf(*values):
    return tg.tensor(values, dtype=tg.float64, requires_grad=True)


# Training


def model(seed):
    tg.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))


def trained(net, track, steps=15):
    """The losses of some steps, and the parameters they lead to."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(16, 4)).astype(np.float32), rng.integers(0, 3, 16)
    loss, optimizer, losses = nn.CrossEntropyLoss(), tg.optim.Adam(net.parameters(), lr=0.01), []
    for _ in range(steps):
        optimizer.zero_grad()
        if track == "graph":
            value = loss(net(tg.tensor(x)), tg.tensor(labels))
            value.backward()
        else:
            value = loss(net(x), labels)
            net.backward(loss.backward(), input_gradient=False)
        optimizer.step()
        losses.append(float(value))
    return losses, [p.detach().numpy() for p in net.parameters()]


def evaluated(net, times):
    """The results of a model that is only evaluated."""
    found, x = [], tg.tensor(np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4))
    with tg.no_grad():
        for _ in range(times):
            y = net(x)
            assert not y.requires_grad
            found.append(y.numpy())
    return found


def test_two_threads_train_while_a_third_evaluates_and_each_gets_what_it_gets_alone():
    expected = trained(model(0), "graph"), trained(model(1), "by hand"), evaluated(model(2).eval(), 60)
    one, two, three = model(0), model(1), model(2).eval()
    found = together(lambda: trained(one, "graph"), lambda: trained(two, "by hand"), lambda: evaluated(three, 60))
    for (losses, parameters), (their_losses, theirs) in zip(found[:2], expected[:2], strict=True):
        assert losses == their_losses
        for p, q in zip(parameters, theirs, strict=True):
            np.testing.assert_array_equal(p, q)
    for y, their in zip(found[2], expected[2], strict=True):
        np.testing.assert_array_equal(y, their)


# One graph, one leaf


def test_threads_sweep_one_retained_graph():
    x = leaf(0.3, 1.2)
    y = (x.sin() * x.exp() + nn.Tanh()(x * x)).sum()
    (expected,) = tg.autograd.grad(y, x, retain_graph=True)

    def sweeps():
        return [tg.autograd.grad(y, x, retain_graph=True)[0].numpy() for _ in range(50)]

    for found in together(*[sweeps] * 4):
        np.testing.assert_array_equal(found, [expected.numpy()] * 50)


def test_threads_record_and_differentiate_twice_from_one_leaf():
    x = leaf(0.5, 2.0)

    def second(n):
        for _ in range(30):
            (first,) = tg.autograd.grad((x**n).sum(), x, create_graph=True)
            (found,) = tg.autograd.grad(first.sum(), x)
        return found.numpy()

    for n, found in enumerate(together(*[lambda n=n: second(n) for n in range(2, 6)]), 2):
        np.testing.assert_allclose(found, n * (n - 1) * x.detach().numpy() ** (n - 2), rtol=1e-14)  # roundings


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize("track", ["graph", "by hand", "recorded"])
def test_no_contribution_to_a_leaf_that_threads_share_is_lost(size, track):
    w = nn.Parameter(tg.zeros(size, dtype=tg.float64))

    class Plus(nn.Module):
        def forward(self, x):
            return x + w

        def pair(self, x):
            return x, lambda dy, input_gradient=True: w._accumulate(dy * 1.0, set())

    times, ones = 20, np.ones(size)

    def adds():
        layer = Plus()
        for _ in range(times):
            if track == "by hand":
                layer(ones)
                layer.backward(ones)
            else:
                layer(tg.tensor(ones)).backward(tg.tensor(ones), create_graph=track == "recorded")

    together(*[adds] * 4)
    np.testing.assert_array_equal(w.grad.detach().numpy(), np.full(size, 4.0 * times))


def test_views_that_threads_take_at_once_hear_of_each_others_writes():
    for _ in range(200):
        base = tg.ones(4)
        views = together(*[lambda base=base: base[1:]] * 3)
        h = leaf(1.0, 2.0, 3.0)
        y = [(view * h).sum() for view in views]
        base.add_(1)
        for loss in y:
            with pytest.raises(RuntimeError, match="overwritten"):
                loss.backward()


def test_hooks_come_and_go_while_others_sweep():
    x = leaf(1.0)
    done = threading.Event()

    def sweeps():
        try:
            return {tg.autograd.grad(x * 2, x)[0].item() for _ in range(300)}
        finally:
            done.set()

    def hooks():
        while not done.is_set():
            with x.register_hook(lambda g: g * 10):
                pass

    assert together(sweeps, hooks, hooks)[0] <= {2.0 * 10**k for k in range(3)}


def test_anomaly_detection_is_switched_while_others_sweep():
    done = threading.Event()

    def sweeps():
        try:
            x = leaf(1.0, 2.0)
            y = (x * 2 + x).sum()
            for _ in range(1000):
                y.backward(retain_graph=True)
            return x.grad.tolist()
        finally:
            done.set()

    def switches():
        while not done.is_set():
            with tg.autograd.detect_anomaly():
                pass

    assert together(sweeps, switches)[0] == [3000.0, 3000.0]


def test_a_stale_value_is_always_found_and_a_fresh_one_never_refused():
    done = threading.Event()

    def writes():
        z = tg.zeros(3)
        while not done.is_set():
            z.add_(1)

    def stale():
        h = leaf(1.0, 2.0)
        for _ in range(200):
            x = h * 1
            y = (x * x).sum()
            x.add_(1)
            with pytest.raises(RuntimeError, match="overwritten"):
                y.backward()
        assert h.grad is None

    def fresh():
        h = leaf(1.0, 2.0)
        for _ in range(200):
            x = h * 1
            x.add_(1)
            (x * x).sum().backward()
        return h.grad.tolist()

    def both():
        try:
            return together(stale, fresh)
        finally:
            done.set()

    assert together(writes, both)[1][1] == [200 * 4.0, 200 * 6.0]


# Modes


def test_the_modes_of_other_threads_stay_where_they_are(torch):
    def recording(lib, enabled):
        lib.set_grad_enabled(enabled)
        found = set()
        for _ in range(200):
            with lib.no_grad():
                found.add((lib.ones(1, requires_grad=True) * 2).requires_grad)
            found.add((lib.ones(1, requires_grad=True) * 2).requires_grad)
        return found

    for lib in (tg, torch):
        modes = (True, False, True, False)
        found = together(*[lambda lib=lib, enabled=enabled: recording(lib, enabled) for enabled in modes])
        assert found == [{False, enabled} for enabled in modes]
        assert lib.is_grad_enabled()


def test_a_thread_that_is_started_under_no_grad_records(torch):
    for lib in (tg, torch):
        with lib.no_grad():
            assert together(lib.is_grad_enabled) == [True]


def test_saved_tensor_hooks_of_one_thread_do_not_see_what_another_keeps():
    seen, done = [], threading.Event()

    def trains():
        try:
            return trained(model(0), "graph", steps=5)[0]
        finally:
            done.set()

    def packs():
        while not done.is_set():
            with saved_tensors_hooks(lambda t: seen.append(tuple(t.shape)) or t, lambda t: t):
                x = leaf(1.0, 2.0)
                (x * x).sum().backward()

    assert together(trains, packs)[0] == trained(model(0), "graph", steps=5)[0]
    assert set(seen) <= {(2,)}


def test_a_suspended_generator_leaves_its_mode_to_its_caller(torch):
    def batches(lib):
        with lib.no_grad():
            yield lib.is_grad_enabled()
            yield lib.is_grad_enabled()

    def program(lib):
        first, second, log = batches(lib), batches(lib), []
        log += [next(first), lib.is_grad_enabled()]
        log += [next(second), lib.is_grad_enabled()]
        for generator in (second, first):
            generator.close()
            log.append(lib.is_grad_enabled())
        return log

    assert program(tg) == program(torch) == [False, False, False, False, False, True]


def test_tasks_of_one_thread_share_its_mode(torch):
    async def evaluates(lib, log):
        with lib.no_grad():
            await asyncio.sleep(0)
            log.append(("evaluates", lib.is_grad_enabled()))

    async def trains(lib, log):
        log.append(("trains", lib.is_grad_enabled()))  # the other is suspended within no_grad
        for _ in range(3):
            await asyncio.sleep(0)
        log.append(("trains", lib.is_grad_enabled()))

    async def apart(lib, log):
        with lib.no_grad():
            log.append(("apart", lib.is_grad_enabled()))
        await asyncio.sleep(0)
        log.append(("apart", lib.is_grad_enabled()))

    async def run(lib):
        log = []
        await asyncio.gather(evaluates(lib, log), trains(lib, log))
        await asyncio.gather(apart(lib, log), apart(lib, log))
        return log

    found = asyncio.run(run(tg))
    assert found == asyncio.run(run(torch))
    assert found[:3] == [("trains", False), ("evaluates", False), ("trains", True)]
    assert found[3:] == [("apart", False)] * 2 + [("apart", True)] * 2


def test_a_decorated_coroutine_records_as_in_torch(torch):
    for lib in (tg, torch):

        @lib.no_grad()
        async def evaluate(lib=lib):
            return lib.is_grad_enabled()

        assert asyncio.run(evaluate()) is True


# Errors


class Stop(BaseException):
    """What no ``except Exception`` catches."""


def failing(fail):
    class Failing(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, dy):
            if fail:
                raise fail[0]
            return 2 * ctx.saved_tensors[0] * dy

    return Failing.apply


@pytest.mark.parametrize("error", [KeyError("mine"), Stop()], ids=["Exception", "BaseException"])
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("recording", [False, True])
def test_an_error_half_way_leaves_mode_gradients_and_graph_as_they_were(error, create_graph, recording):
    x, z, fail = leaf(3.0), leaf(5.0), [error]
    h = x * 2
    y = (failing(fail)(h) + z.exp() * z).sum()
    with tg.set_grad_enabled(recording):
        with pytest.raises(type(error)):
            y.backward(retain_graph=True, create_graph=create_graph)
        assert tg.is_grad_enabled() is recording
        assert x.grad is None and z.grad is None
        fail.clear()
        y.backward(retain_graph=True, create_graph=create_graph)
    assert x.grad.item() == 24.0
    np.testing.assert_allclose(z.grad.item(), np.exp(5.0) * 6.0, rtol=1e-15)  # a rounding
    assert x.grad.requires_grad is create_graph


def test_an_error_restores_every_mode(torch):
    for lib in (tg, torch):
        for mode in (lib.no_grad, lib.enable_grad, lib.inference_mode, lambda lib=lib: lib.set_grad_enabled(False)):
            for outside in (True, False):
                with lib.set_grad_enabled(outside):
                    with pytest.raises(Stop), mode():
                        raise Stop
                    assert lib.is_grad_enabled() is outside


def test_an_error_in_one_thread_disturbs_no_other():
    def fails():
        for _ in range(100):
            x = leaf(3.0)
            with pytest.raises(Stop):
                failing([Stop()])(x).backward()
            assert x.grad is None and tg.is_grad_enabled()

    def works():
        x = leaf(3.0)
        for _ in range(100):
            failing([])(x).backward()
        return x.grad.item()

    assert together(fails, works, works)[1:] == [600.0, 600.0]


# Finalisers


class Busy:
    """Garbage that computes when it is collected: it records, differentiates, and switches modes."""

    def __init__(self, log):
        self.itself = self
        self.log = log

    def __del__(self):
        with tg.enable_grad():
            x = tg.tensor([2.0], requires_grad=True)
            y = (x * x).exp()
            y.detach().add_(0)
            (x * x).sum().backward()
        with tg.no_grad():
            x += 1
        self.log.append((x.grad.item(), tg.is_grad_enabled()))


class Collecting(Function):
    """The identity; its backward collects garbage."""

    @staticmethod
    def forward(ctx, x, log):
        ctx.log = log
        return x.view_as(x)

    @staticmethod
    def backward(ctx, dy):
        Busy(ctx.log)
        gc.collect()
        return dy, None


@pytest.mark.parametrize("create_graph", [False, True])
def test_finalisers_that_compute_during_a_sweep_do_no_harm(create_graph):
    log, x = [], leaf(0.5, 2.0)
    y = Collecting.apply(x.exp(), log) * x
    (first,) = tg.autograd.grad(Collecting.apply(y, log).sum(), x, create_graph=create_graph)
    np.testing.assert_array_equal(first.detach().numpy(), np.exp([0.5, 2.0]) * [0.5, 2.0] + np.exp([0.5, 2.0]))
    assert log == [(4.0, create_graph)] * 2
    assert tg.is_grad_enabled()


def test_finalisers_run_when_a_sweep_frees_what_a_node_kept():
    log, x = [], leaf(0.5, 2.0)
    h = x * 3
    weakref.finalize(h, lambda: log.append((tg.ones(2, requires_grad=True) * 2).requires_grad))
    y = (h * h).sum()
    del h
    y.backward()
    assert log == [False]  # nothing is recorded within a sweep
    np.testing.assert_array_equal(x.grad.numpy(), 18 * x.detach().numpy())


def test_finalisers_that_compute_while_threads_train_do_no_harm():
    log, done = [], threading.Event()

    def trains():
        try:
            return trained(model(0), "graph", steps=5)[0]
        finally:
            done.set()

    def litters():
        while True:
            Busy(log)
            gc.collect(0)
            if done.is_set():
                return

    before = gc.get_threshold()
    gc.set_threshold(50)
    try:
        assert together(trains, litters)[0] == trained(model(0), "graph", steps=5)[0]
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert log and {gradient for gradient, _ in log} == {4.0}
