"""One training step, three times: by the graph, by hand, and by PyTorch.

The three classes do the same in the same order, and can be read side by side: forget the old gradients, compute the
loss, compute the gradients, update the parameters. What differs is who computes the gradients.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu import optim
from tinygrad_edu.grad_mode import no_grad
from tinygrad_edu.layers.torch_twin import import_torch
from tinygrad_edu.tensor import Tensor, as_tensor

__all__ = ["TRACKS", "ByHandTrack", "GraphTrack", "OptimizerChoice", "TorchTrack", "Track", "have_torch", "make_track"]


@dataclass(frozen=True)
class OptimizerChoice:
    """An optimizer by name, so that each track can make its own; the names and options are those of torch.optim.

    Attributes
    ----------
    name : str
        Such as ``"SGD"``.
    options : dict
        Such as ``{"lr": 0.1, "momentum": 0.9}``.

    Examples
    --------
    >>> from tinygrad_edu.train import OptimizerChoice
    >>> OptimizerChoice("SGD", {"lr": 0.1})
    OptimizerChoice(name='SGD', options={'lr': 0.1})
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)


class Track:
    """A model, a loss and an optimizer that train together.

    Parameters
    ----------
    net : Module
    criterion : Module
        The loss.
    optimizer : OptimizerChoice
    """

    name: str
    optimizer: Any

    def __init__(self, net: Any, criterion: Any, optimizer: OptimizerChoice) -> None:
        self.net = net
        self.criterion = criterion
        self.optimizer = getattr(optim, optimizer.name)(net.parameters(), **optimizer.options)

    def step(self, x: np.ndarray, target: np.ndarray) -> float:
        """Train on one mini-batch and return its loss."""
        raise NotImplementedError

    def predict(self, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
        """The network's output for one mini-batch and its loss, without training; meant for evaluation mode."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> None:
        """Set whether dropout and batch norm behave as in training."""
        self.net.train(mode)

    def set_lr(self, lr: float) -> None:
        """Set the learning rate of the steps to come."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def state(self) -> dict[str, Any]:
        """The model's and the optimizer's state, in a form that every track can load."""
        return {"model": dict(self.net.state_dict()), "optimizer": self.optimizer.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` gave."""
        self.net.load_state_dict(state["model"])
        if state.get("optimizer") is not None:
            self.optimizer.load_state_dict(state["optimizer"])


class GraphTrack(Track):
    """Tensors go in, every operation is recorded, and ``loss.backward()`` walks the record backwards."""

    name = "graph"

    def step(self, x: np.ndarray, target: np.ndarray) -> float:
        """Record the loss, and walk the record backwards."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.net(as_tensor(x)), as_tensor(target))
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
        """Compute without recording."""
        with no_grad():
            output = self.net(as_tensor(x))
            loss = self.criterion(output, as_tensor(target))
        return output.numpy(), loss.item()


class ByHandTrack(Track):
    """Arrays go in, nothing is recorded, and each layer's backward hands its gradient to the layer before it."""

    name = "by-hand"

    def step(self, x: np.ndarray, target: np.ndarray) -> float:
        """Chain the hand-derived backwards, from the loss to the first layer."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.net(x), target)
        self.net.backward(self.criterion.backward(), input_gradient=False)
        self.optimizer.step()
        return float(loss)

    def predict(self, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
        """Compute without keeping anything for a backward."""
        with no_grad():
            output = self.net(x)
            loss = self.criterion(output, target)
        return np.asarray(output), float(loss)


class TorchTrack(Track):
    """The same model in PyTorch: ``net.to_torch()`` has equal weights, and PyTorch does all the rest."""

    name = "torch"

    def __init__(self, net: Any, criterion: Any, optimizer: OptimizerChoice) -> None:
        torch = import_torch()
        self.own_net = net
        self.net = net.to_torch()
        self.criterion = criterion.to_torch()
        self.optimizer = getattr(torch.optim, optimizer.name)(self.net.parameters(), **optimizer.options)

    def step(self, x: np.ndarray, target: np.ndarray) -> float:
        """Leave the gradients to PyTorch."""
        import torch

        self.optimizer.zero_grad()
        loss = self.criterion(self.net(torch.from_numpy(x)), torch.from_numpy(target))
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
        """Compute without recording."""
        import torch

        with torch.no_grad():
            output = self.net(torch.from_numpy(x))
            loss = self.criterion(output, torch.from_numpy(target))
        return output.numpy(), loss.item()

    def state(self) -> dict[str, Any]:
        """Bring the weights home, and the optimizer's state with them."""
        # The other tracks' names: the twin may count batches, for example, where the original does not.
        weights = _from_torch(self.net.state_dict())
        own = self.own_net.state_dict()
        self.own_net.load_state_dict({name: weights[name] for name in own})
        return {"model": dict(own), "optimizer": _from_torch(self.optimizer.state_dict())}

    def load_state(self, state: dict[str, Any]) -> None:
        """Give both models the weights, and PyTorch's optimizer its state."""
        self.own_net.load_state_dict(state["model"])
        self.net.load_state_dict({**self.net.state_dict(), **_to_torch(dict(self.own_net.state_dict()))})
        if state.get("optimizer") is not None:
            self.optimizer.load_state_dict(_to_torch(state["optimizer"]))


TRACKS: dict[str, type[Track]] = {track.name: track for track in (GraphTrack, ByHandTrack, TorchTrack)}
"""The tracks by name."""


def make_track(name: str, net: Any, criterion: Any, optimizer: OptimizerChoice) -> Track:
    """Make the track of that name; see :data:`TRACKS`.

    Raises
    ------
    ValueError
        If there is no track of that name.
    MissingExtraError
        If it is the torch track and PyTorch is not installed.
    """
    if name not in TRACKS:
        raise ValueError(f"track: expected one of {', '.join(TRACKS)}; got {name!r}")
    return TRACKS[name](net, criterion, optimizer)


def have_torch() -> bool:
    """Whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def _from_torch(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: _from_torch(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_from_torch(value) for value in state)
    # A copy: training goes on in PyTorch's memory.
    return as_tensor(state.detach().cpu().numpy().copy()) if hasattr(state, "detach") else state


def _to_torch(state: Any) -> Any:
    import torch

    if isinstance(state, dict):
        return {key: _to_torch(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_to_torch(value) for value in state)
    return torch.tensor(state.array) if isinstance(state, Tensor) else state
