"""Differentiation on demand, under the names of ``torch.autograd``."""

from tinygrad_edu.autograd.grad import backward, grad

__all__ = ["backward", "grad"]
