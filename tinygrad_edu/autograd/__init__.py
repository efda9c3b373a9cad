"""Differentiation on demand, under the names of ``torch.autograd``."""

from tinygrad_edu.autograd import functional
from tinygrad_edu.autograd.function import Function
from tinygrad_edu.autograd.grad import backward, grad
from tinygrad_edu.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = [
    "Function",
    "GradcheckError",
    "backward",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
]
