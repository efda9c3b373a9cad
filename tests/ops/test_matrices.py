"""What all operations on matrices refuse, and what they keep."""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import check
from tests.ops.matrices import well

REFUSED = [
    ("inv", [(2, 3)], "inv: expected a square matrix, or a batch of them, got shape (2, 3)"),
    ("det", [(3,)], "det: expected a matrix, or a batch of them, got shape (3,)"),
    ("slogdet", [(2, 3)], "slogdet: expected a square matrix"),
    ("cholesky", [(2, 3)], "cholesky: expected a square matrix"),
    ("eigh", [(2, 3)], "eigh: expected a square matrix"),
    ("matrix_exp", [(2, 3)], "matrix_exp: expected a square matrix"),
    ("svd", [(3,)], "svd: expected a matrix"),
    ("qr", [(3,)], "qr: expected a matrix"),
    ("solve", [(3, 3), (2, 1)], "solve: the matrix has shape (3, 3) and the right side (2, 1): their lengths differ"),
    ("solve", [(2, 3, 3), (4, 3, 1)], "solve: the dimensions in front do not broadcast: (2, 3, 3) and (4, 3, 1)"),
    ("lstsq", [(3, 2), (2, 2)], "lstsq: both sides need as many rows"),
    ("cross", [(2,), (2,)], "cross: dimension -1 of both operands must have length 3, got (2,) and (2,)"),
    ("cross", [(3,), (1, 3)], "cross: both operands need as many dimensions"),
    ("matrix_norm", [(3,)], "matrix_norm: expected a matrix"),
]


@pytest.mark.parametrize("name, shapes, message", REFUSED)
def test_shapes_that_torch_refuses_are_refused(torch, name, shapes, message):
    with pytest.raises(RuntimeError):
        getattr(torch.linalg, name)(*[torch.ones(s) for s in shapes])
    with pytest.raises(tg.ShapeError, match=re.escape(message)):
        getattr(tg.linalg, name)(*[tg.ones(s) for s in shapes])


@pytest.mark.parametrize("name", ["inv", "det", "cholesky", "eigh", "svd", "qr", "matrix_exp"])
def test_integers_are_refused_as_torch_does(torch, name):
    with pytest.raises(RuntimeError):
        getattr(torch.linalg, name)(torch.ones(2, 2, dtype=torch.int64))
    with pytest.raises(tg.DtypeError, match=f"{name}: expected floats, got int64"):
        getattr(tg.linalg, name)(tg.ones(2, 2, dtype=tg.int64))


def test_singular_and_indefinite_matrices_are_refused_as_torch_does(torch):
    singular, indefinite = np.ones((2, 2)), np.diag([1.0, -1.0])
    for call, x in ((lambda h, x: h.inv(x), singular), (lambda h, x: h.cholesky(x), indefinite)):
        with pytest.raises(torch.linalg.LinAlgError):
            call(torch.linalg, torch.tensor(x))
        with pytest.raises(tg.linalg.LinAlgError):
            call(tg.linalg, tg.tensor(x))
    with pytest.raises(tg.linalg.LinAlgError, match="solve: a matrix is singular"):
        tg.linalg.solve(tg.tensor(singular), tg.ones(2, dtype=tg.float64))
    with pytest.raises(RuntimeError):  # as PyTorch's users catch it
        tg.inverse(tg.tensor(singular))


@pytest.mark.parametrize("name", ["inv", "det", "cholesky", "eigvalsh", "svdvals", "pinv", "matrix_exp"])
def test_single_precision_stays(name):
    x = tg.tensor(well(3, 3) @ well(3, 3).T, dtype=tg.float32, requires_grad=True)
    y = getattr(tg.linalg, name)(x)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32


def test_every_name_of_linalg_is_one_of_torchs(torch):
    assert [name for name in tg.linalg.__all__ if not hasattr(torch.linalg, name)] == []


@pytest.mark.parametrize("options", [{}, {"N": 2}, {"N": 5}])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 0, 3)])
def test_powers_of_elements_agree_with_torch(torch, shape, options):
    x = np.random.default_rng(0).normal(size=shape)
    x.flat[:1] = 0.0  # where x⁰ is 1, and its gradient 0
    f = lambda home: lambda x: home.vander(x, **options)
    check(torch, f(tg.linalg), f(torch.linalg), [x], twice=False)


def test_fewer_than_two_powers_are_refused_as_in_torch(torch):
    for home, error in ((torch, RuntimeError), (tg, ValueError)):
        with pytest.raises(error, match="N"):
            home.linalg.vander(home.ones(3), N=1)
    with pytest.raises(tg.ShapeError, match="vander"):
        tg.linalg.vander(tg.tensor(1.0))


def test_diagonals_are_those_of_the_last_two_dimensions(torch):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for options in ({}, {"offset": 1}, {"dim1": 0, "dim2": 1}):
        f = lambda home, options=options: lambda x: home.diagonal(x, **options)
        check(torch, f(tg.linalg), f(torch.linalg), [x])
