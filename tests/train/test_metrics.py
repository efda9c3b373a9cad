import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.train import accuracy, confusion_matrix


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_the_diagonal_of_the_confusion_matrix_counts_what_accuracy_counts(pairs):
    labels, predictions = np.array(pairs).T
    matrix = confusion_matrix(labels, predictions, 4)
    assert matrix.sum() == len(pairs)
    for i in range(4):
        for j in range(4):
            assert matrix[i, j] == sum(pair == (i, j) for pair in pairs)
    assert matrix.trace() / len(pairs) == accuracy(np.eye(4)[predictions], labels)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"accuracy: .*\(2, 3\) and \(3,\)"):
        accuracy(np.ones((2, 3)), np.ones(3, int))
    with pytest.raises(ValueError, match=r"confusion_matrix: .*\(2,\) and \(3,\)"):
        confusion_matrix([0, 1], [0, 1, 2], 3)
