"""NumPy's functions of linear algebra on Tensors: NumPy's values and arguments, this library's gradients."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.matrices import well
from tinygrad_edu.ops.numpy_protocol import functions

A, B = well(3, 3), np.random.default_rng(1).normal(size=(3, 2))
BATCH, TALL = well(2, 3, 3, seed=1), well(4, 3, seed=2)


def positive(x):
    return x @ np.swapaxes(x, -1, -2)


def signless(vectors):
    """What does not depend on the signs of columns."""
    return vectors * vectors


# For each what is asked of NumPy, of a matrix and of a right side. The norms take absolute values, clear of 0.
CALLS = {
    "inv": lambda a, b: np.linalg.inv(a),
    "inv, batch": lambda a, b: np.linalg.inv(a * BATCH),
    "solve": lambda a, b: np.linalg.solve(a, b),
    "solve, vector": lambda a, b: np.linalg.solve(a, b[:, 0]),
    "solve takes as a matrix what has two dimensions": lambda a, b: np.linalg.solve(a[:2, :2] * well(2, 2, 2), b[:2]),
    "solve, array on the left": lambda a, b: np.linalg.solve(A, b),
    "solve, array on the right": lambda a, b: np.linalg.solve(a, B),
    "tensorsolve": lambda a, b: np.linalg.tensorsolve(np.kron(a, well(2, 2)).reshape(3, 2, 6), b),
    "tensorsolve, axes": lambda a, b: np.linalg.tensorsolve(np.kron(a, well(2, 2)).reshape(3, 6, 2), b, axes=(1,)),
    "tensorinv": lambda a, b: np.linalg.tensorinv(np.kron(a, well(2, 2)).reshape(3, 2, 6), 2),
    "det": lambda a, b: np.linalg.det(a),
    "slogdet": lambda a, b: tuple(np.linalg.slogdet(-a)),
    "cholesky": lambda a, b: np.linalg.cholesky(positive(a)),
    "cholesky, upper": lambda a, b: np.linalg.cholesky(positive(a), upper=True),
    "qr": lambda a, b: tuple(np.linalg.qr(a)),
    "qr, r": lambda a, b: np.linalg.qr(a, mode="r"),
    "svd": lambda a, b: tuple(map(signless, np.linalg.svd(a))),
    "svd, thin": lambda a, b: tuple(map(signless, np.linalg.svd(b, full_matrices=False))),
    "svd, values": lambda a, b: np.linalg.svd(a, compute_uv=False),
    "eigh": lambda a, b: tuple(map(signless, np.linalg.eigh(positive(a)))),
    "eigh, upper": lambda a, b: np.linalg.eigh(positive(a), "U").eigenvalues,
    "eigvalsh": lambda a, b: np.linalg.eigvalsh(positive(a)),
    "pinv": lambda a, b: np.linalg.pinv(b),
    "pinv, rtol": lambda a, b: np.linalg.pinv(a, rtol=0.01),
    "lstsq": lambda a, b: np.linalg.lstsq(TALL @ a, TALL @ b + 1.0)[0],
    "lstsq, residuals": lambda a, b: np.linalg.lstsq(TALL[:, :2] @ a[:2, :2], (TALL @ b)[:, 0], rcond=-1)[1],
    "lstsq, values": lambda a, b: np.linalg.lstsq(TALL @ a, TALL @ b)[3],
    "matrix_rank": lambda a, b: np.linalg.matrix_rank(a * BATCH),
    "matrix_rank, tol": lambda a, b: np.linalg.matrix_rank(a * BATCH, 4.1),
    "matrix_power": lambda a, b: np.linalg.matrix_power(a, 3),
    "matrix_power, negative": lambda a, b: np.linalg.matrix_power(a, -2),
    "norm": lambda a, b: np.linalg.norm(a),
    "norm, axis": lambda a, b: np.linalg.norm(a, axis=1, keepdims=True),
    "norm, ord": lambda a, b: np.linalg.norm(a[0], 3),
    "norm, ord, axis": lambda a, b: np.linalg.norm(a, 3, axis=0),
    "norm, Frobenius": lambda a, b: np.linalg.norm(a, "fro"),
    "norm, spectral": lambda a, b: np.linalg.norm(a, 2),
    "norm, nuclear": lambda a, b: np.linalg.norm(a * BATCH, "nuc", axis=(1, 2), keepdims=True),
    "norm, largest row": lambda a, b: np.linalg.norm(a, np.inf),
    "cond": lambda a, b: np.linalg.cond(a),
    "cond, p": lambda a, b: np.linalg.cond(a, 1),
    "multi_dot": lambda a, b: np.linalg.multi_dot([a, A, b]),
    "kron": lambda a, b: np.kron(a, b),
    "kron, array": lambda a, b: np.kron(B, a),
    "cross": lambda a, b: np.cross(a, b[:, 0]),
    "cross, axis": lambda a, b: np.cross(a, A, axis=0),
    "vander": lambda a, b: np.vander(a[0], 3),
    "vander, increasing": lambda a, b: np.vander(a[0], increasing=True),
    "matrix_norm": lambda a, b: np.linalg.matrix_norm(a * BATCH, ord="nuc", keepdims=True),
    "vector_norm": lambda a, b: np.linalg.vector_norm(a, axis=0, ord=3),
    "svdvals": lambda a, b: np.linalg.svdvals(a),
    "diagonal": lambda a, b: np.linalg.diagonal(a * BATCH, offset=1),
    "trace": lambda a, b: np.linalg.trace(a * BATCH),
    "vecdot": lambda a, b: np.linalg.vecdot(a, A, axis=0),
    "outer": lambda a, b: np.linalg.outer(a[0], b[:, 0]),
    "matmul": lambda a, b: np.linalg.matmul(a, b),
    "tensordot": lambda a, b: np.linalg.tensordot(a, b, axes=1),
    "matrix_transpose": lambda a, b: np.linalg.matrix_transpose(a * BATCH),
    "linalg.cross": lambda a, b: np.linalg.cross(a, A),
}


def parts(result):
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_functions_give_numpys_values_as_tensors(call):
    for found, expected in zip(parts(call(tg.tensor(A), tg.tensor(B))), parts(call(A, B)), strict=True):
        assert isinstance(found, tg.Tensor)
        assert found.shape == np.shape(expected)
        assert found.dtype == np.asarray(expected).dtype
        # The same routines of LAPACK, some after one product more: roundings times condition numbers below 20.
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_their_gradients_are_those_of_differences(call):
    a, b = tg.tensor(A, requires_grad=True), tg.tensor(B, requires_grad=True)
    results = [y for y in parts(call(a, b)) if y.requires_grad]
    if not results:
        return
    weights = [np.cos(np.arange(float(y.numel()))).reshape(y.shape) for y in results]
    sum((y * w).sum() for y, w in zip(results, weights, strict=True)).backward()
    moves = [np.sin(1 + np.arange(float(x.size))).reshape(x.shape) for x in (A, B)]

    def value(step):
        found = parts(call(A + step * moves[0], B + step * moves[1]))
        return sum((np.asarray(y) * w).sum() for y, w in zip(found[-len(weights) :], weights, strict=True))

    slope = (value(1e-6) - value(-1e-6)) / 2e-6
    ours = sum((x.grad.numpy() * m).sum() for x, m in zip((a, b), moves, strict=True) if x.grad is not None)
    # Rounding of values up to 100 over the step, 1e-14 / 1e-6, and step² times the third derivative.
    np.testing.assert_allclose(ours, slope, rtol=1e-7, atol=1e-7)


def test_integers_and_single_precision_are_treated_as_numpy_does():
    x = np.array([[2, 1], [1, 3]])
    for name in ("inv", "det", "eigvalsh", "pinv", "cond", "svdvals"):
        found, expected = getattr(np.linalg, name)(tg.tensor(x)), getattr(np.linalg, name)(x)
        assert found.dtype == expected.dtype == np.float64
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)
    assert np.linalg.matrix_power(tg.tensor(x), 2).dtype == np.int64
    assert np.linalg.solve(tg.tensor(x, dtype=tg.float32), np.ones(2)).dtype == np.float64
    assert np.linalg.inv(tg.tensor(x, dtype=tg.float32)).dtype == np.float32


def test_a_rank_is_a_number_in_least_squares():
    assert np.linalg.lstsq(tg.tensor(TALL), tg.ones(4, dtype=tg.float64))[2] == 3


def test_what_is_not_defined_is_named():
    with pytest.raises(TypeError, match="numpy.linalg.qr: mode is 'reduced', 'complete' or 'r' for Tensors, got 'raw'"):
        np.linalg.qr(tg.ones(2, 2), mode="raw")
    with pytest.raises(ValueError, match="numpy.linalg.norm: with ord=2"):
        np.linalg.norm(tg.ones(2, 2, 2), 2)
    with pytest.raises(TypeError, match="numpy.linalg.eig is not defined for Tensors"):
        np.linalg.eig(tg.ones(2, 2))
    with pytest.raises(np.linalg.LinAlgError, match="inv: a matrix is singular"):
        np.linalg.inv(tg.ones(2, 2))


def test_every_function_is_tried_here():
    tried = set(" ".join(CALLS).replace(",", "").split())
    assert {f.__name__ for f in functions if f.__module__ == "numpy.linalg"} <= tried
