"""Modules, layers and losses, under the names of ``torch.nn``."""

from tinygrad_edu.layers import (
    activation,
    container,
    convolution,
    dropout,
    layer,
    linear,
    loss,
    module,
    normalization,
    pooling,
    shape,
)
from tinygrad_edu.layers.activation import *
from tinygrad_edu.layers.container import *
from tinygrad_edu.layers.convolution import *
from tinygrad_edu.layers.dropout import *
from tinygrad_edu.layers.layer import *
from tinygrad_edu.layers.linear import *
from tinygrad_edu.layers.loss import *
from tinygrad_edu.layers.module import *
from tinygrad_edu.layers.normalization import *
from tinygrad_edu.layers.pooling import *
from tinygrad_edu.layers.shape import *

__all__: list[str] = []
__all__ += activation.__all__
__all__ += container.__all__
__all__ += convolution.__all__
__all__ += dropout.__all__
__all__ += layer.__all__
__all__ += linear.__all__
__all__ += loss.__all__
__all__ += module.__all__
__all__ += normalization.__all__
__all__ += pooling.__all__
__all__ += shape.__all__
