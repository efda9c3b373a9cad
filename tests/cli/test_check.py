"""tinygrad-edu check: a verdict, and an exit status, on the backward in a file as it stands."""

import json
import re
import sys

import pytest

from tinygrad_edu import cli

SOURCE = """
import numpy as np

print("imported")
assert __name__ != "__main__"


def linear(x, w, b):
    return x @ w + b, lambda dy: (dy @ w.T, x.T @ dy, dy.sum(0))


def squares(x):
    def backward(dy):
        print("computing")
        return x * dy

    return x * x, backward


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dy, x):
    return dy * (x > 0)


def forward_cube(x):
    return x**3


def backward_cube(dy, x):
    return 3 * x**2 * dy


def sine(x):
    return np.sin(x)


def dsine(dy, x):
    return dy * np.cos(x)


def absolute_loss(p, t):
    return np.abs(p - t).mean(), lambda dy: (dy * np.sign(p - t) / len(p), None)


def power(x, *, k):
    return x**k, lambda dy: k * x ** (k - 1) * dy


def table(rows, index):
    def backward(dy):
        d = np.zeros_like(rows)
        np.add.at(d, index, dy)
        return d

    return rows[index], backward


def of_three(x):
    return x.reshape(3, 1, 2) * 2, lambda dy: dy.reshape(x.shape) * 2


of_three_inputs = np.arange(6.0)


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


class Scaled(Tanh):
    def __init__(self):
        self.w = np.ones(3)


class Sized:
    def __init__(self, n):
        self.n = n

    def forward(self, x):
        return self.n * x

    def backward(self, dy):
        return self.n * dy


doubled = Sized(2)


def zero(x):
    return 0 * x, lambda dy: 0 * dy


def fails(x):
    raise RuntimeError("not yet")


def main():
    raise SystemExit("was called")


def maker():
    def pair(x):
        return x * 1, lambda dy: dy * 1

    return pair


number = 3
"""

OF_OURS = """
import numpy as np
from tinygrad_edu import nn
from tinygrad_edu.announce import Size, applied, real
from tinygrad_edu.testing import gradient_test


class Thrice(nn.Layer):
    @staticmethod
    def definition(x):
        return 3 * x

    @staticmethod
    def by_hand(x):
        return 3 * x, lambda dy: FACTOR * dy

    @staticmethod
    def example(n: Size = 4):
        return applied(Thrice(), real(n, 3))


linear = nn.Linear(3, 2)
net = nn.Sequential(nn.Linear(3, 2), nn.Tanh())


@gradient_test((6,), k=2)
def power(x, *, k):
    return x.reshape(6) ** k, lambda dy: k * x ** (k - 1) * dy
"""

OF_TORCH = """
import torch


class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return dy * x.exp() FACTOR


net = torch.nn.Linear(3, 2)
"""


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Run `check` as the shell would on a file of these lines: exit status, standard output, standard error."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = set(sys.modules)

    def call(source, name="", *options):
        file = tmp_path / "mine.py"
        file.write_text(source, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["tinygrad-edu", "check", f"{file}{name}", *options])
        monkeypatch.setattr("tinygrad_edu.cli.console._errors.width", 200)
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return end.value.code, out, err

    yield call
    for name in set(sys.modules) - modules:
        if "mine" in name:
            del sys.modules[name]


# What can be named


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("linear", "x (5, 3), w (3, 2), b (2,)"),
        ("relu_forward", "x (5, 3)"),
        ("relu_backward", "x (5, 3)"),
        ("relu", "x (5, 3)"),
        ("cube", "x (5, 3)"),
        ("sine::dsine", "x (5, 3)"),
        ("table", "rows (5, 3), index (5,) of integers"),
        ("of_three", "x (6,)"),
        ("Tanh", "x (5, 3)"),
        ("doubled", "x (5, 3)"),
        ("maker", "x (5, 3)"),
    ],
)
def test_right_backwards_of_every_form_exit_with_0_and_name_the_inputs(check, name, inputs):
    status, out, _ = check(SOURCE, f"::{name}")
    assert status == 0 and ": right" in out and inputs in out
    assert ("guessed" in out) == (name != "of_three")


def test_a_wrong_backward_exits_with_1_and_names_what_is_wrong(check):
    status, out, _ = check(SOURCE, "::squares")
    assert status == 1 and "squares: wrong" in out and "mine.py:12)" in out
    assert "it is 1/2 times the right one" in out


@pytest.mark.parametrize(("factor", "status"), [("3", 0), ("2", 1)])
def test_a_layer_of_this_library_is_checked_in_all_forms(check, factor, status):
    from tinygrad_edu.announce import announced

    found, out, _ = check(OF_OURS.replace("FACTOR", factor), "::Thrice")
    del announced["Thrice"]
    assert found == status and ("these forms agree: graph, by hand" in out) == (status == 0)


def test_layers_models_and_gradient_tests_of_ours_by_name(check):
    from tinygrad_edu.announce import announced

    source = OF_OURS.replace("FACTOR", "3")
    for name, inputs in (("linear", "x (5, 3)"), ("net", "x (5, 3)"), ("power", "x (6,)")):
        status, out, _ = check(source, f"::{name}")
        assert status == 0 and inputs in out
        del announced["Thrice"], sys.modules["mine"]


@pytest.mark.parametrize(("factor", "status"), [("", 0), ("* 1.001", 1)])
def test_a_function_of_pytorchs(check, torch, factor, status):
    assert check(OF_TORCH.replace("FACTOR", factor), "::Exp")[0] == status


def test_a_module_of_pytorchs(check, torch):
    assert check(OF_TORCH.replace("FACTOR", ""), "::net")[:1] == (0,)


def test_without_a_name_all_is_checked_that_looks_like_it_and_nothing_else_is_called(check):
    status, out, err = check(SOURCE)
    assert status == 1 and "was called" not in out + err
    names = [line.partition(":")[0] for line in out.splitlines() if line[0] != " " and ": " in line]
    expected = "linear squares relu_forward forward_cube absolute_loss power table of_three Tanh Scaled Sized zero"
    assert names[:-1] == expected.split()
    assert "12 backwards in" in out.splitlines()[-1] and "1 wrong" in out.splitlines()[-1]


def test_parameters_of_an_object_are_said_to_be_left_out(check):
    status, out, _ = check(SOURCE, "::Scaled")
    assert status == 0 and "note: gradients of the attributes w are not checked" in out


# Inputs and options


def test_shapes_and_options_are_taken_as_given(check):
    status, out, _ = check(SOURCE, "::linear", "--shape", "w=4,1")
    assert status == 2 or "w (4, 1)" in out
    status, out, _ = check(SOURCE, "::linear", "--shape", "x=2,4", "--shape", "w=4,1", "--shape", "b=1")
    assert status == 0 and "inputs: x (2, 4), w (4, 1), b (1,)" in out
    status, out, _ = check(SOURCE, "::power", "--option", "k=3")
    assert status == 0 and "power: right" in out


def test_what_is_right_for_one_guess_and_wrong_for_another_is_left_open(check):
    status, out, _ = check(SOURCE, "::absolute_loss")
    assert status == 2 and "absolute_loss: cannot tell" in out
    assert "wrong for p (5, 3), t (5, 3), and right for p (5,), t (5,); say by --shape" in out
    assert check(SOURCE, "::absolute_loss", "--shape", "p=5", "--shape", "t=5")[0] == 0
    assert check(SOURCE, "::absolute_loss", "--shape", "p=5,3", "--shape", "t=5,3")[0] == 1


def test_strict_lets_shared_memory_count(check):
    source = "def same(x):\n    return x * 1, lambda dy: dy\n"
    assert check(source, "::same")[0] == 0
    status, out, _ = check(source, "::same", "--strict")
    assert status == 1 and "shared memory" in out


# For machines


def test_json_has_all_that_was_found_and_nothing_else_is_on_standard_output(check):
    status, out, err = check(SOURCE, "::squares", "--json")
    found = json.loads(out)
    assert status == 1 and "imported" in err and "computing" in err
    (result,) = found["results"]
    assert found["verdict"] == result["verdict"] == "wrong" and result["where"].endswith("mine.py:12")
    assert result["inputs"] == [{"name": "x", "shape": [5, 3], "dtype": "float64"}] and result["guessed"]
    (gradient,) = result["gradients"]
    assert gradient["argument"] == "x" and gradient["verdict"] == "wrong" and gradient["by"] == "60 digits"
    assert len(gradient["index"]) == 2 and len(gradient["values"]) == 2 and "1/2" in gradient["why"]
    assert result["smallest"]["names"] == ["x"] and isinstance(result["smallest"]["found"][0], float | list)
    assert {"clause": "finite", "state": "ok", "what": "finite"} in result["contract"]


def test_json_of_a_whole_file_keeps_what_could_not_be_told(check):
    status, out, _ = check(
        "class A:\n    forward = backward = lambda self, x: x\n    def __init__(self, n): ...\n", "", "--json"
    )
    (result,) = json.loads(out)["results"]
    assert status == 2 and result["verdict"] == "cannot tell" and "needs arguments" in result["notes"][0]


def test_a_gradient_of_zeros_cannot_be_told(check):
    status, out, _ = check(SOURCE, "::zero")
    assert status == 2 and "zero: cannot tell" in out


# Mistakes


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("::sqares", (), "there is no 'sqares' in .*mine.py. Did you mean squares"),
        ("::number", (), "number is of type int; expected a function"),
        ("::Sized", (), "Sized needs arguments .* name it"),
        ("::Tanh", ("--shape", "z=3"), "check: Tanh: no argument is called 'z'; it has x"),
        ("::linear", ("--shape", "z=3"), "linear: no argument is called 'z'; it has x, w, b"),
        ("::linear", ("--shape", "3,4"), "--shape 3,4: expected a name and lengths, such as x=4,3"),
        ("::linear", ("--option", "k"), "--option k: expected a name and a value"),
        ("::linear", ("--option", "seed=1"), "--option seed=1: that name is taken"),
        ("::fails", (), r"no inputs were found .*RuntimeError: not yet\s+/.*mine.py:\d+: raise RuntimeError"),
        ("::main", (), "mine.py:.*SystemExit: was called"),
        (".txt", (), "does not exist; expected a file"),
    ],
)
def test_mistakes_exit_with_2_and_a_sentence(check, name, options, message):
    status, out, err = check(SOURCE, name, *options)
    assert status == 2 and re.search(message, " ".join(err.split())), err


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\ny = 1 / 0\n", "mine.py:2: ZeroDivisionError: division by zero\n    y = 1 / 0"),
        ("def f(:\n", "mine.py:1: SyntaxError: "),
        ("import not_there\n", "mine.py:1: ModuleNotFoundError: No module named 'not_there'"),
        ("\n" * 99 + "1 / 0", "mine.py:100: ZeroDivisionError"),
        ("raise SystemExit(3)\n", "mine.py:1: SystemExit: 3"),
    ],
)
def test_an_error_in_the_file_is_shown_with_its_line(check, source, message):
    status, _, err = check(source, "::f")
    assert status == 2 and message in err


def test_a_file_without_a_backward_says_so(check):
    status, _, err = check("x = 1\n")
    assert status == 2 and "nothing in" in err and "::relu" in err


def test_the_files_neighbours_can_be_imported_also_within_a_package(check, tmp_path):
    (tmp_path / "neighbour_of_mine.py").write_text("factor = 3\n")
    line = "def f(x):\n    return factor * x, lambda dy: factor * dy\n"
    assert check("from neighbour_of_mine import factor\n" + line, "::f")[0] == 0
    del sys.modules["mine"]
    (tmp_path / "__init__.py").touch()
    assert check("from .neighbour_of_mine import factor\n" + line, "::f")[0] == 0


def test_help_has_an_example(check, monkeypatch):
    assert "tinygrad-edu check layers.py::batch_norm" in check("", "", "--help")[1].split("Example", 1)[1]
