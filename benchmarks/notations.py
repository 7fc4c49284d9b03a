"""One graph in the language of each build tool, written as that tool's users would and as it is quickest.

Knows the file formats. Does not know how a tool is started, and runs nothing. All of it takes folders as being there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from graphs import Graph, Job

Notation = Callable[[Graph], str]


def _line(graph: Graph, job: Job) -> str:
    """The command as a shell reads it."""
    read = " ".join(job.inputs)
    return f"cp {read} {job.output}" if graph.program == "cp" else f"cat {read} > {job.output}"


# -- exarp ---------------------------------------------------------------------------------------------------------


def exarp(graph: Graph) -> str:
    """An exarp.toml; artifacts are kept, which is what exarp does by itself."""
    script = {"cp": "cp $in $out", "cat": "cat $in > $out"}.get(graph.program)
    return "\n".join(_exarp_task(job, script) for job in graph.jobs)


def exarp_without_artifacts(graph: Graph) -> str:
    """The same with artifacts off; in the manifest, for an option would have to be read in every run."""
    return "[cache]\nenabled = false\n\n" + exarp(graph)


def _exarp_task(job: Job, script: str | None) -> str:
    # A JSON list of strings is one of TOML too. Files say which task needs which.
    if script is None:
        return f"[task.{job.name}]\nneeds = {json.dumps(job.needs)}\n"
    inputs = json.dumps(job.inputs)
    return f'[task.{job.name}]\ninputs = {inputs}\noutputs = ["{job.output}"]\nrun = "{script}"\n'


# -- ninja and GNU make --------------------------------------------------------------------------------------------


def ninja(graph: Graph) -> str:
    """A build.ninja; without a ``default`` ninja builds all."""
    if not graph.program:
        return "".join(f"build {job.name}: phony {' '.join(job.needs)}\n" for job in graph.jobs)
    command = {"cp": "cp $in $out", "cat": "cat $in > $out"}[graph.program]
    edges = (f"build {job.output}: make {' '.join(job.inputs)}\n" for job in graph.jobs)
    return f"rule make\n  command = {command}\n" + "".join(edges)


def make(graph: Graph) -> str:
    """A Makefile of explicit rules."""
    if not graph.program:
        names = " ".join(job.name for job in graph.jobs)
        rules = [f"{job.name}: {' '.join(job.needs)}\n" for job in graph.jobs]
        return f".PHONY: all {names}\nall: goal\n" + "".join(rules)
    recipe = {"cp": "cp $< $@", "cat": "cat $^ > $@"}[graph.program]
    rules = [f"{job.output}: {' '.join(job.inputs)}\n\t{recipe}\n" for job in graph.jobs]
    goals = " ".join(job.output for job in graph.goals)
    return f".PHONY: all\nall: {goals}\n" + "".join(rules)


# -- those that are told in Python ---------------------------------------------------------------------------------


def _jobs_as_python(graph: Graph) -> str:
    rows = "".join(f"    {(job.name, job.inputs, job.output, job.needs)!r},\n" for job in graph.jobs)
    return f"JOBS = [\n{rows}]\n"


DOIT = {
    # An argument list spares doit the shell.
    "cp": '{"file_dep": list(inputs), "targets": [output], "actions": [["cp", *inputs, output]]}',
    "cat": '{"file_dep": list(inputs), "targets": [output], "actions": [f"cat {\' \'.join(inputs)} > {output}"]}',
    "": '{"actions": None, "task_dep": list(needs)}',
}


def doit(graph: Graph) -> str:
    """A dodo.py."""
    loop = "    for name, inputs, output, needs in JOBS:\n"
    return (
        _jobs_as_python(graph)
        + "\ndef task_all():\n"
        + loop
        + f'        yield {{"basename": name, **{DOIT[graph.program]}}}\n'
    )


SCONS = {
    "cp": '    env.Command(output, list(inputs), "cp $SOURCE $TARGET")\n',
    "cat": '    env.Command(output, list(inputs), "cat $SOURCES > $TARGET")\n',
    "": "    env.Alias(name, list(needs))\n",
}


def scons(graph: Graph) -> str:
    """An SConstruct without SCons's look for compilers."""
    goals = [job.output or job.name for job in graph.goals]
    return (
        _jobs_as_python(graph)
        + "env = Environment(tools=[])\n"
        + "for name, inputs, output, needs in JOBS:\n"
        + SCONS[graph.program]
        + f"Default({goals!r})\n"
    )


def snakemake(graph: Graph) -> str:
    """A Snakefile: one rule with a wildcard, a rule a task would be slower still. It has no tasks without files."""
    made = {job.output: list(job.inputs) for job in graph.jobs}
    goals = [job.output for job in graph.goals]
    command = {"cp": "cp {input} {output}", "cat": "cat {input} > {output}"}[graph.program]
    return (
        f"READS = {json.dumps(made)}\n"
        f"rule all:\n    input: {json.dumps(goals)}\n"
        'rule make:\n    input: lambda wildcards: READS["out/" + wildcards.name]\n'
        f'    output: "out/{{name}}"\n    shell: "{command}"\n'
    )


# -- go-task -------------------------------------------------------------------------------------------------------


def go_task(graph: Graph) -> str:
    """A Taskfile.yml. ``run: once``: else a task runs once for each that needs it."""
    goals = _flow(job.name for job in graph.goals)
    head = f'version: "3"\nrun: once\ntasks:\n  default:\n    deps: {goals}\n'
    return head + "".join(_go_task_entry(graph, job) for job in graph.jobs)


def _go_task_entry(graph: Graph, job: Job) -> str:
    lines = [f"  {job.name}:"]
    if job.needs:
        lines.append(f"    deps: {_flow(job.needs)}")
    if graph.program:
        lines.append(f"    sources: {_flow(job.inputs)}")
        lines.append(f"    generates: {_flow([job.output])}")
        lines.append(f"    cmds: [{json.dumps(_line(graph, job))}]")
    elif not job.needs:
        lines.append("    cmds: []")
    return "\n".join(lines) + "\n"


def _flow(words: Iterable[str]) -> str:
    # A JSON list is one of YAML too.
    return json.dumps(list(words))
