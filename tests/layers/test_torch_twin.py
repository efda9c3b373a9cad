"""To PyTorch and back, with equal weights, modes and results."""

import builtins
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.layers.three_ways import NAMES, default_case
from tinygrad_edu import nn
from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.layers.torch_twin import to_torch


class Mine(nn.Module):
    """A module of one's own, with a helper, an option and a nested part."""

    def __init__(self):
        self.scale = 0.5
        self.convolve = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
        self.out = nn.Linear(8, 3)

    def features(self, x):
        return self.convolve(x).flatten(1) * self.scale

    def forward(self, x):
        return self.out(self.features(x))


class Chain(nn.Sequential):
    """A Sequential of one's own."""

    def __init__(self):
        super().__init__(nn.Linear(3, 4), nn.ReLU())


NETWORKS = {
    "a Sequential of one's own": lambda: (Chain(), (5, 3)),
    "Sequential": lambda: (nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), (5, 3)),
    "nested": lambda: (nn.Sequential(nn.Sequential(nn.Linear(3, 4)), nn.Sequential()), (5, 3)),
    "ResidualBlock": lambda: (nn.ResidualBlock(2, 4, 2), (2, 2, 6, 6)),
    "identity block": lambda: (nn.ResidualBlock(2, 2), (2, 2, 6, 6)),
    "of one's own": lambda: (Mine(), (2, 1, 4, 4)),
}


def cases():
    for name in NAMES:
        yield pytest.param(lambda name=name: default_case(name), id=name)
    for name, make in NETWORKS.items():

        def case(make=make):
            net, shape = make()
            return net, (np.random.default_rng(0).normal(size=shape),)

        yield pytest.param(case, id=name)


CASES = list(cases())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [tg.float32, tg.float64])
def test_the_twin_has_equal_weights_mode_and_results(torch, case, dtype):
    module, inputs = case()
    module.to(dtype).eval()
    inputs = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
    for p in list(module.parameters())[:1]:
        p.requires_grad_(False)
    twin = module.to_torch()
    assert isinstance(twin, torch.nn.Module)
    assert list(twin.state_dict()) == list(module.state_dict())
    for key, value in module.state_dict().items():
        theirs = twin.state_dict()[key].numpy()
        assert theirs.dtype == value.dtype
        np.testing.assert_array_equal(theirs, value.numpy())
        assert not np.may_share_memory(theirs, value.numpy())
    assert {k: p.requires_grad for k, p in twin.named_parameters()} == {
        k: p.requires_grad for k, p in module.named_parameters()
    }
    assert not any(m.training for m in twin.modules())
    expected = twin(*[torch.tensor(x) for x in inputs]).detach().numpy()
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(module(*map(tg.tensor, inputs)).detach().numpy(), expected, rtol=50 * eps, atol=50 * eps)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.id != "Reshape" and "one's own" not in c.id and "block" not in c.id.lower()]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back_is_the_same_module(torch, case, dtype):
    module, inputs = case()
    module.to(np.dtype(dtype))
    for p in list(module.parameters())[:1]:
        p.requires_grad_(False)
    list(module.modules())[-1].eval()
    again = nn.from_torch(module.to_torch())
    assert type(again) is type(module)
    assert repr(again) == repr(module)
    assert [m.training for m in again.modules()] == [m.training for m in module.modules()]
    assert [(k, p.requires_grad, p.dtype) for k, p in again.named_parameters()] == [
        (k, p.requires_grad, p.dtype) for k, p in module.named_parameters()
    ]
    for key, value in module.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[key].numpy(), value.numpy(), err_msg=key)
    inputs = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
    tg.manual_seed(0)
    expected = module(*inputs)
    tg.manual_seed(0)
    np.testing.assert_array_equal(again(*inputs), expected)


def test_options_of_every_layer_come_along(torch):
    for theirs in (
        torch.nn.Linear(3, 2, bias=False),
        torch.nn.Conv2d(2, 4, (3, 2), (2, 1), (1, 0), (1, 2), 2, False),
        torch.nn.Conv2d(2, 4, 3, padding="same"),
        torch.nn.BatchNorm1d(3, 1e-3, None, False, False),
        torch.nn.BatchNorm2d(3, momentum=0.3),
        torch.nn.MaxPool2d(3, 2, 1, 1),
        torch.nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        torch.nn.Dropout(0.3),
        torch.nn.Softmax(dim=1),
        torch.nn.Flatten(0, 1),
        torch.nn.MSELoss(reduction="sum"),
        torch.nn.CrossEntropyLoss(reduction="none"),
    ):
        ours = nn.from_torch(theirs)
        again = ours.to_torch()
        for name, value in vars(theirs).items():
            if not name.startswith("_") and name not in ("padding", "kernel_size", "stride", "dilation", "init"):
                assert getattr(again, name) == value, f"{type(theirs).__name__}.{name}"
        assert list(again.state_dict()) == list(theirs.state_dict())


def test_what_is_shared_here_is_shared_there_and_back(torch):
    layer = nn.Linear(3, 3)
    tied = nn.Linear(3, 3)
    tied.weight = layer.weight
    net = nn.Sequential(layer, layer, tied)
    twin = net.to_torch()
    assert twin[0] is twin[1]
    assert twin[2].weight is twin[0].weight
    assert twin[2].bias is not twin[0].bias
    again = nn.from_torch(twin)
    assert len(again) == 3
    assert again[0] is again[1]
    assert again[2].weight is again[0].weight
    assert again[2].bias is not again[0].bias
    x = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    np.testing.assert_array_equal(again(x), net(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda t: t.nn.AvgPool2d(2, divisor_override=3), "AvgPool2d has divisor_override=3"),
        (lambda t: t.nn.MaxPool2d(2, ceil_mode=True), "MaxPool2d has ceil_mode=True"),
        (lambda t: t.nn.MaxPool2d(2, return_indices=True), "return_indices=True"),
        (lambda t: t.nn.CrossEntropyLoss(label_smoothing=0.1), "label_smoothing=0.1"),
        (lambda t: t.nn.CrossEntropyLoss(ignore_index=3), "ignore_index=3"),
        (lambda t: t.nn.CrossEntropyLoss(weight=t.ones(2)), "weight=tensor"),
        (lambda t: t.nn.BCEWithLogitsLoss(pos_weight=t.ones(2)), "pos_weight=tensor"),
        (lambda t: t.nn.Sequential(t.nn.BatchNorm1d(2, bias=False)), "the module is without 0.bias"),
        (lambda t: t.nn.GELU(), "GELU is not among the layers here"),
        (lambda t: t.nn.Sequential(t.nn.Linear(1, 1), t.nn.LSTM(1, 1)), "LSTM is not among the layers here"),
        (lambda t: type("Linear", (t.nn.Module,), {})(), "Linear is not among the layers here"),
    ],
)
def test_what_is_not_here_is_refused_rather_than_left_out(torch, make, message):
    with pytest.raises(TypeError, match=f"from_torch: .*{message}"):
        nn.from_torch(make(torch))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda t: t.nn.Conv2d(1, 1, 3, padding_mode="reflect"), "padding_mode 'reflect' is not there"),
        (lambda t: t.nn.AvgPool2d(2, ceil_mode=True), "ceil_mode=True is not there"),
    ],
)
def test_what_the_layer_itself_refuses_is_refused(torch, make, message):
    with pytest.raises(ValueError, match=message):
        nn.from_torch(make(torch))


def test_a_layer_without_a_twin_says_how_to_give_it_one(torch):
    from tinygrad_edu.layers.layer import Layer

    class Twice(Layer):
        @staticmethod
        def definition(x):
            return x * 2.0

        @staticmethod
        def by_hand(x):
            return x * 2, lambda dy: dy * 2

    with pytest.raises(
        TypeError, match=r"to_torch: torch.nn has no Twice; give the layer a method torch_twin\(torch\)"
    ):
        nn.Sequential(Twice()).to_torch()

    class Thrice(Twice):
        def torch_twin(self, torch):
            return torch.nn.Identity()

    assert type(Thrice().to_torch()) is torch.nn.Identity


def test_training_the_twin_leaves_the_module_alone(torch):
    layer = nn.Linear(2, 1)
    before = layer.weight.tolist()
    twin = layer.to_torch()
    twin(torch.ones(1, 2)).sum().backward()
    torch.optim.SGD(twin.parameters(), lr=1.0).step()
    assert layer.weight.tolist() == before
    assert twin.weight.tolist() != before


def test_without_torch_the_error_names_the_extra_and_the_rest_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    layer = nn.Linear(3, 2)
    for convert in (layer.to_torch, lambda: to_torch(layer), lambda: nn.from_torch(None)):
        with pytest.raises(MissingExtraError, match=r"pip install 'tinygrad_edu\[torch\]'"):
            convert()
    layer(tg.ones(1, 3)).sum().backward()
    assert isinstance(MissingExtraError("x"), ImportError)


def test_an_import_error_of_torch_is_the_same(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.partition(".")[0] == "torch":
            raise ImportError("No module named 'torch'")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match="PyTorch is not installed"):
        nn.Linear(1, 1).to_torch()


@pytest.mark.parametrize("module", ["tinygrad_edu", "tinygrad_edu.nn", "tinygrad_edu.optim"])
def test_importing_loads_numpy_alone(module):
    code = (
        f"import sys, {module} as m; import tinygrad_edu as tg; tg.nn.Linear if {module!r} != 'tinygrad_edu' else 0;"
        "heavy = 'scipy', 'torch', 'matplotlib', 'rich', 'typer', 'jinja2', 'safetensors';"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
