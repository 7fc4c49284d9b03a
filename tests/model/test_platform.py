from __future__ import annotations

import pytest

from exarp.model.platform import canonical, is_among


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("linux", "linux"),
        ("darwin", "macos"),
        ("aarch64", "arm64"),
        ("darwin/x86_64", "macos/amd64"),
        ("x86_64/linux", None),
        ("linux/", None),
        ("Linux", None),
        ("", None),
    ],
)
def test_each_platform_has_one_name(name, meant):
    assert canonical(name) == meant


@pytest.mark.parametrize(
    ("platforms", "among"),
    [
        (("linux",), True),
        (("amd64",), True),
        (("linux/amd64", "macos"), True),
        (("linux/arm64", "macos/amd64"), False),
        ((), False),
    ],
)
def test_where_a_task_is_for(platforms, among):
    assert is_among("linux/amd64", platforms) is among
