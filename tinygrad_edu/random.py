"""Random tensors, from a generator that a seed makes repeatable.

The numbers are NumPy's (PCG64), not PyTorch's: the same seed repeats a run of this library, it does not reproduce a run
of PyTorch.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.device import device as Device
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.creation import float_dtype, new, shape_of
from tinygrad_edu.ops.inplace import write
from tinygrad_edu.ops.operation import methods, plain, require_writable
from tinygrad_edu.tensor import Tensor, _wrap

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]


class Generator:
    """A source of random numbers with a state of its own.

    Parameters
    ----------
    device : optional
        Accepted for PyTorch programs; must be the CPU.

    Attributes
    ----------
    numpy : numpy.random.Generator
        What draws the numbers, for code that works on arrays.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> g = tg.Generator().manual_seed(0)
    >>> a = tg.rand(3, generator=g)
    >>> b = tg.rand(3, generator=g.manual_seed(0))
    >>> tg.equal(a, b)
    True
    """

    def __init__(self, device: Any = None) -> None:
        if device is not None:
            Device(device)
        self.seed()

    def manual_seed(self, seed: int) -> Generator:
        """Start again from a seed, and return the generator itself.

        Parameters
        ----------
        seed : int
            From -2^63 to 2^64 - 1; a negative one means seed + 2^64.

        Returns
        -------
        Generator
        """
        if not isinstance(seed, int | np.integer) or not -(2**63) <= seed < 2**64:
            raise RuntimeError(f"manual_seed: expected an int from -2**63 to 2**64 - 1, got {seed!r}")
        self._seed = int(seed) % 2**64
        self.numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self

    def seed(self) -> int:
        """Start from a seed that the operating system draws.

        Returns
        -------
        int
            The seed.
        """
        self.manual_seed(secrets.randbits(64))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the generator last started from.

        Returns
        -------
        int
        """
        return self._seed

    def get_state(self) -> Tensor:
        """The state, from which :meth:`set_state` goes on with the same numbers.

        Returns
        -------
        Tensor
            The bytes, of dtype uint8.
        """
        state = self.numpy.bit_generator.state
        numbers = (state["state"]["state"], state["state"]["inc"], self._seed, state["has_uint32"], state["uinteger"])
        return _wrap(np.frombuffer(b"".join(n.to_bytes(16, "little") for n in numbers), np.uint8).copy())

    def set_state(self, state: Tensor) -> Generator:
        """Go on from a state that :meth:`get_state` gave.

        Parameters
        ----------
        state : Tensor
            80 bytes, of dtype uint8.

        Returns
        -------
        Generator
            The generator itself.
        """
        data = np.asarray(plain(state))
        if data.dtype != np.uint8 or data.shape != (80,):
            raise RuntimeError(f"set_state: expected the 80 bytes of get_state, got {data.shape} {data.dtype}")
        value, increment, seed, has_uint32, uinteger = (
            int.from_bytes(data[i : i + 16].tobytes(), "little") for i in range(0, 80, 16)
        )
        bits = np.random.PCG64()
        bits.state = {
            "bit_generator": "PCG64",
            "state": {"state": value, "inc": increment},
            "has_uint32": has_uint32,
            "uinteger": uinteger,
        }
        self._seed, self.numpy = seed, np.random.Generator(bits)
        return self

    def __getstate__(self) -> np.ndarray:
        return self.get_state().array

    def __setstate__(self, state: np.ndarray) -> None:
        self.set_state(_wrap(state))


default_generator = Generator()
"""What every random function draws from unless it is given another generator."""


def manual_seed(seed: int) -> Generator:
    """Start the default generator from a seed.

    Parameters
    ----------
    seed : int

    Returns
    -------
    Generator
        The default generator.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> a = tg.manual_seed(0) and tg.randn(2)
    >>> b = tg.manual_seed(0) and tg.randn(2)
    >>> tg.equal(a, b)
    True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator from a seed that the operating system draws.

    Returns
    -------
    int
        The seed.
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator last started from.

    Returns
    -------
    int
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator.

    Returns
    -------
    Tensor
        Bytes, of dtype uint8.
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Set the default generator to a state that :func:`get_rng_state` gave.

    Parameters
    ----------
    new_state : Tensor
    """
    default_generator.set_state(new_state)


def _source(name: str, generator: Generator | None) -> np.random.Generator:
    if generator is None:
        return default_generator.numpy
    if not isinstance(generator, Generator):
        raise TypeError(f"{name}: expected a tinygrad_edu Generator, got {type(generator).__name__}")
    return generator.numpy


def _require_float(name: str, dtype: np.dtype) -> np.dtype:
    if dtype.kind != "f":
        raise DtypeError(f"{name}: random numbers of this kind are floats, got dtype {dtype}")
    return dtype


def _uniform(source: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Numbers in [0, 1), drawn in the dtype itself: one rounded down from float64 could come out as 1."""
    if dtype == np.float16:
        return (source.integers(0, 2**11, shape) * 2.0**-11).astype(dtype)
    return np.asarray(source.random(shape, dtype))


def _normal(source: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    if dtype == np.float16:
        return np.asarray(source.standard_normal(shape, np.float32), dtype)
    return np.asarray(source.standard_normal(shape, dtype))


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn uniformly from [0, 1).

    Parameters
    ----------
    *size : ints, or one tuple of ints
        The shape.
    generator : Generator, optional
        The default generator if omitted.
    dtype : numpy.dtype, optional
        A float type; the default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on the tensor are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.rand(2, 3).shape
    (2, 3)
    """
    shape, dtype = shape_of("rand", size), _require_float("rand", float_dtype(dtype))
    return new(_uniform(_source("rand", generator), shape, dtype), None, device, requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn from the standard normal distribution, of mean 0 and variance 1.

    Parameters
    ----------
    *size : ints, or one tuple of ints
        The shape.
    generator : Generator, optional
        The default generator if omitted.
    dtype : numpy.dtype, optional
        A float type; the default float type if omitted.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on the tensor are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.randn(2, 3).shape
    (2, 3)
    """
    shape, dtype = shape_of("randn", size), _require_float("randn", float_dtype(dtype))
    return new(_normal(_source("randn", generator), shape, dtype), None, device, requires_grad)


def randint(
    low: Any = None,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = dtypes.int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers drawn uniformly from low, ..., high - 1; ``randint(high, size)`` starts at 0.

    Parameters
    ----------
    low : int, optional
        The least of them, 0 if omitted.
    high : int
        One more than the largest.
    size : tuple of ints
        The shape.
    generator : Generator, optional
        The default generator if omitted.
    dtype : numpy.dtype, default int64
        A float type gives whole floats.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on the tensor are recorded.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If there is no integer between the bounds.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.randint(1, 7, (100,))
    >>> bool(((x >= 1) & (x <= 6)).all())
    True
    """
    if size is None and isinstance(high, tuple | list):
        size, high = high, None
    if high is None:
        low, high = None, low
    if high is None:
        raise TypeError("randint: expected the bound high")
    low = 0 if low is None else low
    shape = shape_of("randint", (size,))
    if not low < high:
        raise ShapeError(f"randint: low must be less than high, got {low} and {high}")
    return new(_source("randint", generator).integers(low, high, shape), dtype, device, requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = dtypes.int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers 0, ..., n - 1 in random order.

    Parameters
    ----------
    n : int
    generator : Generator, optional
        The default generator if omitted.
    dtype : numpy.dtype, default int64
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on the tensor are recorded.

    Returns
    -------
    Tensor
        Of shape (n,).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.randperm(5).sum()
    tensor(10)
    """
    (n,) = shape_of("randperm", (n,))
    return new(_source("randperm", generator).permutation(n), dtype, device, requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn uniformly from [0, 1), in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
    generator : Generator, optional
        The default generator if omitted.
    dtype : numpy.dtype, optional
        Another float type.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on the tensor are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.rand_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    dtype = input.dtype if dtype is None else dtype
    return rand(input.shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn from the standard normal distribution, in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
    generator : Generator, optional
        The default generator if omitted.
    dtype : numpy.dtype, optional
        Another float type.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on the tensor are recorded.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.randn_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    dtype = input.dtype if dtype is None else dtype
    return randn(input.shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad)


def randint_like(
    input: Tensor, low: Any = None, high: int | None = None, *, generator: Generator | None = None, dtype: Any = None
) -> Tensor:
    """Integers drawn uniformly from low, ..., high - 1, in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
    low : int, optional
        The least of them, 0 if omitted; the bound where `high` is omitted.
    high : int, optional
        One more than the largest.
    generator : Generator, optional
        The default generator if omitted.
    dtype : numpy.dtype, optional
        Another type.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.randint_like(tg.zeros(2, 3), 5).shape
    (2, 3)
    """
    return randint(low, high, input.shape, generator=generator, dtype=input.dtype if dtype is None else dtype)


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    r"""Numbers drawn from normal distributions, :math:`\mu + \sigma z` with standard normal :math:`z`.

    Parameters
    ----------
    mean, std : number or Tensor
        Of each element where they are tensors, with broadcasting.
    size : tuple of ints, optional
        The shape, where both are numbers.
    generator : Generator, optional
        The default generator if omitted.
    dtype : numpy.dtype, optional
        A float type; if omitted that of the tensors, or the default float type.
    device : optional
        Accepted for PyTorch programs; must be the CPU.
    requires_grad : bool, default False
        Whether operations on the tensor are recorded. The numbers are drawn, not computed: no gradient reaches `mean`
        and `std`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.normal(5.0, 0.1, (2, 3)).shape
    (2, 3)
    """
    mu, sigma = plain(mean), plain(std)
    if size is None:
        try:
            shape = np.broadcast_shapes(np.shape(mu), np.shape(sigma))
        except ValueError:
            raise ShapeError(f"normal: mean {np.shape(mu)} and std {np.shape(sigma)} do not broadcast") from None
        if dtype is None and not (isinstance(mu, int | float) and isinstance(sigma, int | float)):
            dtype = dtypes.result_type(mu, sigma)
    else:
        shape = shape_of("normal", (size,))
    dtype = _require_float("normal", float_dtype(dtype))
    if np.any(np.less(sigma, 0)):
        raise ShapeError(f"normal: std cannot be negative, got {np.min(sigma)}")
    z = _normal(_source("normal", generator), shape, dtype)
    return new(np.asarray(mu + sigma * z, dtype), None, device, requires_grad)


def bernoulli(input: Any, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    r"""Ones with the probabilities that a tensor gives, else zeros; no gradient.

    Parameters
    ----------
    input : Tensor
        The probabilities, floats in [0, 1].
    p : float, optional
        One probability for all in their place; `input` then gives the shape and dtype.
    generator : Generator, optional
        The default generator if omitted.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    RuntimeError
        If a probability is not in [0, 1].

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.bernoulli(tg.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    probability: Any = input.array if p is None else p
    if p is None:
        _require_float("bernoulli", input.dtype)
    if np.any(np.less(probability, 0) | np.greater(probability, 1)):
        raise ShapeError("bernoulli: every probability must lie in [0, 1]")
    source = _source("bernoulli", generator)
    return _wrap(np.asarray(source.random(input.shape) < probability, input.dtype))


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    r"""Indices drawn with probabilities in proportion to the weights of each row.

    Without replacement, each of a row's draws is proportional among the indices not yet drawn. It is made at once: with
    :math:`e_i` drawn from the exponential distribution, the order of the :math:`e_i / w_i` is such a sequence of draws.

    Parameters
    ----------
    input : Tensor
        Weights :math:`w`, shape (n,) or (rows, n), not negative; they need not sum to 1.
    num_samples : int
        How many to draw from each row.
    replacement : bool, default False
        Whether an index can be drawn again.
    generator : Generator, optional
        The default generator if omitted.

    Returns
    -------
    Tensor
        Of shape (num_samples,) or (rows, num_samples) and dtype int64.

    Raises
    ------
    RuntimeError
        If a weight is negative or not finite, if a row has none, or too few for draws without replacement.

    References
    ----------
    Efraimidis and Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters 97 (2006).

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.multinomial(tg.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    weights = np.asarray(input.array, np.float64)
    if input.dtype.kind != "f" or weights.ndim not in (1, 2) or num_samples < 1:
        raise ShapeError(
            "multinomial: expected float weights of shape (n,) or (rows, n) and at least one sample, got shape "
            f"{input.shape} {input.dtype} and num_samples {num_samples}"
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or (weights.sum(-1) <= 0).any():
        raise ShapeError("multinomial: weights must be finite and not negative, with a sum above 0 in each row")
    possible = np.count_nonzero(weights, -1)
    if not replacement and np.min(possible, initial=num_samples) < num_samples:
        raise ShapeError(
            f"multinomial: {num_samples} samples without replacement need as many weights above 0, a row has "
            f"{possible.min()}"
        )
    source = _source("multinomial", generator)
    if replacement:
        sums = np.cumsum(weights, -1)
        u = source.random((*weights.shape[:-1], num_samples)) * sums[..., -1:]
        return _wrap(np.sum(sums[..., None, :] <= u[..., None], -1))
    with np.errstate(divide="ignore"):  # a weight of 0 comes last, at infinity
        order = source.standard_exponential(weights.shape) / weights
    return _wrap(np.argsort(order, -1)[..., :num_samples])


# In place, as methods


def _filling(name: str, draw: Any) -> Any:
    def method(self: Tensor, *arguments: Any, generator: Generator | None = None, **options: Any) -> Tensor:
        require_writable(self, name)  # before the generator moves on
        return write(self, (Ellipsis,), draw(self, _source(name, generator), *arguments, **options), name)

    method.__name__ = name
    method.__doc__ = draw.__doc__
    return method


def _uniform_(
    x: Tensor, source: np.random.Generator, from_: float = 0.0, to: float = 1.0, **named: float
) -> np.ndarray:
    """Overwrite with numbers drawn uniformly between two bounds."""
    low, high = named.pop("from", from_), to
    if not 0 <= high - low < np.inf:
        raise ValueError(f"uniform_: the bounds are finite and in order, got {low} and {high}")
    return low + (high - low) * _uniform(source, x.shape, _require_float("uniform_", x.dtype))


def _normal_(x: Tensor, source: np.random.Generator, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    """Overwrite with numbers drawn from a normal distribution."""
    if std < 0:
        raise ValueError(f"normal_: std is not negative, got {std}")
    return mean + std * _normal(source, x.shape, _require_float("normal_", x.dtype))


def _bernoulli_(x: Tensor, source: np.random.Generator, p: Any = 0.5) -> np.ndarray:
    """Overwrite with ones at a probability, else zeros."""
    if np.any(np.less(plain(p), 0) | np.greater(plain(p), 1)):
        raise ValueError(f"bernoulli_: every probability lies in [0, 1], got {p}")
    return source.random(x.shape) < plain(p)


methods(uniform_=_filling("uniform_", _uniform_), normal_=_filling("normal_", _normal_))
methods(bernoulli_=_filling("bernoulli_", _bernoulli_), bernoulli=bernoulli, multinomial=multinomial)
