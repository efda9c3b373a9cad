"""Gaussian elimination and its gradients, held against PyTorch's in float64."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case
from tests.ops.matrices import CLOSE, well

SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 3), (2, 1, 3, 2), (1, 1), (0, 3, 3), (3, 0)]


def shuffled(*shape):
    """Matrices whose rows elimination exchanges."""
    return np.flip(well(*shape), -2).copy()


@pytest.mark.parametrize("entry, found", cases("lu_solve"))
def test_solutions_from_factors_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found, torch.linalg.lu_solve, **CLOSE)


@pytest.mark.parametrize("entry, found", cases("lu_unpack"))
def test_factors_are_unpacked_as_in_torch(torch, entry, found):
    check_case(torch, entry, found, **CLOSE)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["lu", "lu_factor"])
def test_factors_agree_with_torch(torch, name, shape):
    check(torch, getattr(tg.linalg, name), getattr(torch.linalg, name), [shuffled(*shape)], **CLOSE)


@pytest.mark.parametrize("shape", [(4, 4), (5, 2), (2, 5), (3, 4, 4)])
def test_the_product_of_the_factors_is_the_matrix(shape):
    x = np.random.default_rng(0).normal(size=shape)
    P, L, U = tg.linalg.lu(tg.tensor(x))
    np.testing.assert_allclose((P @ L @ U).numpy(), x, rtol=0, atol=1e-14)  # a few roundings of elements of size 1
    np.testing.assert_array_equal(np.triu(L.numpy(), 1), 0)
    np.testing.assert_array_equal(np.tril(U.numpy(), -1), 0)


def test_solving_with_batches_of_right_sides(torch):
    a, b = np.random.default_rng(0).normal(size=(2, 4, 4)), np.random.default_rng(1).normal(size=(2, 4, 3))
    f = lambda home: lambda a, b: home.lu_solve(*home.lu_factor(a), b)
    check(torch, f(tg.linalg), f(torch.linalg), [a, b], **CLOSE)


def test_a_singular_matrix_has_factors_but_none_to_solve_with(torch):
    x = np.ones((2, 2))
    for ours, theirs in zip(tg.linalg.lu(tg.tensor(x)), torch.linalg.lu(torch.tensor(x)), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    with pytest.raises(RuntimeError):
        torch.linalg.lu_factor(torch.tensor(x))
    with pytest.raises(tg.linalg.LinAlgError, match="lu_factor: a matrix is singular"):
        tg.linalg.lu_factor(tg.tensor(x))


def test_elimination_without_exchanges_is_refused_as_on_torchs_cpu(torch):
    for home in (torch, tg):
        with pytest.raises(RuntimeError, match="pivot"):
            home.linalg.lu(home.ones(2, 2), pivot=False)


def test_parts_that_are_not_wanted_are_empty(torch):
    for home in (tg, torch):
        factors = home.linalg.lu_factor(home.tensor([[1.0, 1.0], [2.0, 4.0]]))
        P, L, U = home.lu_unpack(*factors, unpack_data=False)
        assert (tuple(P.shape), tuple(L.shape), tuple(U.shape)) == ((2, 2), (0,), (0,))
        P, L, U = home.lu_unpack(*factors, unpack_pivots=False)
        assert (tuple(P.shape), tuple(L.shape), tuple(U.shape)) == ((0,), (2, 2), (2, 2))


def test_wrong_pivots_and_right_sides_are_refused():
    with pytest.raises(tg.ShapeError, match=r"lu_unpack: expected 2 pivots, which are integers, got \(3,\) int32"):
        tg.lu_unpack(tg.ones(2, 2), tg.ones(3, dtype=tg.int32))
    with pytest.raises(ValueError, match="lu_unpack: pivots count rows from 1 to 2, got 1 to 3"):
        tg.lu_unpack(tg.ones(2, 2), tg.tensor([1, 3], dtype=tg.int32))
    with pytest.raises(tg.ShapeError, match=r"lu_solve: the factors have shape \(2, 2\) and the right side \(3, 1\)"):
        tg.linalg.lu_solve(tg.ones(2, 2), tg.ones(2, dtype=tg.int32), tg.ones(3, 1))
