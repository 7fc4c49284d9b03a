"""Good manifests: what the readers must accept, and what the fuzz tests start from."""

from __future__ import annotations

from exarp.app.init import STARTER

FULL = """\
[vars]
arch = "x86_64"
dir = "build/${arch}"
level = 2
ratio = 1.5
datasets = ["es", "fr", 3]
version = { run = "git describe" }

[settings]
default = ["check"]
jobs = 4
max_parallel_waves = 2
max_tasks_per_wave = 3
packing = "levels"
schedule = "waves"
trust = "plan"
retries = 1
retry_delay = "1s"
timeout = "1h"
on_failure = "fail"
output = "grouped"
shell = ["sh", "-eu", "-c"]
log_limit = "1MiB"
cache_dirs = [".ccache"]
dotenv = [".env", "env/${arch}.env"]
clean_env = true
pass_env = ["CC", "AWS_*"]

[resources]
gpu = 1
memory = "4GiB"

[template.quick]
timeout = "5s"
env = { Q = "1" }

[template.each]
extends = ["quick"]
matrix = { ds = "${datasets}" }

[task.train]
extends = "each"
matrix = { size = [{ name = "small", memory = "1GiB" }, { name = "large", memory = "2GiB" }] }
resources = { memory = "${size.memory}" }
outputs = ["models/${ds}-${size}.bin"]
run = "train $ds > $out; echo $version"

[task.join]
inputs = [{ from = "train" }, { from = "train@es,small" }]
needs = ["train"]
argv = ["join", "${datasets}", "$in"]

[task.gen]
description = "Generate sources"
inputs = ["gen.py", "!gen.pyc"]
tools = ["tools/*.py", "/usr/bin/env"]
allow_empty = true
outputs = ["src/gen.c", "include/gen/"]
run = "python gen.py > $out"
env = { HOME_OF = "${env.HOME:-/}", ARCH = "${arch}", N = 3 }

[task.cc]
inputs = ["src/*.c", "include/"]
outputs = ["${dir}/main.o"]
depfile = "${dir}/main.d"
needs = ["gen"]
run = ["cc -c src/main.c", "echo done"]
resources = { gpu = 1, memory = "1GiB" }

[task.link]
inputs = [{ from = "cc" }, "!src/old/**"]
outputs = ["${dir}/app"]
argv = ["cc", "-o", "$out", "$in"]
track_env = ["CC", "AWS_*"]
dotenv = ["link.env"]
parent = "gen"
timeout = "5m"
retries = 2
retry_delay = "1s"
no_retry_on = [2, 64]
verify = ["test -x $out", "$CC --version"]
priority = "high"

[task.fmt]
modifies = ["docs/**/*.md"]
after = ["gen"]
run = '''
clang-format -i $in
'''
mutex = ["db"]
tags = ["style"]
cwd = "docs"
keep_outputs = true

[task."unit/test"]
run = "run-tests"
needs = ["link"]
interactive = true
manual = true
allow_failure = true

[task.check]
needs = ["link", "fmt"]

[[wave]]
name = "backend"
tasks = ["gen", "cc"]
order = "sequential"
parallel = ["front"]

[[wave]]
name = "front"
tasks = ["fmt"]
parallel = true
"""

SMALL = """\
[task.a]
run = "true"

[task.b]
needs = ["a"]
inputs = ["x/**/*.py"]
outputs = ["y/"]
run = "touch y"
"""

GOOD = {"full": FULL, "small": SMALL, "starter": STARTER, "empty": "", "comment": "# nothing yet\n"}
