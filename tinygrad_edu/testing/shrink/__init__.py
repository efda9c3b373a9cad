"""The smallest inputs at which a backward is still wrong, to be checked on paper."""

from tinygrad_edu.testing.shrink.inputs import smallest
from tinygrad_edu.testing.shrink.shown import Smallest

__all__ = ["Smallest", "smallest"]
