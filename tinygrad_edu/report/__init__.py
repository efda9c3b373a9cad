"""The report: one HTML page that holds everything it shows."""

from tinygrad_edu.report.page import Guess, Page, render

__all__ = ["Guess", "Page", "render"]
