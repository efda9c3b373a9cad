"""Clauses on memory: what a backward may write to, keep, and hand out; each says what it saw, or raises."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.contract.case import Broken, Case, NotApplicable, copied, first_difference, is_float

__all__ = ["argument_layout", "arguments", "cotangent", "cotangent_layout", "repeatable", "shared_memory", "state"]


def repeatable(case: Case) -> str:
    """The same backward called again gives the same, and leaves what it gave before alone."""
    backward = case.run()[1]
    first = backward(case.dy.copy())
    kept = tuple(copied(g) for g in first)
    try:
        backward(case.cotangent(case.dy.shape))
        case.compare(
            first, kept, "after the backward was called again, which wrote to the gradient it had given before"
        )
        again = backward(case.dy.copy())
    except Broken:
        raise
    except Exception as error:
        error.add_note("the same backward called a second time")
        raise
    case.compare(again, kept, "when the same backward is called a second time with the same cotangent")
    return "the same backward called again gives the same"


def state(case: Case) -> str:
    """Calls do not share state: forward a, forward b, backward a."""
    others = case.moved()
    alone = case.gradients()
    y, backward = case.run()
    case.run(others)
    if difference := first_difference(y, case.y):
        raise Broken(f"a later forward overwrites the result of an earlier one: {difference}")
    found = backward(case.dy.copy())
    case.compare(found, alone, "after another forward: state kept from one call is used by another")
    case.run(others)[1](case.dy.copy())
    case.compare(case.gradients(), alone, "after another call: state kept from an earlier call")
    return "a forward between another's forward and backward changes nothing"


def layouts(a: NDArray) -> Iterator[tuple[str, NDArray]]:
    """The same values in other memory."""
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]) if a.ndim else (2,), a.dtype)
    view = wide[..., ::2] if a.ndim else wide[:1].reshape(())
    view[...] = a
    yield "a view with gaps", view
    yield "in Fortran order", np.array(a, order="F")
    yield "reversed in memory", np.array(a[::-1])[::-1] if a.ndim else a.copy()
    frozen = a.copy()
    frozen.setflags(write=False)
    yield "read-only", frozen


def cotangent(case: Case) -> str:
    """The cotangent is untouched, whatever its memory is like."""
    for how, dy in itertools.chain([("contiguous", case.dy.copy())], layouts(case.dy)):
        before = dy.copy()
        backward = case.run()[1]
        try:
            backward(dy)
        except Exception as error:
            if how == "read-only":
                raise Broken(f"the backward writes to its cotangent: a read-only one raises {error}") from error
            continue  # the next clause tells
        if difference := first_difference(dy, before, 0.0):
            raise Broken(f"the cotangent ({how}) was overwritten: {difference}")
    return "untouched: contiguous, a view with gaps, in Fortran order, reversed, read-only"


def cotangent_layout(case: Case) -> str:
    """The same numbers in other memory give the same gradients, a constant without memory of its own (stride 0) too."""
    expected = case.gradients()
    for how, dy in layouts(case.dy):
        case.compare(noted(case.run()[1], dy, f"a cotangent {how}:"), expected, f"with a cotangent {how}")
    ones = np.ones(case.dy.shape)
    expanded = np.broadcast_to(np.ones(()), case.dy.shape)
    found = noted(case.run()[1], expanded, "an expanded cotangent:")
    case.compare(found, case.gradients(ones), "with an expanded cotangent (stride 0)")
    return "the same gradients for the cotangent in any memory, expanded too"


def noted(backward: Callable, dy: NDArray, note: str) -> Any:
    """What a backward gives; an error says for which cotangent."""
    try:
        return backward(dy)
    except Exception as error:
        error.add_note(note)
        raise


def arguments(case: Case) -> str:
    """Forward and backward leave arguments alone, and the backward the result."""
    given = tuple(copied(a) for a in case.arguments)

    def look(who: str) -> None:
        for i, (now, before) in enumerate(zip(given, case.arguments, strict=True)):
            if isinstance(now, np.ndarray) and (difference := first_difference(now, before, 0.0)):
                raise Broken(f"the {who} overwrites its argument {case.pair.argument(i)}: {difference}")

    y, backward = case.run(given, fresh=False)
    look("forward")
    before = np.array(y)
    backward(case.dy.copy())
    look("backward")
    if difference := first_difference(y, before, 0.0):
        raise Broken(f"the backward overwrites the result of its forward: {difference}")
    return "untouched by the forward and by the backward; so is the result"


def argument_layout(case: Case) -> str:
    """The same arguments in other memory give the same."""
    expected = case.gradients()
    for k in range(4):
        found = [list(layouts(a))[k] if is_float(a) else ("", copied(a)) for a in case.arguments]
        how = f"with arguments {next(name for name, _ in found if name)}"
        try:
            y, backward = case.run(tuple(a for _, a in found), fresh=False)
            gradients = backward(case.dy.copy())
        except Exception as error:
            error.add_note(f"{how}:")
            raise
        if difference := first_difference(y, case.y):
            raise Broken(f"the result differs {how}: {difference}")
        case.compare(gradients, expected, how)
    return "the same for arguments with gaps, in Fortran order, reversed, read-only"


def shared_memory(case: Case) -> str:
    """Gradients share no memory with the cotangent, the arguments or each other."""
    if case.pair.kind in ("torch", "layer"):
        raise NotApplicable("gradients in others' memory are copied before anything is added to them")
    given = tuple(copied(a) for a in case.arguments)
    dy = case.dy.copy()
    gradients = case.names(case.run(given, fresh=False)[1](dy))
    others = [("the cotangent", dy)]
    others += [(case.pair.argument(i), a) for i, a in enumerate(given) if isinstance(a, np.ndarray)]
    for (name, gradient), (other, array) in itertools.product(gradients, others):
        if np.shares_memory(gradient, array):
            raise Broken(f"{name} is in the memory of {other}: adding to one changes the other. Return a copy")
    for (name, gradient), (other, array) in itertools.combinations(gradients, 2):
        if np.shares_memory(gradient, array):
            raise Broken(f"{name} and {other} are in the same memory: adding to one changes the other. Copy one")
    return "gradients have memory of their own"
