"""Which values occur, where and how often: held against PyTorch's."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import assert_same, cases, check, check_case, flat


@pytest.mark.parametrize("entry, found", cases("mode", "unique_consecutive", "isin"))
def test_they_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found)


@pytest.mark.parametrize("x", [[3, 1, 1, 3, 2], [5, 5, 1, 2, 2, 5, 2], [3.0, math.nan, math.nan], [0.0, -0.0, 1.0]])
def test_of_equally_frequent_values_the_smallest_is_taken_and_its_last_place(torch, x):
    for ours, theirs in zip(tg.mode(tg.tensor(x)), torch.mode(torch.tensor(x)), strict=True):
        assert_same(ours, theirs, "mode")


def test_a_mode_of_a_number_and_of_nothing(torch):
    for home in (tg, torch):
        assert [float(part) for part in home.mode(home.tensor(2.0))] == [2.0, 0.0]
        with pytest.raises((ValueError, IndexError), match="mode"):
            home.mode(home.zeros(0))


RUNS = [[1, 1, 2, 1, 1, 1], [[1, 1, 2], [1, 1, 2], [0, 0, 0]], [2.0], [math.nan, math.nan]]


@pytest.mark.parametrize("x", RUNS)
@pytest.mark.parametrize("options", [{"return_inverse": True, "return_counts": True}, {"return_counts": True}])
def test_runs_of_equals_agree_with_torch(torch, x, options):
    for dim in (None, *range(np.ndim(x))):
        ours = tg.unique_consecutive(tg.tensor(x), dim=dim, **options)
        theirs = torch.unique_consecutive(torch.tensor(x), dim=dim, **options)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b, "runs")


def test_runs_of_nothing():
    found = tg.unique_consecutive(tg.zeros(0), return_inverse=True, return_counts=True)
    assert [part.shape for part in found] == [(0,)] * 3


@pytest.mark.parametrize(
    "call",
    [
        lambda h: h.isin(h.tensor([1, 2, 3]), h.tensor([2]), invert=True),
        lambda h: h.isin(h.tensor([1.0, math.nan]), h.tensor([math.nan, 1.0])),
        lambda h: h.isin(h.tensor([[1, 2]]), 2),
        lambda h: h.isin(2, h.tensor([[1, 2]])),
        lambda h: h.histogram(h.tensor([1.0, 2.0, 1.0]), h.tensor([0.0, 1.5, 4.0])),
        lambda h: h.histogram(h.tensor([1.0, 2.0, 1.0]), 2, weight=h.tensor([1.0, 5.0, 2.0])),
        lambda h: h.histogram(h.tensor([1.0, 2.0, 1.0]), 3, range=(0.0, 3.0), density=True),
    ],
)
def test_other_calls_agree_with_torch(torch, call):
    for ours, theirs in zip(flat(call(tg)), flat(call(torch)), strict=True):
        assert_same(ours, theirs, "value", rtol=1e-6)


def test_a_histogram_of_integers_is_refused_as_in_torch(torch):
    for home, error in ((torch, RuntimeError), (tg, tg.DtypeError)):
        with pytest.raises(error, match="histogram"):
            home.histogram(home.arange(3), 2)


def test_the_gradient_of_a_mode_goes_to_its_place(torch):
    check(torch, lambda x: tg.mode(x, 0).values, lambda x: torch.mode(x, 0).values, [np.array([3.0, 1.0, 1.0, 3.0])])
