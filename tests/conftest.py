"""How all tests are run: with the signals of a shell's foreground, and with examples drawn so that no machine is too busy."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

from tests.effort import tries

# A busy machine is no defect. CI draws the same examples each time: what it refuses, it refuses again; elsewhere new ones are
# tried on every run.
settings.register_profile(
    "exarp",
    max_examples=tries(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("exarp")

# Started by nohup, or with & by a script, whoever runs the tests ignores these, and so would all that they start.
for ignored in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(ignored, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
