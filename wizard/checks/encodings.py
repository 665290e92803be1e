"""What is encoded as its reader decodes it: base64 under ``data:`` of a Secret, and nowhere else, and once only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from wizard import base64text, catalogue, placeholders
from wizard.finding import Finding, at
from wizard.resources import Leaf, Resource
from wizard.rules import Severity
from wizard.sites import Site
from wizard.survey import Survey
from wizard.workloads import Workload

_BY_NAME = re.compile(r"b64|base64|encoded", re.IGNORECASE)  # the program decodes it itself
_VARIABLE = re.compile(r"[A-Za-z_]\w*")  # of all keys that a container takes at once, those that name a variable
# Marks of programs that write a text in their place, beyond those that placeholders and templates are told by.
_MARK = re.compile(r"\$\w+|%\w+%|__\w+__|@@?\w+@@?|#\{\w+\}#?|<[^<>]+>|\[\[.+\]\]")
_TAKES_SECRETS = re.compile(rb"secret(?:Key)?Ref")
_AS_THERE = ("base64-in-plain", "Write the same text as there.")
_BASIC_AUTH = "kubernetes.io/basic-auth"  # CloudNativePG takes its password as it stands (FACTS 3)


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is encoded otherwise than its reader decodes it."""
    known = {(each.leaf.resource, each.leaf.path) for each in survey.found.sites if each.leaf and _is_secret(each)}
    copies = [*_copies(survey.found.sites)]
    told = {(each.leaf.resource, each.leaf.path) for each, _ in copies if each.leaf}
    in_env = cache(lambda: _in_environments(survey.running(_TAKES_SECRETS)))  # few trees have any use for it
    for secret in survey.of_kind("Secret"):
        if secret.manifest.is_expanded or secret.is_guarded:
            continue
        for leaf in secret.leaves.values():
            if leaf.is_secret and leaf.nested is None and not _is_open(leaf.scalar.value):
                yield from _refused(leaf) if leaf.is_encoded else ()
                is_told, is_known = ((secret, leaf.path) in those for those in (told, known))
                yield from () if is_told else _encoded(leaf, is_known=is_known)
                yield from _newline(leaf, in_env)
    for site, other in copies:
        is_twice = site.leaf is not None and site.leaf.is_encoded
        rule, fix = ("base64-twice", "Encode the text once: base64 -w0") if is_twice else _AS_THERE
        message = f"{site.value} stands here as the base64 of what stands at {other.position}: two different secrets."
        yield at(site.position, rule, message, fix)


def _is_open(text: str) -> bool:
    """Whether another program fills *text* in, or nobody has yet."""
    is_mark = _MARK.fullmatch(text.strip()) is not None
    return is_mark or placeholders.is_open(text)


def _is_secret(site: Site) -> bool:
    row = catalogue.BY_NAME.get(site.value)
    return row is not None and row.kind is not catalogue.Kind.ANSWER and not site.token and site.how != "comment"


def _refused(leaf: Leaf) -> Iterator[Finding]:
    """What the API server does not decode, or other readers may not (FACTS 0, R3; FACTS 10, 2.4)."""
    text = leaf.scalar.value
    where, what = leaf.resource.manifest.position(leaf.scalar.start), f"{leaf.resource.ref}: {leaf.key} under data:"
    is_broken = "\n" in text.strip("\n") or " " in text.strip()
    if is_broken and base64text.is_read("".join(text.split())):
        is_refused = not base64text.is_read(text)
        message = f"{what} is base64 in several lines" + (
            ", and as it is folded here with blanks in it, which the API server refuses." if is_refused else "."
        )
        fix = "Write it on one line, as this does: base64 -w0"
        yield at(where, "base64-wrapped", message, fix, "error" if is_refused else "warning")
    elif not base64text.is_read(text):
        message = f"{what} is not base64, so that the API server refuses the Secret."
        yield at(where, "base64-missing", message, "Move the key to stringData:, or encode its text: base64 -w0")


def _encoded(leaf: Leaf, *, is_known: bool) -> Iterator[Finding]:
    """Base64 that its reader gets as such: in ``stringData:``, or once more under ``data:`` (FACTS 10, 2.2 and 2.4)."""
    inner = base64text.plain(leaf.text)
    if not inner or _BY_NAME.search(leaf.key) or _is_open(inner):
        return
    shape = base64text.shape(inner)
    what = shape or "a text"
    where, name = leaf.resource.manifest.position(leaf.scalar.start), f"{leaf.resource.ref}: {leaf.key}"
    severity: Severity | None = None if shape and is_known else "warning"
    if leaf.is_encoded:
        message = f"{name} is the base64 of the base64 of {what}: its reader gets base64."
        yield at(where, "base64-twice", message, "Encode the text once: base64 -w0", severity)
    else:
        message = f"{name} is the base64 of {what}, and stringData: takes the text itself: its reader gets base64."
        yield at(where, "base64-in-plain", message, "Write the decoded text, or move the key to data:", severity)


def _copies(found: Iterable[Site]) -> Iterator[tuple[Site, Site]]:
    """Yield each copy of a secret that is the base64 of another copy, and that: the checklist's own command makes them.

    Source: FACTS 10, 2.2."""
    by_value: dict[str, list[Site]] = {}
    for site in found:
        if _is_secret(site):
            by_value.setdefault(site.value, []).append(site)
    for group in by_value.values():
        texts = {site.text: site for site in group}
        for site in group:
            plain = base64text.plain(site.text)
            other = texts.get(plain) or texts.get(plain.rstrip("\n"))
            if plain and other is not None:
                yield site, other


def _in_environments(workloads: Iterable[Workload]) -> set[tuple[str, str, str]]:
    """Return namespace, name and key ('' for all) of what containers get as a variable, line end included."""
    return {
        (workload.namespace, each.name, key)
        for workload in workloads
        for each in workload.references
        if each.kind == "Secret" and each.how == "env"
        for key in (each.keys if each.keys is not None else {""})
    }


def _newline(leaf: Leaf, in_env: Callable[[], set[tuple[str, str, str]]]) -> Iterator[Finding]:
    """A line end behind a secret of one line, where its reader takes it for a part of it."""
    text, secret = leaf.text, leaf.resource
    is_one_line = text.endswith("\n") and "\n" not in text.rstrip("\r\n") and text.strip() != ""
    if is_one_line and (_type(secret) == _BASIC_AUTH or _is_variable(secret, leaf.key, in_env())):
        message = f"{secret.ref}: {leaf.key} ends in a line end, which its reader takes for a part of it."
        fix = (
            "Encode it without: printf %s TEXT | base64 -w0" if leaf.is_encoded else "Write it on one line, in quotes."
        )
        yield at(secret.manifest.position(leaf.scalar.start), "trailing-newline", message, fix)


def _is_variable(secret: Resource, key: str, in_env: set[tuple[str, str, str]]) -> bool:
    spaces = {secret.namespace, ""} if secret.namespace else {space for space, _, _ in in_env}
    named = (key, "") if _VARIABLE.fullmatch(key) else (key,)
    return any((space, secret.name, each) in in_env for space in spaces for each in named)


def _type(secret: Resource) -> str:
    return next((leaf.text for path, leaf in secret.leaves.items() if path == ("type",)), "")
