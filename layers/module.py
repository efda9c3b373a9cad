"""Module: what every layer and every model is, with PyTorch's names and meanings."""

from __future__ import annotations

import copy
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from tinygrad_edu.device import device
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.grad_mode import mode
from tinygrad_edu.graph import Handle
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.layers.hooks import ModuleHooks

__all__ = ["ByHandArray", "Module", "Parameter"]

M = TypeVar("M", bound="Module")


class Parameter(Tensor):
    """A Tensor that a :class:`Module` learns: assigning one to an attribute of a module registers it there.

    Parameters
    ----------
    data : Tensor or numpy.ndarray
        The initial values; shared, not copied.
    requires_grad : bool, default True
        Whether operations on it are recorded.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.nn.Parameter(tg.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        array = data.array if isinstance(data, Tensor) else np.asarray(data)
        super().__init__(dtype=array.dtype)
        self.array = array
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class ByHandArray(np.ndarray):
    """What a module returns for arrays: an ordinary array which knows that no graph was recorded for it."""

    def backward(self, *arguments: Any, **options: Any) -> None:
        """Refused: an array has no recorded graph. The message says what to do instead."""
        raise RuntimeError(
            "backward: this is a NumPy array. The model was called with arrays, which takes the by-hand track and records "
            "no graph. Either pass Tensors, as in model(tinygrad_edu.tensor(x)), and call loss.backward() on the result; "
            "or stay with arrays and call model.backward(loss_function.backward())."
        )

    def item(self, *index: Any) -> Any:
        """The only element as a Python number."""
        return np.asarray(self).item(*index)


class IncompatibleKeys(NamedTuple):
    """The keys that a state dict lacked, and those that found no place."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class _Pending(threading.local):
    """The latest call on arrays of each module in this thread, beside the modules so that they copy and pickle."""

    def __init__(self) -> None:
        self.calls: weakref.WeakKeyDictionary[Module, Callable] = weakref.WeakKeyDictionary()


_pending = _Pending()


class Module:
    """A part of a model: parameters, buffers, and modules within it, and a ``forward`` that uses them.

    The type of the input picks the track. ``module(tensor)`` records a graph. ``module(ndarray)`` computes the same by
    the hand-derived pairs and records nothing; ``module.backward(dy)`` then runs the hand-derived backward of that call,
    adds to each parameter's ``grad``, and returns the gradient of the input.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(4, 8)
    ...         self.out = nn.Linear(8, 2)
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).tanh())
    >>> Net()(tg.ones(3, 4)).shape
    (3, 2)
    """

    training: bool
    # Made when the first hook is registered; `_any_hooks` tells a call by hand whether it must look for them at all.
    _hooks: ModuleHooks | None = None
    _any_hooks: ClassVar[bool] = False
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        # Made here rather than in __init__, so that a subclass may assign parameters before, or without, calling it.
        self = super().__new__(cls)
        members = self.__dict__
        members["training"] = True
        members["_parameters"] = {}
        members["_buffers"] = {}
        members["_modules"] = {}
        return self

    def __init__(self) -> None:
        """Nothing to do: the registers are made when the object is."""

    # Registers

    def __setattr__(self, name: str, value: Any) -> None:
        registers: tuple[dict[str, Any], ...] = (self._parameters, self._buffers, self._modules)
        if isinstance(value, Parameter):
            register: Any = self._parameters
        elif isinstance(value, Module) and name not in self._parameters:
            register = self._modules
        elif isinstance(value, Tensor) and name in self._buffers:
            register = self._buffers
        elif value is None and any(name in known for known in registers):
            register = next(known for known in registers if name in known)
        else:
            for known, kind in zip(registers, ("Parameter", "Tensor", "Module"), strict=True):
                if name in known:
                    got = type(value).__name__
                    raise TypeError(f"{type(self).__name__}.{name}: expected a {kind} or None, got {got}")
            register = self.__dict__
        for other in (*registers, self.__dict__):
            if other is not register:
                other.pop(name, None)
        register[name] = value

    def __getattr__(self, name: str) -> Any:
        for register in ("_parameters", "_buffers", "_modules"):
            known = self.__dict__.get(register, {})
            if name in known:
                return known[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for register in (self._parameters, self._buffers, self._modules):
            if name in register:
                del register[name]
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parameters, *self._buffers, *self._modules]

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None in its place."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"register_parameter: expected a Parameter or None, got {type(param).__name__}")
        self._register(self._parameters, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None) -> None:
        """Add a Tensor that is part of the state but is not learned, such as a running mean."""
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"register_buffer: expected a Tensor or None, got {type(tensor).__name__}")
        self._register(self._buffers, name, tensor)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name that need not be an attribute's."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"add_module: expected a Module or None, got {type(module).__name__}")
        self._register(self._modules, name, module)

    register_module = add_module

    def _register(self, register: dict[str, Any], name: str, value: Any) -> None:
        if not name or "." in name:
            raise KeyError(f"{type(self).__name__}: the name {name!r} is empty or has a dot, which parts module names")
        if name not in register and hasattr(self, name):
            raise KeyError(f"{type(self).__name__}: there is an attribute {name!r} already")
        register[name] = value

    # Calling

    def forward(self, *inputs: Any) -> Any:
        """What the module computes; every module of one's own defines this."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, x)")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        # One Tensor is enough for the graph, in which arrays, such as labels, are constants.
        if not any(isinstance(x, np.ndarray) for x in inputs) or any(isinstance(x, Tensor) for x in inputs):
            if self._hooks is None:
                return self.forward(*inputs, **options)
            return self._hooks.around(self, inputs, options)
        if Module._any_hooks:
            self._refuse_hooks()
        try:
            y, backward = self.pair(*[_bare(x) for x in inputs], **options)
        except (AttributeError, TypeError, ValueError) as error:
            if type(self).pair is Module.pair and not isinstance(error, ShapeError | DtypeError):
                error.add_note(
                    f"{type(self).__name__} was called with NumPy arrays. Its forward may be written for Tensors: "
                    f"call it with tinygrad_edu.tensor(x)."
                )
            raise
        if mode.enabled:  # an evaluation under no_grad leaves nothing behind
            _pending.calls[self] = backward
        # NumPy gives a scalar where there are no dimensions, such as a loss.
        return np.asarray(y).view(ByHandArray) if isinstance(y, np.ndarray | np.generic) else y

    # Hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call ``hook(module, args)`` before each forward on Tensors; it may return other arguments.

        Hooks are for the graph track: with one on it or within it, a module called with arrays refuses, since the
        hand-derived backward would know nothing of what a hook replaced.

        Parameters
        ----------
        hook : callable
            Returns None, the arguments as a tuple, or a single argument.
        prepend : bool, default False
            Whether it comes before the hooks that are there.
        with_kwargs : bool, default False
            Call ``hook(module, args, kwargs)`` instead, which returns None or the pair ``(args, kwargs)``.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away again.
        """
        return self._registered("before", hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """Call ``hook(module, args, result)`` after each forward on Tensors; it may return another result.

        Parameters
        ----------
        hook : callable
        prepend : bool, default False
            Whether it comes before the hooks that are there.
        with_kwargs : bool, default False
            Call ``hook(module, args, kwargs, result)`` instead.
        always_call : bool, default False
            Call it also where the forward, or a hook before it, has raised an error; `result` is None then, unless the
            forward had succeeded.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away again.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> from tinygrad_edu import nn
        >>> net = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
        >>> with net[0].register_forward_hook(lambda module, args, result: print(tuple(result.shape))):
        ...     y = net(tg.ones(5, 3))
        (5, 2)
        """
        return self._registered("after", hook, prepend, with_kwargs, always_call)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call ``hook(module, grad_output)`` when the results' gradients are known; it may return others, as a tuple.

        Parameters
        ----------
        hook : callable
        prepend : bool, default False
            Whether it comes before the hooks that are there.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away again.
        """
        return self._registered("before_backward", hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call ``hook(module, grad_input, grad_output)`` when the inputs' gradients are known.

        Parameters
        ----------
        hook : callable
            Both gradients are tuples, with None for what is no Tensor or needs no gradient. It may return
            another `grad_input`.
        prepend : bool, default False
            Whether it comes before the hooks that are there.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away again.
        """
        return self._registered("after_backward", hook, prepend)

    def _registered(self, when: str, hook: Callable[..., Any], prepend: bool, *options: bool) -> Handle:
        from tinygrad_edu.layers.hooks import Hook, ModuleHooks

        if self._hooks is None:
            self._hooks = ModuleHooks()
        Module._any_hooks = True
        return self._hooks.add(when, Hook(hook, *options), prepend)

    def _refuse_hooks(self) -> None:
        for name, module in self.named_modules():
            if module._hooks is not None and module._hooks.any():
                place = f"{type(module).__name__} at {name!r}" if name else "it"
                raise RuntimeError(
                    f"{type(self).__name__}: {place} has hooks, which run on the graph track only, and it was called with "
                    "arrays, which takes the by-hand track. Call it with Tensors, or remove() the hooks."
                )

    def pair(self, *inputs: Any, **options: Any) -> tuple[Any, Callable]:
        """Compute on arrays, and return the result together with the backward of this very call.

        Parameters
        ----------
        *inputs : numpy.ndarray

        Returns
        -------
        y : numpy.ndarray
        backward : callable
            ``backward(dy)`` adds to the parameters' gradients and returns the input's (for several inputs a tuple).
            ``backward(dy, input_gradient=False)`` spares the input's and returns None.

        Notes
        -----
        A module of one's own computes by its ``forward`` and has no hand-derived backward, unless it defines `pair`:
        then typically by chaining the pairs of its parts.
        """
        y = self.forward(*inputs, **options)
        name = type(self).__name__  # a backward that held the module would keep it from being freed

        def backward(dy: Any, input_gradient: bool = True) -> Any:
            raise RuntimeError(
                f"{name}.backward: this module has only a forward, no hand-derived backward. Call it with "
                "a Tensor, model(tinygrad_edu.tensor(x)), and let loss.backward() differentiate the recorded graph; or "
                "build it from nn.Sequential, which chains the hand-derived backwards of its layers; or define pair()."
            )

        return y, backward

    def backward(self, dy: Any, input_gradient: bool = True) -> Any:
        """Run the hand-derived backward of the latest call on arrays.

        Parameters
        ----------
        dy : numpy.ndarray
            The cotangent of that call's result.
        input_gradient : bool, default True
            Whether the gradient of the input is wanted; a training loop spares it by False.

        Returns
        -------
        numpy.ndarray, or tuple of them for several inputs, or None
            The gradient of the input. Those of the parameters are added to their ``grad``.

        Raises
        ------
        RuntimeError
            If no call on arrays is waiting for its backward.
        """
        if self not in _pending.calls:
            raise RuntimeError(
                f"{type(self).__name__}.backward: no call is waiting for it. Call the module with NumPy arrays first, not "
                "under no_grad(); each call has one backward. (After a call with Tensors, call backward() on the loss "
                "instead.)"
            )
        dx = _pending.calls[self](_cotangent(self, dy), input_gradient=input_gradient)
        del _pending.calls[self]
        return dx

    # Walking

    def children(self) -> Iterator[Module]:
        """The modules directly within."""
        return (module for _, module in self.named_children())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly within, with their names."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self) -> Iterator[Module]:
        """The module itself and all within it, each once."""
        return (module for _, module in self.named_modules())

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """The module itself and all within it, each once, with dotted names."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of the module and, with `recurse`, of all within it; each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their dotted names, each once."""
        return self._named("_parameters", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of the module and, with `recurse`, of all within it; each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their dotted names, each once."""
        return self._named("_buffers", prefix, recurse)

    def _named(self, register: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, value in getattr(module, register).items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def get_submodule(self, target: str) -> Module:
        """The module under a dotted name; the module itself under the empty name."""
        found: Any = self
        for name in target.split(".") if target else []:
            if name not in found._modules:
                raise AttributeError(f"{type(found).__name__} has no module {name!r} (looking for {target!r})")
            found = found._modules[name]
        return found

    # Acting on all

    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call `fn` on every module within, and then on the module itself."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self: M, mode: bool = True) -> M:
        """Set training behaviour (dropout acts, batch norm uses the batch) for the module and all within it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Set evaluation behaviour: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Set whether the parameters are learned."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with ``set_to_none=False`` set them to zero."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad = parameter.grad.detach()
                parameter.grad.array[...] = 0
                parameter.grad.written()

    def to(self: M, *targets: Any, dtype: Any = None, device: Any = None) -> M:
        """Convert float parameters and buffers to a dtype, in place; the device can only be the CPU."""
        for target in (*targets, device):
            if isinstance(target, Tensor):
                dtype = target.dtype
            elif isinstance(target, np.dtype) or target in (float, int, bool):
                dtype = np.dtype(target)
            elif target is not None:
                _require_cpu(target)
        if dtype is not None:
            if np.dtype(dtype).kind != "f":
                raise TypeError(f"{type(self).__name__}.to: expected a float dtype, got {np.dtype(dtype)}")
            for tensor in (*self.parameters(), *self.buffers()):
                if tensor.array.dtype.kind == "f":
                    tensor.data = tensor.array.astype(dtype)
                    if tensor.grad is not None:
                        tensor.grad.data = tensor.grad.array.astype(dtype)
        return self

    def double(self: M) -> M:
        """Convert float parameters and buffers to float64."""
        return self.to(np.dtype("float64"))

    def float(self: M) -> M:
        """Convert float parameters and buffers to float32."""
        return self.to(np.dtype("float32"))

    def cpu(self: M) -> M:
        """The module itself: its values lie in main memory already."""
        return self

    def cuda(self: M, device: Any = None) -> M:
        """Refused: this library computes on the CPU."""
        return self.to(device="cuda")

    # State

    def state_dict(self, prefix: str = "") -> OrderedDict[str, Tensor]:
        """Parameters and buffers by dotted name, detached but sharing memory, as in PyTorch."""
        state: OrderedDict[str, Tensor] = OrderedDict()
        for path, module in self._every_module(prefix.removesuffix(".")):
            for name, value in (*module._parameters.items(), *module._buffers.items()):
                if value is not None:
                    state[f"{path}.{name}" if path else name] = value.detach()
        return state

    def _every_module(self, prefix: str) -> Iterator[tuple[str, Module]]:
        # Unlike named_modules, a module that stands in two places is named twice: both names are in a state dict.
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module._every_module(f"{prefix}.{name}" if prefix else name)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy values into the parameters and buffers of the same names.

        Parameters
        ----------
        state_dict : mapping of str to Tensor or array
        strict : bool, default True
            Whether the names must be the same on both sides.

        Returns
        -------
        IncompatibleKeys
            A pair of lists, ``missing_keys`` and ``unexpected_keys``.

        Raises
        ------
        RuntimeError
            With a list of every missing, unexpected and mis-shaped key; nothing has changed then.
        """
        own = self.state_dict()
        missing = [key for key in own if key not in state_dict]
        unexpected = [key for key in state_dict if key not in own]
        arrays = {key: _array(state_dict[key]) for key in own if key in state_dict}
        wrong = [
            f"{k}: has shape {a.shape}, expected {own[k].shape}" for k, a in arrays.items() if a.shape != own[k].shape
        ]
        if wrong or (strict and (missing or unexpected)):
            problems = [("missing keys", missing), ("unexpected keys", unexpected)] if strict else []
            listing = "".join(
                f"\n  {title}:" + "".join(f"\n    {key}" for key in keys)
                for title, keys in [*problems, ("mis-shaped keys", wrong)]
                if keys
            )
            raise RuntimeError(f"{type(self).__name__}.load_state_dict: nothing was loaded, since{listing}")
        for key, array in arrays.items():
            own[key].array[...] = array
            own[key].written()
        return IncompatibleKeys(missing, unexpected)

    def __deepcopy__(self: M, memo: dict) -> M:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update({name: copy.deepcopy(value, memo) for name, value in self.__dict__.items()})
        return twin

    # Showing

    def extra_repr(self) -> str:
        """What stands between the parentheses in the printed form, such as sizes and options."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._modules.items()]
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        return "\n  ".join([f"{type(self).__name__}({extra}", *lines]) + "\n)"

    def summary(self, *input_shape: Any) -> Any:
        """A table of the modules with their parameter counts and, for a given input shape, their output shapes.

        Parameters
        ----------
        *input_shape : int
            Shape of an input, such as ``1, 1, 28, 28``.

        Returns
        -------
        Summary
            Prints as a table; has ``total``, the number of parameters.

        Examples
        --------
        >>> from tinygrad_edu import nn
        >>> nn.Linear(3, 2).summary(5, 3).total
        8
        """
        from tinygrad_edu.layers.summary import summarize

        return summarize(self, input_shape)

    def to_torch(self) -> Any:
        """The same module in PyTorch, with equal weights and buffers, in the same mode.

        Returns
        -------
        torch.nn.Module

        Raises
        ------
        MissingExtraError
            If PyTorch is not installed.
        TypeError
            If a module within has no twin in PyTorch.
        """
        from tinygrad_edu.layers.torch_twin import to_torch

        return to_torch(self)


def _bare(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, ByHandArray) else x


def _cotangent(module: Module, dy: Any) -> Any:
    if isinstance(dy, Tensor):
        raise TypeError(
            f"{type(module).__name__}.backward: expected an array, got a Tensor. The hand-derived backward runs on arrays; "
            "after a call with Tensors call backward() on the loss."
        )
    return _bare(np.asarray(dy) if not isinstance(dy, np.ndarray | tuple | type(None)) else dy)


def _array(value: Any) -> np.ndarray:
    if isinstance(value, Tensor):
        return value.array
    # A torch tensor in a state dict comes this way as well.
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def _require_cpu(target: Any) -> None:
    device(target)
