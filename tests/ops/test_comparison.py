"""Comparisons, logic and bits."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check_case

NAMES = [
    "allclose",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "eq",
    "equal",
    "ge",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
]


@pytest.mark.parametrize(("entry", "found"), cases(*NAMES))
def test_values_are_torchs(torch, entry, found):
    check_case(torch, entry, found)


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite"])
@pytest.mark.parametrize("values", [[1.0, math.nan, math.inf, -math.inf], [1, 2]])
def test_what_is_not_finite(torch, name, values):
    assert getattr(tg, name)(tg.tensor(values)).tolist() == getattr(torch, name)(torch.tensor(values)).tolist()


def test_nan_compares_as_in_torch(torch):
    x = [math.nan, 1.0]
    for name in ("eq", "ne", "lt", "ge"):
        mine = getattr(tg, name)(tg.tensor(x), tg.tensor(x))
        assert mine.tolist() == getattr(torch, name)(torch.tensor(x), torch.tensor(x)).tolist()
    assert not tg.equal(tg.tensor(x), tg.tensor(x))
    assert tg.allclose(tg.tensor(x), tg.tensor(x), equal_nan=True)


def test_a_comparison_records_nothing():
    x = tg.ones(2, requires_grad=True)
    assert not (x > 0).requires_grad


def test_comparison_with_none_or_a_string_is_pythons():
    x = tg.ones(2)
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True
    assert x in [None, x]


def test_tensors_can_be_keys_of_a_dictionary():
    x, y = tg.ones(2), tg.ones(2)
    assert {x: "x", y: "y"}[y] == "y"


def test_operators_on_masks(torch):
    a, b = [True, True, False], [True, False, False]
    for f in (lambda a, b: a & b, lambda a, b: a | ~b, lambda a, b: a ^ b, lambda a, b: True & a):
        assert f(tg.tensor(a), tg.tensor(b)).tolist() == f(torch.tensor(a), torch.tensor(b)).tolist()


def test_bits_of_floats_are_refused():
    with pytest.raises(TypeError, match=r"bitwise_and: not defined for \(2,\) float32 and \(2,\) float32"):
        tg.ones(2) & tg.ones(2)
    with pytest.raises(TypeError, match="bitwise_not: not defined for float32"):
        ~tg.ones(2)


def test_equal_needs_the_same_shape():
    assert not tg.equal(tg.ones(2), tg.ones(1, 2))
    assert tg.equal(tg.ones(0), tg.ones(0))


@pytest.mark.parametrize(("a", "b"), [((2, 3), (3,)), ((), (2,)), ((0, 3), (1,))])
def test_comparisons_broadcast(torch, rng, a, b):
    x, y = np.round(rng.normal(size=a)), np.round(rng.normal(size=b))
    found = tg.tensor(x) <= tg.tensor(y)
    np.testing.assert_array_equal(found.numpy(), (torch.tensor(x) <= torch.tensor(y)).numpy())
