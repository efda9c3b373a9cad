"""``check_layer``: everything that a layer of this library must pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.announce import Announcement
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.random import default_generator
from tinygrad_edu.testing import layer_checks
from tinygrad_edu.testing.contract import check_contract
from tinygrad_edu.testing.contract.case import Broken, NotApplicable
from tinygrad_edu.testing.exact.form import FORM
from tinygrad_edu.testing.forms import FORMS
from tinygrad_edu.testing.layer_checks import demand
from tinygrad_edu.testing.properties import assert_float32_agrees, second_derivatives
from tinygrad_edu.testing.recorded import result_of
from tinygrad_edu.testing.subject import Subject, mapped, small
from tinygrad_edu.testing.verify import verify

__all__ = ["LayerCheck", "check_layer"]


@dataclass(frozen=True)
class LayerCheck:
    """What came of one check.

    Attributes
    ----------
    name : str
    ok : bool
    what : str
        What was seen, why it does not apply, or what is wrong and in which case.
    """

    name: str
    ok: bool
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {'ok' if self.ok else 'FAILED'}: {self.what}"


def check_layer(layer: Any, *inputs: Any, cases: int = 5, seed: int = 0, **options: Any) -> list[LayerCheck]:
    """Check everything that a layer of this library must pass.

    Parameters
    ----------
    layer : Layer or Module, class or object
        Of a class with an `example`, cases are drawn from its ranges; one without is called with nothing.
    *inputs : array or Tensor
        May be omitted where there is an `example`.
    cases : int, default 5
        How many cases are drawn. Inputs that are given are one.
    seed : int, default 0
    **options
        Keyword arguments of the forward.

    Returns
    -------
    list of LayerCheck
        All forms of :func:`verify`, the 60 digits, second derivatives, the contract of the backward, float32,
        ``state_dict``, training and evaluation, copies, ``repr``, gradients of parameters, how they add up, and which of
        them are asked for.

    Raises
    ------
    AssertionError
        Naming all that failed.
    TypeError
        If it is no layer, or there are no inputs to be had.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> from tinygrad_edu.testing import check_layer
    >>> checks = check_layer(nn.Linear, cases=2)
    >>> all(check.ok for check in checks)
    True
    >>> print(checks[0])
    forms: ok: graph, ... agree
    """
    if not (isinstance(layer, Module) or (isinstance(layer, type) and issubclass(layer, Module))):
        got = layer.__name__ if isinstance(layer, type) else type(layer).__name__
        raise TypeError(f"check_layer: expected a Layer or a Module, class or object, got {got}")
    subjects = [randomized(subject) for subject in drawn(layer, inputs, cases, seed, options)]
    for subject in subjects:
        result_of(subject)  # what does not run is the caller's to see
    checks = [checked(name, check, subjects) for name, check in CHECKS.items()]
    if failed := [check for check in checks if not check.ok]:
        title = f"{subjects[0].name}: {len(failed)} of {len(checks)} checks failed"
        raise AssertionError("\n".join([title, *(f"  {check.name}: {check.what}" for check in failed)]))
    return checks


def drawn(layer: Any, inputs: tuple[Any, ...], cases: int, seed: int, options: dict[str, Any]) -> list[Subject]:
    """The cases: what was given, or the example's defaults and others from its ranges."""
    cls: Any = layer if isinstance(layer, type) else type(layer)
    if inputs:
        return [Subject.of(made(layer) if isinstance(layer, type) else layer, inputs, options, seed)]
    if getattr(cls, "example", None) is None:
        raise TypeError(f"check_layer: {cls.__name__} has no example to draw inputs from; pass them")
    if not isinstance(layer, type):
        return [Subject.of(layer, None, options, seed + k) for k in range(cases)]
    known = Announcement(cls.__name__, getattr(cls, "kind", "layer"), cls, [cls.example])
    generator = np.random.default_rng(seed)
    before = default_generator.get_state()
    try:
        subjects = []
        for k in range(cases):
            ranges = known.ranges(cls.example)
            chosen = {name: choices[generator.integers(len(choices))] for name, choices in ranges.items()}
            default_generator.manual_seed(seed + k)
            case = known.case(**(chosen if k else small(known)))
            subjects.append(Subject.of(case.function, case.inputs, {**case.options, **options}, seed + k))
        return subjects
    finally:
        default_generator.set_state(before)


def made(cls: type) -> Any:
    """One of a class, which takes no arguments."""
    try:
        return cls()
    except TypeError as error:
        raise TypeError(f"check_layer: {cls.__name__} needs arguments; pass an object of it ({error})") from error


def randomized(subject: Subject) -> Subject:
    """The subject with its parameters moved: a bias of 0 and a scale of 1 hide terms of gradients."""
    generator = np.random.default_rng([subject.seed, 4])
    for parameter in subject.target.parameters():
        parameter.array[...] = parameter.array + generator.uniform(-0.5, 0.5, parameter.shape)
    return subject


def checked(name: str, check: Callable[[Subject], str], subjects: list[Subject]) -> LayerCheck:
    """One check on all cases, until one fails."""
    seen: list[str] = []
    for subject in subjects:
        try:
            seen.append(check(subject))
        except NotApplicable as reason:
            seen.append(f"does not apply, as {reason}")
        except Exception as error:
            said = (
                str(error).strip()
                if isinstance(error, AssertionError | Broken)
                else f"raises {type(error).__name__}: {error}"
            )
            shapes = ", ".join(str(np.shape(x)) for x in subject.inputs)
            where = f"in {'training' if subject.target.training else 'evaluation'}"
            return LayerCheck(name, False, f"{said} [{subject.target!r} on {shapes}, {where}, seed {subject.seed}]")
    return LayerCheck(name, True, next((what for what in seen if not what.startswith("does not apply")), seen[0]))


def forms(subject: Subject) -> str:
    """All forms but the 60 digits agree."""
    report = verify(subject.target, subject.inputs, forms=tuple(FORMS), seed=subject.seed, **subject.options)
    told = "; ".join(report.told())
    demand(not told, told)
    if len(report.shapes) < 2:
        raise NotApplicable("nothing has a gradient")
    demand(report.ok, "there is but one form, and nothing to hold it against")
    return f"{', '.join(report.forms)} agree"


def sixty_digits(subject: Subject) -> str:
    """The backward by hand is the derivative of its forward, to 45 digits."""
    report = verify(subject.target, subject.inputs, forms=("by hand", FORM), seed=subject.seed, **subject.options)
    if FORM in report.absent:
        raise NotApplicable(report.absent[FORM])
    told = "; ".join(report.told())
    demand(not told, told)
    return f"gradients of {', '.join(name for name in report.shapes if name != 'result')}"


def second(subject: Subject) -> str:
    """The gradient of the gradient is right."""
    report = second_derivatives(subject)
    told = "; ".join(report.told())
    demand(not told, told)
    return "graph and differences of the gradient agree"


def contract(subject: Subject) -> str:
    """The backward by hand keeps its contract."""
    if not isinstance(subject.target, Layer):
        raise NotApplicable("only a single layer has a pair of its own")
    found = check_contract(subject.target, *subject.inputs, seed=subject.seed, **subject.options)
    demand(found.ok, "; ".join(f"{finding.clause}: {finding.what}" for finding in found.broken))
    return ", ".join(finding.clause for finding in found.findings if finding.state == "ok")


def float32(subject: Subject) -> str:
    """Float32 stays float32, and is as exact as it can be."""
    narrow = tuple(mapped(x, lambda a: a.astype(np.float32) if a.dtype.kind == "f" else a) for x in subject.inputs)
    assert_float32_agrees(subject.target, narrow, subject.options, subject.seed)
    return "result and gradients stay float32, and agree with float64"


CHECKS: dict[str, Callable[[Subject], str]] = {
    "forms": forms,
    "60 digits": sixty_digits,
    "second derivatives": second,
    "contract": contract,
    "float32": float32,
    "state": layer_checks.state,
    "training and evaluation": layer_checks.training,
    "copies": layer_checks.copies,
    "repr": layer_checks.printing,
    "gradients of parameters": layer_checks.own_gradients,
    "accumulation": layer_checks.accumulation,
    "subsets": layer_checks.subsets,
}
