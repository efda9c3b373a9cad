"""Every public function and method that PyTorch has too stands in a table, with ordinary, edge and refused calls."""

import pytest

from tests.conformance.sample import public
from tests.conformance.test_tables import TABLES

KINDS = {"ordinary", "edge", "refused"}

# Those that lack a kind of row, and why; where something else tests them, what.
EXEMPT = {
    **dict.fromkeys(["load", "save"], "tests/io"),
    **dict.fromkeys(["seed", "manual_seed", "initial_seed", "get_rng_state", "set_rng_state"], "tests/test_random.py"),
    **dict.fromkeys(["get_default_dtype", "set_default_dtype"], "tests/test_dtypes.py"),
    **dict.fromkeys(["promote_types", "result_type"], "tests/conformance/test_promotion.py"),
    **dict.fromkeys(["is_anomaly_enabled", "is_anomaly_check_nan_enabled"], "tests/autograd"),
    **dict.fromkeys(
        ["Tensor.register_hook", "Tensor.register_post_accumulate_grad_hook"], "tests/autograd/test_hooks.py"
    ),
    **dict.fromkeys(["Tensor.backward", "Tensor.requires_grad_", "Tensor.retain_grad"], "tests/test_graph.py"),
    **dict.fromkeys(
        [
            *("angle", "complex", "conj", "imag", "is_complex", "isreal", "polar", "real", "sgn", "view_as_complex"),
            *("view_as_real", "Tensor.angle", "Tensor.cdouble", "Tensor.cfloat", "Tensor.conj", "Tensor.is_complex"),
            *("Tensor.isreal", "Tensor.sgn"),
        ],
        "tests/ops/test_complex.py",
    ),
    "vmap": "tests/func/test_vmap.py",
    "Tensor.cuda": "there is no GPU, and it is always refused",
}


@pytest.fixture(scope="module")
def kinds(torch):
    """The kinds of rows in which each name is called."""
    found = {name: set() for name in public(torch)}
    for row in (row for table in TABLES.values() for row in table):
        for form in row.forms(torch):
            found.setdefault(form.name, set()).add(row.kind)
    return found


def missing(names, kinds):
    """The kinds of rows that names lack."""
    return {name: sorted(KINDS - kinds[name]) for name in names if KINDS - kinds[name]}


def test_every_name_has_rows_of_all_kinds(torch, kinds):
    assert missing(public(torch).keys() - EXEMPT.keys(), kinds) == {}


def test_no_name_is_exempt_without_need(torch, kinds):
    assert missing(EXEMPT.keys() & public(torch).keys(), kinds).keys() == EXEMPT.keys()


def test_a_name_without_rows_is_noticed():
    kinds = {"add": {"ordinary", "edge", "refused", "differs"}, "newcomer": {"ordinary", "edge"}}
    assert missing(kinds, kinds) == {"newcomer": ["refused"]}
