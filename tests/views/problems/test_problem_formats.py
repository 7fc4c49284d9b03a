"""What other programs read of problems: annotations of GitHub, SARIF."""

from __future__ import annotations

import json

from exarp.errors import Place, Problem, Related
from exarp.views.problems.github import workflow_commands
from exarp.views.problems.sarif import sarif

EDGE = Place("exarp.toml", 7, 1, 5, "needs = []")
PROBLEMS = [
    Problem("unknown-key", "100% wrong:\x1b[31m 'é'", Place("a,b:c.toml", 12, 1, 4, "need = 1"), "do\nthis"),
    Problem("cycle", "a → a", EDGE, related=(Related(EDGE, "a needs a"),), severity="doubt"),
    Problem("no-manifest", "there is none"),
]


def in_folder(file: str) -> str:
    return f"sub/{file}"


def test_an_annotation_keeps_its_line_and_its_fields_apart() -> None:
    first, second, third = workflow_commands(PROBLEMS, in_folder).splitlines()
    assert first.startswith("::error file=sub/a%2Cb%3Ac.toml,line=12,col=1,endColumn=5,title=exarp%3A unknown-key::")
    assert first.endswith("::100%25 wrong:\\x1b[31m 'é' (unknown-key)%0Ado%0Athis")
    assert second.startswith("::warning file=sub/exarp.toml,line=7,col=1,")
    assert third == "::error title=exarp%3A no-manifest::there is none (no-manifest)"


def test_sarif_has_a_rule_for_each_slug_and_a_result_for_each_problem() -> None:
    document = json.loads(sarif(PROBLEMS, in_folder))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == ["unknown-key", "cycle", "no-manifest"]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "sub/a%2Cb%3Ac.toml"
    assert place["region"] == {"startLine": 12, "startColumn": 1, "endColumn": 5, "snippet": {"text": "need = 1"}}
    assert run["results"][1]["relatedLocations"][0]["message"]["text"] == "a needs a"
    assert run["results"][2]["locations"] == []
