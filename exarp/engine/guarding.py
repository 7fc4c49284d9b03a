"""Guards in a run: verifications, and checkpoints, that what comes after a wave waits for.

Knows when one is due, and what does not run where it lets nothing pass. Does not know what earlier runs found out (who checks
a guard does), nor how the attempts of a verification go: that is as of any task (``machine``).

Whether a wave is well is not looked at after a failure in it. A checkpoint is reached all the same: who is to look has the more
reason to.
"""

from __future__ import annotations

from exarp.engine.asking import Asking
from exarp.engine.progress import OUTCOMES, Attempt
from exarp.engine.state import State
from exarp.model.event import CheckpointReached, FreshnessReason, QuestionAsked, VerifyFinished, VerifyStarted
from exarp.model.plan import Guard

CONTINUING = ("continue", "stop")
_BROKEN = frozenset({State.BLOCKED, State.CANCELLED})


class Guarding(Asking):
    """The part of a machine that is about guards."""

    def _guard(self, task: int) -> Guard:
        return self.plan.guards[task - self._first_guard]

    def _is_checkpoint(self, task: int) -> bool:
        return self._guard(task).kind == "checkpoint"

    # -- when it is due ----------------------------------------------------------------------------------------

    def _ready_guard(self, guard: int) -> None:
        spec = self._guard(guard)
        if not any(self.gates.wave_of[member] in self._announced for member in spec.members):
            # Nothing of the wave was looked at.
            self._finish(guard, State.SKIPPED)
        elif spec.kind == "checkpoint":
            self._check(guard)
        elif any(member in self._failures or self.states[member] in _BROKEN for member in spec.members):
            self._finish(guard, State.SKIPPED, FreshnessReason("wave-failed", spec.wave))
        else:
            self.slots.add(guard)

    def _check(self, task: int) -> None:
        """Find out whether anything is to be done."""
        raise NotImplementedError

    def _reach(self, checkpoint: int) -> None:
        """Nobody has let anything pass a checkpoint yet."""
        spec = self._guard(checkpoint)
        waits = not self.limits.past_checkpoints
        self._tell(CheckpointReached(task=spec.name, wave=spec.number, name=spec.wave, waits=waits))
        if not waits:
            self._finish(checkpoint, State.UP_TO_DATE)
        elif self.limits.asking:
            self.states.change(checkpoint, State.ASKING)
            self._put(checkpoint, QuestionAsked(id="", task=spec.name, options=CONTINUING))
        else:
            self._halt(checkpoint)

    def _pass_checkpoint(self, task: int, word: str | None) -> None:
        if word == "continue":
            self._finish(task, State.UP_TO_DATE)
        else:
            self._halt(task)

    def _halt(self, checkpoint: int) -> None:
        """Nobody lets anything pass: the run ends without what is behind it."""
        spec = self._guard(checkpoint)
        self._halted.append(spec.name)
        self._finish(checkpoint, State.SKIPPED)
        self._block_behind(checkpoint, FreshnessReason("checkpoint", spec.wave))

    # -- what is behind it -------------------------------------------------------------------------------------

    def _behind_guard(self, task: int) -> list[int]:
        """What is in the waves that wait for a guard, directly or not, and what itself waits for it."""
        if task < self._first_guard:
            return []
        found, seen = list(self.gates.following(task)), set[int]()
        stack = [self.gates.wave_of[task]]
        while stack:
            new = [later for later in self.gates.followers(stack.pop()) if later not in seen]
            seen.update(new)
            stack += new
            members = [member for number in new for member in self.gates.wave(number).tasks]
            found += members
            found += [later for each in members if each >= self._first_guard for later in self.gates.following(each)]
        return found

    def _block_behind(self, guard: int, reason: FreshnessReason) -> None:
        found = self._behind_guard(guard)
        for task in found:  # grows while it is walked
            if self.states[task] is State.WAITING:
                self._finish(task, State.BLOCKED, reason)
                found += self._needed_by(task) if task < self._first_guard else self.gates.following(task)

    # -- its end -----------------------------------------------------------------------------------------------

    def _tell_verification(self, guard: int, attempt: Attempt) -> None:
        """An attempt of a verification begins."""
        spec = self._guard(guard)
        self._has_verified = True
        started = VerifyStarted(
            task=spec.name, wave=spec.number, name=spec.wave, attempt=attempt.number, reason=attempt.reason
        )
        self._tell(started)

    def _finish_guard(
        self, guard: int, state: State, reason: FreshnessReason | None, warnings: tuple[str, ...]
    ) -> None:
        self.states.change(guard, state)
        spec = self._guard(guard)
        attempt = self._attempts.pop(guard, None)
        if spec.kind == "verify" and (attempt is not None or (state not in _BROKEN and reason)):
            self._tell_verified(spec, state, attempt, reason, warnings)
        if self.gates.has_come(guard):
            self._over.append(guard)

    def _tell_verified(
        self,
        spec: Guard,
        state: State,
        attempt: Attempt | None,
        reason: FreshnessReason | None,
        warnings: tuple[str, ...],
    ) -> None:
        ended = attempt.ended if attempt is not None else None
        self._tell(
            VerifyFinished(
                task=spec.name,
                wave=spec.number,
                name=spec.wave,
                attempt=attempt.number if attempt is not None else 0,
                outcome=OUTCOMES[state],
                exit_status=ended.status if ended is not None else None,
                signal=ended.signal if ended is not None else None,
                duration_ms=ended.duration_ms if ended is not None else 0,
                log=ended.log if ended is not None else None,
                reason=reason,
                warnings=(ended.warnings if ended is not None else ()) + warnings,
            )
        )
