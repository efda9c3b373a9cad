"""The training loop, the same for every track."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.data import DataLoader, numpy_collate
from tinygrad_edu.train.metrics import accuracy
from tinygrad_edu.train.tracks import Track

__all__ = ["Epoch", "evaluate", "fit", "steps_per_epoch"]


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training data gave.

    Attributes
    ----------
    number : int
        Counted from 1.
    losses : list of float
        The loss of each step.
    held_out_loss : float
        Mean loss on the held-out data after the pass.
    accuracy : float or None
        Share of the held-out samples that are classified rightly; None for a regression.
    seconds : float
        Training alone, without the evaluation.
    """

    number: int
    losses: list[float]
    held_out_loss: float
    accuracy: float | None
    seconds: float

    @property
    def loss(self) -> float:
        """Mean loss of the steps."""
        return float(np.mean(self.losses))


def fit(
    track: Track,
    train: Any,
    held_out: Any,
    epochs: int,
    *,
    batch_size: int = 64,
    lr: float | None = None,
    decay: bool = False,
    augment: Callable[..., np.ndarray] | None = None,
    seed: int = 0,
    done: int = 0,
    max_steps: int | None = None,
    on_step: Callable[[float], Any] | None = None,
) -> Iterator[Epoch]:
    r"""Train, one epoch for each item of the iterator.

    Batches, their variation and the dropout masks of an epoch depend on `seed` and the epoch's number alone, so that
    training continued from a checkpoint goes exactly as it would have without the break.

    Parameters
    ----------
    track : Track
    train, held_out : Dataset
        Of pairs (input, target).
    epochs : int
        How many in all, those in `done` included.
    batch_size : int, default 64
    lr : float, optional
        Learning rate :math:`\eta_0`; the optimizer's own if omitted.
    decay : bool, default False
        Whether the rate falls along a cosine, :math:`\eta_e = \eta_0 (1 + \cos(\pi e / E)) / 2` in epochs 0 to E - 1.
    augment : callable, optional
        ``augment(x, generator=...)`` varies the inputs of each batch, such as
        :func:`~tinygrad_edu.data.random_shift`.
    seed : int, default 0
    done : int, default 0
        Epochs already behind.
    max_steps : int, optional
        Steps in an epoch at most, to try something out.
    on_step : callable, optional
        Called with the loss after each step, as for a progress bar.

    Yields
    ------
    Epoch
    """
    from tinygrad_edu.random import manual_seed

    first_lr = track.optimizer.param_groups[0]["lr"] if lr is None else lr
    for epoch in range(done, epochs):
        track.set_lr(first_lr * (1 + math.cos(math.pi * epoch / epochs)) / 2 if decay else first_lr)
        manual_seed(seed + epoch)
        order = np.random.default_rng([seed, epoch])
        batches = DataLoader(train, batch_size, shuffle=True, collate_fn=numpy_collate, generator=order)
        start = time.perf_counter()
        track.train()
        losses: list[float] = []
        for x, target in batches:
            # Where a training runs away, the loss says so below, in place of NumPy's warnings.
            with np.errstate(over="ignore", invalid="ignore"):
                losses.append(track.step(x if augment is None else augment(x, generator=order), target))
            if on_step is not None:
                on_step(losses[-1])
            if not math.isfinite(losses[-1]):
                raise FloatingPointError(
                    f"training: the loss became {losses[-1]} in epoch {epoch + 1}, step {len(losses)}. "
                    "A smaller learning rate usually helps."
                )
            if len(losses) == max_steps:
                break
        seconds = time.perf_counter() - start
        outputs, targets, held_out_loss = evaluate(track, held_out)
        right = accuracy(outputs, targets) if targets.dtype.kind == "i" else None
        yield Epoch(epoch + 1, losses, held_out_loss, right, seconds)


def evaluate(track: Track, dataset: Any, batch_size: int = 250) -> tuple[np.ndarray, np.ndarray, float]:
    """Outputs, targets and mean loss over a dataset, in evaluation mode and without recording.

    Parameters
    ----------
    track : Track
    dataset : Dataset
        Of pairs (input, target).
    batch_size : int, default 250
        As many at once; the result does not depend on it.

    Returns
    -------
    outputs, targets : numpy.ndarray
        Of all samples, in the dataset's order.
    loss : float
    """
    track.train(False)
    outputs, targets, total = [], [], 0.0
    for x, target in DataLoader(dataset, batch_size, collate_fn=numpy_collate):
        output, loss = track.predict(x, target)
        outputs.append(output)
        targets.append(target)
        total += loss * len(x)
    track.train()
    return np.concatenate(outputs), np.concatenate(targets), total / len(dataset)


def steps_per_epoch(samples: int, batch_size: int, max_steps: int | None = None) -> int:
    """How many steps :func:`fit` takes in one epoch."""
    steps = math.ceil(samples / batch_size)
    return steps if max_steps is None else min(steps, max_steps)
