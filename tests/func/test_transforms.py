"""Transforms of functions give PyTorch's derivatives in PyTorch's structures, nested, and with what they capture."""

import gc
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import func


def same(ours, theirs):
    """The same nesting, and in it the same numbers and the same answer to requires_grad."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        ours, theirs = tuple(ours.values()), tuple(theirs.values())
    if isinstance(theirs, tuple | list):
        assert type(ours) is type(theirs) and len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            same(a, b)
    elif hasattr(theirs, "detach"):
        assert ours.shape == tuple(theirs.shape) and ours.requires_grad == theirs.requires_grad
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-12)  # roundings
    else:
        assert ours == theirs


ARRAYS = np.random.default_rng(0).normal(size=(3, 4))


def params(lib):
    return {"w": lib.tensor(ARRAYS[:, :2]), "b": [lib.tensor(ARRAYS[0, :2])]}


def model(p, x):
    return (x @ p["w"] + p["b"][0]).tanh()


SAMPLES = {
    "grad": lambda lib, x, y: lib.func.grad(lambda x, y: (x * y).sin().sum())(x, y),
    "grad of another argument": lambda lib, x, y: lib.func.grad(lambda x, y: (x * y).sin().sum(), argnums=1)(x, y),
    "grad of the last": lambda lib, x, y: lib.func.grad(lambda x, y: (x * y).sin().sum(), argnums=-1)(x, y),
    "grad of a tuple": lambda lib, x, y: lib.func.grad(lambda x, y: (x * y).sin().sum(), argnums=(1, 0))(x, y),
    "grad of a tuple of one": lambda lib, x, y: lib.func.grad(lambda x, y: (x * y).sum(), argnums=(0,))(x, y),
    "grad of a dictionary": lambda lib, x, y: lib.func.grad(lambda p, x: model(p, x).sum())(params(lib), x),
    "grad with aux": lambda lib, x, y: lib.func.grad(lambda x: ((x * x).sum(), {"x": x, "y": (y,)}), has_aux=True)(x),
    "grad, unused": lambda lib, x, y: lib.func.grad(lambda x, y: (x * x).sum(), argnums=(0, 1))(x, y),
    "grad by name": lambda lib, x, y: lib.func.grad(lambda x, y: (x * y).sum())(x, y=y),
    "grad_and_value": lambda lib, x, y: lib.func.grad_and_value(lambda x, y: (x * y).sum())(x, y),
    "grad_and_value with aux": lambda lib, x, y: lib.func.grad_and_value(
        lambda x: ((x * x).sum(), x + 1), has_aux=True
    )(x),
    "third derivative": lambda lib, x, y: lib.func.grad(lib.func.grad(lib.func.grad(lambda t: t.exp() * t**3)))(x[0]),
    "perturbation confusion": lambda lib, x, y: lib.func.grad(lambda a: a * lib.func.grad(lambda b: a * b * b)(y[0]))(
        x[0]
    ),
    "the same tensor captured": lambda lib, x, y: lib.func.grad(lambda a: (a * x).sum())(x),
    "inner with aux of the outer": lambda lib, x, y: lib.func.grad(
        lambda a: lib.func.grad(lambda b: (b * b, a * a), has_aux=True)(y[0])[1]
    )(x[0]),
    "inner value of the outer": lambda lib, x, y: lib.func.grad(
        lambda a: lib.func.grad_and_value(lambda b: b * b + a**3)(y[0])[1]
    )(x[0]),
    "vjp": lambda lib, x, y: lib.func.vjp(lambda x, y: x.exp() * y, x, y)[1](y),
    "vjp, value": lambda lib, x, y: lib.func.vjp(lambda x, y: x.exp() * y, x, y)[0],
    "vjp of trees": lambda lib, x, y: lib.func.vjp(lambda p: {"a": p["x"] * 2, "b": (p["x"] * x,)}, {"x": x})[1](
        {"a": x, "b": (y,)}
    ),
    "vjp with aux": lambda lib, x, y: lib.func.vjp(lambda x: (x * x, x + 1), x, has_aux=True)[2],
    "grad through vjp": lambda lib, x, y: lib.func.grad(lambda v: lib.func.vjp(lambda x: x**3, x)[1](v)[0].sum())(y),
    "jvp": lambda lib, x, y: lib.func.jvp(lambda x: (x.sin(), x.sum()), (x,), (y,)),
    "jvp of several": lambda lib, x, y: lib.func.jvp(lambda x, y: x * y * y, (x, y), (y, x)),
    "jvp of a dictionary": lambda lib, x, y: lib.func.jvp(model, (params(lib), x), (params(lib), y)),
    "jvp with aux": lambda lib, x, y: lib.func.jvp(lambda x: (x * x, x + 1), (x,), (y,), has_aux=True),
    "jvp of jvp": lambda lib, x, y: lib.func.jvp(
        lambda x: lib.func.jvp(lambda x: (x * x).exp(), (x,), (y,))[1], (x,), (y,)
    ),
    "grad of jvp": lambda lib, x, y: lib.func.grad(
        lambda x: lib.func.jvp(lambda x: (x * x).exp(), (x,), (y,))[1].sum()
    )(x),
    "grad through the direction of a jvp": lambda lib, x, y: lib.func.grad(
        lambda v: (lib.func.jvp(lambda x: x**3, (x,), (v,))[1] ** 2).sum()
    )(y),
    "jvp of grad": lambda lib, x, y: lib.func.jvp(lib.func.grad(lambda x: (x**3).sum()), (x,), (y,))[1],
    "jacrev": lambda lib, x, y: lib.func.jacrev(lambda x: x.flip(0) * x)(x),
    "jacfwd": lambda lib, x, y: lib.func.jacfwd(lambda x: x.flip(0) * x)(x),
    "jacrev of trees": lambda lib, x, y: lib.func.jacrev(lambda p, x: (model(p, x), x.sum()), argnums=(0, 1))(
        params(lib), x
    ),
    "jacfwd of trees": lambda lib, x, y: lib.func.jacfwd(lambda p, x: {"y": model(p, x), "z": x * 2}, argnums=0)(
        params(lib), x
    ),
    "jacrev with aux": lambda lib, x, y: lib.func.jacrev(lambda x: (x * x, x + 1), has_aux=True)(x),
    "jacfwd with aux": lambda lib, x, y: lib.func.jacfwd(lambda x: (x * x, x + 1), has_aux=True)(x),
    "hessian": lambda lib, x, y: lib.func.hessian(lambda x: (x * x.flip(0) * x).sum())(x),
    "hessian of several": lambda lib, x, y: lib.func.hessian(lambda x, y: (x * y * y).sum(), argnums=(0, 1))(x, y),
    "jacrev of jacfwd": lambda lib, x, y: lib.func.jacrev(lib.func.jacfwd(lambda x: (x**3).sum()))(x),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # PyTorch's own use of it
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_transforms_are_torchs(torch, name, requires_grad):
    arrays = ARRAYS[:2, :3]
    results = [SAMPLES[name](lib, *[lib.tensor(a, requires_grad=requires_grad) for a in arrays]) for lib in (tg, torch)]
    if requires_grad:  # PyTorch records a constant's dependence in some of these, and we a zero's in others
        results = [without_history(result) for result in results]
    same(*results)


def without_history(tree):
    if isinstance(tree, dict):
        return {key: without_history(value) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)([without_history(value) for value in tree])
    return tree.detach() if hasattr(tree, "detach") else tree


def test_a_result_has_a_history_where_torchs_has_one(torch):
    for lib in (tg, torch):
        x, w = (lib.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
        plain = x.detach()
        through_argument = lib.func.grad(lambda x: (x**3).sum())(x)
        through_capture = lib.func.grad(lambda x, w=w: (x**3 * w).sum())(plain)
        neither = lib.func.grad(lambda x: (x**3).sum())(plain)
        assert through_argument.requires_grad and through_capture.requires_grad and not neither.requires_grad
        (through_argument.sum() + through_capture.sum()).backward()
        assert x.grad.tolist() == [6, 12] and w.grad.tolist() == [3, 12]
        with lib.no_grad():
            assert not lib.func.grad(lambda x: (x**3).sum())(x).requires_grad


def test_nothing_is_recorded_for_the_outside_under_no_grad():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    with tg.no_grad():
        slope, value = func.grad_and_value(lambda x: (x**3 * w).sum())(tg.ones(2))
    assert not slope.requires_grad and not value.requires_grad


def test_value_and_grad_has_the_value_first():
    value, slope = func.value_and_grad(lambda x: x**3)(tg.tensor(2.0))
    assert (value.item(), slope.item()) == (8, 12)
    (value, aux), slope = func.value_and_grad(lambda x: (x**3, "more"), has_aux=True)(tg.tensor(2.0))
    assert (value.item(), aux, slope.item()) == (8, "more", 12)


class Point(NamedTuple):
    x: object
    y: object


def test_named_tuples_stay_what_they_are():
    slope = func.grad(lambda p: p.x * p.y)(Point(tg.tensor(2.0), tg.tensor(3.0)))
    assert isinstance(slope, Point) and (slope.x.item(), slope.y.item()) == (3, 2)


def test_the_backward_of_a_vjp_serves_many_cotangents():
    _, backward = func.vjp(lambda x: x**2, tg.tensor([1.0, 2.0]))
    assert [backward(tg.tensor(g))[0].tolist() for g in ([1.0, 0.0], [0.0, 1.0])] == [[2, 0], [0, 4]]


def test_no_gradient_of_the_callers_is_touched():
    x, w = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    f = lambda x: (x**2 * w).sum()
    func.grad(f)(x)
    func.hessian(f)(x)
    func.jvp(f, (x,), (w,))
    assert x.grad is None and w.grad is None


def test_a_recorded_result_leaves_no_cycle():
    gc.disable()
    try:
        gc.collect()
        before = sum(issubclass(type(o), tg.Tensor) for o in gc.get_objects())
        for _ in range(3):
            func.hessian(lambda x: (x**3).sum())(tg.ones(2))
            func.grad(lambda x: (x**3).sum())(tg.ones(2))
        assert sum(issubclass(type(o), tg.Tensor) for o in gc.get_objects()) == before
    finally:
        gc.enable()


def test_layers_are_differentiated_twice_by_their_definition(torch, rng):
    layer = tg.nn.Sequential(tg.nn.Linear(3, 4), tg.nn.Sigmoid(), tg.nn.Linear(4, 1)).double()
    x = rng.normal(size=3)
    ours = func.hessian(lambda x: layer(x).sum())(tg.tensor(x))
    twin = layer.to_torch()
    theirs = torch.func.hessian(lambda x: twin(x).sum())(torch.tensor(x))
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-12)  # roundings


def test_wrong_arguments_are_named():
    x = tg.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"grad: the function must return a single Tensor without dim.*\(2,\)"):
        func.grad(lambda x: x)(x)
    with pytest.raises(TypeError, match="grad: expected float Tensors to differentiate for, got float"):
        func.grad(lambda x: x)(1.0)
    with pytest.raises(TypeError, match="grad: expected float Tensors .* got a Tensor of int64"):
        func.grad(lambda x: x)(tg.tensor(1))
    with pytest.raises(ValueError, match="jacrev: argnums=1, but the function was given 1"):
        func.jacrev(lambda x: x, argnums=1)(x)
    with pytest.raises(TypeError, match=r"vjp: with has_aux=True the function must return \(output, aux\), got Tensor"):
        func.vjp(lambda x: 2 * x, x, has_aux=True)
    with pytest.raises(TypeError, match="vjp: the function must return Tensors, got float"):
        func.vjp(lambda x: 1.0, x)
    with pytest.raises(RuntimeError, match=r"vjp: expected cotangents of shape \(2,\), as in the output, got \(3,\)"):
        func.vjp(lambda x: x, x)[1](tg.ones(3))
    with pytest.raises(TypeError, match="jvp: primals and tangents are tuples"):
        func.jvp(lambda x: x, x, x)
    with pytest.raises(ValueError, match="jvp: expected 1 tangents"):
        func.jvp(lambda x: x, (x,), (x, x))
