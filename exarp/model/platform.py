"""Names of platforms: operating systems, processors, and both together.

Knows the names that manifests may use and which of them mean the same. Does not know where exarp runs.
"""

from __future__ import annotations

from collections.abc import Iterable

# exarp itself does not run on Windows; a manifest that also serves other tools may name it all the same.
SYSTEMS = {
    "linux": "linux",
    "macos": "macos",
    "darwin": "macos",
    "freebsd": "freebsd",
    "windows": "windows",
}
PROCESSORS = {
    "amd64": "amd64",
    "x86_64": "amd64",
    "arm64": "arm64",
    "aarch64": "arm64",
    "386": "386",
    "i386": "386",
    "i686": "386",
    "arm": "arm",
    "armv7l": "arm",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


def canonical(name: str) -> str | None:
    """``linux``, ``arm64`` or ``macos/arm64``, each part by its first name; None where a part is unknown."""
    system, slash, processor = name.partition("/")
    if not slash:
        return SYSTEMS.get(name) or PROCESSORS.get(name)
    if system not in SYSTEMS or processor not in PROCESSORS:
        return None
    return f"{SYSTEMS[system]}/{PROCESSORS[processor]}"


def known_names(like: str) -> list[str]:
    """Names that ``like``, which is none, may be a slip of: with a processor if it has one."""
    if "/" not in like:
        return [*SYSTEMS, *PROCESSORS]
    return [f"{system}/{processor}" for system in SYSTEMS for processor in PROCESSORS]


def is_among(here: str, platforms: Iterable[str]) -> bool:
    """Whether ``here`` (``linux/amd64``, an unknown part as the system calls it) is one of these canonical names."""
    names = {here, *here.split("/", 1)}
    return not names.isdisjoint(platforms)
