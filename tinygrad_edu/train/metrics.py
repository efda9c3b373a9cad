"""How good predictions are."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError

__all__ = ["accuracy", "confusion_matrix"]


def accuracy(scores: Any, labels: Any) -> float:
    """Share of samples whose highest score is that of their label.

    Parameters
    ----------
    scores : array_like (N, C)
        A score for each class; logits or probabilities.
    labels : array_like (N,) of int

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> from tinygrad_edu.train import accuracy
    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or not labels.size:
        raise ShapeError(f"accuracy: expected scores (N, C) and labels (N,), got {scores.shape} and {labels.shape}")
    return float((scores.argmax(1) == labels).mean())


def confusion_matrix(labels: Any, predictions: Any, classes: int) -> np.ndarray:
    r"""How often each class was taken for each: entry :math:`(i, j)` counts samples of class i predicted as class j.

    Parameters
    ----------
    labels, predictions : array_like (N,) of int
    classes : int

    Returns
    -------
    numpy.ndarray (classes, classes) of int64

    Examples
    --------
    >>> from tinygrad_edu.train import confusion_matrix
    >>> confusion_matrix([0, 0, 1], [0, 1, 1], classes=2)
    array([[1, 1],
           [0, 1]])
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise ShapeError(
            f"confusion_matrix: expected labels and predictions (N,), got {labels.shape} and {predictions.shape}"
        )
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, predictions), 1)
    return matrix
