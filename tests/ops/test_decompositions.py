"""Linear algebra with gradients, held against PyTorch in float64, in batches and at the edges."""

import math
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case
from tinygrad_edu.announce import matrix

# Products with inverses and gaps of eigenvalues: condition numbers below 20, squared in second derivatives.
CLOSE = {"rtol": 1e-10, "atol": 1e-11}


def well(*shape, seed=0):
    return matrix(*shape).array(np.random.default_rng(seed))


def symmetric(f):
    return lambda x: f(0.5 * (x + x.mT))


DIRECT = ["inv", "det", "slogdet", "matrix_exp", "pinv", "svdvals", "solve", "solve_triangular", "lstsq", "matrix_norm"]
DIRECT += ["vector_norm", "matrix_power", "cross", "matrix_rank"]


@pytest.mark.parametrize("entry, found", cases(*DIRECT))
def test_operations_agree_with_torch_linalg(torch, entry, found):
    twin = getattr(torch.linalg, entry.name)
    if entry.name == "lstsq":
        check(
            torch, lambda a, b: tg.linalg.lstsq(a, b).solution, lambda a, b: twin(a, b).solution, drawn(found), **CLOSE
        )
        return
    check_case(torch, entry, found, twin, **CLOSE)


@pytest.mark.parametrize("entry, found", cases("inverse", "logdet", "pinverse", "trace", "kron"))
def test_operations_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found, **CLOSE)


def drawn(found):
    return list(found.drawn(np.random.default_rng(1)))


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 3, 3), (2, 1, 4, 4), (0, 3, 3)])
@pytest.mark.parametrize("name", ["cholesky", "eigvalsh"])
def test_symmetric_matrices_agree_with_torch(torch, name, shape):
    check(torch, symmetric(getattr(tg.linalg, name)), symmetric(getattr(torch.linalg, name)), [well(*shape)], **CLOSE)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4)])
@pytest.mark.parametrize("triangle", [{"UPLO": "L"}, {"UPLO": "U"}])
def test_gradients_through_one_triangle_are_torchs(torch, shape, triangle):
    x = well(*shape)
    check(
        torch, lambda x: tg.linalg.eigvalsh(x, **triangle), lambda x: torch.linalg.eigvalsh(x, **triangle), [x], **CLOSE
    )


def test_upper_cholesky_agrees_with_torch(torch):
    f = lambda home: symmetric(lambda x: home.cholesky(x, upper=True))
    check(torch, f(tg.linalg), f(torch.linalg), [well(2, 3, 3)], **CLOSE)


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


def test_eigenvalues_that_are_equal_have_a_gradient_and_their_vectors_have_none(torch):
    weights = tg.tensor([1.0, 1.0, 3.0], dtype=tg.float64)
    x = tg.tensor(np.diag([1.0, 1.0, 2.0]), requires_grad=True)
    (tg.linalg.eigvalsh(x) * weights).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.diag([1.0, 1.0, 3.0]), atol=1e-14)
    x.grad = None
    tg.linalg.eigh(x).eigenvectors[0, 1].backward()
    assert np.isnan(x.grad.numpy()).any()


def test_the_nuclear_norm_of_equal_singular_values_has_torchs_gradient(torch):
    ours, theirs = tg.tensor(2 * np.eye(3), requires_grad=True), torch.tensor(2 * np.eye(3), requires_grad=True)
    tg.linalg.matrix_norm(ours, "nuc").backward()
    torch.linalg.matrix_norm(theirs, "nuc").backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), atol=1e-14)


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


def test_slogdet_does_not_overflow_and_logdet_is_nan_for_negative_ones():
    assert float(tg.slogdet(1e200 * tg.eye(4, dtype=tg.float64)).logabsdet) == pytest.approx(4 * 200 * math.log(10))
    assert math.isnan(tg.logdet(tg.tensor([[0.0, 1.0], [1.0, 0.0]])))


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


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 2)])
def test_pseudo_inverses_of_lower_rank_agree_with_torch(torch, shape):
    # Of rank 1; the second gradient leaves that rank and does not exist.
    x = np.ones(shape) * np.linspace(1, 2, shape[-1])
    check(torch, tg.linalg.pinv, torch.linalg.pinv, [x], twice=False, **CLOSE)


def test_least_squares_solves_the_normal_equations(torch):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 6, 2))
    ours, theirs = (
        tg.linalg.lstsq(tg.tensor(a), tg.tensor(b)),
        torch.linalg.lstsq(torch.tensor(a), torch.tensor(b), driver="gelsd"),
    )
    np.testing.assert_allclose(ours.solution.numpy(), theirs.solution.numpy(), **CLOSE)
    np.testing.assert_allclose(ours.residuals.numpy(), theirs.residuals.numpy(), **CLOSE)
    np.testing.assert_array_equal(ours.rank.numpy(), [3, 3])
    assert tg.linalg.lstsq(tg.ones(3, 2), tg.ones(3, 1)).residuals.shape == (0,)


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


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 7])
def test_powers_of_matrices_agree_with_torch(torch, n):
    f = lambda home: lambda x: home.linalg.matrix_power(x, n)
    check(torch, f(tg), f(torch), [well(2, 3, 3)], twice=n not in (0, 1), **CLOSE)


def test_cross_agrees_with_torch_along_other_dimensions(torch):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, 3, 4)), rng.normal(size=(1, 3, 4))]
    f = lambda home: lambda a, b: home.cross(a, b, dim=1)
    check(torch, f(tg.linalg), f(torch.linalg), inputs)


@pytest.mark.parametrize("a, b", [((2, 3), (4, 2)), ((3,), (2, 2)), ((), (2,)), ((2, 1, 2), (3, 2))])
def test_kron_agrees_with_torch(torch, a, b):
    rng = np.random.default_rng(0)
    check(torch, tg.kron, torch.kron, [rng.normal(size=a), rng.normal(size=b)])


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


def test_the_second_derivative_of_a_determinant_that_is_zero_is_refused():
    x = tg.ones(2, 2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="det: the second derivative at a singular matrix is not computed"):
        x.det().backward(create_graph=True)
    assert x.grad is None
