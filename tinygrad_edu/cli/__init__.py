"""The command ``tinygrad-edu``."""

from __future__ import annotations

import sys

from tinygrad_edu.cli.app import app
from tinygrad_edu.cli.console import UserError, show_error

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line: mistakes of the user's end with a sentence and exit status 1, never with a traceback."""
    try:
        app(prog_name="tinygrad-edu")
    except UserError as error:
        show_error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        show_error("stopped.")
        sys.exit(130)
