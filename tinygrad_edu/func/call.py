"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.layers import Module
from tinygrad_edu.tensor import Tensor

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other parameters and buffers in the place of its own, for this call alone.

    Parameters
    ----------
    module : Module
    parameter_and_buffer_dicts : mapping, or sequence of mappings
        From dotted names, as in ``named_parameters()`` and ``named_buffers()``, to Tensors of the same shapes. Names that
        are absent keep the module's own; an in-place update of a buffer writes to the Tensor given here.
    args : Tensor or tuple, optional
        The arguments; a single one need not be in a tuple.
    kwargs : dict, optional
        Arguments by name.
    tie_weights : bool, default True
        Whether a Tensor that the module holds under several names is replaced under all of them by one of these names.
    strict : bool, default False
        Refuse absent names, and names that the module does not have, which are otherwise left alone.

    Returns
    -------
    object
        What the module returns.

    Raises
    ------
    RuntimeError
        If a Tensor has another shape than the one it replaces, or `strict` finds names that differ.
    ValueError
        If two mappings, or two names of one tied Tensor, give different Tensors.

    Notes
    -----
    The module is changed during the call and restored after it, also after an exception. So two threads must not call
    one module by this function at the same time.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> layer = tg.nn.Linear(2, 1)
    >>> weights = {"weight": tg.ones(1, 2), "bias": tg.zeros(1)}
    >>> tg.func.functional_call(layer, weights, tg.tensor([3.0, 4.0]))
    tensor([7.])
    """
    given: dict[str, Tensor] = {}
    for tensors in (
        [parameter_and_buffer_dicts] if isinstance(parameter_and_buffer_dicts, Mapping) else parameter_and_buffer_dicts
    ):
        twice = sorted(given.keys() & tensors.keys())
        if twice:
            raise ValueError(f"functional_call: {', '.join(map(repr, twice))} stands in more than one mapping")
        given.update(tensors)
    arguments = args if isinstance(args, tuple) else () if args is None else (args,)
    with replaced(module, given, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))


@contextmanager
def replaced(module: Module, given: Mapping[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """Put Tensors in the place of a module's parameters and buffers, and these back at the end."""
    slots = dict(_slots(module))
    unknown, absent = sorted(given.keys() - slots.keys()), set(slots) - given.keys()
    if tie_weights:
        chosen = _tied(slots, given)
        absent = {name for name in absent if name not in chosen}
    else:
        chosen = {name: x for name, x in given.items() if name in slots}
    if strict and (unknown or absent):
        raise RuntimeError(
            f"functional_call: strict=True, but {type(module).__name__} does not have {unknown} and was not given "
            f"{sorted(absent)}"
        )
    for name, x in chosen.items():
        register, key = slots[name]
        if not isinstance(x, Tensor):
            raise TypeError(f"functional_call: expected a Tensor for {name!r}, got {type(x).__name__}")
        if x.shape != register[key].shape:
            raise ShapeError(f"functional_call: expected {name!r} of shape {register[key].shape}, got {x.shape}")
    before = {name: slots[name][0][slots[name][1]] for name in chosen}
    try:
        for name, x in chosen.items():
            register, key = slots[name]
            register[key] = x
        yield
    finally:
        for name, x in before.items():
            register, key = slots[name]
            register[key] = x


def _slots(module: Module) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    """Each name of a parameter or buffer, also further names of the same one, with the register that holds it."""
    for path, part in module.named_modules():
        for register in (part._parameters, part._buffers):
            for name, value in register.items():
                if value is not None:
                    yield f"{path}.{name}" if path else name, (register, name)


def _tied(slots: dict[str, tuple[dict[str, Any], str]], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What stands under each name, once every name of one Tensor is given the same."""
    by_value: dict[int, tuple[str, Tensor]] = {}
    for name, x in given.items():
        if name in slots:
            register, key = slots[name]
            first, other = by_value.setdefault(id(register[key]), (name, x))
            if other is not x:
                raise ValueError(
                    f"functional_call: {first!r} and {name!r} are names of one Tensor of the module, but two different ones "
                    "were given. Give one, or pass tie_weights=False."
                )
    held = {name: id(register[key]) for name, (register, key) in slots.items()}
    return {name: by_value[i][1] for name, i in held.items() if i in by_value}
