"""Errors that are at once what Python's and what PyTorch's users catch."""

from __future__ import annotations

__all__ = ["DtypeError", "MissingExtraError", "ShapeError"]


class ShapeError(ValueError, RuntimeError):
    """Shapes that do not fit: a ValueError by Python's conventions, a RuntimeError by PyTorch's."""


class DtypeError(TypeError, RuntimeError):
    """An element type that the operation cannot take: a TypeError by Python's conventions, a RuntimeError by PyTorch's."""


class MissingExtraError(ImportError):
    """An optional package is needed and absent; the message names the extra that installs it."""
