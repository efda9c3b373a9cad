"""Inputs for a backward of which nobody said what it takes."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import tensor
from tinygrad_edu.testing.candidates import combinations, valued
from tinygrad_edu.testing.contract.case import copied
from tinygrad_edu.testing.pair import Pair, as_pair, is_torch, names_of, positional
from tinygrad_edu.testing.recorded import joined
from tinygrad_edu.testing.subject import mapped, name_of

__all__ = ["argument_names", "guess_inputs", "guesses"]

# For forwards of milliseconds. The number of combinations is the other limit, which does not depend on the machine.
SECONDS = 20.0
# What people call an argument with one number for each column.
VECTOR = re.compile(r"(b|beta|bias|gamma|g|gain|scale|shift|offset|alpha)\d*(_.*)?$")

# From inputs and options to the result, all arguments, and the backward.
Run = Callable[..., tuple[Any, tuple[Any, ...], Callable[[Any], tuple[Any, ...]]]]


def guess_inputs(target: Any, known: Mapping[str, Any] | None = None, seed: int = 0, **options: Any) -> tuple[Any, ...]:
    """Small inputs on which a forward and its backward run, with finite results and gradients of the right shapes.

    Shapes are tried: matrices, vectors, images, sequences and numbers for the first argument; for the others what
    goes with its axes, and integers below a length of one. Values are of both signs, or positive, or between 0 and 1.

    Parameters
    ----------
    target : callable, tuple of two callables, Layer, Module, torch.autograd.Function class, or torch.nn.Module
        What :func:`assert_gradients_agree` takes.
    known : mapping of str to array or tuple of int, optional
        Arguments that are given, by name, or their shapes.
    seed : int, default 0
    **options
        Keyword arguments of the forward.

    Returns
    -------
    tuple
        A value for each argument that has no default. They fit; whether they are what was meant cannot be known.

    Raises
    ------
    TypeError
        If nothing fits, with what the forward said to the first try, or `known` has a name that is no argument.

    Examples
    --------
    >>> import numpy as np
    >>> def linear(x, w, b):
    ...     return x @ w + b, lambda dy: (dy @ w.T, x.T @ dy, dy.sum(0))
    >>> [x.shape for x in guess_inputs(linear)]
    [(5, 3), (3, 2), (2,)]
    """
    return next(guesses(target, known, seed, **options))


def guesses(target: Any, known: Mapping[str, Any] | None = None, seed: int = 0, **options: Any) -> Iterator[Any]:
    """All that :func:`guess_inputs` finds, one for each shape of the first argument."""
    known = dict(known or {})
    names = argument_names(target)
    name = target.name if isinstance(target, Pair) else name_of(target[0] if isinstance(target, tuple) else target)
    if unknown := [key for key in known if key not in names]:
        raise TypeError(f"{name}: no argument is called {unknown[0]!r}; it has {', '.join(names) or 'none'}")
    wanted = required(target, names, known, options)
    vectors = {key for key in wanted if VECTOR.match(key)} - ({"b"} if wanted[:1] == ["a"] else set())
    attempts: list[Attempt] = []
    for run, vectors_alone in itertools.product(runners(target), (True, False) if vectors else (False,)):
        ends = time.monotonic() + SECONDS
        for choices in combinations(wanted, known, vectors if vectors_alone else set()):
            attempt = attempted(run, choices, seed, options, ends)
            attempts.append(attempt)
            if attempt.right is not None:
                yield attempt.right
        if any(attempt.right is not None for attempt in attempts):
            return
        # A wrong gradient may have a wrong shape, as that of a bias which was not summed.
        if runs := [attempt.runs for attempt in attempts if attempt.runs is not None]:
            yield runs[0]
            return
        if any(attempt.backward is not None for attempt in attempts) and not vectors_alone:
            break  # it is a pair
    missing = ", ".join(key for key in wanted if key not in known)
    what = f"give the shapes of {missing}" if missing else "those given do not fit"
    said, error = told(wanted, attempts)
    raise TypeError(f"{name}: no inputs were found on which forward and backward run; {what}.{said}") from error


def told(names: list[str], attempts: list[Attempt]) -> tuple[str, Exception | None]:
    """What was raised while trying: by a backward whose forward had run, or else by the first try."""
    for attempt in attempts:
        if attempt.backward is not None:
            given, error = attempt.backward
            shapes = ", ".join(f"{key} {np.shape(x)}" for key, x in zip(names, given, strict=True))
            return (
                f" The forward runs on {shapes}, and there the backward raises {type(error).__name__}: {error}",
                error,
            )
    first = next((attempt.error for attempt in attempts if attempt.error is not None), None)
    return f" The first try ended with {type(first).__name__}: {first}" if first is not None else "", first


@dataclass
class Attempt:
    """What was found for one shape of the first argument.

    Attributes
    ----------
    right : tuple or None
        Inputs that fit.
    runs : tuple or None
        The first ones on which forward and backward run.
    backward : (tuple, Exception) or None
        The first ones on which the forward runs, and what the backward raises there.
    error : Exception or None
        The first one of the forward.
    """

    right: tuple[Any, ...] | None = None
    runs: tuple[Any, ...] | None = None
    backward: tuple[tuple[Any, ...], Exception] | None = None
    error: Exception | None = None


class BackwardError(Exception):
    """The forward runs, and the backward raises `cause`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def attempted(run: Run, choices: Iterator[Any], seed: int, options: dict[str, Any], ends: float) -> Attempt:
    """Try choices of shapes until one fits or time is up."""
    attempt = Attempt()
    for choice in choices:
        for given in valued(choice, seed):
            try:
                found = tried(run, given, options)
            except BackwardError as error:
                attempt.backward = attempt.backward or (given, error.cause)
                break
            except Exception as error:  # whatever the code does with what it does not take
                attempt.error = attempt.error or error
                break
            if found == "right":
                attempt.right = given
                return attempt
            if found == "runs":
                attempt.runs = given if attempt.runs is None else attempt.runs
                break
        if time.monotonic() > ends:
            break
    return attempt


def argument_names(target: Any) -> tuple[str, ...]:
    """Names of the inputs of what is to be checked."""
    if isinstance(target, Layer):
        kept = (*target._parameters, *target.__dict__)
        return tuple(name for name in type(target)._positional if name not in kept)
    names = names_of(forward_of(target))
    return names[1:] if names[:1] in (("ctx",), ("self",)) else names


def forward_of(target: Any) -> Any:
    """The function whose arguments are the inputs."""
    if isinstance(target, tuple | list):
        return target[0]
    if isinstance(target, Pair):
        return target.by_hand
    return target.forward if isinstance(target, Module) or is_torch(target) else target


def required(target: Any, names: tuple[str, ...], known: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Those that need a value: all without a default, and all before the last that is known."""
    count = len(names)
    if not isinstance(target, Layer):
        needed = positional(forward_of(target))
        skipped = len(names_of(forward_of(target))) - len(names)
        count = 1 if needed is None else needed - skipped
    last = max((i + 1 for i, name in enumerate(names) if name in known), default=0)
    # Of a function that takes any number of arguments, one is tried.
    wanted = names[: max(count, last)] or ("x",) * (count > 0)
    return [name for name in wanted if name not in options]


def runners(target: Any) -> Iterator[Run]:
    """From inputs and options to the result, all arguments, and the backward: of a pair, or of a function of Tensors."""
    if not isinstance(target, Module) or isinstance(target, Layer):
        pair = as_pair(target)

        def by_pair(*given: Any, **options: Any) -> Any:
            arguments, own = pair.complete(given)
            y, backward = pair(*arguments, **{**own, **options})
            return y, arguments, backward

        yield by_pair
    if isinstance(target, Module) or not (isinstance(target, tuple | list | Pair) or is_torch(target)):
        yield lambda *given, **options: by_tensors(target, given, options)


def by_tensors(target: Any, given: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The result, the inputs, and a backward of what records a graph."""
    leaves = [mapped(x, lambda a: tensor(a, requires_grad=a.dtype.kind == "f")) for x in given]
    y = joined(target.double()(*leaves) if isinstance(target, Module) else target(*leaves, **options))

    def backward(dy: Any) -> tuple[Any, ...]:
        y.backward(tensor(dy))
        gradients = [getattr(leaf, "grad", None) for leaf in leaves]
        return tuple(None if g is None else g.array for g in gradients)

    return y.array, given, backward


def tried(run: Run, given: tuple[Any, ...], options: Mapping[str, Any]) -> str:
    """What comes of these inputs: 'right', 'runs' where a gradient has another shape, or 'not finite'."""
    with np.errstate(all="ignore"), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        y, arguments, backward = run(*(copied(x) for x in given), **options)
        y = np.asarray(y)
        if y.dtype.kind != "f":
            raise TypeError(f"the result is of {y.dtype}, and only floats have a derivative")
        try:
            gradients = backward(np.ones(y.shape)) if np.isfinite(y).all() else ()
        except Exception as error:
            raise BackwardError(error) from error
    found = [(g, a) for g, a in zip(gradients, arguments, strict=False) if g is not None and isinstance(a, np.ndarray)]
    if not found or not all(np.isfinite(g).all() for g, _ in found):
        return "not finite"
    return "right" if all(g.shape == a.shape for g, a in found) else "runs"
