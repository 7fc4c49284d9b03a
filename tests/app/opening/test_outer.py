"""Which manifest includes the one that somebody works in."""

from __future__ import annotations

from pathlib import Path

from exarp.app.opening.outer import Outer, outer_of


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("_", "/")
        path.mkdir(parents=True, exist_ok=True)
        (path / "exarp.toml").write_text(text)


def test_the_outermost_manifest_that_includes_it_is_found_up_to_the_git_root(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    write(tmp_path, repository="")
    (tmp_path / "exarp.toml").write_text('include = { beyond = "repository/packages/ui" }')
    write(repository, packages='include = { ui = "ui" }', packages_ui="", packages_other="")
    (repository / ".git").mkdir()
    root = repository / "exarp.toml"

    # However wrong it is itself.
    root.write_text('include = { all = "packages" }\n[task.x]\nneeds = ["nobody"]\nrun = ""\n')
    found = outer_of(str(repository / "packages/ui"), None, {})
    assert found == Outer("../../exarp.toml", str(repository), "all:ui:")
    assert outer_of(str(repository), str(repository / "packages/ui/exarp.toml"), {}) == Outer(
        "exarp.toml", str(repository), "all:ui:"
    )

    root.write_text("")
    found = outer_of(str(repository / "packages/ui"), None, {})
    assert found == Outer("../exarp.toml", str(repository / "packages"), "ui:")

    assert outer_of(str(repository / "packages/other"), None, {}) is None
    assert outer_of(str(repository), None, {}) is None
