"""Statistics of what is not NaN, held against PyTorch's."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case


@pytest.mark.parametrize("entry, found", cases("nansum", "nanmean", "nanmedian"))
def test_statistics_agree_with_torch(torch, entry, found):
    check_case(torch, entry, found)


HOLES = np.array([[1.0, 1.0, math.nan, 0.0], [3.0, math.nan, 2.0, 2.5], [0.5, 4.0, 1.5, 2.0]])


@pytest.mark.parametrize("options", [{}, {"dim": 0}, {"dim": 1}, {"dim": -1, "keepdim": True}])
@pytest.mark.parametrize("name", ["nansum", "nanmean", "nanmedian"])
def test_nans_are_passed_over_as_in_torch(torch, name, options):
    f = lambda home: lambda x: getattr(home, name)(x, **options)
    check(torch, f(tg), f(torch), [HOLES], twice=False)


@pytest.mark.parametrize("name", ["nansum", "nanmean"])
@pytest.mark.parametrize("dim, keepdim", [(None, False), (0, False), (1, True), ((0, 1), False)])
def test_what_is_missing_does_not_count(torch, name, dim, keepdim):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[0, 1] = x[2, 2] = np.nan
    f = lambda home: lambda x: getattr(home, name)(x, dim, keepdim)
    check(torch, f(tg), f(torch), [x])
    x[:] = np.nan
    np.testing.assert_array_equal(f(tg)(tg.tensor(x)).numpy(), f(torch)(torch.tensor(x)).numpy())


@pytest.mark.parametrize("x", [[math.nan, math.nan], [1.0, 1.0, 3.0, math.nan], [2.0, 1.0]])
def test_the_gradient_of_a_nanmedian_is_torchs(torch, x):
    check(torch, tg.nanmedian, torch.nanmedian, [np.array(x)], twice=False)


def test_a_nanmedian_of_nans_alone_is_nan():
    assert math.isnan(tg.nanmedian(tg.tensor([[math.nan] * 2]), 1).values)
    assert math.isnan(tg.nanmedian(tg.zeros(0)))
    with pytest.raises(tg.ShapeError, match="nanmedian: dimension 0"):
        tg.nanmedian(tg.zeros(0), 0)


def test_integers_have_a_nanmedian():
    assert int(tg.nanmedian(tg.tensor([3, 1, 2]))) == 2
