"""PyTorch's own backward as a pair on arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.testing.pair import Pair, names_of, parameters_of, positional, source_of, told

__all__ = ["torch_pair"]


def torch_pair(target: Any) -> Pair:
    """A function with PyTorch's backward, as a pair: a custom Function's, or a module's with its parameters as arguments.

    Parameters
    ----------
    target : torch.autograd.Function class, torch.nn.Module, or callable on torch tensors

    Returns
    -------
    Pair
        The tensors share the arrays' memory, so that writing to one is seen in the other.

    Raises
    ------
    TypeError
        If PyTorch has no derivative for it.
    """
    import torch

    if isinstance(target, torch.nn.Module):
        return of_module(target, torch)
    if isinstance(target, type) and issubclass(target, torch.autograd.Function):
        function: Any = target  # without PyTorch, a checker takes it for any class
        file, line = source_of(function.backward)
        names = names_of(function.forward)
        names = names[1:] if names[:1] in (("ctx",), ("self",)) else names
        return Pair(function.__name__, by_torch(function.apply, torch), names, "torch", file, line)
    if callable(target) and not isinstance(target, type):
        file, line = source_of(target)
        name = getattr(target, "__name__", type(target).__name__)
        return Pair(name, by_torch(target, torch), names_of(target), "torch", file, line)
    raise TypeError(
        f"as_pair: expected a torch.autograd.Function class, a torch module or a function, got {told(target)}"
    )


def of_module(module: Any, torch: Any) -> Pair:
    """A module as a function of its inputs and parameters; its buffers are copied for each call."""
    named = dict(module.named_parameters())
    # An optional input that is given has no name of its own, as it is not known here whether it will be.
    required = [p.name for p in parameters_of(module.forward) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    inputs = required[: positional(module.forward)]

    def complete(given: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (*given, *(p.detach().double().numpy() for p in named.values())), {}

    def run(*arguments: Any) -> Any:
        given, parameters = arguments[: -len(named) or None], arguments[len(arguments) - len(named) :]
        dtype = next((a.dtype for a in arguments if torch.is_tensor(a) and a.is_floating_point()), torch.float64)
        buffers = {n: (b.to(dtype) if b.is_floating_point() else b).clone() for n, b in module.named_buffers()}
        return torch.func.functional_call(module, {**dict(zip(named, parameters, strict=True)), **buffers}, given)

    file, line = source_of(type(module).forward)
    return Pair(type(module).__name__, by_torch(run, torch), (*inputs, *named), "torch", file, line, complete)


def by_torch(function: Callable[..., Any], torch: Any) -> Callable[..., Any]:
    """A pair on arrays from a function on tensors."""

    def tensor(array: Any) -> Any:
        with warnings.catch_warnings():
            # Read-only arrays cannot be told apart by PyTorch; that nothing is written to them is checked.
            warnings.simplefilter("ignore")
            array = np.asarray(array)
            return torch.from_numpy(array if all(step >= 0 for step in array.strides) else array.copy())

    def by_hand(*arguments: Any, **options: Any) -> tuple[Any, Callable]:
        given = [tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
        floats = [i for i, t in enumerate(given) if torch.is_tensor(t) and t.is_floating_point()]
        for i in floats:
            given[i].requires_grad_(True)
        # Masks are the same in every call, and PyTorch's generator is left as it was.
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(0)
            y = function(*given, **options)
        if isinstance(y, tuple | list):
            y = torch.cat([part.reshape(-1) for part in y if torch.is_tensor(part) and part.is_floating_point()])

        def backward(dy: Any) -> tuple[Any, ...]:
            found: list[Any] = [None] * len(arguments)
            if floats and y.requires_grad:
                leaves = [given[i] for i in floats]
                gradients = torch.autograd.grad(y, leaves, tensor(dy), retain_graph=True, allow_unused=True)
                for i, gradient in zip(floats, gradients, strict=True):
                    found[i] = None if gradient is None else gradient.detach().numpy()
            return tuple(found)

        return y.detach().numpy(), backward

    return by_hand
