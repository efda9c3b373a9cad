"""What a derivative is tried on: drawn cases, with what other forms say of their gradients."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.announce import Announcement
from tinygrad_edu.layers.module import Module
from tinygrad_edu.layers.torch_twin import import_torch
from tinygrad_edu.ops.operation import plain
from tinygrad_edu.tensor import tensor
from tinygrad_edu.testing.compare import EXACT, compared, names_of
from tinygrad_edu.testing.exact.check import ExactError, check_pair
from tinygrad_edu.testing.exact.form import FORM
from tinygrad_edu.testing.forms import FORMS
from tinygrad_edu.testing.gradients import Absent, Gradients
from tinygrad_edu.testing.in_torch import torch_function
from tinygrad_edu.testing.mutation.cases import cornered, subjects
from tinygrad_edu.testing.mutation.corners import CLOSED
from tinygrad_edu.testing.mutation.second import along, difference_along
from tinygrad_edu.testing.recorded import result_of
from tinygrad_edu.testing.subject import Subject, mapped
from tinygrad_edu.testing.verify import NUMERICAL, cotangent

__all__ = ["Dropped", "Trial", "trials_of"]

# Elements of a case that runs with 60 digits.
LARGEST = 600
# Against central differences, of an error near 1e-10; below a change in the eighth digit. What does not keep it as it
# is, is no trial.
TIGHT = 2e-8


@dataclass(frozen=True)
class Dropped:
    """A trial that the library as it is does not pass, so that it can tell nothing of a mutant.

    Attributes
    ----------
    name, form : str
        Of which operation or layer, and which form of its gradient; empty if the inputs are refused.
    other, detail : str
        What contradicts, or ``error``; and in what.
    finite : bool
        Whether no input holds an infinity or a NaN.
    inputs : str
    """

    name: str
    form: str
    other: str
    detail: str
    finite: bool
    inputs: str


@dataclass(eq=False)
class Trial:
    """One form of a gradient on one case, and what it is held against.

    Attributes
    ----------
    subject : Subject
    dy : numpy.ndarray
    form : str
        ``graph``, ``by hand``, ``reference``, ``60 digits``, ``float32``, ``second``, ``complex`` or ``closed form``.
    expected : dict
        By form, the gradients that this one should agree with.
    reached : set
        The code that runs in it.
    unheld : tuple of str
        What contradicts the code as it is, and in what; empty if nothing does.
    """

    subject: Subject
    dy: NDArray
    form: str
    expected: dict[str, Any]
    reached: set[CodeType] = field(default_factory=set)
    unheld: tuple[str, str] = ("", "")

    def failure(self) -> tuple[str, str] | None:
        """The form that contradicts, and in what; None if all agree."""
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return CHECKS.get(self.form, agreement)(self)

    def holds(self) -> bool:
        """Whether the code as it is passes, and note what it runs."""

        def note(frame: Any, event: str, argument: Any) -> None:
            if event == "call":
                self.reached.add(frame.f_code)

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            self.unheld = self.failure() or ("", "")
        except Exception as error:  # a case that is refused, such as a singular matrix
            self.unheld = ("error", in_short(error))
        finally:
            sys.setprofile(before)
        return not self.unheld[0]


def in_short(error: Exception) -> str:
    """The first line of an error."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def agreement(trial: Trial) -> tuple[str, str] | None:
    """Hold the gradients of one form against those of others."""
    found = FORMS[trial.form](trial.subject, trial.dy)
    if found.faults:
        return "contract", f"{trial.form} {found.faults[0]}"
    for other, theirs in trial.expected.items():
        both = {trial.form: found, other: theirs}
        tolerance = TIGHT if other == "numerical" else EXACT
        for name in names_of(both)[1:]:
            comparison = compared(name, (trial.form, other), both, tolerance)
            if comparison is not None and not comparison.ok:
                return other, str(comparison)
    return None


def exact(trial: Trial) -> tuple[str, str] | None:
    """Hold a pair's backward against its own forward, with 60 digits."""
    subject, layer = trial.subject, trial.subject.fresh()
    parameters, options = layer._arguments(subject.inputs)
    arguments = [*subject.inputs, *map(plain, parameters)]
    options = {name: plain(value) for name, value in options.items()}
    if sum(a.size for a in arguments if isinstance(a, np.ndarray)) > LARGEST:
        raise ExactError("too large")
    for verdict in check_pair(type(layer).by_hand, *arguments, seed=subject.seed, **options):
        if not verdict.ok:
            return FORM, f"argument {verdict.argument}: relative error {verdict.error:.0e}"
    return None


def narrow(trial: Trial) -> tuple[str, str] | None:
    """Gradients of float32 are float32, and those of float64 but for rounding."""
    form = "by hand" if isinstance(trial.subject.target, Module) else "graph"
    found = FORMS[form](trial.subject, trial.dy)
    (wide,) = trial.expected.values()
    for name, gradient in found.by_name.items():
        right = wide.by_name[name]
        if gradient.dtype != np.float32:
            return "float32", f"{name}: {gradient.dtype}"
        scale = max(1.0, float(np.abs(right).max(initial=0.0)))
        if gradient.shape != right.shape or not np.allclose(
            gradient, right, rtol=1e-3, atol=1e-3 * scale, equal_nan=True
        ):
            return "float32", f"{name} differs from its float64 value"
    return None


def second(trial: Trial) -> tuple[str, str] | None:
    """Hold the gradient's own gradient, along one direction, against differences of the gradient."""
    value, scale = along(trial.subject, trial.dy)
    ((other, right),) = trial.expected.items()
    if not abs(value - right) <= NUMERICAL * 10 * max(1.0, scale):
        return "second derivative", f"{value:.10g} along a direction, {other} {right:.10g}"
    return None


def of_complex(trial: Trial) -> tuple[str, str] | None:
    """Hold gradients with regard to complex inputs against PyTorch's."""
    found = complex_gradients(trial.subject.target, tensor, trial.subject)
    for mine, theirs in zip(found, trial.expected["torch"], strict=True):
        if mine is None or theirs is None:  # PyTorch has zeros for some of the inputs that nothing is read of
            if any(g is not None and g.any() for g in (mine, theirs)):
                return "torch", "complex: a gradient is missing"
            continue
        if mine.shape != theirs.shape or not np.allclose(mine, theirs, rtol=EXACT, atol=EXACT, equal_nan=True):
            return "torch", "complex: a gradient differs"
    return None


def closed(trial: Trial) -> tuple[str, str] | None:
    """Hold every element of the gradients, however small beside the others, against what it ought to be."""
    (expected,) = trial.expected.values()
    if is_complex(trial.subject):
        found = dict(
            zip(expected, complex_gradients(trial.subject.target, tensor, trial.subject, trial.dy), strict=True)
        )
    else:
        form = "by hand" if isinstance(trial.subject.target, Module) else "graph"
        found = FORMS[form](trial.subject, trial.dy).by_name
    for name, right in expected.items():
        if not np.allclose(found[name], right, rtol=EXACT, atol=0):
            return "closed form", f"{name}: {found[name].tolist()}"
    return None


def is_complex(subject: Subject) -> bool:
    """Whether an input is complex as it is."""
    return any(isinstance(x, np.ndarray) and x.dtype.kind == "c" for x in subject.inputs)


def complex_gradients(function: Any, make: Any, subject: Subject, dy: NDArray | None = None) -> list[Any]:
    """Of the inputs, by this library's tensors or PyTorch's; if none is complex, the floats are made so."""
    generator, as_they_are = np.random.default_rng([subject.seed, 4]), is_complex(subject)

    def leaf(a: NDArray) -> Any:
        if a.dtype.kind not in "fc":
            return make(a)
        return make(a if as_they_are else a + 1j * generator.uniform(-1, 1, a.shape), requires_grad=True)

    inputs = [mapped(value, leaf) for value in subject.inputs]
    y = function(*inputs, **subject.options)
    if dy is None:
        dy = generator.uniform(0.5, 1.5, tuple(y.shape)) * np.exp(1j * generator.uniform(0, 6, tuple(y.shape)))
    y.backward(make(dy + 0j if str(y.dtype).endswith("complex128") else dy.real))
    leaves = [p for x in inputs for p in (x if isinstance(x, list | tuple) else [x]) if hasattr(p, "requires_grad")]
    found = [p.grad for p in leaves if p.requires_grad]
    return [None if g is None else np.array(g.resolve_conj() if hasattr(g, "resolve_conj") else g.array) for g in found]


CHECKS: dict[str, Callable[[Trial], tuple[str, str] | None]] = {
    FORM: exact,
    "float32": narrow,
    "second": second,
    "complex": of_complex,
    "closed form": closed,
}


def trials_of(known: Announcement, seed: int = 0, dropped: list[Dropped] | None = None) -> Iterator[Trial]:
    """All trials of an operation or a layer that the library passes as it is.

    Parameters
    ----------
    known : Announcement
    seed : int, default 0
    dropped : list of Dropped, optional
        Gets those that it does not pass.

    Yields
    ------
    Trial
    """
    dropped = [] if dropped is None else dropped
    for number, (subject, corner) in enumerate(subjects(known, seed)):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = tried(subject, number % 3 == 0 and not corner, corner)
            except Exception as error:  # integers or zeros that the operation refuses
                dropped.append(noted(known, subject, "", ("error", in_short(error))))
                continue
        for trial in found:
            if trial.holds():
                yield trial
                continue
            dropped.append(noted(known, trial.subject, trial.form, trial.unheld))
            if trial is found[0]:  # nothing is to be learned from other forms of a gradient that is none
                break
    for case, dy, gradients in CLOSED.get(known.name, ()):
        subject = cornered(known, case, case.inputs, seed)
        expected = {"closed form": {name: np.array(g) for name, g in gradients.items()}}
        trial = Trial(subject, np.broadcast_to(dy, result_of(subject).shape), "closed form", expected)
        if trial.holds():
            yield trial
        else:
            dropped.append(noted(known, subject, trial.form, trial.unheld))


def noted(known: Announcement, subject: Subject, form: str, unheld: tuple[str, str]) -> Dropped:
    """The note of a trial that is left out."""
    inputs = ", ".join(" ".join(repr(x).split()) for x in subject.inputs)
    return Dropped(known.name, form, *unheld, finite(subject), inputs[:200])


def tried(subject: Subject, thorough: bool, corner: bool) -> list[Trial]:
    """The trials of one case, whether the library passes them or not."""
    if is_complex(subject):
        return [held_in_complex(subject)]
    dy = cotangent(subject)
    return [] if dy is None else list(made(subject, dy, thorough, corner))


def held_in_complex(subject: Subject) -> Trial:
    """PyTorch's gradients with regard to complex inputs."""
    torch = import_torch()
    theirs = complex_gradients(torch_function(subject, torch), torch.tensor, subject)
    return Trial(subject, np.zeros(0), "complex", {"torch": theirs})


def made(subject: Subject, dy: NDArray, thorough: bool, corner: bool) -> Iterator[Trial]:
    """The trials of one case; at a corner PyTorch alone is asked, if it is there, as it has conventions."""
    layer = isinstance(subject.target, Module)
    expected: dict[str, Gradients] = {}
    for form in ("torch", "graph", "numerical") if layer else ("torch", "numerical"):
        if expected and (corner or form == "numerical" and not (thorough and finite(subject))):
            continue
        with contextlib.suppress(Absent):
            expected[form] = FORMS[form](subject, dy)
    yield Trial(subject, dy, "by hand" if layer else "graph", expected)
    if not layer and "torch" in expected:
        with contextlib.suppress(Exception):  # PyTorch's is for real numbers alone
            yield held_in_complex(subject)
    if layer:
        if getattr(subject.target, "reference", None) is not None:
            yield Trial(subject, dy, "reference", expected)
        yield Trial(subject, dy, FORM, {})
    if corner and not layer:  # a gradient is linear in its cotangent: of 0 it is 0 everywhere, and so is its derivative
        yield Trial(subject, 0.0 * dy, "second", {"linearity": 0.0})
    if thorough:
        if not layer:
            yield Trial(subject, dy, "second", {"differences": difference_along(subject, dy)})
        single = replace(subject, target=subject.fresh(), inputs=tuple(mapped(x, to_single) for x in subject.inputs))
        if layer:
            single.target.float()
        form = "by hand" if layer else "graph"
        yield Trial(single, dy.astype(np.float32), "float32", {form: FORMS[form](subject, dy)})


def finite(subject: Subject) -> bool:
    """Whether no input holds an infinity or a NaN."""
    return all(np.isfinite(x).all() for _, _, _, x in subject.differentiable())


def to_single(x: NDArray) -> NDArray:
    """Floats as float32."""
    return x.astype(np.float32) if x.dtype.kind == "f" else x
