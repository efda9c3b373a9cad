"""New tensors: shapes, values, dtypes, refusals."""

import numpy as np
import pytest

import tinygrad_edu as tg

CALLS = {
    "zeros": lambda lib: lib.zeros(2, 3),
    "zeros, tuple": lambda lib: lib.zeros((2, 3)),
    "zeros, list": lambda lib: lib.zeros([2, 3]),
    "zeros, nothing": lambda lib: lib.zeros(()),
    "ones": lambda lib: lib.ones(2, 0),
    "ones, int": lambda lib: lib.ones(2, dtype=lib.int32),
    "full, int": lambda lib: lib.full((2,), 7),
    "full, float": lambda lib: lib.full((2,), 0.1),
    "full, bool": lambda lib: lib.full((2,), True),
    "full, dtype": lambda lib: lib.full((2,), 7, dtype=lib.float64),
    "arange": lambda lib: lib.arange(5),
    "arange, float": lambda lib: lib.arange(5.0),
    "arange, start": lambda lib: lib.arange(2, 5),
    "arange, step": lambda lib: lib.arange(1, 2, 0.3),
    "arange, down": lambda lib: lib.arange(5, 0, -2),
    "arange, dtype": lambda lib: lib.arange(3, dtype=lib.float64),
    "arange, keywords": lambda lib: lib.arange(start=1, end=3, step=1),
    "arange, nothing": lambda lib: lib.arange(0),
    "linspace": lambda lib: lib.linspace(0, 1, 5),
    "linspace, one": lambda lib: lib.linspace(3, 9, 1),
    "linspace, none": lambda lib: lib.linspace(3, 9, steps=0),
    "linspace, double": lambda lib: lib.linspace(-1, 1, 7, dtype=lib.float64),
    "eye": lambda lib: lib.eye(3),
    "eye, wide": lambda lib: lib.eye(2, 4, dtype=lib.int64),
    "zeros_like": lambda lib: lib.zeros_like(lib.tensor([[1, 2]])),
    "ones_like": lambda lib: lib.ones_like(lib.tensor([1.5]), dtype=lib.float64),
    "full_like": lambda lib: lib.full_like(lib.tensor([1.5]), 2),
    "full_like, int": lambda lib: lib.full_like(lib.tensor([1]), 2.7),
    "FloatTensor": lambda lib: lib.FloatTensor([1, 2]),
    "DoubleTensor": lambda lib: lib.DoubleTensor([[1.5]]),
    "LongTensor": lambda lib: lib.LongTensor([1, 2]),
    "IntTensor": lambda lib: lib.IntTensor([1, 2]),
    "BoolTensor": lambda lib: lib.BoolTensor([True, False]),
    "ByteTensor": lambda lib: lib.ByteTensor([1, 2]),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_shapes_and_dtypes_are_torchs(torch, name):
    mine, theirs = CALLS[name](tg).numpy(), CALLS[name](torch).numpy()
    assert mine.dtype == theirs.dtype
    assert mine.shape == theirs.shape
    # float32's last bit, 6e-8, and float64's around 0: the same numbers, counted in another order
    np.testing.assert_allclose(mine, theirs, rtol=2e-7, atol=1e-16)


@pytest.mark.parametrize("call", [
    lambda **o: tg.zeros(2, **o), lambda **o: tg.ones(2, **o), lambda **o: tg.empty(2, **o),
    lambda **o: tg.full((2,), 1.0, **o), lambda **o: tg.arange(2.0, **o), lambda **o: tg.linspace(0, 1, 2, **o),
    lambda **o: tg.eye(2, **o), lambda **o: tg.zeros_like(tg.ones(2), **o), lambda **o: tg.empty_like(tg.ones(2), **o),
    lambda **o: tg.rand(2, **o), lambda **o: tg.randn(2, **o), lambda **o: tg.normal(0.0, 1.0, (2,), **o),
])  # fmt: skip
def test_options_are_the_same_everywhere(call):
    x = call(dtype=tg.float64, device="cpu", requires_grad=True)
    assert x.dtype == tg.float64
    assert x.requires_grad
    assert x.is_leaf
    assert call().dtype == tg.float32
    with pytest.raises(RuntimeError, match="computes on the CPU"):
        call(device="cuda")


def test_the_default_float_type_is_followed():
    tg.set_default_dtype(tg.float64)
    try:
        assert {x.dtype for x in (tg.zeros(1), tg.arange(1.0), tg.eye(1), tg.rand(1), tg.full((1,), 0.5))} == {
            tg.float64
        }
        assert tg.arange(3).dtype == tg.int64
    finally:
        tg.set_default_dtype(tg.float32)


def test_an_integer_tensor_cannot_require_grad():
    with pytest.raises(TypeError, match="only float and complex tensors can have a gradient"):
        tg.arange(3, requires_grad=True)


def test_like_does_not_share_memory():
    x = tg.ones(2)
    tg.zeros_like(x).add_(5)
    assert x.tolist() == [1.0, 1.0]


def test_arrays_give_arrays_where_rules_need_them():
    assert isinstance(tg.zeros_like(np.ones(2, np.float32)), np.ndarray)
    assert tg.ones_like(np.zeros(2, np.float32)).dtype == np.float32


@pytest.mark.parametrize(("call", "message"), [
    (lambda: tg.zeros(2, -1), r"zeros: lengths cannot be negative, got the size \(2, -1\)"),
    (lambda: tg.ones("a"), "ones: expected a size as ints"),
    (lambda: tg.zeros(2.5), "zeros: expected a size as ints"),
    (lambda: tg.arange(0, 5, 0), "arange: the step leads from start to end and is not 0"),
    (lambda: tg.arange(0, 5, -1), "arange: the step leads from start to end and is not 0"),
    (lambda: tg.linspace(0, 1, -1), "linspace: the number of steps cannot be negative"),
])  # fmt: skip
def test_what_cannot_be_made_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
