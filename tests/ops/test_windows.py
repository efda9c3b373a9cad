"""Sliding windows and overlap-add: PyTorch's unfold and fold, and each the other's transpose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.against_torch import check

sizes = st.integers(1, 3)


@given(
    h=st.integers(1, 7),
    w=st.integers(1, 7),
    kernel=st.tuples(sizes, sizes),
    stride=st.tuples(sizes, sizes),
    dilation=st.tuples(sizes, sizes),
)
def test_windows_are_torchs_unfold(torch, h, w, kernel, stride, dilation):
    h, w = (n + d * (k - 1) for n, k, d in zip((h, w), kernel, dilation, strict=True))
    x = np.random.default_rng(0).standard_normal((2, 3, h, w))
    counts = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip((h, w), kernel, stride, dilation, strict=True))

    def unfold(x):
        columns = torch.nn.functional.unfold(x, kernel, dilation, 0, stride)  # (N, C kh kw, H' W')
        return columns.reshape(2, 3, *kernel, *counts).permute(0, 1, 4, 5, 2, 3)

    def fold(y):
        columns = y.permute(0, 1, 4, 5, 2, 3).reshape(2, 3 * kernel[0] * kernel[1], -1)
        return torch.nn.functional.fold(columns, (h, w), kernel, dilation, 0, stride)

    check(torch, lambda x: tg.windows(x, kernel, stride, dilation), unfold, [x])
    y = np.random.default_rng(1).standard_normal((2, 3, *counts, *kernel))
    check(torch, lambda y: tg.overlap_add(y, (h, w), stride, dilation), fold, [y])


@given(axes=st.integers(1, 3), data=st.data())
def test_windows_and_overlap_add_are_each_others_transpose(axes, data):
    def draw():
        return tuple(data.draw(sizes) for _ in range(axes))

    kernel, stride, dilation = draw(), draw(), draw()
    size = tuple(data.draw(st.integers(0, 4)) + d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    random = np.random.default_rng(0)
    x = random.standard_normal((2, *size))
    seen = tg.windows(x, kernel, stride, dilation)
    y = random.standard_normal(seen.shape)
    # <windows(x), y> = <x, overlap_add(y)>
    left, right = (seen * y).sum(), (x * tg.overlap_add(y, size, stride, dilation)).sum()
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


def test_one_number_means_a_square_over_the_last_two_dimensions():
    x = tg.arange(16).reshape(4, 4)
    assert tg.windows(x, 2, 2).shape == (2, 2, 2, 2)
    np.testing.assert_array_equal(tg.windows(x, 2, 2)[1, 1].numpy(), [[10, 11], [14, 15]])


def test_windows_along_the_last_dimension_alone(torch):
    x = np.arange(10.0).reshape(2, 5)
    check(torch, lambda x: tg.windows(x, (3,), 2), lambda x: x.unfold(1, 3, 2), [x])


def test_windows_of_a_transposed_tensor(torch):
    x = np.arange(30.0).reshape(5, 6)
    check(torch, lambda x: tg.windows(x.T, (2, 3)), lambda x: x.T.unfold(0, 2, 1).unfold(1, 3, 1), [x])


def test_windows_share_the_memory_and_its_clock():
    x = tg.zeros(4, requires_grad=True)
    y = x * 1
    seen = tg.windows(y, (2,))
    y.add_(1)
    np.testing.assert_array_equal(seen.detach().numpy(), np.ones((3, 2)))
    seen.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1, 2, 2, 1])


def test_third_derivatives_pass_through_windows():
    x = tg.tensor(np.linspace(-1, 1, 6), requires_grad=True)
    (tg.windows(x, (3,)) ** 4).sum().backward(create_graph=True)
    for _ in range(2):
        g = x.grad
        x.grad = None
        g.sum().backward(create_graph=True)
    counts = np.array([1, 2, 3, 3, 2, 1])
    np.testing.assert_allclose(x.grad.detach().numpy(), counts * 24 * np.linspace(-1, 1, 6), rtol=1e-13, atol=1e-13)


def test_what_does_not_fit_is_refused():
    with pytest.raises(
        tg.ShapeError,
        match=r"windows: a kernel of \(3, 3\) with dilation \(2, 2\) reaches over \(5, 5\), .* shape \(4, 4\)",
    ):
        tg.windows(tg.zeros(4, 4), 3, dilation=2)
    with pytest.raises(tg.ShapeError, match="windows: a kernel of 2 dimensions cannot slide over"):
        tg.windows(tg.zeros(4), 2)
    for bad in (0, -1, 1.5, (1, 2, 3)):
        with pytest.raises(tg.ShapeError, match="windows: stride must be a positive int or 2 of them"):
            tg.windows(tg.zeros(4, 4), 2, bad)
    with pytest.raises(tg.ShapeError, match="windows: kernel_size must be"):
        tg.windows(tg.zeros(4, 4), 0)
    with pytest.raises(
        tg.ShapeError, match=r"overlap_add: \(3,\) windows of \(2,\) lie in \(4,\), but there are \(5,\)"
    ):
        tg.overlap_add(tg.zeros(5, 2), (4,))
