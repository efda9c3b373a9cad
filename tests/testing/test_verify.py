"""verify accepts what is right, and of what is wrong it says which form is wrong, where, and by how much."""

import copy
import functools
import re

import numpy as np
import pytest
from rich.console import Console

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.testing import verify

# Wrong hand-derived backwards, each in a layer whose definition is right


class Flawed(nn.Layer):
    """y = x W^T + b with a hand-derived backward that a test spoils."""

    flaw = None

    def __init__(self):
        self.weight = nn.Parameter(tg.tensor(np.random.default_rng(1).normal(size=(3, 3))))
        self.bias = nn.Parameter(tg.tensor([0.5, -1.0, 2.0], dtype=tg.float64))

    @staticmethod
    def definition(x, weight, bias, *, flaw):
        return x @ weight.mT + bias

    @staticmethod
    def by_hand(x, weight, bias, *, flaw):
        def backward(dy):
            dx, dweight, dbias = dy @ weight, dy.T @ x, dy.sum(0)
            if flaw == "a wrong sign":
                dx = -dx
            elif flaw == "a factor":
                dweight = dweight / len(x)
            elif flaw == "the weight transposed":
                dx = dy @ weight.T
            elif flaw == "no sum over the batch":
                dbias = dy
            elif flaw == "one sample alone":
                dbias = dy[0]
            elif flaw == "a relative error of 1e-6":
                dweight = dweight * (1 + 1e-6)
            elif flaw == "one wrong element":
                dweight[1, 2] += 1e-3
            elif flaw == "no gradient for an input":
                dx = None
            elif flaw == "a NaN":
                dx[0, 1] = np.nan
            return dx, dweight, dbias

        return x @ weight.T + bias, backward


FLAWS = {
    "a wrong sign": "x",
    "a factor": "weight",
    "the weight transposed": "x",
    "no sum over the batch": "bias",
    "one sample alone": "bias",
    "a relative error of 1e-6": "weight",
    "one wrong element": "weight",
    "no gradient for an input": "x",
    "a NaN": "x",
}


@pytest.fixture
def x(rng):
    return rng.normal(size=(4, 3))


@pytest.mark.parametrize(("flaw", "gradient"), FLAWS.items())
def test_a_wrong_backward_is_the_odd_one_out(x, flaw, gradient):
    layer = Flawed()
    assert verify(layer, x).ok
    layer.flaw = flaw
    report = verify(layer, x)
    assert not report.ok
    assert report.odd_one_out(gradient) == "by hand"
    assert f"by hand is the odd one out: {gradient}" in repr(report)
    if flaw != "no sum over the batch":  # whose shape the layer refuses, and with it all gradients
        assert {c.gradient for c in report.comparisons if not c.ok} == {gradient}


def test_the_report_tells_the_element_and_the_size_of_the_error(x):
    layer = Flawed()
    layer.flaw = "one wrong element"
    worst = verify(layer, x, forms=("graph", "by hand")).worst
    assert worst.gradient == "weight"
    assert worst.index == (1, 2)
    assert worst.values[1] - worst.values[0] == pytest.approx(1e-3)
    assert "weight[1, 2]: graph" in str(worst)


def test_a_wrong_element_among_many_is_found_although_differences_look_at_a_few():
    class Wide(nn.Layer):
        @staticmethod
        def definition(x):
            return x * x

        @staticmethod
        def by_hand(x):
            def backward(dy):
                dx = 2 * x * dy
                dx[17, 71] *= 2
                return dx

            return x * x, backward

    report = verify(Wide(), np.random.default_rng(0).normal(size=(100, 100)))
    assert report.odd_one_out("x") == "by hand"
    assert report.worst.index == (17, 71)


def test_a_wrong_shape_is_told(x):
    layer = Flawed()
    layer.flaw = "no sum over the batch"
    assert re.search(r"by hand is refused: .*shape \(4, 3\).*shape \(3,\)", repr(verify(layer, x)), re.DOTALL)


class Centered(nn.Layer):
    """x minus its mean over the batch; the backward lacks the mean's own term."""

    @staticmethod
    def definition(x):
        return x - x.mean(0, keepdim=True)

    @staticmethod
    def by_hand(x):
        return x - x.mean(0), lambda dy: dy


class PassThrough(nn.Layer):
    """Softmax whose backward passes the cotangent through."""

    @staticmethod
    def definition(x):
        return x.softmax(-1)

    @staticmethod
    def by_hand(x):
        e = np.exp(x)
        return e / e.sum(-1, keepdims=True), lambda dy: dy


@pytest.mark.parametrize("layer", [Centered(), PassThrough()], ids=lambda layer: type(layer).__name__)
def test_a_missing_term_is_the_odd_one_out(x, layer):
    report = verify(layer, x)
    assert not report.ok
    assert report.odd_one_out("x") == "by hand"
    assert report.odd_one_out("result") is None


class Overwriting(nn.Layer):
    """2 x, with right numbers, but writing to what is not its own."""

    what = None

    @staticmethod
    def definition(x, *, what):
        return 2 * x

    @staticmethod
    def by_hand(x, *, what):
        y = 2 * x

        def backward(dy):
            dx = 2 * dy
            if what == "dy":
                dy *= 2
            elif what == "x":
                x[:] = 0
            elif what == "its result":
                y[:] = 0
            return dx

        return y, backward


@pytest.mark.parametrize("what", ["dy", "x", "its result"])
def test_overwriting_what_is_not_its_own_is_a_fault_though_the_numbers_agree(x, what):
    layer = Overwriting()
    assert verify(layer, x).ok
    layer.what = what
    before = x.copy()
    report = verify(layer, x)
    assert all(c.ok for c in report.comparisons)
    assert not report.ok
    assert f"by hand overwrites {what}" in repr(report)
    np.testing.assert_array_equal(x, before)


# Wrong definitions


class Doubled(nn.Layer):
    """Right by hand; the definition's graph has lost a factor on the way back."""

    @staticmethod
    def definition(x):
        return x + x.detach()

    @staticmethod
    def by_hand(x):
        return 2 * x, lambda dy: 2 * dy


def test_a_wrong_graph_is_the_odd_one_out(x):
    report = verify(Doubled(), x)
    assert not report.ok
    assert report.odd_one_out("x") == "graph"


class Linear(nn.Linear):
    """Has a twin in PyTorch by its name; one of its two forms is another function."""

    @staticmethod
    def definition(x, weight, bias):
        return x @ weight.mT - bias if bias.requires_grad else None


class LinearByHand(nn.Linear):
    @staticmethod
    def by_hand(x, weight, bias):
        y, backward = nn.Linear.by_hand(x, weight, bias)
        return y + 1, backward


def test_a_wrong_function_is_named_where_a_third_form_tells(torch, x):
    layer = Linear(3, 3).double()
    layer.bias.data = np.array([1.0, 2.0, 3.0])
    report = verify(layer, x)
    assert [report.odd_one_out(name) for name in ("result", "bias")] == ["graph", "graph"]
    LinearByHand.__name__ = "Linear"
    report = verify(LinearByHand(3, 3), x)
    assert report.odd_one_out("result") == "by hand"


def test_two_different_functions_with_no_third_form_disagree_and_none_is_accused(x):
    class Cubed(nn.Layer):
        @staticmethod
        def definition(x):
            return x**3

        @staticmethod
        def by_hand(x):
            return x**2, lambda dy: 2 * x * dy

    report = verify(Cubed(), x)
    assert not report.ok
    assert report.odd_one_out("x") is None
    assert "disagree: result" in repr(report)


def test_two_forms_that_disagree_accuse_none(x):
    layer = Flawed()
    layer.flaw = "a factor"
    report = verify(layer, x, forms=("graph", "by hand"))
    assert not report.ok
    assert report.odd_one_out("weight") is None
    assert "disagree: weight" in repr(report)


# What is right and might look wrong


@pytest.mark.parametrize(
    ("target", "inputs"),
    [
        (nn.ReLU(), np.array([-1.0, 0.0, 0.0, 1.0])),
        (tg.relu, np.array([0.0, -0.0, 1e-7, -1e-6, 3e-6])),
        (tg.abs, np.array([0.0, 1.0])),
        (nn.MaxPool2d(2), np.zeros((1, 1, 4, 4))),
        (nn.MaxPool2d(2, 1), np.round(np.random.default_rng(0).normal(size=(2, 1, 5, 5)))),
        (tg.max, np.array([1.0, 3.0, 3.0])),
        (lambda x: x.amax(0), np.ones((3, 2))),
        (lambda x: (x - 0.3 * tg.ones(1).item()).abs().sum(), np.array([0.3, 0.3 + 3e-6, 0.3 - 9e-6])),
    ],
    ids=["ReLU", "relu", "abs", "MaxPool2d", "overlapping MaxPool2d", "max", "amax", "sum of abs"],
)
def test_kinks_and_ties_are_no_disagreement(target, inputs):
    report = verify(target, inputs)
    assert report.ok, report


def test_where_differences_only_bound_a_gradient_the_table_says_so():
    report = verify(lambda x: x.relu(), np.zeros(3))
    assert report.ok
    assert "bounds: at a kink" in repr(report)
    assert "bounds" not in repr(verify(lambda x: x.relu(), np.ones(3)))


def test_a_gradient_outside_the_bounds_of_a_kink_is_wrong():
    class Rectified(nn.Layer):
        @staticmethod
        def definition(x):
            return x.relu()

        @staticmethod
        def by_hand(x):
            return np.maximum(x, 0), lambda dy: dy * np.where(x == 0, 2.0, x > 0)

    assert verify(Rectified(), np.array([0.0, 1.0])).odd_one_out("x") == "by hand"


@pytest.mark.parametrize("at", [0.0, 1e-7, 1e-6, 2e-6, 3e-6, 4e-6, 5e-6, 6e-6, 9e-6, 1.2e-5, 2e-5])
def test_a_kink_at_any_place_within_the_step_is_noticed(at):
    # One kink among many terms that are smooth, so that the sum bends by a thousandth only.
    f = lambda x: (x + at).abs() + 1000 * x.sin()
    assert verify(f, np.zeros(1)).ok


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_gradients_of_any_scale(x, scale):
    layer = Flawed()
    assert verify(layer, scale * x).ok
    layer.flaw = "a factor"
    assert verify(layer, scale * x).odd_one_out("weight") == "by hand"
    # Central differences of y, of the order of 1, do not see a millionth of a gradient of 1e-6; 60 digits do.
    layer.flaw = "a relative error of 1e-6"
    report = verify(layer, scale * x)
    assert not report.ok
    assert report.odd_one_out("weight") == "by hand"


def test_rounding_in_a_gradient_that_ought_to_vanish_is_no_disagreement(rng):
    # The bias before batch norm: its gradient is a sum of 640 terms that cancel.
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
    report = verify(net, rng.normal(size=(10, 1, 10, 10)))
    assert report.ok, report
    assert report.of("0.bias")


def test_infinities_and_nans_on_both_sides_agree():
    x = np.array([0.0, 1.0, np.inf, np.nan])
    report = verify(lambda x: x.sqrt(), x)
    assert report.ok, report
    assert verify(tg.log, np.array([0.0, 1.0, 4.0])).ok


def test_a_finite_error_beside_an_infinity_is_seen():
    class Root(nn.Layer):
        @staticmethod
        def definition(x):
            return x.sqrt()

        @staticmethod
        def by_hand(x):
            return np.sqrt(x), lambda dy: dy * np.where(x == 0, np.inf * dy, 1 / np.sqrt(np.maximum(x, 1e-30)))

    assert verify(Root(), np.array([0.0, 1.0, 4.0])).odd_one_out("x") == "by hand"


# What can be verified


def test_models_are_verified_with_every_parameter(rng):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
    report = verify(net, rng.normal(size=(3, 1, 6, 6)))
    assert report.ok, report
    assert set(report.shapes) == {"result", "x"} | {name for name, _ in net.named_parameters()}


def test_frozen_parameters_are_verified_too(x):
    layer = nn.Linear(3, 2)
    layer.requires_grad_(False)
    report = verify(layer, x)
    assert report.ok, report
    assert not layer.weight.requires_grad
    assert "weight" in report.shapes


def test_a_model_without_a_hand_derived_backward_lacks_that_form(x):
    class Net(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            return self.linear(x).tanh()

    for net in (Net(), nn.Sequential(nn.Linear(3, 3), Net())):
        report = verify(net, x)
        assert report.ok, report
        assert report.absent["by hand"] == "Net has only a forward"
        assert "graph" in report.forms and "numerical" in report.forms


def test_a_function_of_several_inputs_and_results():
    report = verify(lambda x, y, n=2: (x * y, (x / y) ** n), (np.ones(3), np.full(3, 2.0)), n=3)
    assert report.ok, report
    assert list(report.shapes)[1:] == ["x", "y"]


def test_a_function_of_a_list():
    report = verify(tg.cat, ([np.ones(2), np.zeros(3)],))
    assert report.ok, report
    assert {"tensors[0]", "tensors[1]"} <= set(report.shapes)


def test_a_function_written_with_numpy(x):
    assert verify(lambda x: np.sum(np.tanh(x) * x), x).ok


@pytest.mark.parametrize("inputs", [0.5, [0.5, 1.0], np.float32(0.5) * np.ones(2, np.float32), tg.ones(2)], ids=str)
def test_inputs_of_any_kind_are_taken_in_float64(inputs):
    assert verify(tg.exp, inputs).ok


def test_a_loss_with_integer_targets(rng):
    report = verify(nn.CrossEntropyLoss(), (rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])))
    assert report.ok, report
    assert set(report.shapes) == {"result", "x"}


@pytest.mark.parametrize(
    "name", ["Linear", "Conv2d", "BatchNorm2d", "CrossEntropyLoss", "logsumexp", "argmax", "equal"]
)
def test_names_take_their_examples(name, request):
    if name in ("argmax", "equal"):  # no gradient, so that PyTorch's result alone is there to compare with
        request.getfixturevalue("torch")
    report = verify(name)
    assert report.ok, report
    assert report.name == name


def test_a_layers_own_sizes_are_taken_for_its_example():
    assert verify(nn.Linear(7, 2)).shapes["x"][-1] == 7
    assert verify(nn.Conv2d(3, 2, 9)).shapes["x"][1:] == (3, 9, 9)
    assert verify(nn.BatchNorm1d(5)).shapes["x"][1] == 5


def test_the_convolution_has_a_reference_form():
    report = verify("Conv2d", forms=("graph", "by hand", "reference"))
    assert len(report.pairs) == 3
    assert report.ok, report


def test_the_fused_node_can_be_compared(x):
    report = verify(nn.Linear(3, 2), x, forms=("graph", "fused"))
    assert report.ok
    assert report.pairs == [("graph", "fused")]


def test_without_torch_the_form_is_absent(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    report = verify("Linear")
    assert report.ok
    assert report.absent == {"torch": "PyTorch is not installed"}


# What is left alone


def test_the_target_its_state_and_the_generator_are_left_as_they_were(rng):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    x = tg.tensor(rng.normal(size=(6, 3)).astype(np.float32), requires_grad=True)
    net(x).sum().backward()
    y = net(x.detach().numpy())  # a call on arrays waits for its backward
    state = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    grads = [parameter.grad.numpy().copy() for parameter in net.parameters()]
    twin = copy.deepcopy(net)
    tg.manual_seed(3)
    expected = tg.rand(3).numpy()
    tg.manual_seed(3)
    assert verify(net, x).ok
    np.testing.assert_array_equal(tg.rand(3).numpy(), expected)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[name])
        assert value.dtype == twin.state_dict()[name].dtype
    for parameter, grad in zip(net.parameters(), grads, strict=True):
        np.testing.assert_array_equal(parameter.grad.numpy(), grad)
    assert x.grad is not None and x.dtype == np.float32
    net.backward(np.ones_like(y))


def test_torchs_generator_is_left_as_it_was(torch):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    verify("Linear")
    assert torch.equal(torch.rand(3), expected)


def test_the_mode_of_the_target_is_kept(rng):
    layer = nn.BatchNorm1d(3).eval()
    layer.running_mean.array[:] = 5.0
    report = verify(layer, rng.normal(size=(4, 3)))
    assert report.ok, report
    assert not layer.training


def test_a_module_whose_buffers_move_with_each_call_is_run_from_the_same_state(x):
    class Counting(nn.Module):
        def __init__(self):
            self.register_buffer("calls", tg.zeros((), dtype=tg.float64))

        def forward(self, x):
            with tg.no_grad():
                self.calls += 1
            return x * self.calls.item()

    module = Counting()
    report = verify(module, x)
    assert report.ok, report
    assert not any(c.bounds for c in report.comparisons)  # the differences are those of one function
    assert module.calls.item() == 0


# What is refused


def test_missing_inputs_are_asked_for():
    with pytest.raises(TypeError, match="Flawed is not announced.*pass inputs="):
        verify(Flawed())
    with pytest.raises(TypeError, match="pass inputs="):
        verify(lambda x: x)
    with pytest.raises(TypeError, match="pass inputs="):
        verify(functools.partial(tg.sum, dim=0))


def test_an_unknown_name_is_told():
    with pytest.raises(TypeError, match="no operation, layer or loss is called 'Convolution'"):
        verify("Convolution")


@pytest.mark.parametrize("forms", [("graph", "numeric"), "graph"])
def test_a_wrong_form_is_told_with_those_there_are(forms):
    with pytest.raises(ValueError, match="expected forms among graph, fused, by hand, reference, torch, numerical"):
        verify("exp", forms=forms)


def test_a_function_that_gives_no_tensor_is_told(x):
    with pytest.raises(TypeError, match="gives Tensors for Tensors, got ndarray"):
        verify(lambda x: x.detach().numpy(), x)


def test_what_cannot_be_called_is_told():
    with pytest.raises(TypeError, match="expected a layer, a function or a name, got ndarray"):
        verify(np.ones(3))


def test_an_error_in_a_form_says_in_which(x):
    class Broken(nn.Layer):
        @staticmethod
        def definition(x):
            return 2 * x

        @staticmethod
        def by_hand(x):
            return 2 * x, lambda dy: dy[:, :, :, None]

    with pytest.raises(IndexError) as caught:
        verify(Broken(), x)
    assert caught.value.__notes__ == ["verify: while computing the by hand form of Broken"]


def test_one_form_alone_is_nothing_to_compare():
    report = verify("exp", forms=("graph",))
    assert not report.ok
    assert report.worst is None
    assert "nothing to compare" in repr(report)


# How it reads


def lines_of(report, width):
    console = Console(width=width)
    with console.capture() as capture:
        console.print(report)
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", ["exp", "Linear", "Conv2d", "BatchNorm2d"])
def test_the_table_fits_and_no_cell_is_broken(width, name):
    lines = lines_of(verify(name), width)
    assert lines[0].strip() == f"{name}: all forms agree"
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)


def test_gradients_stand_downwards_unless_the_pairs_are_too_many(torch):
    linear, conv = lines_of(verify("Linear"), 100), lines_of(verify("Conv2d"), 100)
    assert any(line.strip().startswith("weight (") for line in linear)
    assert any(line.strip().startswith("graph – by hand") for line in conv)


def test_html_is_the_table_in_one_block():
    html = verify("Linear")._repr_html_()
    assert html.startswith("<pre") and html.endswith("</pre>")
    assert "all forms agree" in html


def test_the_reference_form_runs_the_reference():
    class Referred(nn.ReLU):
        @staticmethod
        def reference(x):
            return np.maximum(x, 0), lambda dy: 2 * dy * (x > 0)

    report = verify(Referred(), np.array([[1.0, -2.0]]), forms=("graph", "by hand", "reference"))
    assert report.odd_one_out("x") == "reference"
