"""check_layer passes what is right, and each of its checks catches what it is there for."""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.announce import announced
from tinygrad_edu.random import default_generator
from tinygrad_edu.testing import LayerCheck, check_layer
from tinygrad_edu.testing.check_layer import CHECKS

LAYERS = [known.target for known in announced.values() if known.kind in ("layer", "loss")]


@pytest.fixture
def x(rng):
    return rng.uniform(0.5, 1.5, (4, 3))


class Scale(nn.Layer):
    def __init__(self):
        self.weight = nn.Parameter(tg.ones(3))

    @staticmethod
    def definition(x, weight):
        return x * weight

    @staticmethod
    def by_hand(x, weight):
        return x * weight, lambda dy: (dy * weight, (dy * x).sum(0))


def scaled(by_hand):
    """The same with another pair."""
    pair = {"definition": staticmethod(Scale.definition), "by_hand": staticmethod(by_hand)}
    return type("Wrong", (Scale,), {**pair, "__qualname__": "scaled.<locals>.Wrong"})  # where pickle does not look


def other_result(x, weight):
    return 1.001 * x * weight, lambda dy: (1.001 * dy * weight, 1.001 * (dy * x).sum(0))


def twelfth_digit(x, weight):
    return x * weight, lambda dy: (dy * weight * 1.000000000001, (dy * x).sum(0))


def writes_to_its_cotangent(x, weight):
    def backward(dy):
        dweight = (dy * x).sum(0)
        dy *= weight
        return dy, dweight

    return x * weight, backward


def float64_for_float32(x, weight):
    return x * weight, lambda dy: (dy * weight * np.ones(3), (dy * x).sum(0))


def no_gradient_of_the_weight(x, weight):
    return x * weight, lambda dy: (dy * weight, None)


class HalfSquare(nn.Layer):
    """Its first derivative is right, and its graph forgets that it depends on x."""

    @staticmethod
    def definition(x):
        return x * x.detach() - 0.5 * x.detach() ** 2

    @staticmethod
    def by_hand(x):
        return 0.5 * x**2, lambda dy: dy * x


class KeepsNothing(Scale):
    def load_state_dict(self, state_dict, strict=True):
        return super().load_state_dict(self.state_dict(), strict)


class Noisy(nn.Layer):
    def prepare(self, x):
        return {"noise": default_generator.numpy.random(x.shape).astype(x.dtype)}

    @staticmethod
    def definition(x, *, noise):
        return x * noise

    @staticmethod
    def by_hand(x, *, noise):
        return x * noise, lambda dy: dy * noise


class NeverInEvaluation(Scale):
    def eval(self):
        return self


class NoPickle(Scale):
    def __init__(self):
        super().__init__()
        self.hook = lambda: None


class Nameless(Scale):
    __repr__ = object.__repr__


class Forgets(Scale):
    def pair(self, *inputs):
        y, backward = super().pair(*inputs)

        def anew(dy, input_gradient=True):
            self.zero_grad()
            return backward(dy, input_gradient)

        return y, anew


class Insists(Scale):
    def pair(self, *inputs):
        y, backward = super().pair(*inputs)
        return y, lambda dy, input_gradient=True: backward(dy)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_every_layer_and_loss_of_the_library_passes(layer):
    assert all(check.ok for check in check_layer(layer, cases=1))


def test_objects_models_and_classes_without_an_example_are_checked_on_inputs(x):
    for target in (Scale, Scale(), nn.Linear(3, 2), nn.Sequential(nn.Linear(3, 2), nn.Tanh())):
        checks = check_layer(target, x)
        assert [check.name for check in checks] == list(CHECKS) and all(check.ok for check in checks)
    assert check_layer(nn.Linear(3, 2), cases=1) and check_layer(nn.BatchNorm1d, cases=3)


@pytest.mark.parametrize(
    ("layer", "name", "what"),
    [
        (scaled(other_result), "forms", "disagree|odd one out"),
        (scaled(twelfth_digit), "60 digits", "by hand is the odd one out: x"),
        (HalfSquare, "second derivatives", "numerical"),
        (scaled(writes_to_its_cotangent), "contract", "cotangent"),
        (scaled(float64_for_float32), "float32", "float64 for float32"),
        (KeepsNothing, "state", "weight after load_state_dict"),
        (Noisy, "training and evaluation", "the result of a second call in evaluation"),
        (NeverInEvaluation, "training and evaluation", "leaves a module in training"),
        (NoPickle, "copies", "raises .*(pickle|local object)"),
        (Nameless, "repr", "without Nameless|object at 0x"),
        (scaled(no_gradient_of_the_weight), "gradients of parameters", "weight gets no gradient"),
        (Forgets, "accumulation", "by hand: the gradient of weight after two backwards"),
        (Insists, "subsets", "the gradient of x with input_gradient=False"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_each_check_catches_what_it_is_there_for(x, layer, name, what):
    with pytest.raises(AssertionError, match=rf"{layer.__name__}: \d+ of {len(CHECKS)} checks failed") as caught:
        check_layer(layer, x)
    (told,) = [line for line in str(caught.value).splitlines() if line.startswith(f"  {name}: ")]
    assert re.search(what, told), told


def test_an_error_of_the_twelfth_digit_is_seen_by_the_60_digits_alone(x):
    with pytest.raises(AssertionError, match="1 of 12 checks failed\n  60 digits: ") as caught:
        check_layer(scaled(twelfth_digit), x)
    assert "on (4, 3), in training, seed 0]" in str(caught.value)


def test_the_librarys_generator_and_the_layer_are_left_alone(x):
    layer = Scale()
    tg.manual_seed(3)
    before = default_generator.get_state().array.copy()
    check_layer(layer, x)
    check_layer(nn.Linear, cases=2)
    np.testing.assert_array_equal(default_generator.get_state().array, before)
    assert layer.weight.grad is None and layer.training and layer.weight.dtype == np.float32
    np.testing.assert_array_equal(layer.weight.array, 1)


def test_what_does_not_apply_says_why():
    checks = {check.name: check.what for check in check_layer(nn.ReLU, cases=1)}
    assert checks["state"] == "does not apply, as it has no state"
    assert str(LayerCheck("a", False, "b")) == "a: FAILED: b"


def test_what_cannot_be_checked_is_told(x):
    with pytest.raises(TypeError, match="check_layer: expected a Layer or a Module, class or object, got function"):
        check_layer(lambda x: x)
    with pytest.raises(TypeError, match="check_layer: Scale has no example to draw inputs from; pass them"):
        check_layer(Scale)
    with pytest.raises(TypeError, match="check_layer: Linear needs arguments; pass an object"):
        check_layer(nn.Linear, x)
    with pytest.raises(ValueError, match="Linear: expected an input of shape"):
        check_layer(nn.Linear(5, 2), x)
