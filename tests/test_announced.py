"""Everything announced is held to the same properties: each operation, layer and loss, on cases from its example.

A new one is tested here without another line; one that is public and not announced fails.
"""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import layers, nn, ops
from tinygrad_edu.announce import announced
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.ops.operation import composite
from tinygrad_edu.testing import verify
from tinygrad_edu.testing.forms import FORMS
from tinygrad_edu.testing.properties import assert_float32_agrees, second_derivatives
from tinygrad_edu.testing.subject import Subject
from tinygrad_edu.testing.verify import cotangent

EVERYTHING = [
    pytest.param(known, example, id=f"{known.name}-{i}")
    for known in announced.values()
    for i, example in enumerate(known.examples)
]
DIFFERENTIABLE = [p for p in EVERYTHING if p.values[0].differentiable]
OPERATIONS = [p for p in DIFFERENTIABLE if p.values[0].kind == "operation"]
HALF = settings(max_examples=settings.default.max_examples // 2)
LAYERS = [p for p in DIFFERENTIABLE if p.values[0].kind != "operation"]


def drawn(data, known, example):
    """A case for arguments from the example's ranges, and the seed of its values."""
    ranges = known.ranges(example)
    arguments = data.draw(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in ranges.items()}))
    seed = data.draw(st.integers(0, 999), label="seed")
    tg.manual_seed(seed)
    return known.case(example, **arguments), seed


@pytest.mark.parametrize(("known", "example"), EVERYTHING)
@given(data=st.data())
def test_all_forms_agree(known, example, data):
    case, seed = drawn(data, known, example)
    report = verify(case.function, case.inputs, forms=tuple(FORMS), seed=seed, **case.options)
    assert all(c.ok for c in report.comparisons) and not report.faults, report
    if known.differentiable and any(np.prod(shape) for shape in list(report.shapes.values())[1:]):
        assert report.ok, report
        assert "numerical" in report.forms


@pytest.mark.parametrize(("known", "example"), DIFFERENTIABLE)
@HALF
@given(data=st.data())
def test_float32_stays_float32_and_agrees_with_float64(known, example, data):
    case, seed = drawn(data, known, example)
    inputs = case.drawn(np.random.default_rng(seed), np.float32)
    keeps_type = case.function is not ops.astype
    assert_float32_agrees(case.function, inputs, case.options, seed, keeps_type=keeps_type)


@pytest.mark.parametrize(("known", "example"), OPERATIONS)
@HALF
@given(data=st.data())
def test_the_gradient_of_an_operation_has_a_right_gradient(known, example, data):
    case, seed = drawn(data, known, example)
    report = second_derivatives(Subject.of(case.function, case.inputs, case.options, seed))
    assert all(c.ok for c in report.comparisons), report


@pytest.mark.parametrize(("known", "example"), LAYERS)
@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")  # PyTorch's, of a reference cycle; ours has none
@HALF
@given(data=st.data())
def test_the_gradient_of_a_layer_has_torchs_gradient(torch, known, example, data):
    case, seed = drawn(data, known, example)
    subject = Subject.of(case.function, case.inputs, case.options, seed)
    if isinstance(subject.target, nn.Dropout):  # draws other numbers in PyTorch, where there are any; it is linear
        return
    dy = cotangent(subject)
    twice = []
    for make, target in ((tg.tensor, subject.fresh()), (torch.tensor, subject.fresh().to_torch())):
        inputs = [make(x, requires_grad=x.dtype.kind == "f") for x in subject.inputs]
        leaves = [x for x in (*inputs, *target.parameters()) if x.requires_grad]
        y = target(*inputs)
        y.backward(make(dy), create_graph=True)
        generator = np.random.default_rng(seed)
        weights = [make(generator.normal(size=tuple(leaf.shape))) for leaf in leaves]
        total = sum((leaf.grad * w).sum() for leaf, w in zip(leaves, weights, strict=True) if leaf.grad is not None)
        for leaf in leaves:
            leaf.grad = None
        if total.requires_grad:
            total.backward()
        shapes = [tuple(leaf.shape) for leaf in leaves]
        twice.append([np.zeros(s) if p.grad is None else p.grad.numpy() for p, s in zip(leaves, shapes, strict=True)])
    scale = max((np.abs(g).max(initial=0) for g in twice[1]), default=0)
    for ours, theirs in zip(*twice, strict=True):
        # Exact up to rounding; batch norm over two nearly equal values divides by a small variance thrice.
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * scale)


# What PyTorch has nothing of, or takes in another form; tests/ops holds these against it by calls of their own.
WITHOUT_TORCH = {
    "Dropout": "draws other random numbers",
    "astype": "is to() in PyTorch",
    **dict.fromkeys(("cholesky", "eigh", "eigvalsh"), "is of a symmetric matrix that the example makes of its input"),
    **dict.fromkeys(
        ("complex", "conj", "imag", "polar", "real", "sgn", "view_as_complex", "view_as_real"),
        "is of complex numbers, in the example of pairs of floats",
    ),
    **dict.fromkeys(set(tg.fft.__all__) & set(announced), "is in torch.fft, of complex numbers"),
    **dict.fromkeys(("cholesky_inverse", "cholesky_solve"), "is of a triangle that the example makes of its input"),
    "contract": "is einsum with lists of axes",
    "floor_divide": "has no derivative in PyTorch, where ours is 0",
    "getitem": "is x[index] in PyTorch",
    "heaviside": "refuses a gradient in PyTorch, where ours has none",
    "histogram": "refuses what requires a gradient in PyTorch",
    "index_put": "takes slices here",
    "lstsq": "gives residuals as well, which PyTorch's default driver leaves out",
    "overlap_add": "is fold of images in PyTorch",
    "pad": "takes NumPy's pairs",
    "svd": "may have other signs in PyTorch",
    "unindex": "is index_put of zeros in PyTorch",
    "vander": "overwrites what its gradient needs in PyTorch",
    "where": "draws integers as condition",
    "windows": "is unfold in PyTorch",
}


def test_pytorch_is_among_the_forms_of_all_others(torch):
    assert {name for name in announced if "torch" in verify(name).absent} == set(WITHOUT_TORCH)


# Nothing public is forgotten

CREATION = "makes a tensor of no other, so that there is nothing to differentiate"
NOT_ANNOUNCED = {
    **dict.fromkeys(("arange", "empty", "eye", "full", "linspace", "ones", "zeros"), CREATION),
    **dict.fromkeys(("tril_indices", "triu_indices"), CREATION),
    **dict.fromkeys(("empty_like", "full_like", "ones_like", "zeros_like"), CREATION),
    **dict.fromkeys(
        ("add", "div", "pow", "round", "sub"),
        "hands on to the announced operation of that name, once what else PyTorch takes is dealt with",
    ),
    "clip": "another name of clamp",
    **dict.fromkeys(
        ("chain_matmul", "cross", "lu_solve", "qr", "svd"), "an older form of the announced operation of linalg"
    ),
    **dict.fromkeys(("divide", "subtract", "true_divide"), "another name of div or sub"),
    **dict.fromkeys(
        ("BoolTensor", "ByteTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor"),
        "a constructor: converts plain numbers",
    ),
}


def unannounced_operations(namespace):
    """The public operations without an announcement, or without an example."""
    known = {id(a.target) for a in announced.values() if a.examples}
    return [name for name in namespace["__all__"] if id(namespace[name]) not in known]


def unannounced_layers(namespace):
    """The public layers and losses without an announcement, or without an example."""
    public = [
        thing
        for name, thing in namespace.items()
        if inspect.isclass(thing) and issubclass(thing, Layer) and thing is not Layer and not name.startswith("_")
    ]
    known = {a.target for a in announced.values() if a.examples and a.kind in ("layer", "loss")}
    return [thing.__name__ for thing in public if thing not in known]


def test_every_public_operation_is_announced_or_has_a_reason():
    assert set(unannounced_operations(vars(ops))) == set(NOT_ANNOUNCED)


def test_every_public_layer_and_loss_is_announced():
    assert unannounced_layers(vars(layers)) == []
    # Also one that a file defines and the package forgets to export.
    defined = {
        thing.__name__: thing
        for module in vars(layers).values()
        if inspect.ismodule(module)
        for thing in vars(module).values()
        if inspect.isclass(thing)
    }
    assert unannounced_layers(defined) == []


def test_a_new_public_operation_without_an_example_is_noticed():
    @composite(method=False)
    def newcomer(x):
        """X + 1."""
        return x + 1

    try:
        assert unannounced_operations({"__all__": ["newcomer", "exp"], "newcomer": newcomer, "exp": ops.exp}) == [
            "newcomer"
        ]
    finally:
        del announced["newcomer"]


def test_a_new_public_layer_without_an_example_is_noticed():
    class Newcomer(nn.Layer):
        @staticmethod
        def definition(x):
            return x

        @staticmethod
        def by_hand(x):
            return x, lambda dy: dy

    assert unannounced_layers({"Newcomer": Newcomer, "Linear": nn.Linear}) == ["Newcomer"]


@pytest.mark.parametrize(("known", "example"), EVERYTHING)
def test_an_examples_defaults_give_a_case(known, example):
    ranges = known.ranges(example)
    assert all(ranges.values())
    for name, parameter in inspect.signature(example).parameters.items():
        assert parameter.default is not parameter.empty, f"{name} has no default"
        # Sizes may be larger than property tests draw them; a choice is one of the choices.
        if not isinstance(parameter.default, int) or isinstance(parameter.default, bool):
            assert parameter.default in ranges[name]
    assert callable(known.case(example).function)
