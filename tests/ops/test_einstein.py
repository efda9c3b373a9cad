"""Sums of products over letters and pairs of dimensions: values, derivatives and refusals are PyTorch's."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.against_torch import check


def array(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


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
