"""Inverses and equations, held against PyTorch in float64, in batches and at the edges."""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case
from tests.ops.matrices import CLOSE, well


@pytest.mark.parametrize("entry, found", cases("inv", "solve", "solve_triangular"))
def test_operations_agree_with_torch_linalg(torch, entry, found):
    check_case(torch, entry, found, getattr(torch.linalg, entry.name), **CLOSE)


@pytest.mark.parametrize("entry, found", cases("inverse"))
def test_operations_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found, **CLOSE)


@pytest.mark.parametrize(
    "a, b", [((2, 3, 3), (3,)), ((3, 3), (2, 3, 2)), ((2, 1, 3, 3), (4, 3, 2)), ((2, 3, 3), (2, 3)), ((0, 0), (0, 2))]
)
def test_solve_broadcasts_as_torchs(torch, a, b):
    inputs = [well(*a), np.random.default_rng(3).normal(size=b)]
    check(torch, tg.linalg.solve, torch.linalg.solve, inputs, **CLOSE)


@pytest.mark.parametrize("options", [dict(upper=True), dict(upper=False), dict(upper=True, unitriangular=True)])
def test_triangular_solve_in_batches_from_the_right(torch, options):
    inputs = [well(2, 3, 3), np.random.default_rng(3).normal(size=(2, 4, 3))]
    f = lambda home: lambda a, b: home.solve_triangular(a, b, left=False, **options)
    check(torch, f(tg.linalg), f(torch.linalg), inputs, **CLOSE)


def test_triangular_solve_takes_a_square_right_side_as_a_matrix(torch):
    inputs = [well(2, 2, 2), well(2, 2, seed=1)]
    f = lambda home: lambda a, b: home.solve_triangular(a, b, upper=True)
    check(torch, f(tg.linalg), f(torch.linalg), inputs, **CLOSE)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize(
    "l, b", [((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1)), ((2, 1, 3, 3), (4, 3, 2)), ((0, 0), (0, 2))]
)
def test_solutions_from_cholesky_factors_agree_with_torch(torch, l, b, upper):
    # PyTorch's gradient fills the triangle that is not read as well; of a triangle the two are equal.
    f = lambda home: lambda b, l: home.cholesky_solve(b, (home.triu if upper else home.tril)(l), upper)
    check(torch, f(tg), f(torch), [np.random.default_rng(0).normal(size=b), well(*l)], **CLOSE)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (0, 0)])
def test_inverses_from_cholesky_factors_agree_with_torch(torch, shape, upper):
    f = lambda home: lambda l: home.cholesky_inverse((home.triu if upper else home.tril)(l), upper)
    check(torch, f(tg), f(torch), [well(*shape)], **CLOSE)


def test_of_a_cholesky_factor_one_triangle_alone_is_read_and_has_a_gradient():
    l = tg.tensor([[2.0, 99.0], [0.0, 1.0]], requires_grad=True)
    tg.cholesky_solve(tg.ones(2, 1), l).sum().backward()
    # With l = [[a, .], [c, d]] the sum is 1/a² + (1 - c/a)²/d², here at a = 2, c = 0, d = 1.
    np.testing.assert_allclose(l.grad.numpy(), [[-0.25, 0.0], [-1.0, -2.0]])


TENSORS = [((2, 3, 6), (2, 3), None), ((6, 4, 2, 3, 4), (6, 4), None), ((3, 6, 4, 2), (3, 4), (1,))]
TENSORS += [((2, 6, 3), (2, 3), (1,)), ((1, 1), (1,), None)]


@pytest.mark.parametrize("a, b, dims", TENSORS)
def test_tensor_equations_agree_with_torch(torch, a, b, dims):
    rng = np.random.default_rng(0)
    f = lambda home: lambda a, b: home.tensorsolve(a, b, dims)
    # Gaussian matrices of up to 24 rows have condition numbers of some hundreds, squared in second derivatives.
    check(torch, f(tg.linalg), f(torch.linalg), [rng.normal(size=a), rng.normal(size=b)], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("shape, ind", [((6, 2, 3), 1), ((2, 3, 6), 2), ((2, 2, 2, 2), 2), ((2, 2, 1, 4), 3)])
def test_tensor_inverses_agree_with_torch(torch, shape, ind):
    x = np.random.default_rng(0).normal(size=shape)
    f = lambda home: lambda x: home.tensorinv(x, ind)
    check(torch, f(tg.linalg), f(torch.linalg), [x], rtol=1e-8, atol=1e-8)  # as above, of up to 6 rows


def test_a_tensor_inverse_solves_tensor_equations():
    a, b = tg.tensor(np.random.default_rng(0).normal(size=(2, 3, 6))), tg.tensor(np.arange(6.0).reshape(2, 3))
    x = tg.tensordot(tg.linalg.tensorinv(a), b, 2)
    np.testing.assert_allclose(x.numpy(), tg.linalg.tensorsolve(a, b).numpy(), rtol=1e-10)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda h: h.linalg.tensorsolve(h.ones(2, 3), h.ones(2)), "tensorsolve: the first dimensions"),
        (lambda h: h.linalg.tensorinv(h.ones(2, 3), ind=1), "tensorinv: the dimensions (2,) and (3,)"),
        (lambda h: h.linalg.tensorinv(h.ones(2, 2), ind=0), "tensorinv: ind is a positive number of dimensions, got 0"),
        (lambda h: h.cholesky_solve(h.ones(3, 1), h.eye(2)), "cholesky_solve: the factor has shape (2, 2)"),
        (lambda h: h.cholesky_solve(h.ones(2), h.eye(2)), "cholesky_solve: expected a matrix"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_as_in_torch(torch, call, message):
    with pytest.raises(RuntimeError):
        call(torch)
    with pytest.raises(ValueError, match=re.escape(message)):
        call(tg)
