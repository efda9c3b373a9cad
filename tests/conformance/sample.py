"""Rows of the conformance tables: one call of a public name, held against PyTorch's call of the same name.

A table is a file ``table_SUBJECT.py`` with a list ``TABLE`` of rows; ``test_tables.py`` makes a test of every row::

    sample("add", f(3, 4), f(4), alpha=2)                an ordinary call
    edge("sum", f(0, 3), dim=0)                          empty, without dimensions, at a kink, nan, not contiguous, ...
    refused("add", f(3), f(4))                           a call that PyTorch refuses
    differs("sum", f(3), because="...")                  a call that is not PyTorch's, and why; fails once it is

The name is one of the top level and a method of Tensor, both where PyTorch has both (``"add"``), or stands in a room
(``"linalg.inv"``, ``"special.erf"``, ``"F.gelu"``, ``"Tensor.item"``). It may be a function too, for what has no name:
``sample(operator.getitem, f(3, 4), np.s_[:, 1])``. Inputs are made by :mod:`tests.conformance.inputs` (``f`` floats,
``i`` integers, ``b`` booleans, ``v([0.0, math.nan])`` given values, ``f(3, 4).t`` transposed), also inside lists,
tuples and keyword arguments; whatever else stands in a row is passed on as it is, and dtypes are translated.

Every form of a name is run: the function with first and second derivative; the method, the same operation's other
names, and the method that works in place (on a clone) with their values. A form is left out where PyTorch has none,
or refuses (in a row of ``refused``: does not refuse) that form of the call. What a row may add::

    .only("Tensor.where")            of the forms this one alone
    .by("matmul")                    the refusal may speak of this operation, of which the one called is made
    .then(lambda y: y.abs())         what is compared is this function of the result
    .shape()                         random results: shape and dtype alone
    .within(1e-6)                    another relative (and absolute) tolerance; say why in a comment
    .first()                         the first derivative alone; say why in a comment
"""

from __future__ import annotations

import functools
import importlib
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.conformance.inputs import Input
from tests.ops.against_torch import CLOSE, agree, ours, theirs
from tinygrad_edu.tensor import Tensor

ROOMS = {"": "", "linalg.": ".linalg", "special.": ".special", "F.": ".nn.functional"}

# Of sums in different orders; float64 has the tolerance of against_torch.
TOLERANCE = {"float64": CLOSE, "float32": {"rtol": 2e-5, "atol": 2e-6}, "float16": {"rtol": 2e-3, "atol": 2e-3}}

# Errors that begin with the name of the operation which this one is made of.
SPEAKS_FOR: dict[str, str] = {
    **dict.fromkeys(["zeros", "ones", "empty", "zeros_like", "ones_like", "empty_like", "arange"], "requires_grad"),
    **{"nansum": "sum", "nanmean": "sum", "var_mean": "var", "std_mean": "std", "corrcoef": "cov", "clip": "clamp"},
    **dict.fromkeys(["clamp_min", "clamp_max"], "clamp"),
    **{"as_tensor": "tensor", "rand_like": "rand", "randn_like": "randn", "randint_like": "randint"},
}

# Their methods take other operands than the functions, and are held against PyTorch's under "Tensor.where" and so on.
APART = ("where", "polygamma", "normal", "bernoulli")

REFUSALS = (ValueError, TypeError, IndexError, RuntimeError)


@dataclass(frozen=True)
class Form:
    """One way to call a name: its spelling, ours and PyTorch's, and what kind of a call it is."""

    name: str
    ours: Callable
    theirs: Callable
    main: bool = False
    method: bool = False
    in_place: bool = False


@dataclass(frozen=True)
class Row:
    """One call, and what is asked of it."""

    kind: str
    name: Any
    arguments: tuple
    options: dict = field(default_factory=dict)
    because: str = ""
    form: str = ""
    after: Callable = lambda y: y
    values: bool = True
    tolerance: dict = field(default_factory=dict)
    speaker: str = ""
    twice: bool = True

    def only(self, form: str) -> Row:
        """This row for one form alone."""
        return replace(self, form=form)

    def by(self, speaker: str) -> Row:
        """This row with a refusal that may begin with the name of another operation."""
        return replace(self, speaker=speaker)

    def then(self, after: Callable) -> Row:
        """This row with the result taken through a function before it is compared."""
        return replace(self, after=after)

    def shape(self) -> Row:
        """This row with shapes and dtypes compared, not values."""
        return replace(self, values=False)

    def within(self, tolerance: float) -> Row:
        """This row with another tolerance."""
        return replace(self, tolerance={"rtol": tolerance, "atol": tolerance})

    def first(self) -> Row:
        """This row without second derivatives."""
        return replace(self, twice=False)

    @property
    def label(self) -> str:
        """The name as it stands in test ids."""
        return self.name if isinstance(self.name, str) else self.name.__name__

    def forms(self, torch: Any) -> list[Form]:
        """The ways to call it."""
        if not isinstance(self.name, str):
            return [Form(self.label, self.name, self.name, main=True)]
        tensor_first = isinstance(self.arguments[0] if self.arguments else self.options.get("input"), Input)
        found = [form for form in forms(torch, self.name) if tensor_first or not form.method]
        if self.form:
            found = [replace(form, main=True) for form in found if form.name == self.form]
        assert found, f"{self.name}: PyTorch and this library have no form of it in common"
        return found

    def check(self, torch: Any) -> None:
        """Hold every form against PyTorch's."""
        check = self.check_refused if self.kind == "refused" else self.check_form
        if self.kind != "differs":
            for form in self.forms(torch):
                check(torch, form)
            return
        form = self.forms(torch)[0]
        try:
            (self.check_refused if self.refuses(torch, form) else self.check_form)(torch, form)
        except (Exception, pytest.fail.Exception):
            return
        pytest.fail(f"{self.label} does what PyTorch does by now: make this row a sample")

    # A call that is made

    def check_form(self, torch: Any, form: Form) -> None:
        """Value, dtype, shape, first and second derivative."""
        arrays = self.arrays()
        twice = self.twice and form.main
        try:
            depth, expected = deepest(torch, lambda *x: self.call(form, form.theirs, torch, x), arrays, twice)
        except Exception:
            if form.main:
                raise
            return
        if depth > 1 and undefined(expected[2]):
            # Where a first derivative exists, and PyTorch's formula for the second gives 0 * inf.
            depth, expected = 1, (*expected[:2], [])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RuntimeWarning)
            with tg.set_grad_enabled(depth > 0):
                found = ours(lambda *x: self.call(form, form.ours, tg, x), arrays, depth > 1)
        try:
            if self.values:
                agree(found, expected, **tolerance(arrays, self.options, self.tolerance))
            else:
                assert [described(y) for y in found[0]] == [described(y) for y in expected[0]]
            assert not caught or not finite(expected), f"NumPy warns of a finite result: {caught[0].message}"
        except AssertionError as error:
            raise AssertionError(f"{form.name}: {error}") from error

    def call(self, form: Form, function: Callable, home: Any, leaves: tuple) -> Any:
        """The call on either side, from tensors of the row's arrays."""
        arguments, options = self.filled(home, leaves)
        result = self.after(called(form, function, arguments, options))
        if home is tg:
            for leaf, array in zip(leaves, self.arrays(), strict=True):
                np.testing.assert_array_equal(leaf.array, array, err_msg="an input was changed")
        return result

    # A call that is refused

    def check_refused(self, torch: Any, form: Form) -> None:
        """An exception of a type that PyTorch's users catch, which names the operation and leaves all as it was."""
        arrays = self.arrays()
        try:
            called(form, form.theirs, *self.filled(torch, [torch.tensor(x) for x in arrays]), clone=False)
        except Exception as error:
            expected: Exception = error
        else:
            assert not form.main, f"{form.name}: PyTorch does not refuse"
            return
        leaves = [Tensor(x, dtype=x.dtype) for x in arrays]
        arguments, options = self.filled(tg, leaves)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                called(form, form.ours, arguments, options, clone=False)
            except (*REFUSALS, RuntimeWarning, type(expected)) as error:
                refusal = error
            else:
                pytest.fail(f"{form.name}: not refused; PyTorch says {type(expected).__name__}: {expected}")
        assert not isinstance(refusal, Warning), f"{form.name}: NumPy warns: {refusal}"
        assert self.is_named(torch, form, str(refusal)), f"{form.name} is not named: {refusal}"
        for leaf, array in zip(leaves, arrays, strict=True):
            np.testing.assert_array_equal(leaf.array, array, err_msg=f"{form.name}: an input was changed")

    def refuses(self, torch: Any, form: Form) -> bool:
        """Whether PyTorch refuses the call."""
        try:
            called(form, form.theirs, *self.filled(torch, [torch.tensor(x) for x in self.arrays()]))
        except Exception:
            return True
        return False

    def is_named(self, torch: Any, form: Form, message: str) -> bool:
        """Whether a message speaks of the operation; an operator's begins with that of the operation behind it."""
        if self.speaker and message.startswith(self.speaker):
            return True
        if not isinstance(self.name, str):
            return re.split(r"\W", message)[0] in operations(torch) | {self.label}
        names = {name.rstrip("_") for name in (form.name.rpartition(".")[2], form.ours.__name__)}
        names |= {SPEAKS_FOR[name] for name in names & SPEAKS_FOR.keys()}
        return any(name in message for name in names)

    # Its inputs

    def arrays(self) -> list[np.ndarray]:
        """New arrays for the inputs."""
        return [np.asarray(x.make(place)) for place, x in enumerate(inputs((self.arguments, self.options)))]

    def filled(self, home: Any, leaves: Any) -> tuple[list, dict]:
        """Arguments and options with tensors in place of the inputs."""
        waiting = iter(leaves)
        return fill(list(self.arguments), home, waiting), fill(self.options, home, waiting)


def sample(name: Any, *arguments: Any, **options: Any) -> Row:
    """An ordinary call."""
    return Row("ordinary", name, arguments, options)


def edge(name: Any, *arguments: Any, **options: Any) -> Row:
    """A call at the edge of what is allowed."""
    return Row("edge", name, arguments, options)


def refused(name: Any, *arguments: Any, **options: Any) -> Row:
    """A call that PyTorch refuses."""
    return Row("refused", name, arguments, options)


def differs(name: Any, *arguments: Any, because: str, **options: Any) -> Row:
    """A call that is not PyTorch's."""
    return Row("differs", name, arguments, options, because)


def parameters(**tables: list[Row]) -> list[Any]:
    """The rows as parameters of a test, with ids such as ``arithmetic-add-3-ordinary``."""
    found = []
    for table, rows in tables.items():
        counts: dict[str, int] = {}
        for row in rows:
            n = counts[row.label] = counts.get(row.label, 0) + 1
            found.append(pytest.param(row, id=f"{table}-{row.label}-{n}-{row.kind}"))
    return found


# The forms of a name


def room(torch: Any, prefix: str) -> tuple[Any, Any]:
    """A room here, and PyTorch's."""
    if prefix == "Tensor.":
        return tg.Tensor, torch.Tensor
    path = ROOMS[prefix]
    return importlib.import_module("tinygrad_edu" + path), importlib.import_module("torch" + path)


@functools.cache
def public(torch: Any) -> dict[str, Form]:
    """Every public function and method that PyTorch has under the same name."""
    found = {}
    for prefix in (*ROOMS, "Tensor."):
        here, there = room(torch, prefix)
        for name in dir(here):
            mine, twin = getattr(here, name), getattr(there, name, None)
            plain = callable(mine) and callable(twin) and not isinstance(mine, type) and not isinstance(twin, type)
            if plain and not name.startswith("_"):
                method = prefix == "Tensor."
                found[prefix + name] = Form(
                    prefix + name, mine, twin, method=method, in_place=method and name[-1] == "_"
                )
    return found


@functools.cache
def forms(torch: Any, name: str) -> list[Form]:
    """A name as a function, as a method, in place, and under the other names of the same operation; the main one first."""
    names = public(torch)
    first, own = name, name.removeprefix("Tensor.")
    if name not in names and f"Tensor.{own}" in names:
        first = f"Tensor.{own}"
    if first not in names:
        here, there = room(torch, "Tensor.")
        return [Form(name, getattr(here, own), getattr(there, own), True, True)] if name.startswith("Tensor.") else []
    main = replace(names[first], main=True)
    same = [form for form in names.values() if form.ours is main.ours and form.name != first]
    method, in_place = (names.get(f"Tensor.{own}{mark}") if name not in APART else None for mark in ("", "_"))
    other = [form for form in (method, in_place) if form and form.name != first and form not in same]
    # A method of the same name that is another function of ours is held against PyTorch's in full.
    return [main, *(replace(form, main=not form.in_place) for form in other), *same]


@functools.cache
def operations(torch: Any) -> set[str]:
    """The last parts of all public names."""
    return {name.rpartition(".")[2] for name in public(torch)}


def called(form: Form, function: Callable, arguments: list, options: dict, clone: bool = True) -> Any:
    """The result of a form; one in place overwrites a clone, since a leaf that needs a gradient may not be."""
    if not form.method:
        return function(*arguments, **options)
    arguments, options = list(arguments), dict(options)
    self = arguments.pop(0) if arguments else options.pop("input")
    return function(self.clone() if form.in_place and clone else self, *arguments, **options)


# What a row is made of


def inputs(tree: Any) -> Iterator[Input]:
    """The inputs in arguments and options, in their order."""
    if isinstance(tree, Input):
        yield tree
    elif isinstance(tree, dict | list | tuple):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from inputs(branch)


def fill(tree: Any, home: Any, leaves: Iterator) -> Any:
    """Arguments and options with the next tensors in place of the inputs, and with the home's dtypes."""
    if isinstance(tree, Input):
        return tree.seen(next(leaves))
    if isinstance(tree, dict):
        return {name: fill(branch, home, leaves) for name, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)([fill(branch, home, leaves) for branch in tree])
    return getattr(home, tree.name) if isinstance(tree, np.dtype) else tree


def deepest(torch: Any, call: Callable, arrays: list, twice: bool) -> tuple[int, tuple]:
    """PyTorch's results with as many derivatives as it gives, and how many these are."""
    for depth in (2, 1) if twice else (1,):
        try:
            return depth, theirs(torch, call, arrays, depth > 1)
        except Exception:
            continue
    with torch.no_grad():
        return 0, theirs(torch, call, arrays, False)


def tolerance(arrays: list, options: dict, least: dict[str, float]) -> dict[str, float]:
    """That of the narrowest float among the inputs and the dtype asked for, and not below the row's own."""
    dtypes = [x.dtype for x in arrays] + [x for x in options.values() if isinstance(x, np.dtype)]
    floats = [dtype for dtype in dtypes if dtype.kind == "f"]
    # Integers and numbers give the default float.
    usual = TOLERANCE[min(floats, key=lambda dtype: dtype.itemsize).name if floats else "float32"]
    return {name: max(value, least.get(name, 0.0)) for name, value in usual.items()}


def described(y: Any) -> Any:
    """Shape and dtype of a result."""
    return (tuple(y.shape), str(y.dtype).removeprefix("torch.")) if hasattr(y, "dtype") else type(y)


def undefined(tensors: list) -> bool:
    """Whether a NaN is among the numbers."""
    return any(bool(y.isnan().any()) for y in tensors if y is not None)


def finite(expected: tuple) -> bool:
    """Whether all numbers of PyTorch's are finite."""
    tensors = [y for part in expected for y in part if hasattr(y, "isfinite")]
    return all(bool(y.isfinite().all()) for y in tensors)
