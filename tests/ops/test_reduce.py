"""Reductions, extremes, running sums and products, softmax."""

import math

import numpy as np
import pytest
from scipy import special

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case

NAMES = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "softmax",
    "std",
    "sum",
    "var",
]


def twin(torch, name):
    """PyTorch's function; it wants no dimensions spelled in three ways for "all of them"."""
    function = getattr(torch, name)

    def call(x, dim=None, **options):
        if dim is not None:
            return function(x, dim=dim, **options)
        if name in ("amax", "amin"):
            return function(x, dim=(), **options)
        if name in ("any", "all"):
            return function(x, dim=tuple(range(x.ndim)), **options)
        return function(x) if not any(options.values()) else function(x, dim=None, **options)

    return call


@pytest.mark.parametrize(("entry", "found"), cases(*NAMES))
def test_value_and_first_two_derivatives_are_torchs(torch, entry, found):
    plain = entry.name in ("var", "std", "norm", "sum", "mean")
    check_case(torch, entry, found, None if plain else twin(torch, entry.name))


FLOAT = ["sum", "mean", "var", "std", "prod", "amax", "amin", "max", "min", "norm", "logsumexp"]
ONE_DIM = ["prod", "max", "min"]


@pytest.mark.parametrize("name", FLOAT + ["softmax", "log_softmax", "cumsum", "cumprod"])
def test_a_tensor_without_dimensions_counts_as_one_number(torch, name):
    f = lambda lib: lambda x: getattr(lib, name)(x, dim=0)
    alone = name in ("var", "std")  # one number has no variance: all is NaN, and PyTorch warns
    with pytest.warns(UserWarning) if alone else np.errstate():
        check(torch, f(tg), f(torch), [np.array(0.7)], twice=not alone)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "norm", "logsumexp", "cumsum", "softmax"])
@pytest.mark.parametrize(("shape", "dim"), [((0,), 0), ((2, 0), 1), ((2, 0), 0), ((0, 3), 1)])
def test_empty_tensors(torch, name, shape, dim):
    check(torch, lambda x: getattr(tg, name)(x, dim=dim), lambda x: getattr(torch, name)(x, dim=dim), [np.ones(shape)])


@pytest.mark.parametrize("name", ["amax", "max", "argmin"])
def test_there_is_no_extreme_of_nothing(name):
    with pytest.raises(ValueError, match=r"(amax|argm..): no elements to choose from in shape \(2, 0\) along 1"):
        getattr(tg, name)(tg.ones(2, 0), dim=1)


@pytest.mark.parametrize("name", [n for n in FLOAT if n not in ONE_DIM])
@pytest.mark.parametrize("dim", [(0,), (0, 2), (-1, 0), (0, 1, 2), [1, 2]])
@pytest.mark.parametrize("keepdim", [False, True])
def test_several_dimensions_in_any_order(torch, rng, name, dim, keepdim):
    options = {"dim": dim, "keepdim": keepdim, **({"p": 2} if name == "norm" else {})}
    x = rng.normal(size=(3, 2, 4))
    check(torch, lambda x: getattr(tg, name)(x, **options), lambda x: getattr(torch, name)(x, **options), [x])


@pytest.mark.parametrize("name", FLOAT)
def test_operands_need_not_be_contiguous(torch, rng, name):
    f = lambda lib: lambda x: getattr(lib, name)(x.T[1:], dim=0) if name not in ("max", "min") else x.T.max(0).values
    check(torch, f(tg), f(torch), [rng.normal(size=(4, 6))])


def test_numpys_argument_names_are_taken(rng):
    x = tg.tensor(rng.normal(size=(2, 3)))
    assert x.sum(axis=0, keepdims=True).shape == (1, 3)
    assert x.max(axis=1, keepdims=True).values.shape == (2, 1)


# Ties and zeros


@pytest.mark.parametrize("name", ["amax", "amin", "max", "min"])
def test_the_extreme_of_all_splits_its_gradient_between_ties(torch, name):
    check(torch, getattr(tg, name), getattr(torch, name), [np.array([[1.0, 3.0, 3.0], [1.0, 1.0, 3.0]])])


@pytest.mark.parametrize("name", ["max", "min"])
def test_along_a_dimension_the_gradient_goes_to_the_index_taken(name):
    x = tg.tensor([[2.0, 2.0, 2.0], [1.0, 2.0, 1.0]], requires_grad=True)
    values, indices = getattr(x, name)(dim=1)
    values.backward(tg.tensor([1.0, 10.0]))
    taken = np.zeros((2, 3))
    taken[[0, 1], indices.numpy()] = [1.0, 10.0]
    assert indices.tolist()[0] == 0
    np.testing.assert_array_equal(x.grad.numpy(), taken)


def test_max_of_two_tensors_is_maximum():
    assert tg.max(tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0])).tolist() == [3.0, 5.0]
    assert tg.min(tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0])).tolist() == [1.0, 4.0]


@pytest.mark.parametrize("zeros", [[], [1], [1, 3], [0, 4], [0, 1, 2, 3, 4]])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_have_the_right_gradient_at_zeros(torch, rng, name, zeros):
    x = rng.uniform(0.5, 2.0, 5)
    x[zeros] = 0.0
    check(torch, lambda x: getattr(tg, name)(x, dim=0), lambda x: getattr(torch, name)(x, dim=0), [x])


def test_the_product_of_everything_at_a_zero(torch, rng):
    x = rng.normal(size=(2, 3))
    x[1, 0] = 0.0
    check(torch, tg.prod, torch.prod, [x])


def test_the_gradient_of_std_is_0_where_it_is_0(torch):
    x = np.array([[1.0, 1.0], [1.0, 3.0]])
    check(torch, lambda x: tg.std(x, dim=1), lambda x: torch.std(x, dim=1), [x], twice=False)


@pytest.mark.parametrize("p", ["fro", 1, 2, 3, math.inf])
def test_the_gradient_of_a_norm_is_0_where_it_is_0(torch, p):
    x = np.array([[0.0, 0.0], [0.0, 3.0]])
    check(torch, lambda x: tg.norm(x, p, dim=1), lambda x: torch.norm(x, p, dim=1), [x], twice=False)


@pytest.mark.parametrize("p", [0, 0.5, -math.inf])
def test_unusual_powers_of_a_norm(torch, rng, p):
    check(
        torch, lambda x: tg.norm(x, p, 0), lambda x: torch.norm(x, p, 0), [rng.uniform(0.5, 2.0, (3, 2))], twice=p != 0
    )


def test_nan_is_the_extreme_where_there_is_one(torch):
    x = np.array([1.0, math.nan, 3.0])
    for name in ("amax", "max", "argmax", "amin"):
        f, g = getattr(tg, name), getattr(torch, name)
        np.testing.assert_array_equal(f(tg.tensor(x)).numpy(), g(torch.tensor(x)).numpy())
    a = tg.tensor(x, requires_grad=True)
    a.max().backward()
    assert a.grad.tolist() == [0.0, 1.0, 0.0]


# Large numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_softmax_and_its_relatives_hold_at_large_inputs(dtype, scale):
    x = np.array([[0.0, 1.0, 1.0], [1.0, 2.0, -1.0]], dtype) * dtype(scale)
    exact = x.astype(np.float64)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for f, expected in (
            (lambda t: t.softmax(1), special.softmax(exact, 1)),
            (lambda t: t.log_softmax(1), special.log_softmax(exact, 1)),
            (lambda t: t.logsumexp(1), special.logsumexp(exact, 1)),
        ):
            t = tg.tensor(x, requires_grad=True)
            y = f(t)
            y.sum().backward()
            assert y.dtype == t.grad.dtype == dtype
            # one rounding of the largest number, 1e4
            np.testing.assert_allclose(y.numpy(force=True), expected, rtol=2 * np.finfo(dtype).eps)
            assert np.isfinite(t.grad.numpy()).all()


def test_log_softmax_keeps_the_digits_of_small_logarithms():
    x = np.array([1e4, 1e4 - 1.0], np.float32)
    # 1 ulp of the result, not of 1e4, which is 1e-3
    np.testing.assert_allclose(tg.tensor(x).log_softmax(0).numpy(), special.log_softmax([1.0, 0.0]), rtol=2e-7)


def test_logsumexp_of_infinities_is_torchs(torch):
    inf = math.inf
    for x in ([-inf, -inf], [-inf, 0.0], [inf, 0.0], [inf, inf], [inf, -inf]):
        found = tg.tensor(x).logsumexp(0).item()
        assert found == torch.tensor(x).logsumexp(0).item(), x


def test_softmax_gives_a_masked_place_nothing():
    x = tg.tensor([0.0, -math.inf, 0.0], requires_grad=True)
    y = x.softmax(0)
    y.backward(tg.tensor([1.0, 5.0, 0.0]))
    assert y.tolist() == [0.5, 0.0, 0.5]
    assert x.grad.tolist() == [0.25, 0.0, -0.25]


def test_a_mean_of_float32_is_as_accurate_as_pairwise_sums_are():
    x = np.full(2**20, 0.1, np.float32)
    # a running sum in float32 would be off by 1e-2
    np.testing.assert_allclose(tg.tensor(x).mean().item(), np.float32(0.1), rtol=1e-6)


# Options


@pytest.mark.parametrize("call", [
    lambda x: x.var(0, False), lambda x: x.var(unbiased=False), lambda x: x.var(False), lambda x: x.std(1, True, True),
    lambda x: x.var(dim=1, correction=2), lambda x: x.std((0, 1), unbiased=True, keepdim=True),
])  # fmt: skip
def test_all_spellings_of_the_variance(torch, rng, call):
    check(torch, call, call, [rng.normal(size=(4, 3))])


def test_the_variance_of_too_few_numbers_is_nan(torch):
    x = tg.tensor([2.0], requires_grad=True)
    with np.errstate(all="raise"):
        y = x.var()
        y.backward()
    assert math.isnan(y.item())
    assert math.isnan(x.grad.item())


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64"])
@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "any", "all", "amax", "max", "count_nonzero"])
def test_dtypes_of_reduced_integers_are_torchs(torch, name, dtype):
    x = np.array([[1, 0, 3], [2, 2, 1]]).astype(dtype)
    options = {"dim": 1} if name.startswith("cum") else {}
    mine, theirs = getattr(tg, name)(tg.tensor(x), **options), getattr(torch, name)(torch.tensor(x), **options)
    if name in ("any", "all") and dtype == "uint8":
        theirs = theirs.bool()  # PyTorch keeps uint8 here for its oldest programs
    assert mine.dtype == theirs.numpy().dtype
    assert mine.tolist() == theirs.tolist()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax_of_integers_is_a_float(name):
    assert getattr(tg, name)(tg.tensor([1, 2]), dim=0).dtype == tg.float32


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "cumsum", "softmax"])
def test_a_dtype_can_be_asked_for(torch, name):
    x = np.array([1.0, 2.0], np.float32)
    f = lambda lib: lambda x: getattr(lib, name)(x, 0, dtype=lib.float64)
    check(torch, f(tg), f(torch), [x], twice=False, rtol=1e-6)


def test_a_mean_of_integers_is_refused_as_in_torch():
    with pytest.raises(TypeError, match="mean: expected a float tensor, got int64"):
        tg.tensor([1, 2]).mean()
    assert tg.tensor([1, 2]).mean(dtype=tg.float32).item() == 1.5


@pytest.mark.parametrize("name", ["sum", "argmax", "softmax", "cumsum", "amax"])
def test_a_dimension_out_of_range_is_named(name):
    with pytest.raises(IndexError, match=rf"{name}: dimension 2 is out of range \[-2, 1\]"):
        getattr(tg, name)(tg.ones(2, 3), dim=2)


def test_a_dimension_given_twice_is_refused():
    with pytest.raises(ValueError, match="sum: a dimension appears twice"):
        tg.ones(2, 3).sum((0, -2))


def test_a_gradient_of_a_sum_is_memory_of_its_own():
    x = tg.ones(3, 200, 200, requires_grad=True)  # large enough that the rule gives a read-only view
    x.sum().backward()
    x.grad += 1.0
    assert x.grad.unique().tolist() == [2.0] if hasattr(x.grad, "unique") else (x.grad == 2.0).all()
