"""Globs by their definition: every pattern against every path, character by character, without regular expressions."""

from __future__ import annotations


def glob_matches(pattern: str, path: str) -> bool:
    if pattern.endswith("/"):
        parts = pattern.rstrip("/").split("/")
        steps = path.split("/")
        return any(_folders_match(parts, steps[:end]) for end in range(1, len(steps)))
    return _folders_match(pattern.split("/"), path.split("/"))


def _folders_match(parts: list[str], steps: list[str]) -> bool:
    """Whether all of ``steps`` are what all of ``parts`` stand for."""
    if not parts:
        return not steps
    if parts[0] != "**":
        return bool(steps) and _name_matches(parts[0], steps[0]) and _folders_match(parts[1:], steps[1:])
    rest = parts[1:]
    for taken in range(len(steps) + 1):
        if any(not step or step.startswith(".") for step in steps[:taken]):
            return False
        if rest and _folders_match(rest, steps[taken:]):
            return True
        if not rest and taken == len(steps) > 0:
            return True
    return False


def _name_matches(part: str, name: str) -> bool:
    return not (name.startswith(".") and part[:1] in ("*", "?", "[")) and _text_matches(part, name)


def _text_matches(part: str, name: str) -> bool:
    if not part:
        return not name
    if part[0] == "*":
        return any(_text_matches(part[1:], name[at:]) for at in range(len(name) + 1))
    if not name:
        return False
    if part[0] == "?":
        return _text_matches(part[1:], name[1:])
    end = _class_end(part)
    if end:
        return _in_class(part[1:end], name[0]) and _text_matches(part[end + 1 :], name[1:])
    return part[0] == name[0] and _text_matches(part[1:], name[1:])


def _class_end(part: str) -> int:
    """Where the class at the start of ``part`` ends; 0 if there is none. A ``]`` that comes first is a member."""
    if part[0] != "[":
        return 0
    at = 2 if part[1:2] in ("!", "^") else 1
    return max(0, part.find("]", at + 1))


def _in_class(body: str, char: str) -> bool:
    negated = body[0] in "!^"
    members = body[1:] if negated else body
    found = False
    at = 0
    while at < len(members):
        if members[at + 1 : at + 2] == "-" and at + 2 < len(members):
            found = found or members[at] <= char <= members[at + 2]
            at += 3
        else:
            found = found or members[at] == char
            at += 1
    return found != negated
