"""Time and memory of forward and backward, against closed forms."""

import time
import tracemalloc

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.testing import assert_cost, cost

X = np.random.default_rng(0).normal(size=(50, 100))
# Python's own objects, beside arrays.
SMALL = 4096


def exp(x):
    y = np.exp(x)
    return y, lambda dy: dy * y


def product(x, y):
    return x * y, lambda dy: (dy * y, dy * x)


def three(x):
    kept = [x + 1, x + 2, x + 3]
    return x * 2, lambda dy: dy * kept[0] * kept[1] * kept[2]


def slow(x):
    return x * 2, lambda dy: (time.sleep(0.002), dy * 2)[1]


def kept_of(target, *inputs, **options):
    return cost(target, *inputs, repeats=1, **options).kept


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("pair", "times"),
    [(lambda x: (x, lambda dy: dy), 0), (lambda x: (x * 2, lambda dy: dy * 2), 0), (exp, 1), (three, 3)],
)
def test_a_pair_keeps_what_its_closure_holds(pair, times, dtype):
    x = X.astype(dtype)
    found = cost(pair, x, repeats=1)
    assert found.form == "pair" and found.kept == times * x.nbytes
    assert (found.inputs, found.elements) == (x.nbytes, x.size)
    assert found.per_element(found.kept) == times * x.itemsize


def test_arguments_and_views_of_them_are_not_counted():
    assert kept_of(product, X, X + 1) == 0
    assert kept_of(lambda x: (x[1:] * 2, (lambda rows: lambda dy: 2 * np.vstack([rows[:1], dy]))(x[1:])), X) == 0


def test_two_functions_keep_what_the_forward_hands_on():
    pair = (lambda x: (np.exp(x), {"y": np.exp(x)}), lambda dy, kept: dy * kept["y"])
    assert kept_of(pair, X) == X.nbytes
    assert kept_of((lambda x: x * x, lambda dy, x: 2 * x * dy), X) == 0


def test_peaks_are_those_of_the_arrays_that_are_there_at_once():
    def by_hand(x):
        def backward(dy):
            first, second = dy + 1, dy + 2
            del first
            return second * dy  # second and the result

        return x + 1, backward

    found = cost(by_hand, X, repeats=1)
    for peak, arrays in ((found.forward_peak, 1), (found.backward_peak, 2)):
        assert arrays * X.nbytes <= peak <= arrays * X.nbytes + SMALL


def test_the_peak_of_a_forward_is_not_that_of_the_backward():
    found = cost(lambda x: ((x + 1) * (x + 2), lambda dy: -dy), X, repeats=1)
    assert found.forward_peak >= 2 * X.nbytes and found.backward_peak <= X.nbytes + SMALL
    with pytest.raises(AssertionError, match=r"<lambda>: the backward allocates .* over 40,000\n"):
        assert_cost(lambda x: (x, lambda dy: (dy + 1) * (dy + 2)), X, peak=1.0)


def test_a_function_of_tensors_keeps_what_its_graph_holds():
    assert kept_of(tg.exp, X) == X.nbytes
    assert kept_of(lambda x: x * x, X) == 0
    assert kept_of(lambda x: x, X) == 0
    # e^x for exp, and its sine's and cosine's argument, which is the same array.
    assert kept_of(lambda x: tg.sin(tg.exp(x)), X) == X.nbytes
    assert cost(tg.exp, X, repeats=1).form == "graph"


def test_a_layer_has_two_forms():
    x = X.astype(np.float32)
    layer = nn.Linear(100, 20)
    by_hand, graph = cost(layer, x, repeats=1), cost(layer, x, repeats=1, form="graph")
    assert (by_hand.form, graph.form) == ("by hand", "graph")
    assert by_hand.kept == graph.kept == 0  # the input and the parameters
    assert kept_of(nn.Tanh(), x) == 0 and kept_of(nn.Tanh(), x, form="graph") == x.nbytes  # input; result
    assert kept_of(nn.Dropout(0.5), x) == x.nbytes  # the mask
    assert layer.weight.grad is None


def test_a_model_is_measured_as_it_is_called():
    net = nn.Sequential(nn.Linear(100, 20), nn.Tanh())
    # The result of the linear layer, which is the input of the other, and a number in the place of a bias not needed.
    assert kept_of(net, X.astype(np.float32)) == 50 * 20 * 4 + 4
    assert all(p.grad is None for p in net.parameters())


def test_the_time_of_a_backward_that_sleeps_is_seen():
    found = cost(slow, X, repeats=3)
    assert found.backward.median >= 0.002 and found.ratio > 1
    assert found.backward.low <= found.backward.median <= found.backward.high
    with pytest.raises(
        AssertionError, match=r"slow: its time is .* times the forward's, over 5\n  slow \(pair\): forward"
    ):
        assert_cost(slow, X, ratio=5)


def test_bounds_are_bytes_or_multiples_of_the_inputs():
    assert assert_cost(exp, X, kept=X.nbytes, peak=X.nbytes, ratio=1000).name == "exp"
    assert assert_cost(exp, X, kept=1.0, peak=1.0).kept == X.nbytes
    assert assert_cost(product, X, X, kept=0, peak=1.0).inputs == 2 * X.nbytes
    with pytest.raises(
        AssertionError, match=r"three: it keeps 120,000 bytes, over 80,000\n.*keeps 120,000 bytes \(3 times"
    ):
        assert_cost(three, X, kept=2.0)
    with pytest.raises(
        AssertionError, match=r"the forward allocates .* over 40,000; the backward allocates .* over 40,000\n"
    ):
        assert_cost(three, X, peak=1.0, kept=3.0)
    with pytest.raises(AssertionError, match="it keeps 40,000 bytes, over 1"):
        assert_cost(exp, X, kept=1)


def test_the_message_is_one_sentence_with_units():
    text = str(cost(exp, X, repeats=1))
    assert text.startswith("exp (pair): forward ") and " µs (" in text
    assert "keeps 40,000 bytes (1 times the inputs, 8 an element); at most " in text


def test_of_pytorch_the_time_alone_is_measured(torch):
    for target, x in ((torch.tanh, torch.ones(50, 100)), (torch.nn.Linear(100, 20), np.float32(X))):
        found = cost(target, x, repeats=1)
        assert found.form == "torch" and found.forward.median > 0 and found.backward.median > 0
        assert found.kept is found.forward_peak is found.backward_peak is None
        assert "Python does not see PyTorch's memory" in str(found)
        with pytest.raises(TypeError, match="bytes cannot be measured in PyTorch"):
            assert_cost(target, x, kept=0)


def test_a_form_that_is_not_there_is_refused():
    with pytest.raises(TypeError, match="exp is no layer or function of Tensors"):
        cost(exp, X, form="graph")
    with pytest.raises(ValueError, match="expected form 'by hand' or 'graph', got 'fused'"):
        cost(nn.Tanh(), X, form="fused")


def test_a_trace_of_ones_own_goes_on():
    tracemalloc.start()
    try:
        assert kept_of(exp, X) == X.nbytes
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    assert kept_of(exp, X) == X.nbytes and not tracemalloc.is_tracing()
