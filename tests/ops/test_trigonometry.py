"""Trigonometric and hyperbolic functions."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case

NAMES = ["acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "sin", "sinh", "tan", "tanh"]


@pytest.mark.parametrize(("entry", "found"), cases(*NAMES))
def test_value_and_first_two_derivatives_are_torchs(torch, entry, found):
    check_case(torch, entry, found)


def test_atan2_in_all_quadrants_and_on_the_axes(torch):
    y, x = np.array([1.0, 1.0, -1.0, -1.0, 0.0, 0.0, 1.0]), np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 0.0])
    check(torch, tg.atan2, torch.atan2, [y, x])


def test_the_gradient_of_atan2_at_the_origin_is_0(torch):
    check(torch, tg.atan2, torch.atan2, [np.zeros(1), np.zeros(1)], twice=False)


def test_tanh_saturates():
    x = tg.tensor([-1e4, 1e4], requires_grad=True)
    y = x.tanh()
    y.sum().backward()
    assert y.tolist() == [-1.0, 1.0]
    assert x.grad.tolist() == [0.0, 0.0]
