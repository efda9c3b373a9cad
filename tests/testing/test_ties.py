"""The table of ties says what is taken here and in PyTorch."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu
from tinygrad_edu.testing.kinked import CONVENTIONS

PAGE = Path(__file__).parents[2] / "docs" / "ties.md"
ROWS = [
    [cell.strip(" `").replace("−", "-") for cell in line.strip("|\n ").split(" | ")]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("| `")
]


def numbers(text):
    return [float(number) for number in text.split(",")]


def gradient(library, expression, at):
    x = library.tensor(numbers(at), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a loss broadcasts
        eval(expression, {"torch": library, "F": library.nn.functional, "x": x}).sum().backward()
    return x.grad.tolist()


@pytest.mark.parametrize(
    ("expression", "at", "around", "in_torch", "here"), ROWS, ids=[" at ".join(r[:2]) for r in ROWS]
)
def test_the_table_is_true(torch, expression, at, around, in_torch, here):
    # The page rounds to four digits.
    np.testing.assert_allclose(gradient(torch, expression, at), numbers(in_torch), rtol=1e-3)
    with np.errstate(divide="ignore"):
        if here == "not there":
            with pytest.raises(AttributeError, match="no attribute"):
                gradient(tinygrad_edu, expression, at)
        else:
            np.testing.assert_allclose(gradient(tinygrad_edu, expression, at), numbers(here), rtol=1e-3)
    if around != "infinite":
        every = around.removesuffix(" each").split(";") * (len(numbers(at)) if around.endswith("each") else 1)
        for taken, between in zip(numbers(in_torch), every, strict=True):
            least, *most = (float(bound) for bound in between.split(" to "))
            assert least <= taken <= (most or [least])[0]


def test_the_table_covers_what_is_said_beside_a_verdict():
    said = {row[0]: row[3] for row in ROWS}
    assert said["torch.abs(x)"] == said["F.relu(x)"] == "0"
    assert said["torch.maximum(x, torch.tensor([2.0]))"] == "0.5"
    assert said["torch.clamp(x, min=0)"] == "1"
    assert (said["x.max(0)[0]"], said["x.amax(0)"]) == ("1, 0, 0", "0.5, 0.5, 0")
    assert len(CONVENTIONS) == 4
