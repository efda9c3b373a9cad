"""Where the library's derivatives stand: the source of every rule and hand-derived backward, and what only they use."""

from __future__ import annotations
import __future__

import ast
import functools
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinygrad_edu.announce import announced
from tinygrad_edu.graph import _fitted
from tinygrad_edu.layers.layer import Layer
from tinygrad_edu.ops.operation import Operation, conjugated

__all__ = ["Site", "compiled", "find_sites"]

PACKAGE = Path(__file__).resolve().parents[2]
ROOT = PACKAGE.parent
# What the sweep does to every rule's cotangent.
SHARED: tuple[Any, ...] = (conjugated, _fitted)


@dataclass(frozen=True, eq=False)
class Site:
    """A function that is a derivative, or part of one.

    Attributes
    ----------
    name : str
        Such as ``"rule of mul for a"``, ``"Linear.by_hand"`` or a function's own name.
    function : function
    node : ast.FunctionDef or ast.Lambda
        Its syntax tree.
    parts : tuple of ast.AST
        What of it may change: all but the forward of a hand-derived pair.
    owners : frozenset of str
        Operations and layers whose derivative it is part of.
    """

    name: str
    function: types.FunctionType
    node: Any
    parts: tuple[ast.AST, ...]
    owners: frozenset[str]

    @property
    def path(self) -> Path:
        """The file it stands in."""
        return Path(self.function.__code__.co_filename).resolve()

    @property
    def file(self) -> str:
        """The same for reading, from the top of the repository or the package."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def lines(self) -> list[str]:
        """The lines of that file."""
        return parsed(self.path)[1]


@functools.cache
def parsed(path: Path) -> tuple[list[Any], list[str]]:
    """The functions in a file, and its lines."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)], source.splitlines()


def tree_of(function: types.FunctionType) -> Any:
    """The syntax tree of a function."""
    code = function.__code__
    candidates = parsed(Path(code.co_filename).resolve())[0]
    if code.co_name != "<lambda>":
        first = lambda node: min([node.lineno, *(d.lineno for d in node.decorator_list)])
        return next(
            n
            for n in candidates
            if isinstance(n, ast.FunctionDef) and n.name == code.co_name and first(n) == code.co_firstlineno
        )
    # Several lambdas may stand in a line; what this one computes stands within its body.
    spots = [(line, column) for line, _, column, end in code.co_positions() if line and column is not None and end]
    return next(
        n
        for n in candidates
        if isinstance(n, ast.Lambda)
        and n.lineno == code.co_firstlineno
        and all(within(n.body, *spot) for spot in spots)
    )


def within(node: Any, line: int, column: int) -> bool:
    """Whether a place in the file lies within a node."""
    return (node.lineno, node.col_offset) <= (line, column) < (node.end_lineno, node.end_col_offset)


def compiled(node: Any, path: Path) -> types.CodeType:
    """The code of a function from its syntax tree."""
    body: Any = ast.Expression(node)
    name = "<lambda>"
    if isinstance(node, ast.FunctionDef):
        fields = {field: value for field, value in ast.iter_fields(node) if field != "decorator_list"}
        body = ast.Module([ast.copy_location(ast.FunctionDef(**fields, decorator_list=[]), node)], [])
        name = node.name
    mode = "exec" if isinstance(body, ast.Module) else "eval"
    whole = compile(body, str(path), mode, __future__.annotations.compiler_flag, dont_inherit=True)
    return next(c for c in whole.co_consts if isinstance(c, types.CodeType) and c.co_name == name)


def find_sites() -> list[Site]:
    """Every rule of every operation, every backward by hand, and the functions that only these use.

    Returns
    -------
    list of Site
        By file and line.
    """
    derivatives: dict[types.FunctionType, tuple[str, tuple[ast.AST, ...], set[str]]] = {}
    forward: list[tuple[types.FunctionType, ast.AST]] = []

    def add(function: Any, name: str, parts: tuple[ast.AST, ...], owner: str) -> None:
        derivatives.setdefault(function, (name, parts, set()))[2].add(owner)

    for call in operations():
        op = call.operation
        for operand, rule in op.rules.items():
            add(rule, f"rule of {op.name} for {operand}", (tree_of(rule),), op.name)
        forward += [(f, tree_of(f)) for f in parts_of(call) if ours(f)]
    for known in announced.values():
        if known.kind == "operation":
            continue
        layer: Any = known.target
        pairs: list[Any] = [layer.by_hand, getattr(layer, "reference", None)]
        for pair in pairs:
            if not ours(pair) or "<locals>" in pair.__qualname__:
                continue
            node = tree_of(pair)
            backward = tuple(n for n in ast.walk(node) if isinstance(n, ast.FunctionDef) and n.name == "backward")
            add(pair, pair.__qualname__, backward, known.name)
            forward.append((pair, without(node, backward)))
        for base in layer.__mro__[: layer.__mro__.index(Layer)]:
            methods = [getattr(v, "__func__", v) for k, v in vars(base).items() if k not in ("by_hand", "reference")]
            forward += [(f, tree_of(f)) for f in methods if ours(f) and "<locals>" not in f.__qualname__]
    for step in SHARED:
        add(step, step.__name__, (tree_of(step),), "every operation")
    shared = {f for start in forward for f in reached(*start)}
    own = list(derivatives.items())
    for function, (_, parts, owners) in own:
        for part in parts:
            for helper in reached(function, part) - shared - dict(own).keys():
                for owner in owners:
                    add(helper, helper.__name__, (tree_of(helper),), owner)
    sites = [Site(n, f, tree_of(f), parts, frozenset(owners)) for f, (n, parts, owners) in derivatives.items()]
    return sorted(sites, key=lambda site: (site.file, site.node.lineno, site.node.col_offset))


def operations() -> Iterator[Any]:
    """Every operation there is, the steps of others too."""
    modules = [m for name, m in sorted(sys.modules.items()) if name.startswith("tinygrad_edu.") and m is not None]
    found = {
        id(v): v for m in modules for v in vars(m).values() if isinstance(getattr(v, "operation", None), Operation)
    }
    yield from found.values()


def parts_of(call: Any) -> Iterator[types.FunctionType]:
    """The functions that compute an operation."""
    yield getattr(call, "__wrapped__", call)
    for cell in getattr(call, "__closure__", None) or ():
        if isinstance(cell.cell_contents, types.FunctionType):
            yield cell.cell_contents


def ours(function: Any) -> bool:
    """Whether a function is the library's own, and no operation, which has rules of its own."""
    return (
        isinstance(function, types.FunctionType)
        and not hasattr(function, "operation")
        and (function.__module__ or "").startswith("tinygrad_edu.")
        and function.__code__.co_filename.endswith(".py")
    )


def without(node: ast.AST, parts: tuple[ast.AST, ...]) -> ast.AST:
    """A function's tree with some of its statements left out."""
    return ast.Module([statement for statement in node.body if statement not in parts], [])  # type: ignore[attr-defined]


def reached(function: types.FunctionType, node: ast.AST) -> set[types.FunctionType]:
    """The library's own functions that a part of a function uses, directly or through others."""
    seen: set[types.FunctionType] = set()
    waiting = [(function, node)]
    while waiting:
        user, tree = waiting.pop()
        # Not the decorators, which hold the rules of an operation.
        body = tree.body if isinstance(getattr(tree, "body", None), list) else [tree]  # type: ignore[attr-defined]
        names = {n.id for statement in body for n in ast.walk(statement) if isinstance(n, ast.Name)}
        for found in (user.__globals__.get(name) for name in names):
            if ours(found) and found not in seen:
                seen.add(found)  # type: ignore[arg-type]
                waiting.append((found, tree_of(found)))  # type: ignore[arg-type]
    return seen
