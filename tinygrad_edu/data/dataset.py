"""Datasets: anything with a length whose items can be taken by number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.data.randomness import numpy_generator
from tinygrad_edu.errors import ShapeError

__all__ = ["Dataset", "Subset", "TensorDataset", "random_split"]


class Dataset:
    """A collection whose samples are taken by number: subclass it and write ``__len__`` and ``__getitem__``.

    Examples
    --------
    >>> from tinygrad_edu.data import Dataset
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 5
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> Squares()[3]
    (3, 9)
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__}: a Dataset needs __getitem__(index), which returns one sample"
        )

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}: a Dataset needs __len__(), the number of its samples")


class TensorDataset(Dataset):
    """Samples that lie along the first dimension of several tensors, such as images and labels.

    Parameters
    ----------
    *tensors : Tensor or numpy.ndarray
        All with the same length (N, ...).

    Raises
    ------
    ShapeError
        If the lengths differ.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.data import TensorDataset
    >>> pairs = TensorDataset(tg.arange(3), tg.tensor([0.0, 1.0, 4.0]))
    >>> len(pairs), pairs[2]
    (3, (tensor(2), tensor(4.)))
    """

    def __init__(self, *tensors: Any) -> None:
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if not tensors or any(not shape or shape[0] != shapes[0][0] for shape in shapes):
            raise ShapeError(f"TensorDataset: expected tensors of one common length (N, ...), got shapes {shapes}")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)


class Subset(Dataset):
    """Some samples of another dataset, in the given order.

    Parameters
    ----------
    dataset : Dataset
        Where the samples come from.
    indices : sequence of int
        Which of them.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset]:
    """Split a dataset at random into parts that have no sample in common.

    Parameters
    ----------
    dataset : Dataset
        Of any kind that has a length.
    lengths : sequence of int, or of float
        The number of samples in each part, together all of them; or fractions that sum to 1.
    generator : Generator, optional
        What to draw from; the generator that ``manual_seed`` seeds if omitted.

    Returns
    -------
    list of Subset
        One for each length.

    Raises
    ------
    ValueError
        If the lengths do not add up.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_edu.data import random_split
    >>> most, rest = random_split(range(10), [0.8, 0.2], generator=np.random.default_rng(0))
    >>> len(most), len(rest), sorted([*most, *rest]) == list(range(10))
    (8, 2, True)
    """
    total = len(dataset)
    counts = _counts(lengths, total)
    if sum(counts) != total or min(counts, default=0) < 0:
        raise ValueError(
            f"random_split: lengths must sum to the dataset's {total} samples, or to 1 as fractions; "
            f"got {list(lengths)}"
        )
    order = numpy_generator(generator).permutation(total).tolist()
    stops = np.cumsum(counts).tolist()
    return [Subset(dataset, order[stop - count : stop]) for count, stop in zip(counts, stops, strict=True)]


def _counts(lengths: Sequence[float], total: int) -> list[int]:
    if not (math.isclose(sum(lengths), 1) and max(lengths, default=0) <= 1):
        return [int(length) for length in lengths]
    counts = [math.floor(total * fraction) for fraction in lengths]
    # What rounding down left over goes to the first parts, one each, as in PyTorch.
    for i in range(total - sum(counts)):
        counts[i % len(counts)] += 1
    return counts
