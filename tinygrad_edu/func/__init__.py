"""Derivatives as functions of functions, under the names of ``torch.func``."""

from tinygrad_edu.func.batch import vmap
from tinygrad_edu.func.call import functional_call
from tinygrad_edu.func.transforms import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "value_and_grad",
    "vjp",
    "vmap",
]
