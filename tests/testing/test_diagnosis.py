"""Diagnosis by value: planted errors, and the sentence that names each."""

from __future__ import annotations

import importlib
import linecache
import sys

import numpy as np
import pytest

from tinygrad_edu import nn
from tinygrad_edu.testing import assert_gradients_agree, verify
from tinygrad_edu.testing.diagnosis import diagnose, repairs


def linear(flaw):
    def by_hand(x, w, b):
        def backward(dy):
            dx, dw, db = dy @ w.T, x.T @ dy, dy.sum(0)
            if flaw == "no sum":
                db = dy
            elif flaw == "mean":
                db = dy.mean(0)
            elif flaw == "first row":
                db = dy[0]
            elif flaw == "sign":
                dx = -dx
            elif flaw == "zero":
                dx = np.zeros_like(dx)
            elif flaw == "order":
                dw = dy.T @ x
            return dx, dw, db

        return x @ w + b, backward

    return by_hand, [(5, 3), (3, 2), (2,)]


def batch_norm(flaw):
    def by_hand(x, gamma, beta):
        n = len(x)
        mu = x.mean(0)
        inv = 1 / np.sqrt(((x - mu) ** 2).mean(0) + 1e-5)
        xhat = (x - mu) * inv

        def backward(dy):
            dxhat = dy * gamma
            dx = inv / n * (n * dxhat - dxhat.sum(0) - xhat * (dxhat * xhat).sum(0))
            if flaw == "second term":
                dx = inv / n * (n * dxhat - dxhat.sum(0))
            elif flaw == "first term":
                dx = inv * (dxhat - xhat * (dxhat * xhat).mean(0))
            elif flaw == "gamma":
                dx = inv / n * (n * dy - dy.sum(0) - xhat * (dy * xhat).sum(0))
            elif flaw == "inv":
                dx = dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0)
            return dx, (dy * xhat).sum(0), dy.sum(0)

        return gamma * xhat + beta, backward

    return by_hand, [(5, 3), (3,), (3,)]


def softmax(flaw):
    def by_hand(x):
        z = np.exp(x - x.max(1, keepdims=True))
        y = z / z.sum(1, keepdims=True)

        def backward(dy):
            if flaw == "diagonal":
                return y * dy * (1 - y)
            if flaw == "axis":
                return y * (dy - (dy * y).sum(0, keepdims=True))
            if flaw == "factor":
                return dy - (dy * y).sum(1, keepdims=True)
            return y * dy

        return y, backward

    return by_hand, [(4, 3)]


def elementwise(flaw):
    def by_hand(x):
        y = np.tanh(x) if flaw[0] == "t" else np.maximum(x, 0)

        def backward(dy):
            return {
                "relu, no mask": lambda: dy,
                "relu, other side": lambda: dy * (x < 0),
                "tanh, sign": lambda: dy * (1 + y * y),
                "tanh, no square": lambda: dy * (1 - y),
                "tanh, of x": lambda: dy * (1 - x * x),
                "tanh, twelfth digit": lambda: dy * (1 - y * y) * 1.000000000001,
            }[flaw]()

        return y, backward

    return by_hand, [(4, 3)]


def correlation(flaw):
    """A kernel slid over a signal."""

    def by_hand(x, w):
        n = len(x) - len(w) + 1
        y = np.array([(x[i : i + len(w)] * w).sum() for i in range(n)])

        def backward(dy):
            dx = np.zeros_like(x)
            for i in range(n):
                dx[i : i + len(w)] += dy[i] * (w[::-1] if flaw == "reversed" else w)
            dw = np.array([(dy * x[k : k + n]).sum() for k in range(len(w))])
            if flaw == "kernel reversed":
                dw = dw[::-1]
            elif flaw == "last lost":
                dx[-1] = 0
            return dx, dw

        return y, backward

    return by_hand, [(7,), (3,)]


PLANTED = [
    (linear("no sum"), 2, "it was not summed over axis 0, along which the argument was broadcast"),
    (
        linear("mean"),
        2,
        "it is 5 times too small: a factor 1/5 is too much, 5 being the length of axis 0 of argument 0",
    ),
    (linear("first row"), 2, "it is the first of dy along axis 0, whose sum is right"),
    (linear("sign"), 0, "its sign is wrong"),
    (linear("zero"), 0, "it is zero everywhere"),
    (linear("order"), 1, "it has shape (2, 3), its argument (3, 2): it is transposed"),
    (batch_norm("second term"), 0, "the term -1/5 · inv · xhat · sum(xhat·dxhat, axis 0) is missing"),
    (batch_norm("first term"), 0, "the term -1/5 · sum(inv·dxhat, axis 0) is missing"),
    (batch_norm("gamma"), 0, "a factor gamma is missing"),
    (batch_norm("inv"), 0, "a factor inv is missing"),
    (softmax("diagonal"), 0, "it has −dy·y·y where −y · sum(dy·y, axis 1) is right"),
    (softmax("axis"), 0, "it has −y · sum(dy·y, axis 0) where −y · sum(dy·y, axis 1) is right"),
    (softmax("factor"), 0, "a factor y is missing"),
    (softmax("sum"), 0, "the term −y · sum(dy·y, axis 1) is missing"),
    (elementwise("relu, no mask"), 0, "a factor (x > 0) is missing"),
    (elementwise("relu, other side"), 0, "the condition is the wrong way round"),
    (elementwise("tanh, sign"), 0, "the term -2 · dy·y·y is missing, or is there with a wrong factor"),
    (elementwise("tanh, no square"), 0, "the term dy·y·(1 − y) is missing, or is there with a wrong factor"),
    (elementwise("tanh, of x"), 0, "it has −dy·x·x where −dy·y·y is right"),
    (elementwise("tanh, twelfth digit"), 0, "a constant factor is wrong by a relative 1e-12"),
    (correlation("kernel reversed"), 1, "it has the right values in reverse along axis 0"),
    (correlation("last lost"), 0, "it is wrong at 6 along axis 0, of length 7, and right elsewhere"),
]


@pytest.mark.parametrize("planted, argument, sentence", PLANTED, ids=[p[2][:40] for p in PLANTED])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_sentence_names_the_error(planted, argument, sentence, seed):
    by_hand, shapes = planted
    generator = np.random.default_rng(seed)
    arguments = [generator.uniform(-1.5, 1.5, shape) for shape in shapes]
    found = diagnose(by_hand, *arguments, argument=argument, seed=seed)
    assert found is not None
    assert sentence in found


@pytest.mark.parametrize("make", [linear, batch_norm], ids=["linear", "batch norm"])
def test_nothing_is_said_of_a_right_gradient(make):
    by_hand, shapes = make(None)
    arguments = [np.random.default_rng(0).uniform(-1.5, 1.5, shape) for shape in shapes]
    assert [diagnose(by_hand, *arguments, argument=i) for i in range(len(shapes))] == [None] * len(shapes)


def test_what_is_not_understood_is_not_explained():
    def strange(x):
        return x * x, lambda dy: dy * np.exp(np.sin(3 * x))

    assert diagnose(strange, np.array([0.3, -0.7, 1.1])) is None


class Doubled(nn.Layer):
    """exp, whose backward is twice the right one."""

    kind = "test"

    @staticmethod
    def definition(x):
        return x.exp()

    @staticmethod
    def by_hand(x):
        y = np.exp(x)
        return y, lambda dy: 2 * dy * y


def test_verify_prints_the_diagnosis():
    assert "It is 2 times the right one." in str(verify(Doubled(), np.array([[0.5, 1.0, -1.0]]))).replace("\n", " ")


# Repairs: pairs that a value alone does not explain, each with the line that mends it


def batch_norm_without_eps(x):
    mu = x.mean(0)
    var = ((x - mu) ** 2).mean(0)
    inv = 1 / np.sqrt(var + 1e-5)
    xhat = (x - mu) * inv

    def backward(dy):
        other = 1 / np.sqrt(var)
        return other * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))

    return xhat, backward


def perceptron(x, w1, w2):
    a = x @ w1
    h = np.tanh(a)

    def backward(dy):
        da = dy @ w2.T * (1 - a**2)
        return da @ w1.T, x.T @ da, h.T @ dy

    return h @ w2, backward


def layer_norm_summed(x):
    sd = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    xhat = (x - x.mean(-1, keepdims=True)) / sd

    def backward(dy):
        return (dy - dy.mean(-1, keepdims=True) - xhat * (dy * xhat).sum(-1, keepdims=True)) / sd

    return xhat, backward


def logistic(x):
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * y * (1 - x)


@pytest.mark.parametrize(
    "by_hand, shapes, mended",
    [
        (batch_norm_without_eps, [(5, 3)], "return inv * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))"),
        (perceptron, [(5, 2), (2, 3), (3, 4)], "da = dy @ w2.T * (1 - h**2)"),
        (
            layer_norm_summed,
            [(4, 3)],
            "return (dy - dy.mean(-1, keepdims=True) - xhat * (dy * xhat).mean(-1, keepdims=True)) / sd",
        ),
        (logistic, [(3, 2)], "return y, lambda dy: dy * y * (1 - y)"),
    ],
)
def test_the_first_repair_is_the_line_as_it_should_be(by_hand, shapes, mended):
    arguments = [np.random.default_rng(0).uniform(-1.5, 1.5, shape) for shape in shapes]
    first, *_ = repairs(by_hand, *arguments)
    assert first.after == mended
    with open(__file__, encoding="utf-8") as file:
        assert file.readlines()[first.line - 1].strip() == first.before


def test_no_repair_is_made_up():
    def strange(x):
        return x * x, lambda dy: dy * np.exp(np.sin(3 * x))

    assert repairs(strange, np.array([0.3, -0.7, 1.1])) == []


def test_code_without_source_has_no_repair():
    scope = {}
    exec("def f(x):\n    return x * x, lambda dy: dy * x", scope)
    assert repairs(scope["f"], np.array([0.3, -0.7])) == []


def test_source_of_other_code_under_the_same_name_is_not_taken(monkeypatch):
    other = "def g(x):\n    return x * x, lambda dy: 3 * dy * x\n"
    monkeypatch.setitem(linecache.cache, "<string>", (len(other), None, other.splitlines(keepends=True), "<string>"))
    test_code_without_source_has_no_repair()


# What crashes or has another shape is mended as well


@pytest.mark.parametrize(
    ("wrong", "mended"),
    [("dy @ w, x.T @ dy, dy.sum(0)", "dy @ w.T, x.T @ dy, dy.sum(0)"), ("dy @ w.T, x.T @ dy, dy", "dy.sum(0)")],
)
def test_a_crash_and_a_wrong_shape_get_a_repair(wrong, mended, tmp_path, monkeypatch):
    (tmp_path / "crashing.py").write_text(
        f"def linear(x, w, b):\n    def backward(dy):\n        return {wrong}\n\n    return x @ w + b, backward\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    linear = importlib.import_module("crashing").linear
    monkeypatch.delitem(sys.modules, "crashing")
    generator = np.random.default_rng(0)
    with pytest.raises(AssertionError) as caught:
        assert_gradients_agree(linear, *(generator.normal(size=shape) for shape in [(4, 3), (3, 2), (2,)]))
    assert f"line 3 becomes right as `return dy @ w.T, x.T @ dy, {'dy.sum(0)'}`" in str(caught.value)
    assert mended in str(caught.value)


def test_one_change_that_mends_all_gradients_is_said_once(tmp_path, monkeypatch):
    (tmp_path / "several.py").write_text(
        "import numpy as np\n\n\ndef gated(x, w):\n    s = 1 / (1 + np.exp(-(x @ w)))\n\n    def backward(dy):\n"
        "        ds = dy * s * (1 + s)\n        return ds @ w.T, x.T @ ds\n\n    return s, backward\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    gated = importlib.import_module("several").gated
    monkeypatch.delitem(sys.modules, "several")
    generator = np.random.default_rng(0)
    with pytest.raises(AssertionError) as caught:
        assert_gradients_agree(gated, generator.normal(size=(4, 3)), generator.normal(size=(3, 2)))
    message = str(caught.value)
    assert message.count("becomes right as `ds = dy * s * (1 - s)`") == 1
    assert "and so do the other gradients" in message
