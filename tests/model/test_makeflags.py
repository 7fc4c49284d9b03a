"""What MAKEFLAGS says of a jobserver, and how it is made to say something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.model.makeflags import Jobserver, environment_with, jobserver_in, only_pretends, with_jobserver


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        ("", None),
        ("kw", None),
        (" -j8", None),
        ("n --no-print-directory", None),
        # As 4.3, 4.4, 4.1 and cargo say it.
        ("ks -j3 --jobserver-auth=3,4", Jobserver("-j3 --jobserver-auth=3,4", "", 3, 4)),
        (
            " -j3 --jobserver-auth=fifo:/tmp/GMfifo7",
            Jobserver("-j3 --jobserver-auth=fifo:/tmp/GMfifo7", "/tmp/GMfifo7"),
        ),
        (" --jobserver-fds=3,4 -j", Jobserver("--jobserver-fds=3,4 -j", "", 3, 4)),
        (
            "-j --jobserver-fds=5,6 --jobserver-auth=5,6",
            Jobserver("-j --jobserver-fds=5,6 --jobserver-auth=5,6", "", 5, 6),
        ),
        # Not for this process.
        (" -j3 --jobserver-auth=-2,-2", Jobserver("-j3 --jobserver-auth=-2,-2", "", -1, -1)),
        (" --jobserver-auth=nonsense", Jobserver("--jobserver-auth=nonsense", "", -1, -1)),
        ("--jobserver-auth=²,4", Jobserver("--jobserver-auth=²,4", "", -1, 4)),
        # Variables are no options, and neither is the second half of a word.
        ("k -- X=1 --jobserver-auth=3,4", None),
        ("-I/my\\ --jobserver-auth=3,4", None),
    ],
)
def test_a_jobserver_is_found_where_one_is_named(flags, found):
    assert jobserver_in(flags) == found


@pytest.mark.parametrize(
    ("flags", "words", "said"),
    [
        ("", "-j2 --jobserver-auth=50,51", " -j2 --jobserver-auth=50,51"),
        ("kn", "-j2 --jobserver-auth=50,51", "kn -j2 --jobserver-auth=50,51"),
        # The caller's own -j stays: the last one counts.
        ("-j8", "-j2 --jobserver-auth=50,51", "-j8 -j2 --jobserver-auth=50,51"),
        (" -j3 --jobserver-auth=3,4", "-j2 --jobserver-auth=50,51", " -j2 --jobserver-auth=50,51"),
        ("k -j3 --jobserver-auth=3,4 -- A=b\\ c", "-j2 --jobserver-auth=5,6", "k -j2 --jobserver-auth=5,6 -- A=b\\ c"),
        ("k -j3 --jobserver-auth=3,4 -- A=b", "", "k -- A=b"),
        (" -j3", "", " -j3"),
    ],
)
def test_what_else_is_said_stays(flags, words, said):
    assert with_jobserver(flags, words) == said


_FLAGS = st.text(alphabet=" -jk4=,\\Afdsauth:", max_size=40).filter(lambda flags: not flags.endswith("\\"))


@given(_FLAGS, st.sampled_from(["", "-j2 --jobserver-auth=50,51"]))
def test_whatever_was_said_what_is_said_now_is_understood(flags, words):
    said = with_jobserver(flags, words)

    found = jobserver_in(said)
    assert (found.words if found is not None else "") == words
    assert with_jobserver(said, words).split() == said.split()


def test_an_environment_names_one_jobserver_wherever_one_is_looked_for():
    words = "-j2 --jobserver-auth=50,51"
    caller = {
        "CARGO_MAKEFLAGS": "-j --jobserver-fds=3,4 --jobserver-auth=3,4",
        "MFLAGS": "-k -j3 --jobserver-auth=3,4",
        "HOME": "/",
    }

    assert environment_with(caller, words) == {
        "HOME": "/",
        "MAKEFLAGS": f" {words}",
        "CARGO_MAKEFLAGS": words,
        "MFLAGS": f"-k {words}",
    }
    assert environment_with(caller, "") == {"HOME": "/", "CARGO_MAKEFLAGS": "", "MFLAGS": "-k"}


def test_an_environment_without_a_jobserver_is_not_touched():
    caller = {"MAKEFLAGS": "-j8", "HOME": "/"}

    assert environment_with(caller, "") is caller


@pytest.mark.parametrize(
    ("flags", "pretends"),
    [
        ("n", True),
        ("kn", True),
        ("n -j2 --jobserver-auth=3,4", True),
        ("q", True),
        ("t", True),
        ("", False),
        ("k", False),
        (" -j2 --jobserver-auth=3,4", False),
        ("-n", False),
        ("--no-print-directory", False),
        ("CONTENT=1", False),
        ("w -- NAME=n", False),
    ],
)
def test_a_make_that_changes_nothing_says_so_in_its_letters(flags: str, pretends: bool) -> None:
    assert only_pretends(flags) is pretends
