"""Joining and splitting: values, derivatives and refusals are PyTorch's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.against_torch import check

X = np.arange(12.0).reshape(3, 4) / 5


@given(sizes=st.lists(st.integers(0, 3), min_size=1, max_size=4), dim=st.integers(-3, 2))
def test_cat_of_random_sizes_agrees_with_torch(torch, sizes, dim):
    shapes = [tuple(size if i == dim % 3 else 2 for i in range(3)) for size in sizes]
    inputs = [np.arange(float(np.prod(s))).reshape(s) + k for k, s in enumerate(shapes)]
    check(torch, lambda *x: tg.cat(x, dim), lambda *x: torch.cat(x, dim), inputs)


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -3])
def test_stack_agrees_with_torch(torch, dim):
    check(torch, lambda *x: tg.stack(x, dim=dim), lambda *x: torch.stack(x, dim=dim), [X, X * 2, X - 1])


@pytest.mark.parametrize("name", ["hstack", "vstack", "dstack"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4)])
def test_stacks_of_every_dimension_agree_with_torch(torch, name, shape):
    inputs = [np.linspace(k, 1, int(np.prod(shape))).reshape(shape) for k in (2, 3)]
    check(torch, lambda *x: getattr(tg, name)(x), lambda *x: getattr(torch, name)(x), inputs)


@pytest.mark.parametrize("name", ["cat", "stack", "hstack", "vstack", "dstack"])
def test_one_tensor_may_be_joined_with_itself(torch, name):
    check(torch, lambda x: getattr(tg, name)([x, x, x * 2]), lambda x: getattr(torch, name)([x, x, x * 2]), [X])


@pytest.mark.parametrize("name", ["cat", "stack"])
def test_dtypes_are_promoted_as_in_torch(torch, name):
    for a, b in (("float32", "float64"), ("int64", "float32"), ("bool", "int32"), ("int64", "float16")):
        ours = getattr(tg, name)([tg.ones(2, dtype=getattr(tg, a)), tg.ones(2, dtype=getattr(tg, b))])
        theirs = getattr(torch, name)([torch.ones(2, dtype=getattr(torch, a)), torch.ones(2, dtype=getattr(torch, b))])
        assert ours.dtype == theirs.numpy().dtype


def test_gradients_keep_each_operands_dtype():
    a, b = tg.ones(2, requires_grad=True), tg.ones(3, dtype=tg.float64, requires_grad=True)
    tg.cat([a, b]).sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (tg.float32, tg.float64)


def test_an_empty_vector_fits_everything_in_cat(torch):
    check(torch, lambda *x: tg.cat(x, 1), lambda *x: torch.cat(x, 1), [np.zeros(0), X, X])


def test_the_list_may_be_changed_afterwards():
    parts = [tg.ones(2, requires_grad=True)]
    y = tg.cat(parts).sum() + tg.stack(parts).sum()
    x = parts.pop()
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 2])


CALLS = {
    "split, size": lambda x: x.split(2),
    "split, size, dim": lambda x: x.split(3, dim=1),
    "split, sizes": lambda x: x.split([1, 0, 2]),
    "split, larger": lambda x: x.split(9, -1),
    "split, empty": lambda x: x[:0].split(3),
    "chunk": lambda x: x.chunk(2),
    "chunk, more than there are": lambda x: x.chunk(9, 1),
    "chunk, empty": lambda x: x[:, :0].chunk(3, 1),
    "tensor_split": lambda x: x.tensor_split(3, dim=1),
    "tensor_split, more than there are": lambda x: x.tensor_split(5),
    "tensor_split, places": lambda x: x.tensor_split((1, 3), dim=-1),
    "unbind": lambda x: x.unbind(),
    "unbind, dim": lambda x: x.unbind(-1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_parts_agree_with_torch(torch, call):
    check(torch, call, call, [X])


def test_parts_are_views_that_may_be_written_to():
    h = tg.tensor(X, requires_grad=True)
    x = h * 1
    top, bottom = x.split([1, 2])
    top.mul_(3)
    bottom.zero_()
    x.sum().backward()
    np.testing.assert_array_equal(h.grad.numpy(), [[3] * 4, [0] * 4, [0] * 4])


REFUSED = {
    "cat of nothing": (lambda lib, x: lib.cat([]), (TypeError, ValueError, RuntimeError), "cat: expected a list"),
    "cat of numbers": (lambda lib, x: lib.cat([x[0, 0], x[0, 0]]), RuntimeError, "use stack"),
    "cat of shapes": (
        lambda lib, x: lib.cat([x, x.T]),
        RuntimeError,
        r"cat: shapes must be equal except in dimension 0",
    ),
    "cat of dims": (lambda lib, x: lib.cat([x, x[0]]), RuntimeError, "cat: shapes must be equal"),
    "cat along": (lambda lib, x: lib.cat([x, x], 2), IndexError, "cat: dimension 2 is out of range"),
    "stack of shapes": (
        lambda lib, x: lib.stack([x, x[:2]]),
        RuntimeError,
        r"stack: all shapes must be equal, got \[\(3, 4\), \(2, 4\)",
    ),
    "stack along": (lambda lib, x: lib.stack([x, x], 3), IndexError, "stack: dimension 3"),
    "split sizes": (lambda lib, x: x.split([1, 1]), RuntimeError, r"split: sizes \[1, 1\] do not add up to 3"),
    "split size": (lambda lib, x: x.split(0), RuntimeError, "split: expected a positive size"),
    "chunk": (lambda lib, x: x.chunk(0), RuntimeError, "chunk: expected a positive number"),
    "chunk of a number": (lambda lib, x: x[0, 0].chunk(2), RuntimeError, "chunk: expected at least one dimension"),
}


@pytest.mark.parametrize("call, kinds, message", REFUSED.values(), ids=REFUSED)
def test_refuses_what_torch_refuses(torch, call, kinds, message):
    with pytest.raises(kinds):
        call(torch, torch.tensor(X))
    with pytest.raises(kinds, match=message):
        call(tg, tg.tensor(X))


def test_arrays_and_tensors_mix():
    x = tg.tensor(X, requires_grad=True)
    tg.cat([X, x, X]).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones((3, 4)))
    assert type(tg.cat([X, X])) is np.ndarray
