"""Mini-batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.data.randomness import numpy_generator
from tinygrad_edu.tensor import Tensor, as_tensor, from_numpy, tensor

__all__ = ["DataLoader", "default_collate", "numpy_collate"]


def default_collate(samples: Sequence[Any]) -> Any:
    """Put samples together to a batch of Tensors, along a new first dimension.

    Parameters
    ----------
    samples : sequence
        Tensors, arrays or numbers; or tuples, lists or dicts of them, which stay such. Strings are listed as they are.

    Returns
    -------
    Tensor, or a tuple, list or dict of Tensors

    Raises
    ------
    TypeError
        If a sample is of another kind.
    ValueError
        If the samples differ in shape.

    Examples
    --------
    >>> from tinygrad_edu.data import default_collate
    >>> default_collate([(1.0, 3), (2.0, 4)])
    (tensor([1., 2.], dtype=float64), tensor([3, 4]))
    """
    return _collated(samples, lambda arrays: from_numpy(_stacked(arrays)), tensor)


def numpy_collate(samples: Sequence[Any]) -> Any:
    """Put samples together to a batch of arrays, for the by-hand track; otherwise as :func:`default_collate`.

    Parameters
    ----------
    samples : sequence

    Returns
    -------
    numpy.ndarray, or a tuple, list or dict of arrays

    Examples
    --------
    >>> from tinygrad_edu.data import numpy_collate
    >>> numpy_collate([(1.0, 3), (2.0, 4)])
    (array([1., 2.]), array([3, 4]))
    """
    return _collated(samples, _stacked, lambda numbers, dtype=None: tensor(numbers, dtype=dtype).numpy())


def _collated(samples: Sequence[Any], stack: Callable, from_numbers: Callable) -> Any:
    first = samples[0]
    if isinstance(first, Tensor | np.ndarray | np.generic):
        return stack([sample.array if isinstance(sample, Tensor) else sample for sample in samples])
    if isinstance(first, bool | int):
        return from_numbers(list(samples))
    if isinstance(first, float):
        return from_numbers(list(samples), dtype=np.float64)  # as in PyTorch, whatever the default float type
    if isinstance(first, str | bytes):
        return list(samples)
    if isinstance(first, dict):
        return {key: _collated([sample[key] for sample in samples], stack, from_numbers) for key in first}
    if isinstance(first, tuple | list):
        if any(len(sample) != len(first) for sample in samples):
            raise ValueError("collate: the samples of a batch have different numbers of parts")
        parts = [_collated(part, stack, from_numbers) for part in zip(*samples, strict=True)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return type(first)(parts)
    raise TypeError(
        f"collate: a sample is a Tensor, an array, a number, a string, or a tuple, list or dict of them; got "
        f"{type(first).__name__}. Pass collate_fn= to put other things together."
    )


def _stacked(arrays: Sequence[np.ndarray]) -> np.ndarray:
    shapes = {np.shape(array) for array in arrays}
    if len(shapes) > 1:
        raise ValueError(
            f"collate: the samples of a batch have different shapes: {sorted(shapes)}. Pad them, or pass collate_fn=."
        )
    return np.stack(arrays)


class DataLoader:
    """Goes through a dataset in mini-batches.

    Parameters
    ----------
    dataset : Dataset
        Or anything with a length whose items are taken by number, such as a list.
    batch_size : int or None, default 1
        Samples in a batch; None gives single samples, not put together.
    shuffle : bool, optional
        Whether each pass has a new random order.
    sampler : iterable of int, optional
        The order of the samples, instead of `shuffle`.
    batch_sampler : iterable of list of int, optional
        The samples of each batch, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int, default 0
        Accepted for PyTorch programs: batches are always made in this process.
    collate_fn : callable, optional
        How a list of samples becomes a batch: :func:`default_collate` gives Tensors, :func:`numpy_collate` arrays.
    pin_memory : bool, default False
        Accepted for PyTorch programs.
    drop_last : bool, default False
        Whether to leave out a last batch that is smaller than the others.
    timeout, worker_init_fn, multiprocessing_context : optional
        Accepted for PyTorch programs.
    generator : Generator, optional
        What to shuffle with; the generator that ``manual_seed`` seeds if omitted.
    prefetch_factor, persistent_workers, pin_memory_device : optional
        Accepted for PyTorch programs.

    Raises
    ------
    ValueError
        If `batch_size` is not positive, or options exclude each other.

    Examples
    --------
    >>> from tinygrad_edu.data import DataLoader
    >>> for batch in DataLoader([10, 20, 30], batch_size=2):
    ...     print(batch)
    tensor([10, 20])
    tensor([30])
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Sequence[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
    ) -> None:
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError(
                f"DataLoader: a dataset needs a length and items taken by number, {type(dataset).__name__} has not"
            )
        if batch_size is not None and (isinstance(batch_size, bool) or int(batch_size) != batch_size or batch_size < 1):
            raise ValueError(f"DataLoader: batch_size is a positive number of samples, got {batch_size}")
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: sampler gives the order of the samples already; leave out shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError(
                "DataLoader: batch_sampler says what is in each batch; leave out batch_size, shuffle, sampler and "
                "drop_last"
            )
        if batch_size is None and drop_last:
            raise ValueError("DataLoader: drop_last needs a batch_size")
        self.dataset = dataset
        self.batch_size = batch_size if batch_sampler is None else None
        self.shuffle = bool(shuffle)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or default_collate
        self.drop_last = drop_last
        self.generator = generator

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        samples = len(self.dataset) if self.sampler is None else len(self.sampler)  # type: ignore[arg-type]
        if self.batch_size is None:
            return samples
        return samples // self.batch_size if self.drop_last else math.ceil(samples / self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if self.batch_sampler is None and self.batch_size is None:
            # Single samples are converted, not put together.
            for index in self._order():
                sample = self.dataset[index]
                yield _converted(sample) if self.collate_fn is default_collate else self.collate_fn(sample)
        else:
            for indices in self._batches():
                yield self.collate_fn([self.dataset[index] for index in indices])

    def _order(self) -> Sequence[int]:
        if self.sampler is not None:
            return list(self.sampler)
        if self.shuffle:
            return numpy_generator(self.generator).permutation(len(self.dataset)).tolist()
        return range(len(self.dataset))

    def _batches(self) -> Iterator[Sequence[int]]:
        if self.batch_sampler is not None:
            yield from self.batch_sampler
            return
        size = self.batch_size or 1
        order = self._order()
        stop = len(order) - len(order) % size if self.drop_last else len(order)
        for start in range(0, stop, size):
            yield order[start : start + size]


def _converted(sample: Any) -> Any:
    if isinstance(sample, np.ndarray | np.generic):
        return as_tensor(np.asarray(sample))
    if isinstance(sample, tuple | list):
        return type(sample)(_converted(part) for part in sample)
    return sample
