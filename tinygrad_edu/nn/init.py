"""Initialisation of parameters, importable as ``torch.nn.init`` is."""

from tinygrad_edu.layers.init import *
from tinygrad_edu.layers.init import __all__ as __all__
