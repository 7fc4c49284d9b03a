from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exarp.manifests.plans.source import Source
from exarp.manifests.plans.task_blocks import Block, task_blocks


def read(text: str) -> tuple[list[Block], list[str]]:
    source = Source("a.md", text)
    blocks = task_blocks(source, 0)
    return blocks, [f"{remark.place.line} {remark.message}" for remark in source.remarks if remark.place]


def names(text: str) -> list[str]:
    return [part.text if (part := block.first("name")) else "" for block in read(text)[0]]


def test_blocks_and_their_tags() -> None:
    blocks, odd = read(
        "<tasks>\n<task type=\"auto\" tdd='true'>\n  <name>One</name>\n  <files>a, b</files>\n</task>\n"
        "<task type=checkpoint:decision><name>Two</name><verify>x</verify></task>\n</tasks>\n"
    )
    assert [block.attributes for block in blocks] == [{"type": "auto", "tdd": "true"}, {"type": "checkpoint:decision"}]
    assert [[part.tag for part in block.parts] for block in blocks] == [["name", "files"], ["name", "verify"]]
    assert odd == []


def test_tags_in_the_text_of_a_tag_mean_nothing() -> None:
    (block,), odd = read("<task>\n<action>Write <files>x</files> and a <name>.</action>\n<name>One</name>\n</task>")
    assert [part.tag for part in block.parts] == ["action", "name"]
    assert odd == []


def test_prose_about_tasks_is_no_task() -> None:
    assert names("Each `<task>` has a name. See <task> there.\n<task-list>\n<tasks>\n") == []


def test_an_example_in_a_fence_is_told_and_left_out_and_a_comment_is_left_out() -> None:
    example = "```xml\n<task>\n<name>Example</name>\n</task>\n```\n"
    comment = "<!-- <task>\n<task>\n<name>Old</name>\n</task> -->\n"
    real = "<task>\n<name>Real</name>\n</task>\n"
    assert names(example + comment + real) == ["Real"]
    assert read(example + real)[1] == ["2 this <task> stands in a code fence: it is taken as an example"]
    inside = f"<task>\n<name>Real</name>\n<action>\n{example}</action>\n<verify>x</verify>\n</task>\n"
    assert [part.tag for part in read(inside)[0][0].parts] == ["name", "action", "verify"]


def test_a_fence_that_somebody_forgot_to_close_hides_nothing() -> None:
    block = "<task>\n<name>{}</name>\n<action>\n```\ncode\n</action>\n</task>\n"
    assert names(block.format("One") + block.format("Two") + block.format("Three")) == ["One", "Two", "Three"]


def test_what_is_not_closed_ends_where_the_next_begins() -> None:
    blocks, odd = read("<task>\n<name>One\n<files>a</files>\n<task>\n<name>Two</name>\n</tasks>\nmore\n")
    assert [[part.tag for part in block.parts] for block in blocks] == [["name", "files"], ["name"]]
    assert blocks[0].parts[0].text.strip() == "One"
    assert odd == ["1 this <task> has no end", "2 this <name> has no end", "4 this <task> has no end"]


def test_attributes_that_stand_twice_and_tags_without_end() -> None:
    blocks, odd = read(
        '<task type="auto" type="manual">\n<name>A</name>\n</task>\n<task type="auto>\n<name>B</name>\n</task>\n'
    )
    assert blocks[0].attributes == {"type": "auto"}
    assert [block.first("name") is not None for block in blocks] == [True, True]
    assert (
        odd == ["1 the attribute 'type' stands twice: the first one counts", "4 this tag has no end"] or len(odd) == 2
    )


PIECES = [*'<task> </task> <tasks> </tasks> <name> </name> <files> ``` <!-- --> " type='.split(), "\n", " x "]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_whatever_stands_there_is_read_and_blocks_follow_each_other(text: str) -> None:
    blocks, _ = read(text)
    ends = [0, *(position for block in blocks for position in (block.start, block.end))]
    assert ends == sorted(ends)
    for block in blocks:
        for part in block.parts:
            assert text[part.start : part.end] == part.text
