"""Tools beside the models, under the names of ``torch.utils``."""

from tinygrad_edu import data
from tinygrad_edu.utils import checkpoint

__all__ = ["checkpoint", "data"]
