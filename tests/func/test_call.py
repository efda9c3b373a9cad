"""A module called with other parameters is as it was afterwards, whatever happened in between."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.func import functional_call, grad, hessian


@pytest.fixture
def net():
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)).double()


def state(module):
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def test_given_parameters_take_the_place_of_the_modules_own(net, rng):
    x = tg.tensor(rng.normal(size=(5, 3)))
    net.eval()
    weights = {name: p.detach() * 2 for name, p in net.named_parameters()}
    before = dict(net.named_parameters())
    result = functional_call(net, weights, x)
    assert all(p is before[name] for name, p in net.named_parameters())
    for p in before.values():
        p.data = p.detach() * 2
    np.testing.assert_array_equal(result.numpy(), net(x).detach().numpy())


def test_gradients_for_given_parameters_are_torchs(torch, net, rng):
    x = rng.normal(size=(5, 3))
    net.eval()  # PyTorch lets no captured buffer be written within grad
    twin = net.to_torch()
    twice = []
    for lib, module in ((tg, net), (torch, twin)):
        weights = {name: p.detach() for name, p in module.named_parameters()}
        loss = lambda w, x, lib=lib, module=module: (lib.func.functional_call(module, w, (x,)) ** 2).sum()
        twice.append(lib.func.grad(loss)(weights, lib.tensor(x)))
    for name, theirs in twice[1].items():
        np.testing.assert_allclose(twice[0][name].numpy(), theirs.numpy(), rtol=1e-10, atol=1e-12)  # roundings
    assert all(p.grad is None for p in net.parameters())


def test_it_can_be_differentiated_twice():
    layer = nn.Linear(2, 1, bias=False).double()
    x = tg.tensor([[1.0, 2.0]], dtype=tg.float64)
    second = hessian(lambda w: (functional_call(layer, {"weight": w}, x) ** 2).sum())(tg.zeros(1, 2, dtype=tg.float64))
    # (w x)² has the Hessian 2 x xᵀ.
    assert second.reshape(2, 2).tolist() == [[2, 4], [4, 8]]


def test_buffers_are_replaced_and_updated_in_place_of_the_modules_own(net, rng):
    x = tg.tensor(rng.normal(size=(5, 3)))
    before = state(net)
    buffers = {name: b.detach().clone() for name, b in net.named_buffers()}
    weights = dict(net.named_parameters())
    functional_call(net, (weights, buffers), x)
    assert (buffers["1.running_mean"].numpy() != 0).any()
    assert buffers["1.num_batches_tracked"].item() == 1
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.detach().numpy(), before[name].numpy())


def test_the_module_is_restored_after_an_exception(net):
    before = dict(net.named_parameters())
    weights = {name: p.detach() * 2 for name, p in before.items()}
    with pytest.raises(ValueError):
        functional_call(net, weights, tg.ones(5, 7, dtype=tg.float64))
    assert all(p is before[name] for name, p in net.named_parameters())
    with pytest.raises(RuntimeError, match=r"expected '3.bias' of shape \(2,\), got \(7,\)"):
        functional_call(net, {"0.bias": tg.zeros(4), "3.bias": tg.zeros(7)}, tg.ones(5, 3))
    with pytest.raises(TypeError, match="expected a Tensor for '3.bias', got list"):
        functional_call(net, {"0.bias": tg.zeros(4), "3.bias": [0.0, 0.0]}, tg.ones(5, 3))
    assert all(p is before[name] for name, p in net.named_parameters())


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


@pytest.mark.parametrize("name", ["first.weight", "second.weight"])
def test_tied_weights_are_replaced_together(name):
    module, x = Tied(), tg.ones(1, 2)
    weight = 2 * tg.eye(2)
    assert functional_call(module, {name: weight}, x).tolist() == [[4, 4]]
    assert module.first.weight is module.second.weight
    apart = functional_call(module, {name: weight}, x, tie_weights=False)
    assert apart.tolist() != [[4, 4]]
    with pytest.raises(ValueError, match="names of one Tensor"):
        functional_call(module, {"first.weight": weight, "second.weight": tg.eye(2)}, x)
    assert functional_call(
        module, {"first.weight": weight, "second.weight": tg.eye(2)}, x, tie_weights=False
    ).tolist() == [[2, 2]]


def test_strict_refuses_names_that_differ_as_torch_does(torch):
    for lib in (tg, torch):
        layer = lib.nn.Linear(2, 1)
        call, x = lib.func.functional_call, lib.ones(1, 2)
        full = {"weight": lib.ones(1, 2), "bias": lib.ones(1)}
        assert call(layer, full, (x,), strict=True).tolist() == [[3]]
        assert call(layer, full | {"other": lib.ones(1)}, (x,)).tolist() == [[3]]
        for given in ({"weight": lib.ones(1, 2)}, full | {"other": lib.ones(1)}):
            with pytest.raises(RuntimeError):
                call(layer, given, (x,), strict=True)
        with pytest.raises(ValueError):
            call(layer, (full, full), (x,))


def test_arguments_by_name_are_passed_on():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(tg.ones(()))

        def forward(self, x, scale=1):
            return self.w * x * scale

    assert functional_call(Scaled(), {"w": tg.tensor(3.0)}, tg.tensor(2.0), {"scale": 5}).item() == 30
    assert grad(lambda w: functional_call(Scaled(), {"w": w}, (), {"x": 2.0, "scale": 5}))(tg.tensor(1.0)).item() == 10
