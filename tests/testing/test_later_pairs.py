"""assert_gradients_agree accepts right backwards that it was not made for, and catches the errors in them."""

import numpy as np
import pytest
from hypothesis import settings

from tests.testing.later_pairs import LATER
from tinygrad_edu.testing import assert_gradients_agree

LONG = settings().max_examples > 100
# A sweep over other inputs takes longer than the check itself.
SWEPT = 33


@pytest.mark.parametrize("name", LATER)
def test_a_right_backward_raises_no_alarm(name):
    written = LATER[name]
    elements = sum(x.size for x in written.inputs if isinstance(x, np.ndarray))
    report = assert_gradients_agree(written.function, *written.inputs, sweep=LONG or elements <= SWEPT)
    assert report.verdict == "right"


@pytest.mark.parametrize("name", LATER)
def test_errors_in_a_backward_are_caught(name):
    written = LATER[name]
    missed = []
    for error in list(written.wrong)[:: 1 if LONG else 2]:
        try:
            assert_gradients_agree(written.spoiled(error), *written.inputs, sweep=False, explain=False)
            missed.append(error)
        except AssertionError:
            pass
    assert missed == []


def test_there_are_enough_pairs_and_errors_to_speak_of_a_rate():
    assert len(LATER) >= 80
    assert sum(len(written.wrong) for written in LATER.values()) >= 480
