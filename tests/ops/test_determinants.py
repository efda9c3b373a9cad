"""Determinants with gradients, also of singular matrices."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check_case
from tests.ops.matrices import CLOSE


@pytest.mark.parametrize("entry, found", cases("det", "slogdet"))
def test_operations_agree_with_torch_linalg(torch, entry, found):
    check_case(torch, entry, found, getattr(torch.linalg, entry.name), **CLOSE)


@pytest.mark.parametrize("entry, found", cases("logdet", "trace"))
def test_operations_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found, **CLOSE)


@pytest.mark.parametrize("x", [np.ones((2, 2)), np.diag([1.0, 2.0, 0.0]), np.zeros((3, 3)), np.zeros((1, 1))])
def test_the_gradient_of_a_determinant_that_is_zero_is_the_cofactors(x):
    t = tg.tensor(x, requires_grad=True)
    t.det().backward()
    n = len(x)
    minor = lambda i, j: (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, 0), j, 1))
    np.testing.assert_allclose(t.grad.numpy(), [[minor(i, j) for j in range(n)] for i in range(n)], atol=1e-14)


def test_a_batch_with_one_singular_matrix_has_the_gradient_of_each():
    x = tg.tensor(np.stack([np.diag([1.0, 0.0]), np.diag([2.0, 3.0])]), requires_grad=True)
    x.det().sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [np.diag([0.0, 1.0]), np.diag([3.0, 2.0])], atol=1e-14)


def test_the_second_derivative_of_a_determinant_that_is_zero_is_refused():
    x = tg.ones(2, 2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="det: the second derivative at a singular matrix is not computed"):
        x.det().backward(create_graph=True)
    assert x.grad is None


def test_slogdet_does_not_overflow_and_logdet_is_nan_for_negative_ones():
    assert float(tg.slogdet(1e200 * tg.eye(4, dtype=tg.float64)).logabsdet) == pytest.approx(4 * 200 * math.log(10))
    assert math.isnan(tg.logdet(tg.tensor([[0.0, 1.0], [1.0, 0.0]])))
