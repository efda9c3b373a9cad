"""The machinery behind every operation: calling it on arrays, recording it on Tensors.

An operation is a function on arrays and a table of rules, one for each operand that has a derivative::

    @elementwise(np.multiply, a=lambda g, b: g * b, b=lambda g, a: g * a)
    def mul(a, b): ...

A rule is the formula of a cotangent. It names what it needs: the result's cotangent first, then operands, options, an
operand's shape as ``x_shape``, the result as ``result``; only what it names is kept for the backward. The same line
serves twice: on arrays it is the fast first derivative, and on Tensors it records a graph, which gives second and
higher derivatives. Rules therefore use operators and the operations of this package, which give arrays for arrays and
Tensors for Tensors, and of methods only ``sum``, ``reshape``, ``swapaxes``, ``mT``, ``conj``, ``real`` and ``imag``,
which mean the same on both.

An operation takes complex numbers only if it says so; see :func:`conjugated` for what its rules mean then.

Broadcasting, result types, grad mode and the bookkeeping of views stand here, once, and in no rule.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import numpy as np

from tinygrad_edu.announce import Announcement, Case, Drawn, Size, announce, announced, case, labels, real
from tinygrad_edu.dtypes import _RANK, get_default_dtype, result_type
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.grad_mode import mode
from tinygrad_edu.graph import Node, Result, record
from tinygrad_edu.tensor import Tensor, _wrap, keep_retained, unrecorded

__all__ = ["Operation", "composite", "elementwise", "example", "operation", "overwriting", "plain", "ufuncs"]

F = TypeVar("F", bound=Callable[..., Any])
Rule = Callable[..., Any]

ufuncs: dict[np.ufunc, Callable[..., Tensor]] = {}
"""The operation that records each NumPy ufunc."""

NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


class Operation:
    """What a node records: a name, and the rules by operand.

    Attributes
    ----------
    name : str
    function : callable
        The operation on arrays.
    rules : dict
        From an operand's name to the rule for its cotangent.
    broadcasts : bool
        Whether a cotangent is summed down to an operand that was broadcast.
    keeps : bool
        Whether any rule needs an operand or the result, which a sweep then frees.
    complex : bool
        Whether operands may be complex.
    """

    def __init__(
        self, function: Callable, rules: dict[str, Rule], broadcasts: bool = False, complex: bool = False
    ) -> None:
        self.name = function.__name__.rstrip("_")
        self.function = function
        self.parameters = tuple(inspect.signature(function).parameters)
        self.defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.default is not parameter.empty
        }
        self.broadcasts = broadcasts
        self.complex = complex
        unknown = set(rules) - set(self.parameters)
        if unknown:
            raise TypeError(f"{self.name}: rules for {sorted(unknown)}, but the operands are {self.parameters}")
        self.wants = {name: needs_of(rule) for name, rule in rules.items()}
        self.needs = tuple(dict.fromkeys(need for needs in self.wants.values() for need in needs))
        self.keeps = any(need == "result" or need in rules for need in self.needs)
        self.keeps_result = "result" in self.needs
        self.rules = rules

        # PyTorch calls the first operand input and the second other; a condition or an order stands before them.
        operands = [name for name in self.parameters if name not in ("condition", "n", "equation")]
        others = {**NUMPY_NAMES, **dict(zip(("input", "other"), operands, strict=False))}
        self.other_names = {name: own for name, own in others.items() if name not in self.parameters}

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def renamed(self, options: dict[str, Any]) -> dict[str, Any]:
        """Keyword arguments under the names they have here, of those that NumPy and PyTorch give them."""
        names = self.other_names
        if names.keys().isdisjoint(options):
            return options
        return {names.get(name, name): value for name, value in options.items()}

    def record(self, arguments: dict[str, Any], out: np.ndarray, result: Tensor) -> None:
        """Give `result` its node, if an operand needs a gradient.

        Parameters
        ----------
        arguments : dict
            The call's arguments by name.
        out : numpy.ndarray
            What the function returned.
        result : Tensor
            The Tensor around it.
        """
        parents: list[Any] = []
        wanted: list[tuple[str, int | None]] = []
        for name in self.rules:
            operand = arguments[name]
            if isinstance(operand, Tensor):
                if needs_gradient(operand):
                    parents.append(operand.node or operand)
                    wanted.append((name, None))
            elif isinstance(operand, list | tuple):
                for i, item in enumerate(operand):
                    if isinstance(item, Tensor) and needs_gradient(item):
                        parents.append(item.node or item)
                        wanted.append((name, i))
        if not parents:
            return
        kept = tuple([self._kept(need, arguments, result) for need in self.needs])
        pull = self.pull(tuple(wanted), self.needs)
        if self.keeps and out.dtype.kind == "c":
            pull = conjugated(pull)
        result.node = record(self, pull, tuple(parents), kept, out)
        result.tracked = True

    @functools.cache  # noqa: B019 - an operation lives as long as the program
    def pull(self, wanted: tuple[tuple[str, int | None], ...], kept: tuple[str, ...]) -> Callable[[Any, Any], tuple]:
        """A function of the cotangent and the kept values that gives the cotangents of some operands.

        For ``mul`` and both its operands it is ``lambda g, values: (of_a(g, values[1]), of_b(g, values[0]),)``. It is
        written out as source, since a loop over the rules would take as long as the rules themselves.

        Parameters
        ----------
        wanted : tuple of (str, int or None)
            Names of operands; for an operand that is a sequence also the place in it.
        kept : tuple of str
            Names of the values that are kept.
        """
        calls = []
        for name, place in wanted:
            needed = "".join(f", values[{kept.index(need)}]" for need in self.wants[name])
            calls.append(f"of_{name}(g{needed})" + ("" if place is None else f"({place})"))
        scope = {f"of_{name}": rule for name, rule in self.rules.items()}
        source = f"lambda g, values: ({', '.join(calls)},)"
        return eval(compile(source, f"<derivatives of {self.name}>", "eval"), scope)

    def _kept(self, need: str, arguments: dict[str, Any], result: Any) -> Any:
        if need == "result":
            return Result(result.array, result.memory)
        if need in self.rules and isinstance(arguments[need], list | tuple):
            return list(arguments[need])  # the list itself is the user's, who may change it
        if need in arguments:
            # Tensors within an option, as in an index (i, j), are no operands: the rules get them as arrays.
            return plain(arguments[need]) if isinstance(arguments[need], tuple) else arguments[need]
        operand = arguments[need.removesuffix("_shape")]
        if isinstance(operand, list | tuple):
            return [np.shape(plain(item)) for item in operand]
        return np.shape(plain(operand))


def needs_of(rule: Rule) -> list[str]:
    """What a rule names after the cotangent."""
    return list(inspect.signature(rule).parameters)[1:]


def conjugated(pull: Rule) -> Rule:
    r"""The cotangents of operands as they are for a complex result.

    The gradient of a real :math:`L` for :math:`z = x + i y` is :math:`g_z = \partial L/\partial x + i\,\partial
    L/\partial y`, so that :math:`\mathrm dL = \mathrm{Re}(\bar g_z\,\mathrm dz)`. Of a holomorphic :math:`w = f(z)` it
    is :math:`\mathrm dL = \mathrm{Re}(\bar g_w f'(z)\,\mathrm dz)`, and so :math:`g_z = \overline{\bar g_w f'(z)}`. The
    rule is the formula :math:`g \mapsto g f'(z)` of real numbers; between two conjugations it is the complex one.

    A rule that reads neither an operand nor the result is left alone: it multiplies by real numbers, which conjugation
    does not change, or, as of a Fourier transform, gives :math:`g_z` as it is. So do the rules of real results, such as
    :math:`|z|`.
    """
    return lambda g, values: tuple([g.conj() for g in pull(g.conj(), values)])


def is_complex(operand: Any) -> bool:
    """Whether an array or number is complex."""
    if isinstance(operand, np.ndarray):
        return operand.dtype.kind == "c"
    return isinstance(operand, _COMPLEX)


_COMPLEX = (complex, np.complexfloating)


def refuse_complex(name: str, *operands: Any) -> None:
    """Say that an operation is not defined for complex numbers, if an operand is one."""
    for operand in operands:
        # is_complex, without a call for each.
        if operand.dtype.kind == "c" if isinstance(operand, np.ndarray) else isinstance(operand, _COMPLEX):
            raise DtypeError(
                f"{name}: not defined for complex numbers, got {described(operand)}; take .real, .imag or .abs() of them"
            )


def plain(argument: Any) -> Any:
    """An argument with every Tensor in it, also inside lists and tuples, replaced by its array."""
    if isinstance(argument, Tensor):
        return argument.array
    if isinstance(argument, list | tuple):
        items = [plain(item) for item in argument]
        if any(a is not b for a, b in zip(argument, items, strict=True)):
            return type(argument)(items)
    return argument


def needs_gradient(operand: Tensor) -> bool:
    """Whether an operand is tracked, once its history is up to date."""
    if operand.origin is not None:
        operand.renew_history()
    return operand.tracked


def elementwise(
    kernel: Callable,
    *,
    floating: bool = False,
    complex: bool = False,
    method: bool = True,
    domain: Mapping[str, tuple[float, float] | int] | None = None,
    **rules: Rule,
) -> Callable[[F], F]:
    r"""Make an operation of a kernel that works element by element, with broadcasting.

    Parameters
    ----------
    kernel : callable
        A ufunc, or a function of one or two arrays.
    floating : bool, default False
        Whether the result is a float also for integers, as for ``exp`` and ``/``.
    complex : bool, default False
        Whether operands may be complex.
    method : bool, default True
        Whether it is a method of Tensor as well, with an in-place twin ``name_`` if it has rules.
    domain : dict, optional
        For an operand that may not be any number: the bounds between which an example draws it, or n for integers
        below n.
    **rules : callable
        For each operand the formula of its cotangent before broadcasting is undone.

    Returns
    -------
    callable
        A decorator for a function whose signature and docstring are the operation's; its body is empty.
    """

    def decorate(function: F) -> F:
        op = Operation(function, rules, broadcasts=True, complex=complex)
        count = len(op.parameters)
        function.__doc__ = _with_parameters(function.__doc__ or "", op.parameters)
        call = (_unary if count == 1 else _binary)(op, kernel, floating)
        _publish(call, op, function, method, in_place=bool(rules))
        if isinstance(kernel, np.ufunc):
            ufuncs[kernel] = call
        announced_op = Announcement(op.name, "operation", call, differentiable=bool(rules))
        announced_op.examples.append(_elementwise_example(op.parameters, domain or {}))
        announce(announced_op)
        return call

    return decorate


def _with_parameters(doc: str, operands: tuple[str, ...]) -> str:
    """A docstring with the sections that read the same for every elementwise operation, before its examples."""
    # Python 3.13 strips the indentation by itself.
    text, _, examples = inspect.cleandoc(doc).partition("Examples\n")
    broadcast = "; the shapes broadcast" if len(operands) > 1 else ""
    return f"""{text}Parameters
----------
{", ".join(operands)} : Tensor, array or number
    Of any shape{broadcast}.

Returns
-------
Tensor
    An array or number, if no operand is a Tensor.

Examples
{examples}"""


def _elementwise_example(
    operands: tuple[str, ...], domain: Mapping[str, tuple[float, float] | int]
) -> Callable[..., Case]:
    def draw(operand: int, *shape: int) -> Drawn:
        bounds = domain.get(operands[operand], (-2.0, 2.0))
        if isinstance(bounds, int):
            return labels(*shape, classes=bounds)
        return real(*shape, low=bounds[0], high=bounds[1])

    def one(n: Size = 3, m: Size = 4) -> Case:
        return case(draw(0, n, m))

    def two(n: Size = 3, m: Size = 4, spread: Literal["none", "first", "second", "both"] = "second") -> Case:
        shapes = {"none": [(n, m), (n, m)], "first": [(m,), (n, m)], "second": [(n, m), (m,)], "both": [(n, 1), (1, m)]}
        a, b = shapes[spread]
        return case(draw(0, *a), draw(1, *b))

    return one if len(operands) == 1 else two


def _unary(op: Operation, kernel: Callable, floating: bool) -> Callable[..., Any]:
    (operand,) = op.parameters
    pull = op.pull(((operand, None),), op.needs) if op.rules else None
    keeps_operand, keeps_result = operand in op.needs, op.keeps_result
    if keeps_operand and keeps_result:
        raise TypeError(f"{op.name}: a rule needs the operand or the result, not both")
    only_floats = floating or _minds_complex(op)

    def call(input: Any) -> Any:
        if not isinstance(input, Tensor):
            return kernel(input)
        array = input.array
        if only_floats and array.dtype.kind != "f":
            if array.dtype.kind == "c":
                return _of_complex(op, kernel, input)
            if floating:
                array = array.astype(get_default_dtype())
        try:
            result = _wrap(kernel(array))
        except TypeError:
            raise DtypeError(f"{op.name}: not defined for {array.dtype} (shape {array.shape})") from None
        if pull and mode.enabled and (input.tracked if input.origin is None else needs_gradient(input)):
            kept = (input,) if keeps_operand else (Result(result.array),) if keeps_result else ()
            result.node = record(op, pull, (input.node or input,), kept, result.array)
            result.tracked = True
        return result

    return call


def _binary(op: Operation, kernel: Callable, floating: bool) -> Callable[..., Any]:
    first, second = op.parameters
    recorded = bool(op.rules)
    keeps_result = op.keeps_result
    only_floats = floating or _minds_complex(op)

    def plan(*wanted: str) -> tuple[Any, bool, bool]:
        """How the cotangents of these operands are pulled, and which of both operands that needs."""
        if not set(wanted) <= set(op.rules):
            return None, False, False
        needs = {need for name in wanted for need in op.wants[name]}
        kept = tuple(name for name in (first, second, "result") if name in needs or name == "result" and keeps_result)
        return op.pull(tuple((name, None) for name in wanted), kept), first in needs, second in needs

    plan_a, plan_b, plan_ab = plan(first), plan(second), plan(first, second)

    def call(input: Any, other: Any) -> Any:
        p = input.array if isinstance(input, Tensor) else input
        q = other.array if isinstance(other, Tensor) else other
        if p is input and q is other:
            return kernel(input, other)
        try:
            if type(q) is float and p.dtype.kind == "f":
                pass  # NumPy agrees: a Python number has no width
            elif (dtype := p.dtype) is not q.dtype or (only_floats and dtype.kind != "f"):
                p, q = _promoted(op.name, p, q, floating)
        except AttributeError:
            p, q = _promoted(op.name, p, q, floating)
        if p is None:
            return _of_complex(op, kernel, input, other)
        try:
            result = _wrap(kernel(p, q))
        except ValueError:
            raise ShapeError(f"{op.name}: shapes do not broadcast: {described(input)} and {described(other)}") from None
        except TypeError:
            raise DtypeError(f"{op.name}: not defined for {described(input)} and {described(other)}") from None
        if recorded and mode.enabled:
            wants_a = isinstance(input, Tensor) and (input.tracked if input.origin is None else needs_gradient(input))
            wants_b = isinstance(other, Tensor) and (other.tracked if other.origin is None else needs_gradient(other))
            parents: tuple[Any, ...]
            if wants_a and wants_b:
                (pull, keeps_a, keeps_b), parents = plan_ab, (input.node or input, other.node or other)
            elif wants_a:
                (pull, keeps_a, keeps_b), parents = plan_a, (input.node or input,)
            elif wants_b:
                (pull, keeps_a, keeps_b), parents = plan_b, (other.node or other,)
            else:
                return result
            kept: tuple
            if keeps_a:
                kept = (input, other) if keeps_b else (input,)
            else:
                kept = (other,) if keeps_b else ()
            if keeps_result:
                kept = (*kept, Result(result.array))
            result.node = record(op, pull, parents, kept, result.array)
            result.tracked = True
        return result

    return call


def _minds_complex(op: Operation) -> bool:
    """Whether complex operands are refused, or change the rules."""
    return not op.complex or op.keeps


def _promoted(name: str, p: Any, q: Any, floating: bool) -> tuple[Any, Any]:
    """Both operands in PyTorch's common type for them, Python numbers as they are where NumPy agrees; None if complex."""
    if not floating and type(p) is type(q) is np.ndarray and p.dtype is q.dtype and p.dtype.kind != "c":
        return p, q
    agree = "f" if floating else "fi"
    if type(q) is float and p.dtype.kind == "f" or type(q) is int and p.dtype.kind in agree:
        return p, q
    if type(p) is float and q.dtype.kind == "f" or type(p) is int and q.dtype.kind in agree:
        return p, q
    for operand in (p, q):
        if not isinstance(operand, np.ndarray | np.generic | int | float | complex):
            raise TypeError(f"{name}: expected a Tensor, an array or a number, got {type(operand).__name__}")
    dtype = result_type(p, q)
    if dtype.kind == "c":
        return None, None
    if floating and dtype.kind != "f":
        dtype = get_default_dtype()
    return np.asarray(p, dtype), np.asarray(q, dtype)


def _of_complex(op: Operation, kernel: Callable, *operands: Any) -> Tensor:
    """An elementwise operation one of whose operands is complex; apart, so that the others need not think of it."""
    arrays = [plain(operand) for operand in operands]
    if not op.complex:
        refuse_complex(op.name, *arrays)
    dtype = result_type(*arrays)
    arrays = [x if type(x) in (int, float, complex) else np.asarray(x, dtype) for x in arrays]
    try:
        result = _wrap(kernel(*arrays))
    except ValueError:
        shapes = " and ".join(described(operand) for operand in operands)
        raise ShapeError(f"{op.name}: shapes do not broadcast: {shapes}") from None
    if op.rules and mode.enabled:
        op.record(dict(zip(op.parameters, operands, strict=True)), result.array, result)
    return result


def described(operand: Any) -> str:
    """Shape and dtype of an operand, for messages."""
    array = plain(operand)
    return f"{array.shape} {array.dtype}" if isinstance(array, np.ndarray) else repr(array)


def operation(
    *,
    complex: bool = False,
    method: bool = True,
    view: bool = False,
    in_place: bool = False,
    step: bool = False,
    **rules: Rule,
) -> Callable[[F], F]:
    """Make an operation of a function on arrays.

    Parameters
    ----------
    complex : bool, default False
        Whether operands may be complex.
    method : bool, default True
        Whether it is a method of Tensor as well.
    view : bool, default False
        Whether the result may lie in the memory of the first operand.
    in_place : bool, default False
        Whether the method has a twin ``name_`` that overwrites its tensor.
    step : bool, default False
        Whether it is but a step of public operations: neither a method nor announced.
    **rules : callable
        The rule of each operand that has a derivative. Where the operand is a list of tensors, the rule gives a
        function from the place in the list to that tensor's cotangent.

    Returns
    -------
    callable
        A decorator for the function.
    """

    def decorate(function: F) -> F:
        op = Operation(function, rules, complex=complex)
        first = op.parameters[0]

        def call(*arguments: Any, **options: Any) -> Any:
            if options:
                options = op.renamed(options)
            operands = [plain(argument) for argument in arguments]
            named = {name: plain(option) for name, option in options.items()} if options else options
            if not complex:
                refuse_complex(op.name, *operands, *named.values())
            out = function(*operands, **named)
            if not _any_tensor(arguments, operands) and not _any_tensor(options.values(), named.values()):
                return out
            result = _wrap(out)
            if view or (rules and mode.enabled):
                given = {**op.defaults, **dict(zip(op.parameters, arguments, strict=False)), **options}
                x = given[first]
                if view and isinstance(x, Tensor) and _shares(result.array, x.array):
                    memory = result.memory = x.shared_memory()
                    if not mode.enabled:
                        result.origin = (x, None, (), {}, memory.rewired)
                    elif first in options:
                        result.origin = (x, call, (), {k: v for k, v in options.items() if k != first}, memory.rewired)
                    else:
                        result.origin = (x, call, arguments[1:], options, memory.rewired)
                if rules and mode.enabled and result.array.dtype.kind in "fc":
                    op.record(given, result.array, result)
            return result

        _publish(call, op, function, method and not step, in_place)
        if not step:
            announce(Announcement(op.name, "operation", call, differentiable=bool(rules)))
        return call

    return decorate


def composite(*, method: bool = True, differentiable: bool = True) -> Callable[[F], F]:
    """Make an operation of a formula in other operations; those are what is recorded, so it needs no rule.

    Parameters
    ----------
    method : bool, default True
        Whether it is a method of Tensor as well.
    differentiable : bool, default True
        Whether any gradient exists.

    Returns
    -------
    callable
        A decorator for the function.
    """

    def decorate(function: F) -> F:
        op = Operation(function, {})

        def call(*arguments: Any, **options: Any) -> Any:
            if options:
                options = op.renamed(options)
            return function(*arguments, **options)

        _publish(call, op, function, method, False)
        announce(Announcement(op.name, "operation", call, differentiable=differentiable))
        return call

    return decorate


def pair_of(call: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[np.ndarray, Callable]:
    """An operation on arrays together with its backward, from the operation's own rules.

    Parameters
    ----------
    call : operation
    *arguments, **options
        Arrays and plain options.

    Returns
    -------
    out : numpy.ndarray
    backward : callable
        From a cotangent of `out` to a tuple with one entry for each positional argument: its cotangent, as a function of
        nothing, or None where there is no rule.
    """
    op: Operation = call.operation  # type: ignore[attr-defined]
    out = np.asarray(call(*arguments, **options))
    given = {**op.defaults, **dict(zip(op.parameters, arguments, strict=False)), **options}
    values = [out if need == "result" else op._kept(need, given, out) for need in op.needs]

    def backward(g: np.ndarray) -> tuple[Any, ...]:
        names = op.parameters[: len(arguments)]
        return tuple(
            (lambda n=n: op.pull(((n, None),), op.needs)(g, values)[0]) if n in op.rules else None for n in names
        )

    return out, backward


def _any_tensor(given: Any, plained: Any) -> bool:
    # An argument that holds a Tensor is not itself after the Tensors in it were replaced.
    return any(a is not b for a, b in zip(given, plained, strict=True))


def _shares(out: np.ndarray, array: np.ndarray) -> bool:
    base = out.base
    return out is array or (
        base is not None and (base is array or base is array.base or np.may_share_memory(out, array))
    )


def example(call: Callable[..., Any]) -> Callable[[Callable[..., Case]], Callable[..., Case]]:
    """Attach an example to an announced operation; see :mod:`tinygrad_edu.announce`."""

    def attach(function: Callable[..., Case]) -> Callable[..., Case]:
        announced[call.operation.name].examples.append(function)  # type: ignore[attr-defined]
        return function

    return attach


def _publish(call: Any, op: Operation, function: Callable, method: bool, in_place: bool) -> None:
    functools.update_wrapper(call, function)
    call.operation = op
    if method:
        setattr(Tensor, function.__name__, call)
        if in_place:
            setattr(Tensor, op.name + "_", overwriting(call))


def methods(**functions: Callable[..., Any]) -> None:
    """Make functions methods of Tensor, or operators, under the names given."""
    for name, function in functions.items():
        setattr(Tensor, name, function)


# Overwriting


def overwriting(call: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place twin of an operation: a method that replaces its tensor's values, and its history."""

    @functools.wraps(call)
    def method(self: Tensor, *arguments: Any, **options: Any) -> Tensor:
        name = method.__name__
        require_writable(self, name)
        # The operation is recorded on what the tensor was before.
        before = _wrap(self.array)
        before.node, before.tracked, before.origin = self.node, self.tracked, self.origin
        before.memory = self.shared_memory()
        result = call(before, *arguments, **options)
        array = result.array
        if array.shape != self.array.shape:
            raise ShapeError(f"{name}: a tensor of shape {self.shape} cannot hold the result of shape {result.shape}")
        if _RANK[array.dtype.kind] > _RANK[self.array.dtype.kind]:
            raise DtypeError(f"{name}: a tensor of dtype {self.dtype} cannot hold the result of dtype {result.dtype}")
        node = result.node
        if node is not None:
            require_recorded(self, name)
            if any(kept is before for kept in node.kept):
                # A rule needs the old values, and they are in the way.
                before.array, before.memory, before.origin = self.array.copy(), None, None
                node.kept = tuple(before if kept is self else kept for kept in node.kept)
        self.array[...] = array
        self.written()
        if node is not None:
            rewire(self, node)
        return self

    method.__name__ = call.__name__ + "_"
    method.__doc__ = f"Replace the values by those of :func:`{call.__name__}`, and return the tensor itself."
    return method


def require_writable(x: Tensor, name: str) -> None:
    """Refuse an in-place operation where PyTorch does: on a leaf that is being recorded, and on repeated elements."""
    array = x.array
    repeated = array.size and any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True))
    if not array.flags.writeable or repeated:
        raise RuntimeError(
            f"{name}: several elements of this tensor share one place in memory, or its array is read-only "
            f"(shape {x.shape}, strides {x.stride()}). Write to a clone() instead."
        )
    if not mode.enabled:
        return
    if needs_gradient(x) and x.node is None:
        raise RuntimeError(
            f"{name}: this tensor is a leaf that requires grad, and an in-place operation would overwrite the very "
            "value that its gradient belongs to. Use an operation that makes a new tensor, or update under no_grad()."
        )
    if x.origin is None:
        return
    base = x
    while base.origin is not None:
        base = base.origin[0]
    if not base.tracked:
        return
    if base.node is None:
        raise RuntimeError(
            f"{name}: this tensor is a view of a leaf that requires grad, whose values an in-place operation would "
            "overwrite. Write to a clone(), or update under no_grad()."
        )
    require_recorded(x, name)


def require_recorded(x: Tensor, name: str) -> None:
    """Refuse to record a write through a view that was itself not recorded: its base would not learn of it."""
    while x.origin is not None:
        base, call, arguments = x.origin[:3]
        if call is None:
            raise RuntimeError(
                f"{name}: this tensor is {unrecorded(arguments)}, and the write is to be recorded. Take the view and "
                "write to it both inside no_grad() or both outside, or write to a clone()."
            )
        x = base


def rewire(x: Tensor, node: Node) -> None:
    r"""Give an overwritten tensor its new history, and every base of it that of an array with one part replaced.

    A base :math:`b` whose part :math:`P b` was overwritten by :math:`v` is :math:`P^\top v + (1 - P^\top P)\, b`.
    """
    keep_retained(x.node, node)
    x.node, x.tracked = node, True
    x.shared_memory().rewired = node.tick  # which is that of all its bases and their views
    while x.origin is not None:
        base, call, arguments, options, _ = x.origin
        take = functools.partial(_take, call, arguments, options)
        parents: tuple[Any, ...]
        pull: Callable[[Any, Any], tuple[Any, ...]]
        if base.tracked:
            parents = (node, base.node or base)
            pull = lambda g, values, take=take: (take(_row_major(g)), _outside(take, g))
        else:
            parents, pull = (node,), lambda g, values, take=take: (take(_row_major(g)),)
        node = record(_REPLACED, pull, parents, (), base.array)
        keep_retained(base.node, node)
        base.node, base.tracked = node, True
        x = base


def _take(call: Callable, arguments: tuple, options: dict, x: Any) -> Any:
    return call(x, *arguments, **options)


def _row_major(g: Any) -> Any:
    """A cotangent in an order of memory of which every view is one, as it was of the base."""
    return g.contiguous() if isinstance(g, Tensor) else np.asarray(g, order="C")


def _outside(take: Callable, g: Any) -> Any:
    """A cotangent without the part that a view takes: what was there before reaches the result nowhere else."""
    if isinstance(g, Tensor):
        rest = _row_major(g.clone())
        take(rest).zero_()
    else:
        rest = g.copy()  # in row-major order
        take(rest)[...] = 0
    return rest


def replaced(base: np.ndarray, part: np.ndarray) -> np.ndarray:  # pragma: no cover - a name for the node
    """An array after one part of it, held by a view, was overwritten."""
    return base


_REPLACED = Operation(replaced, {})
