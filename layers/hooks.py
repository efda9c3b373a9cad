"""Hooks around a module's forward and backward, as in PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.autograd.function import Function
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.grad_mode import mode
from tinygrad_edu.graph import Handle
from tinygrad_edu.tensor import Tensor

__all__ = ["ModuleHooks"]


class ModuleHooks:
    """The hooks of one module, by when they run and by the id of their handle."""

    def __init__(self) -> None:
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}
        self.before_backward: dict[int, Hook] = {}
        self.after_backward: dict[int, Hook] = {}

    def any(self) -> bool:
        """Whether there are hooks at all."""
        return bool(self.before or self.after or self.before_backward or self.after_backward)

    def add(self, when: str, hook: Hook, prepend: bool) -> Handle:
        """Add a hook to the dictionary of this name, at its end or at its beginning."""
        hooks: dict[int, Hook] = getattr(self, when)
        handle = Handle(hooks)
        others = dict(hooks) if prepend else {}
        if prepend:
            hooks.clear()
        hooks[handle.id] = hook
        hooks.update(others)
        return handle

    def around(self, module: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call the module's forward with all hooks around it."""
        result = None
        uncalled = list(self.after.values())
        try:
            for hook in list(self.before.values()):
                args, options = hook.replacing(module, args, options)
            watch = None
            if mode.enabled and (self.before_backward or self.after_backward):
                watch = _Watch(module, self.before_backward, self.after_backward)
                args = watch.entered(args)
            result = module.forward(*args, **options)
            while uncalled:
                replaced = uncalled.pop(0).after(module, args, options, result)
                if replaced is not None:
                    result = replaced
        except Exception:
            for hook in uncalled:
                if hook.always_call:
                    _call_all_the_same(hook, module, args, options, result)
            raise
        return result if watch is None else watch.left(result)


@dataclass(frozen=True)
class Hook:
    """A function, whether it sees keyword arguments, and whether it runs after a forward that failed."""

    function: Callable
    with_kwargs: bool = False
    always_call: bool = False

    def replacing(self, module: Any, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """The arguments that a hook before the forward leaves."""
        if not self.with_kwargs:
            replaced = self.function(module, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
            return args, options
        replaced = self.function(module, args, options)
        if replaced is None:
            return args, options
        if not (isinstance(replaced, tuple) and [type(part) for part in replaced] == [tuple, dict]):
            raise RuntimeError(
                f"{type(module).__name__}: a forward pre-hook with_kwargs returns None or a pair of the arguments, a tuple "
                f"and a dict; got {_described(replaced)}"
            )
        return replaced

    def after(self, module: Any, args: tuple[Any, ...], options: dict[str, Any], result: Any) -> Any:
        """What a hook after the forward returns."""
        if self.with_kwargs:
            return self.function(module, args, options, result)
        return self.function(module, args, result)


def _described(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a tuple of ({', '.join(type(part).__name__ for part in value)})"
    return type(value).__name__


def _call_all_the_same(hook: Hook, module: Any, args: tuple[Any, ...], options: dict[str, Any], result: Any) -> None:
    try:
        hook.after(module, args, options, result)
    except Exception as error:
        warnings.warn(
            f"{type(module).__name__}: after an error, a forward hook with always_call failed as well: {error!r}",
            stacklevel=4,
        )


class _Watch:
    """Two identities around one forward, whose backwards call the hooks: first the results', then the inputs'."""

    def __init__(self, module: Any, before: dict[int, Hook], after: dict[int, Hook]) -> None:
        self.module = module
        self.before = [hook.function for hook in before.values()]
        self.after = [hook.function for hook in after.values()]
        self.inputs = 0
        self.watched: list[int] = []
        self.grad_output: tuple[Any, ...] = ()

    def entered(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, behind a border where they need a gradient."""
        self.inputs = len(args)
        args, self.watched = self._behind_border(args, self.seen_inputs)
        return args

    def left(self, result: Any) -> Any:
        """The results behind a border."""
        results = result if isinstance(result, tuple) else (result,)
        results, _ = self._behind_border(results, self.seen_results)
        return results if isinstance(result, tuple) else results[0]

    def _behind_border(self, values: tuple[Any, ...], seen: Callable) -> tuple[tuple[Any, ...], list[int]]:
        places = [i for i, value in enumerate(values) if isinstance(value, Tensor) and value.requires_grad]
        moved = dict(zip(places, _Border.apply(seen, places, len(values), *[values[i] for i in places]), strict=True))
        return tuple(moved.get(i, value) for i, value in enumerate(values)), places

    def seen_results(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.before:
            grads = self._replaced("full backward pre-hook", grads, hook(self.module, grads))
        self.grad_output = grads
        if not self.watched:
            # Nobody waits for the inputs' gradients.
            self.seen_inputs((None,) * self.inputs)
        return grads

    def seen_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        # Let go of: recorded gradients refer to the graph, which refers to this object.
        grad_output, self.grad_output = self.grad_output, ()
        for hook in self.after:
            grads = self._replaced("full backward hook", grads, hook(self.module, grads, grad_output))
        return grads

    def _replaced(self, kind: str, grads: tuple[Any, ...], replaced: Any) -> tuple[Any, ...]:
        if replaced is None:
            return grads
        replaced = tuple(replaced) if isinstance(replaced, tuple | list) else (replaced,)
        where = f"{type(self.module).__name__}: a {kind}"
        if len(replaced) != len(grads):
            raise RuntimeError(f"{where} was given {len(grads)} gradients and returned {len(replaced)}")
        for i, (before, now) in enumerate(zip(grads, replaced, strict=True)):
            if before is not None and now is not None and now.shape != before.shape:
                raise ShapeError(f"{where} was given gradient {i} of shape {before.shape} and returned {now.shape}")
        return replaced


class _Border(Function):
    """The identity; its backward shows the gradients to a function, each at its own place among `count`."""

    @staticmethod
    def forward(ctx: Any, seen: Callable, places: list[int], count: int, *values: Any) -> Any:
        ctx.seen, ctx.places, ctx.count = seen, places, count
        ctx.set_materialize_grads(False)
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        given = dict(zip(ctx.places, grads, strict=True))
        returned = ctx.seen(tuple(given.get(i) for i in range(ctx.count)))
        return None, None, None, *[returned[i] for i in ctx.places]
