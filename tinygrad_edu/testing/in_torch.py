"""PyTorch as a form: the same layer with the same weights, or the function of the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu import linalg
from tinygrad_edu.announce import announced
from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.layers.module import Module
from tinygrad_edu.layers.torch_twin import import_torch
from tinygrad_edu.testing.gradients import Absent, Gradients, leaves_of
from tinygrad_edu.testing.subject import Subject, mapped

__all__ = ["in_torch"]


def in_torch(subject: Subject, dy: NDArray | None) -> Gradients:
    """The same layer or function in PyTorch, with the same weights."""
    try:
        torch = import_torch()
    except MissingExtraError as error:
        raise Absent("PyTorch is not installed") from error
    inputs = [mapped(v, lambda a: torch.tensor(a, requires_grad=a.dtype.kind == "f")) for v in subject.inputs]
    leaves = leaves_of(inputs, subject)
    # A new module draws its initial weights, which are then replaced: PyTorch's generator is left as it was.
    with torch.random.fork_rng(devices=[]):
        twin: Any = torch_module(subject) if isinstance(subject.target, Module) else torch_function(subject, torch)
        try:
            y = twin(*inputs, **subject.options)
        except (TypeError, RuntimeError) as error:
            raise Absent(f"PyTorch's takes no such arguments: {first_line(error)}") from error
    if isinstance(subject.target, Module):
        leaves |= dict(twin.named_parameters())
    if isinstance(y, tuple | list):
        y = y[0] if len(y) == 1 else torch.cat([part.reshape(-1) for part in y if part.is_floating_point()])
    y = torch.as_tensor(y)
    if dy is None:
        return Gradients(y.numpy(), {})
    if y.requires_grad:
        try:
            y.backward(torch.tensor(dy))
        except RuntimeError as error:
            raise Absent(f"PyTorch's has no derivative: {first_line(error)}") from error
    found = {n: np.zeros(tuple(p.shape)) if p.grad is None else p.grad.numpy() for n, p in leaves.items()}
    return Gradients(y.detach().numpy(), found)


def first_line(error: Exception) -> str:
    """An error's message without what follows its first line."""
    return str(error).partition("\n")[0]


def torch_module(subject: Subject) -> Any:
    """The subject's twin module."""
    target = subject.fresh()
    if any(type(part).__name__ == "Dropout" and part.training and part.p > 0 for part in target.modules()):
        raise Absent("PyTorch draws other random numbers")
    try:
        return target.to_torch()
    except TypeError as error:
        raise Absent(str(error)) from error


def torch_function(subject: Subject, torch: Any) -> Callable[..., Any]:
    """The function of the same name, for an announced operation."""
    known = announced.get(subject.name.rstrip("_"))
    if known is None or known.target is not subject.target:
        raise Absent("a function of one's own has no twin")
    of_linalg = getattr(linalg, subject.name, None) is subject.target
    for home in (torch.linalg if of_linalg else torch, torch.Tensor, torch.nn.functional, torch.special):
        twin = getattr(home, subject.name, None)
        if callable(twin):
            return twin
    raise Absent(f"PyTorch has no {subject.name}")
