"""nn.functional: PyTorch's names, arguments and values."""

import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(2, 4, 6, 5))
MATRIX = RNG.normal(size=(3, 4))
PROBABILITIES = RNG.uniform(0.1, 0.9, size=(3, 4))

CALLS = [
    ("linear", (MATRIX, RNG.normal(size=(2, 4)), RNG.normal(size=2)), {}),
    ("linear", (MATRIX, RNG.normal(size=(2, 4))), {}),
    (
        "conv2d",
        (IMAGE, RNG.normal(size=(6, 2, 3, 2)), RNG.normal(size=6)),
        {"stride": (2, 1), "padding": 1, "groups": 2},
    ),
    ("conv2d", (IMAGE, RNG.normal(size=(6, 4, 2, 2))), {"dilation": 2}),
    ("max_pool2d", (IMAGE, 2), {}),
    ("max_pool2d", (IMAGE, (3, 2)), {"stride": 1, "padding": 1}),
    ("avg_pool2d", (IMAGE, 2), {"padding": 1, "count_include_pad": False}),
    ("batch_norm", (IMAGE, None, None, RNG.normal(size=4), RNG.normal(size=4)), {"training": True, "eps": 0.1}),
    ("batch_norm", (MATRIX, RNG.normal(size=4), RNG.uniform(1, 2, 4)), {}),
    ("dropout", (MATRIX,), {"p": 0.5, "training": False}),
    ("dropout", (MATRIX,), {"p": 0.0}),
    ("dropout", (MATRIX,), {"p": 1.0}),
    ("relu", (MATRIX,), {}),
    ("sigmoid", (MATRIX,), {}),
    ("tanh", (MATRIX,), {}),
    ("softmax", (MATRIX,), {"dim": 0}),
    ("log_softmax", (MATRIX,), {"dim": 1}),
    ("mse_loss", (MATRIX, PROBABILITIES), {"reduction": "sum"}),
    ("binary_cross_entropy", (PROBABILITIES, PROBABILITIES[::-1].copy()), {}),
    ("binary_cross_entropy_with_logits", (MATRIX, PROBABILITIES), {"reduction": "none"}),
    ("cross_entropy", (MATRIX, np.array([0, 3, 1])), {}),
    ("cross_entropy", (MATRIX, PROBABILITIES), {"reduction": "sum"}),
    ("nll_loss", (MATRIX, np.array([0, 3, 1])), {}),
    ("one_hot", (np.array([0, 3, 1]),), {"num_classes": 5}),
    ("pad", (MATRIX, (1, 2)), {}),
    ("pad", (IMAGE, (1, 2, 0, 3)), {"value": 7.0}),
]


def leaves(arguments, convert):
    return [convert(a, requires_grad=a.dtype.kind == "f") if isinstance(a, np.ndarray) else a for a in arguments]


@pytest.mark.parametrize(("name", "arguments", "options"), CALLS, ids=[f"{c[0]}-{i}" for i, c in enumerate(CALLS)])
def test_values_and_gradients_are_torchs(torch, name, arguments, options):
    mine, theirs = leaves(arguments, tg.tensor), leaves(arguments, torch.tensor)
    constant = range(1, 3) if name == "batch_norm" else range(1, 2) if "entropy" in name or name == "mse_loss" else ()
    for i in constant:  # running statistics and targets
        for given in (mine, theirs):
            given[i] = None if given[i] is None else given[i].detach()
    y, expected = getattr(F, name)(*mine, **options), getattr(torch.nn.functional, name)(*theirs, **options)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-11, atol=1e-12)
    if not expected.requires_grad:
        return
    weights = np.linspace(0.5, 1.5, expected.numel()).reshape(tuple(expected.shape))
    y.backward(weights)
    expected.backward(torch.tensor(weights))
    for a, b in zip(mine, theirs, strict=True):
        if isinstance(a, tg.Tensor) and b.requires_grad:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("name", "arguments", "options"), CALLS, ids=[f"{c[0]}-{i}" for i, c in enumerate(CALLS)])
def test_arrays_give_the_same_values_as_tensors(name, arguments, options):
    y = getattr(F, name)(*arguments, **options)
    expected = getattr(F, name)(*leaves(arguments, lambda a, requires_grad: tg.tensor(a)), **options)
    np.testing.assert_allclose(np.asarray(y), expected.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", F.__all__)
def test_arguments_and_defaults_are_torchs(torch, name):
    mine = inspect.signature(getattr(F, name)).parameters
    twin = getattr(torch.nn.functional, name)
    try:
        theirs = inspect.signature(twin).parameters
    except ValueError:
        return  # a builtin of PyTorch, which names its arguments in its docstring alone
    if list(theirs) in (["args", "kwargs"], ["input"]):
        return
    ours = [n for n in mine if n in theirs]
    assert ours == [n for n in theirs if n in mine], "their order"
    assert set(mine) - set(theirs) <= {"x"}, "names that PyTorch does not have"
    for n in ours:
        if theirs[n].default is not inspect.Parameter.empty:
            assert mine[n].default in (theirs[n].default, inspect.Parameter.empty), n


def test_batch_norm_moves_the_statistics_it_is_given(torch):
    ours = [tg.zeros(4, dtype=tg.float64), tg.ones(4, dtype=tg.float64)]
    theirs = [torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)]
    F.batch_norm(tg.tensor(IMAGE), *ours, training=True, momentum=0.3)
    torch.nn.functional.batch_norm(torch.tensor(IMAGE), *theirs, training=True, momentum=0.3)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-13)


def test_functions_refuse_another_float_type_and_shapes_by_the_layers_rules():
    x, w = tg.ones(2, 3), tg.ones(4, 3, dtype=tg.float64)
    with pytest.raises(TypeError, match="Linear: x of shape .* is float32, but weight of shape .* is float64"):
        F.linear(x, w)
    with pytest.raises(ValueError, match="Linear: expected an input of shape"):
        F.linear(tg.ones(2, 2), tg.ones(4, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.batch_norm(tg.ones(2, 3), None, None), ValueError, "running_mean and running_var are needed"),
        (
            lambda: F.batch_norm(tg.ones(2, 3), None, None, tg.ones(3), training=True),
            ValueError,
            "both weight and bias",
        ),
        (lambda: F.batch_norm(tg.ones(1, 3), None, None, training=True), ValueError, "more than one value"),
        (lambda: F.softmax(tg.ones(2)), TypeError, "give dim"),
        (lambda: F.pad(tg.ones(2), (1,)), ValueError, "at most 1 pairs"),
        (lambda: F.pad(tg.ones(2), (1, 1, 1, 1)), ValueError, "at most 1 pairs"),
        (lambda: F.pad(tg.ones(2), (1, 1), mode="reflect"), ValueError, "expected mode 'constant'"),
        (lambda: F.nll_loss(tg.ones(2, 3), tg.tensor([0, 1]), "avg"), ValueError, "expected reduction"),
        (lambda: F.conv2d(tg.ones(1, 1, 3, 3), tg.ones(1, 1, 2, 2), stride=(1, 1, 1)), ValueError, "conv2d: stride"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
