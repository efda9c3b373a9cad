"""``assert_gradients_agree``: whether a backward is right, for code that has never seen this library."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions
from rich.text import Text

from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.layers.module import Module
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.contract import MILD, Contract, check_contract
from tinygrad_edu.testing.contract.case import Case, copied
from tinygrad_edu.testing.explained import mended
from tinygrad_edu.testing.judge import judged
from tinygrad_edu.testing.judgement import Judgement
from tinygrad_edu.testing.pair import Pair, as_pair, is_pair, is_torch
from tinygrad_edu.testing.report import Report
from tinygrad_edu.testing.shrink import Smallest, smallest
from tinygrad_edu.testing.subject import as_inputs, name_of
from tinygrad_edu.testing.verify import verify

__all__ = ["Agreement", "assert_gradients_agree"]


@dataclass(frozen=True)
class Agreement:
    """What :func:`assert_gradients_agree` found.

    Attributes
    ----------
    name : str
    gradients : list of Judgement
        For each gradient of a pair, whether it is right, how that was told, and how strong it is.
    contract : Contract or None
    report : Report or None
        What ``verify`` found, for functions of Tensors, layers and models.
    notes : list of str
        What was not looked at, and mild breaches of the contract.
    where : str
        File and line of the source.
    strict : bool
        Whether mild clauses count.
    smallest : Smallest or None
        The smallest inputs found at which what is wrong with a pair is still wrong.
    """

    name: str
    gradients: list[Judgement] = field(default_factory=list)
    contract: Contract | None = None
    report: Report | None = None
    notes: list[str] = field(default_factory=list)
    where: str = ""
    strict: bool = False
    smallest: Smallest | None = None

    @property
    def verdict(self) -> str:
        """``'right'``, ``'wrong'`` or ``'cannot tell'``."""
        if self.wrong():
            return "wrong"
        seen = [g for g in self.gradients if g.verdict == "right"]
        unclear = [g for g in self.gradients if g.verdict == "cannot tell" and not g.zero]
        compared = self.report is not None and bool(self.report.comparisons)
        return "right" if (seen or compared) and not unclear else "cannot tell"

    def wrong(self) -> list[str]:
        """What is wrong, a sentence each."""
        sentences = [str(g) for g in self.gradients if g.verdict == "wrong"]
        if self.contract is not None:
            broken = [f for f in self.contract.broken if self.strict or f.clause not in MILD]
            sentences += [f"the contract's clause {finding.clause!r} is broken: {finding.what}" for finding in broken]
        if self.report is not None and not self.report.ok and self.report.comparisons:
            sentences += list(self.report.told())
        return sentences

    def __str__(self) -> str:
        wrong = self.wrong()
        lines = [f"{self.name}: {self.verdict}" + (f" ({self.where})" if self.where and wrong else "")]
        lines += [f"  {sentence}" for sentence in wrong]
        lines += [] if self.smallest is None else [f"  {line}" for line in str(self.smallest).splitlines()]
        lines += [f"  {gradient}" for gradient in self.gradients if gradient.verdict != "wrong"]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        yield Text(str(self), "red" if self.verdict == "wrong" else "")
        if self.report is not None:
            yield self.report
        if self.contract is not None:
            yield self.contract


def assert_gradients_agree(
    target: Any,
    *arguments: Any,
    inputs: Any = None,
    wanted: Sequence[str] | None = None,
    strict: bool = False,
    sweep: bool = True,
    explain: bool = True,
    seed: int = 0,
    **options: Any,
) -> Agreement:
    """Raise AssertionError unless every gradient is the derivative of its forward and the backward keeps its contract.

    A hand-derived pair on NumPy arrays is checked in 60-digit arithmetic over its own lines; where these cannot run
    there, against central differences with an estimate of their error. PyTorch's backwards are held against central
    differences of their forwards in float64, functions of Tensors and models against all forms that :func:`verify` knows,
    and layers against all of these.

    Parameters
    ----------
    target : callable, tuple of two callables, Layer, Module, torch.autograd.Function class, or torch.nn.Module
        What :func:`as_pair` takes, or what :func:`verify` takes.
    *arguments
        The inputs, arrays.
    inputs : tuple, optional
        The inputs, instead of `arguments`.
    wanted : sequence of str, optional
        Names of arguments that must have a gradient. If omitted, a gradient that is None is taken for one that the pair
        does not claim to have.
    strict : bool, default False
        Whether the mild clauses of the contract count as well: gradients in the memory of the cotangent or of each other,
        float64 for float32, batches of nothing.
    sweep : bool, default True
        Whether to look at other inputs than those given, too: arguments that have a gradient, one after the other, at
        scales from 0.001 to 200, with other signs, and as small integers, among which there are ties. A backward may
        hold for some inputs alone, such as quaternions of length 1; False looks at those given.
    explain : bool, default True
        Whether to look for what is wrong, for a change that mends it, and for smaller inputs that show it, which takes up
        to ten seconds and more. False leaves it at the verdict.
    seed : int, default 0
    **options
        Keyword arguments of the forward.

    Returns
    -------
    Agreement
        With the verdict 'right' or 'cannot tell', and how strong it is.

    Raises
    ------
    AssertionError
        If a gradient is wrong, with the worst element and both values, or a clause of the contract is broken.
    TypeError
        If there is nothing to check in `target`, or an input is missing.

    Notes
    -----
    Agreement is at the given inputs, in the branches that they take; it is no proof.

    Examples
    --------
    >>> import numpy as np
    >>> def square(x):
    ...     return x * x, lambda dy: 2 * x * dy
    >>> assert_gradients_agree(square, np.array([0.5, -1.5])).verdict
    'right'
    >>> def wrong(x):
    ...     return x * x, lambda dy: x * dy
    >>> assert_gradients_agree(wrong, np.array([0.5, -1.5]))
    Traceback (most recent call last):
    AssertionError: wrong: wrong (...)
      the gradient of x is wrong: ...
    """
    if inputs is not None and arguments:
        raise TypeError("assert_gradients_agree: expected the inputs either one by one or as inputs=, got both")
    given = arguments if inputs is None else inputs if isinstance(inputs, tuple) else (inputs,)
    if isinstance(target, Module) and not isinstance(target, Layer):
        found = of_verify(target, given, seed, options)
    elif isinstance(target, Layer):
        report = verify(target, given or None, seed=seed, **options)
        found = Agreement(name_of(target), report=report)
        if given:
            checked = of_pair(as_pair(target), given, wanted, sweep, explain, seed, options)
            found = replace(checked, name=name_of(target), report=report)
    elif is_bare(target) and not gives_pair(target, given, options):
        found = of_verify(target, given, seed, options)
    else:
        found = of_pair(as_pair(target), given, wanted, sweep, explain, seed, options)
    if strict:
        found = replace(found, strict=True)
    if found.verdict == "wrong":
        raise AssertionError(found)
    return found


def is_bare(target: Any) -> bool:
    """Whether this is a function of which only a call can tell what it is."""
    known = isinstance(target, Pair | tuple | list | type) or is_torch(target) or not callable(target)
    return not known


def gives_pair(target: Any, given: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether a function on arrays returns a result and its backward."""
    if any(isinstance(x, Tensor) for x in given):
        return False
    if any(is_torch(x) for x in given):
        return True
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return is_pair(target(*(copied(x) for x in as_inputs(given)), **copied(options)))
        except Exception as error:
            # A function of Tensors alone; what is neither fails again there.
            with contextlib.suppress(Exception):
                verify(target, given, forms=("graph",), **options)
                return False
            error.add_note(f"assert_gradients_agree: while running {name_of(target)} on these inputs")
            raise


def of_verify(target: Any, given: tuple[Any, ...], seed: int, options: dict[str, Any]) -> Agreement:
    """What ``verify`` says of a function of Tensors or a model."""
    report = verify(target, given or None, seed=seed, **options)
    return Agreement(name_of(target), report=report)


def of_pair(
    pair: Pair,
    given: tuple[Any, ...],
    wanted: Sequence[str] | None,
    sweep: bool,
    explain: bool,
    seed: int,
    options: dict[str, Any],
) -> Agreement:
    """What a pair's gradients and its contract come to."""
    if any(is_torch(x) for x in given) and pair.kind == "pair":
        from tinygrad_edu.testing.torch_pair import torch_pair

        pair = torch_pair(pair.by_hand)
    contract = check_contract(pair, *given, seed=seed, **options)
    notes = [f"{f.clause}: {f.what}" for f in contract.broken if f.clause in MILD]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = Case.of(pair, given, options, seed)
        gradients: list[Judgement] = []
        if any(contract.of(clause).state == "broken" for clause in ("runs", "shape")):
            said = mended(case, case.floats, seed) if explain else ""
            more = [said] * bool(said)
        else:
            gradients, more = judged(case, wanted, seed, sweep=sweep, explain=explain)
        broken = [f for f in contract.broken if f.clause not in MILD]
        shrunk = smallest(case, gradients, broken, seed) if explain else None
    return Agreement(pair.name, gradients, contract, None, notes + more, pair.where(), smallest=shrunk)
