"""From a task that must run to what a host is told to start.

Knows how the parts of a task's environment lie upon each other, where ``$in_file`` is written, and prepares the folders around
outputs. Does not start anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec

from exarp.app.running.command_lines import LaunchFault, file_lists, file_variables, given_variables, vectors
from exarp.app.running.sharing import Sharing
from exarp.app.secrets import Secrets
from exarp.hosts.spawning import find_program
from exarp.model.launch import Launch, Streams
from exarp.model.manifest import Manifest
from exarp.model.path import is_folder, is_outside
from exarp.model.task import Task
from exarp.planning.environment import Environment
from exarp.planning.plain import PlainCommand, is_handed_on, is_ordinary_shell, plain_command
from exarp.planning.recipe import is_odd, names_launch_word
from exarp.workspace.folders import FolderFault, OutputFolders, parent_folders, seen_from, shell_folder, working_folder


class Launcher:
    """Makes launches for the tasks of one run.

    ``scratch`` and ``claims``: absolute folders of exarp's own, for ``$in_file`` lists, and for what it knows of output folders.
    ``sharing``: which of them find a jobserver; without it, none does.
    """

    def __init__(
        self,
        root: str,
        manifest: Manifest,
        environ: Mapping[str, str],
        run: str,
        scratch: str,
        claims: str,
        raw: bool,
        sharing: Sharing | None = None,
    ) -> None:
        self.root = root
        self.manifest = manifest
        self.sharing = sharing or Sharing()
        self._of_sharers = Environment(manifest, environ, self.sharing.told)
        self._of_others = Environment(manifest, environ, self.sharing.untold)
        self.own = {"EXARP_RUN": run, "EXARP_WORKSPACE": root}
        self.scratch = scratch
        self.raw = raw
        self.folders = OutputFolders(root, claims)
        self._files: dict[int, list[str]] = {}
        # What is to be masked in what tasks print.
        self.secrets: Secrets | None = None
        self._handed_on: dict[tuple[str, ...], bool] = {}
        self._person_shell = environ.get("SHELL", "")
        # Where programs are, by name and PATH.
        self._programs: dict[tuple[str, str], str | None] = {}
        self._root_folder: str | None = None

    def launch(self, key: int, task: Task, named: Sequence[str], log: str) -> Launch:
        """The launch of one attempt, its folders made and emptied.

        ``named``: what ``$in`` stands for. Raises LaunchFault.
        """
        try:
            self._prepare(task)
        except FolderFault as fault:
            raise LaunchFault(str(fault)) from None
        cwd = self._cwd(task)
        folder = working_folder(self.root, task.cwd)
        lists = file_lists(task, named, self.root)
        if names_launch_word(task, "in_file"):
            lists["in_file"] = [self._list_path(key, folder)]
        launch = self._launch(key, task, lists, cwd, log)
        # Last of all: ``done`` is told only of what was started.
        if "in_file" in lists:
            if odd := next((entry for entry in lists["in"] if "\n" in entry), None):
                raise LaunchFault(f"$in_file has one path a line, and {odd!r} has more than one: use argv with $in")
            self._write(key, f"{self.scratch}/in-{key}.txt", "".join([f"{entry}\n" for entry in lists["in"]]))
        if task.prompt:
            self._write(key, self._prompt_path(key), task.prompt)
        return launch

    def probe(self, key: int, task: Task, script: str, variables: Mapping[str, str], log: str = "") -> Launch:
        """The launch of a script beside a task's attempts, with ``variables`` beyond the task's.

        ``log``: where what it prints is kept, behind what is there already; without one it is for exarp alone to read.
        Raises LaunchFault.
        """
        aside = msgspec.structs.replace(
            task, commands=(script,), argv=(), prompt="", verify=(), interactive=False, daemon=False
        )
        launch = self._launch(key, aside, {}, self._cwd(task), log)
        streams: Streams = launch.streams if log else "captured"
        return msgspec.structs.replace(
            launch, env={**launch.env, **variables}, streams=streams, append=True, plain=(), redirections=()
        )

    def agent(self, key: int, name: str, commands: Sequence[str], variables: Mapping[str, str], log: str) -> Launch:
        """The launch of who may mend ``name``, in the workspace's folder, with ``variables`` beyond what tasks are given.

        ``log``: as of ``launch``. Raises LaunchFault.
        """
        spec = Task(name=name, commands=tuple(commands), shell=self.manifest.settings.shell)
        launch = self._launch(key, spec, {}, self.root, log)
        return msgspec.structs.replace(
            launch, env={**launch.env, **variables}, streams="captured", plain=(), redirections=(), programs=()
        )

    def write_beside(self, key: int, kind: str, text: str) -> str:
        """Write a file that is there for as long as what is started as ``key``; its path. Raises LaunchFault."""
        path = f"{self.scratch}/{kind}-{key}.json"
        self._write(key, path, text)
        return path

    def shell(self, key: int, task: Task, named: Sequence[str], log: str) -> Launch:
        """The launch of a shell for a person, with what an attempt of ``task`` is given, in its folder, if there is one.

        ``named``: what ``$in`` stands for. ``log``: of the attempt that failed, absolute, or empty. Raises LaunchFault.
        """
        cwd = f"{self.root}/{task.cwd}" if task.cwd and os.path.isdir(f"{self.root}/{task.cwd}") else self.root
        lists = file_lists(task, named, self.root)
        if names_launch_word(task, "in_file"):
            lists["in_file"] = [self._list_path(key, working_folder(self.root, task.cwd))]
            self._write(key, f"{self.scratch}/in-{key}.txt", "".join([f"{entry}\n" for entry in lists["in"]]))
        if task.prompt:
            self._write(key, self._prompt_path(key), task.prompt)
        launch = self._launch(key, task, lists, cwd, "")
        return msgspec.structs.replace(
            launch,
            commands=((self._shell_of_person(),),),
            env={**launch.env, "EXARP_LOG": log},
            streams="foreground",
            daemon=False,
            plain=(),
            redirections=(),
            programs=(),
            masked=(),
        )

    def _shell_of_person(self) -> str:
        shell = self._person_shell
        return shell if os.path.isfile(shell) and os.access(shell, os.X_OK) else "sh"

    def _cwd(self, task: Task) -> str:
        cwd = f"{self.root}/{task.cwd}" if task.cwd else self.root
        if task.cwd and not os.path.isdir(cwd):
            raise LaunchFault(f"cannot enter {task.cwd}: there is no such folder: make it, or correct cwd")
        return cwd

    def _launch(self, key: int, task: Task, lists: Mapping[str, list[str]], cwd: str, log: str) -> Launch:
        shares = self.sharing.takes_part(task)
        environment = self._of_sharers if shares else self._of_others
        given = given_variables(task, environment)
        around = environment.around(task)
        env = self._environment(task, lists, given)
        if task.prompt:
            env["EXARP_PROMPT_FILE"] = self._prompt_path(key)

        def value(name: str) -> str | None:
            return env[name] if name in env else around.get(name)

        plain = self._plain(task, value) if self._is_handed_on(task, around, given) else ()
        if plain:
            env["PWD"] = self._shell_folder(value("PWD"), cwd)
        if self.secrets:
            self.secrets.learn({**around, **env})
        search = value("PATH") or ""
        return Launch(
            key=key,
            label=task.name,
            commands=vectors(task, lists),
            env=env,
            cwd=cwd,
            log=log,
            log_limit=self.manifest.settings.log_limit,
            streams=self._streams(task),
            daemon=task.daemon,
            plain=tuple([command and command.words for command in plain]),
            redirections=tuple([command.redirections if command else () for command in plain]),
            masked=self.secrets.parts if self.secrets else (),
            around=around,
            programs=tuple([self._program(command.words[0], search) if command else None for command in plain]),
            shares=shares,
        )

    def _program(self, name: str, search: str) -> str | None:
        key = (name, search)
        if key not in self._programs:
            self._programs[key] = find_program(name, search)
        return self._programs[key]

    def _plain(self, task: Task, value: Callable[[str], str | None]) -> tuple[PlainCommand | None, ...]:
        """For each of a task's scripts the command that it is, if it needs no shell; empty where all do."""
        if not task.commands or task.interactive or not is_ordinary_shell(task.shell):
            return ()
        found = tuple([plain_command(script, value) for script in task.attempted])
        return found if any(found) else ()

    def _is_handed_on(self, task: Task, around: Mapping[str, str], given: Mapping[str, str]) -> bool:
        # What comes from outside is the same for thousands of tasks.
        known = self._handed_on.get(task.dotenv)
        if known is None:
            known = self._handed_on[task.dotenv] = is_handed_on(around)
        return known and is_handed_on(given)

    def _shell_folder(self, pwd: str | None, cwd: str) -> str:
        if cwd != self.root:
            return shell_folder(pwd, cwd)
        if self._root_folder is None:
            self._root_folder = shell_folder(pwd, cwd)
        return self._root_folder

    def _list_path(self, key: int, folder: str) -> str:
        """In full, so that a script may change its folder; from ``folder`` where the workspace's own path needs quotes."""
        path = f"{self.scratch}/in-{key}.txt"
        return seen_from(folder, os.path.relpath(path, self.root), self.root) if is_odd(path) else path

    def _prompt_path(self, key: int) -> str:
        return f"{self.scratch}/prompt-{key}.txt"

    def takes_long(self, task: Task) -> bool:
        """Whether ``launch`` may take long: folders are emptied, which may hold much."""
        return bool(emptied_folders(task))

    def leaves_no_trace(self, task: Task) -> bool:
        """Whether nothing needs to be undone after a ``launch`` that nobody starts; folders around outputs are no trace."""
        return not emptied_folders(task) and not task.prompt and not names_launch_word(task, "in_file")

    def done(self, key: int) -> None:
        """An attempt is over: its list, and its prompt, are no longer needed."""
        for path in self._files.pop(key, ()):
            with suppress(FileNotFoundError):
                os.unlink(path)

    def forget(self) -> None:
        """A task is over, whatever it came to: it may have made programs, and removed folders.

        What comes about while another one runs that does not wait for it, is seen by luck alone, as ever.
        """
        self.folders.forget()
        self._programs.clear()

    def _streams(self, task: Task) -> Streams:
        if task.interactive:
            return "foreground"
        return "inherited" if self.raw else "captured"

    def _prepare(self, task: Task) -> None:
        for folder in made_folders(task) if task.outputs or task.depfile else ():
            self.folders.make(folder)
        for path in emptied_folders(task):
            self.folders.empty(path)

    def _environment(self, task: Task, lists: Mapping[str, list[str]], given: Mapping[str, str]) -> dict[str, str]:
        """What lies over what comes from outside: what is exarp's own, and over that what the manifest says."""
        return {**self.own, "EXARP_TASK": task.name, **file_variables(task, lists), **given}

    def _write(self, key: int, path: str, text: str) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
        except OSError as error:
            raise LaunchFault(f"{path} cannot be written: {error.strerror}") from None
        self._files.setdefault(key, []).append(path)


def made_folders(task: Task) -> tuple[str, ...]:
    """The folders that are made before a task starts."""
    folders = parent_folders((*(task.outputs or ()), task.depfile))
    return tuple([folder for folder in folders if not is_outside(folder)])


def emptied_folders(task: Task) -> list[str]:
    """The output folders that are emptied before a task starts."""
    return [] if task.keep_outputs or not task.outputs else [path for path in task.outputs if is_folder(path)]
