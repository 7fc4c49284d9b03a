"""Phase plans: one Markdown file a plan, a folder a phase, read as waves of tasks told in words.

Knows both dialects of their frontmatter, and what each key means. Does not find the files (``plans.files``), and leaves it to
``phase_links`` which plans wait for which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from exarp.errors import Place, Problem
from exarp.manifests.plans.frontmatter import Frontmatter, Text
from exarp.manifests.plans.mentions import Mention, mention, mentions
from exarp.manifests.plans.phase_links import Links, Member, names_by_plan
from exarp.manifests.plans.places import PlanPlaces
from exarp.manifests.plans.reading import Names, PlanReading, renamed
from exarp.manifests.plans.source import Source
from exarp.manifests.plans.statuses import Standing, standing_of_plan
from exarp.manifests.plans.task_blocks import PROOFS, Block, task_blocks
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.path import exact_name
from exarp.model.task import Task
from exarp.planning.holding import waiting

SUFFIX = "-PLAN.md"
_KEYS = frozenset(
    "phase plan wave depends_on files_modified autonomous id title status parallel".split(),
)
_CHECKPOINT = "checkpoint"
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_HEADING = re.compile(r"^#+[ \t]+(\S[^\r\n]*)", re.MULTILINE)


def read_phases(
    sources: Sequence[Source], file: str, root: str, elsewhere: Callable[[], Collection[str]] = tuple
) -> PlanReading:
    """The manifest that plans make. ``sources``: in the order of phases and of file names in them; ``file``: what they were
    read from, as messages name it; ``root``: the workspace root; ``elsewhere``: names of plans that lie beside.
    """
    return _Phases(sources, file, root, elsewhere).reading()


class _Plan:
    """One plan, as far as it can be understood by itself."""

    def __init__(self, source: Source, name: str, phase: int, root: str) -> None:
        self.source = source
        self.name = name
        self.phase = phase
        self.front = Frontmatter(source, _KEYS)
        self.number = self.front.number("wave")
        self.status = self.front.text("status")
        self.standing: Standing = standing_of_plan(self.status.text) if self.status else "open"
        self.blocks = task_blocks(source, self.front.body)
        self.listed = list(self._listed(root))
        self.named = [list(self._named(block, root)) for block in self.blocks]
        self.checkpoint = self.front.switch("autonomous") is False or any(map(_is_checkpoint, self.blocks))
        self.tasks = [f"{name}.{number}" for number in range(1, max(len(self.blocks), 1) + 1)]

    @property
    def title(self) -> str:
        """What the plan is about."""
        title = self.front.text("title")
        if title is not None:
            return _line(title.text)
        heading = _HEADING.search(self.source.text, self.front.body)
        return _line(heading[1]) if heading else ""

    def member(self) -> Member:
        """The plan as others see it."""
        identifier = self.front.text("id")
        names = (self.name, self.source.name, *([identifier.text] if identifier else []))
        wave = self.front.fields.get("wave")
        at = (wave.start, wave.end) if wave else (0, 0)
        return Member(
            self.name,
            self.phase,
            names,
            self.source,
            self.number,
            at,
            self.front.texts("depends_on"),
            self.standing != "done",
        )

    def changes(self, number: int) -> list[Mention]:
        """What a task changes: what it names, and what the plan lists and none of its tasks names."""
        claimed = {found.path for named in self.named for found in named}
        own = self.named[number] if self.named else []
        return [*own, *(found for found in self.listed if found.path not in claimed)]

    def _listed(self, root: str) -> Iterator[Mention]:
        for text in self.front.texts("files_modified"):
            start = self.source.text.find(text.text, text.start, text.end) if text.text else -1
            found = mention(text.text.strip(), max(start, text.start), self.source, root)
            if found is not None:
                yield found

    def _named(self, block: Block, root: str) -> Iterator[Mention]:
        for part in block.parts:
            if part.tag == "files":
                yield from mentions(part.text, part.start, self.source, root)

    # -- what is odd -------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Remark on what is missing, and on what contradicts itself."""
        if self.standing == "done":
            return
        if self.number is None and not self.front.has("wave") and self.front.body:
            self.front.warn("there is no wave number: the plan runs beside no other", "add wave: 1")
        if not self.blocks:
            message = "there is no <task> in this plan: it is one task itself"
            self.remark("plan-task", message, "add <task> blocks", self.front.body, -1)
        for block in self.blocks:
            self._check_block(block)
        if "files_modified" in self.front.fields and any(block.first("files") for block in self.blocks):
            self._compare()

    def remark(self, slug: str, message: str, step: str, start: int, end: int) -> None:
        self.source.remark(Problem(slug, message, None, step, severity="warning"), start, end)

    def _check_block(self, block: Block) -> None:
        if block.first("name") is None and not _is_checkpoint(block):
            self.remark("plan-task", "this <task> has no <name>", "add one", block.start, block.end)
        if not _is_checkpoint(block) and not any(part.tag in PROOFS and part.text.strip() for part in block.parts):
            message = "nothing says how to tell that this task is done"
            problem = Problem("no-verification", message, None, "add <verify> or <done>", severity="doubt")
            self.source.remark(problem, block.start, block.end)

    def _compare(self) -> None:
        """What the tasks name and what the plan lists should be the same."""
        listed = {found.path for found in self.listed}
        claimed = {found.path for named in self.named for found in named}
        unlisted: dict[str, Mention] = {}
        for found in (found for named in self.named for found in named if found.path not in listed):
            unlisted.setdefault(found.path, found)
        for path, start, end in unlisted.values():
            message = f"{exact_name(path)!r} is in <files>, but not in files_modified"
            self.remark("plan-files", message, "list it there too", start, end)
        for path, start, end in self.listed:
            if path not in claimed:
                message = f"{exact_name(path)!r} is in files_modified, but in no <files>"
                self.remark("plan-files", message, "name it where it is changed", start, end)


class _Phases:
    def __init__(
        self, sources: Sequence[Source], file: str, root: str, elsewhere: Callable[[], Collection[str]]
    ) -> None:
        self.file = file
        folders = list(dict.fromkeys(source.folder for source in sources))
        phase_of = {folder: number for number, folder in enumerate(folders)}
        names = Names()
        self.plans: list[_Plan] = []
        for source in sources:
            identifier = _identifier(source)
            name = names.take(identifier)
            if name != identifier:
                source.remark(renamed("plan", identifier, name), 0)
            self.plans.append(_Plan(source, name, phase_of[source.folder], root))
        self.members = [plan.member() for plan in self.plans]
        self.links = Links(self.members, [folder.rsplit("/", 1)[-1] for folder in folders], elsewhere)
        self.places = PlanPlaces(Place(file, 1, 1))
        self.sharing = self._sharing()

    def reading(self) -> PlanReading:
        """Everything at once: the manifest, what is odd, and where it stands."""
        links = self.links.all()
        needs = names_by_plan(links, self.members)
        standing = {plan.name: plan.standing for plan in self.plans}
        undone = {
            name: [need for need in before if standing[need] != "done"]
            for name, before in needs.items()
            if standing[name] == "open"
        }
        blocked = waiting(undone, [name for name, found in standing.items() if found == "held"])
        open_plans = [plan for plan in self.plans if plan.standing == "open"]
        tasks_of = {plan.name: plan.tasks for plan in open_plans}
        for link in links:
            later, earlier = self.members[link.later], self.members[link.earlier]
            self.places.put(("plan", later.name, earlier.name), later.source, link.text.start, link.text.end)
        tasks: list[Task] = []
        waves: list[WaveSpec] = []
        for plan in sorted(open_plans, key=lambda plan: (plan.phase, plan.number is None, plan.number or 0)):
            before = [task for need in undone[plan.name] for task in tasks_of.get(need, ())]
            tasks += self._tasks(plan, tuple(before))
            waves.append(self._wave(plan, len(waves)))
        problems = list(self.links.problems)
        for plan in self.plans:
            plan.check()
            self._check_sharing(plan)
            problems += plan.source.remarks
        manifest = Manifest(
            file=self.file,
            tasks=tuple(tasks),
            waves=tuple(waves),
            settings=Settings(schedule="waves"),
            blocked={task: held for name, held in blocked.items() for task in tasks_of[name]},
            settled={plan.name: plan.status.text for plan in self.plans if plan.status and plan.standing != "open"},
            prose=True,
        )
        return PlanReading(manifest, problems, self.places)

    def _tasks(self, plan: _Plan, needs: tuple[str, ...]) -> Iterable[Task]:
        for number, name in enumerate(plan.tasks):
            block = plan.blocks[number] if plan.blocks else None
            changes = plan.changes(number)
            start, end = (block.start, block.end) if block else (plan.front.body, -1)
            self.places.homes[name] = plan.name
            self.places.put(("task", name), plan.source, start, end)
            for path, begun, ended in changes:
                self.places.put(("task", name, "modifies", path), plan.source, begun, ended)
            about = block.first("name") if block else None
            kind = block.attributes.get("type", "") if block else ""
            yield Task(
                name=name,
                description=_line(about.text) if about else plan.title if block is None else kind,
                prose=block.text if block else plan.source.text[plan.front.body :].strip(),
                modifies=tuple(dict.fromkeys(found.path for found in changes)),
                needs=needs,
                tags=(kind,) if kind else (),
            )

    def _wave(self, plan: _Plan, index: int) -> WaveSpec:
        at = plan.front.fields.get("parallel") or plan.front.fields.get("wave")
        self.places.put(("wave", index), plan.source, 0)
        if at is not None:
            self.places.put(("wave", index, "parallel"), plan.source, at.start, at.end)
        return WaveSpec(
            name=plan.name,
            tasks=tuple(plan.tasks),
            order="sequential",
            parallel=self._marking(plan),
            group=plan.number,
            checkpoint=plan.checkpoint,
        )

    def _marking(self, plan: _Plan) -> bool | tuple[str, ...]:
        field = plan.front.fields.get("parallel")
        if field is not None and isinstance(field.value, list):
            return tuple(
                dict.fromkeys(name for text in plan.front.texts("parallel") for name in self._listed(plan, text))
            )
        if plan.front.switch("parallel") is False:
            return False
        # Shared by all of them: many plans of one number are not to cost their square.
        sharing = self.sharing.get((plan.phase, plan.number), ())
        return sharing if len(sharing) > 1 else False

    def _listed(self, plan: _Plan, text: Text) -> list[str]:
        found = [self.members[index].name for index in self.links.find(text.text, plan.phase)]
        if not found:
            plan.front.warn(f"parallel names {text.text!r}, which is no plan", "name a plan, or write true", text)
        return found

    def _sharing(self) -> dict[tuple[int, int | None], tuple[str, ...]]:
        """The plans to be done of each number of each phase."""
        found: dict[tuple[int, int | None], list[str]] = {}
        for plan in self.plans:
            if plan.number is not None and plan.standing == "open":
                found.setdefault((plan.phase, plan.number), []).append(plan.name)
        return {number: tuple(names) for number, names in found.items()}

    def _check_sharing(self, plan: _Plan) -> None:
        """Doubt a plan that may run beside others and says nothing of the files that it changes."""
        shares = len(self.sharing.get((plan.phase, plan.number), ())) > 1 and plan.standing == "open"
        says = "files_modified" in plan.front.fields or any(plan.named)
        if shares and not says and plan.front.switch("parallel") is not False:
            message = f"plan {plan.name!r} may run beside others, and does not say which files it changes"
            problem = Problem("undeclared", message, None, "add files_modified ([] for none)", severity="doubt")
            wave = plan.front.fields["wave"]
            plan.source.remark(problem, wave.start, wave.end)


def _identifier(source: Source) -> str:
    """What a plan is called: its file's name; with the phase's number where that has only the plan's."""
    stem = source.name.removesuffix(SUFFIX)
    phase = _NUMBER.match(source.folder.rsplit("/", 1)[-1])
    return f"{phase[0]}-{stem}" if phase and _NUMBER.fullmatch(stem) else stem


def _is_checkpoint(block: Block) -> bool:
    return block.attributes.get("type", "").startswith(_CHECKPOINT)


def _line(text: str) -> str:
    return " ".join(text.split())
