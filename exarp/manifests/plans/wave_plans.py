"""Wave plans: Markdown whose frontmatter lists items of work and the waves that they are done in.

Knows ``todos`` and ``waves``. Does not know what a status means (``statuses``), nor how items wait for each other (``backlog``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exarp.errors import Place, Problem
from exarp.manifests.plans.backlog import Backlog, Item, read_backlog
from exarp.manifests.plans.frontmatter import Field, Frontmatter, Text
from exarp.manifests.plans.reading import Names, PlanReading
from exarp.manifests.plans.source import Source
from exarp.manifests.plans.statuses import standing_of_plan
from exarp.model.manifest import Manifest, Settings, WaveSpec

_KEYS = frozenset({"todos", "waves", "name"})
_FIELDS = {"identifier": "id", "description": "content"}
SUFFIX = ".plan.md"


def read_wave_plans(sources: Sequence[Source], file: str) -> PlanReading:
    """The manifest that plans make, one after the other. ``file``: what they were read from, as messages name it."""
    plans = [_Plan(source) for source in sources]
    items = [item for plan in plans for item in plan.items]
    owners = [(plan, number) for plan in plans for number in range(len(plan.items))]

    def where(item: int, field: str = "", nth: int = 0) -> Place:
        plan, number = owners[item]
        return plan.where(number, field, nth)

    backlog = read_backlog(items, file, standing_of_plan, where)
    names = Names()
    taken: set[str] = set()
    waves = [wave for plan in plans for wave in plan.waves(backlog, names, taken, several=len(plans) > 1)]
    tasks = tuple(backlog.tasks.values())
    manifest = Manifest(
        file=file,
        tasks=tasks,
        waves=tuple(waves),
        settings=Settings(default=tuple([task.name for task in tasks]), schedule="waves" if waves else "flow"),
        blocked=backlog.blocked,
        settled=backlog.settled,
        prose=True,
    )
    remarks = [remark for plan in plans for remark in plan.front.source.remarks]
    return PlanReading(manifest, backlog.problems + remarks, backlog.places)


class _Plan:
    def __init__(self, source: Source) -> None:
        self.front = Frontmatter(source, _KEYS)
        self.items: list[Item] = []
        self._at: list[Text | dict[str, Field]] = []
        self._read_todos()
        self._waves = list(self._lists())
        self._add_missing()

    def where(self, item: int, field: str = "", nth: int = 0) -> Place:
        """See ``backlog.Where``."""
        at = self._at[item]
        if isinstance(at, Text):
            return self.front.source.place(at.start, at.end)
        found = at.get(_FIELDS.get(field, field)) or at.get("id") or next(iter(at.values()))
        value = found.value[nth] if isinstance(found.value, list) and nth < len(found.value) else found.value
        if not isinstance(value, Text):
            value = found
        return self.front.source.place(value.start, value.end)

    def waves(self, backlog: Backlog, names: Names, taken: set[str], several: bool) -> Iterator[WaveSpec]:
        """Waves in turn, of what is to be done; none where the plan has none. ``taken``: what waves have already."""
        stem = self.front.source.name.removesuffix(SUFFIX)
        for number, texts in enumerate(self._waves, 1):
            members = []
            for text in texts:
                task = backlog.tasks.get(text.text)
                if task is not None and text.text not in taken:
                    members.append(task.name)
                elif text.text in taken:
                    self.front.warn(f"{text.text!r} is in two waves: the first one counts", "list it once", text)
                taken.add(text.text)
            if members:
                backlog.places.waves.append(self.front.source.place(texts[0].start, texts[0].end))
                yield WaveSpec(names.take(f"{stem}/{number}" if several else f"wave-{number}"), tuple(members))

    def _read_todos(self) -> None:
        field = self.front.fields.get("todos")
        if field is None:
            if self.front.body:
                self.front.warn("there are no todos in the frontmatter", "add todos: [{id, content, status}]")
            return
        for todo in field.value if isinstance(field.value, list) else ():
            if isinstance(todo, dict) and todo:
                self.items.append(_item(todo))
                self._at.append(todo)
            else:
                self.front.warn("a todo is no mapping: it is left out", "write - id: …, content: …, status: …", field)

    def _lists(self) -> Iterator[list[Text]]:
        """The waves as they are written. An alias may stand for one list in many places: it counts once."""
        field = self.front.fields.get("waves")
        seen: set[int] = set()
        for wave in field.value if field is not None and isinstance(field.value, list) else ():
            if isinstance(wave, list) and id(wave) not in seen:
                seen.add(id(wave))
                yield [text for text in wave if isinstance(text, Text) and not text.is_null]
            elif isinstance(wave, Text) and field is not None:
                yield [wave]

    def _add_missing(self) -> None:
        """An identifier that only waves name is a task with that text."""
        known = {item.identifier for item in self.items}
        for text in (text for wave in self._waves for text in wave):
            if text.text not in known:
                known.add(text.text)
                self.items.append(Item(text.text, description=text.text))
                self._at.append(text)
                message = f"{text.text!r} is in no todo: it is a task with that text"
                problem = Problem("plan-name", message, None, "add it to todos", severity="warning")
                self.front.source.remark(problem, text.start, text.end)


def _item(todo: dict[str, Field]) -> Item:
    def text(key: str) -> str:
        value = todo[key].value if key in todo else None
        return value.text.strip() if isinstance(value, Text) and not value.is_null else ""

    listed = todo["dependencies"].value if "dependencies" in todo else []
    return Item(
        identifier=text("id"),
        status=text("status"),
        priority=text("priority"),
        description=text("content"),
        dependencies=tuple(each.text for each in listed if isinstance(each, Text)) if isinstance(listed, list) else (),
    )
