"""The factorisations of Cholesky and QR, held against PyTorch's in float64."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import check
from tests.ops.matrices import CLOSE, symmetric, well


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 3, 3), (2, 1, 4, 4), (0, 3, 3)])
def test_symmetric_matrices_agree_with_torch(torch, shape):
    check(torch, symmetric(tg.linalg.cholesky), symmetric(torch.linalg.cholesky), [well(*shape)], **CLOSE)


def test_upper_cholesky_agrees_with_torch(torch):
    f = lambda home: symmetric(lambda x: home.cholesky(x, upper=True))
    check(torch, f(tg.linalg), f(torch.linalg), [well(2, 3, 3)], **CLOSE)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 4, 3), (2, 2, 3), (1, 3), (3, 1)])
def test_qr_agrees_with_torch(torch, shape):
    check(torch, tg.linalg.qr, torch.linalg.qr, [well(*shape)], **CLOSE)


def test_complete_qr_has_torchs_values_and_refuses_a_gradient(torch):
    x = well(4, 2)
    for ours, theirs in zip(
        tg.linalg.qr(tg.tensor(x), "complete"), torch.linalg.qr(torch.tensor(x), "complete"), strict=True
    ):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-14)
    with pytest.raises(RuntimeError, match='qr: mode "complete" has no gradient'):
        tg.linalg.qr(tg.tensor(x, requires_grad=True), "complete")


@pytest.mark.parametrize("shape, k", [((3, 3), 3), ((4, 2), 2), ((4, 3), 1), ((2, 3, 2), 2)])
def test_products_of_reflections_agree_with_torch(torch, shape, k):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape), rng.normal(size=(*shape[:-2], k))]
    check(torch, tg.linalg.householder_product, torch.linalg.householder_product, inputs, **CLOSE)


def test_the_product_of_lapacks_reflections_is_q():
    x = well(4, 3)
    h, tau = np.linalg.qr(x, "raw")
    q = tg.linalg.householder_product(tg.tensor(h.T.copy()), tg.tensor(tau))
    np.testing.assert_allclose(q.numpy(), np.linalg.qr(x).Q, atol=1e-14)  # a few roundings of numbers below 1


@pytest.mark.parametrize("a, tau", [((2, 3), (2,)), ((3, 2), (3,)), ((2, 3, 2), (2,))])
def test_reflections_that_torch_refuses_are_refused(torch, a, tau):
    with pytest.raises(RuntimeError):
        torch.linalg.householder_product(torch.ones(a), torch.ones(tau))
    with pytest.raises(tg.ShapeError, match="householder_product: expected a matrix at least as high as wide"):
        tg.linalg.householder_product(tg.ones(a), tg.ones(tau))
