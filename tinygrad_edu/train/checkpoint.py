"""Checkpoints: a model's weights with the state of its optimizer and what it takes to go on."""

from __future__ import annotations

import os
from typing import Any

from tinygrad_edu.io import load, save
from tinygrad_edu.train.tracks import Track

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: str | os.PathLike, track: Track, epoch: int, **more: Any) -> None:
    """Save the weights, the optimizer's state and the number of epochs behind.

    Parameters
    ----------
    path : path
        The usual ending is ``.safetensors``.
    track : Track
    epoch : int
    **more : number, str or Tensor
        Kept with the rest.
    """
    save({**track.state(), "epoch": epoch, **more}, path)


def load_checkpoint(path: str | os.PathLike, track: Track, **expected: Any) -> dict[str, Any]:
    """Put a track into a saved state; any track can load what any other has saved.

    Parameters
    ----------
    path : path
    track : Track
    **expected
        Values that must be those in the file, where the file has them.

    Returns
    -------
    dict
        What was saved; ``["epoch"]`` says how many epochs are behind.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, no checkpoint, or the checkpoint of something else. The track is unchanged then.
    """
    checkpoint = load(path)
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("model"), dict) or "epoch" not in checkpoint:
        raise ValueError(f"load: {path} holds no checkpoint (the entries 'model' and 'epoch' are missing)")
    for name, value in expected.items():
        if checkpoint.get(name, value) != value:
            raise ValueError(f"load: {path} is a checkpoint of {name} {checkpoint[name]!r}, expected {value!r}")
    before = track.state()
    before = {"model": {key: value.clone() for key, value in before["model"].items()}, "optimizer": before["optimizer"]}
    try:
        track.load_state(checkpoint)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        track.load_state({**before, "optimizer": None})
        raise ValueError(f"load: {path} does not fit this model and optimizer. {error}") from None
    return checkpoint
