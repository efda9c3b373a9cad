"""What a mistake in a derivative looks like: small changes to its syntax tree.

Each operator takes a node and gives what might stand in its place by mistake: another sign, a factor less, another axis,
the operands the wrong way round.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["KINDS", "Mutation", "mutations"]

Edits = Iterator[tuple[str, ast.AST]]

# What each operator does, and to what.
KINDS = {
    "sign": ("a sum, a result, an accumulation with the other sign", "`g - x`", "`g + x`"),
    "dropped term": ("one of two terms is left out", "`g - x`", "`g`"),
    "factor": ("divided by instead of multiplied, or a constant that is 1 more", "`g * (2.0 * x)`", "`g * (3.0 * x)`"),
    "dropped factor": ("one of two factors is left out", "`g * x`", "`g`"),
    "power": ("an exponent is left out", "`y ** 2`", "`y`"),
    "eighth digit": ("a constant that is wrong in its eighth digit", "`g * 0.5`", "`g * 0.50000005`"),
    "swapped operands": ("a quotient, matrix product or call the wrong way round", "`g @ x.mT`", "`x.mT @ g`"),
    "transposed": ("a transpose is left out", "`g @ x.mT`", "`g @ x`"),
    "axis": ("the next axis, or the next integer argument", "`g.sum(0)`", "`g.sum(1)`"),
    "keepdim": ("reduced dimensions are kept or not", "`keepdims=True`", "`keepdims=False`"),
    "dropped sum": (
        "a sum, a mean, or the sum over broadcast dimensions is left out",
        "`unbroadcast(g, shape)`",
        "`g`",
    ),
    "dropped call": ("any other call is left out", "`g * exp(x)`", "`g * x`"),
    "other function": ("its counterpart is called", "`g * cos(x)`", "`g * sin(x)`"),
    "slice": ("off by one", "`g[1:]`", "`g[2:]`"),
    "comparison": ("at equality, or the opposite", "`g * (x > y)`", "`g * (x >= y)`"),
    "where": ("the two branches exchanged", "`where(c, g, 0.0)`", "`where(c, 0.0, g)`"),
    "condition": ("the opposite, or `and` for `or`", "`if training:`", "`if not training:`"),
    "flag": ("the opposite of a flag", "`upper=True`", "`upper=False`"),
    "dtype": ("a dtype is left out", "`zeros(n, dtype=g.dtype)`", "`zeros(n)`"),
    "missing accumulation": ("assigned instead of added to", "`dx[i] += g`", "`dx[i] = g`"),
    "dropped statement": ("a statement is left out", "`dx[i] += g`", "nothing"),
}

# Calls that hand on the very values they are given.
SAME_VALUES = {"ascontiguousarray", "asarray", "plain", "cast"}
SUMS = {"sum", "total", "mean", "unbroadcast"}
COMMUTE = {"maximum", "minimum", "logical_and", "logical_or", "eq", "ne", "swapaxes", "transpose"}
EXCHANGED = [
    ("sin", "cos"),
    ("sinh", "cosh"),
    ("tril", "triu"),
    ("maximum", "minimum"),
    ("log", "exp"),
    ("ones", "zeros"),
]
PARTNERS = {a: b for pair in EXCHANGED for a, b in (pair, pair[::-1])}
COMPARED: dict[str, type[ast.cmpop]] = {
    "eq": ast.NotEq,
    "ne": ast.Eq,
    "gt": ast.GtE,
    "ge": ast.Gt,
    "lt": ast.LtE,
    "le": ast.Lt,
}
OPPOSITE: dict[type[ast.AST], type[Any]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
# A relative change in the eighth digit.
NEARLY_ONE = 1.0000001


@dataclass(frozen=True)
class Mutation:
    """One change to a syntax tree: in a field of `parent`, `new` in place of `old`.

    Attributes
    ----------
    kind : str
        What is wrong, such as "sign" or "dropped factor".
    parent, old, new : ast.AST
    field : str
    place : int or None
        Where in the field, if that is a list.
    """

    kind: str
    parent: ast.AST
    field: str
    place: int | None
    old: ast.AST
    new: ast.AST

    def put(self, node: ast.AST) -> None:
        """Set the changed place of the tree to the old node or the new one."""
        if self.place is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.place] = node

    def shown(self, lines: list[str]) -> tuple[str, str]:
        """The line before and after, from the lines of the file."""
        old: Any = self.old
        whole = [line.encode() for line in lines[old.lineno - 1 : old.end_lineno]]
        head, tail = whole[0][: old.col_offset], whole[-1][old.end_col_offset :]
        new = ast.unparse(self.new)
        operator = isinstance(self.new, ast.BinOp | ast.UnaryOp | ast.Compare | ast.IfExp | ast.BoolOp)
        if operator and isinstance(self.parent, ast.BinOp | ast.UnaryOp | ast.Compare | ast.Attribute | ast.Subscript):
            same = type(getattr(self.new, "op", None)) is type(getattr(self.old, "op", 1))
            enclosed = head.rstrip().endswith(b"(") and tail.lstrip().startswith(b")")
            new = new if same or enclosed else f"({new})"
        return joined(line.decode() for line in whole), joined([head.decode() + new + tail.decode()])


def joined(lines: Any) -> str:
    """Lines as one, without indentation."""
    return " ".join(" ".join(lines).split())


def mutations(root: ast.AST, scope: Mapping[str, Any] | None = None) -> Iterator[Mutation]:
    """Every change to a function's tree, outside of its messages, annotations and defaults.

    Parameters
    ----------
    root : ast.FunctionDef or ast.Lambda
    scope : mapping, optional
        The names that the function sees.

    Yields
    ------
    Mutation
    """
    scope = scope or {}
    returned = {id(n.value) for n in ast.walk(root) if isinstance(n, ast.Return)}
    for parent, field, place, node in slots(root):
        if field == "elts" and isinstance(node, ast.Name) and id(parent) in returned:
            yield Mutation("sign", parent, field, place, node, placed(ast.UnaryOp(ast.USub(), node), node))
        for kind, new in edits(node, parent, field, scope):
            if ast.dump(new) != ast.dump(node):
                yield Mutation(kind, parent, field, place, node, placed(new, node))


def placed(new: ast.AST, old: ast.AST) -> ast.AST:
    """The new node at the old one's place in the file; a copy, as it may be part of the old one."""
    return ast.fix_missing_locations(ast.copy_location(copied(new), old))


def copied(node: ast.AST) -> ast.AST:
    """A tree whose outermost node is its own, so that its place in the file may change."""
    return type(node)(**{name: getattr(node, name) for name in node._fields if hasattr(node, name)})


def slots(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every place in a tree that may change: the node above, its field, the place there, and what stands there."""
    for field, value in ast.iter_fields(node):
        if field in ("args", "decorator_list", "returns", "annotation") and not isinstance(node, ast.Call):
            continue
        for place, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if (
                not isinstance(item, ast.AST)
                or isinstance(item, ast.Raise | ast.JoinedStr | ast.Assert)
                or is_text(item)
            ):
                continue
            yield node, field, place, item
            yield from slots(item)


def is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def edits(node: Any, parent: ast.AST, field: str, scope: Mapping[str, Any]) -> Edits:
    """What might stand in the place of a node, each with its kind."""
    if field in ("value", "body") and isinstance(parent, ast.Return | ast.Lambda):
        yield from negated(node)
    if field == "test" and isinstance(parent, ast.If) and not isinstance(node, ast.UnaryOp):
        yield "condition", ast.UnaryOp(ast.Not(), node)
    find: Any = OPERATORS.get(type(node))
    if find is not None:
        yield from find(node, parent, field, scope)


def negated(node: Any) -> Edits:
    """A result with the other sign."""
    if isinstance(node, ast.BinOp | ast.Name | ast.Attribute | ast.Subscript | ast.Call) and isinstance(
        getattr(node, "ctx", ast.Load()), ast.Load
    ):
        yield "sign", ast.UnaryOp(ast.USub(), node)


def binary(node: ast.BinOp, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a sum, a product, a quotient, a power."""
    a, b = node.left, node.right
    match node.op:
        case ast.Add() | ast.Sub():
            yield "sign", ast.BinOp(a, OPPOSITE[type(node.op)](), b)
            yield "dropped term", a
            yield "dropped term", b if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), b)
        case ast.Mult():
            yield "dropped factor", a
            yield "dropped factor", b
            yield "factor", ast.BinOp(a, ast.Div(), b)
        case ast.Div():
            yield "dropped factor", a
            yield "factor", ast.BinOp(a, ast.Mult(), b)
            yield "swapped operands", ast.BinOp(b, ast.Div(), a)
        case ast.MatMult():
            yield "swapped operands", ast.BinOp(b, ast.MatMult(), a)
            yield "dropped factor", a
            yield "dropped factor", b
        case ast.Pow():
            yield "power", a


def unary(node: ast.UnaryOp, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a sign or a negation."""
    if isinstance(node.op, ast.USub):
        yield place_of(node.operand, parent, field, "sign"), node.operand
    elif isinstance(node.op, ast.Not | ast.Invert):
        yield "condition", node.operand


def constant(node: ast.Constant, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a number or a flag."""
    value = node.value
    if isinstance(value, bool):
        yield "keepdim" if keeps(parent) else "flag", ast.Constant(not value)
    elif isinstance(value, int):
        yield place_of(node, parent, field, "factor"), ast.Constant(value + 1)
    elif isinstance(value, float):
        yield "factor", ast.Constant(value + 1.0)
        if value:
            yield "eighth digit", ast.Constant(value * NEARLY_ONE)


def keeps(parent: ast.AST) -> bool:
    """Whether a flag says that reduced dimensions stay."""
    if isinstance(parent, ast.keyword):
        return parent.arg in ("keepdim", "keepdims")
    return isinstance(parent, ast.Call) and name_of(parent) in SUMS


def place_of(node: ast.AST, parent: ast.AST, field: str, otherwise: str) -> str:
    """What an integer counts: places in a slice, axes in a call, else something of its own."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        if isinstance(parent, ast.Slice) or isinstance(parent, ast.Subscript) and field == "slice":
            return "slice"
        if (
            isinstance(parent, ast.Call | ast.keyword | ast.Tuple)
            or otherwise == "factor"
            and isinstance(parent, ast.UnaryOp)
        ):
            return "axis"
    return otherwise


def name(node: ast.Name, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a constant with a name."""
    if isinstance(node.ctx, ast.Load) and isinstance(scope.get(node.id), float):
        yield "eighth digit", ast.BinOp(node, ast.Mult(), ast.Constant(NEARLY_ONE))


def attribute(node: ast.Attribute, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a transposed matrix."""
    if node.attr in ("mT", "T"):
        yield "transposed", node.value


def name_of(call: ast.Call) -> str:
    """What is called, without the module or object before it."""
    f = call.func
    return f.id if isinstance(f, ast.Name) else f.attr if isinstance(f, ast.Attribute) else ""


def called(node: ast.Call, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a call: left out, of another function, on other arguments."""
    f: Any = node.func
    args, called_name = node.args, name_of(node)
    if isinstance(f, ast.Name) and f.id not in scope and hasattr(builtins, f.id):
        return
    of_module = (
        isinstance(f, ast.Name) or isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name) and f.value.id == "np"
    )
    inner = (args[0] if args else None) if of_module else f.value if isinstance(f, ast.Attribute) else None
    if inner is not None and called_name not in SAME_VALUES and not isinstance(inner, ast.Starred):
        yield "dropped sum" if called_name in SUMS else "dropped call", inner
    if called_name == "where" and len(args) == 3:
        yield "where", rebuilt(node, [args[0], args[2], args[1]])
    elif of_module and called_name in COMPARED and len(args) == 2:
        yield "comparison", ast.Compare(args[0], [COMPARED[called_name]()], [args[1]])
    elif (
        of_module
        and len(args) > 1
        and called_name not in COMMUTE
        and not any(isinstance(a, ast.Starred) for a in args[:2])
    ):
        yield "swapped operands", rebuilt(node, [args[1], args[0], *args[2:]])
    partner = PARTNERS.get(called_name)
    if partner is not None and (partner in scope if isinstance(f, ast.Name) else of_module):
        other = (
            ast.Name(partner, ast.Load()) if isinstance(f, ast.Name) else ast.Attribute(f.value, partner, ast.Load())
        )
        yield "other function", ast.Call(other, args, node.keywords)
    for keyword in node.keywords:
        if (
            keyword.arg == "dtype"
            or keyword.arg in ("keepdim", "keepdims")
            and not isinstance(keyword.value, ast.Constant)
        ):
            kind = "dtype" if keyword.arg == "dtype" else "keepdim"
            yield kind, ast.Call(f, args, [other for other in node.keywords if other is not keyword])


def rebuilt(node: ast.Call, args: list[ast.expr]) -> ast.Call:
    """The call on other arguments."""
    return ast.Call(node.func, args, node.keywords)


def comparison(node: ast.Compare, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a comparison: at equality, or altogether."""
    if len(node.ops) == 1 and type(node.ops[0]) in OPPOSITE:
        yield "comparison", ast.Compare(node.left, [OPPOSITE[type(node.ops[0])]()], node.comparators)


def boolean(node: ast.BoolOp, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of `and` and `or`."""
    yield "condition", ast.BoolOp(OPPOSITE[type(node.op)](), node.values)


def conditional(node: ast.IfExp, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a choice between two."""
    yield "where", ast.IfExp(node.test, node.orelse, node.body)


def accumulated(node: ast.AugAssign, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of an assignment that accumulates."""
    yield "missing accumulation", ast.Assign([node.target], node.value)
    yield "dropped statement", ast.Pass()
    if type(node.op) in OPPOSITE:
        yield "sign", ast.AugAssign(node.target, OPPOSITE[type(node.op)](), node.value)


def statement(node: ast.Expr, parent: ast.AST, field: str, scope: Any) -> Edits:
    """Of a call for its effect."""
    if isinstance(node.value, ast.Call):
        yield "dropped statement", ast.Pass()


OPERATORS: dict[type[ast.AST], Callable[..., Edits]] = {
    ast.BinOp: binary,
    ast.UnaryOp: unary,
    ast.Constant: constant,
    ast.Name: name,
    ast.Attribute: attribute,
    ast.Call: called,
    ast.Compare: comparison,
    ast.BoolOp: boolean,
    ast.IfExp: conditional,
    ast.AugAssign: accumulated,
    ast.Expr: statement,
}
