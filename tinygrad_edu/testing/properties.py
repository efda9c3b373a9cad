"""What must hold of every operation and every layer, on one case: each raises AssertionError where it does not."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.func import functional_call
from tinygrad_edu.grad_mode import enable_grad
from tinygrad_edu.layers.module import Module
from tinygrad_edu.ops import zeros
from tinygrad_edu.tensor import Tensor, tensor
from tinygrad_edu.testing.forms import FORMS
from tinygrad_edu.testing.gradients import Absent
from tinygrad_edu.testing.recorded import joined
from tinygrad_edu.testing.report import Report
from tinygrad_edu.testing.subject import Subject, mapped
from tinygrad_edu.testing.verify import cotangent, verify

__all__ = ["assert_float32_agrees", "second_derivatives"]

# A rounding to float32, relatively.
ROUNDING = 2.0**-24


def assert_float32_agrees(
    function: Any, inputs: tuple[Any, ...], options: dict[str, Any], seed: int, *, keeps_type: bool = True
) -> None:
    """Result and gradients of float32 are float32, in every form, and as near to those of float64 as that can be.

    Parameters
    ----------
    function : Module or callable
    inputs : tuple
        Floats are float32.
    options : dict
    seed : int
    keeps_type : bool, default True
        Whether the result is float32, too.

    Raises
    ------
    AssertionError
    """
    double = Subject.of(function, inputs, options, seed)
    target = copy.deepcopy(double.target).float() if isinstance(double.target, Module) else double.target
    single = Subject(target, inputs, options, seed)
    nearby = Subject(double.target, tuple(mapped(x, nudged) for x in double.inputs), options, seed)
    dy = cotangent(double)
    if dy is None:
        raise AssertionError("the result is no float")
    dy = dy.astype(np.float32)
    for form in ("graph", "fused", "by hand"):
        try:
            narrow = FORMS[form](single, dy)
        except Absent:
            continue
        wide, moved = (FORMS[form](subject, dy.astype(np.float64)) for subject in (double, nearby))
        values = [{"result": found.result, **found.by_name} for found in (narrow, wide, moved)]
        for name in values[0]:
            a, b, c = (np.asarray(of[name]) for of in values)
            if a.dtype != np.float32 and (name != "result" or keeps_type):
                raise AssertionError(f"{form}, {name}: {a.dtype} for float32")
            assert_near(a, b, c, dy, f"{form}, {name}")


def nudged(x: NDArray) -> NDArray:
    """Floats moved up and down by half a rounding of float32."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], x.shape)
    return x * (1 + signs * ROUNDING) if x.dtype.kind == "f" else x


def assert_near(a: NDArray, b: NDArray, nearby: NDArray, dy: NDArray, what: str) -> None:
    """As exact as float32 can be.

    A hundred roundings of 6e-8 each, of terms as large as the cotangent though they may cancel; or a hundred times what
    rounding the inputs changes, where the function is steep.
    """
    finite = np.isfinite(b) & np.isfinite(nearby)
    change = np.abs(nearby - b, where=finite, out=np.zeros_like(b))
    scale = np.abs(b).max(initial=np.abs(dy).max(initial=0), where=finite)
    atol = 100 * (ROUNDING * scale + change.max(initial=0))
    np.testing.assert_allclose(a, b, rtol=0, atol=atol, err_msg=what)


def second_derivatives(subject: Subject) -> Report:
    r"""Compare the recorded gradient of the gradient :math:`\partial \langle dy, y \rangle / \partial x` in all forms.

    Parameters
    ----------
    subject : Subject
        A function, of its inputs, or a module, of its inputs and parameters.

    Returns
    -------
    Report
        That of a function of the inputs (and parameters) which gives the first gradients.
    """
    dy = cotangent(subject)
    target, count = subject.target, len(subject.inputs)
    named = dict(target.named_parameters()) if isinstance(target, Module) else {}

    def forward(*given: Any) -> Any:
        if not named:
            return subject.fresh()(*given, **subject.options)
        return functional_call(subject.fresh(), dict(zip(named, given[count:], strict=True)), given[:count])

    def gradient(*given: Any) -> Any:
        items = [item for x in given for item in (x if isinstance(x, list | tuple) else [x])]
        leaves = [x for x in items if isinstance(x, Tensor) and x.is_floating_point()]
        with enable_grad():
            for leaf in leaves:
                leaf.requires_grad_()
            y = joined(forward(*given))
            if y.requires_grad:
                y.backward(tensor(dy), create_graph=True)
        gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
        for leaf in leaves:
            leaf.grad = None
        return gradients or [zeros(1, dtype=np.float64)]

    inputs = (*subject.inputs, *(p.array for p in named.values()))
    return verify(gradient, inputs, seed=subject.seed)
