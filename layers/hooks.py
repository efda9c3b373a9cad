"""Hooks around a module's forward and backward, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
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
        self.before: dict[int, Callable] = {}
        self.after: dict[int, Callable] = {}
        self.before_backward: dict[int, Callable] = {}
        self.after_backward: dict[int, Callable] = {}

    def any(self) -> bool:
        """Whether there are hooks at all."""
        return bool(self.before or self.after or self.before_backward or self.after_backward)

    def add(self, when: str, hook: Callable, prepend: bool) -> Handle:
        """Add a hook to the dictionary of this name, at its end or at its beginning."""
        hooks: dict[int, Callable] = getattr(self, when)
        handle = Handle(hooks)
        others = dict(hooks) if prepend else {}
        if prepend:
            hooks.clear()
        hooks[handle.id] = hook
        hooks.update(others)
        return handle

    def around(self, module: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call the module's forward with all hooks around it."""
        for hook in list(self.before.values()):
            replaced = hook(module, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
        watch = None
        if mode.enabled and (self.before_backward or self.after_backward):
            watch = _Watch(module, list(self.before_backward.values()), list(self.after_backward.values()))
            args = watch.entered(args)
        result = module.forward(*args, **options)
        for hook in list(self.after.values()):
            replaced = hook(module, args, result)
            if replaced is not None:
                result = replaced
        return result if watch is None else watch.left(result)


class _Watch:
    """Two identities around one forward, whose backwards call the hooks: first the results', then the inputs'."""

    def __init__(self, module: Any, before: list[Callable], after: list[Callable]) -> None:
        self.module = module
        self.before = before
        self.after = after
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
