"""vmap gives what PyTorch's does, slice by slice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.func import functional_call, grad, hessian, jacrev, jvp, vjp, vmap

SAMPLES = {
    "one argument": lambda lib, x, y: lib.vmap(lambda a: a * a)(x),
    "in_dims=1": lambda lib, x, y: lib.vmap(lambda a: a.sum(), in_dims=1)(x),
    "in_dims=-1": lambda lib, x, y: lib.vmap(lambda a: a.cumsum(0), in_dims=-1)(x),
    "out_dims=1": lambda lib, x, y: lib.vmap(lambda a: a * 2, out_dims=1)(x),
    "out_dims=-1": lambda lib, x, y: lib.vmap(lambda a: a * 2, out_dims=-1)(x),
    "two arguments": lambda lib, x, y: lib.vmap(lib.dot)(x, y),
    "one of two": lambda lib, x, y: lib.vmap(lib.dot, in_dims=(0, None))(x, y[0]),
    "different dims": lambda lib, x, y: lib.vmap(lib.dot, in_dims=(0, 1))(x, y.T),
    "a tuple of results": lambda lib, x, y: lib.vmap(lambda a: (a.sum(), a * 2), out_dims=(0, 1))(x),
    "a dictionary": lambda lib, x, y: lib.vmap(lambda d: {"s": d["x"] + d["y"][0]})({"x": x, "y": [y]}),
    "dims like a dictionary": lambda lib, x, y: lib.vmap(lambda d: d["x"] * d["y"], in_dims=({"x": 0, "y": None},))(
        {"x": x, "y": y[0]}
    ),
    "nested": lambda lib, x, y: lib.vmap(lib.vmap(lambda a, b: a * b, in_dims=(None, 0)), in_dims=(0, None))(
        x[:, 0], y[0]
    ),
    "by name": lambda lib, x, y: lib.vmap(lambda a, b: a * b.sum())(x, b=y),
    "of grad": lambda lib, x, y: lib.vmap(lib.func.grad(lambda a, b: (a * b).sin().sum()), in_dims=(0, None))(x, y[0]),
    "of hessian": lambda lib, x, y: lib.vmap(lib.func.hessian(lambda a: (a**3).sum()))(x),
    "of jvp": lambda lib, x, y: lib.vmap(lambda a, b: lib.func.jvp(lib.sin, (a,), (b,)))(x, y),
    "inside grad": lambda lib, x, y: lib.func.grad(lambda w: lib.vmap(lambda a: (a * w).exp())(x).sum())(y[0]),
    "inside jacrev": lambda lib, x, y: lib.func.jacrev(lambda w: lib.vmap(lib.dot, in_dims=(0, None))(x, w))(y[0]),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_vmap_is_torchs(torch, rng, name):
    arrays = rng.normal(size=(2, 3, 4))
    ours, theirs = (SAMPLES[name](lib, *map(lib.tensor, arrays)) for lib in (tg, torch))
    if isinstance(theirs, dict):
        ours, theirs = tuple(ours.values()), tuple(theirs.values())
    if not isinstance(theirs, tuple):
        ours, theirs = (ours,), (theirs,)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == tuple(b.shape) and not a.requires_grad
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-12)  # roundings


@given(n=st.integers(1, 4), in_dim=st.integers(-3, 2), out_dim=st.integers(-3, 2), seed=st.integers(0, 99))
def test_the_identity_moves_the_dimension(n, in_dim, out_dim, seed):
    x = tg.tensor(np.random.default_rng(seed).normal(size=(n, n + 1, 2)))
    moved = vmap(lambda a: a, in_dims=in_dim, out_dims=out_dim)(x)
    np.testing.assert_array_equal(moved.numpy(), np.moveaxis(x.numpy(), in_dim, out_dim))


def test_gradients_of_every_sample_are_those_of_a_loop(rng):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    weights = {name: p.detach() for name, p in net.named_parameters()}
    x, target = tg.tensor(rng.normal(size=(5, 3))), tg.tensor(rng.integers(0, 2, 5))
    loss = lambda w, x, t: nn.functional.cross_entropy(functional_call(net, w, x.unsqueeze(0)), t.unsqueeze(0))
    each = vmap(grad(loss), in_dims=(None, 0, 0))(weights, x, target)
    for i in range(5):
        net.zero_grad()
        nn.functional.cross_entropy(net(x[i : i + 1]), target[i : i + 1]).backward()
        for name, p in net.named_parameters():
            np.testing.assert_array_equal(each[name][i].numpy(), p.grad.numpy())


def test_gradients_flow_through_to_the_batch():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    vmap(lambda a: (a * a).sum(), in_dims=1)(x).sum().backward()
    assert x.grad.tolist() == [[2, 4], [6, 8]]


def test_the_vjp_of_a_vmap_and_the_vmap_of_a_vjp_agree(rng):
    x, v = tg.tensor(rng.normal(size=(3, 2))), tg.tensor(rng.normal(size=(3, 2)))
    f = lambda a: a.exp() * a.sum()
    outside = vjp(vmap(f), x)[1](v)[0]
    inside = vmap(lambda a, b: vjp(f, a)[1](b)[0])(x, v)
    np.testing.assert_array_equal(outside.numpy(), inside.numpy())


def test_a_function_may_branch_on_its_slice():
    relu = vmap(lambda a: a if a > 0 else a * 0)
    assert relu(tg.tensor([-1.0, 2.0])).tolist() == [0, 2]
    assert vmap(grad(lambda a: a**2 if a > 0 else a * 0))(tg.tensor([-1.0, 2.0])).tolist() == [0, 4]


def test_out_dims_none_is_for_what_all_slices_share():
    x = tg.tensor([1.0, 2.0])
    y, constant = vmap(lambda a: (a, tg.ones(2)), out_dims=(0, None))(x)
    assert y.tolist() == [1, 2] and constant.tolist() == [1, 1]
    with pytest.raises(ValueError, match="out_dims is None for a result that differs"):
        vmap(lambda a: a, out_dims=None)(x)


def test_random_numbers_are_refused_shared_or_each_slices_own():
    x, noise = tg.zeros(3), lambda a: a + tg.rand(())
    with pytest.raises(RuntimeError, match="vmap: the function drew random numbers"):
        vmap(noise)(x)
    assert len(set(vmap(noise, randomness="same")(x).tolist())) == 1
    assert len(set(vmap(noise, randomness="different")(x).tolist())) == 3
    with pytest.raises(ValueError, match="randomness is"):
        vmap(noise, randomness="any")


def test_wrong_arguments_are_named():
    x, y = tg.ones(2, 3), tg.ones(4)
    with pytest.raises(ValueError, match=r"one common number of slices, got 2 along dimension 0 of shape \(2, 3\); 4"):
        vmap(lambda a, b: a)(x, y)
    with pytest.raises(ValueError, match="in_dims is None for all"):
        vmap(lambda a: a, in_dims=None)(x)
    with pytest.raises(ValueError, match="in_dims has 1 entries for 2 arguments"):
        vmap(lambda a, b: a, in_dims=(0,))(x, y)
    with pytest.raises(ValueError, match=r"in_dims=2 is no dimension of an argument of shape \(2, 3\)"):
        vmap(lambda a: a, in_dims=2)(x)
    with pytest.raises(ValueError, match="in_dims=.* does not fit to a Tensor"):
        vmap(lambda a: a, in_dims=((0, 0),))(x)
    with pytest.raises(ValueError, match="out_dims=.* does not fit to a tuple of 2"):
        vmap(lambda a: (a, a), out_dims=(0, 0, 0))(x)
    with pytest.raises(ValueError, match="there are 0 slices"):
        vmap(lambda a: a)(tg.ones(0, 3))
    with pytest.raises(TypeError, match="in_dims=0 is for Tensors, got float; give None"):
        vmap(lambda a, b: a)(x, 2.0)
    with pytest.raises(TypeError, match="vmap: the function must return Tensors, got float"):
        vmap(lambda a: 1.0)(x)
    with pytest.raises(RuntimeError, match=r"the same shape, got \(1,\) and \(2,\)"):
        vmap(lambda a: tg.ones(int(a)))(tg.tensor([1, 2]))


def test_it_is_found_where_torch_has_it():
    assert tg.vmap is tg.func.vmap
    for transform in (hessian, jacrev, jvp):
        assert getattr(tg.func, transform.__name__) is transform
