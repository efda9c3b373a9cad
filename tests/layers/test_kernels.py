"""Kernels against their plain formulas: the fast path for floats and the one that exact numbers take."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinygrad_edu.layers import kernels

ORDERS = {
    "channels first": lambda x: x,
    "channels last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
    "strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
}


def exact(x):
    """The same numbers as fractions, on which sums have no rounding and the plain formulas run."""
    return np.vectorize(Fraction, otypes=[object])(x)


def floats(x):
    return np.asarray(x, dtype=np.float64) if x.dtype == object else x


def small_integers(rng, *shape):
    return rng.integers(-4, 5, shape).astype(np.float64)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (2, 3, 4, 5), (1, 1, 1, 1), (3, 1, 2, 2), (0, 3, 2, 2), (0, 3)])
def test_channel_sums_are_their_formulas_in_any_memory_order(order, shape):
    rng = np.random.default_rng(0)
    x, y = (ORDERS[order](small_integers(rng, *shape)) for _ in range(2))
    axes = (0, *range(2, x.ndim))
    # Small integers have no rounding, so equality is exact.
    np.testing.assert_array_equal(kernels.channel_sum(x), x.sum(axes))
    np.testing.assert_array_equal(kernels.channel_dot(x, y), (x * y).sum(axes))
    a, b, c = (small_integers(rng, shape[1]) for _ in range(3))
    wide = lambda v: v.reshape(-1, *(1,) * (x.ndim - 2))
    np.testing.assert_array_equal(kernels.channel_affine(x, a, b), x * wide(a) + wide(b))
    np.testing.assert_array_equal(kernels.channel_combination(a, x, b, y, c), wide(a) * x + wide(b) * y + wide(c))
    np.testing.assert_array_equal(floats(kernels.channel_sum(exact(x))), x.sum(axes))
    np.testing.assert_array_equal(floats(kernels.channel_dot(exact(x), exact(y))), (x * y).sum(axes))
    np.testing.assert_array_equal(floats(kernels.channel_affine(exact(x), exact(a), exact(b))), x * wide(a) + wide(b))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("offset", [0.0, 1.0, 1e6])
def test_channel_moments_keep_their_digits_far_from_0(order, offset):
    x = ORDERS[order](np.random.default_rng(0).normal(size=(8, 3, 4, 4)) + offset)
    mean, var = kernels.channel_moments(x)
    np.testing.assert_allclose(mean, x.mean((0, 2, 3)), rtol=1e-14, atol=1e-15)
    # The mean is known to 2⁻⁵³ of itself, and the variance of numbers rounded at 10⁶ · 2⁻⁵³.
    np.testing.assert_allclose(var, x.var((0, 2, 3)), rtol=1e-9)


pair = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def convolutions(draw):
    kernel, dilation = draw(pair), draw(pair)
    stride = draw(st.one_of(st.just((1, 1)), pair))  # kernels have a path of their own for stride 1
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    assume(min(kernels.output_size(size, kernel, stride, padding, dilation)) >= 1)
    groups = draw(st.integers(1, 3))
    c, o, n = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x, w = small_integers(rng, n, c * groups, *size), small_integers(rng, o * groups, c, *kernel)
    return x, w, rng, (stride, padding, dilation, groups)


@settings(max_examples=60)
@given(case=convolutions(), order=st.sampled_from(sorted(ORDERS)))
def test_the_three_convolutions_are_exactly_the_plain_formulas(case, order):
    x, w, rng, geometry = case
    x = ORDERS[order](x)
    y = kernels.convolve(x, w, *geometry)
    np.testing.assert_array_equal(y, floats(kernels.convolve(exact(x), exact(w), *geometry)))
    dy = ORDERS[order](small_integers(rng, *y.shape))
    for kernel, arguments in (
        (kernels.convolve_input_gradient, ((dy, w), x.shape[2:])),
        (kernels.convolve_weight_gradient, ((x, dy), w.shape[2:])),
    ):
        (a, b), size = arguments
        fast, plain = kernel(a, b, size, *geometry), kernel(exact(a), exact(b), size, *geometry)
        assert fast.dtype == np.float64
        np.testing.assert_array_equal(fast, floats(plain))


@settings(max_examples=60)
@given(case=convolutions())
def test_each_convolution_is_the_transpose_of_the_others(case):
    # ⟨dy, conv(x, w)⟩ is linear in each of the three, so all its derivatives give it back.
    x, w, rng, geometry = case
    dy = small_integers(rng, *kernels.convolve(x, w, *geometry).shape)
    product = (dy * kernels.convolve(x, w, *geometry)).sum()
    assert (x * kernels.convolve_input_gradient(dy, w, x.shape[2:], *geometry)).sum() == product
    assert (w * kernels.convolve_weight_gradient(x, dy, w.shape[2:], *geometry)).sum() == product


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=30)
@given(data=st.data())
def test_pooling_is_exactly_its_plain_formula(order, data):
    kernel, stride = data.draw(pair), data.draw(pair)
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    size = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    assume(min(kernels.output_size(size, kernel, stride, padding, (1, 1))) >= 1)
    rng = np.random.default_rng(0)
    x = ORDERS[order](small_integers(rng, 2, 3, *size))
    y = kernels.max_pool(x, kernel, stride, padding, (1, 1))
    padded = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2), constant_values=-np.inf)
    for i, j in np.ndindex(y.shape[2:]):
        top, left = i * stride[0], j * stride[1]
        window = padded[:, :, top : top + kernel[0], left : left + kernel[1]]
        np.testing.assert_array_equal(y[:, :, i, j], window.max((2, 3)))
    dy = ORDERS[order](small_integers(rng, *y.shape))
    dx = kernels.max_pool_gradient(dy, x, y, kernel, stride, padding, (1, 1))
    assert dx.sum() == dy.sum()  # whatever goes in comes out, once
    for include in (True, False):
        # 1/9 is no binary number, so these round.
        mean = kernels.average_pool(x, kernel, stride, padding, include)
        plain = kernels.average_pool(exact(x), kernel, stride, padding, include)
        np.testing.assert_allclose(mean, floats(plain), rtol=1e-14, atol=1e-15)
        back = kernels.average_pool_gradient(dy, x.shape[2:], kernels.interleaved(x), kernel, stride, padding, include)
        np.testing.assert_allclose((x * back).sum(), (dy * mean).sum(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_a_gradient_of_infinity_stays_where_it_belongs(dtype):
    # Masks by multiplication would make 0 · ∞ = NaN at all other pixels.
    x = np.arange(16, dtype=dtype).reshape(1, 1, 4, 4)
    y = kernels.max_pool(x, (2, 2), (2, 2), (0, 0), (1, 1))
    dx = kernels.max_pool_gradient(np.full(y.shape, np.inf, dtype), x, y, (2, 2), (2, 2), (0, 0), (1, 1))
    assert np.isinf(dx).sum() == 4
    assert not np.isnan(dx).any()


def test_the_same_call_gives_the_same_bits():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(32, 8, 20, 20)).astype(np.float32), rng.normal(size=(16, 8, 3, 3)).astype(np.float32)
    geometry = ((1, 1), (1, 1), (1, 1), 1)
    y = kernels.convolve(x, w, *geometry)
    dw = kernels.convolve_weight_gradient(x, y, (3, 3), *geometry)
    for _ in range(2):
        np.testing.assert_array_equal(kernels.convolve(x, w, *geometry), y)
        np.testing.assert_array_equal(kernels.convolve_weight_gradient(x, y, (3, 3), *geometry), dw)
