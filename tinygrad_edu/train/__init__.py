"""Training: the loop, the three tracks it runs on, their comparison, metrics and checkpoints."""

from tinygrad_edu.train.checkpoint import load_checkpoint, save_checkpoint
from tinygrad_edu.train.comparison import Comparison, compare_tracks, without_dropout
from tinygrad_edu.train.metrics import accuracy, confusion_matrix
from tinygrad_edu.train.tracks import (
    TRACKS,
    ByHandTrack,
    GraphTrack,
    OptimizerChoice,
    TorchTrack,
    Track,
    have_torch,
    make_track,
)
from tinygrad_edu.train.training import Epoch, evaluate, fit, steps_per_epoch

__all__ = [
    "TRACKS",
    "ByHandTrack",
    "Comparison",
    "Epoch",
    "GraphTrack",
    "OptimizerChoice",
    "TorchTrack",
    "Track",
    "accuracy",
    "compare_tracks",
    "confusion_matrix",
    "evaluate",
    "fit",
    "have_torch",
    "load_checkpoint",
    "make_track",
    "save_checkpoint",
    "steps_per_epoch",
    "without_dropout",
]
