"""The types of results, over all pairs of types, of operands with and without dimensions, and of Python numbers."""

from itertools import product

import numpy as np
import pytest

import tinygrad_edu as tg

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
NUMBERS = [True, 2, 1.5]
WITH_AND_WITHOUT_DIMENSIONS = [[1, 1], 1]
REFLECTED = {"add": "__radd__", "mul": "__rmul__", "div": "__rtruediv__", "pow": "__rpow__"}


def of_type(home, name, values):
    return home.tensor(values, dtype=getattr(home, name))


def outcome(call, home, *arguments):
    """The name of the type of a result, or that the call is refused."""
    try:
        result = call(home, *arguments)
    except (TypeError, RuntimeError, ValueError):
        return "refused"
    return str(getattr(result, "dtype", result)).removeprefix("torch.")


def assert_same(torch, call, *arguments):
    """The same type, wherever PyTorch has one."""
    expected = outcome(call, torch, *arguments)
    assert expected == "refused" or outcome(call, tg, *arguments) == expected, arguments


def test_two_types_promote_as_in_torch(torch):
    for a, b in product(NAMES, NAMES):
        assert_same(torch, lambda h, a, b: h.promote_types(getattr(h, a), getattr(h, b)), a, b)


@pytest.mark.parametrize("name", ["result_type", "add", "mul", "div", "pow", "maximum", "eq", "atan2", "remainder"])
def test_two_operands_give_torchs_type(torch, name):
    call = lambda h, a, x, b, y: getattr(h, name)(of_type(h, a, x), of_type(h, b, y))
    for arguments in product(NAMES, WITH_AND_WITHOUT_DIMENSIONS, NAMES, WITH_AND_WITHOUT_DIMENSIONS):
        assert_same(torch, call, *arguments)


@pytest.mark.parametrize("name", ["result_type", "add", "mul", "div", "pow", "eq"])
def test_a_python_number_has_torchs_influence(torch, name):
    call = lambda h, a, x, number: getattr(h, name)(of_type(h, a, x), number)
    for arguments in product(NAMES, WITH_AND_WITHOUT_DIMENSIONS, NUMBERS):
        assert_same(torch, call, *arguments)


@pytest.mark.parametrize("name", REFLECTED)
def test_a_python_number_in_front_has_torchs_influence(torch, name):
    call = lambda h, a, x, number: getattr(of_type(h, a, x), REFLECTED[name])(number)
    for arguments in product(NAMES, WITH_AND_WITHOUT_DIMENSIONS, NUMBERS):
        assert_same(torch, call, *arguments)


def test_a_choice_has_torchs_type(torch):
    call = lambda h, a, x, b, y: h.where(h.tensor([True, False]), of_type(h, a, x), of_type(h, b, y))
    for arguments in product(NAMES, WITH_AND_WITHOUT_DIMENSIONS, NAMES, WITH_AND_WITHOUT_DIMENSIONS):
        assert_same(torch, call, *arguments)


@pytest.mark.parametrize("name", ["cat", "stack"])
def test_joined_tensors_have_torchs_type(torch, name):
    for a, b in product(NAMES, NAMES):
        assert_same(torch, lambda h, a, b: getattr(h, name)([of_type(h, a, [1]), of_type(h, b, [1])]), a, b)


@pytest.mark.parametrize("name", ["exp", "sqrt", "sum", "prod", "square", "sigmoid", "sin", "amax", "cumsum"])
def test_one_operand_gives_torchs_type(torch, name):
    options = {"dim": 0} if name == "cumsum" else {}
    for a, x in product(NAMES, WITH_AND_WITHOUT_DIMENSIONS):
        assert_same(torch, lambda h, a, x: getattr(h, name)(of_type(h, a, x), **options), a, x)


@pytest.mark.parametrize("values", [[-1.5, 0.0, 2.5, 100.0], [0.0, 1.0, 3.0, 7.0]])
def test_casts_between_all_types_are_torchs(torch, values):
    for a, b in product(NAMES, NAMES):
        if min(values) < 0 and "uint8" in (a, b):
            continue  # what a negative float is without a sign, the machine decides
        x = np.array(values).astype(a)
        found, expected = tg.tensor(x).to(getattr(tg, b)), torch.tensor(x).to(getattr(torch, b))
        assert found.dtype == np.dtype(b)
        np.testing.assert_array_equal(found.numpy(), expected.numpy(), err_msg=f"{a} to {b}")
