"""Anomaly detection: the error names the operation, the place and the user's line."""

from __future__ import annotations

import linecache
import re
import threading

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import graph, nn

# The derivatives at these points are 0/0 or 0·inf on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered:RuntimeWarning")


def recorded_line(message: str) -> str:
    """The source line that a message points to."""
    file, number = re.search(r"was recorded at (.+?):(\d+), in", message).groups()
    assert file == __file__
    return linecache.getline(file, int(number)).strip()


def test_nan_is_traced_to_the_line_that_recorded_the_operation():
    x = tg.tensor([[1.0, 4.0], [0.0, 0.0]], requires_grad=True)
    with tg.autograd.detect_anomaly():
        y = x.sqrt()
        z = (y * x).sum()
        with pytest.raises(RuntimeError) as error:
            z.backward()
    message = str(error.value)
    assert "backward of 'sqrt' gave nan for its operand of shape (2, 2) float32" in message
    assert "2 of 4 elements, the first at (1, 0)" in message
    assert "cotangent of its result is 0.0 there" in message
    assert recorded_line(message) == "y = x.sqrt()"
    assert x.grad is None


@pytest.mark.filterwarnings("ignore:(Error detected|Anomaly Detection):UserWarning")
def test_the_first_operation_to_give_nan_is_the_one_that_pytorch_names(torch):
    def program(library):
        x = library.tensor([0.0, 2.0], requires_grad=True)
        return ((x * 0.0).sqrt() * x).log().sum()

    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError) as theirs:
        program(torch).backward()
    with tg.autograd.detect_anomaly(), pytest.raises(RuntimeError) as ours:
        program(tg).backward()
    name = re.search(r"Function '(\w+?)Backward0'", str(theirs.value)).group(1).lower()
    assert f"backward of {name!r}" in str(ours.value)


def test_the_line_is_the_users_when_a_layer_records_the_operation():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    x = tg.ones(1, 2)
    with tg.autograd.detect_anomaly():
        y = net(x)
        with pytest.raises(RuntimeError) as error:
            y.backward(tg.tensor([[float("nan"), 1.0]]))
    assert recorded_line(str(error.value)) == "y = net(x)"


def test_any_error_in_a_backward_is_given_the_line():
    x = tg.ones(3, requires_grad=True)
    with tg.autograd.detect_anomaly():
        h = x * 1
        y = h * h
        h.add_(1)
        with pytest.raises(RuntimeError, match="overwritten") as error:
            y.sum().backward()
    (note,) = error.value.__notes__
    assert recorded_line(note) == "y = h * h"


def test_what_was_recorded_before_is_checked_without_a_line():
    x = tg.tensor([0.0], requires_grad=True)
    y = x.sqrt() * x
    with tg.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="'sqrt'.*(\n.*)*recorded before"):
        y.backward()


def test_check_nan_false_lets_nan_pass():
    x = tg.tensor([0.0], requires_grad=True)
    with tg.autograd.detect_anomaly(check_nan=False):
        (x.sqrt() * x).backward()
    assert np.isnan(x.grad.item())


def test_a_second_backward_is_checked():
    x = tg.tensor([0.0], requires_grad=True)
    with tg.autograd.detect_anomaly():
        (first,) = tg.autograd.grad(x**1.5, x, create_graph=True)
        with pytest.raises(RuntimeError, match="gave nan"):
            (first * 0).backward()


def test_the_mode_is_restored_after_an_error_and_costs_nothing_when_off():
    clock = graph.clock
    with pytest.raises(KeyError), tg.autograd.detect_anomaly():
        assert tg.is_anomaly_enabled()
        raise KeyError
    assert not tg.is_anomaly_enabled()
    assert graph.clock is clock
    assert graph.observe is None


def test_set_detect_anomaly_nests_and_acts_at_once():
    tg.autograd.set_detect_anomaly(True)
    try:
        with tg.autograd.set_detect_anomaly(False):
            assert not tg.is_anomaly_enabled()
        assert tg.is_anomaly_enabled()
        with tg.autograd.detect_anomaly(check_nan=False):
            assert not tg.is_anomaly_check_nan_enabled()
        assert tg.is_anomaly_check_nan_enabled()
    finally:
        tg.autograd.set_detect_anomaly(False)
    assert not tg.is_anomaly_enabled()


def test_gradients_and_order_are_the_same_while_it_is_on():
    def gradient():
        x = tg.arange(4.0).requires_grad_()
        h = x * 2
        h.add_(x)
        (h.exp() * h.detach()).sum().backward()
        return x.grad.numpy()

    expected = gradient()
    with tg.autograd.detect_anomaly():
        found = gradient()
    np.testing.assert_array_equal(found, expected)


def test_it_is_on_in_other_threads():
    seen = []
    with tg.autograd.detect_anomaly():
        thread = threading.Thread(target=lambda: seen.append(tg.is_anomaly_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]
