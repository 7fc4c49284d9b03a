from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.name import name_fault
from exarp.model.plan import Wave
from exarp.views.plan.graph_dot import dot
from exarp.views.plan.graph_json import graph_json
from exarp.views.plan.graph_mermaid import mermaid
from tests.effort import tries

from .plans import plan, simple_plan

HOSTILE = (
    "cc@src/a.c", "__init__", "a-->b", "<script>alert(1)</script>", "end", '%%{init:{"theme":"dark"}}%%', "click", "t0",
    "1.", "#35;", "&lt;", "&amp;amp;", 'x"]', "style:a[#", "日本-語.x", "`x`", "**b**", "back\\slash", "\\", "\\N", "\\n",
    "subgraph", "classDef:x#y", "e\u0301", "fa:fa-car", "$$x^2$$", '"', '\\"', "🎉", '"`md`"', "x\\",
)  # fmt: skip
NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cf", "Cn", "Co"])
    | st.sampled_from('"\\[](){}<>&#;|-%`*_'),
    min_size=1,
    max_size=12,
).filter(lambda name: name_fault(name) is None)
DOT = shutil.which("dot")
needs_dot = pytest.mark.skipif(DOT is None, reason="Graphviz is not installed")


def svg_texts(source):
    done = subprocess.run([DOT, "-Tsvg"], input=source.encode(), capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>(.*?)</text>", done.stdout.decode())]


def mermaid_labels(source):
    """What Mermaid shows: the text between quotes with its entity codes decoded."""
    labels = re.findall(r'^ *[tw]\d+\["([^"]*)"\]$|^ *subgraph w\d+\["([^"]*)"\]$', source, re.MULTILINE)
    return [re.sub(r"#(\d+);", lambda match: chr(int(match[1])), node or wave) for node, wave in labels]


def in_two_waves(*names):
    waves = (Wave(1, 'we"]ird<b>&', (0,), declared=True), Wave(2, "wave 2", tuple(range(1, len(names)))))
    return simple_plan(*names, waves=waves, order=((0, 1),))


def test_dot_draws_needs_solid_and_order_dashed():
    assert dot(simple_plan("a", "b", "c", needs={1: (0,)}, order=((0, 1), (1, 2)))) == (
        "digraph exarp {\n"
        '  charset="UTF-8"; rankdir=LR; node [shape=box];\n'
        '  t0 [label="a"];\n'
        '  t1 [label="b"];\n'
        '  t2 [label="c"];\n'
        "  t0 -> t1;\n"
        "  t1 -> t2 [style=dashed];\n"
        "}\n"
    )


def test_mermaid_draws_needs_solid_and_order_dotted():
    assert mermaid(simple_plan("a", "b", "c", needs={1: (0,)}, order=((0, 1), (1, 2)))) == (
        'flowchart LR\n  t0["a"]\n  t1["b"]\n  t2["c"]\n  t0 --> t1\n  t1 -.-> t2\n'
    )


def test_json_names_both_ends_and_the_kind_of_each_edge():
    decoded = json.loads(graph_json(simple_plan("a", "b", "c", needs={1: (0,)}, order=((0, 1), (1, 2))), waves=True))
    assert decoded == {
        "version": 1,
        "nodes": [{"task": name, "wave": 1} for name in "abc"],
        "edges": [{"from": "a", "to": "b", "kind": "needs"}, {"from": "b", "to": "c", "kind": "order"}],
        "waves": [{"number": 1, "name": "wave 1", "tasks": ["a", "b", "c"]}],
    }
    assert "waves" not in json.loads(graph_json(simple_plan("a")))


def test_what_is_not_selected_is_not_drawn():
    a_plan = plan(needs=((10,), *[()] * 10), order=((10, 1),))
    for source in (dot(a_plan), mermaid(a_plan), graph_json(a_plan).decode()):
        assert "selected" not in source and "t10" not in source


def test_waves_are_clusters_and_subgraphs():
    source = dot(plan(), waves=True)
    assert (
        source.count("subgraph cluster_") == 4 and '    label="4 release";\n    t9 [label="release:bump"];\n' in source
    )
    source = mermaid(plan(), waves=True)
    assert '  subgraph w4["4 release"]\n    t9["release#58;bump"]\n  end\n' in source


@needs_dot
@pytest.mark.parametrize("waves", [False, True])
def test_graphviz_shows_the_very_names(waves):
    texts = svg_texts(dot(in_two_waves(*HOSTILE), waves))
    assert set(HOSTILE) <= set(texts)
    assert not waves or {'1 we"]ird<b>&', "wave 2"} <= set(texts)


@needs_dot
@given(st.lists(NAMES, min_size=2, max_size=30, unique=True))
@settings(max_examples=tries(15), deadline=None)
def test_graphviz_accepts_any_name(names):
    texts = svg_texts(dot(in_two_waves(*names), waves=True))
    assert sorted(names) == sorted(text for text in texts if text not in ('1 we"]ird<b>&', "wave 2"))


@given(st.lists(NAMES, min_size=2, max_size=30, unique=True))
def test_mermaid_labels_hold_nothing_but_letters_digits_and_codes(names):
    source = mermaid(in_two_waves(*names), waves=True)
    assert sorted(mermaid_labels(source)) == sorted([*names, '1 we"]ird<b>&', "wave 2"])
    for label in re.findall(r'\["([^"]*)"\]', source):
        assert re.fullmatch(r"(?:[^\W_]|[-./@, ]|#\d+;)*", label)


@pytest.mark.parametrize("name", HOSTILE)
def test_mermaid_shows_hostile_names(name):
    source = mermaid(simple_plan("a", name))
    assert mermaid_labels(source) == ["a", name]
    assert source.count("\n") == 3


def test_marks_between_letters_stay_readable():
    assert 't0["cc@src/a-b.c"]' in mermaid(simple_plan("cc@src/a-b.c"))


@pytest.mark.parametrize("draw", [dot, mermaid, graph_json])
def test_a_large_graph_takes_linear_time_and_gives_the_same_each_time(draw):
    count = 100_000
    names = tuple(f"t{number}" for number in range(count))
    order = tuple((number, number + 1) for number in range(count - 1))
    a_plan = simple_plan(*names, needs={number: (number // 2,) for number in range(1, count)}, order=order)
    assert draw(a_plan) == draw(a_plan)
