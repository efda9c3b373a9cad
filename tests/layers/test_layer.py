"""What holds for every announced layer and loss, and what a class of one's own gets from `Layer`."""

import copy
import functools
import gc
import pickle
import warnings
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.layers.three_ways import (
    CLOSE,
    LOSSES,
    NAMES,
    WAYS,
    assert_agree,
    assert_same_derivatives,
    by_hand,
    cases,
    cotangent,
    default_case,
    definition,
    fused,
    in_torch,
    leaf,
    own_derivatives,
    torch_derivatives,
)
from tinygrad_edu import nn
from tinygrad_edu.announce import Case, Size, announced, applied, real
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.testing import verify

LAYERS = [name for name in NAMES if name not in LOSSES]

# A hidden warning, of overflow or of 0/0, is a failure in every test here.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def draws_its_own_mask(layer):
    return isinstance(layer, nn.Dropout) and layer.training


def test_every_layer_of_the_issue_is_announced():
    wanted = {
        "AvgPool2d", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "Conv2d", "CrossEntropyLoss",
        "Dropout", "Flatten", "Linear", "MSELoss", "MaxPool2d", "ReLU", "Reshape", "Sigmoid", "Softmax", "Tanh",
    }  # fmt: skip
    assert wanted <= set(NAMES)


# The forms agree


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_value_and_gradients_are_torchs_on_all_three_ways(torch, name, data):
    layer, inputs = data.draw(cases(name))
    layer.double()
    ways = {way: run(layer, inputs) for way, run in WAYS.items()}
    if not draws_its_own_mask(layer):
        expected = in_torch(torch, layer, inputs)
        for outcome in ways.values():
            assert_agree(outcome, expected)
    # By hand and fused are the very same lines.
    for what, x in ways["by hand"].named().items():
        np.testing.assert_array_equal(x, ways["fused"].named()[what], err_msg=what)
    assert_agree(ways["fused"], ways["definition"])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6)
@given(data=st.data())
def test_second_and_third_derivatives_through_the_fused_node_are_torchs(torch, name, data):
    layer, inputs = data.draw(cases(name))
    layer.double()
    mine = own_derivatives(layer, inputs, 3)
    # Rounding is multiplied by 1/σ for each order of batch norm, and two samples may lie close to each other.
    assert_same_derivatives(mine, own_derivatives(layer, inputs, 3, whole=True), rtol=1e-9)
    if not draws_its_own_mask(layer):
        orders = 2 if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) else 3  # see the next test
        assert_same_derivatives(mine[:orders], torch_derivatives(torch, layer, inputs, orders), rtol=1e-9)


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d"])
def test_third_derivatives_of_batch_norm_are_torchs_for_its_formula(torch, name):
    # PyTorch's own batch norm takes the batch's statistics for constants in its second derivative, so that its third is
    # wrong: the first derivatives by x of anything must sum to 0, since adding a constant to x changes nothing.
    layer, inputs = default_case(name)
    layer.double()

    class Formula(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.from_numpy(layer.weight.array.copy()))
            self.bias = torch.nn.Parameter(torch.from_numpy(layer.bias.array.copy()))

        def forward(self, x):
            options = {"running_mean": None, "running_var": None, "training": True, "momentum": 0.1, "eps": layer.eps}
            return type(layer).definition(x, self.weight, self.bias, **options)

    mine = own_derivatives(layer, inputs, 3)
    assert_same_derivatives(mine, torch_derivatives(torch, layer, inputs, 3, Formula()), rtol=1e-9)
    # No sum over a channel of these numbers, about 1 to 100, leaves more than rounding.
    np.testing.assert_allclose(mine[2][0].sum((0, *range(2, mine[2][0].ndim))).detach().numpy(), 0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8)
@given(data=st.data())
def test_float32_stays_float32_everywhere(name, data):
    layer, inputs = data.draw(cases(name))
    inputs = tuple(x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs)
    for way, run in WAYS.items():
        for what, x in run(layer, inputs).named().items():
            wanted = np.int64 if what == "num_batches_tracked" else np.float32
            assert x is None or x.dtype == wanted, f"{way}, {what}: {x.dtype}"
    # The sweep and the accumulation cast; the lines by hand must not have needed it.
    arguments, options = layer._arguments(inputs)
    arrays = [a.array if isinstance(a, tg.Tensor) else a for a in arguments]
    options = {k: v.array if isinstance(v, tg.Tensor) else v for k, v in options.items()}
    y, backward = type(layer).by_hand(*inputs, *arrays, **options)
    found = backward(cotangent(y, np.float32))
    for gradient in found if isinstance(found, tuple) else (found,):
        gradient = gradient() if callable(gradient) else gradient
        assert gradient is None or gradient.dtype == np.float32
    for level in own_derivatives(layer, inputs, 2):
        assert all(g is None or g.dtype == np.float32 for g in level)


# Nothing of the caller's changes


@pytest.mark.parametrize("name", NAMES)
def test_inputs_cotangent_and_parameters_are_only_read(name):
    layer, inputs = default_case(name)
    layer.double()
    before = copy.deepcopy((inputs, [p.array for p in layer.parameters()]))
    for array in (*inputs, *(p.array for p in layer.parameters())):
        array.flags.writeable = False
    y, back = layer.pair(*inputs)
    dy = cotangent(y)
    dy.flags.writeable = False
    back(dy)
    leaves = [leaf(x) for x in inputs]
    for x in leaves:
        x.array.flags.writeable = False
    layer(*leaves).backward(dy)
    np.testing.assert_array_equal(dy, cotangent(y))
    for old, new in zip(before[0] + tuple(before[1]), (*inputs, *(p.array for p in layer.parameters())), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", NAMES)
def test_backward_of_a_pair_called_twice_gives_the_same(name):
    layer, inputs = default_case(name)
    layer.double()
    y, back = layer.pair(*inputs)
    kept = np.copy(y)
    first = back(cotangent(y))
    once = [p.grad.array.copy() for p in layer.parameters()]
    second = back(cotangent(y))
    first, second = (dxs if isinstance(dxs, tuple) else (dxs,) for dxs in (first, second))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    for p, one in zip(layer.parameters(), once, strict=True):
        np.testing.assert_array_equal(p.grad.array, 2 * one)
    np.testing.assert_array_equal(y, kept)


FORMS = {
    "read-only": lambda a: np.broadcast_to(a, a.shape),
    "column by column": np.asfortranarray,
    "every second element": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards in memory": lambda a: a[..., ::-1].copy()[..., ::-1],
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", FORMS)
def test_memory_order_of_input_and_cotangent_does_not_matter(name, form):
    layer, inputs = default_case(name)
    layer.double()
    shaped = tuple(FORMS[form](x) for x in inputs)
    dy = cotangent(layer.pair(*inputs)[0])
    for run in WAYS.values():
        assert_agree(run(layer, shaped, FORMS[form](dy) if dy.ndim else dy), run(layer, inputs, dy))


@pytest.mark.parametrize("name", NAMES)
def test_a_cotangent_that_is_one_number_repeated_is_taken(name):
    layer, inputs = default_case(name)
    layer.double()
    shape = np.shape(layer.pair(*inputs)[0])
    for run in WAYS.values():
        repeated = run(layer, inputs, np.broadcast_to(np.float64(0.7), shape))
        assert_agree(repeated, run(layer, inputs, np.full(shape, 0.7)))


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("name", NAMES)
def test_a_cotangent_of_another_type_leaves_float32_gradients(name, dtype):
    layer, inputs = default_case(name)
    inputs = tuple(x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs)
    y, back = layer.pair(*inputs)
    dxs = back(np.ones(np.shape(y), dtype))
    for gradient in (*(dxs if isinstance(dxs, tuple) else (dxs,)), *(p.grad for p in layer.parameters())):
        assert gradient is None or gradient.dtype == np.float32


def test_a_cotangent_that_is_itself_a_gradient_is_copied_for_every_parameter():
    class Shift(Layer):
        def __init__(self):
            self.a, self.b = nn.Parameter(tg.zeros(2, 3)), nn.Parameter(tg.zeros(2, 3))

        @staticmethod
        def definition(x, a, b):
            return x + a + b

        @staticmethod
        def by_hand(x, a, b):
            return x + a + b, lambda dy: (dy, dy, dy)

    layer = Shift()
    x = np.ones((2, 3), np.float32)
    layer(x)
    dy = np.ones((2, 3), np.float32)
    layer.backward(dy)
    leaf_x = tg.tensor(x, requires_grad=True)
    layer(leaf_x).backward(dy)  # accumulates in place
    dy[...] = 7
    for gradient in (layer.a.grad, layer.b.grad, leaf_x.grad):
        assert gradient.tolist() == [[1.0 if gradient is leaf_x.grad else 2.0] * 3] * 2


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_is_nobody_elses_array(name):
    layer, inputs = default_case(name)
    layer.double()
    y, back = layer.pair(*inputs)
    dy = cotangent(y)
    back(dy)
    for a in layer.parameters():
        assert not np.may_share_memory(a.grad.array, dy)
        for b in layer.parameters():
            assert a is b or not np.may_share_memory(a.grad.array, b.grad.array)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_samples_one_by_one(name):
    layer, inputs = default_case(name)
    layer.double()
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.Dropout):
        layer.eval()  # in training the samples of a batch are meant to meet, and each call draws a mask
    whole = by_hand(layer, inputs)
    dy = cotangent(whole.value)
    share = 1.0
    parts = []
    for i in range(len(inputs[0])):
        dy_i = dy[i : i + 1] if dy.ndim else dy
        parts.append(by_hand(layer, tuple(x[i : i + 1] for x in inputs), dy_i))
    if name in LOSSES:  # the mean over the batch, and so are its gradients
        share = 1 / len(parts)
        np.testing.assert_allclose(whole.value, np.mean([p.value for p in parts]), **CLOSE)
    else:
        np.testing.assert_allclose(whole.value, np.concatenate([p.value for p in parts]), **CLOSE)
    np.testing.assert_allclose(whole.inputs[0], share * np.concatenate([p.inputs[0] for p in parts]), **CLOSE)
    for key, total in whole.parameters.items():
        np.testing.assert_allclose(total, sum(p.parameters[key] for p in parts), **CLOSE)


@pytest.mark.parametrize("name", LAYERS)
def test_an_empty_batch_passes_as_in_torch(torch, name):
    layer, inputs = default_case(name)
    layer.double()
    inputs = tuple(x[:0] for x in inputs)
    outcomes = [run(layer, inputs) for run in WAYS.values()]
    for outcome in outcomes:
        assert_agree(outcome, in_torch(torch, layer, inputs))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_a_loss_of_an_empty_batch_is_torchs(torch, name, reduction):
    layer, inputs = default_case(name)
    layer.reduction = reduction
    inputs = tuple(x[:0] for x in inputs)
    for run in WAYS.values():
        assert_agree(run(layer, inputs), in_torch(torch, layer, inputs))


@pytest.mark.parametrize("name", LOSSES)
def test_the_mean_loss_of_an_empty_batch_is_nan(name):
    layer, inputs = default_case(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, that there is nothing to take a mean of
        assert np.isnan(layer(*(x[:0] for x in inputs)))


# Calls that do not fit


@pytest.mark.parametrize("name", LAYERS)
def test_integers_and_a_wrong_number_of_inputs_are_refused_with_the_layers_name(name):
    layer, inputs = default_case(name)
    for convert in (np.asarray, tg.tensor):
        with pytest.raises(TypeError, match=rf"{name}: expected 1 inputs \(x\), got 2"):
            layer(*[convert(x) for x in inputs], convert(inputs[0]))
        with pytest.raises(TypeError, match=f"{name}: expected a Tensor or a NumPy array, got list"):
            layer.pair(inputs[0].tolist())
    with pytest.raises(TypeError, match=rf"{name}: expected 1 inputs \(x\), got 0"):
        layer()


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d", "Conv2d", "Linear", *LOSSES])
@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_a_float64_input_to_a_float32_layer_is_refused_with_both_types_and_nothing_moves(name, convert):
    layer, inputs = default_case(name)
    inputs = [x.astype(np.float32) if i and x.dtype.kind == "f" else x for i, x in enumerate(inputs)]
    if name == "CrossEntropyLoss":
        inputs[1] = np.full(inputs[0].shape, 0.1, np.float32)
    before = {key: v.numpy().copy() for key, v in layer.state_dict().items()}
    with pytest.raises(TypeError, match=rf"{name}: x .*float64.*float32") as error:
        layer(*[convert(x) for x in inputs])
    assert isinstance(error.value, RuntimeError)  # what PyTorch raises
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(before[key], value.numpy())


@pytest.mark.parametrize(
    "name", ["BatchNorm1d", "BatchNorm2d", "Conv2d", "Linear", "Sigmoid", "Softmax", "Tanh", *LOSSES]
)
@pytest.mark.parametrize("convert", [np.asarray, tg.tensor], ids=["array", "Tensor"])
def test_an_integer_input_is_refused_since_its_result_would_be_float64(name, convert):
    layer, inputs = default_case(name)
    with pytest.raises(TypeError, match=f"{name}: expected floats, got .* int64.*astype"):
        layer(*[convert(x) for x in (np.ones(inputs[0].shape, np.int64), *(np.float32(x) for x in inputs[1:]))])


def test_one_tensor_is_enough_for_the_graph_and_arrays_are_constants_in_it():
    logits = tg.randn(4, 3, requires_grad=True)
    loss = nn.CrossEntropyLoss()(logits, np.array([0, 2, 1, 1]))
    loss.backward()
    np.testing.assert_allclose(logits.grad.sum(1).numpy(), 0, atol=1e-7)  # softmax − one-hot, in float32
    with nn.expanded():
        again = nn.CrossEntropyLoss()(logits, np.array([0, 2, 1, 1]))
    np.testing.assert_allclose(again.item(), loss.item(), rtol=1e-6)  # float32
    target = tg.zeros(4, 3, requires_grad=True)
    with nn.expanded():
        nn.MSELoss()(np.ones((4, 3), np.float32), target).backward()
    np.testing.assert_allclose(target.grad.numpy(), -2 / 12, rtol=1e-6)


# What a call leaves behind


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_called_on_arrays_is_freed_without_the_garbage_collector(name):
    layer, inputs = default_case(name)
    layer.double()
    layer(*inputs)
    alive = weakref.ref(layer)
    gc.disable()
    try:
        del layer
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_pickles_and_copies_between_forward_and_backward(name):
    layer, inputs = default_case(name)
    layer.double()
    y = layer(*inputs)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(twin) == repr(layer)
        assert [k for k, _ in twin.named_parameters()] == [k for k, _ in layer.named_parameters()]
        with pytest.raises(RuntimeError, match="no call is waiting"):
            twin.backward(cotangent(y))
    layer.backward(cotangent(y))


# Values that a backward still needs


def moved(name, what):
    """A layer, called on Tensors, of which one operand was overwritten since."""
    layer, inputs = default_case(name)
    layer.double()
    x = leaf(inputs[0]) * 1.0
    y = layer(x)
    with tg.no_grad():
        (x if what == "input" else getattr(layer, what)).mul_(2.0)
    return layer, y


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("Linear", "weight"),
        ("Linear", "input"),
        ("Conv2d", "weight"),
        ("Conv2d", "input"),
        ("BatchNorm2d", "input"),
        ("BatchNorm2d", "weight"),
        ("MaxPool2d", "input"),
        ("BatchNorm1d", "input"),
    ],
)
def test_an_operand_overwritten_before_the_backward_is_an_error_that_names_the_layer(name, what):
    layer, y = moved(name, what)
    with pytest.raises(RuntimeError, match=f"backward of '{name}' needs an operand .* overwritten"):
        y.sum().backward()
    assert all(p.grad is None for p in layer.parameters())


@pytest.mark.parametrize("name", ["Linear", "Conv2d"])
def test_the_bias_may_be_overwritten_before_the_backward(name):
    layer, y = moved(name, "bias")
    y.sum().backward()
    assert layer.weight.grad is not None


@pytest.mark.parametrize("name", ["Softmax", "ReLU"])
def test_a_result_overwritten_before_the_backward_is_an_error(name):
    layer, inputs = default_case(name)
    y = layer(leaf(inputs[0]))
    with tg.no_grad():
        y.mul_(2.0)
    with pytest.raises(RuntimeError, match=f"(?i)backward of '{name}' needs its result .* overwritten"):
        y.sum().backward()


@pytest.mark.parametrize("name", ["Linear", "Conv2d"])
@pytest.mark.parametrize("through", ["the parameter", "a view of it", "an optimizer"])
def test_by_hand_a_weight_updated_before_its_gradient_was_taken_is_an_error(name, through):
    layer, inputs = default_case(name)
    layer.double()
    right = by_hand(layer, inputs).inputs[0]
    y = layer(*inputs)
    arrays = [p.array for p in layer.parameters()]
    _, unguarded = type(layer).by_hand(*inputs, *arrays, **{name: getattr(layer, name) for name in layer._options})
    with tg.no_grad():
        if through == "the parameter":
            layer.weight -= 0.1
        elif through == "a view of it":
            layer.weight[0].mul_(2.0)
        else:
            layer.weight.grad = tg.ones_like(layer.weight)
            tg.optim.SGD([layer.weight], lr=0.1).step()
            layer.weight.grad = None
    with pytest.raises(
        RuntimeError, match=f"{name}.backward: a parameter of shape .* was overwritten since the forward"
    ):
        layer.backward(cotangent(y))
    assert layer.weight.grad is None
    assert layer.bias.grad is None
    # The wrong form: the input's gradient from the weight as it is after the update.
    wrong = unguarded(cotangent(y))[0]()
    assert not np.allclose(wrong, right, rtol=1e-3)


@pytest.mark.parametrize("name", ["Linear", "Conv2d"])
def test_by_hand_the_bias_may_be_updated_before_the_backward(name):
    layer, inputs = default_case(name)
    layer.double()
    y = layer(*inputs)
    with tg.no_grad():
        layer.bias -= 0.1
    assert layer.backward(cotangent(y)).shape == inputs[0].shape


# What a second derivative does not do


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d"])
def test_running_statistics_move_once_for_a_call_and_never_for_its_derivatives(name):
    layer, inputs = default_case(name)
    layer.double()
    once = by_hand(layer, inputs).buffers
    x = leaf(inputs[0])
    y = layer(x)
    (y * y).sum().backward(create_graph=True)
    (x.grad * x.grad).sum().backward(create_graph=True)
    for key, value in layer.named_buffers():
        np.testing.assert_array_equal(value.numpy(), once[key], err_msg=key)


def test_a_frozen_parameter_gets_no_gradient_on_any_way():
    layer, inputs = default_case("Linear")
    layer.double()
    layer.weight.requires_grad_(False)
    for run in WAYS.values():
        outcome = run(layer, inputs)
        assert outcome.parameters["weight"] is None
        assert outcome.parameters["bias"] is not None


def test_under_no_grad_nothing_is_recorded_and_no_call_waits():
    layer, inputs = default_case("Linear")
    layer.double()
    with tg.no_grad():
        assert not layer(leaf(inputs[0])).requires_grad
        y = layer(inputs[0])
    with pytest.raises(RuntimeError, match="no call is waiting"):
        layer.backward(cotangent(y))


# A layer of one's own


@pytest.fixture
def announcements():
    """Whatever a test announces is forgotten after it."""
    before = dict(announced)
    yield announced
    announced.clear()
    announced.update(before)


def scale_layer(backward_of_scale):
    """A layer y = s x for each column, with a backward for s that is given."""

    class Scale(Layer):
        def __init__(self, features: int) -> None:
            self.in_features = features
            self.scale = nn.Parameter(tg.ones(features))

        @staticmethod
        def definition(x, scale):
            return x * scale

        @staticmethod
        def by_hand(x, scale):
            y = x * scale

            def backward(dy):
                return dy * scale, backward_of_scale(dy, x)

            return y, backward

        @staticmethod
        def example(n: Size = 4, m: Size = 3, ragged: bool = False) -> Case:
            return applied(Scale(m), real(n + ragged, m))

    return Scale


def test_a_layer_of_ones_own_is_announced_verified_trained_and_summed_up(announcements):
    Scale = scale_layer(lambda dy, x: (dy * x).sum(0))
    assert announcements["Scale"].target is Scale
    assert announcements["Scale"].ranges(Scale.example) == {
        "n": [1, 2, 3, 4],
        "m": [1, 2, 3, 4],
        "ragged": [False, True],
    }
    layer = Scale(3).double()
    x = np.random.default_rng(0).normal(size=(5, 3))
    report = verify(layer, x)
    assert report.ok
    assert "no Scale" in report.absent["torch"] or "not installed" in report.absent["torch"]
    assert verify("Scale").ok
    assert verify(Scale).ok
    assert_agree(by_hand(layer, (x,)), definition(layer, (x,)))
    assert_agree(by_hand(layer, (x,)), fused(layer, (x,)))
    net = nn.Sequential(Scale(3), nn.Linear(3, 1)).double()
    net.backward(np.ones_like(net(x)))
    assert [p.grad is not None for p in net.parameters()] == [True] * 3


def test_verify_names_a_backward_by_hand_that_is_wrong(announcements):
    Scale = scale_layer(lambda dy, x: (dy * x).mean(0))
    report = verify(Scale(3), np.ones((5, 3)))
    assert not report.ok
    assert report.odd_one_out("scale") == "by hand"


def test_a_gradient_of_a_wrong_shape_is_an_error_before_any_gradient_changes(announcements):
    # A bias for each element instead of each column, the classic: adding it would broadcast silently.
    layer = scale_layer(lambda dy, x: dy * x)(3)
    x = np.ones((5, 3), np.float32)
    layer(x)
    with pytest.raises(ValueError, match=r"Scale.backward: by_hand gave a gradient of shape \(5, 3\) .* shape \(3,\)"):
        layer.backward(x)
    assert layer.scale.grad is None
    with pytest.raises(RuntimeError, match="'Scale' gave a cotangent"):
        layer(tg.tensor(x)).sum().backward()


def test_definition_and_by_hand_of_different_arguments_are_refused_when_the_class_is_made():
    with pytest.raises(TypeError, match=r"Odd: definition\(x, weight\) and by_hand\(x, w\) take different arguments"):

        class Odd(Layer):
            @staticmethod
            def definition(x, weight):
                return x * weight

            @staticmethod
            def by_hand(x, w):
                return x * w, lambda dy: (dy * w, dy * x)


def test_annotations_may_differ_between_definition_and_by_hand():
    class Same(Layer):
        @staticmethod
        def definition(x: tg.Tensor) -> tg.Tensor:
            return x * 2.0

        @staticmethod
        def by_hand(x: np.ndarray):
            return x * 2, lambda dy: dy * 2

    assert Same()(np.ones(2)).tolist() == [2.0, 2.0]


def test_a_second_class_of_a_name_elsewhere_is_refused(announcements):
    with pytest.raises(ValueError, match="Linear is announced by tinygrad_edu.layers.linear already"):

        class Linear(nn.Linear):
            @staticmethod
            def example() -> Case:
                return applied(nn.Linear(1, 1), real(1, 1))


@pytest.mark.parametrize("layer", [nn.Sigmoid(), nn.Tanh(), nn.MSELoss(), nn.BCEWithLogitsLoss()], ids=repr)
def test_a_single_number_has_the_second_derivative_that_it_has_in_a_vector(layer):
    targets = [tg.tensor([0.4], dtype=tg.float64)] if layer.kind == "loss" else []
    number, vector = (tg.tensor(x, dtype=tg.float64, requires_grad=True) for x in (0.7, [0.7]))
    for x, inputs in ((number, [t[0] for t in targets]), (vector, targets)):
        layer(x, *inputs).sum().backward(create_graph=True)
        first, x.grad = x.grad, None
        (first * first).sum().backward()
    np.testing.assert_array_equal(number.grad.numpy(), vector.grad.numpy()[0])


def test_a_layer_without_warnings_in_every_form():
    """`verify` mutes warnings; here none may come."""
    for name in NAMES:
        layer, inputs = default_case(name)
        layer.double()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for run in WAYS.values():
                run(layer, inputs)


class Hoard:
    """An object that holds an array where no one can see it."""

    def __init__(self, array):
        self.array = array


@pytest.mark.parametrize("way", ["tuple", "dict", "object", "callable", "recursive"])
def test_second_derivatives_are_right_however_a_backward_holds_its_arrays(way):
    class Cubed(Layer):
        @staticmethod
        def definition(x):
            return x * x * x

        @staticmethod
        def by_hand(x):
            held = {"tuple": (x, 3.0), "dict": {"x": [x]}, "object": Hoard(x)}.get(way)

            def backward(dy):
                array = held[0] if way == "tuple" else held["x"][0] if way == "dict" else held.array
                return 3 * dy * array * array

            def times(dy, n):
                return dy if n == 0 else times(dy * x, n - 1)

            others = {
                "callable": functools.partial(lambda x, dy: 3 * dy * x * x, x),
                "recursive": lambda dy: times(3 * dy, 2),
            }
            return x * x * x, others.get(way, backward)

    x = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True)
    Cubed()(x).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.sum().backward()
    np.testing.assert_array_equal(first.detach().numpy(), [3.0, 12.0])
    np.testing.assert_array_equal(x.grad.numpy(), [6.0, 12.0])
