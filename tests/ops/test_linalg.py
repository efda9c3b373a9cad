"""Products of matrices and einsum: values, derivatives and refusals are PyTorch's."""

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


@pytest.mark.parametrize("shapes", [((), (3,)), ((3,), (3,)), ((2, 3), (4, 3)), ((2, 3), (3,)), ((2, 5, 3), (4, 3))])
def test_inner_agrees_with_torch(torch, shapes):
    check(torch, tg.inner, torch.inner, [array(*shapes[0]), array(*shapes[1], seed=1)])


@pytest.mark.parametrize("dims", [0, 1, 2, ([1], [0]), ([0, 1], [1, 0]), ([-1], [0]), ([], [])])
def test_tensordot_agrees_with_torch(torch, dims):
    check(
        torch,
        lambda x, y: tg.tensordot(x, y, dims),
        lambda x, y: torch.tensordot(x, y, dims),
        [array(3, 3), array(3, 3, seed=1)],
    )


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
            "mm: expected a of 2 dimensions, b of 2 dimensions, got a (2, 2), b (2,)",
        ),
        (lambda lib, x: lib.bmm(x, x[0]), "bmm: expected a of 3 dimensions"),
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


EINSUMS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ij , jk -> ki": [(2, 3), (3, 4)],
    "ij->ji": [(2, 3)],
    "ij->j": [(2, 3)],
    "ij->": [(2, 3)],
    "ij": [(2, 3)],
    "ba": [(2, 3)],
    "i,i->": [(3,), (3,)],
    "i,j->ij": [(3,), (2,)],
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 2)],
    "bij,jk,kl->bil": [(2, 3, 4), (4, 2), (2, 3)],
    "ij,ij,ij->i": [(2, 3), (2, 3), (2, 3)],
    "a,b,c,d->dcba": [(2,), (3,), (2,), (1,)],
    "ij,kl->i": [(2, 3), (2, 2)],
    "ii->i": [(3, 3)],
    "ii": [(3, 3)],
    "iij->j": [(3, 3, 2)],
    "iii->i": [(2, 2, 2)],
    "ijij->": [(2, 3, 2, 3)],
    "ii,i->i": [(3, 3), (3,)],
    "iji,jj->i": [(2, 3, 2), (3, 3)],
    "...ij,...jk->...ik": [(2, 1, 2, 3), (5, 3, 4)],
    "...ij->...ji": [(2, 3, 4)],
    "i...,i...->...": [(2, 3), (2, 3)],
    "...,...": [(2, 3), (3,)],
    "...i,j": [(2, 3), (2,)],
    "b...->b": [(2, 3, 4)],
    "...": [(2, 3)],
    "ij,jk->ik, stretched": [(2, 1), (3, 4)],
    "ij,ij->ij, stretched": [(2, 1), (1, 3)],
    ",ij->ji": [(), (2, 3)],
    "ij,jk->ik, empty": [(2, 0), (0, 3)],
    "Ab,bC->CA": [(2, 3), (3, 2)],
}


@pytest.mark.parametrize("equation, shapes", EINSUMS.items(), ids=EINSUMS)
def test_einsum_agrees_with_torch(torch, equation, shapes):
    equation = equation.partition(", ")[0] if "stretched" in equation or "empty" in equation else equation
    inputs = [array(*shape, seed=k) for k, shape in enumerate(shapes)]
    check(torch, lambda *x: tg.einsum(equation, *x), lambda *x: torch.einsum(equation, *x), inputs)


@given(data=st.data())
def test_random_einsums_agree_with_torch(torch, data):
    lengths = {"a": 2, "b": 3, "c": 1, "d": 2}
    parts = data.draw(st.lists(st.lists(st.sampled_from("abcd"), max_size=4).map("".join), min_size=1, max_size=3))
    letters = sorted(set("".join(parts)))
    result = "".join(data.draw(st.lists(st.sampled_from(letters), unique=True))) if letters else ""
    equation = ",".join(parts) + "->" + result
    inputs = [array(*(lengths[letter] for letter in part), seed=k) for k, part in enumerate(parts)]
    check(torch, lambda *x: tg.einsum(equation, *x), lambda *x: torch.einsum(equation, *x), inputs)


@pytest.mark.parametrize(
    "equation, shapes, message",
    [
        ("ij,jk->ik", [(2, 3)], "einsum: 'ij,jk->ik' speaks of 2 operands, but 1 are given"),
        ("ij->i", [(2, 3, 4)], "einsum: operand 0 of 'ij->i' is 'ij', but has shape (2, 3, 4)"),
        ("ijk->i", [(2, 3)], "einsum: operand 0"),
        ("ij,jk->ik", [(2, 3), (4, 5)], "einsum: 'j' has lengths 3 and 4"),
        ("ii->i", [(2, 3)], "einsum: 'i' has lengths 2 and 3"),
        ("ii->i", [(1, 3)], "einsum: the diagonal 'i'"),
        ("ij->ii", [(2, 3)], "einsum: a letter of the result"),
        ("ij->k", [(2, 3)], "einsum: a letter of the result"),
        ("i1->i", [(2, 3)], "einsum: expected letters"),
        ("i..j->i", [(2, 3)], "einsum: expected letters"),
    ],
)
def test_einsum_refuses_as_torch_does(torch, equation, shapes, message):
    with pytest.raises(RuntimeError):
        torch.einsum(equation, *[torch.ones(s) for s in shapes])
    with pytest.raises(tg.ShapeError, match=re.escape(message)):
        tg.einsum(equation, *[tg.ones(s) for s in shapes])


def test_einsum_of_integers_keeps_their_type():
    x = np.arange(6, dtype=np.int32).reshape(2, 3)
    for equation, operands in (("ij->i", [x]), ("ij,kj->i", [x, x]), ("ij,j->i", [x, x[0]])):
        ours = tg.einsum(equation, *map(tg.tensor, operands))
        assert ours.dtype == np.int32
        np.testing.assert_array_equal(ours.numpy(), np.einsum(equation, *operands))


def test_contract_copies_and_keeps_its_own_list():
    x, y = tg.tensor([[1.0, 2.0]], requires_grad=True), tg.tensor([3.0, 4.0], requires_grad=True)
    assert not np.may_share_memory(tg.contract("ij->ji", [x]).detach().numpy(), x.detach().numpy())
    operands = [x, y]
    z = tg.contract("ij,j->i", operands)
    operands[0] = operands[1] = tg.zeros(2)
    z.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[3, 4]])
    np.testing.assert_array_equal(y.grad.numpy(), [1, 2])


def test_einsum_takes_its_equation_first():
    with pytest.raises(TypeError, match="einsum: expected an equation such as"):
        tg.einsum(tg.ones(2), "i->")
