import importlib
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import cli, nn
from tinygrad_edu.announce import announced
from tinygrad_edu.cli.console import UserError
from tinygrad_edu.models import RECIPES

COMMANDS = ["demo", "train", "compare", "verify", "check", "accuracy", "mutate", "version"]


@pytest.fixture(autouse=True)
def torch_where_its_track_is_a_parameter(request):
    if "torch" in getattr(getattr(request.node, "callspec", None), "params", {}).values():
        request.getfixturevalue("torch")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command as the shell would, and give its exit status and all that it printed."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["tinygrad-edu", *map(str, arguments)])
        monkeypatch.setattr("tinygrad_edu.cli.console.console.width", 200)
        monkeypatch.setattr("tinygrad_edu.cli.console._errors.width", 200)
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        out, err = capsys.readouterr()
        return status, out + err

    return call


@pytest.fixture
def without_torch(monkeypatch):
    """An environment in which PyTorch is not installed."""
    importlib.import_module("scipy.signal")  # which asks sys.modules for PyTorch when it is first loaded
    monkeypatch.setitem(sys.modules, "torch", None)


def test_help_names_every_command(run):
    status, text = run("--help")
    assert status == 0 and all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example_that_calls_it(run, command):
    status, text = run(command, "--help")
    assert status == 0 and f"tinygrad-edu {command}" in text.split("Example", 1)[1]


def test_python_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", "version"],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0 and "NumPy" in done.stdout and done.stderr == ""


def test_version_names_what_results_depend_on(run):
    assert all(name in run("version")[1] for name in ("tinygrad_edu", "Python", f"NumPy         {np.__version__}"))


@pytest.mark.parametrize("track", ["graph", "by-hand", "torch"])
@pytest.mark.parametrize("model", list(RECIPES))
def test_each_model_trains_on_each_track(run, model, track):
    status, text = run("train", model, "--track", track, "--epochs", 1, "--max-steps", 2)
    assert status == 0, text
    assert "epoch 1/1" in text and "held-out" in text


def test_training_goes_on_from_a_saved_file_on_another_track(run, tmp_path):
    file = tmp_path / "line.safetensors"
    assert run("train", "regression", "--epochs", 5, "--save", file)[0] == 0
    status, text = run("train", "regression", "--epochs", 7, "--load", file, "--track", "by-hand")
    assert status == 0 and "epoch 6/7" in text.replace("  ", " ") and "epoch 5/7" not in text
    assert tg.load(file)["epoch"] == 5


def test_a_file_trained_to_the_end_asks_for_more_epochs(run, tmp_path):
    run("train", "regression", "--epochs", 5, "--save", tmp_path / "a")
    status, text = run("train", "regression", "--epochs", 5, "--load", tmp_path / "a")
    assert status == 1 and "5 epochs of training behind it already" in text and "--epochs 205" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "cnn", "--load", "nowhere"], "there is no file nowhere"),
        (["train", "cnn", "--save", "no/where"], "the folder no does not exist"),
        (["train", "cnn", "--track", "magic"], "'magic' is not one of 'graph', 'by-hand', 'torch'"),
        (["train", "gpt"], "'gpt' is not one of 'regression', 'cnn', 'resnet'"),
        (["train", "cnn", "--lr", "-1"], "a learning rate is a positive number, got -1.0"),
        (["train", "cnn", "--epochs", "0"], "greater than or equal to 1"),
        (["train", "regression", "--lr", "1e30", "--epochs", "3"], "A smaller learning rate usually helps"),
        (["verify", "Cnov2d"], "Did you mean Conv2d"),
        (["verify", "xyzzy"], "There are: "),
        (["nonsense"], "No such command"),
    ],
)
def test_mistakes_end_with_a_sentence_and_no_traceback(run, arguments, message):
    status, text = run(*arguments)
    assert status in (1, 2) and message in text and "Traceback" not in text


def test_a_file_of_torch_save_and_one_of_another_model_are_refused(run, tmp_path):
    (tmp_path / "a.pt").write_bytes(b"PK\x03\x04 and more")
    status, text = run("train", "cnn", "--load", tmp_path / "a.pt")
    assert status == 1 and "torch.save" in text
    run("train", "regression", "--epochs", 1, "--save", tmp_path / "b")
    status, text = run("train", "cnn", "--load", tmp_path / "b")
    assert status == 1 and "is a checkpoint of kind 'regression', expected 'cnn'" in text


@pytest.mark.usefixtures("without_torch")
def test_without_torch_its_track_names_the_extra(run):
    status, text = run("train", "cnn", "--track", "torch")
    assert status == 1 and "tinygrad_edu[torch]" in text and "Traceback" not in text


def test_compare_shows_the_tracks_and_that_they_agree(run):
    status, text = run("compare", "regression", "--steps", 3)
    assert status == 0 and "by hand" in text and "the tracks agree" in text


@pytest.mark.usefixtures("without_torch")
def test_compare_without_torch_compares_the_other_two(run):
    status, text = run("compare", "regression", "--steps", 3)
    assert status == 0 and "loss, PyTorch" not in text and "tinygrad_edu[torch]" in text


def test_compare_fails_when_a_track_differs(run, monkeypatch):
    from tinygrad_edu.train import ByHandTrack

    step = ByHandTrack.step
    monkeypatch.setattr(ByHandTrack, "step", lambda self, x, target: step(self, x * (1 + 1e-6), target))
    status, text = run("compare", "regression", "--steps", 3)
    assert status == 1 and "differ by more than 1e-09" in text


def test_verify_shows_a_table_for_each_name(run):
    status, text = run("verify", "linear", "MSELoss")
    assert status == 0 and "Linear: all forms agree" in text and "MSELoss: all forms agree" in text and "weight" in text


def test_verify_fails_and_names_the_wrong_form(run, monkeypatch):
    by_hand = nn.Tanh.by_hand

    def wrong(x):
        y, backward = by_hand(x)
        return y, lambda dy: 1.001 * backward(dy)

    monkeypatch.setattr(nn.Tanh, "by_hand", staticmethod(wrong))
    status, text = run("verify", "Tanh")
    assert status == 1 and "by hand is the odd one out" in text and "1 of 1 disagree: Tanh" in text


@pytest.fixture
def few(monkeypatch):
    """So little is announced that all of it is soon verified."""
    found = {name: announced[name] for name in ("exp", "clamp", "Tanh")}
    monkeypatch.setattr("tinygrad_edu.cli.verify.announced", found)


@pytest.mark.usefixtures("few")
def test_verify_all_counts_the_forms_of_operations_too(run):
    status, text = run("verify")
    assert status == 0 and "1 verified: all forms agree" in text
    status, text = run("verify", "--all")
    assert status == 0 and "3 verified: all forms agree" in text
    assert re.search(r"Forms of 3: .*60 digits 3", text) and re.search(r"\bexp +x +", text)


def test_verify_refuses_names_beside_all(run):
    status, text = run("verify", "exp", "--all")
    assert status != 0 and "names or --all, not both" in text


@pytest.mark.usefixtures("few")
def test_verify_draws_cases_from_all_examples_the_same_each_time(run):
    status, text = run("verify", "--all", "--examples", 3, "--seed", 5)
    cases = 3 * sum(len(announced[name].examples) for name in ("exp", "clamp", "Tanh"))
    assert status == 0 and f"Forms of 3 ({cases} cases)" in text
    assert run("verify", "--all", "--examples", 3, "--seed", 5) == (status, text)


def test_verify_shows_the_drawn_case_that_is_wrong(run, monkeypatch):
    by_hand = nn.Softmax.by_hand

    def wrong(x, *, dim):
        y, backward = by_hand(x, dim=dim)
        return y, lambda dy: backward(dy) * (1.001 if x.shape[0] == 3 else 1)

    monkeypatch.setattr(nn.Softmax, "by_hand", staticmethod(wrong))
    status, text = run("verify", "Softmax", "--examples", 8)
    assert status == 1 and re.search(r"Softmax, example 0, seed \d, n=3, ", text), text
    assert "by hand is the odd one out: x" in text and "1 of 1 disagree: Softmax" in text


def test_the_demo_runs_and_leaves_report_and_weights(run, tmp_path):
    status, text = run("demo", "--quick", "--output", tmp_path / "new" / "folder")
    assert status == 0, text
    page = (tmp_path / "new" / "folder" / "report.html").read_text(encoding="utf-8")
    assert "A network that learned to read digits" in page and "the whole network" in page
    checkpoint = tg.load(tmp_path / "new" / "folder" / "cnn.safetensors")
    RECIPES["cnn"].model().load_state_dict(checkpoint["model"])
    assert re.search(r"of 1,000 digits", text, re.IGNORECASE)


def test_the_demo_fails_below_the_accuracy_asked_for(run, tmp_path):
    status, text = run("demo", "--quick", "--output", tmp_path, "--min-accuracy", 0.999)
    assert status == 1 and "is below the 99.90% asked for" in text
    assert (tmp_path / "report.html").exists()


@pytest.mark.usefixtures("without_torch")
def test_the_demo_without_torch_says_what_was_left_out(run, tmp_path):
    status, text = run("demo", "--quick", "--output", tmp_path)
    assert status == 0 and "tinygrad_edu[torch]" in text
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Left out" in page and "The same training, twice" in page


def test_the_demo_refuses_a_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / "file").touch()
    status, text = run("demo", "--quick", "--output", tmp_path / "file")
    assert status == 1 and "--output" in text and "Traceback" not in text


def test_a_user_error_is_shown_as_it_is_written(run, monkeypatch):
    def fail(**options):
        raise UserError("a [file] is missing")

    monkeypatch.setattr(cli, "app", fail)
    assert run() == (1, "Error: a [file] is missing\n")
