"""Modules, layers and losses, under the names of ``torch.nn``."""

from tinygrad_edu.layers.activation import *
from tinygrad_edu.layers.container import *
from tinygrad_edu.layers.convolution import Conv2d as Conv2d
from tinygrad_edu.layers.dropout import *
from tinygrad_edu.layers.layer import *
from tinygrad_edu.layers.linear import *
from tinygrad_edu.layers.loss import *
from tinygrad_edu.layers.module import *
from tinygrad_edu.layers.normalization import *
from tinygrad_edu.layers.pooling import *
from tinygrad_edu.layers.shape import *
