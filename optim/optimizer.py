"""What every optimizer is: parameters in groups, a state for each, and a step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.grad_mode import enable_grad, no_grad
from tinygrad_edu.tensor import Tensor, from_numpy, tensor

__all__ = ["Optimizer", "plus"]


class Optimizer:
    """Base of the optimizers: a subclass defines `defaults` in its constructor, and `update` for one parameter.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The parameters; or groups ``{"params": [...], "lr": ...}`` with options of their own.
    defaults : dict
        Options of every group that does not give its own.

    Attributes
    ----------
    param_groups : list of dict
        ``params`` and the options; change ``group["lr"]`` to change the learning rate.
    state : dict
        For each parameter what the optimizer remembers of it, as arrays.

    Raises
    ------
    ValueError
        If there are no parameters, or one stands in two groups.
    TypeError
        If one is no Tensor.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                f"{type(self).__name__}: expected an iterable of parameters, got one Tensor; put it in a list"
            )
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = {}
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError(
                f"{type(self).__name__}: got no parameters; is the module without any, or an iterator used up?"
            )
        if not isinstance(groups[0], Mapping):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add a group of parameters, with options of its own or the defaults."""
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise TypeError(
                f"{type(self).__name__}: expected a group such as {{'params': [...], 'lr': 0.1}}, got "
                f"{type(param_group).__name__}"
            )
        given = param_group["params"]
        params = [given] if isinstance(given, Tensor) else list(given)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"{type(self).__name__}: expected Tensors to optimize, got {type(p).__name__}")
            if p.is_complex():
                raise TypeError(
                    f"{type(self).__name__}: a parameter of shape {p.shape} is {p.dtype}; optimize pairs of floats, of "
                    "which view_as_complex makes complex numbers"
                )
            made_by = p.grad_fn
            if made_by is not None:
                raise ValueError(
                    f"{type(self).__name__}: a parameter of shape {p.shape} is the result of {made_by.name()!r}; only a "
                    "leaf can be optimized"
                )
            if id(p) in known:
                raise ValueError(f"{type(self).__name__}: a parameter of shape {p.shape} is given twice")
            known.add(id(p))
        group = {**self.defaults, **param_group, "params": params}
        unknown = set(group) - set(self.defaults) - {"params", "initial_lr"}
        if unknown:
            raise TypeError(
                f"{type(self).__name__}: unknown options {sorted(unknown)}; there are {sorted(self.defaults)}"
            )
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: dict[str, Any]) -> None:
        """Refuse options that are out of range."""
        for name in ("lr", "weight_decay", "momentum", "eps"):
            if group.get(name, 0) < 0:
                raise ValueError(f"{type(self).__name__}: expected {name} of at least 0, got {group[name]}")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or with ``set_to_none=False`` set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p.grad is None:
                    p.grad = None
                else:
                    p.grad = p.grad.detach()
                    p.grad.array[...] = 0

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient, in place.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss anew, with its backward; called first.

        Returns
        -------
        Tensor or None
            What the closure returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        g = -p.grad.array if group.get("maximize") else p.grad.array
                        self.update(p.array, g, self.state.setdefault(p, {}), group)
                        p.written()
        return loss

    def update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Move one parameter's values `w`, in place, by its gradient `g`, which must be left as it is."""
        raise NotImplementedError(f"{type(self).__name__} defines no update(w, g, state, group)")

    def state_dict(self) -> dict[str, Any]:
        """Options and state, with the parameters numbered in their order, as in PyTorch."""
        numbers = {id(p): i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}
        groups = [{**group, "params": [numbers[id(p)] for p in group["params"]]} for group in self.param_groups]
        state = {
            numbers[id(p)]: {k: from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in values.items()}
            for p, values in self.state.items()
        }
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over options and state, also from PyTorch's optimizer of the same name.

        Raises
        ------
        ValueError
            If the groups do not match in number or in their numbers of parameters; nothing has changed then.
        """
        groups = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in groups], [len(group["params"]) for group in self.param_groups]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: parameters by group: {sizes[0]} in the state, {sizes[1]} here"
            )
        numbers = [number for group in groups for number in group["params"]]
        params = dict(zip(numbers, (p for group in self.param_groups for p in group["params"]), strict=True))
        state = {
            params[number]: {name: self._loaded(name, value, params[number]) for name, value in values.items()}
            for number, values in state_dict["state"].items()
        }
        options = [
            {name: copy.copy(value) for name, value in group.items() if name in self.defaults or name == "initial_lr"}
            for group in groups
        ]
        for own, loaded in zip(self.param_groups, options, strict=True):
            self.check({**own, **loaded})
        for own, loaded in zip(self.param_groups, options, strict=True):
            own.update(loaded)
        self.state = state

    def _loaded(self, name: str, value: Any, p: Tensor) -> Any:
        if name == "step":
            return int(value)
        if value is None or isinstance(value, int | float):
            return value
        array = tensor(np.asarray(value.detach() if hasattr(value, "detach") else value)).array
        if array.shape != p.shape:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: {name} has shape {array.shape}, its parameter {p.shape}"
            )
        return array.astype(p.dtype)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def plus(a: np.ndarray, factor: float, b: np.ndarray) -> np.ndarray:
    """The new array a + factor · b, with no other temporary."""
    out = np.multiply(b, factor, out=np.empty_like(b))
    out += a
    return out
