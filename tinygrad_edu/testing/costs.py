"""What is said of a derivative's cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tinygrad_edu.testing.costed import Form

__all__ = ["Cost", "Seconds"]


class Seconds(NamedTuple):
    """A median with its quartiles."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{1e6 * self.median:.3g} µs ({1e6 * self.low:.3g} to {1e6 * self.high:.3g})"


@dataclass(frozen=True)
class Cost:
    """What :func:`cost` found.

    Attributes
    ----------
    name : str
    form : {'pair', 'by hand', 'graph', 'torch'}
    inputs : int
        Bytes of the inputs, without a layer's parameters.
    elements : int
        Of the inputs.
    forward, backward : Seconds
    kept : int or None
        Bytes of arrays that the backward holds beside its arguments and parameters, once the result is let go. None for
        PyTorch's, whose memory Python does not see.
    forward_peak, backward_peak : int or None
        Bytes allocated at most while each runs, beyond what was there before.
    """

    name: str
    form: Form
    inputs: int
    elements: int
    forward: Seconds
    backward: Seconds
    kept: int | None
    forward_peak: int | None
    backward_peak: int | None

    @property
    def ratio(self) -> float:
        """The backward's time by the forward's."""
        return self.backward.median / self.forward.median

    def per_element(self, what: int) -> float:
        """Bytes by the number of elements of the inputs."""
        return what / max(1, self.elements)

    def __str__(self) -> str:
        head = f"{self.name} ({self.form})"
        times = f"forward {self.forward}, backward {self.backward}: {self.ratio:.2g} times the forward"
        if self.kept is None or self.forward_peak is None or self.backward_peak is None:
            return f"{head}: {times}; bytes not measured, as Python does not see PyTorch's memory"
        kept, forward, backward = (self._bytes(n) for n in (self.kept, self.forward_peak, self.backward_peak))
        return f"{head}: {times}; keeps {kept}; at most {forward} in the forward and {backward} in the backward"

    def _bytes(self, n: int) -> str:
        return f"{n:,} bytes ({n / max(1, self.inputs):.3g} times the inputs, {self.per_element(n):.3g} an element)"
