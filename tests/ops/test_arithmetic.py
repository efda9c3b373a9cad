"""Arithmetic, rounding, and what operators do with numbers, arrays and strangers."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.against_torch import cases, check, check_case

NAMES = [
    "abs",
    "add",
    "ceil",
    "div",
    "floor",
    "floor_divide",
    "fmod",
    "mul",
    "neg",
    "pow",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "sign",
    "square",
    "sub",
    "trunc",
    "maximum",
    "minimum",
    "clamp",
    "lerp",
    "where",
]

# PyTorch refuses to differentiate floor_divide, and wants bools for where.
TWINS = {
    "floor_divide": lambda torch: lambda a, b: torch.div(a, b, rounding_mode="floor"),
    "where": lambda torch: lambda condition, a, b: torch.where(condition.bool(), a, b),
}


@pytest.mark.parametrize(("entry", "found"), cases(*NAMES))
def test_value_and_first_two_derivatives_are_torchs(torch, entry, found):
    twin = TWINS.get(entry.name)
    check_case(torch, entry, found, twin and twin(torch))


SHAPES = [((), ()), ((), (3,)), ((0,), (1,)), ((2, 1, 3), (4, 1)), ((1,), (2, 3)), ((2, 0, 3), (3,))]


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "remainder"])
@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_broadcasting_sums_the_gradient_of_what_was_repeated(torch, rng, name, a, b):
    inputs = [rng.uniform(0.5, 2.0, a), rng.uniform(0.5, 2.0, b)]
    check(torch, getattr(tg, name), getattr(torch, name), inputs)


def test_operands_need_not_be_contiguous(torch, rng):
    a, b = rng.normal(size=(4, 6)), rng.normal(size=(3, 4))
    check(torch, lambda a, b: a.T[::2] * b, lambda a, b: a.T[::2] * b, [a, b])


def test_one_tensor_as_both_operands_gets_both_gradients(torch, rng):
    for f in (lambda x: x * x, lambda x: x + x, lambda x: x / x, lambda x: (x * x + 1) ** x):
        check(torch, f, f, [rng.uniform(0.5, 2.0, (3,))])


EDGES = {
    "base 0, exponent number": (lambda x: x**2 + x**1 + x**0 + x**3.0, [[0.0, -1.0, 2.0]]),
    "exponent 0 as a tensor": (lambda a, b: a**b, [[0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0]]),
    "base a number": (lambda x: 2.0**x + 1**x, [[0.0, -1.0, 3.0]]),
    "base the number 0": (lambda x: 0.0**x, [[0.0, 1.0, 3.0]]),
    "abs at 0": (abs, [[0.0, -0.0, 1.0]]),
}


@pytest.mark.parametrize("name", EDGES)
def test_powers_and_kinks_follow_torchs_conventions(torch, name):
    f, inputs = EDGES[name]
    # Differentiating once more meets 0 · ln 0, where PyTorch has no convention to follow.
    check(torch, f, f, [np.array(x) for x in inputs], twice="tensor" not in name and "base the" not in name)


def test_relu_and_clamp_at_their_kinks(torch):
    x = np.array([-1.0, -0.0, 0.0, 1.0, 2.0])
    check(torch, tg.relu, torch.relu, [x])
    check(torch, lambda x: x.clamp(0, 1), lambda x: x.clamp(0, 1), [x])


def test_clamp_passes_the_gradient_to_the_bound_that_holds(torch):
    x, low, high = np.array([-2.0, 0.0, 2.0, 0.0]), np.array([-1.0, -1.0, -1.0, 1.0]), np.array([1.0, 1.0, 1.0, -1.0])
    check(torch, tg.clamp, torch.clamp, [x, low, high])
    check(torch, lambda x, low: tg.clamp(x, min=low), lambda x, low: torch.clamp(x, min=low), [x, low])


def test_ties_share_the_gradient_of_maximum_and_minimum():
    for f in (tg.maximum, tg.minimum):
        a, b = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([1.0, 2.0], requires_grad=True)
        f(a, b).backward(tg.tensor([1.0, 4.0]))
        assert a.grad.tolist() == b.grad.tolist() == [0.5, 2.0]


def test_where_gives_the_branch_not_taken_a_gradient_of_exactly_0():
    a, b = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    tg.where(tg.tensor([True, False]), a, b).backward(tg.tensor([math.inf, -math.inf]))
    assert a.grad.tolist() == [math.inf, 0.0]
    assert b.grad.tolist() == [0.0, -math.inf]


def test_the_sign_of_nan_is_0_as_in_torch(torch):
    x = [math.nan, -0.0, -2.0, math.inf]
    assert tg.sign(tg.tensor(x)).tolist() == torch.sign(torch.tensor(x)).tolist()


def test_alpha_scales_the_second_operand(torch, rng):
    inputs = [rng.normal(size=(2, 3)), rng.normal(size=3)]
    for name in ("add", "sub"):
        f, g = getattr(tg, name), getattr(torch, name)
        check(torch, lambda a, b, f=f: f(a, b, alpha=-0.5), lambda a, b, g=g: g(a, b, alpha=-0.5), inputs)
    x = tg.zeros(3)
    assert x.add_(tg.ones(3), alpha=2) is x
    assert x.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("mode", ["floor", "trunc"])
def test_rounded_division(torch, mode):
    a, b = [7, -7, 7, -7, 2**60 + 1], [2, 2, -2, -2, 1]
    found = tg.div(tg.tensor(a), tg.tensor(b), rounding_mode=mode)
    assert found.dtype == tg.int64
    assert found.tolist() == torch.div(torch.tensor(a), torch.tensor(b), rounding_mode=mode).tolist()
    x, y = np.array([5.5, -5.5]), np.array([2.0, 2.0])
    check(
        torch, lambda a, b: tg.div(a, b, rounding_mode=mode), lambda a, b: torch.div(a, b, rounding_mode=mode), [x, y]
    )


def test_an_unknown_rounding_mode_is_refused():
    with pytest.raises(ValueError, match=r'div: rounding_mode is None, "floor" or "trunc", got \'ceil\''):
        tg.div(tg.ones(2), 2, rounding_mode="ceil")


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators_take_a_number_on_either_side(torch, symbol):
    f = OPERATORS[symbol]
    x = np.array([0.7, 1.2])
    for g in (lambda x: f(x, 2.5), lambda x: f(2.5, x)):
        if symbol in ("//", "%"):  # PyTorch does not differentiate some of these forms
            assert g(tg.tensor(x)).tolist() == g(torch.tensor(x)).tolist()
        else:
            check(torch, g, g, [x])


def _iadd(x, y):
    x += y
    return x


def _isub(x, y):
    x -= y
    return x


def _imul(x, y):
    x *= y
    return x


def _itruediv(x, y):
    x /= y
    return x


def _ipow(x, y):
    x **= y
    return x


@pytest.mark.parametrize("f", [_iadd, _isub, _imul, _itruediv, _ipow])
def test_in_place_operators_write_and_record(torch, rng, f):
    inputs = [rng.uniform(0.5, 2.0, (2, 3)), rng.uniform(0.5, 2.0, 3)]
    check(torch, lambda x, y: f(x * 1.0, y), lambda x, y: f(x * 1.0, y), inputs)
    a = tg.tensor(inputs[0])
    assert f(a, 2.0) is a


def test_an_in_place_result_of_a_wider_kind_is_refused():
    x = tg.tensor([1, 2])
    with pytest.raises(tg.DtypeError, match="add_: a tensor of dtype int64 cannot hold the result of dtype float32"):
        x += 0.5
    assert x.tolist() == [1, 2]


def test_errors_name_the_operation_and_both_operands():
    a, b = tg.ones(2, 3), tg.ones(4)
    with pytest.raises(ValueError, match=r"mul: shapes do not broadcast: \(2, 3\) float32 and \(4,\) float32"):
        a * b
    with pytest.raises(TypeError, match=r"sub: not defined for \(1,\) bool and \(1,\) bool"):
        tg.tensor([True]) - tg.tensor([False])
    with pytest.raises(TypeError, match="add: expected a Tensor, an array or a number, got str"):
        a + "1"
    with pytest.raises(TypeError, match="neg: not defined for bool"):
        -tg.tensor([True])
    for call in (lambda x: x**-1, lambda x: x ** tg.tensor([1, -1]), lambda x: 2 ** (-x)):
        with pytest.raises(TypeError, match=r"pow: not defined for .*int64"):
            call(tg.tensor([2, 3]))
    with pytest.raises(ValueError, match="clamp: at least one of min and max is needed"):
        a.clamp()
    with pytest.raises(ValueError, match=r"where: shapes do not broadcast: \(2, 3\) bool, \(4,\) float32, 0.0"):
        tg.where(a > 0, b, 0.0)


@pytest.mark.parametrize("kind", ["floor", "ceil", "round", "trunc"])
def test_rounding_leaves_integers_alone(kind):
    x = tg.tensor([3, -2])
    y = getattr(tg, kind)(x)
    assert y.dtype == tg.int64
    assert y.tolist() == [3, -2]
    assert y.array is not x.array


def test_operands_may_be_named_as_in_pytorch():
    x, y = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([3.0, 4.0])
    assert tg.mul(input=x, other=y).tolist() == [3.0, 8.0]
    assert x.mul(other=y).tolist() == [3.0, 8.0]
    tg.exp(input=x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1.0, 2.0]), rtol=1e-6)  # float32
