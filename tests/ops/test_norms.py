"""Norms of vectors and matrices, held against PyTorch's."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import assert_same, cases, check, check_case
from tests.ops.matrices import CLOSE, well


@pytest.mark.parametrize("entry, found", cases("matrix_norm", "vector_norm"))
def test_operations_agree_with_torch_linalg(torch, entry, found):
    check_case(torch, entry, found, getattr(torch.linalg, entry.name), **CLOSE)


def test_the_nuclear_norm_of_equal_singular_values_has_torchs_gradient(torch):
    ours, theirs = tg.tensor(2 * np.eye(3), requires_grad=True), torch.tensor(2 * np.eye(3), requires_grad=True)
    tg.linalg.matrix_norm(ours, "nuc").backward()
    torch.linalg.matrix_norm(theirs, "nuc").backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), atol=1e-14)


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf])
@pytest.mark.parametrize("keepdim", [False, True])
def test_norms_of_matrices_agree_with_torch(torch, ord, keepdim):
    x = well(3, 4)
    f = lambda home: lambda x: home.norm(x, ord, keepdim=keepdim)
    if ord is None and keepdim:
        return  # of the whole as one vector: covered by the norms of vectors
    check(torch, f(tg.linalg), f(torch.linalg), [x], **CLOSE)


@pytest.mark.parametrize("ord", [None, 0, 1, 2, 3, 0.5, math.inf, -math.inf])
def test_norms_of_vectors_agree_with_torch(torch, ord):
    f = lambda home: lambda x: home.norm(x, ord, dim=1)
    check(torch, f(tg.linalg), f(torch.linalg), [np.random.default_rng(2).normal(size=(3, 4, 2))], **CLOSE)


@pytest.mark.parametrize("p", [None, 2, -2, "nuc"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3)])
def test_condition_numbers_agree_with_torch(torch, shape, p):
    f = lambda home: lambda x: home.cond(x, p)
    check(torch, f(tg.linalg), f(torch.linalg), [well(*shape)], **CLOSE)


@pytest.mark.parametrize("p", ["fro", 1, -1, math.inf, -math.inf])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3)])
def test_condition_numbers_by_norms_are_the_norms_of_a_matrix_and_its_inverse(torch, shape, p):
    # PyTorch's cond overwrites the inverse, which its own gradient needs.
    theirs = lambda x: torch.linalg.matrix_norm(x, p) * torch.linalg.matrix_norm(torch.linalg.inv(x), p)
    check(torch, lambda x: tg.linalg.cond(x, p), theirs, [well(*shape)], **CLOSE)
    assert_same(tg.linalg.cond(tg.tensor(well(*shape)), p), torch.linalg.cond(torch.tensor(well(*shape)), p), "value")


@pytest.mark.parametrize("p", [None, -2])
@pytest.mark.parametrize("shape", [(4, 2), (2, 2, 4)])
def test_condition_numbers_of_rectangles_agree_with_torch(torch, shape, p):
    f = lambda home: lambda x: home.cond(x, p)
    check(torch, f(tg.linalg), f(torch.linalg), [well(*shape)], **CLOSE)


@pytest.mark.parametrize("p", ["fro", 1, -1])
def test_a_singular_matrix_has_an_infinite_condition_number_and_its_neighbours_do_not(torch, p):
    x = np.stack([np.ones((2, 2)), np.diag([4.0, 0.5])])
    ours, theirs = (home.linalg.cond(home.tensor(x), p) for home in (tg, torch))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("x, p", [(np.ones((2, 3)), 1), (np.ones((2, 3)), "nuc"), (np.eye(2), 3), (np.ones(2), None)])
def test_condition_numbers_that_torch_refuses_are_refused(torch, x, p):
    with pytest.raises(RuntimeError):
        torch.linalg.cond(torch.tensor(x), p)
    with pytest.raises(ValueError, match="cond|matrix_norm"):
        tg.linalg.cond(tg.tensor(x), p)


def test_the_condition_number_of_nothing_is_zero(torch):
    for home in (tg, torch):
        assert float(home.linalg.cond(home.ones(0, 0))) == 0


@pytest.mark.parametrize("entry, found", cases("renorm"))
def test_rescaled_slices_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found, **CLOSE)


@pytest.mark.parametrize("p", [0.5, 1, 2, 3])
def test_slices_of_more_dimensions_and_of_zeros_are_rescaled_as_in_torch(torch, p):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    x[:, 1] = 0.0
    f = lambda home: lambda x: home.renorm(x, p, -2, 1.0)
    check(torch, f(tg), f(torch), [x], twice=False)


def test_rescaling_a_vector_is_refused_as_in_torch(torch):
    for home in (tg, torch):
        with pytest.raises(RuntimeError, match="renorm"):
            home.renorm(home.ones(3), 2, 0, 1.0)
