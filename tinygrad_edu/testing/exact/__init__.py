"""Sixty-digit arithmetic over unchanged NumPy code: tells a wrong formula from rounding."""

from tinygrad_edu.testing.exact.array import ExactArray, exact
from tinygrad_edu.testing.exact.check import ExactError, Verdict, check_pair
from tinygrad_edu.testing.exact.number import Dual, Inexact, precision

__all__ = ["Dual", "ExactArray", "ExactError", "Inexact", "Verdict", "check_pair", "exact", "precision"]
