"""Choosing between values: one bound, and extremes that pass over NaN."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case


@pytest.mark.parametrize("entry, found", cases("clamp_min", "clamp_max", "fmax", "fmin"))
def test_they_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found)


@pytest.mark.parametrize("name", ["fmax", "fmin"])
def test_nans_and_ties_are_dealt_with_as_in_torch(torch, name):
    a, b = np.array([1.0, 2.0, math.nan, 1.0, math.nan]), np.array([1.0, math.nan, math.nan, 3.0, 4.0])
    check(torch, getattr(tg, name), getattr(torch, name), [a, b], twice=False)


@pytest.mark.parametrize("name", ["clamp_min", "clamp_max"])
def test_a_bound_widens_integers_as_in_torch(torch, name):
    for bound in (2, 1.5):
        ours, theirs = (getattr(home, name)(home.tensor([1, 2, 3]), bound) for home in (tg, torch))
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert ours.numpy().dtype == theirs.numpy().dtype


def test_one_bound_in_place():
    x = tg.tensor([-1.0, 3.0])
    np.testing.assert_array_equal(x.clamp_min_(0).clamp_max_(max=2.0).numpy(), [0, 2])
    np.testing.assert_array_equal(x.numpy(), [0, 2])
