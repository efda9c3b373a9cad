"""Inputs are guessed for most of what people write, from the arguments' number and names alone."""

import functools

import numpy as np
import pytest

from tests.testing.pairs import PAIRS
from tinygrad_edu import nn
from tinygrad_edu.testing import as_pair, guess
from tinygrad_edu.testing.guess import guess_inputs

# Sizes that the code takes for granted: rows of 3, halves of 4, 3 steps, labels of its own.
OF_THEIR_OWN = {"lstm_cell", "gather"}


@functools.cache
def guessed(name):
    return guess_inputs(PAIRS[name].function)


@pytest.mark.parametrize("name", sorted(PAIRS.keys() - OF_THEIR_OWN))
def test_on_what_is_guessed_forward_and_backward_run(name):
    y, backward = as_pair(PAIRS[name].function)(*guessed(name))
    for dx in backward(np.ones_like(y)):
        assert dx is None or np.isfinite(dx).all()
    assert np.isfinite(y).all()


def test_ranks_are_those_that_were_meant_in_most_cases():
    # A function of one argument that works for numbers in any arrangement is tried with a matrix.
    meant = [
        [np.ndim(x) for x in guessed(name)] == [np.ndim(x) for x in PAIRS[name].inputs]
        for name in PAIRS.keys() - OF_THEIR_OWN
        if len(PAIRS[name].inputs) > 1
    ]
    assert sum(meant) >= 0.8 * len(meant)


def test_integers_are_given_where_floats_are_refused_as_an_index():
    rows, index = guess_inputs(PAIRS["embedding"].function)
    assert rows.shape == (5, 3) and index.dtype.kind == "i" and index.max() < 5


def test_values_are_positive_where_the_forward_needs_it():
    (x,) = guess_inputs(lambda x: (np.log(x), lambda dy: dy / x))
    assert x.shape == (5, 3) and (x > 0).all() and x.max() > 1
    (x,) = guess_inputs(lambda x: (np.log(x) + np.log(1 - x), lambda dy: dy / x - dy / (1 - x)))
    assert (x < 1).all()


def test_what_is_known_stays_and_the_rest_fits():
    weight = np.ones((4, 1))
    x, w, b = guess_inputs(PAIRS["linear"].function, {"x": (2, 4), "w": weight, "b": (1,)})
    assert x.shape == (2, 4) and w is weight and b.shape == (1,)
    x, w, b = guess_inputs(PAIRS["linear"].function, {"x": (7, 11)})
    assert (x.shape, w.shape, b.shape) == ((7, 11), (11, 2), (2,))
    assert len(guess_inputs(lambda x, eps=1e-5: (x + eps, lambda dy: dy * 1))) == 1


def test_gradients_of_a_wrong_shape_keep_no_inputs_from_being_found():
    x, w, b = guess_inputs(lambda x, w, b: (x @ w + b, lambda dy: (dy @ w.T, x.T @ dy, dy)))
    assert (x.shape, w.shape, b.shape) == ((5, 3), (3, 2), (2,))


@pytest.mark.parametrize(
    ("target", "shape"),
    [
        (nn.Conv2d(3, 2, 3), (2, 3, 4, 6)),
        (nn.Sequential(nn.Linear(3, 2), nn.Tanh()), (5, 3)),
        (lambda x: (x * x).sum(), (5, 3)),
    ],
    ids=["layer", "model", "function of Tensors"],
)
def test_layers_models_and_functions_of_tensors(target, shape):
    assert guess_inputs(target)[0].shape == shape


def test_where_nothing_fits_it_says_what_was_tried(monkeypatch):
    monkeypatch.setattr(guess, "SECONDS", 0.1)
    with pytest.raises(TypeError, match=r"no inputs were found .* give the shapes of x, y\. The first try .*: no"):
        guess_inputs(refuse)
    with pytest.raises(TypeError, match="refuse: no argument is called 'z'; it has x, y"):
        guess_inputs(refuse, {"z": (3,)})


def test_a_backward_that_fits_no_inputs_is_told_with_what_it_raises():
    with pytest.raises(TypeError, match=r"The forward runs on x \(5, 3\), and there the backward raises ValueError: "):
        guess_inputs(lambda x: (x * 2, lambda dy: dy.reshape(7, 11)))


def refuse(x, y):
    raise ValueError("no")
