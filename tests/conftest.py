"""How all tests that draw examples are run."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A busy machine is no defect. CI draws the same examples each time: what it refuses, it refuses again; elsewhere new ones are
# tried on every run.
settings.register_profile(
    "exarp",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("exarp")
