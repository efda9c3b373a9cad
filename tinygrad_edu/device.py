"""The one device there is, so that programs which ask for a device get a truthful answer."""

from __future__ import annotations

from typing import Any

__all__ = ["cuda", "device"]


class device:
    """Where values lie. Only ``device("cpu")`` exists.

    Parameters
    ----------
    type : str or device
        ``"cpu"``.

    Raises
    ------
    RuntimeError
        For any other device.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> tg.device("cuda" if tg.cuda.is_available() else "cpu")
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        name = str(getattr(type, "type", type)).partition(":")[0]
        if name != "cpu":
            raise RuntimeError(
                f"device: tinygrad_edu computes on the CPU, got {type!r}; programs ask cuda.is_available() first"
            )
        self.type = name
        self.index = index

    def __repr__(self) -> str:
        return f"device(type='{self.type}')"

    def __str__(self) -> str:
        return self.type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.type == other.type

    def __hash__(self) -> int:
        return hash(self.type)


class cuda:
    """What programs ask about GPUs, answered truthfully: there is none."""

    @staticmethod
    def is_available() -> bool:
        """Whether a GPU can be used: no."""
        return False

    @staticmethod
    def device_count() -> int:
        """Number of GPUs: 0."""
        return 0

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        """Seed the generators of all GPUs: there are none."""

    manual_seed = manual_seed_all
