"""gradient_test makes tests that pytest collects under any name, and that fail with what was found."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import strategies as st

from tinygrad_edu import nn
from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.testing import gradient_test
from tinygrad_edu.testing import strategies as some
from tinygrad_edu.testing.agree import Agreement


def cube(x):
    return x**3, lambda dy: 3 * x**2 * dy


def wrong_cube(x):
    return x**3, lambda dy: 3 * x * dy


def affine(x, w, b=0.5, *, times=1):
    return times * (x @ w) + b, lambda dy: (times * dy @ w.T, times * x.T @ dy)


@pytest.fixture
def pytest_on(tmp_path):
    """Run pytest as a user does, on a file of theirs."""

    def call(source, *options):
        (tmp_path / "mine.py").write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "mine.py", *options]
        # The options of the run that this is part of are not theirs.
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "PYTEST_ADDOPTS": ""}
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
        return done.stdout + done.stderr

    return call


# What is decorated


@pytest.mark.parametrize(
    "how", [((3, 2),), (np.array([1.0, -2.0]),), (some.arrays(),)], ids=["shape", "array", "drawn"]
)
def test_a_right_backward_passes_and_a_wrong_one_fails(how):
    gradient_test(*how, examples=2)(cube)()
    with pytest.raises(AssertionError, match=r"wrong_cube: wrong(.|\n)*the gradient of x is wrong"):
        gradient_test(*how, examples=2)(wrong_cube)()


def test_the_function_stays_what_it_was_when_it_gets_arguments():
    test = gradient_test((3,))(cube)
    y, backward = test(np.array([2.0]))
    assert (y, backward(1.0)) == (8.0, 12.0) and test.__name__ == "cube"


@pytest.mark.parametrize(
    "target",
    [
        lambda: cube,
        lambda: nn.Linear(2, 3),
        lambda: nn.Sequential(nn.Linear(2, 3), nn.Tanh()),
        lambda: (np.sin, cosine),
    ],
    ids=["pair", "layer", "model", "two functions"],
)
def test_a_function_of_nothing_is_asked_for_what_to_test(target):
    gradient_test((4, 2), examples=1)(target)()


def cosine(dy, x):
    return dy * np.cos(x)


def test_a_function_of_tensors_is_compared_in_all_forms():
    gradient_test((2, 2), examples=1)(lambda x: (x * x).sum())()


def test_as_many_inputs_are_drawn_as_asked_for_and_every_one_is_other():
    seen = []

    def noted(x, y):
        seen.append((x[0], y[0]))
        return x + 0 * y, lambda dy: (dy.copy(), 0 * dy)

    gradient_test((1,), (1,), examples=3, sweep=False)(noted)()
    # Each is run several times, on copies; the 60-digit form runs it on numbers of another type.
    floats = {pair for pair in seen if isinstance(pair[0], float)}
    assert len({x for x, _ in floats if (x, _) in floats}) >= 3 and all(x != y for x, y in floats)


def test_arguments_go_by_position_and_by_name_and_options_as_they_are():
    gradient_test((4, 3), w=(3, 2), times=2, examples=1)(affine)()
    gradient_test(w=(3, 2), x=(4, 3), times=st.integers(1, 3), examples=2)(affine)()


def test_a_gap_before_the_last_argument_given_is_filled_with_its_default():
    def scaled(x, times=2.0, shift=None):
        return times * x + shift, lambda dy: (times * dy, None, dy.sum())

    gradient_test((3,), shift=(), examples=1)(scaled)()


def test_options_reach_the_check():
    def shares(x):
        return 1 * x, lambda dy: dy

    gradient_test((3,), examples=1)(shares)()
    with pytest.raises(AssertionError, match="'shared memory' is broken"):
        gradient_test((3,), examples=1, strict=True)(shares)()
    with pytest.raises(AssertionError, match="the gradient of w"):
        gradient_test((3,), (3,), examples=1, wanted=["w"])(lambda x, w: (x * w, lambda dy: dy * w))()


def test_what_cannot_be_told_is_no_pass():
    with pytest.raises(AssertionError, match="cannot tell(.|\n)*0 everywhere") as caught:
        gradient_test((3,), examples=1)(lambda x: (0 * x, lambda dy: 0 * dy))()
    assert isinstance(caught.value.args[0], Agreement)


def test_a_failing_input_is_kept_in_the_database_for_the_next_run(tmp_path):
    from hypothesis import settings
    from hypothesis.database import DirectoryBasedExampleDatabase

    seen = []

    def late(x):
        if not isinstance(x.flat[0], float):
            return x * 1, lambda dy: dy * 1
        seen.append(x.copy())
        return x * 1, lambda dy: dy * (1 if len(seen) < 40 else np.nan)

    before = settings.default
    settings.register_profile("kept", database=DirectoryBasedExampleDatabase(tmp_path), derandomize=False)
    settings.load_profile("kept")
    try:
        with pytest.raises(AssertionError):
            gradient_test((2,), examples=50)(late)()
    finally:
        settings.load_profile("ci" if before is settings.get_profile("ci") else "long")
    assert any(path.is_file() for path in tmp_path.rglob("*"))


# Mistakes in the use of it


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gradient_test(cube), "expected a shape, an array or a strategy for each argument of cube"),
        (lambda: gradient_test((3,))(nn.Linear), "expected a function, got Linear"),
        (lambda: gradient_test((3,), (3,))(cube), r"cube takes 1 \(x\), got 2 inputs"),
        (lambda: gradient_test((3,), x=(3,))(cube), "cube got 'x' both by position and by name"),
        (lambda: gradient_test((3,), z=(3,))(cube), "cube has no argument 'z'; it has x"),
        (lambda: gradient_test((3, 2))(affine), "affine needs w; give a shape"),
        (lambda: gradient_test((3, 2))(lambda self, x: x), "is a method"),
        (lambda: gradient_test((3, 2))(lambda x, strict: x), "'strict' is an argument of .* by position"),
        (lambda: gradient_test((3, 2))(lambda x, *, seed=0: x), "'seed' is an argument of .* wrap the function"),
    ],
)
def test_misuse_is_told_when_decorating(make, message):
    with pytest.raises(TypeError, match=f"gradient_test: .*{message}"):
        make()


def test_without_hypothesis_arrays_are_tested_and_shapes_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    gradient_test(np.array([1.0, 2.0]))(cube)()
    with pytest.raises(MissingExtraError, match=r"gradient_test: hypothesis .* inputs of cube: .*\[test\]"):
        gradient_test((2,))(cube)()


# As pytest runs it

SOURCE = """
import numpy as np
from tinygrad_edu.testing import gradient_test

@gradient_test((2, 3), examples=2)
def softplus(x):
    return np.log1p(np.exp(x)), lambda dy: dy / (1 + np.exp(-x))

@gradient_test((2, 3), examples=2)
def half(x):
    return x * x / 2, lambda dy: 2 * x * dy

@gradient_test((2, 3), examples=2)
def raises(x):
    raise ValueError("of the user's")
"""


def test_pytest_collects_any_name_and_shows_what_was_found_without_a_traceback(pytest_on):
    text = pytest_on(SOURCE, "-v")
    assert "mine.py::softplus PASSED" in text and "mine.py::half FAILED" in text
    part = text[text.index("_ half _") : text.index("_ raises _")]
    assert "the gradient of x is wrong: x[" in part and "(by 60 digits; 2 times)" in part
    assert "Traceback" not in part and "agree.py" not in part and "raise " not in part
    assert "x=array([[" in part  # what was drawn
    assert "FAILED mine.py::half - AssertionError: half: wrong" in text
    assert 'raise ValueError("of the user\'s")' in text  # an error of the user's own keeps its traceback


def test_the_plugin_loads_nothing_where_it_is_not_used():
    command = (
        "import pytest, sys; before = set(sys.modules); import pytest_tinygrad_edu; print(set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.stdout.strip() == "{'pytest_tinygrad_edu'}"
