"""What a module must keep to beside giving the right derivatives; each says what it saw, or raises."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.grad_mode import enable_grad, no_grad
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import tensor
from tinygrad_edu.testing.contract.case import Broken, NotApplicable, first_difference
from tinygrad_edu.testing.forms import FORMS
from tinygrad_edu.testing.paired import without_pair
from tinygrad_edu.testing.recorded import joined
from tinygrad_edu.testing.subject import Subject, mapped
from tinygrad_edu.testing.verify import cotangent, verify

__all__ = ["accumulation", "copies", "demand", "own_gradients", "printing", "state", "subsets", "training"]

# Up to so many inputs and parameters all subsets are tried; of more, each alone, and all but each.
ALL_SUBSETS = 4

Found = dict[str, NDArray | None]


def demand(fulfilled: bool, otherwise: str) -> None:
    """Raise unless something is fulfilled. An ``assert`` would be dropped by ``python -O``."""
    if not fulfilled:
        raise Broken(otherwise)


def result(target: Module, subject: Subject) -> NDArray:
    """What a module gives for the subject's inputs, with the subject's seed."""
    with subject.seeded(), no_grad():
        return np.array(joined(target(*[mapped(x, tensor) for x in subject.inputs], **subject.options)).array)


def cotangent_of(subject: Subject) -> NDArray:
    """A cotangent for the subject's result."""
    dy = cotangent(subject)
    if dy is None:
        raise NotApplicable("the result is no float")
    return dy


def on_the_graph(target: Module, subject: Subject, dy: NDArray, wanted: set[str] | None = None) -> Found:
    """Gradients of inputs and parameters by the graph; of the `wanted` alone, if given."""
    named = dict(target.named_parameters())
    inputs = [mapped(x, tensor) for x in subject.inputs]
    leaves = {n: inputs[i] if k is None else inputs[i][k] for n, i, k, _ in subject.differentiable()} | named
    for name, leaf in leaves.items():
        leaf.requires_grad_(wanted is None or name in wanted)
    with subject.seeded(), enable_grad():
        y = joined(target(*inputs, **subject.options))
    if y.requires_grad:
        y.backward(tensor(dy))
    return {name: None if leaf.grad is None else leaf.grad.array for name, leaf in leaves.items()}


def by_hand(target: Module, subject: Subject, dy: NDArray, input_gradient: bool = True) -> Found:
    """Gradients of inputs and parameters by the hand-derived pair."""
    with subject.seeded():
        _, backward = target.pair(*[mapped(x, np.copy) for x in subject.inputs], **subject.options)
    dxs = backward(dy.copy(), input_gradient=input_gradient)
    dxs = dxs if isinstance(dxs, tuple) else (dxs,) * len(subject.inputs) if dxs is None else (dxs,)
    found: Found = {name: dxs[i] for name, i, k, _ in subject.differentiable() if k is None}
    grads = {name: p.grad for name, p in target.named_parameters()}
    return found | {name: None if g is None else g.array for name, g in grads.items()}


def tracks(subject: Subject) -> Iterator[tuple[str, Any]]:
    """The ways to the gradients that there are."""
    yield "by the graph", on_the_graph
    if not without_pair(subject.target):
        yield "by hand", by_hand


def same(found: NDArray | None, expected: NDArray | None, what: str) -> None:
    """Raise unless two arrays are the same up to rounding."""
    demand((found is None) == (expected is None), f"{what} is {'None' if found is None else 'there'}")
    if found is not None:
        difference = first_difference(found, expected)
        demand(not difference, f"{what}: {difference}")


def own_gradients(subject: Subject) -> str:
    """After a backward each parameter has a gradient of its own shape and type, in memory of its own."""
    dy = cotangent_of(subject)
    count = 0
    for way, run in tracks(subject):
        target = subject.fresh()
        run(target, subject, dy)
        seen: dict[str, NDArray] = {}
        for name, p in target.named_parameters():
            demand(p.grad is not None, f"{way}: {name} gets no gradient")
            demand(p.grad.shape == p.shape, f"{way}: {name} of shape {p.shape} gets a gradient of shape {p.grad.shape}")
            demand(p.grad.dtype == p.dtype, f"{way}: {name} of {p.dtype} gets a gradient of {p.grad.dtype}")
            for other, array in {**seen, "its parameter": p.array}.items():
                shared = np.shares_memory(p.grad.array, array)
                demand(not shared, f"{way}: {name}'s gradient is in the memory of {other}")
            seen[f"{name}'s"] = p.grad.array
        count = len(seen)
    if not count:
        raise NotApplicable("it has no parameters")
    return f"{count} parameters, each with a gradient of its own shape"


def accumulation(subject: Subject) -> str:
    """A second backward adds to the gradients that are there."""
    g = cotangent_of(subject)
    h = np.random.default_rng([subject.seed, 2]).uniform(0.5, 1.5, g.shape)
    if not any(True for _ in subject.target.parameters()):
        raise NotApplicable("it has no parameters")
    for way, run in tracks(subject):
        alone = [run(subject.fresh(), subject, dy) for dy in (g, h)]
        target = subject.fresh()
        run(target, subject, g)
        before = {name: p.grad for name, p in target.named_parameters()}
        run(target, subject, h)
        for name, p in target.named_parameters():
            first, second = (found[name] for found in alone)
            if before[name] is None or first is None or second is None:
                continue  # another check tells
            same(p.grad.array, first + second, f"{way}: the gradient of {name} after two backwards")
    return "a second backward adds to the first"


def subsets(subject: Subject) -> str:
    """Whichever inputs and parameters need a gradient get theirs, the same as if all did, and the others none."""
    dy = cotangent_of(subject)
    whole = on_the_graph(subject.fresh(), subject, dy)
    names = [name for name, gradient in whole.items() if gradient is not None]
    if len(names) <= ALL_SUBSETS:
        chosen = [set(c) for n in range(len(names)) for c in itertools.combinations(names, n)]
    else:
        chosen = [{name} for name in names] + [set(names) - {name} for name in names]
    for wanted in chosen:
        found = on_the_graph(subject.fresh(), subject, dy, wanted)
        for name in names:
            what = f"the gradient of {name} while only {', '.join(sorted(wanted)) or 'nothing'} needs one"
            same(found[name], whole[name] if name in wanted else None, what)
    if not without_pair(subject.target):
        frozen = subject.fresh().requires_grad_(False)
        full = by_hand(subject.fresh(), subject, dy)
        parameters = dict(frozen.named_parameters())
        spared = by_hand(subject.fresh(), subject, dy, input_gradient=False)
        for name, gradient in by_hand(frozen, subject, dy).items():
            what = f"by hand: the gradient of {name}"
            same(gradient, None if name in parameters else full[name], f"{what} while no parameter needs one")
            same(spared[name], full[name] if name in parameters else None, f"{what} with input_gradient=False")
    return f"{len(chosen)} subsets of {', '.join(names)}"


def state(subject: Subject) -> str:
    """A state dict, loaded into another of its kind, makes it the same."""
    target, other = subject.fresh(), subject.fresh()
    kept = {name: np.array(value.numpy()) for name, value in target.state_dict().items()}
    if not kept:
        raise NotApplicable("it has no state")
    for value in (*other.parameters(), *other.buffers()):
        value.array[...] = value.array + np.ones((), value.array.dtype)
    missing, unexpected = other.load_state_dict(kept)
    demand(not missing and not unexpected, f"the state dict lacks {missing} and has too many: {unexpected}")
    for name, value in other.state_dict().items():
        same(value.numpy(), kept[name], f"{name} after load_state_dict")
    same(result(other, subject), result(target, subject), "the result after load_state_dict")
    return f"state_dict and load_state_dict keep {', '.join(kept)}"


def training(subject: Subject) -> str:
    """In evaluation two calls give the same and no statistics move, and all forms agree there, too."""
    target = subject.fresh()
    target.eval()
    demand(not any(m.training for m in target.modules()), "eval() leaves a module in training")
    before = [buffer.array.copy() for buffer in target.buffers()]
    inputs = [mapped(x, tensor) for x in subject.inputs]
    with subject.seeded(), no_grad():  # the second call draws on from where the first one ended
        first, second = (joined(target(*inputs, **subject.options)).array for _ in range(2))
    same(second, first, "the result of a second call in evaluation")
    for old, buffer in zip(before, target.buffers(), strict=True):
        same(buffer.array, old, "a buffer after a call in evaluation")
    report = verify(target, subject.inputs, forms=tuple(FORMS), seed=subject.seed, **subject.options)
    told = "; ".join(report.told())
    demand(not told, f"in evaluation {told}")
    target.train()
    demand(all(m.training for m in target.modules()), "train() leaves a module in evaluation")
    return "two calls in evaluation give the same, and all forms agree there"


def copies(subject: Subject) -> str:
    """A deep copy and an unpickled one compute the same, and are independent."""
    target = subject.fresh()
    made = {"copied": copy.deepcopy(target)}
    local = [type(m).__qualname__ for m in target.modules() if "<locals>" in type(m).__qualname__]
    if not local:
        made["unpickled"] = pickle.loads(pickle.dumps(target))
    for how, twin in made.items():
        same(result(twin, subject), result(target, subject), f"the result when {how}")
        before = [p.array.copy() for p in target.parameters()]
        for p in twin.parameters():
            p.array[...] = 0.0
        for old, (name, p) in zip(before, target.named_parameters(), strict=True):
            same(p.array, old, f"{name} after writing to that of the one {how}")
    return f"{' and '.join(made)}: the same and independent" + (f"; {local[0]} cannot be pickled" if local else "")


def printing(subject: Subject) -> str:
    """It prints as its class, without an address, and a copy the same."""
    text = repr(subject.target)
    name = type(subject.target).__name__
    demand(name in text, f"repr says {text!r}, without {name}")
    demand(" object at 0x" not in text, f"repr says {text!r}; define extra_repr(self)")
    demand(repr(subject.fresh()) == text, "a copy prints otherwise")
    return text.partition("\n")[0]
