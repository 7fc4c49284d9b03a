"""Who may run beside whom, and who goes next."""

from __future__ import annotations

from hypothesis import given, settings

from exarp.engine.slots import Slots
from tests.effort import tries

from ..planning.dice import dice
from ..planning.plain_plans import task


def slots(*tasks, jobs=4, agents=1, **pools):
    made = Slots(tasks, jobs, {"gpu": 4, **pools}, range(len(tasks)), agents)
    for number in range(len(tasks)):
        made.add(number)
    return made


def taken(made):
    found = []
    while (number := made.take()) is not None:
        found.append(number)
    return found


def test_the_higher_priority_goes_first_then_manifest_order():
    assert taken(slots(task("a"), task("b", priority=1), task("c"))) == [1, 0, 2]


def test_no_more_run_than_there_are_jobs():
    made = slots(*[task(str(n)) for n in range(5)], jobs=2)

    assert taken(made) == [0, 1]
    made.release(0)
    assert taken(made) == [2]


def test_a_mutex_is_held_by_one_and_keeps_nobody_else_back():
    made = slots(task("a", mutex=("db",)), task("b", mutex=("net", "db")), task("c", mutex=("net",)))

    assert taken(made) == [0, 2]
    made.release(0)
    assert taken(made) == []
    made.release(2)
    assert taken(made) == [1]


def test_a_pool_is_never_given_more_than_it_has():
    made = slots(*[task(str(n), resources={"gpu": 3}) for n in range(2)], task("small", resources={"gpu": 1}))

    assert taken(made) == [0]
    made.release(0)
    assert taken(made) == [1, 2]


def test_who_asks_a_pool_for_nothing_does_not_wait_for_it():
    asking = [task(str(n), resources={"gpu": 1}) for n in range(2)]
    made = Slots([*asking, task("none", resources={"gpu": 0})], 4, {"gpu": 1}, range(3))
    for number in range(3):
        made.add(number)

    assert taken(made) == [0, 2]


def test_a_large_request_is_not_starved_by_small_ones_that_come_later():
    small = [task(str(n), resources={"gpu": 1}) for n in range(8)]
    made = Slots([*small, task("large", resources={"gpu": 4}, priority=1), task("cpu")], 8, {"gpu": 4}, range(10))
    made.add(0)
    made.add(9)
    assert taken(made) == [0, 9]

    made.add(8)
    assert taken(made) == []
    # A task that holds nothing of the pool ends, and another small one is ready: it must not overtake.
    made.release(9)
    made.add(1)
    assert taken(made) == []
    made.release(0)
    assert taken(made) == [8]
    made.release(8)
    assert taken(made) == [1]


def test_a_higher_priority_overtakes_a_large_request():
    tasks = [
        task("a", resources={"gpu": 1}),
        task("large", resources={"gpu": 4}),
        task("urgent", resources={"gpu": 1}, priority=9),
    ]
    made = Slots(tasks, 8, {"gpu": 4}, range(3))
    made.add(0)
    taken(made)
    made.add(1)
    assert taken(made) == []
    made.add(2)
    assert taken(made) == [2]


def test_a_request_that_waits_for_a_mutex_reserves_no_pool():
    holder = task("holder", mutex=("db",))
    made = slots(holder, task("both", mutex=("db",), resources={"gpu": 4}), task("other", resources={"gpu": 4}))

    assert taken(made) == [0, 2]


def test_an_interactive_task_waits_for_all_others_and_runs_alone():
    made = slots(task("a"), task("ask", interactive=True), task("b"))

    assert taken(made) == [0]
    made.release(0)
    assert taken(made) == [1]
    made.release(1)
    assert taken(made) == [2]


def prompt(name, **asked):
    return task(name, prompt="do it", **asked)


def test_prompts_take_no_job_slot_and_have_a_limit_of_their_own():
    made = slots(prompt("a"), prompt("b"), task("c"), task("d"), prompt("e"), jobs=1, agents=2)

    assert sorted(taken(made)) == [0, 1, 2]
    made.release(2)
    assert taken(made) == [3]
    made.release_job(0)
    assert taken(made) == [4]
    made.release(0)
    assert taken(made) == []


def test_a_prompt_holds_what_it_asks_for():
    made = slots(prompt("a", mutex=("db",)), task("b", mutex=("db",)), prompt("c", resources={"gpu": 4}), agents=3)

    assert taken(made) == [1, 2]
    made.release(1)
    assert taken(made) == [0]


def test_a_prompt_does_not_wait_for_a_mutex_with_who_has_no_job_slot():
    db = {"mutex": ("db",)}
    made = slots(task("busy", **db), task("late", **db), prompt("a", **db), task("long"), task("next"), jobs=2)

    assert taken(made) == [0, 3]
    made.release_job(0)
    assert taken(made) == [4]
    made.release(0)
    assert taken(made) == [2]


def test_a_prompt_that_has_the_terminal_is_alone_as_any_task():
    made = slots(task("a"), prompt("ask", interactive=True), prompt("b"), agents=2)

    assert taken(made) == [0]
    made.release(0)
    assert taken(made) == [1]
    made.release(1)
    assert taken(made) == [2]


def test_nothing_is_left_after_clear():
    made = slots(task("a", mutex=("db",)), task("b", mutex=("db",)), task("c"), prompt("d"), prompt("e"), jobs=1)

    taken(made)
    made.clear()
    made.release(0)
    made.release(3)
    assert taken(made) == []


class PlainSlots:
    """The same rules without lines and heaps: look at everybody, best first, every time."""

    def __init__(self, tasks, jobs, pools, agents):
        self.tasks, self.jobs, self.pools, self.agents = tasks, jobs, pools, agents
        self.waiting, self.running = [], []

    def take(self):
        specs = [self.tasks[number] for number in self.running]
        if any(spec.interactive for spec in specs):
            return None
        prompts = sum(is_for_agents(spec) for spec in specs)
        if len(specs) - prompts < self.jobs:
            jobs = [number for number in self.waiting if not is_for_agents(self.tasks[number])]
            number, is_alone_next = self.take_of(jobs, specs)
            if number is not None or is_alone_next:
                return number
        if prompts < self.agents:
            return self.take_of([number for number in self.waiting if is_for_agents(self.tasks[number])], specs)[0]
        return None

    def take_of(self, waiting, specs):
        held = {name for spec in specs for name in spec.mutex}
        free = {pool: size - sum(spec.resources.get(pool, 0) for spec in specs) for pool, size in self.pools.items()}
        kept = set()
        for number in sorted(waiting, key=lambda number: (-self.tasks[number].priority, number)):
            spec = self.tasks[number]
            if spec.interactive and specs:
                return None, True
            if held.intersection(spec.mutex):
                continue
            short = [pool for pool, amount in spec.resources.items() if pool in kept or free[pool] < amount]
            if short:
                kept.add(short[0])
                continue
            self.waiting.remove(number)
            self.running.append(number)
            return number, False
        return None, False


def is_for_agents(spec):
    return bool(spec.prompt) and not spec.interactive


MUTEXES = (("db",), ("net",), ("db", "net"))
REQUESTS = ({"gpu": 1}, {"gpu": 2}, {"gpu": 3}, {"memory": 1}, {"memory": 2})
MIXED = ({"gpu": 1, "memory": 2}, {"gpu": 3, "memory": 1}, {"memory": 2}, {"gpu": 2})
POOLS = {"gpu": 3, "memory": 2}


def random_tasks(choices, mixed):
    found = []
    for number in range(14):
        asked = choices.of({}, {"mutex": choices.of(*MUTEXES)}, {"resources": choices.of(*REQUESTS)})
        if mixed and choices.of(True, False):
            asked = {"mutex": choices.of(*MUTEXES), "resources": choices.of(*MIXED)}
        if choices.below(4) == 1 and (mixed or "resources" not in asked):
            # Of a pool it depends on the moment whether who has no job slot keeps a prompt from overtaking.
            asked["prompt"] = "do it"
        found.append(task(str(number), priority=choices.below(3), interactive=choices.below(12) == 1, **asked))
    return found


@settings(max_examples=tries(600), deadline=None, derandomize=True)
@given(dice(200))
def test_lines_and_heaps_pick_whom_a_look_at_everybody_would(choices):
    # Where a task asks for a mutex and a pool, or for two pools, it depends on the moment which of them it waits for.
    tasks = random_tasks(choices, mixed=False)
    jobs, agents = 1 + choices.below(5), 1 + choices.below(3)
    made, plain = Slots(tasks, jobs, POOLS, range(14), agents), PlainSlots(tasks, jobs, POOLS, agents)
    left = choices.shuffled(range(14))
    while left or plain.running or plain.waiting:
        for _ in range(min(len(left), 1 + choices.below(3))):
            plain.waiting.append(left[-1])
            made.add(left.pop())
        while (number := plain.take()) is not None:
            assert made.take() == number
        assert made.take() is None
        if plain.running and choices.of(True, False):
            made.release(plain.running.pop(choices.below(len(plain.running))))
    assert made.take() is None


@settings(max_examples=tries(600), deadline=None, derandomize=True)
@given(dice(200))
def test_whatever_tasks_ask_for_all_of_them_get_their_turn_and_never_too_much(choices):
    tasks = random_tasks(choices, mixed=True)
    jobs, agents = 1 + choices.below(5), 1 + choices.below(3)
    made = Slots(tasks, jobs, POOLS, range(14), agents)
    left, running, done = choices.shuffled(range(14)), [], []
    while len(done) < 14:
        for _ in range(min(len(left), choices.below(4) or not running)):
            made.add(left.pop())
        running += taken(made)
        specs = [tasks[number] for number in running]
        held = [name for spec in specs for name in spec.mutex]
        assert len(held) == len(set(held))
        assert all(sum(spec.resources.get(pool, 0) for spec in specs) <= size for pool, size in POOLS.items())
        prompts = sum(is_for_agents(spec) for spec in specs)
        assert len(specs) - prompts <= jobs
        assert prompts <= agents
        assert len(specs) == 1 or not any(spec.interactive for spec in specs)
        assert running
        done.append(running.pop(choices.below(len(running))))
        made.release(done[-1])
    assert sorted(done) == list(range(14))
