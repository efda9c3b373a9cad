"""Every row of every table in this folder."""

import importlib
from pathlib import Path

import pytest

from tests.conformance.sample import parameters

NAMES = sorted(path.stem.removeprefix("table_") for path in Path(__file__).parent.glob("table_*.py"))
TABLES = {name: importlib.import_module(f"tests.conformance.table_{name}").TABLE for name in NAMES}


@pytest.mark.filterwarnings("ignore::UserWarning")  # which are PyTorch's
@pytest.mark.parametrize("row", parameters(**TABLES))
def test_row(torch, row):
    row.check(torch)
