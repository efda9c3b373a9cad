"""Products of matrices and vectors: values, derivatives and refusals are PyTorch's."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case


def array(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


SHAPES = [
    ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((3,), (5, 3, 2)), ((5, 2, 3), (3,)), ((5, 2, 3),
    (3, 4)),
    ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((6, 5, 2, 3),
    (3,)),
    ((3,), (6, 5, 3, 2)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 3), (3, 0)), ((0, 2, 3), (3, 2)), ((1,), (1, 1)),
    ((0,), (0,)),
    ((4, 1, 2, 3), (1, 5, 3, 1)),
]  # fmt: skip


@pytest.mark.parametrize("a, b", SHAPES)
def test_matmul_of_every_form_agrees_with_torch(torch, a, b):
    check(torch, lambda x, y: x @ y, lambda x, y: x @ y, [array(*a), array(*b, seed=1)])


@given(front_a=st.lists(st.sampled_from([1, 2]), max_size=3), front_b=st.lists(st.sampled_from([1, 2]), max_size=3),
    n=st.integers(1, 3),
       k=st.integers(0, 3), m=st.integers(1, 3))  # fmt: skip
def test_matmul_of_random_shapes_agrees_with_torch(torch, front_a, front_b, n, k, m):
    check(torch, tg.matmul, torch.matmul, [array(*front_a, n, k), array(*front_b, k, m, seed=1)])


@pytest.mark.parametrize("a, b", [((2, 3), (4, 3)), ((5, 2, 3), (4, 3)), ((5, 3, 2), (5, 4, 3))])
def test_matmul_of_transposed_operands_agrees_with_torch(torch, a, b):
    def call(x, y):
        return (x if len(a) == 2 or a[1] == 2 else x.mT) @ y.mT

    check(torch, call, call, [array(*a), array(*b, seed=1)])


def test_a_matrix_times_itself(torch):
    check(torch, lambda x: x @ x @ x, lambda x: x @ x @ x, [array(3, 3)])


@pytest.mark.parametrize(
    "entry, found", list(cases("mm", "bmm", "mv", "dot", "outer", "inner", "addmm", "baddbmm", "tensordot", draws=3))
)
def test_agrees_with_torch(torch, entry, found):
    check_case(torch, entry, found)


def test_integers_multiply_and_have_no_gradient(torch):
    a, b = np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4)
    product = tg.tensor(a) @ tg.tensor(b)
    assert product.dtype == tg.int64
    np.testing.assert_array_equal(product.numpy(), (torch.tensor(a) @ torch.tensor(b)).numpy())


def test_float32_stays_float32():
    x, w = tg.ones(2, 3, requires_grad=True), tg.ones(3, 4, requires_grad=True)
    (x @ w).sum().backward()
    assert (x @ w).dtype == x.grad.dtype == w.grad.dtype == tg.float32


REFUSED = {
    "inner dimensions": ((64, 784), (100, 10), "matmul: inner dimensions differ: (64, 784) @ (100, 10)"),
    "vector and matrix": ((3,), (4, 2), "matmul: inner dimensions differ: (3,) @ (4, 2)"),
    "vectors": ((3,), (4,), "matmul: inner dimensions differ: (3,) @ (4,)"),
    "in front": ((2, 2, 3), (3, 3, 2), "matmul: the dimensions in front do not broadcast: (2, 2, 3) @ (3, 3, 2)"),
    "numbers": ((), (3,), "matmul: both operands need at least one dimension, got () @ (3,)"),
}


@pytest.mark.parametrize("a, b, message", REFUSED.values(), ids=REFUSED)
def test_matmul_refuses_shapes_as_torch_does(torch, a, b, message):
    with pytest.raises(RuntimeError):
        torch.ones(a) @ torch.ones(b)
    with pytest.raises(tg.ShapeError, match=re.escape(message)):
        tg.ones(a) @ tg.ones(b)


@pytest.mark.parametrize(
    "a, b", [("float32", "float64"), ("float64", "float16"), ("int64", "float32"), ("int32", "int64")]
)
@pytest.mark.parametrize("call", ["matmul", "einsum"])
def test_mixed_dtypes_are_refused_by_name(torch, a, b, call):
    def product(lib):
        x, y = lib.ones(2, 2, dtype=getattr(lib, a)), lib.ones(2, 2, dtype=getattr(lib, b))
        return x @ y if call == "matmul" else lib.einsum("ij,jk->ik", x, y)

    with pytest.raises(RuntimeError):
        product(torch)
    with pytest.raises(tg.DtypeError, match=f"{call}: both operands must have one dtype, got {a} and {b}"):
        product(tg)


def test_matmul_refuses_what_is_no_tensor():
    with pytest.raises(TypeError, match="matmul: expected two tensors, got ndarray and int"):
        tg.ones(2) @ 3
    with pytest.raises(TypeError, match="matmul"):
        tg.ones(2) @ [1.0, 2.0]


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda lib, x: lib.mm(x[0], x[0, 0]),
            "mm: expected input of 2 dimensions, mat2 of 2 dimensions, got input (2, 2), mat2 (2,)",
        ),
        (lambda lib, x: lib.bmm(x, x[0]), "bmm: expected input of 3 dimensions"),
        (lambda lib, x: lib.bmm(x, x[:1]), "bmm: batch sizes differ: (2, 2, 2) and (1, 2, 2)"),
        (lambda lib, x: lib.mv(x[0], x[0]), "mv: expected"),
        (lambda lib, x: lib.dot(x[0], x[0]), "dot: expected"),
        (lambda lib, x: lib.outer(x[0], x[0, 0]), "outer: expected"),
        (lambda lib, x: lib.tensordot(x, lib.ones(3), ([0], [0])), "tensordot: dimensions [0] of (2, 2, 2) do not fit"),
    ],
)
def test_the_others_refuse_shapes_as_torch_does(torch, call, message):
    with pytest.raises(RuntimeError):
        call(torch, torch.ones(2, 2, 2))
    with pytest.raises(tg.ShapeError, match=re.escape(message)):
        call(tg, tg.ones(2, 2, 2))
