"""What there is to check in a file of the user's."""

from __future__ import annotations

import ast
import contextlib
import copy
import difflib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.cli.console import UserError
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.testing.decorator import bound, is_strategy
from tinygrad_edu.testing.guess import argument_names
from tinygrad_edu.testing.pair import Pair, is_torch, names_of, source_of

__all__ = ["Found", "everything", "named"]

GRADIENT_TEST = "gradient_test"


@dataclass
class Found:
    """What is to be checked, and what the file says of its inputs.

    Attributes
    ----------
    target : Any
        What :func:`~tinygrad_edu.testing.assert_gradients_agree` takes.
    inputs : tuple or None
        From ``NAME_inputs``.
    known : dict
        Arrays and shapes of single arguments, by name, from ``@gradient_test``.
    options : dict
        From the same.
    notes : list of str
        What is not looked at.
    """

    target: Any
    inputs: tuple[Any, ...] | None = None
    known: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def named(module: ModuleType, name: str) -> Found:
    """What goes by a name in a file, and inputs that the file has for it, if any.

    Parameters
    ----------
    module : module
    name : str
        Of a function, a class or an object; of the forward or of both functions of a pair; or two names with ``::``.

    Returns
    -------
    Found

    Raises
    ------
    UserError
        If there is no such name, or nothing to check in it.
    """
    if "::" in name:
        forward, backward = name.split("::", 1)
        return Found((found(module, forward), found(module, backward)), inputs_of(module, forward))
    for forward in forwards_of(name):
        for backward in backwards_of(forward):
            pair = getattr(module, forward, None), getattr(module, backward, None)
            if all(inspect.isroutine(f) for f in pair):
                return Found(pair, inputs_of(module, name, forward))
    value = found(module, name)
    if hasattr(value, GRADIENT_TEST):
        return of_test(value, name)
    value = made(value, name)
    return Found(target_of(value, name), inputs_of(module, name), notes=unseen(value))


def forwards_of(name: str) -> list[str]:
    """What the forward may be called if this is its name, or its backward's, or what both have in common."""
    of_backward = [name.replace("backward", "forward"), name.replace("bwd", "fwd"), name.removesuffix("_backward")]
    return [name, *of_backward, f"{name}_forward", f"forward_{name}", f"{name}_fwd"]


def backwards_of(forward: str) -> list[str]:
    """What the backward of a forward of this name may be called."""
    names = [forward.replace("forward", "backward"), forward.replace("fwd", "bwd"), f"{forward}_backward"]
    return [name for name in names if name != forward]


def of_test(test: Any, name: str) -> Found:
    """What a gradient test is a test of, with all of its inputs that are not drawn in some other way."""
    target = target_of(made(test.__wrapped__, name), name)
    inputs, options = bound(target, *getattr(test, GRADIENT_TEST))
    places = dict(zip(inputs, argument_names(target), strict=False))
    known = {places.get(key, key): value for key, value in inputs.items() if not is_strategy(value)}
    return Found(target, None, known, {key: value for key, value in options.items() if not is_strategy(value)})


def found(module: ModuleType, name: str) -> Any:
    """The object of that name, with dots."""
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            names = [known for known in vars(module) if not known.startswith("_")]
            close = difflib.get_close_matches(name, names, n=3)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise UserError(f"check: there is no {name!r} in {module.__file__}.{hint}")
        value = getattr(value, part)
    return value


def made(value: Any, name: str) -> Any:
    """An instance of a class that takes no arguments, and what a function of nothing gives; anything else as it is."""
    of_example = isinstance(value, type) and issubclass(value, Layer) and "example" in vars(value)
    if isinstance(value, type) and not is_function(value) and not of_example:
        try:
            return value()
        except TypeError as error:
            raise UserError(
                f"check: {name} needs arguments ({error}). Make one in the file, such as `layer = {name}(...)`, and name it"
            ) from error
    if inspect.isfunction(value) and not inspect.signature(value).parameters:
        return made(value(), f"what {name}() returns")
    return value


def target_of(value: Any, name: str) -> Any:
    """What can be checked of an object."""
    if isinstance(value, Module | tuple) or is_torch(value) or inspect.isroutine(value) or isinstance(value, type):
        return value
    if has_methods(value):
        return of_methods(value)
    if callable(value):
        return value
    raise UserError(
        f"check: {name} is of type {type(value).__name__}; expected a function that returns (y, backward), two functions, a "
        "layer, a torch.autograd.Function or a module"
    )


def of_methods(value: Any) -> Pair:
    """A pair from an object with a forward and a backward, of which each forward has a copy: it keeps what it computes."""

    def by_hand(*arguments: Any, **options: Any) -> Any:
        own = copy.deepcopy(value)
        return own.forward(*arguments, **options), own.backward

    by_hand.__signature__ = inspect.signature(value.forward)  # type: ignore[attr-defined]
    file, line = source_of(value.backward)
    return Pair(type(value).__name__, by_hand, names_of(value.forward), file=file, line=line)


def unseen(value: Any) -> list[str]:
    """That the parameters of an object with a forward and a backward are no arguments."""
    if isinstance(value, type | Module) or is_torch(value) or not has_methods(value):
        return []
    names = [name for name, x in vars(value).items() if isinstance(x, np.ndarray)]
    note = f"gradients of the attributes {', '.join(names)} are not checked, as they are no arguments"
    return [note] if names else []


def is_function(value: type) -> bool:
    """Whether this is a subclass of torch.autograd.Function."""
    return any(c.__module__ == "torch.autograd.function" for c in value.__mro__)


def has_methods(value: Any) -> bool:
    """Whether this, or what the class makes, has a forward and a backward."""
    return callable(getattr(value, "forward", None)) and callable(getattr(value, "backward", None))


def inputs_of(module: ModuleType, *names: str) -> Any:
    """The inputs that a file has for a name, from ``NAME_inputs``: an array, a tuple, or a function that returns them."""
    for name in names:
        with contextlib.suppress(AttributeError):
            inputs = getattr(module, f"{name}_inputs")
            inputs = inputs() if callable(inputs) else inputs
            return inputs if isinstance(inputs, tuple) else (inputs,)
    return None


def everything(module: ModuleType) -> list[str]:
    """Names of all in a file that looks as if it had a backward by hand; nothing is called to find out.

    Parameters
    ----------
    module : module

    Returns
    -------
    list of str
    """
    assert module.__file__ is not None
    returning = set(pairs_in(Path(module.__file__)))
    names: list[str] = []
    members = vars(module)
    for name, value in members.items():
        own = getattr(value, "__module__", None) == module.__name__
        if inspect.isfunction(value) and own:
            if name in returning or hasattr(value, GRADIENT_TEST) or any(b in members for b in backwards_of(name)):
                names.append(name)
        elif isinstance(value, type) and own:
            if issubclass(value, Layer) or is_function(value) or (has_methods(value) and not issubclass(value, Module)):
                names.append(name)
        elif isinstance(value, Layer):
            names.append(name)
    backwards = {backward for name in names for backward in backwards_of(name)}
    return [name for name in names if name not in backwards or name in returning]


def pairs_in(path: Path) -> Iterator[str]:
    """Names of the functions in a file that return a result and a function made within."""
    for function in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(function, ast.FunctionDef):
            nodes = list(own_nodes(function))
            inner = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
            returned = [node.value for node in nodes if isinstance(node, ast.Return)]
            pairs = [v.elts[1] for v in returned if isinstance(v, ast.Tuple) and len(v.elts) == 2]
            if any(isinstance(v, ast.Lambda) or (isinstance(v, ast.Name) and v.id in inner) for v in pairs):
                yield function.name


def own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What stands in a function, without what stands in functions and classes within."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
