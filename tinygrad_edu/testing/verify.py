"""``verify``: hold every form of every gradient against every other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.compare import EXACT, compared, names_of, shapes_of, suspects
from tinygrad_edu.testing.exact.form import FORM, sixty_digits
from tinygrad_edu.testing.forms import FORMS
from tinygrad_edu.testing.gradients import Absent, Gradients
from tinygrad_edu.testing.recorded import result_of
from tinygrad_edu.testing.report import Report
from tinygrad_edu.testing.subject import Subject

__all__ = ["verify"]

NUMERICAL = 1e-6


def verify(
    target: Any,
    inputs: Any = None,
    *,
    forms: Sequence[str] = ("graph", "by hand", "reference", "torch", "numerical", FORM),
    rtol: float = EXACT,
    numerical_rtol: float = NUMERICAL,
    seed: int = 0,
    **options: Any,
) -> Report:
    """Compare every gradient of a layer, loss, model or function between all the forms that it has.

    Parameters
    ----------
    target : Module, callable on Tensors, or str
        A string names something announced, such as ``"Conv2d"`` or ``"logsumexp"``, and takes its example.
    inputs : array, Tensor, or tuple of them, optional
        May be omitted for what is announced: its example is drawn.
    forms : sequence of str
        Which of ``graph``, ``fused``, ``by hand``, ``reference``, ``torch``, ``numerical`` and ``60 digits`` to compare.
    rtol : float, default 1e-9
        Tolerance between exact forms, relative to the gradient's largest element: rounding of sums in another order
        stays far below it, any wrong term far above.
    numerical_rtol : float, default 1e-6
        Tolerance against central differences, whose own error is about 1e-10. That of 60 digits is 1e-45.
    seed : int, default 0
        For the cotangent, for drawn inputs, and for masks.
    **options
        Keyword arguments of a function.

    Returns
    -------
    Report
        ``.ok``, ``.worst``, and a table when printed.

    Raises
    ------
    TypeError
        If inputs are needed and missing, nothing is announced under the name, or a function gives no Tensors.
    ValueError
        If there is no form of such a name.

    Notes
    -----
    Floats are verified in float64, on a copy: the target, its statistics and gradients, and the library's generator are
    left alone. Central differences look at some elements of each gradient, and leave out those at kinks.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> from tinygrad_edu.testing import verify
    >>> verify(nn.Linear(3, 2)).ok
    True

    A function of one's own, against central differences:

    >>> import numpy as np
    >>> verify(lambda x, y: (x * y).sum(), (np.ones(3), np.ones(3))).ok
    True
    """
    unknown = [form for form in ([forms] if isinstance(forms, str) else forms) if form not in (*FORMS, FORM)]
    if unknown or isinstance(forms, str):
        wrong = f"got {unknown[0]!r}" if unknown else "got a single name; put it in a tuple"
        raise ValueError(f"verify: expected forms among {', '.join([*FORMS, FORM])}; {wrong}")
    subject = Subject.of(target, inputs, options, seed)
    found: dict[str, Gradients] = {}
    absent: dict[str, str] = {}
    # Infinities and NaNs, at the edges of a domain, are compared below as any number is.
    with np.errstate(all="ignore"):
        dy = cotangent(subject)
        # The exact forms first, as they tell the numerical one where to look.
        for form in sorted(set(forms) - {FORM}, key=list(FORMS).index):
            if form == "numerical":
                subject.suspects = suspects(found)
            try:
                found[form] = FORMS[form](subject, dy)
            except Absent as reason:
                if form != "reference":
                    absent[form] = str(reason)
            except Exception as error:
                error.add_note(f"verify: while computing the {form} form of {subject.name}")
                raise
    tolerance = {form: numerical_rtol if form == "numerical" else rtol for form in found}
    comparisons = [
        compared(name, (a, b), found, max(tolerance[a], tolerance[b]))
        for a, b in itertools.combinations(found, 2)
        for name in names_of(found)
    ]
    if FORM in forms:
        try:
            comparisons += sixty_digits(subject)
        except Absent as reason:
            absent[FORM] = str(reason)
    return Report(
        subject.name,
        shapes_of(found),
        [comparison for comparison in comparisons if comparison is not None],
        absent,
        [f"{form} {fault}" for form, gradients in found.items() for fault in gradients.faults],
    )


def cotangent(subject: Subject) -> NDArray | None:
    """A random cotangent, away from 0, so that no term of a gradient goes unseen, and independent of the inputs."""
    y = result_of(subject)
    if y.dtype.kind != "f":
        return None
    generator = np.random.default_rng([subject.seed, 1])
    return generator.uniform(0.5, 1.5, y.shape) * generator.choice([-1.0, 1.0], y.shape)
