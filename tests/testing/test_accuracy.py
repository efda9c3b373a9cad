"""Rounding errors in ulps, and the page that tells them."""

import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import cli, nn
from tinygrad_edu.announce import announced
from tinygrad_edu.cli.accuracy import HEAD, rows_of
from tinygrad_edu.testing import accuracy, assert_accurate
from tinygrad_edu.testing.exact import ExactError, precision
from tinygrad_edu.testing.ulps import digits_of, ulps

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
LAYERS = [a.name for a in announced.values() if a.kind in ("layer", "loss")]
X = np.array([[0.3, -1.1, 0.7], [-0.4, 1.7, 0.2]])


def tanh(x):
    y = np.tanh(x)
    return y, lambda dy: dy * (1 - y * y)


def decimals(*numbers):
    result = np.empty(len(numbers), object)
    with precision():
        result[:] = [Decimal(n.numerator) / n.denominator if isinstance(n, Fraction) else Decimal(n) for n in numbers]
    return result


def of(found, right, moved="0", dtype="float64"):
    """The three measures of one element."""
    with precision():
        errors = ulps(np.array([found], dtype), decimals(right), decimals(moved), dtype)
    return [e[0] for e in (errors.element, errors.largest, errors.inputs)]


# The unit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [1.0, 1000.0, 3e-30])
def test_the_next_float_is_one_ulp_away(dtype, value):
    right = np.array([value], dtype)
    assert of(np.nextafter(right, np.inf)[0], right[0].item(), dtype=dtype) == [1, 1, 1]


def test_an_error_is_seen_between_two_floats():
    assert of(1.0, 1 + Fraction(1, 2**54))[0] == 0.25


def test_what_moves_with_the_inputs_is_taken_off():
    # 10 ulps, where rounding the inputs makes 4: 10 / (1 + 4).
    assert of(1 + 10 * 2**-52, 1, Decimal(2) ** -50) == [10, 10, 2]


def test_a_small_element_counts_by_itself_and_by_the_largest():
    errors = ulps(np.array([1.0, 0.0]), decimals(1, Decimal(2) ** -52), decimals(0, 0), "float64")
    assert errors.element.tolist() == [0, digits_of("float64")]
    assert errors.largest.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("found", "right", "error"),
    [
        (0.0, "0", 0),
        (np.nan, "NaN", 0),
        (np.inf, "Infinity", 0),
        (np.inf, "1e400", 0),
        (5e-324, Fraction(5e-324), 0),
        (5e-324, "0", 1),
        (np.nan, "1", np.inf),
        (1.0, "NaN", np.inf),
        (np.inf, "-Infinity", np.inf),
        (1.7e308, "Infinity", np.inf),
        (-1e300, "1e300", 2**52),
        (sys.float_info.max, Fraction(sys.float_info.max), 0),
        (np.nextafter(sys.float_info.max, 0), Fraction(sys.float_info.max), 1),
    ],
)
def test_at_the_edges_of_floats(found, right, error):
    assert of(found, right)[0] == pytest.approx(error, abs=1e-40)  # the largest float has 309 digits, and here are 60


# What is measured


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_is_rounded_once(dtype):
    found = accuracy(lambda x: (x * x, lambda dy: 2 * x * dy), X, dtypes=[dtype])
    assert 0.1 < found.worst(name="result").element <= 0.5
    assert 0.1 < found.worst(name="x").element <= 1  # doubling is exact, and so only one of the products is rounded
    assert found.skipped == [] and found.wrong_dtypes == []


def test_nothing_rounded_is_no_error():
    found = accuracy(lambda x: (-x, lambda dy: -dy), X)
    assert [r.element for r in found.roundings] == [0] * 4


def test_a_planted_error_is_seen_in_its_size():
    off = 40 * 2.0**-23
    found = accuracy(lambda x: (x + 0, lambda dy: dy + dy * np.abs(x / x) * off * rounded(x)), X, dtypes=["float32"])
    # An ulp is 2^-23 to 2^-24 of a number, and the sum is rounded once.
    assert 39 <= found.worst(name="x").element <= 81


def rounded(x):
    """1 on floats, 0 on exact numbers: an error that they do not have."""
    return 0 if x.dtype == object else 1


def test_saturation_is_found_with_its_scale():
    found = accuracy(tanh, X).worst(name="x", dtype="float64")
    assert found.element == digits_of("float64") and found.scale == 30 and found.values[0] == 0
    assert found.inputs > 1e10 and found.largest < 1e6
    assert found.median < 10 and found.came == "float64"
    assert accuracy(tanh, X, scales=[1.0]).worst(name="x").inputs < 10


def test_what_an_exponential_makes_of_its_inputs_rounding_is_no_fault():
    # At 50 the exponent 55 is rounded by 55/2 · 2^-52, which is as much relative to the result.
    found = accuracy(lambda x: (np.exp(1.1 * x), lambda dy: 1.1 * np.exp(1.1 * x) * dy), X, dtypes=["float64"])
    assert found.worst().element > 10 and found.worst("inputs").inputs < 3


def test_data_are_what_they_are_and_constants_what_was_meant():
    """0.1 in float32 is another number, which is exact; the constant 0.1 is a tenth, and rounded."""
    x = np.array([0.1])
    assert accuracy(lambda x: (x * 1, lambda dy: dy), x, scales=[1]).worst().element == 0
    off = accuracy(lambda x: (x * 0 + 0.1, lambda dy: dy * 0), x, scales=[1], dtypes=["float32"]).worst()
    assert off.element == pytest.approx(float(Fraction(float(np.float32(0.1))) - Fraction(1, 10)) * 2**27)


def test_a_gradient_in_float64_of_float32_is_named():
    def by_hand(x):
        return x * 2, lambda dy: dy * np.full(x.shape, 2.0)

    found = accuracy(by_hand, X)
    assert [(r.name, r.dtype, r.came) for r in found.wrong_dtypes] == [("x", "float32", "float64")]
    with pytest.raises(AssertionError, match="gradient of x comes as float64 where the inputs are float32"):
        assert_accurate(by_hand, X, ulps=100, dtype="float32")
    assert_accurate(by_hand, X, ulps=100)


def test_a_bound_is_kept_or_the_worst_is_told():
    assert assert_accurate(tanh, X, ulps=10, scales=[1.0]).name == "tanh"
    with pytest.raises(AssertionError, match=r"tanh: expected at most 10 ulps.*\n  the gradient of x .*30 times"):
        assert_accurate(tanh, X, ulps=10)
    with pytest.raises(AssertionError, match="ulps of the largest"):
        assert_accurate(tanh, X, ulps=0.1, scales=[1.0], measure="largest")


def test_code_that_does_not_run_in_decimals_is_named():
    def by_table(x):
        return np.array([float(v) for v in x.ravel()]).reshape(x.shape), lambda dy: dy

    with pytest.raises(ExactError, match="accuracy: by_table does not run on exact numbers, Inexact: "):
        accuracy(by_table, X)


def test_inputs_outside_of_the_domain_are_skipped_and_told():
    found = accuracy("BCELoss")
    assert [s.partition(": BCELoss")[0] for s in found.skipped] == [
        f"{d}, inputs times 30" for d in ("float32", "float64")
    ]
    with pytest.raises(ValueError, match="BCELoss runs at none of the scales: .*probabilities"):
        accuracy(nn.BCELoss(), -np.abs(X), np.ones_like(X))


def test_a_model_is_refused():
    with pytest.raises(TypeError, match="Sequential: expected a single layer"):
        accuracy(nn.Sequential(nn.Linear(3, 2)), X)


def test_functions_of_tensors_and_operations_are_measured_by_their_graph():
    assert accuracy(lambda x: (x * x).sum(), X).worst("inputs").inputs < 10
    assert accuracy("exp").worst("inputs").inputs < 10
    assert accuracy(tg.exp, X).worst("inputs").inputs < 10


def test_options_that_the_forward_overwrites_are_the_same_in_every_run():
    def by_hand(x, factor):
        y, used = x * factor, factor * 1
        factor *= 3
        return y, lambda dy: dy * used

    factor = np.array([2.5])
    assert accuracy(by_hand, X, factor=factor).worst().element <= 0.5
    assert factor == 2.5


def test_nothing_is_changed_by_measuring():
    layer, x = nn.BatchNorm1d(3), X.copy()
    np.random.seed(5)  # noqa: NPY002
    tg.manual_seed(5)
    before = {key: value.numpy().copy() for key, value in layer.state_dict().items()}
    state, own = np.random.get_state()[1].copy(), tg.random.default_generator.get_state().array.copy()  # noqa: NPY002
    accuracy(layer, x)
    np.testing.assert_array_equal(x, X)
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    np.testing.assert_array_equal(tg.random.default_generator.get_state().array, own)


# The layers

ONE_HOT = np.eye(3)[[1, 1]]
SATURATED = {
    "Tanh": (nn.Tanh(), (X,)),
    "Sigmoid": (nn.Sigmoid(), (X,)),
    "Softmax": (nn.Softmax(1), (X,)),
    "Softmax over rows": (nn.Softmax(0), (X,)),
    "CrossEntropyLoss of labels": (nn.CrossEntropyLoss(), (X, np.array([2, 1]))),
    "CrossEntropyLoss of probabilities": (nn.CrossEntropyLoss(), (X, ONE_HOT)),
    "CrossEntropyLoss of each": (nn.CrossEntropyLoss(reduction="none"), (X, np.array([2, 1]))),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SATURATED)
def test_no_digits_are_lost_in_saturation(name, dtype):
    # The errors of about ten operations; with a formula that cancels there it is 1e5 in float32.
    assert_accurate(SATURATED[name][0], *SATURATED[name][1], ulps=10, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_logit_loss_of_labels_that_are_0_and_1_loses_no_digits_in_saturation(reduction, dtype):
    # Rounding a label that were not exactly 1 would explain that nothing is left of σ − 1, so own ulps are counted.
    loss = nn.BCEWithLogitsLoss(reduction=reduction)
    assert_accurate(loss, X, (X > 0) * 1.0, ulps=10, dtype=dtype, measure="element")


def test_expm1_loses_no_digits_in_saturation():
    assert_accurate("expm1", ulps=10, dtype="float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_norm_of_data_far_from_zero_loses_no_more_than_the_page_says(dtype):
    x = np.vstack([X, 2 * X, X**2]) + 100
    assert_accurate(nn.BatchNorm1d(3), x, ulps=100, dtype=dtype)


def test_a_saturated_softmax_of_nothing_and_of_one_number():
    for x in (np.zeros((2, 0)), np.zeros((0, 3)), np.array(2.0), np.full((2, 1), 50.0)):
        layer = nn.Softmax(-1)
        y = layer(x)
        np.testing.assert_array_equal(layer.backward(np.ones_like(y)), np.zeros_like(x))


@pytest.mark.parametrize("layer", [nn.Tanh(), nn.Sigmoid()], ids=repr)
def test_an_input_overwritten_before_the_backward_of_a_sigmoid_or_tanh_is_an_error(layer):
    x = tg.tensor([0.5], requires_grad=True)
    h = x * 1.0
    y = layer(h)
    with tg.no_grad():
        h.mul_(2.0)
    with pytest.raises(RuntimeError, match="overwritten"):
        y.sum().backward()


# The page

ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in PAGE.read_text("utf-8").splitlines()
    if "| float" in line and "---" not in line
][1:]


def test_the_page_has_every_layer_and_loss_in_both_dtypes():
    assert [row[:2] for row in ROWS] == [[name, dtype] for name in LAYERS for dtype in ("float32", "float64")]


def comparable(told):
    return digits_of("float64") if told == "all" else float(told or 0)


@pytest.mark.parametrize("name", LAYERS)
def test_the_page_is_true(name, monkeypatch):
    monkeypatch.setattr("tinygrad_edu.cli.accuracy.have_torch", lambda: False)
    check(name, slice(0, 9))


@pytest.mark.parametrize("name", ["Tanh", "Softmax", "Linear", "CrossEntropyLoss"])
def test_the_page_is_true_of_torch(torch, name):
    check(name, slice(9, 10))


def check(name, columns):
    on_the_page = [row for row in ROWS if row[0] == name]
    for told, row in zip(on_the_page, rows_of(name), strict=True):
        now = [getattr(row, field) for field in row.__dataclass_fields__]
        assert now[:2] == told[:2]
        for column, a, b in zip(HEAD[columns], told[columns], now[columns], strict=True):
            if column in ("result", "median", "own ulps", "of largest", "beyond inputs", "torch"):
                # Another order of sums rounds otherwise, so that an error may be some times as large. Own ulps of sums
                # that cancel are chance, as the element that is nearest to 0 has the most.
                a, b, times = comparable(a), comparable(b), 100 if column == "own ulps" else 3
                assert b <= times * a + 1 and a <= times * b + 1, (column, a, b)


def test_the_command_prints_and_refuses(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tinygrad-edu", "accuracy", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, capsys.readouterr().out

    monkeypatch.setattr("tinygrad_edu.cli.accuracy.have_torch", lambda: False)
    status, text = run("ReLU", "eigh", "--markdown")
    assert status == 0 and "| ReLU | float64 | 0 | x |" in text and "eigh |  | does not run in decimals" in text
    assert "| tanh | float32 |" in run("tanh", "--markdown")[1]
    status, text = run("astype")
    assert status == 1 and "Of another type than the inputs: astype" in text
