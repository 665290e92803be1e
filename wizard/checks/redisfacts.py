"""What Redis does with its configuration: passwords that it does not ask for, lines that it stops at (FACTS 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard import manifests, placeholders
from wizard.configurations import REDIS, Configuration
from wizard.finding import Finding, at
from wizard.manifests import Mapping, Path, Scalar, text_at
from wizard.resources import Leaf, Resource
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is not done as it is written."""
    for config in survey.of_server(REDIS):
        yield from _redis(config)
        yield from _unguarded(config)
    yield from _users_of_redis(survey)
    yield from _open_chart(survey)


_ONE_WORD = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\'|[^'])*'|[^\s\"']+")


def _redis(config: Configuration) -> Iterator[Finding]:
    lines = list(config.options())
    names = {name for _, name, _ in lines}
    for offset, name, rest in lines:
        if name not in ("requirepass", "masterauth") or placeholders.is_open(rest):
            continue
        if rest in ('""', "''") and name == "requirepass":
            message = f"{config.resource.ref}: requirepass is empty: Redis asks for no password."
            yield at(config.position(offset), "redis-open", message, "Give it one: matrix-wizard rotate redis-password")
        elif not _ONE_WORD.fullmatch(rest):
            message = f"{config.resource.ref}: {name} has not one word behind it: Redis does not start."
            fix = "Use letters and digits only, or put it into double quotes."
            yield at(config.position(offset), "redis-line", message, fix)
        elif name == "requirepass" and "aclfile" in names:
            message = f"{config.resource.ref}: with an aclfile Redis ignores requirepass."
            fix = "Give the password in the ACL file (user default on >… ~* &* +@all), and take this line out."
            yield at(config.position(offset), "redis-requirepass-ignored", message, fix)


# Redis 7, "ACL", "ACL rules", each of which is one word ([E]: with another word, or a comment, Redis does not start).
_ACL_RULE = re.compile(
    r"on|off|nopass|resetpass|reset|allkeys|resetkeys|allchannels|resetchannels|allcommands|nocommands|clearselectors"
    r"|(?:skip-)?sanitize-payload|[><]\S*|[#!][0-9a-f]{64}|[~&]\S+|%[RW]+~\S+|[+-]@?\S+|\([^)]*\)"
)
_ACL_WORD = re.compile(r"\([^)]*\)|\S+")


def _users_of_redis(survey: Survey) -> Iterator[Finding]:
    """Lines of an ACL file with a word that is no rule, as the second half of a password with a blank."""
    for resource in survey.holding(_USERS, "Secret", "ConfigMap"):
        for path, leaf in resource.leaves.items() if not resource.manifest.actions else ():
            if leaf.nested is None and len(path) == 2 and path[1].endswith(".acl"):
                yield from _stray_words(leaf)


_USERS = re.compile(rb"\.acl\b")


def _stray_words(leaf: Leaf) -> Iterator[Finding]:
    begin = 0
    for line in leaf.text.splitlines(keepends=True):
        words = _ACL_WORD.findall(line)
        is_open = placeholders.is_open(line)
        is_sound = words[:1] == ["user"] and len(words) > 1 and all(map(_ACL_RULE.fullmatch, words[2:]))
        if words and not is_open and not is_sound:
            message = f"{leaf.resource.ref}: a line of {leaf.key} has a word that is no rule: Redis does not start."
            yield at(leaf.position(begin), "redis-line", message, "Use letters and digits only; no line is a comment.")
        begin += len(line)


# Whose chart it is may be told by the file's path alone; the key of the rule stands in all of them.
_CHART = re.compile(rb"auth[\"']?\s*:")
_OF_CHART = frozenset({"architecture", "master", "replica", "primary", "sentinel"})


def _open_chart(survey: Survey) -> Iterator[Finding]:
    """Values of a chart of Redis by which it asks for no password (FACTS 10, 7.2); another thing may guard it there."""
    for values in survey.holding(_CHART, "", "HelmRelease", "HelmChart", "Application"):
        for path, scalar in manifests.walk(values.node) if not values.manifest.actions else ():
            if path[-2:] == ("auth", "enabled") and scalar.value.lower() == "false" and _is_redis(values, path[:-2]):
                message = f"{values.ref}: by auth.enabled the chart's Redis asks for no password."
                fix = "Write true, and name the Secret of the password (existingSecret)."
                yield at(values.manifest.position(scalar.start), "redis-open", message, fix, "warning")


def _is_redis(values: Resource, at_chart: Path) -> bool:
    """Whether the values at that path are of a chart of Redis, by its own name, its image or its other keys."""
    node = values.get(*at_chart) if at_chart else values.node
    keys = {key.value for key, _ in node.entries if isinstance(key, Scalar)} if isinstance(node, Mapping) else set()
    named = (*at_chart[-1:], text_at(node, "image", "repository"), values.name, values.manifest.path)
    return bool(keys & _OF_CHART) and any(re.search(r"(?i)redis|valkey", each) for each in named)


_LOOPBACK = re.compile(r"-?(?:127\.[\d.]+|::1|localhost)")
# What gives Redis a password elsewhere, or another way to know its clients; a sentinel holds no data.
_GUARDS = frozenset({"requirepass", "user", "aclfile", "include", "sentinel", "tls-port"})


def _unguarded(config: Configuration) -> Iterator[Finding]:
    """No password at all, and its protection against that switched off (redis.conf, protected-mode)."""
    lines = {name: (offset, rest) for offset, name, rest in config.options()}
    offset, mode = lines.get("protected-mode", (0, ""))
    bound = lines.get("bind", (0, "*"))[1].split()
    beside = [each.pod.lines for each in config.containers]
    beside += [leaf.text for leaf in config.resource.leaves.values() if leaf.nested is None]
    is_guarded = lines.keys() & _GUARDS or any(re.search(r"requirepass|aclfile|--user\b", each) for each in beside)
    if mode == "no" and not is_guarded and not all(map(_LOOPBACK.fullmatch, bound)):
        message = f"{config.resource.ref}: no requirepass, and protected-mode is no: Redis answers everybody."
        fix = "Add a line requirepass … to a file from a Secret, and name that in an include line."
        yield at(config.position(offset), "redis-open", message, fix)
