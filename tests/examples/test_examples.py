"""The examples do what their files say."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Workspace

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / request.param, folder, ignore=shutil.ignore_patterns(".exarp", "build", "dist"))
    (folder / ".git").mkdir()
    return Workspace(folder)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
@pytest.mark.parametrize("example", ["c-program"], indirect=True)
def test_c_program(example: Workspace) -> None:
    def ran() -> set[str]:
        result = example.exarp("run", "--json")
        assert result.code == 0
        return {task["task"] for task in result.json["tasks"] if task["outcome"] == "passed"}

    assert ran() == {"version", "area", "perimeter", "main", "lib", "link", "check"}
    assert ran() == set()
    header = example.path / "include/shape.h"
    header.touch()
    assert ran() == set()
    header.write_text(header.read_text().replace("#endif", "/* a comment */\n#endif"))
    # The objects come out equal, so nothing behind them runs.
    assert ran() == {"area", "perimeter", "main"}
    example.write("VERSION", "1.5.0\n")
    example.write("expected.txt", "shapes 1.5.0: area 12, perimeter 14\n")
    assert ran() == {"version", "main", "link", "check"}


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
@pytest.mark.parametrize("example", ["c-calculator"], indirect=True)
def test_c_calculator(example: Workspace) -> None:
    def ran() -> set[str]:
        result = example.exarp("run", "--json")
        assert result.code == 0, result.err
        return {task["task"] for task in result.json["tasks"] if task["outcome"] == "passed"}

    sources = {str(path.relative_to(example.path)) for path in example.path.glob("src/**/*.c")}
    assert len(sources) == 40
    assert len(example.read("exarp.toml").splitlines()) < 30
    assert ran() == {*(f"cc@{source}" for source in sources), "calc", "check"}
    assert ran() == set()
    example.write("include/calc.h", example.read("include/calc.h") + "/* a comment */\n")
    # The objects come out equal, so nothing behind them runs.
    assert ran() == {"cc@src/main.c", "cc@src/table.c", "cc@src/evaluate.c"}
    example.write("src/ops/avg.c", example.read("src/ops/avg.c").replace("(a + b) / 2", "a / 2 + b / 2"))
    assert ran() == {"cc@src/ops/avg.c", "calc", "check"}
    (example.path / "src/ops/avg.c").unlink()
    example.write("include/ops.def", example.read("include/ops.def").replace("OP(avg)\n", ""))
    # Only the table tells of operations that are gone by other code.
    assert {"cc@src/table.c", "calc"} <= ran()


@pytest.mark.parametrize("example", ["python-package"], indirect=True)
def test_python_package(example: Workspace) -> None:
    first = example.exarp("run", "wheel")
    assert first.code == 0, first.err + first.out
    assert [path.suffix for path in (example.path / "dist").iterdir()] == [".whl"]
    assert example.exarp("run", "wheel").err == "up to date (5 tasks)\n"
    example.write("src/textstat/extra.py", "import os\n")
    broken = example.exarp("run", "wheel", "--json").json
    outcomes = {task["task"]: task["outcome"] for task in broken["tasks"]}
    assert outcomes == {"lint": "failed", "types": "passed", "test": "passed", "check": "blocked", "wheel": "blocked"}


@pytest.mark.parametrize("example", ["python-package"], indirect=True)
def test_python_package_takes_arguments_and_a_version(example: Workspace) -> None:
    assert "1 passed" in example.exarp("t", "--", "-k", "counted").out
    nothing = example.exarp("t", "--", "-k", "no such test")
    assert nothing.err.endswith("again: exarp run test -- -k 'no such test'\n")
    unsaid = example.exarp("release")
    assert (unsaid.code, "exarp run release version=…" in unsaid.err) == (2, True)
    wrong = example.exarp("release", "version=0.1.0", "to=liv")
    assert (wrong.code, "did you mean 'live'?" in wrong.err) == (2, True)
    released = example.exarp("release", "version=0.1.0", "to=live", "--exclude", "check")
    assert released.out.splitlines()[-1] == "released 0.1.0 to live"
    assert example.exists("index/live/textstat_example-0.1.0-py3-none-any.whl")
    assert example.exarp("release", "version=0.2.0", "--exclude", "check").code == 1


@pytest.mark.parametrize("example", ["data-pipeline"], indirect=True)
def test_data_pipeline(example: Workspace) -> None:
    def ran(*words: str) -> set[str]:
        result = example.exarp("run", "--json", *words)
        assert result.code == 0, result.err
        return {task["task"] for task in result.json["tasks"] if task["outcome"] == "passed"}

    regions, steps = ("north", "south", "east"), ("fetch", "clean", "totals")
    assert ran() == {*(f"{step}@{region}" for step in steps for region in regions), "report"}
    assert example.read("build/report.txt").split() == ["desk", "290", "chair", "155", "lamp", "78"]
    assert ran() == set()
    orders = example.read("shop/south.csv")
    example.write("shop/south.csv", orders + "2026-03-05,mug,200\n")
    assert ran() == {"fetch@south", "clean@south", "totals@south", "report"}
    assert example.read("build/report.txt").startswith("desk          290\nmug           212\n")
    # What is cleaned away changes nothing behind it.
    example.write("shop/east.csv", example.read("shop/east.csv") + "2026-03-05,lamp,\n")
    assert ran() == {"fetch@east", "clean@east"}
    assert ran("report", "top=1") == {"report"}
    assert example.read("build/report.txt") == "desk          290\n"
    assert example.exarp("why-not", "clean@south", "clean@east").code == 1
    assert example.exarp("why-not", "clean@south", "clean@north").code == 0
    assert "no errors, no doubts" in example.exarp("check").out


@pytest.mark.parametrize("example", ["feature-waves"], indirect=True)
def test_feature_waves(example: Workspace) -> None:
    plan = example.exarp("plan", "--json").json
    verdicts = {tuple(verdict["between"]): verdict for verdict in plan["verdicts"] if verdict["kind"] == "waves"}
    assert verdicts["backend", "frontend"]["verdict"] == "upheld"
    refused = verdicts["backend", "docs"]
    assert (refused["marked"], refused["verdict"], refused["runs"]) == (True, "refuted", "sequential")
    assert refused["reasons"][0] == {
        "code": "write-write",
        "tasks": ["api", "changelog"],
        "path": "build/CHANGES.md",
        "evidence": "declared",
    }
    assert "marked parallel with backend, but runs after it: both change build/CHANGES.md" in example.exarp("plan").out

    result = example.exarp("run", "--events", "events")
    assert result.code == 0
    seen = [json.loads(line) for line in example.read("events").splitlines()]
    times = {
        (event["name"], event["type"]): event["time"] for event in seen if event["type"] in ("wave_started", "wave_finished")
    }
    assert times["frontend", "wave_started"] < times["backend", "wave_finished"]
    assert times["backend", "wave_started"] < times["frontend", "wave_finished"]
    assert times["docs", "wave_started"] >= times["backend", "wave_finished"]
    assert times["release", "wave_started"] >= times["docs", "wave_finished"]


@pytest.mark.parametrize("example", ["service-tests"], indirect=True)
def test_service_tests(example: Workspace) -> None:
    with socket.socket() as probe:
        # Whatever else runs here may have the example's own port.
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    example.write("exarp.toml", example.read("exarp.toml").replace("18080", port))

    def outcomes() -> dict[str, str]:
        result = example.exarp("run", "--json")
        assert result.code == 0, result.err
        return {task["task"]: task["outcome"] for task in result.json["tasks"]}

    first = outcomes()
    assert set(first.values()) == {"passed"}
    assert example.read("last-test.txt") == "tested: passed\n"
    assert set(outcomes().values()) == {"up_to_date"}
    # What is served counts for what was tested with it.
    example.write("page.txt", "Hello again.\n")
    assert set(outcomes().values()) == {"passed"}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


@pytest.mark.parametrize("example", ["monorepo"], indirect=True)
def test_monorepo(example: Workspace) -> None:
    def git(*words: str) -> str:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *author, *words], cwd=example.path, check=True, capture_output=True, text=True).stdout

    def ran(*words: str) -> set[str]:
        result = example.exarp("run", "--json", *words)
        assert result.code == 0, result.err
        return {task["task"] for task in result.json["tasks"] if task["outcome"] == "passed"}

    git("init")
    git("add", ".")
    git("commit", "-m", "all of it")
    tests = {f"{package}:test" for package in ("core", "text", "money", "label", "invoice", "e2e")}
    builds = {f"{package}:build" for package in ("core", "text", "money", "label", "invoice")}
    assert example.exarp("plan").out.startswith("4 waves, 11 tasks")
    assert "no errors, no doubts" in example.exarp("check").out
    assert example.exarp("run", "--affected=HEAD").err.startswith("exarp: nothing is selected")
    assert ran() == tests | builds
    assert ran() == set()
    assert git("status", "--short") == ""
    money = "packages/money/src/money.sh"
    example.write(money, example.read(money) + "# a comment\n")
    concerned = {"money:build", "money:test", "invoice:build", "invoice:test", "e2e:test"}
    assert set(example.exarp("list", "--affected=HEAD").out.split()) == concerned
    assert ran("--affected=HEAD") == concerned
    assert ran("--affected=HEAD") == set()
    # What a change does not concern is left alone, also where it would have to run.
    example.write("packages/text/test.sh", example.read("packages/text/test.sh") + "# a comment\n")
    git("commit", "--all", "-m", "comments")
    example.write("packages/label/test.sh", example.read("packages/label/test.sh") + "# a comment\n")
    assert ran("--affected=HEAD") == {"label:test"}
    assert ran() == {"text:test"}
