"""The same module in PyTorch, with equal weights: from here to there, and back."""

from __future__ import annotations

import inspect
from typing import Any

from tinygrad_edu import layers
from tinygrad_edu.errors import MissingExtraError
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import Tensor

__all__ = ["from_torch", "import_torch", "to_torch"]


def import_torch() -> Any:
    """PyTorch, or an error that says how to install it."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError(
            "PyTorch is not installed, and the torch track needs it: pip install 'tinygrad_edu[torch]'. Everything else "
            "works without it."
        ) from None
    return torch


def to_torch(module: Module) -> Any:
    """A PyTorch module of equal structure, weights, buffers and mode; see :meth:`Module.to_torch`."""
    torch = import_torch()
    twin = _twin(module, torch, {})
    _share(module, twin)
    state = {name: torch.from_numpy(value.array.copy()) for name, value in module.state_dict().items()}
    # Parameters take the dtype of the values first, so that loading does not round them to float32.
    for name, value in (*twin.named_parameters(), *twin.named_buffers()):
        value.data = state[name]
    for name, parameter in module.named_parameters():
        twin.get_parameter(name).requires_grad_(parameter.requires_grad)
    return twin


def _twin(module: Module, torch: Any, memo: dict[Module, Any]) -> Any:
    # A module that stands in two places is one module there as well.
    if module not in memo:
        memo[module] = _made(module, torch, memo)
        memo[module].training = module.training
    return memo[module]


def _share(module: Module, twin: Any) -> None:
    """Make one parameter of those that are one in `module`."""
    made: dict[int, Any] = {}
    for path, part in module.named_modules():
        theirs = twin.get_submodule(path)
        for name, parameter in part._parameters.items():
            if parameter is not None:
                setattr(theirs, name, made.setdefault(id(parameter), getattr(theirs, name)))


def _made(module: Module, torch: Any, memo: dict[Module, Any]) -> Any:
    if isinstance(module, Layer):
        if type(module).__dict__.get("torch_twin") is not None:
            return module.torch_twin(torch)
        theirs = getattr(torch.nn, type(module).__name__, None)
        if theirs is None:
            raise TypeError(
                f"to_torch: torch.nn has no {type(module).__name__}; give the layer a method torch_twin(torch)"
            )
        return theirs(**_arguments(theirs, module))
    if type(module) in (layers.Sequential, layers.ModuleList):
        twin = getattr(torch.nn, type(module).__name__)()
    else:
        twin = _SameForward(torch, module)
    for name, child in module._modules.items():
        twin.add_module(name, None if child is None else _twin(child, torch, memo))
    for name, parameter in module._parameters.items():
        twin.register_parameter(name, None if parameter is None else _parameter(parameter, torch))
    for name, buffer in module._buffers.items():
        twin.register_buffer(name, None if buffer is None else torch.from_numpy(buffer.array.copy()))
    return twin


def _parameter(parameter: Tensor, torch: Any) -> Any:
    return torch.nn.Parameter(torch.from_numpy(parameter.array.copy()), requires_grad=parameter.requires_grad)


def _SameForward(torch: Any, module: Module) -> Any:
    """A PyTorch module that runs the very forward of ours, and its other methods, on its own children."""
    if type(module).forward is Module.forward:
        raise TypeError(f"to_torch: {type(module).__name__} defines no forward, so it cannot run in PyTorch")

    kinds = [kind for kind in type(module).__mro__ if issubclass(kind, Module) and kind is not Module]
    sequence = ("__getitem__", "__iter__", "__len__")
    methods = {
        k: v for kind in reversed(kinds) for k, v in vars(kind).items() if k in sequence or not k.startswith("__")
    }
    for by_hand in ("pair", "backward"):
        methods.pop(by_hand, None)
    twin = type(type(module).__name__, (torch.nn.Module,), methods)()
    ours = {"training", "_parameters", "_buffers", "_modules"}
    for name, value in vars(module).items():
        if name not in ours:
            setattr(twin, name, value)
    return twin


def _arguments(target: Any, source: Any) -> dict[str, Any]:
    """Arguments for a constructor, from the attributes of the same names: tensors only say that they are there."""
    arguments = {}
    for name, parameter in inspect.signature(target.__init__).parameters.items():
        if name in ("self", "device", "dtype", "init") or parameter.kind is parameter.VAR_POSITIONAL:
            continue
        if not hasattr(source, name) or (name == "inplace" and parameter.default is not parameter.empty):
            continue
        value = getattr(source, name)
        arguments[name] = value is not None if name == "bias" else value
    return arguments


def from_torch(module: Any) -> Module:
    """Our twin of a PyTorch module, with equal weights, buffers and mode.

    Parameters
    ----------
    module : torch.nn.Module
        A layer that is here under the same name, or a Sequential or ModuleList of such.

    Returns
    -------
    Module

    Raises
    ------
    MissingExtraError
        If PyTorch is not installed.
    TypeError
        If a module within is not here.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> layer = nn.Linear(3, 2)
    >>> try:
    ...     layer = nn.from_torch(layer.to_torch())  # there and back
    ... except ImportError:  # PyTorch is an extra
    ...     pass
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    """
    torch = import_torch()
    ours = _ours(module, torch, {})
    for path, theirs in module.named_modules():
        for name, parameter in theirs.named_parameters(recurse=False, remove_duplicate=False):
            first = next(known for known, p in module.named_parameters() if p is parameter)
            place, _, last = first.rpartition(".")
            setattr(ours.get_submodule(path), name, getattr(ours.get_submodule(place), last))
    values = dict(module.named_parameters()) | dict(module.named_buffers())
    missing = [name for name, _ in (*ours.named_parameters(), *ours.named_buffers()) if name not in values]
    if missing:
        raise TypeError(f"from_torch: the module is without {', '.join(missing)}, which its twin here cannot be")
    for name, own in (*ours.named_parameters(), *ours.named_buffers()):
        own.data = values[name].detach().cpu().numpy().copy()
    for mine, theirs in zip(ours.modules(), module.modules(), strict=True):
        mine.training = theirs.training
    for name, parameter in ours.named_parameters():
        parameter.requires_grad = values[name].requires_grad
    return ours


def _ours(module: Any, torch: Any, memo: dict[Any, Module]) -> Module:
    if module not in memo:
        memo[module] = _built(module, torch, memo)
    return memo[module]


def _built(module: Any, torch: Any, memo: dict[Any, Module]) -> Module:
    name = type(module).__name__
    if type(module) in (torch.nn.Sequential, torch.nn.ModuleList):
        twin = getattr(layers, name)()
        for key, child in module._modules.items():
            twin.add_module(key, _ours(child, torch, memo))
        return twin
    kind = getattr(layers, name, None)
    if kind is None or type(module) is not getattr(torch.nn, name, None):
        raise TypeError(
            f"from_torch: {name} is not among the layers here. Write its class with the same attribute names, and load the "
            "weights: model.load_state_dict(torch_model.state_dict())."
        )
    known = {*inspect.signature(kind.__init__).parameters, *module._parameters}
    refused = [
        f"{option}={getattr(module, option)!r}"
        for option, parameter in inspect.signature(type(module).__init__).parameters.items()
        if option not in known
        and getattr(module, option, parameter.default) is not parameter.default
        and getattr(module, option) != parameter.default
    ]
    if refused:
        raise TypeError(f"from_torch: {name} has {', '.join(refused)}, which is not there")
    return kind(**_arguments(kind, module))
