"""Fourier transforms: values, types, gradients and second gradients are PyTorch's, for every length, norm and order."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.against_torch import check
from tinygrad_edu.autograd import gradcheck, gradgradcheck

NORMS = [None, "backward", "forward", "ortho"]
# What they take.
OF_COMPLEX = ["fft", "ifft", "irfft", "hfft"]
OF_REALS = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
ONE = [*((name, "complex") for name in OF_COMPLEX), *((name, "real") for name in OF_REALS)]
MANY_OF_COMPLEX = ["fft2", "ifft2", "irfft2", "fftn", "ifftn", "irfftn"]
MANY = [
    *((name, "complex") for name in MANY_OF_COMPLEX),
    *((name, "real") for name in [*MANY_OF_COMPLEX, "rfft2", "rfftn"]),
]

# Transforms of some ten elements of size 1 in another order of sums.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def numbers(rng, shape, kind):
    return rng.normal(size=shape) + (1j * rng.normal(size=shape) if kind == "complex" else 0)


def compare(torch, name, x, *arguments, **options):
    def both(lib):
        # Squared, so that there is a second gradient.
        return lambda x: getattr(lib.fft, name)(x, *arguments, **options) ** 2

    check(torch, both(tg), both(torch), [x], **CLOSE)


@pytest.mark.parametrize(("name", "kind"), ONE)
@given(data=st.data())
def test_one_dimension(torch, name, kind, data):
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = data.draw(st.one_of(st.none(), st.integers(1, 8)))
    norm = data.draw(st.sampled_from(NORMS))
    if n is None and name in ("irfft", "hfft"):
        shape[dim] = max(shape[dim], 2)  # of one element there would be none
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    compare(torch, name, numbers(rng, shape, kind), n, dim, norm)


@pytest.mark.parametrize(("name", "kind"), MANY)
@given(data=st.data())
def test_several_dimensions(torch, name, kind, data):
    shape = data.draw(st.lists(st.integers(2, 5), min_size=2, max_size=3))
    norm = data.draw(st.sampled_from(NORMS))
    places = list(itertools.permutations(range(-len(shape), 0), 2)) + [tuple(range(len(shape))), (1,)]
    dim = data.draw(st.sampled_from([None, *places] if name.endswith("n") else [(-2, -1), *places[:-2]]))
    count = data.draw(st.integers(1, len(shape))) if dim is None else len(dim)
    sizes = st.lists(st.sampled_from([-1, 1, 2, 3, 4, 5, 6]), min_size=count, max_size=count)
    s = data.draw(st.one_of(st.none(), sizes))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    compare(torch, name, numbers(rng, shape, kind), s, dim, norm)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9])
def test_every_length_and_norm(torch, rng, name, norm, length, n):
    kind = "real" if name in ("rfft", "ihfft") else "complex"
    compare(torch, name, numbers(rng, (2, length), kind), n, 0 if n % 2 else -1, norm)


@pytest.mark.parametrize(("name", "kind"), [*ONE, *MANY])
def test_gradients_agree_with_differences(rng, name, kind):
    x = tg.tensor(numbers(rng, (3, 4), kind), requires_grad=True)
    call = getattr(tg.fft, name)
    assert gradcheck(call, x)
    assert gradgradcheck(lambda x: call(x).abs() ** 2, x)


@pytest.mark.parametrize(("name", "kind"), [*ONE, *MANY])
@pytest.mark.parametrize("dtype", ["bool", "int32", "float32", "float64"])
def test_types_are_torchs(torch, name, kind, dtype):
    found = []
    for lib in (tg, torch):
        x = lib.ones((2, 4), dtype=getattr(lib, dtype))
        x = x * (1 + 1j) if kind == "complex" else x
        found.append(str(getattr(lib.fft, name)(x).dtype).removeprefix("torch."))
    assert found[0] == found[1]


def test_float32_gradients_stay_float32():
    x = tg.randn(3, 5, requires_grad=True)
    y = tg.fft.irfft(tg.fft.rfft(x) * tg.fft.fft(x)[:, :3], n=5)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == tg.float32


def test_there_and_back_again(rng):
    x = tg.tensor(rng.normal(size=(4, 5, 7)))
    z = tg.complex(x, x.flip(0))
    for norm in NORMS:
        pairs = [
            (tg.fft.ifftn(tg.fft.fftn(z, norm=norm), norm=norm), z),
            (tg.fft.irfftn(tg.fft.rfftn(x, norm=norm), s=x.shape, norm=norm), x),
            (tg.fft.hfft(tg.fft.ihfft(x, norm=norm), n=7, norm=norm), x),
            (tg.fft.irfft2(tg.fft.rfft2(x, norm=norm), s=(5, 7), norm=norm), x),
        ]
        for found, expected in pairs:
            np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-14)  # sums of 140 terms of size 1


def test_filtering_in_the_frequency_domain_is_circular_convolution(torch, rng):
    x, w = rng.normal(size=(2, 8)), rng.normal(size=8)

    def filtered(lib):
        return lambda x, w: lib.fft.irfft(lib.fft.rfft(x) * lib.fft.rfft(w), n=8).square()

    check(torch, filtered(tg), filtered(torch), [x, w], **CLOSE)
    expected = [[sum(row[j] * w[(i - j) % 8] for j in range(8)) for i in range(8)] for row in x]
    found = tg.fft.irfft(tg.fft.rfft(tg.tensor(x)) * tg.fft.rfft(tg.tensor(w)), n=8)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-14)


def test_the_power_spectrum_has_a_real_loss(torch, rng):
    x = rng.normal(size=(3, 9))
    check(torch, lambda x: tg.fft.rfft(x).abs().square(), lambda x: torch.fft.rfft(x).abs().square(), [x], **CLOSE)


def test_non_contiguous_and_empty_operands(torch, rng):
    x = numbers(rng, (6, 8), "complex")
    for part in (x[::2, ::3], x.T):
        for name in ("fft", "ifft", "irfft", "fft2"):
            compare(torch, name, part)
        compare(torch, "rfft", part.real)
    # Of no rows there are no spectra; PyTorch's library fails for them.
    nothing = tg.ones(0, 3, 4, requires_grad=True)
    for name, length in (("fft", 4), ("ifft2", 4), ("rfftn", 3), ("irfft2", 6), ("ihfft", 3)):
        y = getattr(tg.fft, name)(nothing, **({"dim": (1, 2)} if name == "rfftn" else {}))
        assert y.shape == (0, 3, length)
        y.abs().sum().backward()
        assert nothing.grad.shape == (0, 3, 4)


def test_a_tensor_without_dimensions_is_its_own_spectrum(torch):
    compare(torch, "fftn", np.asarray(2.0))
    compare(torch, "ifftn", np.asarray(2.0 + 1j))


@pytest.mark.parametrize("dim", [None, 0, -1, (0, 1), (2,)])
def test_shifts(torch, rng, dim):
    x = rng.normal(size=(3, 4, 5))
    for name in ("fftshift", "ifftshift"):
        compare(torch, name, x, dim)
        compare(torch, name, x + 1j * x, dim)
    assert tg.fft.ifftshift(tg.fft.fftshift(tg.tensor(x), dim), dim).equal(tg.tensor(x))


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies(torch, n):
    for name in ("fftfreq", "rfftfreq"):
        mine, theirs = getattr(tg.fft, name)(n, 0.1), getattr(torch.fft, name)(n, 0.1)
        assert mine.dtype == tg.float32
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-6)  # float32
        assert getattr(tg.fft, name)(n, dtype=tg.float64, requires_grad=True).requires_grad


def test_numpys_and_torchs_argument_names(torch):
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(tg.fft.fft(input=tg.tensor(x), axis=0).numpy(), np.fft.fft(x, axis=0), atol=1e-14)
    assert isinstance(tg.fft.fft(x), np.ndarray)
    assert {name for name in tg.fft.__all__ if not hasattr(torch.fft, name)} == set()


REFUSED = {
    "norm": (lambda: tg.fft.fft(tg.ones(3), norm="both"), ValueError, "fft: norm is .*, got 'both'"),
    "length 0": (lambda: tg.fft.fft(tg.ones(3), 0), ValueError, r"fft: length 0 along dimension 0; .*\(shape \(3,\)\)"),
    "negative length": (lambda: tg.fft.rfft(tg.ones(3), -2), ValueError, "rfft: length -2"),
    "empty axis": (lambda: tg.fft.fft(tg.ones(2, 0)), ValueError, "fft: length 0 along dimension 1"),
    "no result": (lambda: tg.fft.irfft(tg.ones(1)), ValueError, "irfft: a result of length 0"),
    "dimension": (lambda: tg.fft.fft(tg.ones(3), dim=1), IndexError, "fft: dimension 1 is out of range"),
    "twice": (lambda: tg.fft.fftn(tg.ones(3, 3), dim=(0, -2)), ValueError, "fftn: a dimension appears twice"),
    "lengths": (lambda: tg.fft.fftn(tg.ones(3, 3), (3,), (0, 1)), ValueError, "fftn: expected a length for each"),
    "too many": (lambda: tg.fft.fftn(tg.ones(3), (3, 3)), ValueError, "fftn: expected a length for each dimension"),
    "number": (lambda: tg.fft.fft(tg.tensor(1.0)), ValueError, "fft: expected at least one dimension"),
    "number, halved": (lambda: tg.fft.rfftn(tg.tensor(1.0)), ValueError, "rfftn: expected a dimension to transform"),
    "complex": (lambda: tg.fft.rfft(tg.ones(3) * 1j), TypeError, "rfft: expected real numbers, got complex64"),
    "half": (lambda: tg.fft.fft(tg.ones(4).half()), TypeError, "fft: float16 is too narrow"),
    "list": (lambda: tg.fft.fft([1.0, 2.0]), TypeError, "fft: expected a Tensor, got list"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case):
    call, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        call()
