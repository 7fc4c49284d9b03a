"""Values that are never shown, stored or kept: of the variables that ``secrets`` of the settings names.

Knows where such values come from. Does not know how they are masked (``model.mask``), nor where they would be shown.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from exarp.model.event import (
    AttemptFailed,
    Event,
    FreshnessReason,
    QuestionAsked,
    RecoveryFinished,
    RecoveryStarted,
    RunStarted,
    ServiceStopped,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
)
from exarp.model.manifest import Manifest
from exarp.model.mask import Mask, mask_of, masked, parts_of
from exarp.model.path import matches

# Reasons whose subject is no name, but what a script or the system says.
_WORDS = frozenset(
    {
        "start-failed",
        "requirement-failed",
        "condition-false",
        "condition-broken",
        "service-ended",
        "verify-failed",
        "escalated",
    }
)

_REASONED = (
    TaskStarted,
    TaskFinished,
    TaskRetried,
    RecoveryStarted,
    VerifyStarted,
    VerifyFinished,
    AttemptFailed,
    QuestionAsked,
    ServiceStopped,
)


class Secrets:
    """The secrets of a manifest that is called in ``environ``. A variable that is a command which nobody has asked for has no
    value yet: it is learned when a task is given it."""

    def __init__(self, manifest: Manifest, environ: Mapping[str, str]) -> None:
        self._patterns = manifest.settings.secrets
        self._is_secret: dict[str, bool] = {}
        self._names: dict[bytes, str] = {}
        self._parts: tuple[bytes, ...] = ()
        if not self._patterns:
            return
        self.learn(environ)
        for values in (manifest.vars, *manifest.inner_vars.values()):
            for known in _known(values):
                self.learn(known)
        for values in manifest.dotenv.values():
            self.learn(values)
        for task in manifest.tasks:
            self.learn(task.env)
            self.learn(task.variables)

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._patterns)

    def learn(self, values: Mapping[str, str]) -> None:
        """Take in what variables are."""
        before = len(self._names)
        for name, value in values.items():
            if self.has(name):
                self._names.update(dict.fromkeys(parts_of(value), name))
        if len(self._names) > before:
            self._parts = tuple(sorted(self._names))

    def has(self, name: str) -> bool:
        """Whether a variable of that name is secret."""
        found = self._is_secret.get(name)
        if found is None:
            found = self._is_secret[name] = any(matches(pattern, name) for pattern in self._patterns)
        return found

    @property
    def parts(self) -> tuple[bytes, ...]:
        """All that is to be masked."""
        return self._parts

    @property
    def mask(self) -> Mask:
        """What masks it."""
        return mask_of(self._parts)

    def event(self, event: Event) -> Event:
        """An event, masked where it says something in words. Names are left: what else is told and stored goes by them."""
        changes: dict[str, object] = {}
        if isinstance(event, RunStarted):
            changes["command"] = masked(event.command, self.mask)
            changes["withheld"] = changes["command"] != event.command
        elif isinstance(event, _REASONED) and event.reason is not None:
            subject = event.reason.subject
            if event.reason.code in _WORDS:
                subject = self.mask.text(subject)
            detail = self.mask.text(event.reason.detail)
            changes["reason"] = FreshnessReason(event.reason.code, subject, detail)
        if isinstance(event, (TaskFinished, VerifyFinished)):
            changes["warnings"] = masked(event.warnings, self.mask)
        elif isinstance(event, QuestionAsked):
            changes |= {"text": self.mask.text(event.text), "error": self.mask.text(event.error)}
        elif isinstance(event, RecoveryFinished):
            changes |= {"said": self.mask.text(event.said), "error": self.mask.text(event.error)}
            changes["changed"] = masked(event.changed, self.mask)
        return msgspec.structs.replace(event, **changes) if changes else event

    def held_by(self, file: str) -> str:
        """The variable whose value a file (absolute) holds, or an empty text. Raises OSError."""
        mask = self.mask
        if not mask.parts:
            return ""
        with open(file, "rb", buffering=0) as opened:
            before = b""
            while data := opened.read(1 << 20):
                data = before + data
                if (found := mask.found(data)) is not None:
                    return self._names[found[0]]
                before = data[-mask.longest + 1 :] if mask.longest > 1 else b""
        return ""

    def named(self, texts: Iterable[bytes]) -> str:
        """The variable whose value is in one of ``texts``, or an empty text."""
        for text in texts:
            if (found := self.mask.found(text)) is not None:
                return self._names[found[0]]
        return ""


def shown_command(command: tuple[str, ...], manifest: Manifest, environ: Mapping[str, str]) -> tuple[str, ...]:
    """A command line as others may see it: without the values of secrets."""
    if not manifest.settings.secrets:
        return command
    return masked(command, Secrets(manifest, environ).mask)


def _known(values: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """What is known of variables, without running the commands among them."""
    if isinstance(values, ChainMap):
        for each in values.maps:
            yield from _known(each)
    elif isinstance(values, dict):
        yield values
    else:
        from exarp.manifests.variables.exported import LateVariables

        yield values.known() if isinstance(values, LateVariables) else values
