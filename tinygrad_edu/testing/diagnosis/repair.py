"""Which small change to the author's own source makes a wrong backward right."""

from __future__ import annotations

import ast
import inspect
import itertools
import math
import textwrap
import time
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.testing.diagnosis.nearly import Nearly
from tinygrad_edu.testing.exact.number import DIGITS, precision
from tinygrad_edu.testing.exact.trial import Trial
from tinygrad_edu.testing.mutation.operators import Edits, Mutation, copied, edits, slots
from tinygrad_edu.testing.pair import of_functions

__all__ = ["Repair", "repairs"]

# After this many seconds no further change is tried.
SECONDS = 8.0
TOLERANCE = Decimal(10) ** (15 - DIGITS)


@dataclass(frozen=True)
class Repair:
    """A change to one place of the source.

    Attributes
    ----------
    line : int
        In the file.
    before, after : str
        The line, without indentation.
    """

    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"line {self.line} becomes right as `{self.after}` (now `{self.before}`)"


def repairs(
    by_hand: Callable[..., Any] | tuple[Callable[..., Any], Callable[..., Any]],
    *arguments: Any,
    argument: int | Sequence[int] = 0,
    seed: int = 0,
    most: int = 3,
    seconds: float = SECONDS,
    within: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda by_hand: by_hand,
    also: Sequence[tuple[Any, ...]] = (),
    **options: Any,
) -> list[Repair]:
    """Find changes to one place of a backward after which a gradient, or each of several, is exactly right.

    Parameters
    ----------
    by_hand : callable, or tuple of two callables
        ``by_hand(*arguments, **options) -> (y, backward)``, whose backward is a function or lambda within it; or
        ``(forward, backward)``.
    *arguments
        As for :func:`~tinygrad_edu.testing.exact.check_pair`.
    argument : int or sequence of int, default 0
        Which gradient, by its position; of several, all must become right.
    seed : int, default 0
    most : int, default 3
        How many to find.
    seconds : float, default 8
        How long to look.
    within : callable, optional
        Makes of a pair the one that is run on exact numbers.
    also : sequence of tuple, optional
        Further arguments at which the changed backward must be right.
    **options
        Keyword arguments.

    Returns
    -------
    list of Repair
        Those that hold on two sets of numbers, and for other shapes and options, small changes first; empty if there is
        none, or no source.

    Notes
    -----
    A change that makes the backward right need not be what its author had in mind. It is a suggestion.
    """
    try:
        source = Source(by_hand)
    except (OSError, TypeError, SyntaxError, IndexError):
        return []
    by_hand = of_functions(*by_hand) if isinstance(by_hand, tuple) else by_hand
    places = [argument] if isinstance(argument, int) else list(argument)
    generator = np.random.default_rng([seed, 3])
    others = tuple(generator.permuted(a) * 0.75 + 0.11 if _is_float(a) else a for a in arguments)
    runs = [(tuple(arguments), options, seed), (others, options, seed + 1), *((given, options, seed) for given in also)]
    until = time.monotonic() + seconds
    found: dict[str, Repair] = {}
    with precision(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what a change makes of the code may deserve any
        shapes = [(given, options) for given in (*longer(arguments, generator), *shorter(arguments))]
        for there in ((arguments, moved(source.forward, options)), *shapes):
            # The larger part of the time is for changes.
            if time.monotonic() < until - 0.7 * seconds and _runs(within(by_hand), *there, places[0]):
                runs.append((*there, seed))
        trials = [Trial(within(by_hand), *run, backward=False) for run in runs]
        right = [[trial.right(i) for i in places] for trial in trials]
        nearly = Nearly(source, trials[0], places, right[0])
        changes = sorted(source.changes(), key=lambda change: change[0])
        for _, mutation in changes:
            if time.monotonic() > until or len(found) >= most:
                break
            mutation.put(mutation.new)
            try:
                if not nearly.holds():
                    continue
                changed = within(source.pair(source.compiled()))
                if all(_agrees(changed, *run, places, r) for run, r in zip(runs, right, strict=True)):
                    repair = source.described(mutation)
                    found.setdefault(repair.after, repair)
            except Exception:  # noqa: S112 - a change may break the code in any way
                continue
            finally:
                mutation.put(mutation.old)
    return list(found.values())


def longer(arguments: tuple[Any, ...], generator: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """The arguments with one axis of the first array longer by one: of lengths that are equal, each by itself."""
    place = next((i for i, a in enumerate(arguments) if _is_float(a)), None)
    if place is None:
        return
    x = arguments[place]
    for axis in range(x.ndim):
        more = generator.permuted(x.take([0], axis)) * 0.75 + 0.11 if x.shape[axis] else x
        yield tuple(np.concatenate([x, more], axis) if i == place else a for i, a in enumerate(arguments))


def shorter(arguments: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The arguments with all axes of one length cut by one: other shapes, if those axes belong together."""
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    for n in sorted({n for a in arrays for n in a.shape if n > 1}):
        yield tuple(
            a[tuple(slice(n - 1) if length == n else slice(None) for length in a.shape)]
            if isinstance(a, np.ndarray)
            else a
            for a in arguments
        )


def moved(by_hand: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """The options, given or by default, with other numbers for those that are floats, such as ε."""
    defaults = {name: p.default for name, p in inspect.signature(inspect.unwrap(by_hand)).parameters.items()}
    changed = {name: value * 3 for name, value in {**defaults, **options}.items() if isinstance(value, float)}
    return {**options, **changed}


def _runs(by_hand: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any], argument: int) -> bool:
    """Whether the forward takes these arguments, and the derivative is finite there."""
    try:
        trial = Trial(by_hand, arguments, options, backward=False)
        return all(x.is_finite() for x in trial.right(argument).ravel())
    except Exception:
        return False


class Source:
    """The source of a pair, for changing it and running what came of it.

    Attributes
    ----------
    alone : bool
        Whether the backward is a function of its own, and all of the source.
    forward : callable
        What takes the options.
    """

    def __init__(self, by_hand: Any) -> None:
        self.alone = isinstance(by_hand, tuple)
        self.forward, function = by_hand if self.alone else (by_hand, by_hand)
        function = inspect.unwrap(function)
        lines, self.first = inspect.getsourcelines(function)
        self.text = textwrap.dedent("".join(lines))
        self.tree = ast.parse(self.text)
        self.definition = self.tree.body[0]
        # Code made by exec may share its file's name, "<string>", with other code whose source is known.
        named = isinstance(self.definition, ast.FunctionDef) and self.definition.name == function.__name__
        if not isinstance(self.definition, ast.FunctionDef) or not named:
            raise TypeError("expected a function that is defined by def")
        self.definition.decorator_list = []
        closure = inspect.getclosurevars(function)
        self.scope = {**function.__globals__, **closure.nonlocals}
        self.scope = self.scope if isinstance(function, types.FunctionType) else {}

    def pair(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The pair with this in the place of the function."""
        return of_functions(self.forward, function) if self.alone else function

    def compiled(self) -> Callable[..., Any]:
        """The function as its tree stands now."""
        tree = ast.fix_missing_locations(self.tree)
        scope = dict(self.scope)
        exec(compile(tree, "<changed>", "exec"), scope)
        return scope[self.definition.name]  # type: ignore[attr-defined]

    def backwards(self) -> Iterator[ast.AST]:
        """The functions within the function, or the function itself if it is the backward."""
        if self.alone:
            yield self.definition
            return
        for node in ast.walk(self.definition):
            if node is not self.definition and isinstance(node, ast.FunctionDef | ast.Lambda):
                yield node

    def names(self) -> list[str]:
        """What a backward may name: arguments and variables of the function and of the backward."""
        stored = {
            n.id: 0 for n in ast.walk(self.definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        return [
            *dict.fromkeys([a.arg for n in ast.walk(self.definition) if isinstance(n, ast.arguments) for a in n.args])
        ] + [*stored]

    def changes(self) -> Iterator[tuple[int, Mutation]]:
        """All changes to one place of a backward, with how far each is from what stands there."""
        names = self.names()
        for backward in self.backwards():
            for parent, field, place, node in slots(backward):
                for cost, (kind, new) in _candidates(node, parent, field, names, self.scope):
                    new = ast.copy_location(copied(new), node)
                    yield cost, Mutation(kind, parent, field, place, node, new)

    def described(self, mutation: Mutation) -> Repair:
        """A change for a person, in the lines of the file."""
        before, after = mutation.shown(self.text.splitlines())
        return Repair(self.first + mutation.old.lineno - 1, before, after)  # type: ignore[attr-defined]


def _candidates(
    node: ast.AST, parent: ast.AST, field: str, names: list[str], scope: dict[str, Any]
) -> Iterator[tuple[int, tuple[str, ast.AST]]]:
    yield from ((1, edit) for edit in edits(node, parent, field, scope))
    yield from ((1, edit) for edit in _exchanges(node, scope))
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from ((2, ("other variable", ast.Name(name, ast.Load()))) for name in names if name != node.id)
    loaded = isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    whole = isinstance(parent, ast.Return | ast.Assign) or (isinstance(node, ast.Name) and node.id in names)
    if loaded and (field not in ("func", "slice", "value") or whole):
        yield from ((3, edit) for edit in _insertions(node, names))  # type: ignore[arg-type]
        yield from ((4, edit) for edit in _projections(node, names))  # type: ignore[arg-type]


def _exchanges(node: ast.AST, scope: dict[str, Any]) -> Edits:
    """What may have been written in place of something alike."""
    match node:
        case ast.Attribute(attr="sum" | "mean" as name):
            yield "reduction", ast.Attribute(node.value, "mean" if name == "sum" else "sum", ast.Load())
        case ast.Attribute(value=ast.Name(id=module), attr=name) if name in FUNCTIONS and module in scope:
            for other in FUNCTIONS:
                if other != name:
                    yield "function", ast.Attribute(node.value, other, ast.Load())
        case ast.Call(func=ast.Attribute(attr="sum" | "mean"), args=[], keywords=[]):
            for axis in (0, 1, -1):
                yield "axis", ast.Call(node.func, [ast.Constant(axis)], [])
                yield "axis", ast.Call(node.func, [ast.Constant(axis)], [ast.keyword("keepdims", ast.Constant(True))])
        case ast.Constant(value=float(value)):
            # Digits that crept in, or π by heart.
            rounded = {float(f"{value:.{digits}g}") for digits in range(1, 13)} - {value}
            for number in sorted(rounded, key=lambda number: abs(number - value)):
                yield "digits", ast.Constant(number)
            if abs(value - math.pi) < 1e-2 and "np" in scope:
                yield "digits", ast.Attribute(ast.Name("np", ast.Load()), "pi", ast.Load())
        case ast.Assign(targets=[ast.Subscript() as target]):
            yield "accumulation", ast.AugAssign(target, ast.Add(), node.value)
            yield from _added_at(target, node.value, scope)
        case ast.AugAssign(target=ast.Subscript() as target, op=ast.Add()):
            yield from _added_at(target, node.value, scope)
        case ast.Subscript(slice=ast.Tuple(elts=[ast.Slice(), index]), ctx=ast.Load()):
            yield "index", ast.Subscript(node.value, index, ast.Load())
        case ast.Subscript(slice=ast.Name() as index, ctx=ast.Load()):
            yield "index", ast.Subscript(node.value, ast.Tuple([ast.Slice(), index], ast.Load()), ast.Load())
        case ast.Tuple(elts=parts, ctx=ast.Load()) | ast.List(elts=parts, ctx=ast.Load()):
            for k in range(len(parts) - 1):
                exchanged = [*parts[:k], parts[k + 1], parts[k], *parts[k + 2 :]]
                yield "order", type(node)(exchanged, ast.Load())
        case ast.Call(args=[first, second]) if not node.keywords:
            yield "order", ast.Call(node.func, [second, first], [])
        case ast.BinOp(op=ast.Sub()):
            yield "swapped operands", ast.BinOp(node.right, ast.Sub(), node.left)


def _added_at(target: ast.Subscript, value: ast.expr, scope: dict[str, Any]) -> Edits:
    """Adding at repeated indices, each as often as it is there."""
    if "np" in scope:
        function = ast.Attribute(ast.Attribute(ast.Name("np", ast.Load()), "add", ast.Load()), "at", ast.Load())
        loaded = copied(target.value)
        yield "accumulation", ast.Expr(ast.Call(function, [loaded, target.slice, value], []))  # type: ignore[list-item]


FUNCTIONS = ("exp", "log", "sqrt", "tanh", "sinh", "cosh", "sin", "cos", "abs", "sign")


def _insertions(node: ast.expr, names: list[str]) -> Edits:
    """What may have been left out around an expression."""
    yield "sign", ast.UnaryOp(ast.USub(), node)
    yield "transposed", ast.Attribute(node, "T", ast.Load())
    for axis in (0, 1, -1):
        for keep in (False, True):
            keywords = [ast.keyword("keepdims", ast.Constant(True))] if keep else []
            for reduction in ("sum", "mean"):
                called = ast.Attribute(node, reduction, ast.Load())
                yield "sum", ast.Call(called, [ast.Constant(axis)], keywords)
    reverse = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))
    yield "reversed", ast.Subscript(node, reverse, ast.Load())
    for name in names:
        other = ast.Name(name, ast.Load())
        yield "factor", ast.BinOp(node, ast.Mult(), other)
        yield "factor", ast.BinOp(node, ast.Div(), other)
        length = ast.Call(ast.Name("len", ast.Load()), [other], [])
        yield "factor", ast.BinOp(node, ast.Div(), length)
        yield "factor", ast.BinOp(node, ast.Mult(), length)
        size = ast.Attribute(other, "size", ast.Load())
        yield "factor", ast.BinOp(node, ast.Div(), size)
        for over in (ast.Div(), ast.Mult()):
            yield "factor", ast.BinOp(node, over, ast.Call(ast.parse("np.sqrt", mode="eval").body, [other], []))
        yield "term", ast.BinOp(node, ast.Sub(), other)
        yield "term", ast.BinOp(node, ast.Add(), other)
        yield "term", ast.BinOp(node, ast.Add(), ast.Attribute(other, "T", ast.Load()))
        positive = ast.Compare(other, [ast.Gt()], [ast.Constant(0)])
        yield "mask", ast.BinOp(node, ast.Mult(), positive)
        column = ast.Tuple([ast.Slice(), ast.Constant(None)], ast.Load())
        yield "factor", ast.BinOp(node, ast.Mult(), ast.Subscript(other, column, ast.Load()))
        yield "factor", ast.BinOp(node, ast.Mult(), ast.BinOp(ast.Constant(1), ast.Sub(), other))
    for operation in (ast.Add(), ast.Sub()):
        yield "term", ast.BinOp(node, operation, ast.Constant(1))
    yield "term", ast.BinOp(ast.Constant(1), ast.Sub(), node)
    for number in (2, 3):
        yield "factor", ast.BinOp(ast.Constant(number), ast.Mult(), node)
        yield "factor", ast.BinOp(node, ast.Div(), ast.Constant(number))
        yield "power", ast.BinOp(node, ast.Pow(), ast.Constant(number))
    for function in FUNCTIONS:
        yield "function", ast.Call(ast.Attribute(ast.Name("np", ast.Load()), function, ast.Load()), [node], [])


def _projections(node: ast.expr, names: list[str]) -> Edits:
    """What a normalization leaves out of a gradient: its mean, and its part along a variable."""

    def reduced(x: ast.expr, reduction: str, axis: int) -> ast.expr:
        called = ast.Attribute(x, reduction, ast.Load())
        return ast.Call(called, [ast.Constant(axis)], [ast.keyword("keepdims", ast.Constant(True))])

    for axis, reduction in itertools.product((-1, 0, 1), ("mean", "sum")):
        yield "mean term", ast.BinOp(node, ast.Sub(), reduced(node, reduction, axis))
        for name in names:
            variable = ast.Name(name, ast.Load())
            along = reduced(ast.BinOp(node, ast.Mult(), variable), reduction, axis)
            yield "projection", ast.BinOp(node, ast.Sub(), along)
            yield "projection", ast.BinOp(node, ast.Sub(), ast.BinOp(variable, ast.Mult(), along))
    for first, second in itertools.combinations_with_replacement(names, 2):
        product = ast.BinOp(ast.Name(first, ast.Load()), ast.Mult(), ast.Name(second, ast.Load()))
        yield "term", ast.BinOp(node, ast.Add(), product)
        yield "term", ast.BinOp(node, ast.Sub(), product)
        yield "factor", ast.BinOp(node, ast.Mult(), product)


def _agrees(by_hand: Any, arguments: Any, options: Any, seed: int, places: list[int], right: list[NDArray]) -> bool:
    trial = Trial(by_hand, arguments, options, seed)
    for i, expected in zip(places, right, strict=True):
        found = trial.found[i]
        if found is None or found.shape != expected.shape:
            return False
        scale = max((x.copy_abs() for x in expected.ravel()), default=Decimal(0))
        apart = [(a - b).copy_abs() for a, b in zip(found.ravel(), expected.ravel(), strict=True)]
        if not all(difference.is_finite() and difference <= TOLERANCE * scale for difference in apart):
            return False
    return True


def _is_float(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"
