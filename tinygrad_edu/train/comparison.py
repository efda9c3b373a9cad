"""The same training on several tracks, from equal weights and on equal batches."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.layers import expanded
from tinygrad_edu.train.tracks import OptimizerChoice, make_track

__all__ = ["Comparison", "compare_tracks", "without_dropout"]


@dataclass(frozen=True)
class Comparison:
    """The losses of each track, step by step.

    Attributes
    ----------
    losses : dict of str to numpy.ndarray (steps,)
        By the name of the track.
    """

    losses: dict[str, np.ndarray]

    @property
    def steps(self) -> int:
        """How many steps were trained."""
        return min((len(losses) for losses in self.losses.values()), default=0)

    @property
    def differences(self) -> dict[tuple[str, str], np.ndarray]:
        """For each pair of tracks the absolute difference of their losses in each step."""
        names = list(self.losses)
        return {(a, b): np.abs(self.losses[a] - self.losses[b]) for i, a in enumerate(names) for b in names[i + 1 :]}

    @property
    def largest_difference(self) -> float:
        """The largest difference between any two tracks in any step."""
        return max((float(difference.max()) for difference in self.differences.values()), default=0.0)


def compare_tracks(
    net: Any,
    criterion: Any,
    optimizer: OptimizerChoice,
    batches: Sequence[tuple[np.ndarray, np.ndarray]],
    tracks: Sequence[str],
    on_step: Callable[[str, float], Any] | None = None,
) -> Comparison:
    """Train copies of a model on several tracks; the model itself stays as it is.

    The graph track records each layer's definition, operation by operation, so that no two tracks share a derivative.

    Parameters
    ----------
    net : Module
        What draws random numbers (dropout) must be off, since PyTorch draws others; see :func:`without_dropout`.
    criterion : Module
    optimizer : OptimizerChoice
    batches : sequence of (input, target)
        The same for every track.
    tracks : sequence of str
        Names of tracks, see :data:`~tinygrad_edu.train.TRACKS`.
    on_step : callable, optional
        Called with the track's name and the loss after each step.

    Returns
    -------
    Comparison
    """
    losses: dict[str, np.ndarray] = {}
    for name in tracks:
        track = make_track(name, copy.deepcopy(net), copy.deepcopy(criterion), optimizer)
        track.train()
        values = []
        # A layer recorded as one fused node would run the very lines of its hand-derived pair.
        with expanded() if name == "graph" else nullcontext():
            for x, target in batches:
                values.append(track.step(x, target))
                if on_step is not None:
                    on_step(name, values[-1])
        losses[name] = np.array(values)
    return Comparison(losses)


def without_dropout(net: Any) -> Any:
    """A copy of a model in which dropout lets everything through.

    Parameters
    ----------
    net : Module

    Returns
    -------
    Module
    """
    twin = copy.deepcopy(net)
    for module in twin.modules():
        if type(module).__name__.startswith("Dropout"):
            module.p = 0.0
    return twin
