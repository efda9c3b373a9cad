"""Eigenvalues and singular values with their vectors, held against PyTorch's up to the signs of the vectors."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case
from tests.ops.matrices import CLOSE, symmetric, well


@pytest.mark.parametrize("entry, found", cases("svdvals"))
def test_operations_agree_with_torch_linalg(torch, entry, found):
    check_case(torch, entry, found, getattr(torch.linalg, entry.name), **CLOSE)


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 3, 3), (2, 1, 4, 4), (0, 3, 3)])
def test_symmetric_matrices_agree_with_torch(torch, shape):
    check(torch, symmetric(tg.linalg.eigvalsh), symmetric(torch.linalg.eigvalsh), [well(*shape)], **CLOSE)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4)])
@pytest.mark.parametrize("triangle", [{"UPLO": "L"}, {"UPLO": "U"}])
def test_gradients_through_one_triangle_are_torchs(torch, shape, triangle):
    x = well(*shape)
    check(
        torch, lambda x: tg.linalg.eigvalsh(x, **triangle), lambda x: torch.linalg.eigvalsh(x, **triangle), [x], **CLOSE
    )


def signless(vectors):
    """What does not depend on the signs of columns."""
    return vectors * vectors


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4)])
def test_eigenvectors_agree_with_torch_up_to_sign(torch, shape):
    f = lambda home: symmetric(lambda x: signless(home.eigh(x)[1]))
    check(torch, f(tg.linalg), f(torch.linalg), [well(*shape)], **CLOSE)
    # Two factors of one eigenvector: the sign cancels, the off-diagonal signs are seen.
    g = lambda home: symmetric(lambda x: home.eigh(x)[1] @ (home.eigh(x)[0][..., None] ** 2 * home.eigh(x)[1].mT))
    check(torch, g(tg.linalg), g(torch.linalg), [well(*shape)], **CLOSE)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 2, 3), (1, 3), (3, 1)])
def test_singular_vectors_agree_with_torch_up_to_sign(torch, shape, full):
    def f(home):
        def parts(x):
            U, S, Vh = home.svd(x, full_matrices=full)
            k = S.shape[-1]
            U, Vh = U[..., :k], Vh[..., :k, :]
            return signless(U), S, signless(Vh), U @ (S[..., None] ** 2 * Vh)

        return parts

    check(torch, f(tg.linalg), f(torch.linalg), [well(*shape)], **CLOSE)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)])
def test_full_singular_vectors_are_square_and_orthonormal(shape):
    x = well(*shape)
    U, S, Vh = tg.linalg.svd(tg.tensor(x))
    assert U.shape == (shape[0],) * 2 and Vh.shape == (shape[1],) * 2
    np.testing.assert_allclose((U.mT @ U).numpy(), np.eye(shape[0]), atol=1e-14)
    np.testing.assert_allclose((Vh @ Vh.mT).numpy(), np.eye(shape[1]), atol=1e-14)
    k = min(shape)
    # LAPACK's own residual: tens of roundings of the largest singular value.
    np.testing.assert_allclose((U[:, :k] * S @ Vh[:k]).numpy(), x, rtol=0, atol=1e-12)


def test_eigenvalues_that_are_equal_have_a_gradient_and_their_vectors_have_none(torch):
    weights = tg.tensor([1.0, 1.0, 3.0], dtype=tg.float64)
    x = tg.tensor(np.diag([1.0, 1.0, 2.0]), requires_grad=True)
    (tg.linalg.eigvalsh(x) * weights).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.diag([1.0, 1.0, 3.0]), atol=1e-14)
    x.grad = None
    tg.linalg.eigh(x).eigenvectors[0, 1].backward()
    assert np.isnan(x.grad.numpy()).any()
