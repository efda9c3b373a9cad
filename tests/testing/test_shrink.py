"""A wrong gradient is shown at inputs that can be checked on paper."""

import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from tests.testing.pairs import PAIRS
from tinygrad_edu import nn
from tinygrad_edu.testing import as_pair, assert_gradients_agree, shrink
from tinygrad_edu.testing.constructors import with_exact_constructors
from tinygrad_edu.testing.contract import MILD, check_contract
from tinygrad_edu.testing.contract.case import Case
from tinygrad_edu.testing.exact import check_pair
from tinygrad_edu.testing.judgement import Judgement
from tinygrad_edu.testing.shrink.search import reduced
from tinygrad_edu.testing.shrink.shown import nested


def shown(target, *inputs, **options):
    """The smallest inputs in the message of a failing check."""
    with pytest.raises(AssertionError) as caught:
        assert_gradients_agree(target, *inputs, **options)
    (found,) = caught.value.args
    assert "the smallest inputs found at which it is wrong:" in str(found)
    return found.smallest


def shrunk(function, inputs):
    """The same, of a first wrong gradient alone, without a diagnosis."""
    pair = as_pair(function)
    case = Case.of(pair, inputs, {})
    contract = check_contract(pair, *inputs)
    judgements = []
    if contract.of("shape").state == contract.of("runs").state == "ok":
        for v in check_pair(with_exact_constructors(pair), *case.arguments):
            judgements.append(
                Judgement(pair.argument(v.argument), "right" if v.ok else "wrong", "60 digits", values=v.values)
            )
    return shrink.smallest(case, judgements, [f for f in contract.broken if f.clause not in MILD])


def shapes(smallest):
    return [a.shape for a in smallest.arguments]


def fractions(array):
    return [Fraction(x) for x in array.ravel()]


@pytest.fixture
def x(rng):
    return rng.normal(size=(5, 3))


# Errors whose smallest failing input is known


def test_a_missing_factor_of_the_mean_needs_two_elements(x):
    """1/N is 1 for N = 1."""
    found = shown(lambda x: (x.mean(), lambda dy: dy * np.ones_like(x)), x)
    assert found.elements == 2
    assert (found.found == 1).all()
    assert (found.right == Fraction(1, 2)).all()


def test_a_transposed_weight_needs_two_rows_and_columns(rng):
    found = shown(lambda x, w: (x @ w, lambda dy: (dy @ w, x.T @ dy)), rng.normal(size=(4, 3)), rng.normal(size=(3, 3)))
    assert shapes(found) == [(1, 2), (2, 2)]


def normalized(term):
    def batch_norm(x):
        inv = 1 / np.sqrt(x.var(0) + 1e-5)
        h = (x - x.mean(0)) * inv

        def backward(dy):
            missing = {"mean": dy.mean(0), "variance": h * (dy * h).mean(0)}[term]
            return inv * (dy - dy.mean(0) - h * (dy * h).mean(0) + missing)

        return h, backward

    return batch_norm


def test_the_terms_of_a_batch_norm_need_one_row_and_two(x):
    """In a single row all of dy is its mean, and h is 0."""
    assert shapes(shown(normalized("mean"), x)) == [(1, 1)]
    assert shapes(shown(normalized("variance"), x)) == [(2, 1)]


def test_two_rows_of_a_batch_norm_are_too_few_where_the_gradient_all_but_vanishes():
    """It is orthogonal to 1 and, but for eps, to h, which leaves nothing of two."""
    found = shrunk(PAIRS["batch_norm"].spoiled("not_scaled"), PAIRS["batch_norm"].inputs)
    assert shapes(found) == [(3, 1), (1,), (1,)]
    assert abs(found.right).max() > 0.01


def test_ones_for_a_cotangent_where_they_show_it_and_1_and_2_where_not(rng):
    found = shrunk(lambda x: (x.T.copy(), lambda dy: dy.copy()), (rng.normal(size=(3, 3)),))
    assert found.dy.tolist() == [[1, 2], [1, 2]]
    assert shrunk(lambda x: (3 * x, lambda dy: dy), (rng.normal(size=(3, 3)),)).dy.tolist() == [[1]]


def test_what_was_right_stays_right(rng):
    def scaled(x, b):
        return x * b, lambda dy: (2 * dy * b, (dy * x).sum() * min(len(x), 3) / 3)

    found = shrunk(scaled, (rng.normal(size=(5, 2)), np.array(0.5)))
    assert shapes(found) == [(3, 1), ()]


@pytest.mark.parametrize("size", [2, 3])
def test_a_kernel_turned_the_wrong_way_round_needs_two_taps(rng, size):
    def correlation(x, w):
        n = len(x) - len(w) + 1
        y = np.array([(x[i : i + len(w)] * w).sum() for i in range(n)])

        def backward(dy):
            dx = np.zeros_like(x)
            for i in range(n):
                dx[i : i + len(w)] += dy[i] * w[::-1]
            return dx, np.array([(dy * x[k : k + n]).sum() for k in range(len(w))])

        return y, backward

    assert shapes(shown(correlation, rng.normal(size=7), rng.normal(size=size))) == [(2,), (2,)]


def test_an_index_that_must_occur_twice_does(rng):
    found = shown(PAIRS["embedding"].spoiled("overwritten"), rng.normal(size=(5, 3)), np.array([0, 3, 4, 3, 1]))
    w, index = found.arguments
    assert w.shape == (1, 1)
    assert index.tolist() == [0, 0]
    assert (fractions(found.found), fractions(found.right)) == ([1], [2])


def test_a_side_of_a_kink_is_found_where_it_is_wrong():
    (x,) = shown(
        lambda x: (np.maximum(x, 0), lambda dy: dy * np.where(x > 0, 1, 0.1)), np.array([1.5, 0.3, -0.7])
    ).arguments
    assert x.tolist() == [-1.0]


def test_labels_stay_with_their_rows(rng):
    """The mean over one of two rows would make the right gradient wrong."""
    found = shown(PAIRS["cross_entropy"].spoiled("sum"), rng.normal(size=(4, 3)), np.array([0, 2, 1, 1]))
    logits, labels = found.arguments
    assert len(logits) == len(labels) == 2


def test_targets_that_add_up_to_1_stay_as_they_are(rng):
    """p − t is the gradient for no others."""

    def cross_entropy(x, target):
        p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
        return -(target * np.log(p)).sum() / len(x), lambda dy: (dy * (p - target), None)

    found = shown(cross_entropy, rng.normal(size=(4, 3)), np.eye(4, 3) + np.eye(4, 3, -3))
    assert shapes(found) == [(2, 3), (2, 3)]
    assert found.arguments[1].sum(1).tolist() == [1, 1]


def test_what_needs_a_certain_size_stays_as_small_as_it_goes():
    written = PAIRS["conv2d_by_taps"]
    found = shrunk(written.spoiled("swapped"), written.inputs)
    assert shapes(found) == [(1, 1, 2, 2), (1, 1, 2, 2), (1,)]


# At kinks, elsewhere, without exact numbers


def test_at_a_kink_both_sides_are_shown():
    found = shown(
        lambda x: (np.maximum(x, 0), lambda dy: dy * np.where(x == 0, 2.0, x > 0)), np.array([0.0, 1.0, -1.0])
    )
    assert found.arguments[0].tolist() == [0.0]
    assert [fractions(a) for a in (found.found, found.right, found.upper)] == [[2], [0], [1]]
    assert "should be between [0] and [1]" in str(found)


def test_all_ties_with_the_gradient_are_two_equal_numbers(x):
    def largest(x):
        y = x.max(1)
        return y, lambda dy: dy[:, None] * (x == y[:, None])

    found = shown(largest, x)
    assert abs(found.arguments[0]).tolist() == [[1.0, 1.0]]
    assert "added up it is 2, and should be 1" in str(found)


def test_an_error_seen_at_another_scale_alone_is_shown_there():
    def relu(x):
        return np.maximum(x, 0), lambda dy: dy * np.where(x > 100, 7, x > 0)

    found = shown(relu, np.array([-1.0, 2.0]))
    assert found.arguments[0].size == 1
    assert found.arguments[0] > 100


def test_many_inputs_that_no_simple_values_will_do_for_become_fewer(rng):
    def beyond(x):
        return x * x, lambda dy: dy * np.where(x > 50, 3 * x, 2 * x)

    found = shrunk(beyond, (rng.uniform(51, 99, size=(9, 7)),))
    assert shapes(found) == [(1, 1)]


def test_code_that_needs_floats_is_shrunk_by_differences(rng, torch):
    def inverse(x):
        y = np.linalg.inv(x)
        y = np.frombuffer(y.tobytes(), y.dtype).reshape(y.shape)
        return y, lambda dy: y.T @ dy @ y.T

    assert shapes(shown(inverse, rng.normal(size=(3, 3)) + 3 * np.eye(3))) == [(1, 1)]

    class Mean(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.shape = x.shape
            return x.mean()

        @staticmethod
        def backward(ctx, dy):
            return dy.expand(ctx.shape).clone()

    found = shown(Mean, rng.normal(size=(4, 3)))
    assert found.elements == 2
    assert "comes out as [[1], [1]]\n" in str(found)
    assert "should be [[1/2], [1/2]]" in str(found)


def test_large_inputs_become_small_in_time(rng):
    start = time.perf_counter()
    found = shown(
        lambda x, w: (x @ w, lambda dy: (dy @ w.T, 2 * x.T @ dy)), rng.normal(size=(64, 32)), rng.normal(size=(32, 16))
    )
    assert found.elements == 2
    # A tenth of it on an idle machine.
    assert time.perf_counter() - start < 3


def test_a_layer_is_shrunk_with_its_parameters(x):
    class Mistaken(nn.Linear):
        @staticmethod
        def by_hand(x, weight, bias):
            return x @ weight.T + bias, lambda dy: (dy @ weight, dy.T @ x, dy[0] * 1)

    found = shown(Mistaken(3, 2), x)
    assert shapes(found) == [(2, 1), (1, 1), (1,)]
    assert found.names == ("x", "weight", "bias")


# Clauses of the contract


def test_a_broken_clause_is_shown_at_a_single_number(x):
    def double(x):
        def backward(dy):
            dy *= 2
            return dy.copy()

        return 2 * x, backward

    found = shown(double, x)
    assert found.arguments[0].tolist() == [[1.0]]
    assert "the cotangent (contiguous) was overwritten: at [0, 0]" in str(found)


def test_a_wrong_shape_is_shown_of_the_same_gradient(rng):
    def affine(x, w, b):
        return x @ w + b, lambda dy: (dy @ w.T, x.T @ dy, dy)

    found = shown(affine, rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2))
    assert shapes(found) == [(1, 1), (1, 1), (1,)]
    assert found.said == "the gradient of b has shape (1, 1), and b (1,)"


def test_another_broken_shape_is_not_taken_for_it(rng):
    def affine(x, w, b):
        return x @ w + b, lambda dy: (dy @ w.T, (x.T @ dy).squeeze(), dy)

    found = shrunk(affine, (rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)))
    assert shapes(found) == [(1, 2), (2, 2), (2,)]
    assert found.said == "the gradient of b has shape (1, 2), and b (2,)"


# What is promised of any


ERRORS = [(name, error) for name, written in PAIRS.items() for error in written.wrong][::9]


@pytest.mark.parametrize("name, error", ERRORS)
def test_the_shown_inputs_can_be_pasted_and_fail_the_exact_check(name, error):
    written = PAIRS[name]
    before = [np.copy(a) for a in written.inputs]
    function = written.spoiled(error)
    found = shrunk(function, written.inputs)
    space = {"np": np}
    text = " ".join(line.strip() for line in str(found).splitlines()[1:] if "the gradient of" not in line)
    exec(text.partition(" and should be")[0].replace("]) ", "]); "), space)
    given = [space[parameter] for parameter in found.names]
    for a, b in zip(given, found.arguments, strict=True):
        np.testing.assert_array_equal(a, b)
    if found.found is not None:
        i = found.names.index(found.argument)
        (verdict,) = check_pair(with_exact_constructors(as_pair(function)), *given, wanted=[i])
        assert not verdict.ok
        gradient = np.asarray(as_pair(function)(*given)[1](space["dy"])[i])
        # Rounding of a few operations on small numbers.
        np.testing.assert_allclose(gradient, found.found.astype(float), rtol=1e-9, atol=1e-12)
    for a, b in zip(before, written.inputs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_numbers_have_two_digits_at_most_and_are_few():
    """Of pairs whose code fixes no size."""
    for name in (
        "linear",
        "layer_norm",
        "rms_norm",
        "conv1d_by_loops",
        "attention",
        "huber",
        "triplet_loss",
        "bilinear",
    ):
        for error in list(PAIRS[name].wrong)[:2]:
            found = shrunk(PAIRS[name].spoiled(error), PAIRS[name].inputs)
            assert found.elements <= 8, (name, error)
            assert all(x == float(f"{x:.2g}") for a in found.arguments for x in a.flat), (name, error)


def test_a_passing_check_shrinks_nothing(x, monkeypatch):
    monkeypatch.setattr("tinygrad_edu.testing.shrink.inputs.reduced", None)
    monkeypatch.setattr("tinygrad_edu.testing.shrink.inputs.at", None)
    found = assert_gradients_agree(lambda x: (x * x, lambda dy: 2 * x * dy), x)
    assert found.verdict == "right"
    assert found.smallest is None


def test_a_budget_is_kept_and_the_best_so_far_is_shown(rng):
    def slow(x):
        time.sleep(0.01)
        return x * x, lambda dy: x * dy

    x = rng.normal(size=(7, 5))
    case = Case.of(as_pair(slow), (x,), {})
    judgement = Judgement("x", "wrong", "60 digits", index=(0, 0), values=(1.0, 2.0))
    start = time.perf_counter()
    found = shrink.smallest(case, [judgement], [], seconds=0.3)
    # One candidate that is being looked at, and the gradient at the smallest, which takes a forward for each element.
    assert time.perf_counter() - start < 0.3 + 0.01 * 2 * x.size + 0.5
    assert found.elements < x.size


def test_the_search_ends_at_once_without_time(x):
    calls = []
    same = reduced({0: x}, lambda arrays: not calls.append(1), ends=time.monotonic() - 1)
    assert same[0] is x
    assert calls == []


def test_as_many_digits_are_shown_as_tell_them_apart():
    third = Decimal(1) / 3
    assert nested(np.array([Decimal("0.25"), third]), 6) == "[1/4, 0.333333]"
    for found, right, told in (
        (third * (1 + Decimal("1e-8")), third, "as [0.333333336667]\n  and should be [0.333333333333]"),
        (1 + Decimal("1e-27"), Decimal(1), "as [1.000000000000000000000000001]\n  and should be [1]"),
    ):
        both = shrink.Smallest((), (), argument="x", found=np.array([found]), right=np.array([right]))
        assert told in str(both)


def test_a_gradient_that_forgets_the_cotangent_is_right_for_ones_alone(x):
    assert shown(lambda x: (x**3, lambda dy: 3 * x**2), x).dy.tolist() == [[2]]


def test_weights_that_do_not_add_up_to_1_are_cut_with_what_they_weigh(rng):
    def weighted(x, w):
        return (w * x * x).sum(), lambda dy: (dy * w * x, None)

    with pytest.raises(AssertionError) as caught:
        assert_gradients_agree(weighted, rng.normal(size=(3, 5)), rng.normal(size=(3, 5)))
    assert caught.value.args[0].smallest.elements == 2
