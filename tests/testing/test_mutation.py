"""Mutation testing: the operators on small sources, a rule whose mistakes nothing notices, and a run over a few operations."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from tinygrad_edu import nn
from tinygrad_edu.announce import announced
from tinygrad_edu.cli.app import app
from tinygrad_edu.testing.mutation.operators import KINDS, mutations
from tinygrad_edu.testing.mutation.report import Equivalent, MutationReport, known_equivalents
from tinygrad_edu.testing.mutation.run import Mutant, Outcome, judged, mutants_of, mutate
from tinygrad_edu.testing.mutation.sites import Site, compiled, find_sites
from tinygrad_edu.testing.mutation.trials import Trial, trials_of

SCOPE = {
    "sin": np.sin,
    "cos": np.cos,
    "unbroadcast": np.sum,
    "xlogy": np.sum,
    "where": np.where,
    "ge": np.greater_equal,
}


def after(expression, kind):
    """What one kind of mistake makes of an expression."""
    (source,) = (f"lambda g, x, y: {expression}",)
    found = mutations(ast.parse(source, mode="eval").body, SCOPE | {"LN2": 0.69})
    return [m.shown([source])[1].removeprefix("lambda g, x, y: ") for m in found if m.kind == kind]


@pytest.mark.parametrize(
    ("before", "kind", "expected"),
    [
        ("-g", "sign", ["g"]),
        ("g - x", "sign", ["-(g - x)", "g + x"]),
        ("g * (2.0 * x)", "factor", ["g / (2.0 * x)", "g * (2.0 / x)", "g * (3.0 * x)"]),
        ("g * 0.5", "eighth digit", ["g * 0.50000005"]),
        ("g / LN2", "eighth digit", ["g / (LN2 * 1.0000001)"]),
        ("g * x", "dropped factor", ["g", "x"]),
        ("g - x", "dropped term", ["g", "-x"]),
        ("g / x", "swapped operands", ["x / g"]),
        ("g @ x.mT", "swapped operands", ["x.mT @ g"]),
        ("xlogy(g, x)", "swapped operands", ["xlogy(x, g)"]),
        ("g @ x.mT", "transposed", ["g @ x"]),
        ("g.sum(0)", "axis", ["g.sum(1)"]),
        ("g.sum(0)", "dropped sum", ["g"]),
        ("unbroadcast(g, x)", "dropped sum", ["g"]),
        ("g.sum(0, keepdims=True)", "keepdim", ["g.sum(0, keepdims=False)"]),
        ("g[1:]", "slice", ["g[2:]"]),
        ("g * (x > y)", "comparison", ["g * (x >= y)"]),
        ("ge(x, y)", "comparison", ["x > y"]),
        ("where(x, g, y)", "where", ["where(x, y, g)"]),
        ("g if x else y", "where", ["y if x else g"]),
        ("g * sin(x)", "other function", ["g * cos(x)"]),
    ],
)
def test_an_operator_changes_one_place(before, kind, expected):
    assert after(before, kind) == expected


def test_statements_lose_their_accumulation():
    source = 'def backward(dy):\n    """Text."""\n    dx[1:] += dy\n    raise ValueError(f"{1}")'
    (function,) = ast.parse(source).body
    found = {m.kind: m.shown(source.splitlines()) for m in mutations(function)}
    assert found["missing accumulation"] == ("dx[1:] += dy", "dx[1:] = dy")
    assert found["dropped statement"] == ("dx[1:] += dy", "pass")
    assert set(found) == {"missing accumulation", "dropped statement", "sign", "slice"}


def test_every_rule_and_backward_is_a_site_and_no_forward_is():
    sites = find_sites()
    names = {site.name for site in sites}
    assert {
        "rule of mul for a",
        "rule of mul for b",
        "Linear.by_hand",
        "_BatchNorm.by_hand",
        "max_pool_gradient",
    } <= names
    assert not names & {"max_pool", "convolve", "count", "_power"}
    linear = next(site for site in sites if site.name == "Linear.by_hand")
    assert [part.name for part in linear.parts] == ["backward"]
    # Of two lambdas in one line each is found by itself.
    mul = {site.name: ast.unparse(site.node) for site in sites if site.name.startswith("rule of mul ")}
    assert mul == {"rule of mul for a": "lambda g, b: g * b", "rule of mul for b": "lambda g, a: g * a"}


def test_a_mutant_changes_the_derivative_alone_and_is_taken_back():
    site = next(site for site in find_sites() if site.name == "Tanh.by_hand")
    mutant = next(m for m in mutants_of(site) if m.mutation.kind == "sign")
    x = np.array([0.5, -1.0])
    y, backward = nn.Tanh.by_hand(x)
    right = backward(np.ones(2))
    with mutant.installed():
        wrong_y, wrong = nn.Tanh.by_hand(x)
        assert not np.allclose(wrong(np.ones(2)), right)
    np.testing.assert_array_equal(wrong_y, y)
    np.testing.assert_array_equal(nn.Tanh.by_hand(x)[1](np.ones(2)), right)


def careless(g, x):
    return g * (2.0 * x)


def site_of_careless():
    lines = ["def careless(g, x):", "    return g * (2.0 * x)"]
    (node,) = ast.parse("\n".join(lines)).body
    return SimpleNamespace(
        name="careless", function=careless, node=node, parts=(node,), path=__file__, file="here", lines=lines
    )


def test_what_no_trial_notices_is_reported_with_its_line():
    blind = SimpleNamespace(failure=lambda: None)
    seeing = SimpleNamespace(failure=lambda: None if careless(1.0, 3.0) == 6.0 else ("torch", "differs"))
    mutant = next(m for m in mutants_of(site_of_careless()) if m.mutation.kind == "factor")
    survivor, killed = judged(mutant, [blind]), judged(mutant, [blind, seeing])
    assert (survivor.survived, killed.survived, killed.killed_by) == (True, False, "torch")
    assert careless(1.0, 3.0) == 6.0
    report = MutationReport([survivor, killed], [])
    assert not report.ok and report.survivors == [survivor]
    assert (survivor.line, survivor.before, survivor.after) == (2, "return g * (2.0 * x)", "return g / (2.0 * x)")


def test_errors_and_endless_loops_kill(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.testing.mutation.run.LIMIT", 0.05)

    def endless():
        while True:
            pass

    mutant = next(mutants_of(site_of_careless()))
    assert judged(mutant, [SimpleNamespace(failure=endless)]).killed_by == "time"
    assert judged(mutant, [SimpleNamespace(failure=lambda: 1 / 0)]).killed_by == "error"
    assert judged(mutant, []).detail == "no trial reaches it"


def test_known_equivalents_do_not_count_but_are_listed():
    outcome = Outcome("rule of f for x", "f.py", 3, "factor", "a[0] * 1.0", "a[0] * 2.0", "", "")
    known = Equivalent("rule of f for x", "a[0] * 1.0", "a[0] * *", "it is multiplied by 0")
    report = MutationReport([outcome], [known])
    assert report.ok and report.equivalent == [outcome]
    assert not MutationReport([outcome], [Equivalent("rule of g for x", "*", "*", "another's")]).ok


@pytest.fixture(scope="module")
def every_mutant():
    return [
        Outcome(site.name, site.file, 0, mutant.mutation.kind, *mutant.mutation.shown(site.lines), "", "")
        for site in find_sites()
        for mutant in mutants_of(site)
    ]


def test_every_known_equivalent_has_a_reason_and_a_mutant_that_is_there(every_mutant):
    of_site = {}
    for mutant in every_mutant:
        of_site.setdefault(mutant.site, []).append(mutant)
    for known in known_equivalents():
        assert known.reason and any(known.covers(mutant) for mutant in of_site.get(known.site, [])), known


def test_every_operator_is_described_and_makes_mutants(every_mutant):
    assert {mutant.kind for mutant in every_mutant} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_an_operator_is_what_it_does(kind):
    _, before, after = (text.strip("`") for text in KINDS[kind])
    source = f"f({before})" if "=" in before and " " not in before else before
    if source.endswith(":"):
        source += " pass"
    (tree,) = ast.parse(f"def f(g, x, y):\n  {source}\n  return g").body
    found = mutations(tree, SCOPE | {"exp": np.exp, "cos": np.cos, "zeros": np.zeros})
    changes = [m.shown(["", f"  {source}"])[1] for m in found if m.kind == kind and m.old.lineno == 2]
    assert any((after if after != "nothing" else "pass") in change for change in changes), changes


def test_trials_that_the_library_does_not_pass_are_named(monkeypatch):
    dropped = []
    monkeypatch.setattr(Trial, "failure", lambda trial: ("torch", "differs"))
    assert not list(trials_of(announced["Tanh"], dropped=dropped))
    assert dropped and {(d.name, d.form, d.other, d.detail) for d in dropped} == {
        ("Tanh", "by hand", "torch", "differs")
    }
    assert not all(d.finite for d in dropped) and any(d.finite for d in dropped)
    report = MutationReport([], [], dropped)
    assert report.groups() == [("by hand", "torch", dropped)]
    assert len(report.as_json()["dropped"]) == len(dropped)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(report)
    assert f"{len(dropped)} trials that the library as it is does not pass" in capture.get()


def test_closed_forms_hold_for_every_element_however_small(monkeypatch):
    softmax = [trial for trial in trials_of(announced["Softmax"]) if trial.form == "closed form"]
    assert [trial.failure() for trial in softmax] == [None]
    (right,) = softmax[0].expected.values()
    right["x"] = right["x"] * [[1.0, 1.0, 1 + 1e-8]]
    assert softmax[0].failure()[0] == "closed form"


def test_complex_corners_are_held_against_torch(torch):
    trials = [trial for trial in trials_of(announced["pow"]) if trial.form == "complex"]
    given = [trial for trial in trials if any(np.iscomplexobj(x) for x in trial.subject.inputs)]
    assert len(given) == 4


def test_the_page_shows_all_operators_and_arguments():
    page = (Path(__file__).parents[2] / "docs" / "mutation.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    operators = {row[0]: tuple(row[1:4]) for row in rows if len(row) == 8 and row[0] in KINDS}
    assert operators == KINDS
    made, wrong, raised, equivalent = next(tuple(map(int, row[4:])) for row in rows if row[0] == "**all**")
    assert made == wrong + raised + equivalent
    arguments = {row[1]: int(row[0]) for row in rows if len(row) == 3 and row[0].isdecimal()}
    assert arguments.keys() == {known.reason for known in known_equivalents()}
    assert sum(arguments.values()) == equivalent


def test_all_mutants_of_a_few_operations_are_killed():
    names = ["mul", "exp", "sin", "softmax", "Tanh", "MSELoss"]
    outcomes = mutate(names)
    report = MutationReport(outcomes, known_equivalents())
    assert len(outcomes) > 40
    assert report.ok, report.survivors


def test_a_limit_draws_the_same_mutants_again():
    once, again = (mutate(["Tanh"], limit=5, seed=3) for _ in range(2))
    assert len(once) == 5 and once == again


def test_unmutated_trials_hold_and_note_what_they_run():
    trials = list(trials_of(announced["Tanh"]))
    assert {trial.form for trial in trials} == {"by hand", "60 digits", "float32"}
    assert all(trial.failure() is None for trial in trials)
    assert nn.Tanh.by_hand.__code__ in trials[0].reached


def test_compiled_code_is_that_of_the_source():
    site = next(site for site in find_sites() if site.name == "rule of mul for a")
    assert compiled(site.node, site.path).co_code == site.function.__code__.co_code
    assert isinstance(site, Site) and Mutant(site, None).site is site


def test_the_command_tells_and_writes(tmp_path):
    path = tmp_path / "mutants.json"
    result = CliRunner().invoke(app, ["mutate", "sin", "--json", str(path)])
    assert result.exit_code == 0, result.output
    assert "none survived" in result.output
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["mutants"] == found["killed"] == len(found["outcomes"]) > 3
