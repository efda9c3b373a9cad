"""The Tensor: an array that remembers how it was made.

The class here holds what a Tensor *is*: its array, its place in the graph, its gradient, and ``backward``. What can be
done with it (arithmetic, reductions, indexing and so on) is attached by the operations themselves; see
:mod:`tinygrad_edu.ops`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.device import device
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.grad_mode import set_grad_enabled
from tinygrad_edu.graph import Handle, Hooks, Memory, Node, Result, Value, sweep

__all__ = ["Tensor", "as_tensor", "from_numpy", "tensor"]

_KINDS = "biufc"

# Two threads may sweep at once, and reach one leaf, or take the first views of one tensor. A finaliser may do so, too.
_sharing = threading.RLock()


class Tensor(Value):
    r"""A NumPy array with a recorded history and a gradient.

    Every operation on a Tensor that requires a gradient is recorded. ``y.backward()`` then walks the record backwards
    and leaves :math:`\partial y / \partial x` in ``x.grad`` for every leaf :math:`x`.

    The constructor follows ``torch.Tensor``: it copies, and gives the default float type whatever `data` holds. To keep
    the type of the data use :func:`tensor`.

    Parameters
    ----------
    *data : array_like, or ints
        The values; or the sizes of an uninitialised tensor, as in ``Tensor(2, 3)``.
    dtype : numpy.dtype, optional
        Type of the elements; the default float type (float32) if omitted.
    requires_grad : bool, default False
        Whether operations on this tensor are recorded.

    Attributes
    ----------
    array : numpy.ndarray
        The values themselves, not a copy.
    grad : Tensor or None
        The accumulated gradient, of the same shape and dtype, once a backward has reached this leaf.
    node : Node or None
        The operation that made this tensor; None for a leaf.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y
    tensor(14., grad_fn=<sum>)
    >>> y.backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ("__weakref__", "_grad", "after", "hooks", "origin", "tracked")
    _grad: Tensor | None
    # Those of a leaf; unset where there are none, so that making a tensor costs nothing more.
    hooks: Hooks
    after: dict[int, Callable[[Tensor], None]]
    tracked: bool
    # For a view: the tensor it was taken from, the call that takes it again with its arguments and options (None for a
    # view taken under no_grad), and when the history that it shows was written.
    origin: tuple[Tensor, Any, tuple, dict, int] | None

    def __init__(self, *data: Any, dtype: Any = None, requires_grad: bool = False) -> None:
        dtype = dtypes.get_default_dtype() if dtype is None else np.dtype(dtype)
        if data and all(type(size) is int for size in data):
            array = np.zeros(data, dtype)
        else:
            array = _converted(data[0] if data else [], dtype, "Tensor")
        self.array = array
        self.node = None
        self.memory = None
        self._grad = None
        self.origin = None
        self.tracked = False
        if requires_grad:
            self.requires_grad = True

    # What it is

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.array.ndim

    def dim(self) -> int:
        """Number of dimensions."""
        return self.array.ndim

    def size(self, dim: int | None = None) -> Any:
        """Shape as a tuple, or the length of one dimension."""
        return self.array.shape if dim is None else self.array.shape[dim]

    def numel(self) -> int:
        """Number of elements."""
        return self.array.size

    nelement = numel

    def stride(self) -> tuple[int, ...]:
        """Steps between neighbours along each dimension, in elements."""
        return tuple(step // self.array.itemsize for step in self.array.strides)

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory in row-major order."""
        return self.array.flags.c_contiguous

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    def is_floating_point(self) -> bool:
        """Whether the elements are real floats; a gradient exists for these and for complex numbers."""
        return self.array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.array.dtype.kind == "c"

    @property
    def device(self) -> device:
        """Where the values lie: always the CPU."""
        return device("cpu")

    @property
    def is_cuda(self) -> bool:
        """Always False: the values lie in main memory."""
        return False

    # Its place in the graph

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded.

        Set it on a leaf of a float or complex type. A result has it when one of its operands had.
        """
        if self.origin is not None:
            self.renew_history()
        return self.tracked

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and self.array.dtype.kind not in "fc":
            raise DtypeError(
                f"requires_grad: only float and complex tensors can have a gradient, this one is {self.array.dtype}"
            )
        if self.node is not None and not wanted:
            raise RuntimeError(
                f"requires_grad: this tensor is the result of {self.node.name()!r}, and only a leaf's flag can be "
                "changed. Use detach() for a tensor without history."
            )
        self.tracked = bool(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set :attr:`requires_grad` and return the tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor, under PyTorch's name."""
        if self.origin is not None:
            self.renew_history()
        return self.node

    def renew_history(self) -> None:
        """For a view: take it again, if a recorded write has given its base a new history since.

        Raises
        ------
        RuntimeError
            If the view was taken under ``no_grad``: nobody can say whether it is meant to have a history.
        """
        if self.origin is None or self.memory.rewired <= self.origin[-1]:  # type: ignore[union-attr]
            return
        views: list[Tensor] = []
        view = self
        while view.origin is not None:
            views.append(view)
            view = view.origin[0]
        for view in reversed(views):
            base, call, arguments, options, seen = view.origin  # type: ignore[misc]
            now = view.memory.rewired  # type: ignore[union-attr]
            if not base.tracked or now <= seen:
                continue
            if call is None:
                raise RuntimeError(
                    f"This tensor is {unrecorded(arguments)}, and its base was overwritten in a recorded operation since. "
                    "Take the view and write to its base both inside no_grad() or both outside, or write to a clone()."
                )
            with set_grad_enabled(True):
                node = call(base, *arguments, **options).node
            keep_retained(view.node, node)
            view.node = node
            view.tracked = True
            view.origin = (base, call, arguments, options, now)

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient, or None before the first backward."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
            if value is self:
                raise RuntimeError("grad: a tensor cannot be its own gradient; assign a clone()")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise ShapeError(
                    f"grad: the gradient of a tensor of shape {self.shape} {self.dtype} has the same shape and dtype, "
                    f"got {value.shape} {value.dtype}"
                )
        self._grad = value

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        r"""Add to the ``grad`` of every leaf :math:`x` the product :math:`g^\top \partial y / \partial x`.

        The gradient of a real loss for a complex leaf :math:`z` is :math:`\partial L / \partial \mathrm{Re}\,z + i\,
        \partial L / \partial \mathrm{Im}\,z`, the direction of steepest ascent.

        Parameters
        ----------
        gradient : Tensor or array_like, optional
            The cotangent :math:`g`, of this tensor's shape. May be omitted for a single real element, where it is 1.
        retain_graph : bool, optional
            Whether the graph can be swept again; `create_graph` if omitted.
        create_graph : bool, default False
            Whether the gradients are themselves recorded, so that they can be differentiated again.

        Raises
        ------
        RuntimeError
            If nothing was recorded; if `gradient` is missing or of another shape; if the graph was swept before; if a
            value that a derivative needs was overwritten. No gradient has changed then.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
        >>> (x**3).backward(tg.tensor([1.0, 10.0]))
        >>> x.grad
        tensor([  3., 120.])
        """
        if not self.requires_grad:
            raise RuntimeError(
                "backward: this tensor has no history (it does not require grad and has no grad_fn). Was it made under "
                "no_grad, detached, or computed from NumPy arrays or from tensors without requires_grad=True?"
            )
        seed = self._cotangent(gradient)
        retain = create_graph if retain_graph is None else retain_graph
        if create_graph:
            totals = sweep([(self.node or self, seed)], retain, _revived)
        else:
            totals = sweep([(self.node or self, seed.array)], retain)
        taken: set[int] = {id(seed.array)}
        for leaf, total in totals.items():
            leaf._accumulate(total, taken)

    def _cotangent(self, gradient: Any) -> Tensor:
        if gradient is None:
            if self.array.size != 1:
                raise RuntimeError(
                    "backward: a gradient can be implied only for a single element, this tensor has shape "
                    f"{self.shape}. Reduce it first, as with .sum(), or pass gradient= of that shape."
                )
            if self.is_complex():
                raise DtypeError(
                    "backward: grad can be implicitly created only for real scalar outputs, this one is "
                    f"{self.dtype}. Take .abs(), .real or the like, or pass gradient=."
                )
            return _wrap(np.ones_like(self.array))
        gradient = as_tensor(gradient)
        if gradient.shape != self.shape:
            raise ShapeError(f"backward: expected a gradient of shape {self.shape}, got {gradient.shape}")
        if gradient.dtype != self.dtype:
            if gradient.array.dtype.kind != self.array.dtype.kind:
                raise DtypeError(f"backward: expected a gradient of dtype {self.dtype}, got {gradient.dtype}")
            return gradient.astype(self.dtype)
        return gradient

    def _accumulate(self, total: Any, taken: set[int]) -> None:
        if not self.tracked:
            return  # it was, when it was read
        with _sharing:
            self._add(total, taken)
        for function in list(getattr(self, "after", {}).values()):
            function(self)

    def _add(self, total: Any, taken: set[int]) -> None:
        if isinstance(total, Tensor):
            self._grad = total if self._grad is None else self._grad + total
        elif (grad := self._grad) is not None and not grad.tracked and grad.array.flags.writeable:
            grad.array += total
            grad.written()
        elif grad is not None:
            self._grad = grad.detach() + _wrap(total)
        else:
            total = np.asarray(total)
            # A gradient is the leaf's own memory: not the caller's cotangent, not another leaf's gradient, no view.
            if total.base is not None or id(total) in taken or not total.flags.writeable:
                total = total.copy()
            taken.add(id(total))
            self._grad = _wrap(total)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call a function with this tensor's cotangent in each backward; it may return another to go on with.

        Parameters
        ----------
        hook : callable
            ``hook(grad)`` gives None, or a Tensor of the same shape and dtype. It must not write to its argument.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away again.

        Raises
        ------
        RuntimeError
            If this tensor does not require a gradient.

        Notes
        -----
        Hooks run in the order in which they were registered, those of a leaf before its ``grad`` is added to, also in
        :func:`autograd.grad`. A result's hook belongs to its value at this time: an in-place operation later on does
        not move it.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = tg.tensor([1.0, -2.0], requires_grad=True)
        >>> h = x * x
        >>> handle = h.register_hook(lambda grad: grad.clamp(max=1))
        >>> (10 * h).sum().backward()
        >>> x.grad
        tensor([ 2., -4.])
        """
        return self._own_hooks("register_hook").add(_on_tensors(hook))

    def _own_hooks(self, name: str) -> Hooks:
        if not self.requires_grad:
            raise RuntimeError(f"{name}: this tensor of shape {self.shape} does not require grad, so it never gets one")
        holder: Any = self.node or self
        if getattr(holder, "hooks", None) is None:
            holder.hooks = Hooks()
        return holder.hooks

    def retain_grad(self) -> None:
        """Let a backward add to the ``grad`` of this result too, as it does for leaves.

        Raises
        ------
        RuntimeError
            If this tensor does not require a gradient.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = tg.tensor(3.0, requires_grad=True)
        >>> h = x * x
        >>> h.retain_grad()
        >>> (2 * h).backward()
        >>> h.grad
        tensor(2.)
        """
        hooks = self._own_hooks("retain_grad")
        if self.node is None:
            return
        itself = weakref.ref(self)  # the node must not hold its own result

        def retain(total: Any) -> None:
            result = itself()
            if result is not None:
                result._accumulate(total if isinstance(total, Tensor) else np.array(total), set())

        hooks.retain = retain

    @property
    def retains_grad(self) -> bool:
        """Whether :meth:`retain_grad` was called on this result."""
        return self.node is not None and self.node.hooks is not None and self.node.hooks.retain is not None

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call a function with this leaf itself each time its ``grad`` was added to.

        Parameters
        ----------
        hook : callable
            ``hook(leaf)``; it may use up the gradient, as an optimizer does.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away again.

        Raises
        ------
        RuntimeError
            If this tensor is no leaf that requires a gradient.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = tg.tensor(3.0, requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda leaf: print("grad is", leaf.grad.item()))
        >>> (x * x).backward()
        grad is 6.0
        """
        if not self.requires_grad or self.node is not None:
            raise RuntimeError("register_post_accumulate_grad_hook: this tensor is no leaf that requires grad")
        if not hasattr(self, "after"):
            self.after = {}
        handle = Handle(self.after)
        self.after[handle.id] = hook
        return handle

    def detach(self) -> Tensor:
        """The same values in the same memory, without the history."""
        twin = _wrap(self.array)
        twin.memory = self.shared_memory()
        return twin

    def detach_(self) -> Tensor:
        """Forget the history, in place.

        Raises
        ------
        RuntimeError
            If this tensor is a view, whose base would not learn of it.
        """
        if self.origin is not None:
            raise RuntimeError("detach_: this tensor is a view, and its base keeps its history; use detach() instead")
        self.node = None
        self.tracked = False
        self.origin = None
        return self

    @property
    def data(self) -> Tensor:
        """The same values without the history; writing to them is not seen by the checks of a later backward."""
        return _wrap(self.array)

    @data.setter
    def data(self, value: Any) -> None:
        array = as_tensor(value).array
        if array.dtype != self.array.dtype and self.tracked and array.dtype.kind not in "fc":
            raise DtypeError(f"data: a tensor that requires grad holds floats or complex numbers, got {array.dtype}")
        self.array = array
        self.memory = Memory()
        self.memory.write()

    def shared_memory(self) -> Memory:
        """The record of writes to this tensor's memory, made on first use and shared by its views."""
        if self.memory is None:
            with _sharing:
                self._make_memory()
        return self.memory  # type: ignore[return-value]

    def _make_memory(self) -> None:
        if self.memory is not None:
            return
        kept = () if self.node is None else self.node.kept
        of_result = next((value for value in kept if isinstance(value, Result)), None)
        # A node that keeps these values must hear of writes.
        memory = Memory() if of_result is None or of_result.memory is None else of_result.memory
        if of_result is not None:
            of_result.memory = memory
        self.memory = memory

    def written(self) -> None:
        """Note that the values were overwritten, so that a backward that still needs the old ones says so."""
        self.shared_memory().write()

    # Out of the library

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The array itself, sharing memory with the tensor.

        Parameters
        ----------
        force : bool, default False
            Detach first where a gradient is required.

        Raises
        ------
        RuntimeError
            If the tensor requires a gradient, since whatever is done to the array is not recorded.

        Notes
        -----
        Arrays have no record of writes. If a backward still needs the values, and the array is overwritten before, the
        backward computes with the new ones and cannot know, as in PyTorch; take ``.numpy().copy()`` to write to.
        """
        if self.tracked and not force:
            raise RuntimeError("numpy: this tensor requires grad and arrays record nothing; use .detach().numpy()")
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The only element as a Python number.

        Raises
        ------
        RuntimeError
            If there is not exactly one element.
        """
        if self.array.size != 1:
            raise ShapeError(f"item: expected a tensor with one element, this one has shape {self.shape}")
        return self.array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self.array.tolist()

    def cpu(self) -> Tensor:
        """The tensor itself: its values lie in main memory already."""
        return self

    def cuda(self, device: Any = None) -> Tensor:
        """Refused: this library computes on the CPU."""
        raise RuntimeError("cuda: tinygrad_edu computes on the CPU; ask cuda.is_available() before moving a tensor")

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "biu":
            raise TypeError(f"only an integer tensor can serve as an index, this one is {self.dtype}")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ShapeError(
                f"the truth of a tensor with {self.array.size} elements (shape {self.shape}) is ambiguous; "
                "use .any() or .all()"
            )
        return bool(self.array.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a tensor without dimensions")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a tensor without dimensions")
        return (self[i] for i in range(len(self.array)))

    def __contains__(self, value: Any) -> bool:
        return bool((self.array == (value.array if isinstance(value, Tensor) else value)).any())

    # Equality is elementwise, so that a tensor's identity is all there is to hash.
    __hash__ = object.__hash__

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.array.ndim == 0 and spec else format(repr(self), spec)

    def __repr__(self) -> str:
        body = np.array2string(self.array, separator=", ", precision=4, prefix="tensor(", threshold=1000)
        notes = [body]
        default = dtypes.get_default_dtype()
        implied = (default, dtypes.complex_of(default), dtypes.int64, dtypes.bool)
        if self.array.dtype not in implied or self.array.size == 0:
            notes.append(f"dtype={self.array.dtype}")
        if self.node is not None:
            notes.append(f"grad_fn=<{self.node.name()}>")
        elif self.tracked:
            notes.append("requires_grad=True")
        return f"tensor({', '.join(notes)})"

    def __deepcopy__(self, memo: dict) -> Tensor:
        if self.node is not None:
            raise RuntimeError("deepcopy: only a leaf can be copied with its flags; use clone() or detach() first")
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        _fill(twin, self.array.copy(), self.tracked)
        twin._grad = None if self._grad is None else self._grad.detach().clone()
        return twin

    def __reduce__(self) -> tuple:
        if self.node is not None:
            raise RuntimeError("pickle: a history cannot be stored; store x.detach() instead")
        return _rebuilt, (type(self), self.array, self.tracked)

    if TYPE_CHECKING:
        # Operations attach themselves as methods; a checker learns of the operators here and takes the rest on trust.
        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...


def _fill(result: Tensor, array: np.ndarray, tracked: bool) -> Tensor:
    result.array = array
    result.node = None
    result.memory = None
    result._grad = None
    result.origin = None
    result.tracked = tracked
    return result


def _wrap(array: Any) -> Tensor:
    """A Tensor around an array (or a NumPy scalar), without copying and without history."""
    result = _new(Tensor)
    # Spelled out: this is the innermost line of every operation.
    result.array = array if type(array) is np.ndarray else np.asarray(array)
    result.node = None
    result.memory = None
    result._grad = None
    result.origin = None
    result.tracked = False
    return result


_new = object.__new__


def unrecorded(arguments: tuple) -> str:
    """What a view is that knows no call to take it again."""
    if arguments:
        return f"a view that {arguments[0]} has returned of its argument"
    return "a view that was taken under no_grad()"


def keep_retained(before: Node | None, now: Node | None) -> None:
    """Let ``retain_grad`` stay with a tensor that was overwritten; hooks stay with the value they were registered on."""
    if before is None or now is None or before.hooks is None or before.hooks.retain is None:
        return
    if now.hooks is None:
        now.hooks = Hooks()
    now.hooks.retain, before.hooks.retain = before.hooks.retain, None


def _on_tensors(hook: Callable[[Tensor], Tensor | None]) -> Callable[[Any], Any]:
    """A tensor's hook as a function of the cotangents of a sweep, which are arrays unless they are recorded."""

    def call(cotangent: Any) -> Any:
        recorded = isinstance(cotangent, Tensor)
        given = cotangent if recorded else _wrap(cotangent)
        returned = hook(given)
        if returned is None:
            returned = given
        name = getattr(hook, "__name__", type(hook).__name__)
        if not isinstance(returned, Tensor):
            raise TypeError(f"hook {name!r}: expected a Tensor or None back, got {type(returned).__name__}")
        if returned.shape != given.shape or returned.dtype != given.dtype:
            raise ShapeError(
                f"hook {name!r}: the gradient has shape {given.shape} {given.dtype}, the one returned has "
                f"{returned.shape} {returned.dtype}"
            )
        # A view, so that a leaf's grad gets memory of its own: the hook may have kept what it saw or returned.
        return returned if recorded else returned.array[...]

    return call


def _revived(array: np.ndarray, node: Node) -> Tensor:
    """A Tensor for the result that a node keeps, with that node as its history."""
    result = _wrap(array)
    result.node = node
    result.tracked = True
    return result


def _rebuilt(kind: type[Tensor], array: np.ndarray, tracked: bool) -> Tensor:
    return _fill(_new(kind), array, tracked)


def _converted(data: Any, dtype: np.dtype | None, name: str) -> np.ndarray:
    """A new array with the values of `data`, in PyTorch's type for them."""
    if isinstance(data, Tensor):
        data = data.array
    if not isinstance(data, np.ndarray | np.generic):
        # Nested lists may hold tensors, which NumPy would take apart element by element.
        data = _plain(data)
        try:
            array = np.array(data)
        except ValueError as error:
            raise ValueError(
                f"{name}: the nested lists are ragged or hold something that is no number: {error}"
            ) from None
        if dtype is None and array.dtype.kind in "fc":
            # Python's floats have no width of their own; NumPy's, and arrays, keep theirs.
            default = dtypes.get_default_dtype()
            dtype = default if array.dtype.kind == "f" else dtypes.complex_of(default)
        data = array
    if np.asarray(data).dtype.kind not in _KINDS:
        raise TypeError(
            f"{name}: expected numbers or booleans, got {type(data).__name__} of dtype {np.asarray(data).dtype}"
        )
    if dtype is not None and dtype.kind != "c" and np.asarray(data).dtype.kind == "c":
        raise DtypeError(f"{name}: complex numbers have no {dtype}; ask for a complex dtype, or take .real or .imag")
    return np.array(data, dtype=dtype)


def _plain(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.array
    if isinstance(data, list | tuple):
        return [_plain(item) for item in data]
    return data


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a tensor from numbers, nested lists or an array; the values are copied.

    Parameters
    ----------
    data : array_like
        Arrays keep their dtype; Python floats get the default float type, complex numbers the complex type of its
        width, ints int64, bools bool.
    dtype : numpy.dtype, optional
        Another type for the elements.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on it are recorded.

    Returns
    -------
    Tensor
        A leaf.

    Raises
    ------
    ValueError
        If nested lists are ragged.
    TypeError
        If `data` holds something that is no number.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> tg.tensor(0.5, requires_grad=True)
    tensor(0.5, requires_grad=True)
    """
    _require_cpu(device)
    result = _wrap(_converted(data, None if dtype is None else np.dtype(dtype), "tensor"))
    if requires_grad:
        result.requires_grad = True
    return result


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares its memory with an array.

    Parameters
    ----------
    array : numpy.ndarray
        Of bools, integers, floats or complex numbers.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If it is no such array.

    Examples
    --------
    >>> import numpy as np, tinygrad_edu as tg
    >>> a = np.zeros(2)
    >>> x = tg.from_numpy(a)
    >>> a[0] = 7
    >>> x
    tensor([7., 0.], dtype=float64)
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in _KINDS:
        raise TypeError(
            "from_numpy: expected a numpy array of bools, integers, floats or complex numbers, got "
            + (f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__)
        )
    return _wrap(np.asarray(array))


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor: a Tensor itself, an array without copying, anything else as :func:`tensor` does.

    Parameters
    ----------
    data : Tensor or array_like
    dtype : numpy.dtype, optional
        Convert to this type where it is another.
    device : optional
        Accepted for PyTorch programs; must be the CPU.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import numpy as np, tinygrad_edu as tg
    >>> tg.as_tensor(np.arange(3.0))
    tensor([0., 1., 2.], dtype=float64)
    """
    _require_cpu(device)
    if isinstance(data, Tensor):
        return data if dtype is None or data.dtype == np.dtype(dtype) else data.astype(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == np.dtype(dtype)):
        return from_numpy(data)
    return tensor(data, dtype=dtype)


def _require_cpu(where: Any) -> None:
    if where is not None:
        device(where)
