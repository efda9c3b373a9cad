"""Running extremes, medians, quantiles, searching and counting: values, gradients at ties and refusals are PyTorch's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case

NAMES = ["cummax", "cummin", "aminmax", "kthvalue", "median", "quantile", "histc", "bincount"]


@pytest.mark.parametrize("entry, found", cases(*NAMES))
def test_values_and_gradients_are_torchs(torch, entry, found):
    check_case(torch, entry, found)


@given(
    x=st.lists(st.sampled_from([-1.0, 0.0, 2.0, np.nan]), min_size=1, max_size=6), name=st.sampled_from(["max", "min"])
)
def test_running_extremes_at_ties_and_nans_are_torchs(torch, x, name):
    f = lambda home: lambda x: getattr(home, "cum" + name)(x, 0)
    check(torch, f(tg), f(torch), [np.array(x)])


@given(x=st.lists(st.sampled_from([-1.0, 0.0, 2.0, np.nan]), min_size=1, max_size=6))
def test_the_median_of_all_shares_its_gradient_between_ties(torch, x):
    check(torch, tg.median, torch.median, [np.array(x)])


def test_the_median_along_a_dimension_takes_the_first_nan(torch):
    x = np.array([[1.0, np.nan, 0.0], [3.0, 1.0, 2.0]])
    check(torch, lambda x: tg.median(x, 1, True), lambda x: torch.median(x, 1, True), [x])


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("dim, keepdim", [(None, False), (None, True), (0, False), (1, True), (-1, False), (-2, True)])
@pytest.mark.parametrize("q", [0.0, 0.25, 0.5, 0.9, 1.0, [0.1, 0.5, 0.7]])
def test_quantiles_agree_with_torch(torch, q, dim, keepdim, interpolation):
    x = np.random.default_rng(0).normal(size=(4, 5, 2))
    share = lambda make: make(np.array(q)) if isinstance(q, list) else q
    options = dict(dim=dim, keepdim=keepdim, interpolation=interpolation)
    check(
        torch,
        lambda x: tg.quantile(x, share(tg.tensor), **options),
        lambda x: torch.quantile(x, share(torch.tensor), **options),
        [x],
    )


def test_a_quantile_is_nan_where_an_element_is(torch):
    x = np.array([[1.0, np.nan, 0.0], [3.0, 1.0, 2.0]])
    np.testing.assert_array_equal(
        tg.quantile(tg.tensor(x), 0.0, 1).numpy(), torch.quantile(torch.tensor(x), 0.0, 1).numpy()
    )


@pytest.mark.parametrize("right", [False, True])
def test_searching_agrees_with_torch(torch, right):
    rng = np.random.default_rng(0)
    rows, values = np.sort(rng.integers(0, 5, (2, 3, 6)), -1), rng.integers(-1, 6, (2, 3, 4))
    for a, b in ((rows, values), (rows[0, 0], values), (rows[0, 0], np.array(3))):
        ours = tg.searchsorted(tg.tensor(a), tg.tensor(b), right=right)
        theirs = torch.searchsorted(torch.tensor(a), torch.tensor(b), right=right)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert ours.dtype == np.int64
    ours = tg.bucketize(tg.tensor(values), tg.tensor(rows[0, 0]), right=right)
    theirs = torch.bucketize(torch.tensor(values), torch.tensor(rows[0, 0]), right=right)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_counting_agrees_with_torch(torch):
    x, w = np.array([0, 3, 3, 1]), np.array([0.5, 1.0, 2.0, 4.0])
    for weights in (None, w, w.astype(np.float32), np.arange(4)):
        ours = tg.bincount(tg.tensor(x), None if weights is None else tg.tensor(weights), 6)
        theirs = torch.bincount(torch.tensor(x), None if weights is None else torch.tensor(weights), 6)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert ours.numpy().dtype == theirs.numpy().dtype
    for x in (np.array([1.0, 2.0, 1.5]), np.array([2.0, 2.0])):
        np.testing.assert_array_equal(tg.histc(tg.tensor(x), 3).numpy(), torch.histc(torch.tensor(x), 3).numpy())


REFUSED = {
    "kthvalue: k = 4 is out of range": lambda h: h.kthvalue(h.ones(3), 4),
    "kthvalue: k = 0 is out of range": lambda h: h.kthvalue(h.ones(3), 0),
    "quantile: q is a number between 0 and 1": lambda h: h.quantile(h.ones(3), 1.5),
    "quantile: expected floats": lambda h: h.quantile(h.ones(3, dtype=h.int64), 0.5),
    "quantile: there is no element": lambda h: h.quantile(h.ones(0), 0.5),
    "searchsorted: as many rows": lambda h: h.searchsorted(h.ones(2, 3), h.ones(3, 3)),
    "bucketize: expected one row": lambda h: h.bucketize(h.ones(3), h.ones(2, 3)),
    "bincount: expected a vector of integers": lambda h: h.bincount(h.ones(3)),
    "bincount: expected integers from 0": lambda h: h.bincount(-h.ones(3, dtype=h.int64)),
    "bincount: the weights": lambda h: h.bincount(h.ones(3, dtype=h.int64), h.ones(2)),
    "histc: expected bins": lambda h: h.histc(h.ones(3), 0),
    "cummax: dimension 1 is out of range": lambda h: h.cummax(h.ones(3), 1),
    "median: dimension 0 of shape": lambda h: h.median(h.ones(0), 0),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_torch_refuses_is_refused(torch, message):
    with pytest.raises((RuntimeError, IndexError, ValueError)):
        REFUSED[message](torch)
    with pytest.raises((RuntimeError, IndexError, ValueError), match=message):
        REFUSED[message](tg)


def test_numbers_without_dimensions_are_their_own_extremes(torch):
    for f in (lambda h, x: h.cummax(x, 0), lambda h, x: h.kthvalue(x, 1), lambda h, x: h.median(x, 0)):
        check(torch, lambda x, f=f: f(tg, x), lambda x, f=f: f(torch, x), [np.array(2.0)])
