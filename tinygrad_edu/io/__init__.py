"""Files: save and load tensors, weights and whole checkpoints, without pickle."""

from tinygrad_edu.io.files import load, save

__all__ = ["load", "save"]
