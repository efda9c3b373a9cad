"""NumPy's functions on Tensors: NumPy's values and arguments, this library's gradients."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.ops.numpy_protocol import functions

X = np.random.default_rng(0).uniform(0.2, 0.9, (3, 4))
SQUARE = np.random.default_rng(1).standard_normal((3, 3))
BINARY = (np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.arctan2, np.remainder,
    np.floor_divide, np.fmod,
          np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)  # fmt: skip
UNARY = (np.exp, np.exp2, np.expm1, np.log, np.log1p, np.log2, np.log10, np.sqrt, np.square, np.reciprocal,
    np.negative, np.absolute, np.fabs,
         np.positive, np.sign, np.floor, np.ceil, np.trunc, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh,
         np.arcsin, np.arccos, np.arctan,
         np.arcsinh, np.arctanh, np.isnan, np.isinf, np.isfinite)  # fmt: skip


def same(found, expected):
    """Tensors where NumPy gives arrays, with equal values and dtypes, in tuples and lists as well."""
    if isinstance(expected, tuple | list):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
        return
    assert isinstance(found, tg.Tensor)
    assert found.shape == np.shape(expected)
    assert found.dtype == np.asarray(expected).dtype
    # NumPy's own kernels on both sides; sums may be taken in another order.
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda f: f.__name__)
def test_ufuncs_of_one_tensor(ufunc):
    same(ufunc(tg.tensor(X)), ufunc(X))


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
def test_ufuncs_of_a_tensor_with_a_tensor_an_array_and_a_number(ufunc):
    x, y = tg.tensor(X), X.T[:3, :1] + 0.5
    same(ufunc(x, tg.tensor(y)), ufunc(X, y))
    same(ufunc(x, y), ufunc(X, y))
    same(ufunc(y, x), ufunc(y, X))
    same(ufunc(x, 2.5), ufunc(X, 2.5))
    same(ufunc(2.5, x), ufunc(2.5, X))


CALLS = {
    "sum": lambda x, s: np.sum(x),
    "sum, axis": lambda x, s: np.sum(x, axis=0, keepdims=True),
    "sum, axes": lambda x, s: np.sum(x, (0, 1)),
    "mean": lambda x, s: np.mean(x, axis=-1),
    "prod": lambda x, s: np.prod(x, axis=1),
    "prod, all": lambda x, s: np.prod(x, keepdims=True),
    "std divides by n": lambda x, s: np.std(x),
    "std, axis": lambda x, s: np.std(x, axis=0, ddof=1),
    "var divides by n": lambda x, s: np.var(x, axis=1, keepdims=True),
    "max": lambda x, s: np.max(x),
    "max along an axis gives values alone": lambda x, s: np.max(x, axis=1),
    "amin": lambda x, s: np.amin(x, axis=0),
    "argmax": lambda x, s: np.argmax(x),
    "argmin": lambda x, s: np.argmin(x, axis=1),
    "any": lambda x, s: np.any(x > 0.8, axis=0),
    "all": lambda x, s: np.all(x > 0.1),
    "count_nonzero": lambda x, s: np.count_nonzero(x > 0.5, axis=0),
    "cumsum, flat": lambda x, s: np.cumsum(x),
    "cumsum": lambda x, s: np.cumsum(x, axis=1),
    "cumprod": lambda x, s: np.cumprod(x, axis=0),
    "real": lambda x, s: np.real(x),
    "imag": lambda x, s: np.imag(x),
    "angle": lambda x, s: np.angle(x - 0.5),
    "add.reduce": lambda x, s: np.add.reduce(x),
    "maximum.reduce": lambda x, s: np.maximum.reduce(x, axis=1),
    "reshape": lambda x, s: np.reshape(x, (2, -1)),
    "ravel": lambda x, s: np.ravel(x),
    "transpose": lambda x, s: np.transpose(x),
    "transpose permutes": lambda x, s: np.transpose(x.reshape(3, 2, 2), (2, 0, 1)),
    "swapaxes": lambda x, s: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x, s: np.moveaxis(x.reshape(3, 2, 2), 0, -1),
    "squeeze": lambda x, s: np.squeeze(x[None]),
    "squeeze, axis": lambda x, s: np.squeeze(x[None], axis=0),
    "expand_dims": lambda x, s: np.expand_dims(x, (0, -1)),
    "atleast_1d": lambda x, s: np.atleast_1d(x[0, 0]),
    "atleast_2d": lambda x, s: np.atleast_2d(x[0]),
    "broadcast_to": lambda x, s: np.broadcast_to(x, (2, 3, 4)),
    "broadcast_arrays": lambda x, s: np.broadcast_arrays(x, x[0]),
    "tile": lambda x, s: np.tile(x, 2),
    "repeat repeats elements": lambda x, s: np.repeat(x, 2, axis=0),
    "repeat, flat": lambda x, s: np.repeat(x, 3),
    "flip, all": lambda x, s: np.flip(x),
    "fliplr": lambda x, s: np.fliplr(x),
    "roll": lambda x, s: np.roll(x, 1, axis=1),
    "pad": lambda x, s: np.pad(x, ((1, 0), (0, 2)), constant_values=3.0),
    "pad, one width": lambda x, s: np.pad(x, 1),
    "diagonal": lambda x, s: np.diagonal(x, 1),
    "trace": lambda x, s: np.trace(s),
    "diag": lambda x, s: np.diag(x[0]),
    "tril": lambda x, s: np.tril(s, -1),
    "triu": lambda x, s: np.triu(s),
    "copy": lambda x, s: np.copy(x),
    "concatenate": lambda x, s: np.concatenate([x, x], axis=1),
    "concatenate, flat": lambda x, s: np.concatenate([x, s], axis=None),
    "concatenate with an array": lambda x, s: np.concatenate([X, x]),
    "stack": lambda x, s: np.stack([x, x], axis=-1),
    "hstack": lambda x, s: np.hstack([x, s]),
    "vstack": lambda x, s: np.vstack([x, x[0]]),
    "dstack": lambda x, s: np.dstack([x, x]),
    "split counts sections": lambda x, s: np.split(x, 2, axis=1),
    "split, places": lambda x, s: np.split(x, [1, 2]),
    "array_split": lambda x, s: np.array_split(x, 3, axis=1),
    "take": lambda x, s: np.take(x, [1, 1, 0], axis=1),
    "take, flat": lambda x, s: np.take(x, [[1, 7]]),
    "take_along_axis": lambda x, s: np.take_along_axis(x, np.argsort(X, axis=1), axis=1),
    "where": lambda x, s: np.where(X > 0.5, x, 0.0),
    "where, one argument": lambda x, s: np.where(x > 0.5),
    "nonzero": lambda x, s: np.nonzero(x > 0.5),
    "argwhere": lambda x, s: np.argwhere(x > 0.5),
    "sort": lambda x, s: np.sort(x),
    "sort, flat": lambda x, s: np.sort(x, axis=None),
    "argsort": lambda x, s: np.argsort(x, axis=0),
    "unique": lambda x, s: np.unique(np.round(x, 1)),
    "clip": lambda x, s: np.clip(x, 0.3, 0.6),
    "clip, one bound": lambda x, s: np.clip(x, None, 0.6),
    "round": lambda x, s: np.round(x, 2),
    "dot": lambda x, s: np.dot(s, x),
    "dot of many dimensions": lambda x, s: np.dot(s, x.reshape(2, 3, 2)),
    "dot with a number": lambda x, s: np.dot(x, 3.0),
    "vdot": lambda x, s: np.vdot(x, x),
    "inner": lambda x, s: np.inner(x, x),
    "outer flattens": lambda x, s: np.outer(x, s),
    "matmul": lambda x, s: np.matmul(s, x),
    "tensordot": lambda x, s: np.tensordot(s, x, 1),
    "einsum": lambda x, s: np.einsum("ij,jk->ik", s, x),
    "zeros_like": lambda x, s: np.zeros_like(x),
    "ones_like": lambda x, s: np.ones_like(x, dtype=np.int64),
    "full_like": lambda x, s: np.full_like(x, 2.5),
    "isclose": lambda x, s: np.isclose(x, X),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_functions_give_numpys_values_as_tensors(call):
    same(call(tg.tensor(X), tg.tensor(SQUARE)), call(X, SQUARE))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_their_gradients_are_those_of_differences(call):
    x = tg.tensor(X, requires_grad=True)
    results = call(x, tg.tensor(SQUARE))
    results = [
        y
        for y in (results if isinstance(results, tuple | list) else [results])
        if isinstance(y, tg.Tensor) and y.requires_grad
    ]
    if not results:
        return
    weights = [np.cos(np.arange(float(y.numel()))).reshape(y.shape) for y in results]
    sum((y * w).sum() for y, w in zip(results, weights, strict=True)).backward()
    direction = np.sin(1 + np.arange(12.0)).reshape(3, 4)
    step = 1e-6

    def value(x):
        got = call(x, SQUARE)
        return sum((y * w).sum() for y, w in zip(got if isinstance(got, tuple | list) else [got], weights, strict=True))

    slope = (value(X + step * direction) - value(X - step * direction)) / (2 * step)
    # Rounding of the values over the step: 1e-16 · 10 / 1e-6, and step² for the curvature.
    np.testing.assert_allclose((x.grad.numpy() * direction).sum(), slope, rtol=1e-7, atol=1e-8)


def test_arrays_and_numpys_numbers_stand_on_either_side():
    a, t = np.ones((2, 2), np.float32), tg.ones(2, 2, requires_grad=True)
    for y in (
        a + t,
        a - t,
        a * t,
        a / t,
        a @ t,
        a**t,
        t * a,
        np.float64(2) * t,
        np.float32(2) * t,
        np.int64(2) * t,
        t / np.float64(2),
    ):
        assert isinstance(y, tg.Tensor)
        assert y.requires_grad
        assert y.dtype == tg.float32
    for y in (a == t, a < t, a >= t, np.float64(2) > t):
        assert isinstance(y, tg.Tensor)
        assert y.dtype == tg.bool


def test_a_tensor_is_not_added_to_an_array_in_place():
    a = np.ones(2)
    with pytest.raises(
        TypeError,
        match=r"numpy.add: a Tensor cannot be computed into out=, nor added to an array in place; write a = a \+ x",
    ):
        a += tg.ones(2)
    with pytest.raises(TypeError, match="out="):
        np.exp(tg.ones(2), out=a)
    np.testing.assert_array_equal(a, [1, 1])


@pytest.mark.parametrize(
    "call, name",
    [(np.median, "numpy.median"), (np.fft.fft, "numpy.fft.fft"), (np.spacing, "numpy.spacing"), (np.linalg.eig,
    "numpy.linalg.eig"),
     (np.add.accumulate, "numpy.add.accumulate"), (np.modf, "numpy.modf")],
)  # fmt: skip
def test_what_is_not_defined_says_how_to_get_the_values(call, name):
    arguments = (tg.ones(2, 2),) * (2 if call is np.hypot else 1)
    with pytest.raises(
        TypeError, match=rf"{name} is not defined for Tensors; for its values alone use .detach\(\).numpy\(\)"
    ):
        call(*arguments)


def test_arguments_that_are_not_taken_are_named():
    with pytest.raises(
        TypeError, match=r"numpy.sum on a Tensor takes the arguments \(a, axis, dtype, keepdims\): .*'where'"
    ):
        np.sum(tg.ones(2), where=[True, False])
    with pytest.raises(TypeError, match="numpy.exp with where= is not defined"):
        np.exp(tg.ones(2), where=[True, False])
    with pytest.raises(TypeError, match="only mode='constant'"):
        np.pad(tg.ones(2), 1, mode="reflect")
    with pytest.raises(TypeError, match="row-major"):
        np.reshape(tg.ones(2, 2), 4, order="F")
    with pytest.raises(tg.ShapeError, match="2 sections do not go into 3"):
        np.split(tg.ones(3), 2)


def test_questions_are_answered_plainly():
    x = tg.ones(2, 3, requires_grad=True)
    assert np.shape(x) == (2, 3)
    assert np.ndim(x) == 2
    assert np.size(x) == 6
    assert np.size(x, 1) == 3
    assert np.allclose(x, np.ones((2, 3)))
    assert np.array_equal(x, x)
    assert np.may_share_memory(x, x[0])
    assert np.shares_memory(x, x.detach())
    assert not np.iscomplexobj(x)


def test_every_function_is_tried_here():
    tried = {"shape", "ndim", "size", "allclose", "array_equal", "may_share_memory", "shares_memory", "iscomplexobj",
    "isrealobj", "empty_like",
             "flipud", "amax", "min", "around"}  # fmt: skip
    source = " ".join(CALLS).replace(",", "")
    elsewhere = {"kron", "cross", "vander"}  # test_numpy_linalg.py
    ours = {f.__name__ for f in functions if f.__module__ == "numpy"}
    missing = ours - elsewhere - tried - set(source.split())
    assert missing <= {"matrix_transpose", "permute_dims"}, missing


def test_conversion_to_an_array_refuses_a_tensor_with_a_history():
    np.testing.assert_array_equal(np.asarray(tg.ones(2)), [1, 1])
    assert np.asarray(tg.ones(2), dtype=np.float64).dtype == np.float64
    with pytest.raises(RuntimeError, match=r"use .detach\(\).numpy\(\)"):
        np.asarray(tg.ones(2, requires_grad=True))
