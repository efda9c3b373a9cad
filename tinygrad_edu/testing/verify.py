"""``verify``: hold every form of every gradient against every other."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.announce import Case, announced
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.forms import FORMS, Absent, Gradients, Subject, _mapped

__all__ = ["Comparison", "Report", "verify"]

EXACT = 1e-9
NUMERICAL = 1e-6


@dataclass(frozen=True)
class Comparison:
    """Two forms of one gradient held against each other.

    Attributes
    ----------
    gradient : str
        Of which input or parameter; ``"result"`` for the result itself.
    forms : (str, str)
    error : float
        Largest difference of two elements, relative to the largest element of the gradient; NaN if either form holds one
        that the other does not.
    tolerance : float
    index : tuple of int
        Where the difference is largest.
    values : (float, float)
        The two forms' values there.
    """

    gradient: str
    forms: tuple[str, str]
    error: float
    tolerance: float
    index: tuple[int, ...] = ()
    values: tuple[float, float] = (0.0, 0.0)

    @property
    def ok(self) -> bool:
        """Whether the forms agree."""
        return bool(self.error <= self.tolerance)

    def __str__(self) -> str:
        (a, b), (x, y) = self.forms, self.values
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return (
            f"{self.gradient}{place}: {a} {x:.12g}, {b} {y:.12g}; relative error {self.error:.1e}, "
            f"tolerance {self.tolerance:.0e}"
        )


@dataclass(frozen=True)
class Report:
    """What :func:`verify` found; prints as a table of the largest error for each gradient and pair of forms.

    Attributes
    ----------
    name : str
        What was verified.
    shapes : dict
        Shape of each gradient, by name.
    comparisons : list of Comparison
    absent : dict
        The forms that were not there, with the reason.
    """

    name: str
    shapes: dict[str, tuple[int, ...]]
    comparisons: list[Comparison] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether all forms agree, and there were at least two."""
        return bool(self.comparisons) and all(c.ok for c in self.comparisons)

    @property
    def worst(self) -> Comparison | None:
        """The comparison with the largest error in relation to its tolerance."""
        if not self.comparisons:
            return None
        return max(self.comparisons, key=lambda c: np.inf if np.isnan(c.error) else c.error / c.tolerance)

    @property
    def forms(self) -> list[str]:
        """The forms that were compared, in the order of the table."""
        seen = {form for c in self.comparisons for form in c.forms}
        return [form for form in FORMS if form in seen]

    def odd_one_out(self, gradient: str) -> str | None:
        """The form that disagrees with the others while these agree; None if there is no such single form."""
        wrong = [c.forms for c in self.comparisons if c.gradient == gradient and not c.ok]
        candidates = [form for form in self.forms if wrong and all(form in pair for pair in wrong)]
        return candidates[0] if len(candidates) == 1 else None

    def _pairs(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys(c.forms for c in self.comparisons))

    def __rich__(self) -> Any:
        from rich.table import Table

        pairs = self._pairs()
        table = Table(title=f"{self.name}: {'all forms agree' if self.ok else 'the forms DISAGREE'}")
        table.add_column("gradient of")
        table.add_column("shape")
        for a, b in pairs:
            table.add_column(f"{a}\n{b}", justify="right")
        table.add_column("")
        found = {(c.gradient, c.forms): c for c in self.comparisons}
        for gradient, shape in self.shapes.items():
            cells, ok = [], True
            for pair in pairs:
                c = found.get((gradient, pair))
                ok &= c is None or c.ok
                cells.append("" if c is None else f"{c.error:.0e}" if c.ok else f"[bold red]{c.error:.0e}[/]")
            odd = self.odd_one_out(gradient)
            verdict = "[green]ok[/]" if ok else f"[bold red]{odd} is the odd one out[/]" if odd else "[bold red]disagree[/]"
            table.add_row(gradient, str(shape), *cells, verdict)
        notes = [f"no {form} form: {why}" for form, why in self.absent.items()]
        if not self.ok and self.worst is not None:
            notes.insert(0, f"worst: {self.worst}")
        table.caption = "\n".join(notes) or None
        return table

    def __repr__(self) -> str:
        return self._text(color=None)

    def _text(self, color: Any) -> str:
        from rich.console import Console

        console = Console(width=120, color_system=color)
        with console.capture() as capture:
            console.print(self)
        return capture.get().rstrip()

    def _repr_html_(self) -> str:
        from rich.console import Console

        console = Console(width=120, record=True, file=open_nothing())
        console.print(self)
        return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


def open_nothing() -> Any:
    """A file that forgets what is written to it."""
    import io

    return io.StringIO()


def verify(
    target: Any,
    inputs: Any = None,
    *,
    forms: Sequence[str] = ("graph", "by hand", "reference", "torch", "numerical"),
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
        Which of ``FORMS`` to compare.
    rtol : float, default 1e-9
        Tolerance between exact forms, relative to the gradient's largest element: rounding of sums in another order
        stays far below it, any wrong term far above.
    numerical_rtol : float, default 1e-6
        Tolerance against central differences, whose own error is about 1e-10.
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
        If inputs are needed and missing, or nothing is announced under the name.

    Notes
    -----
    Floats are verified in float64, on a copy: the target and its statistics are left alone.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> from tinygrad_edu.testing import verify
    >>> report = verify(nn.Linear(3, 2), forms=("graph", "by hand", "numerical"))
    >>> report.ok
    True
    """
    subject = _subject(target, inputs, options, seed)
    found: dict[str, Gradients] = {}
    absent: dict[str, str] = {}
    dy = _cotangent(subject, seed)
    for form in forms:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                found[form] = FORMS[form](subject, dy)
        except Absent as reason:
            if form != "reference":
                absent[form] = str(reason)
    shapes = {"result": next(iter(found.values())).result.shape} if found else {}
    for gradients in found.values():
        shapes |= {name: gradient.shape for name, gradient in gradients.by_name.items() if name not in shapes}
    # Rounding in a gradient that ought to vanish is measured by the others, not by itself.
    scales = [np.abs(g).max(initial=0) for form in found if form != "numerical" for g in found[form].by_name.values()]
    floor = 1e-6 * max(scales, default=0.0)
    comparisons = [
        _compared(name, (a, b), found[a], found[b], numerical_rtol if "numerical" in (a, b) else rtol, floor)
        for a, b in itertools.combinations(found, 2)
        for name in shapes
        if name == "result" or (name in found[a].by_name and name in found[b].by_name)
    ]
    return Report(subject.name, shapes, comparisons, absent)


def _subject(target: Any, inputs: Any, options: dict[str, Any], seed: int) -> Subject:
    generator = np.random.default_rng(seed)
    if isinstance(target, str):
        if target not in announced:
            raise TypeError(f"verify: nothing is announced under {target!r}; see tinygrad_edu.announce.announced")
        target = announced[target].target
    if isinstance(target, type) and issubclass(target, Module):
        case = announced[target.__name__].case(**_small(announced[target.__name__].examples[0]))
        return _subject(case.function, case.drawn(generator), options, seed)
    if inputs is None:
        case = _example_of(target)
        inputs, options = case.drawn(generator), {**case.options, **options}
    if not isinstance(inputs, tuple):
        inputs = (inputs,)
    inputs = tuple(_mapped(_mapped_tensors(value), _double) for value in inputs)
    if isinstance(target, Module):
        import copy

        target = copy.deepcopy(target).double()
    return Subject(target, inputs, options, seed)


def _small(example: Any) -> dict[str, Any]:
    """Arguments that make an example small: the largest of the sizes that a property test would draw."""
    import inspect
    from typing import get_type_hints

    from tinygrad_edu.announce import _choices

    hints = get_type_hints(example, include_extras=True)
    small = {}
    for name, parameter in inspect.signature(example).parameters.items():
        choices = list(_choices(hints[name]))
        small[name] = parameter.default if parameter.default in choices else max(choices)
    return small


def _example_of(target: Any) -> Case:
    name = type(target).__name__ if isinstance(target, Module) else getattr(target, "__name__", str(target))
    known = announced.get(name.rstrip("_"))
    if known is None or not known.examples:
        raise TypeError(f"verify: {name} is not announced, so it has no example to draw inputs from; pass inputs=")
    case = known.case(**_small(known.examples[0]))
    if not isinstance(target, Module):
        return case
    fitting = getattr(target, "example_inputs", None)
    return Case(target, fitting() if fitting else _fitted(target, case))


def _fitted(target: Any, case: Case) -> tuple[Any, ...]:
    """The example's inputs, with the layer's own sizes in place of the example's."""
    from dataclasses import replace

    sizes = (("in_features", -1), ("in_channels", 1), ("num_features", 1))
    for attribute, axis in sizes:
        if hasattr(target, attribute) and hasattr(case.function, attribute):
            first = case.inputs[0]
            shape = list(first.shape)
            shape[axis] = getattr(target, attribute)
            if attribute == "in_channels":
                span = max(d * (k - 1) + 1 for d, k in zip(target.dilation, target.kernel_size, strict=True))
                shape[2:] = [max(n, span) for n in shape[2:]]
            return (replace(first, shape=tuple(shape)), *case.inputs[1:])
    return case.inputs


def _mapped_tensors(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.array
    if type(value) in (list, tuple):
        return type(value)(_mapped_tensors(item) for item in value)
    return value


def _double(array: NDArray) -> NDArray:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _cotangent(subject: Subject, seed: int) -> NDArray:
    """A random cotangent, away from 0, so that no term of a gradient goes unseen, and independent of the inputs."""
    from tinygrad_edu.testing.forms import _graph

    y = _graph(subject, None, whole=False)[1]
    if not y.is_floating_point():
        return np.zeros(y.shape, bool)
    generator = np.random.default_rng([seed, 1])
    return generator.uniform(0.5, 1.5, y.shape) * generator.choice([-1.0, 1.0], y.shape)


def _compared(
    name: str, forms: tuple[str, str], a: Gradients, b: Gradients, tolerance: float, floor: float
) -> Comparison:
    x, y = (a.result, b.result) if name == "result" else (a.by_name[name], b.by_name[name])
    x, y = (v if v.dtype.kind == "f" else v.astype(np.float64) for v in (x, y))
    if x.shape != y.shape:
        return Comparison(name, forms, float("nan"), tolerance)
    partly = "numerical" in forms and name != "result"
    seen = ~(np.isnan(x) | np.isnan(y)) if partly else np.ones(x.shape, bool)
    scale = max(np.abs(x[seen]).max(initial=0), np.abs(y[seen]).max(initial=0), floor if name != "result" else 0)
    if not seen.any() or scale == 0:
        return Comparison(name, forms, 0.0, tolerance)
    with np.errstate(invalid="ignore"):
        difference = np.where(seen & ~(x == y), np.abs(x - y), 0.0)
        both_nan = np.isnan(x) & np.isnan(y)
    difference[both_nan] = 0.0
    at = np.unravel_index(np.nanargmax(np.where(np.isnan(difference), np.inf, difference)), x.shape)
    index = tuple(int(i) for i in at)
    return Comparison(name, forms, float(difference[at] / scale), tolerance, index, (float(x[at]), float(y[at])))
