"""``docs/errors.md`` has a heading for each slug that the package can print, and for no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import exarp
from exarp.app.check import check, is_doubt
from exarp.app.opening.limits import CONFIG
from exarp.model.verdict import Reason, ReasonCode
from exarp.store.state_folder import StateFolder

PACKAGE = Path(exarp.__file__).parent
DOCS = PACKAGE.parent / "docs/errors.md"
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

# Calls whose first argument is a slug. `add` and `twice` are methods that make a Problem of it.
MAKERS = {"Problem", "VariableFault", "ScriptFault", "add", "twice", "remark"}
RECEIVERS = {"self", "fields", "self.fields", "self._fields"}
# First arguments that carry a slug from elsewhere: from one of the calls above, or a code of the contract.
CARRIED = {"slug", "fault.slug", "reason.code"}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in MAKERS:
                yield node


def slugs_of(call: ast.Call) -> set[str]:
    """The words that can be the call's slug."""
    first = call.args[0]
    values = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
    return {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def makes_a_problem(call: ast.Call) -> bool:
    """``self.add("slug", "message", …)``, and not the ``add`` of a set or an index, which takes one thing."""
    return not isinstance(call.func, ast.Attribute) or (
        ast.unparse(call.func.value) in RECEIVERS and len(call.args) + len(call.keywords) > 1
    )


def printed_slugs() -> set[str]:
    found = {code for code in get_args(ReasonCode) if is_doubt(Reason(code))}
    for path in PACKAGE.rglob("*.py"):
        for call in calls(ast.parse(path.read_text())):
            if makes_a_problem(call):
                found |= slugs_of(call)
    return found


def headings() -> list[str]:
    return re.findall(r"^## `(.*)`$", DOCS.read_text(), re.MULTILINE)


def sections() -> dict[str, str]:
    parts = re.split(r"^## `(.*)`$", DOCS.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_each_slug_has_its_heading_and_each_heading_its_slug() -> None:
    assert set(headings()) == printed_slugs()


def test_no_slug_hides_from_this_test() -> None:
    hidden = []
    for path in PACKAGE.rglob("*.py"):
        for call in calls(ast.parse(path.read_text())):
            if makes_a_problem(call) and not slugs_of(call) and ast.unparse(call.args[0]) not in CARRIED:
                hidden.append(f"{path.relative_to(PACKAGE)}:{call.lineno}: {ast.unparse(call)[:80]}")
    assert hidden == []


def test_slugs_are_words_with_hyphens() -> None:
    assert [slug for slug in printed_slugs() if not SLUG.fullmatch(slug)] == []


def test_headings_are_in_alphabetical_order_and_stand_once() -> None:
    assert headings() == sorted(set(headings()))


@pytest.mark.parametrize("slug", [slug for slug, text in sections().items() if re.search("```(toml|yaml)", text)])
def test_the_example_brings_the_problem_about(slug: str, tmp_path: Path) -> None:
    ((notation, example),) = re.findall(r"```(toml|yaml)\n(.*?)```", sections()[slug], re.DOTALL)
    path = tmp_path / f"exarp.{notation}"
    path.write_text(example)
    assert {problem.slug for problem in check(str(tmp_path), str(path))} == {slug}


def test_files_of_the_state_folder_are_named_as_they_are() -> None:
    named = set(re.findall(r"\.exarp/([\w.-]*\w)", DOCS.read_text()))
    folder = StateFolder("")
    assert named <= {Path(path).name for path in (folder.database, folder.running, folder.logs, CONFIG)}
    assert "store.db" in named


def test_each_section_says_what_it_means_shows_an_example_and_how_to_mend_it() -> None:
    short = [
        slug
        for slug, text in sections().items()
        if "```" not in text or "**Mend it**" not in text or len(text.split("```")[0].strip()) < 20
    ]
    assert short == []
