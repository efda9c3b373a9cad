"""Module: PyTorch's registers, walks and state, and the two tracks of a call."""

import copy
import io
import pickle
import threading

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


class Net(nn.Module):
    """A network of one's own, written for Tensors."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.norm(self.hidden(x)).tanh())


def twin(torch):
    """The same network in PyTorch."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = torch.nn.Linear(3, 4)
            self.norm = torch.nn.BatchNorm1d(4)
            self.out = torch.nn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.norm(self.hidden(x)).tanh())

    return Net()


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


# Registers: each behaviour twice, here and in PyTorch


@pytest.fixture(params=["ours", "torch"])
def lib(request):
    """This library and PyTorch, by names that both have: what passes with both is PyTorch's behaviour."""
    return tg if request.param == "ours" else request.getfixturevalue("torch")


def names(pairs):
    return [name for name, _ in pairs]


def a_net(lib):
    class Part(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = lib.nn.Parameter(lib.ones(2))
            self.register_parameter("absent", None)
            self.register_buffer("mean", lib.zeros(2))
            self.register_buffer("nothing", None)

        def forward(self, x):
            return x * self.w

    class Whole(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Part()
            self.again = self.first
            self.second = Part()
            self.second.w = self.first.w
            self.own = lib.nn.Parameter(lib.zeros(1))
            self.inner = lib.nn.Sequential(Part(), lib.nn.ReLU())

        def forward(self, x):
            return self.inner(self.second(self.first(x)))

    return Whole()


def test_walks_name_every_module_and_parameter_once_and_the_state_names_them_at_every_place(lib):
    net = a_net(lib)
    assert names(net.named_parameters()) == ["own", "first.w", "inner.0.w"]
    assert len(list(net.parameters())) == 3
    assert names(net.named_parameters(recurse=False)) == ["own"]
    assert names(net.named_parameters(prefix="net")) == ["net.own", "net.first.w", "net.inner.0.w"]
    assert names(net.named_buffers()) == ["first.mean", "second.mean", "inner.0.mean"]
    assert names(net.named_children()) == ["first", "second", "inner"]
    assert names(net.named_modules()) == ["", "first", "second", "inner", "inner.0", "inner.1"]
    assert len(list(net.modules())) == 6
    assert list(net.children()) == [net.first, net.second, net.inner]
    assert list(net.state_dict()) == [
        "own", "first.w", "first.mean", "again.w", "again.mean", "second.w", "second.mean", "inner.0.w", "inner.0.mean",
    ]  # fmt: skip
    assert list(net.state_dict(prefix="net."))[:2] == ["net.own", "net.first.w"]


def test_assigning_registers_and_reassigning_moves_between_registers(lib):
    net = lib.nn.Module()
    net.w = lib.nn.Parameter(lib.ones(2))
    assert names(net.named_parameters()) == ["w"]
    net.w = None
    assert net.w is None
    assert names(net.named_parameters()) == []
    net.w = lib.nn.Parameter(lib.zeros(3))
    assert net.w.shape == (3,)
    net.part = lib.nn.Linear(2, 2)
    net.part = lib.nn.ReLU()
    assert names(net.named_children()) == ["part"]
    net.part = None
    assert names(net.named_children()) == []
    net.number = 3
    net.number = lib.nn.Parameter(lib.ones(1))
    assert names(net.named_parameters()) == ["w", "number"]
    net.register_buffer("seen", lib.zeros(1))
    net.seen = lib.ones(4)
    assert list(net.state_dict()) == ["w", "number", "seen"]
    net.plain = lib.ones(2)
    assert list(net.state_dict()) == ["w", "number", "seen"]
    del net.w
    assert not hasattr(net, "w")
    assert "seen" in dir(net)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda lib, net: setattr(net, "w", lib.ones(2)),
        lambda lib, net: setattr(net, "w", 3),
        lambda lib, net: setattr(net, "w", lib.nn.ReLU()),
        lambda lib, net: setattr(net, "part", lib.ones(2)),
        lambda lib, net: setattr(net, "part", 3),
        lambda lib, net: setattr(net, "seen", 3),
        lambda lib, net: net.register_parameter("v", lib.ones(2)),
        lambda lib, net: net.register_buffer("v", 3),
        lambda lib, net: net.add_module("v", 3),
    ],
)
def test_a_register_takes_nothing_else_and_keeps_what_it_has(lib, wrong):
    net = lib.nn.Module()
    net.w, net.part = lib.nn.Parameter(lib.ones(2)), lib.nn.ReLU()
    net.register_buffer("seen", lib.ones(2))
    with pytest.raises(TypeError):
        wrong(lib, net)
    assert list(net.state_dict()) == ["w", "seen"]
    assert names(net.named_children()) == ["part"]


@pytest.mark.parametrize("name", ["a.b", "", "forward"])
def test_a_name_that_is_taken_or_has_a_dot_is_refused(lib, name):
    net = lib.nn.Module()
    for register, value in (
        (net.register_parameter, lib.nn.Parameter(lib.ones(1))),
        (net.register_buffer, lib.ones(1)),
        (net.add_module, lib.nn.ReLU()),
    ):
        with pytest.raises(KeyError):
            register(name, value)


def test_an_unknown_attribute_is_an_attribute_error(lib):
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wieght'"):
        _ = lib.nn.Linear(1, 1).wieght


def test_get_submodule_follows_dots(lib):
    net = a_net(lib)
    assert net.get_submodule("inner.0") is net.inner[0]
    assert net.get_submodule("") is net
    with pytest.raises(AttributeError):
        net.get_submodule("inner.7")


def test_apply_goes_to_the_children_first_and_returns_the_module(lib):
    net = lib.nn.Sequential(lib.nn.Linear(1, 1), lib.nn.Sequential(lib.nn.ReLU()))
    seen = []
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_train_and_eval_reach_every_module(lib):
    net = a_net(lib)
    assert net.training
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.second.train()
    assert net.second.training
    assert not net.first.training
    assert all(m.training for m in net.train().modules())


def test_zero_grad_forgets_or_zeroes(lib):
    net = lib.nn.Linear(2, 1)
    net(lib.ones(1, 2)).sum().backward()
    held = net.weight.grad
    net.zero_grad(set_to_none=False)
    assert net.weight.grad.tolist() == [[0.0, 0.0]]
    assert held.tolist() == [[0.0, 0.0]]  # in place
    net.zero_grad()
    assert net.weight.grad is None


def test_requires_grad_freezes_all(lib):
    net = a_net(lib).requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    assert not net(lib.ones(1, 2)).requires_grad


def test_to_converts_floats_and_their_gradients_and_leaves_counts(lib):
    net = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.BatchNorm1d(3))
    net(lib.ones(4, 2)).sum().backward()
    weight = net[0].weight
    for convert in (lambda: net.to(lib.float64), lambda: net.double(), lambda: net.to(dtype=lib.float64)):
        assert convert() is net
        assert net[0].weight is weight
        assert net[0].weight.grad.dtype == lib.float64
        assert net[1].running_mean.dtype == lib.float64
        assert net[1].num_batches_tracked.dtype == lib.int64
        assert net(lib.ones(4, 2).double()).dtype == lib.float64
        net.float()
        assert net[0].weight.dtype == lib.float32
    assert net.to("cpu") is net
    with pytest.raises(TypeError):
        net.to(lib.int64)


def test_converting_between_forward_and_backward_is_an_error():
    layer = nn.Linear(2, 2)
    y = layer(tg.ones(1, 2))
    layer.double()
    with pytest.raises(RuntimeError, match="overwritten"):
        y.sum().backward()


def test_deepcopy_is_independent_and_keeps_what_is_shared(lib):
    net = a_net(lib)
    other = copy.deepcopy(net)
    assert other.again is other.first
    assert other.second.w is other.first.w
    assert other.first.w is not net.first.w
    with lib.no_grad():
        other.own.add_(1.0)
    assert net.own.item() == 0.0


def test_pickle_keeps_values_modes_and_what_is_shared():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).eval()
    net.add_module("again", net[0])
    net[0].bias.requires_grad_(False)
    again = pickle.load(io.BytesIO(pickle.dumps(net)))
    assert again[2] is again[0]
    assert not again.training
    assert [p.requires_grad for p in again.parameters()] == [True, False]
    assert isinstance(again[0].weight, nn.Parameter)
    np.testing.assert_array_equal(again[0].weight.detach().numpy(), net[0].weight.detach().numpy())


def test_a_module_without_super_init_works_as_its_registers_are_made_with_the_object():
    class Quick(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(tg.ones(1))

        def forward(self, x):
            return x * self.w

    assert names(Quick().named_parameters()) == ["w"]


def test_a_module_without_a_forward_says_so():
    class Bare(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Bare defines no forward\(self, x\)"):
        Bare()(tg.ones(1))


# State


def test_the_state_has_torchs_keys_and_loads_torchs_own(torch, x):
    net, theirs = Net(), twin(torch)
    assert list(net.state_dict()) == list(theirs.state_dict())
    theirs(torch.tensor(x))  # so that the running statistics are no zeros and ones
    assert net.load_state_dict(theirs.state_dict()) == ([], [])
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), theirs.state_dict()[key].numpy(), err_msg=key)
        assert not np.may_share_memory(value.numpy(), theirs.state_dict()[key].numpy())
    y = net.eval()(tg.tensor(x))
    np.testing.assert_allclose(
        y.detach().numpy(), theirs.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6
    )


def test_the_state_shares_memory_with_the_module_as_in_torch(lib):
    layer = lib.nn.Linear(2, 1)
    state = layer.state_dict()
    assert not state["weight"].requires_grad
    state["weight"].fill_(7.0)
    assert layer.weight.tolist() == [[7.0, 7.0]]


def test_loading_converts_to_the_types_of_the_module_and_takes_arrays():
    net = nn.Linear(2, 1)
    net.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": np.array([3])})
    assert net.weight.dtype == np.float32
    assert net.bias.tolist() == [3.0]


def test_loading_lists_everything_that_does_not_fit_and_changes_nothing():
    net = Net()
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    state = {k: v.numpy() + 1 for k, v in net.state_dict().items()}
    del state["norm.bias"], state["out.weight"]
    state["hidden.weight"] = np.zeros((2, 2))
    state["out.bias"] = np.zeros(1)  # would broadcast
    state["extra"] = np.zeros(1)
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state)
    assert str(error.value) == (
        "Net.load_state_dict: nothing was loaded, since\n"
        "  missing keys:\n    norm.bias\n    out.weight\n"
        "  unexpected keys:\n    extra\n"
        "  mis-shaped keys:\n    hidden.weight: has shape (2, 2), expected (4, 3)\n"
        "    out.bias: has shape (1,), expected (2,)"
    )
    with pytest.raises(RuntimeError, match="mis-shaped keys:\n    hidden.weight") as error:
        net.load_state_dict(state, strict=False)  # shapes are never forgiven, as in PyTorch
    assert "missing" not in str(error.value)
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])


def test_loading_without_strictness_reports_what_was_left_out(lib):
    layer = lib.nn.Linear(2, 1)
    missing, unexpected = layer.load_state_dict({"bias": lib.ones(1), "extra": lib.ones(1)}, strict=False)
    assert (missing, unexpected) == (["weight"], ["extra"])
    assert layer.bias.tolist() == [1.0]


def test_loading_between_forward_and_backward_is_an_error():
    layer = nn.Linear(2, 1)
    y = layer(tg.ones(1, 2))
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="overwritten"):
        y.sum().backward()


# Showing


def test_repr_is_torchs(torch):
    mine = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Flatten()), nn.Conv2d(2, 4, 3, bias=False))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(2, 3),
        torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Flatten()),
        torch.nn.Conv2d(2, 4, 3, bias=False),
    )
    # PyTorch adds `stride=(1, 1)`; nothing else differs.
    assert repr(mine) == repr(theirs).replace(", stride=(1, 1)", "")
    assert repr(nn.Parameter(tg.zeros(1))) == repr(torch.nn.Parameter(torch.zeros(1)))


# The two tracks


def test_a_module_of_ones_own_trains_on_tensors(x):
    tg.manual_seed(0)
    net = Net()
    optimizer = tg.optim.SGD(net.parameters(), lr=0.1)
    labels = tg.tensor([0, 1, 0, 1, 1])
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(net(tg.tensor(x)), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


class ByArrays(Net):
    """Its forward works on arrays as on Tensors."""

    def forward(self, x):
        return self.out(np.tanh(self.norm(self.hidden(x))))


def test_a_module_of_ones_own_runs_on_arrays_and_gives_what_it_gives_on_tensors(x):
    net = ByArrays().eval()
    y = net(x)
    assert isinstance(y, np.ndarray)
    np.testing.assert_allclose(y, net(tg.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_its_backward_says_that_there_is_no_hand_derived_one_and_what_to_do(x):
    net = ByArrays()
    net(x)
    with pytest.raises(
        RuntimeError, match=r"ByArrays.backward: this module has only a forward, no hand-derived backward"
    ) as error:
        net.backward(np.ones((5, 2), np.float32))
    for way in ("tinygrad_edu.tensor(x)", "nn.Sequential", "pair()"):
        assert way in str(error.value)


ERRORS = [
    lambda net, x, t: net(x).backward(np.ones((5, 2))),
    lambda net, x, t: net(x).sum().backward(),
    lambda net, x, t: net(x).mean().backward(),
    lambda net, x, t: ((net(x) - t) ** 2).mean().backward(),
    lambda net, x, t: np.mean(np.square(net(x) - t)).backward(),
    lambda net, x, t: nn.MSELoss()(net(x), t).backward(),
    lambda net, x, t: (0.5 * nn.MSELoss()(net(x), t)).backward(),
    lambda net, x, t: nn.CrossEntropyLoss()(net(x), t[:, 0].astype(int)).backward(),
    lambda net, x, t: nn.BCEWithLogitsLoss(reduction="none")(net(x), t).sum().backward(),
    lambda net, x, t: net(x)[:, 0].sum().backward(),
]


@pytest.mark.parametrize("mistake", ERRORS)
def test_a_beginner_who_passed_an_array_is_told_so_where_he_calls_backward(x, mistake):
    with pytest.raises(RuntimeError, match="this is a NumPy array.*tinygrad_edu.tensor.*model.backward"):
        mistake(ByArrays(), x, np.zeros((5, 2), np.float32))


FORWARDS = [
    lambda x: x.unsqueeze(0),
    lambda x: x.size(0),
    lambda x: x.view(-1, 4),
    lambda x: x.mean(dim=1),
    lambda x: x.sum(1, keepdim=True),
    lambda x: x.relu(),
]


@pytest.mark.parametrize("forward", FORWARDS)
def test_a_forward_written_for_tensors_says_so_when_it_meets_an_array(x, forward):
    class Mine(nn.Module):
        def __init__(self):
            self.a = nn.Linear(3, 4)

        def forward(self, x):
            return forward(self.a(x))

    with pytest.raises((AttributeError, TypeError, ValueError)) as error:
        Mine()(x)
    (note,) = error.value.__notes__
    assert note.startswith("Mine was called with NumPy arrays.")
    assert "tinygrad_edu.tensor(x)" in note


def test_a_loss_on_arrays_is_a_number_to_print_and_compare():
    loss = nn.MSELoss()(np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32))
    assert f"{loss:.2f} {float(loss)} {loss.item()}" == "1.00 1.0 1.0"
    assert loss == 1.0
    assert isinstance(loss.item(), float)


def test_each_call_on_arrays_has_one_backward(x):
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    with pytest.raises(RuntimeError, match="Sequential.backward: no call is waiting"):
        net.backward(np.ones((5, 2), np.float32))
    y = net(x)
    net.backward(np.ones_like(y))
    with pytest.raises(RuntimeError, match="no call is waiting.*each call has one backward"):
        net.backward(np.ones_like(y))


def test_a_refused_cotangent_leaves_the_call_waiting_and_no_gradient(x):
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    net(x)
    with pytest.raises(TypeError, match="Sequential.backward: expected an array, got a Tensor"):
        net.backward(tg.ones(5, 2))
    with pytest.raises(ValueError, match=r"Tanh.backward: expected dy of the result's shape \(5, 2\), got \(2,\)"):
        net.backward(np.ones(2, np.float32))
    assert all(p.grad is None for p in net.parameters())
    assert net.backward(np.ones((5, 2), np.float32)).shape == (5, 3)


def test_the_input_gradient_can_be_spared(x):
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    net(x)
    assert net.backward(np.ones((5, 2), np.float32), input_gradient=False) is None
    assert net[0].weight.grad is not None


def test_gradients_add_up_over_calls_on_both_tracks(x):
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    for _ in range(2):
        one(x)
        one.backward(np.ones((5, 2), np.float32))
        two(tg.tensor(x)).sum().backward()
    np.testing.assert_array_equal(one.weight.grad.numpy(), two.weight.grad.numpy())


class Doubled(nn.Module):
    """A module of one's own made of a pair: y = 2 f(x)."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x) * 2.0

    def pair(self, x):
        y, back = self.inner.pair(x)
        return 2 * y, lambda dy, input_gradient=True: back(2 * dy, input_gradient=input_gradient)


def test_a_module_made_of_a_pair_chains_in_sequential(x):
    net = nn.Sequential(nn.Linear(3, 4), Doubled(nn.Linear(4, 4)), nn.Tanh(), Doubled(nn.Tanh()))
    other = copy.deepcopy(net)
    dx = net(x) * 0 + net.backward(np.ones_like(net(x)))[:, :1]
    assert dx.shape == (5, 4)
    t = tg.tensor(x, requires_grad=True)
    other(t).sum().backward()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_two_threads_calling_one_layer_on_arrays_get_their_own_backward(x):
    layer = nn.Softmax(dim=1)
    turns = threading.Barrier(2)
    found = {}

    def run(name, scale):
        turns.wait()
        y = layer(x * scale)
        turns.wait()  # both have called before either goes back
        found[name] = y, layer.backward(np.ones_like(y) * x)

    threads = [threading.Thread(target=run, args=(name, scale)) for name, scale in (("a", 1), ("b", -3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, scale in (("a", 1), ("b", -3)):
        y, back = layer.pair(np.float32(scale) * x)
        np.testing.assert_array_equal(found[name][0], y)
        np.testing.assert_array_equal(found[name][1], back(x))
    with pytest.raises(RuntimeError, match="no call is waiting"):
        layer.backward(x)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", ["MSELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "BCELoss"])
def test_a_training_step_by_hand_gives_the_graphs_gradients_exactly(x, kind, reduction):
    tg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    net.append(nn.Sigmoid()) if kind == "BCELoss" else None
    loss = getattr(nn, kind)(reduction)
    other = copy.deepcopy(net)
    target = np.array([0, 1, 1, 0, 1]) if kind == "CrossEntropyLoss" else np.full((5, 2), 0.25, np.float32)
    value = loss(net(x), target)
    net.backward(loss.backward(), input_gradient=False)
    recorded = loss(other(tg.tensor(x)), tg.tensor(target))
    recorded.backward()
    assert value == recorded.item()
    for (name, p), q in zip(net.named_parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy(), err_msg=name)
