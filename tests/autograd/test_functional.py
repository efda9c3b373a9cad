"""Jacobians, Hessians and products with them are PyTorch's, in value and in structure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.autograd import functional

# Functions of one or several Tensors, written alike for both libraries.
MAPS = {
    "one to one": lambda x: (x * x).sin(),
    "one to several": lambda x: (x.exp(), (x * x).sum(), x[0] * 3),
    "several to one": lambda x, y: x.exp() * y + y * y,
    "several to several": lambda x, y: (x @ y, (x * x).sum()),
    "independent of one": lambda x, y: x * x,
    "linear": lambda x: x.flip(0) * 2.0,
    "identity": lambda x: x,
    "the same twice": lambda x, y: (x, x * y),
}
SCALARS = {
    "cubes": lambda x: (x**3).sum(),
    "several": lambda x, y: ((x * y).sin() * x).sum(),
    "quadratic": lambda x, y: (x * x).sum() + 3 * (y * y).sum(),
    "independent of one": lambda x, y: (x**3).sum(),
    "linear": lambda x: (2 * x).sum(),
    "one element": lambda x: (x[:1, :1] ** 3) * x[1, 1],
}


def arrays_of(maps, name, seed=0):
    generator = np.random.default_rng(seed)
    several = maps[name].__code__.co_argcount
    return [generator.normal(size=(3,) if maps is MAPS and name != "one to one" else (3, 2)) for _ in range(several)]


def both(torch, arrays, requires_grad=False):
    ours = tuple(tg.tensor(a, requires_grad=requires_grad) for a in arrays)
    theirs = tuple(torch.tensor(a, requires_grad=requires_grad) for a in arrays)
    return (ours, theirs) if len(arrays) > 1 else (ours[0], theirs[0])


def assert_same(ours, theirs):
    """The same nesting of tuples, and in it the same numbers."""
    if isinstance(theirs, tuple):
        assert isinstance(ours, tuple) and len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b)
        return
    assert isinstance(ours, tg.Tensor)
    assert ours.shape == tuple(theirs.shape) and str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    assert ours.requires_grad == theirs.requires_grad
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-12)  # roundings


def vector_like(torch, outputs, seed=1):
    generator = np.random.default_rng(seed)
    several = outputs if isinstance(outputs, tuple) else (outputs,)
    arrays = [generator.normal(size=tuple(y.shape)) for y in several]
    ours, theirs = tuple(map(tg.tensor, arrays)), tuple(map(torch.tensor, arrays))
    return (ours, theirs) if isinstance(outputs, tuple) else (ours[0], theirs[0])


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", MAPS)
def test_vjp_is_torchs(torch, name, create_graph):
    ours, theirs = both(torch, arrays_of(MAPS, name), requires_grad=create_graph)
    outputs = MAPS[name](*(theirs if isinstance(theirs, tuple) else (theirs,)))
    v, w = vector_like(torch, outputs)
    assert_same(
        functional.vjp(MAPS[name], ours, v, create_graph=create_graph),
        torch.autograd.functional.vjp(MAPS[name], theirs, w, create_graph=create_graph),
    )


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", MAPS)
def test_jvp_is_torchs(torch, name, create_graph):
    ours, theirs = both(torch, arrays_of(MAPS, name), requires_grad=create_graph)
    v, w = vector_like(torch, theirs)
    assert_same(
        functional.jvp(MAPS[name], ours, v, create_graph=create_graph),
        torch.autograd.functional.jvp(MAPS[name], theirs, w, create_graph=create_graph),
    )


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", MAPS)
def test_jacobian_is_torchs(torch, name, create_graph):
    ours, theirs = both(torch, arrays_of(MAPS, name), requires_grad=create_graph)
    assert_same(
        functional.jacobian(MAPS[name], ours, create_graph=create_graph),
        torch.autograd.functional.jacobian(MAPS[name], theirs, create_graph=create_graph),
    )


@pytest.mark.parametrize("name", MAPS)
def test_columns_give_the_same_jacobian_as_rows(torch, name):
    ours, theirs = both(torch, arrays_of(MAPS, name))
    assert_same(
        functional.jacobian(MAPS[name], ours, strategy="forward-mode"),
        torch.autograd.functional.jacobian(MAPS[name], theirs),
    )


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
@pytest.mark.parametrize("name", SCALARS)
def test_hessian_is_torchs(torch, name, create_graph, strategy):
    ours, theirs = both(torch, arrays_of(SCALARS, name), requires_grad=create_graph)
    result = functional.hessian(SCALARS[name], ours, create_graph=create_graph, outer_jacobian_strategy=strategy)
    expected = torch.autograd.functional.hessian(SCALARS[name], theirs, create_graph=create_graph)
    if strategy == "forward-mode" and create_graph:  # what is constant may then be recorded as such
        result, expected = detached(result), detached(expected)
    assert_same(result, expected)


def detached(tree):
    return tuple(map(detached, tree)) if isinstance(tree, tuple) else tree.detach()


@pytest.mark.parametrize("product", ["hvp", "vhp"])
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", SCALARS)
def test_products_with_the_hessian_are_torchs(torch, name, create_graph, product):
    ours, theirs = both(torch, arrays_of(SCALARS, name), requires_grad=create_graph)
    v, w = vector_like(torch, theirs)
    result = getattr(functional, product)(SCALARS[name], ours, v, create_graph=create_graph)
    expected = getattr(torch.autograd.functional, product)(SCALARS[name], theirs, w, create_graph=create_graph)
    assert_same(detached(result), detached(expected))
    if not create_graph:
        assert_same(result, expected)


@given(seed=st.integers(0, 999))
def test_both_products_agree_with_the_jacobian(seed):
    generator = np.random.default_rng(seed)
    x, v, w = (tg.tensor(generator.normal(size=3)) for _ in range(3))
    f = lambda x: (x * x.flip(0)).sin() + x.sum()
    jacobian = functional.jacobian(f, x).numpy()
    np.testing.assert_allclose(functional.jvp(f, x, v)[1].numpy(), jacobian @ v.numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(functional.vjp(f, x, w)[1].numpy(), w.numpy() @ jacobian, rtol=1e-12, atol=1e-12)


def test_what_is_created_as_a_graph_can_be_differentiated(torch):
    ours, theirs = both(torch, [np.array([0.5, 1.5])], requires_grad=True)
    for lib, x in ((functional, ours), (torch.autograd.functional, theirs)):
        f = lambda x: (x**3).exp()
        scalar = lambda x: (x**3).exp().sum()
        sums = [
            lib.jacobian(f, x, create_graph=True).sum(),
            lib.hessian(scalar, x, create_graph=True).sum(),
            lib.jvp(f, x, x, create_graph=True)[1].sum(),
            lib.vjp(f, x, x, create_graph=True)[1].sum(),
            lib.hvp(scalar, x, x, create_graph=True)[1].sum(),
        ]
        sum(sums).backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-12)


def test_v_may_be_omitted_for_a_single_element():
    x = tg.tensor([2.0], dtype=tg.float64)
    assert functional.vjp(lambda x: x**3, x)[1].item() == 12
    assert functional.jvp(lambda x: x**3, x)[1].item() == 12
    assert functional.hvp(lambda x: x**3, x)[1].item() == 12
    assert functional.vhp(lambda x: x**3, x)[1].item() == 12


def test_no_gradient_of_the_callers_is_touched():
    x, w = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    f = lambda x: (x**2 * w).sum()
    functional.jacobian(f, x)
    functional.hessian(f, x, create_graph=True)
    functional.jvp(f, x, w)
    assert x.grad is None and w.grad is None


def test_recording_switched_off_outside_does_not_matter():
    with tg.no_grad():
        assert functional.jacobian(lambda x: x * x, tg.tensor(3.0)).item() == 6
        assert functional.jvp(lambda x: x * x, tg.tensor(3.0))[1].item() == 6
        assert not tg.is_grad_enabled()


def test_a_captured_tensor_is_a_constant():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert functional.jacobian(lambda y: y * x, x).tolist() == [[1, 0], [0, 2]]


def test_a_layer_has_the_jacobian_of_its_definition(torch, rng):
    layer = tg.nn.Sequential(tg.nn.Linear(3, 4), tg.nn.Tanh(), tg.nn.Linear(4, 2)).double()
    x = rng.normal(size=(2, 3))
    twin = layer.to_torch()
    for ours, theirs in (
        (functional.jacobian(layer, tg.tensor(x)), torch.autograd.functional.jacobian(twin, torch.tensor(x))),
        (
            functional.jacobian(layer, tg.tensor(x), strategy="forward-mode"),
            torch.autograd.functional.jacobian(twin, torch.tensor(x)),
        ),
    ):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("inside", "outside"), [((0,), (2,)), ((2,), (0,)), ((0,), (0,)), ((), (2, 2))])
def test_shapes_without_elements_or_dimensions(inside, outside):
    f = lambda x: x.sum() + tg.zeros(outside, dtype=tg.float64)
    for strategy in ("reverse-mode", "forward-mode"):
        found = functional.jacobian(f, tg.zeros(inside, dtype=tg.float64), strategy=strategy)
        assert found.shape == outside + inside and (found.numpy() == 1).all()


STRICT = {
    "vjp": lambda lib, v, f, x: lib.vjp(f, x, v, strict=True),
    "jvp": lambda lib, v, f, x: lib.jvp(f, x, v, strict=True),
    "jacobian": lambda lib, v, f, x: lib.jacobian(f, x, strict=True),
    "hessian": lambda lib, v, f, x: lib.hessian(lambda x: f(x).sum(), x, strict=True),
    "hvp": lambda lib, v, f, x: lib.hvp(lambda x: f(x).sum(), x, v, strict=True),
    "vhp": lambda lib, v, f, x: lib.vhp(lambda x: f(x).sum(), x, v, strict=True),
}


@pytest.mark.parametrize("name", STRICT)
@pytest.mark.parametrize("kind", ["constant", "linear", "quadratic", "cubic"])
def test_strict_refuses_what_torch_refuses(torch, name, kind):
    f = {
        "constant": lambda x: x.detach() * 2,
        "linear": lambda x: x * 2,
        "quadratic": lambda x: x * x,
        "cubic": lambda x: x**3,
    }[kind]
    ours, theirs = both(torch, [np.array([1.0, 2.0])])
    v, w = both(torch, [np.array([1.0, 3.0])])
    try:
        expected = STRICT[name](torch.autograd.functional, w, f, theirs)
    except RuntimeError:
        with pytest.raises(RuntimeError, match="strict=True"):
            STRICT[name](functional, v, f, ours)
    else:
        assert_same(STRICT[name](functional, v, f, ours), expected)


def test_wrong_arguments_are_named():
    x = tg.tensor([1.0, 2.0])
    square = lambda x: x * x
    with pytest.raises(TypeError, match="vjp: inputs must be a Tensor or a tuple of Tensors, got list"):
        functional.vjp(square, [x], x)
    with pytest.raises(TypeError, match="jvp: the outputs of the function must be .* got float at index 1"):
        functional.jvp(lambda x: (x, 1.0), x, x)
    with pytest.raises(RuntimeError, match=r"vjp: expected v of shape \(2,\), as in the outputs, got \(3,\)"):
        functional.vjp(square, x, tg.ones(3))
    with pytest.raises(RuntimeError, match="jvp: expected 1 tensors in v"):
        functional.jvp(square, x, (x, x))
    with pytest.raises(RuntimeError, match=r"jvp: v may be omitted only for a single element.*\(2,\)"):
        functional.jvp(square, x)
    with pytest.raises(RuntimeError, match=r"hessian: the function must return a single Tensor .* got shape \(2,\)"):
        functional.hessian(square, x)
    with pytest.raises(RuntimeError, match="vhp: the function must return a single Tensor .* got 2 tensors"):
        functional.vhp(lambda x: (x.sum(), x.sum()), x, x)
    with pytest.raises(ValueError, match="strategy is 'reverse-mode' or 'forward-mode', got 'forward'"):
        functional.jacobian(square, x, strategy="forward")
