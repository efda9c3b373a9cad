"""Everything of ``torch.nn`` that is here, under its names: ``import tinygrad_edu.nn as nn``."""

from tinygrad_edu.layers import *
from tinygrad_edu.layers.torch_twin import from_torch as from_torch
from tinygrad_edu.nn import functional as functional
from tinygrad_edu.nn import init as init
