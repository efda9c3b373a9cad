"""A row fails for each thing that is asked of it."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.conformance.inputs import f, i, spaced, ties
from tests.conformance.sample import differs, edge, parameters, refused, sample


def here(ours, theirs=lambda x: x.sin()):
    """A function that is one thing on this library's tensors and another on PyTorch's."""

    def call(x, *rest):
        return ours(x, *rest) if isinstance(x, tg.Tensor) else theirs(x)

    call.__name__ = "sin"
    return call


def refuses(error=TypeError, message="sin: expected floats", before=lambda x: None):
    """A function that PyTorch refuses with a TypeError, and this library so."""

    def ours(x):
        before(x)
        raise error(message)

    return here(ours, lambda x: x.sin("text"))


def warn(x):
    warnings.warn("overflow", RuntimeWarning, stacklevel=1)
    return x.sin()


def overwrite(x):
    x.array[...] = 0
    return x


# The same value or gradient as the sine's where it is computed, and no more.
def detached_value(x):
    return x.sin().detach() + 0.0 * x


def constant_slope(x):
    return x.sin().detach() + x.cos().detach() * (x - x.detach())


@pytest.mark.parametrize(
    "ours, message",
    [
        (lambda x: x.cos(), "value 0"),
        (lambda x: x.sin().float(), "dtype"),
        (lambda x: x.sin().reshape(1, 3), "shape"),
        (lambda x: (x.sin(), x.sin()), "number of results"),
        (lambda x: x.sin().detach(), "gradient on one side"),
        (detached_value, "gradient 0"),
        (constant_slope, "second gradient"),
        (warn, "NumPy warns of a finite result: overflow"),
        (lambda x: overwrite(x), "an input was changed"),
    ],
)
def test_an_ordinary_row_fails_for(torch, ours, message):
    with pytest.raises((AssertionError, TypeError, AttributeError), match=message):
        sample(here(ours), f(3)).check(torch)


def test_a_row_of_the_right_function_passes(torch):
    sample(here(lambda x: x.sin()), f(3)).check(torch)
    refused(refuses(), f(3)).check(torch)


@pytest.mark.parametrize(
    "function, message",
    [
        (here(lambda x: x.sin(), lambda x: x.sin("text")), "not refused; PyTorch says TypeError"),
        (refuses(AttributeError), "sin: expected floats"),
        (refuses(AssertionError), "sin: expected floats"),
        (refuses(message="expected floats"), "is not named"),
        (refuses(before=warn), "NumPy warns"),
        (refuses(before=overwrite), "an input was changed"),
        (here(lambda x: x.sin()), "PyTorch does not refuse"),
    ],
)
def test_a_refused_row_fails_for(torch, function, message):
    with pytest.raises((AssertionError, AttributeError, pytest.fail.Exception), match=message):
        refused(function, f(3)).check(torch)


def test_a_difference_passes_until_there_is_none(torch):
    differs(here(lambda x: x.cos()), f(3), because="it is the cosine").check(torch)
    differs(refuses(message="expected floats"), f(3), because="it is not named").check(torch)
    for row in (differs(here(lambda x: x.sin()), f(3), because=""), differs(refuses(), f(3), because="")):
        with pytest.raises(pytest.fail.Exception, match="by now"):
            row.check(torch)


def test_a_name_is_run_as_function_as_method_in_place_and_under_its_other_names(torch):
    assert [form.name for form in sample("abs", f(3)).forms(torch)][:2] == ["abs", "Tensor.abs_"]
    assert {"absolute", "Tensor.abs", "Tensor.absolute"} <= {form.name for form in sample("abs", f(3)).forms(torch)}
    assert [form.name for form in sample("abs", f(3)).only("Tensor.abs").forms(torch)] == ["Tensor.abs"]
    assert [form.name for form in sample("cat", [f(3), f(3)]).forms(torch)] == ["cat", "concat", "concatenate"]
    with pytest.raises(AssertionError, match="no form of it in common"):
        sample("nonsense", f(3)).forms(torch)


def test_the_method_and_the_form_in_place_are_compared_too(torch):
    row = sample("sin", f(3))
    for form in row.forms(torch):
        with pytest.raises(AssertionError, match=rf"(?s){form.name}: .*value 0"):
            row.check_form(torch, replace(form, ours=lambda x: x + 0.0))


def test_ids_count_the_rows_of_a_name():
    rows = [sample("add", f(3), 1), edge("add", f(0), 1), refused("exp", "text")]
    assert [p.id for p in parameters(arithmetic=rows)] == [
        "arithmetic-add-1-ordinary",
        "arithmetic-add-2-edge",
        "arithmetic-exp-1-refused",
    ]


@pytest.mark.parametrize("low, high", [(-2, 2), (0.5, 3), (0, 1)])
def test_floats_are_distinct_and_away_from_kinks(low, high):
    x = np.concatenate([spaced((40,), place, low, high) for place in range(3)])
    assert len(np.unique(x)) == len(x)
    assert low < x.min() and x.max() < high
    assert np.abs(2 * x - np.round(2 * x)).min() > 0.05


def test_inputs_of_a_row_differ_and_runs_are_the_same():
    first, second = sample("add", f(3), f(3)).arrays(), sample("add", f(3), f(3)).arrays()
    assert not np.isin(first[0], first[1]).any()
    np.testing.assert_array_equal(first, second)
    assert sample("add", i(3), ties(3, 8)).arrays()[0].dtype == np.int64
