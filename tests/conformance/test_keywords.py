"""Arguments have PyTorch's names: a call of the tables with every argument named is the same call."""

import inspect
import re
from dataclasses import replace

import pytest

from tests.conformance.sample import public
from tests.conformance.test_tables import TABLES

# What PyTorch calls these arguments, and they are not called here.
EXCEPTIONS = {
    "heaviside": "values",
    "split": "tensor",
    "std_mean": "unbiased",
    "tensor_split": "sections|indices",
    "var_mean": "unbiased",
}


def calls():
    """The ordinary calls of functions in the tables, by name: one for each number of positional arguments."""
    found = {}
    for row in (row for table in TABLES.values() for row in table):
        if (
            row.kind == "ordinary"
            and row.arguments
            and isinstance(row.name, str)
            and not row.name.startswith("Tensor.")
        ):
            found.setdefault(row.name, {}).setdefault((len(row.arguments), *row.options), row)
    return {name: list(rows.values()) for name, rows in found.items()}


CALLS = calls()


def signatures(torch, name):
    """The lists of argument names under which PyTorch can be called."""
    try:
        return [list(inspect.signature(public(torch)[name].theirs).parameters)]
    except ValueError:
        pass  # it is built in
    prefix, _, own = name.rpartition(".")
    registered = own if prefix in ("", "F") else f"{prefix}_{own}"
    schemas = torch._C._jit_get_schemas_for_operator(f"aten::{registered}")
    named = [["input" if x.name == "self" else x.name for x in schema.arguments] for schema in schemas]
    return [names for names in named if names[:1] != ["a"]]  # those of Python numbers, in compiled programs


@pytest.mark.filterwarnings("ignore::UserWarning")  # which are PyTorch's
@pytest.mark.parametrize("name", CALLS)
def test_every_argument_can_be_named_as_in_torch(torch, name):
    if name not in public(torch):
        return
    form = replace(public(torch)[name], main=True)
    for row in CALLS[name]:
        for names in signatures(torch, name):
            names = names[: len(row.arguments)]
            if len(names) < len(row.arguments) or set(names) & row.options.keys():
                continue
            named = replace(row, arguments=(), options={**dict(zip(names, row.arguments, strict=True)), **row.options})
            if named.refuses(torch, form):
                continue
            if re.search(EXCEPTIONS.get(name, "$^"), " ".join(names)):
                with pytest.raises(TypeError, match=EXCEPTIONS[name]):
                    named.check_form(torch, form)
            else:
                named.check_form(torch, form)
