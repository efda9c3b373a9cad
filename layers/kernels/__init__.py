"""Kernels: what the hand-derived pairs of layers call by name, fast in NumPy, each with its plain formula beside it.

Images are (N, C, H, W) everywhere. Their *memory* may lie in any order; results of :func:`convolve` lie channels-last
(strides of (N, H, W, C)), and elementwise NumPy keeps that order, so that a chain of convolution, normalization,
activation and pooling runs without a transposing copy. Arrays that are not floats (exact numbers as objects, integers)
take the plain formulas. No kernel writes to its arguments. Figures are for float32 and a batch of 64 on two cores.
"""

from tinygrad_edu.layers.kernels.channels import (
    channel_affine,
    channel_combination,
    channel_dot,
    channel_moments,
    channel_sum,
    interleaved,
)
from tinygrad_edu.layers.kernels.convolution import convolve, convolve_input_gradient, convolve_weight_gradient
from tinygrad_edu.layers.kernels.pooling import average_pool, average_pool_gradient, max_pool, max_pool_gradient
from tinygrad_edu.layers.kernels.products import product
from tinygrad_edu.layers.kernels.windows import output_size

__all__ = [
    "average_pool",
    "average_pool_gradient",
    "channel_affine",
    "channel_combination",
    "channel_dot",
    "channel_moments",
    "channel_sum",
    "convolve",
    "convolve_input_gradient",
    "convolve_weight_gradient",
    "interleaved",
    "max_pool",
    "max_pool_gradient",
    "output_size",
    "product",
]
