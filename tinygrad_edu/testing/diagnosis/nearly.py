"""Whether a change of a backward is worth an exact look: floats take a hundredth of the time."""

from __future__ import annotations

import ast
import copy
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.exact.trial import Trial

__all__ = ["Nearly"]


class Nearly:
    """A pair in floats, its source as it stands now held against the right gradients.

    Where it can be, the forward is run once, and only the functions within are compiled and run for each change.

    Parameters
    ----------
    source : Source
    trial : Trial
        Whose arguments and cotangent are taken.
    places : list of int
    right : list of numpy.ndarray of Decimal
        For each place.
    """

    def __init__(self, source: Any, trial: Trial, places: list[int], right: list[NDArray]) -> None:
        self.source, self.trial, self.places = source, trial, places
        self.right = [r.astype(np.float64) for r in right]
        self.dy = np.asarray(trial.dy).astype(np.float64)
        self.left: dict[str, Any] | None = None
        self.inner, self.named = within(source.definition)
        if self.inner and not source.alone:
            self.left = self.locals_of_forward()
            try:
                self.gradients()
            except Exception:  # it may crash as it stands, or need more than is left
                whole, self.left = self.left, None
                self.left = whole if crashes(self.gradients) else None

    def holds(self) -> bool:
        """Whether each gradient is right up to rounding."""
        gradients = self.gradients()
        gradients = gradients if isinstance(gradients, tuple | list) else (gradients,)
        for i, expected in zip(self.places, self.right, strict=True):
            gradient = np.asarray(gradients[i]() if callable(gradients[i]) else gradients[i], np.float64)
            if gradient.shape != expected.shape or not np.allclose(gradient, expected, rtol=1e-6, atol=1e-9):
                return False
        return True

    def gradients(self) -> Any:
        """What the backward gives as its source stands now."""
        if self.left is None:
            by_hand = self.source.pair(self.source.compiled())
            _, backward = by_hand(*copy.deepcopy(self.trial.arguments), **copy.deepcopy(self.trial.options))
            return backward(self.dy.copy())
        scope = {**self.source.scope, **{name: separate(value) for name, value in self.left.items()}}
        module = ast.fix_missing_locations(ast.Module(self.inner, []))
        exec(compile(module, "<changed>", "exec"), scope)
        return scope[self.named](self.dy.copy())

    def locals_of_forward(self) -> dict[str, Any] | None:
        """The variables of the forward when it returns; None where another profiler is at work."""
        if sys.getprofile() is not None:
            return None
        found: dict[str, Any] = {}
        function = self.source.compiled()

        def look(frame: types.FrameType, event: str, argument: Any) -> None:
            if event == "return" and frame.f_code is function.__code__:
                found.update(frame.f_locals)

        sys.setprofile(look)
        try:
            function(*copy.deepcopy(self.trial.arguments), **copy.deepcopy(self.trial.options))
        except Exception:
            return None
        finally:
            sys.setprofile(None)
        return found


def within(definition: ast.FunctionDef) -> tuple[list[ast.stmt], str]:
    """The functions in a pair's body and the name of its backward; none if it is not to be had alone."""
    functions: list[ast.stmt] = [node for node in definition.body if isinstance(node, ast.FunctionDef)]
    last = definition.body[-1]
    if any(isinstance(node, ast.Nonlocal | ast.Global) for node in ast.walk(definition)):
        return [], ""
    match last:
        case ast.Return(value=ast.Tuple(elts=[_, ast.Name(id=name)])) if functions:
            return functions, name
        case ast.Return(value=ast.Tuple(elts=[_, ast.Lambda()]) as pair):
            # Looked up when it is compiled, so that it is the lambda as it stands then.
            taken = ast.Subscript(
                ast.Tuple([ast.Constant(None), pair.elts[1]], ast.Load()), ast.Constant(1), ast.Load()
            )
            return [*functions, ast.Assign([ast.Name("backward of", ast.Store())], taken)], "backward of"
    return [], ""


def separate(value: Any) -> Any:
    """A copy of what a backward may write to."""
    return copy.deepcopy(value) if isinstance(value, np.ndarray | list | dict | tuple) else value


def crashes(function: Callable[[], Any]) -> bool:
    """Whether it raises."""
    try:
        function()
    except Exception:
        return True
    return False
