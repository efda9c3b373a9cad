"""Differentiation on demand, under the names of ``torch.autograd``."""

from tinygrad_edu.autograd import functional, graph
from tinygrad_edu.autograd.anomaly import detect_anomaly, set_detect_anomaly
from tinygrad_edu.autograd.function import Function
from tinygrad_edu.autograd.grad import backward, grad
from tinygrad_edu.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = [
    "Function",
    "GradcheckError",
    "backward",
    "detect_anomaly",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "set_detect_anomaly",
]
