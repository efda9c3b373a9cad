"""At a kink a gradient lies between those of the points around, and all elements together move no further than the result."""

import numpy as np
import pytest

from tinygrad_edu.testing.exact.kinks import limits
from tinygrad_edu.testing.sweep import variations


def absolute(x, at_zero):
    return np.abs(x), lambda dy: dy * np.where(x == 0, at_zero, np.sign(x))


@pytest.mark.parametrize(("at_zero", "within"), [(-1, True), (0, True), (0.3, True), (1, True), (1.01, False)])
def test_the_slopes_of_abs_are_minus_one_and_one(at_zero, within):
    slopes = limits(absolute, np.array([0.0, 3.0]), at_zero=at_zero)
    assert (slopes.index is None) == within
    dy = slopes.found[0] / at_zero if at_zero else slopes.most[0]
    np.testing.assert_allclose((slopes.least[0], slopes.most[0]), (-abs(dy), abs(dy)))
    np.testing.assert_array_equal(slopes.kinks, [True, False])


def maximum(a, b, share_of_a, share_of_b):
    ties = a == b
    y = np.maximum(a, b)
    return y, lambda dy: (dy * np.where(ties, share_of_a, a > b), dy * np.where(ties, share_of_b, b > a))


@pytest.mark.parametrize("argument", [0, 1])
def test_each_operand_of_a_maximum_may_have_any_share_of_a_tie(argument):
    for share in (0.0, 0.5, 1.0):
        slopes = limits(maximum, np.ones(2), np.ones(2), share, 1 - share, argument=argument)
        assert slopes.index is None
        assert slopes.together is None
        assert slopes.kinks.all()
    assert limits(maximum, np.ones(2), np.ones(2), 1.5, 1.5, argument=argument).index == (0,)


def test_what_all_of_the_largest_get_is_too_much_together():
    def largest(x):
        y = x.max()
        return y, lambda dy: dy * (x == y)

    slopes = limits(largest, np.array([2.0, 1.0, 2.0, 2.0]))
    assert slopes.index is None
    assert slopes.together == (0, 3.0, 1.0, 1.0)


def test_the_limits_of_a_norm_at_zero_are_those_of_unit_vectors():
    def norm(x):
        return np.sqrt((x * x).sum()), lambda dy: dy * x

    slopes = limits(norm, np.zeros(3))
    np.testing.assert_allclose(slopes.most, -slopes.least)
    np.testing.assert_allclose(slopes.most, slopes.most[0])


def test_an_infinite_slope_is_no_limit():
    assert limits(lambda x: (np.sqrt(x), lambda dy: dy), np.array([0.0])) is None
    assert limits(lambda x: (np.cbrt(x), lambda dy: dy), np.array([0.0])) is None


def test_variations_keep_what_has_no_negative_elements_and_what_has_no_gradient():
    x, variance, target = np.array([[0.5, -1.5]]), np.array([0.2, 0.4]), np.array([0.0, 1.0])
    seen = dict(variations((x, variance, target), [0, 1], seed=0))
    assert list(seen)[:3] == [f"where {{0}} is at most {size} in size" for size in ("0.001", "30", "200")]
    for a, b, c in seen.values():
        assert (b > 0).all()
        assert c is target
        assert a.shape == x.shape
    np.testing.assert_allclose([np.abs(a).max() for a, _, _ in seen.values()][:3], [0.001, 30, 200])
    np.testing.assert_array_equal(seen["with other signs"][0], -x)
    assert set(np.unique(seen["at small integers"][0])) <= {-2.0, -1.0, 0.0, 1.0, 2.0}
