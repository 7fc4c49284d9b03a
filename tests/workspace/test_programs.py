from __future__ import annotations

from exarp.workspace.programs import Programs


def test_programs_are_found_in_path_and_by_their_own_path(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "sub" / "tools").mkdir(parents=True)
    for tool in (tmp_path / "bin" / "gen", tmp_path / "sub" / "tools" / "gen2"):
        tool.write_text("#!/bin/sh\n")
        tool.chmod(0o755)
    (tmp_path / "bin" / "data").write_text("")
    programs = Programs(str(tmp_path), str(tmp_path / "bin"))

    assert programs.has("gen", "")
    assert not programs.has("data", "")
    assert not programs.has("gen2", "sub")
    assert programs.has("tools/gen2", "sub")
    assert programs.has("./bin/gen", "")
    assert not programs.has("tools/gen2", "")


def test_a_program_that_is_made_meanwhile_is_found(tmp_path):
    programs = Programs(str(tmp_path), str(tmp_path))
    assert not programs.has("late", "")

    (tmp_path / "late").write_text("#!/bin/sh\n")
    (tmp_path / "late").chmod(0o755)

    assert programs.has("late", "")
