"""The mail block: Synapse's ``email:`` options in the homeserver's configuration, or in a second file beside it.

It is a clause in a document embedded in a ConfigMap or Secret: enabled where it is commented out, added where it is
absent, and without the options that have no value. Pure, like ``clauses``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from wizard import entries, lenses, manifests
from wizard.clauses import Arrangement, Settings, unfit
from wizard.entries import Change, Undo, Wanted
from wizard.errors import RefusedError
from wizard.lenses import Edit
from wizard.manifests import Mapping, Node, Path
from wizard.resources import Leaf, Resource


@dataclass(frozen=True)
class Option:
    """One option of Synapse's ``email:`` block: the value that stands there and a sample of its YAML type."""

    key: str
    value: str
    sample: str | int | bool


# Synapse's own names (FACTS 2; synapse/config/emailconfig.py). An option without a value, such as the user of a server
# that asks for none, is left out of the block.
OPTIONS: tuple[Option, ...] = (
    Option("smtp_host", "smtp-host", "localhost"),
    Option("smtp_port", "smtp-port", 25),
    Option("smtp_user", "smtp-user", "user"),
    Option("smtp_pass", "smtp-password", "YOUR_SMTP_PASSWORD"),
    Option("enable_tls", "smtp-enable-tls", True),
    Option("require_transport_security", "smtp-require-tls", True),
    Option("force_tls", "smtp-force-tls", False),
    Option("notif_from", "smtp-from", "Matrix"),
)
_WITH_USER = frozenset({"smtp_user", "smtp_pass"})


def may_be_home(data: bytes) -> bool:
    """Say whether the manifest of *data* can hold such a block: a scan that errs towards yes, also of base64."""
    is_named = b".yaml" in data or b".yml" in data
    return is_named and any(word in data for word in (b"Secret", b"server_name", b"email"))


def home_of(resources: Iterable[Resource]) -> Leaf | None:
    """Return the leaf that holds (or is to hold) Synapse's ``email:`` block on main, None where there is none.

    An active block comes before a commented one, and that before a homeserver configuration without either.
    """
    best: tuple[int, Leaf | None] = (0, None)
    for resource in resources:
        if resource.instance != "main" or resource.kind not in ("ConfigMap", "Secret"):
            continue
        for leaf in resource.leaves.values():
            rank = _rank(leaf)
            if rank > best[0]:
                best = (rank, leaf)
    return best[1]


def is_within(resource: Resource, path: Path, home: Leaf | None) -> bool:
    """Say whether *path* stands in the ``email:`` block of the leaf *home*."""
    return home is not None and home.resource is resource and path[: len(home.path) + 2] == (*home.path, "~", "email")


def value_at(resource: Resource, path: Path, home: Leaf | None) -> str:
    """Return the name of the value that stands at *path* as an option of the block in *home*, '' where none does."""
    is_option = is_within(resource, path, home) and home is not None and len(path) == len(home.path) + 3
    return next((option.value for option in OPTIONS if is_option and option.key == path[-1]), "")


def arrange(home: Leaf, settings: Settings) -> list[Arrangement]:
    """Return the change after which the text of *home* has an ``email:`` block with every option that is needed.

    RefusedError where that cannot be written there.
    """
    text = home.view.text
    options = [option for option in OPTIONS if settings("smtp.user") or option.key not in _WITH_USER]
    wanted = [Wanted((option.key,), option.sample) for option in options]
    unwanted = [option.key for option in OPTIONS if option not in options]
    root = manifests.root_of(text)
    if isinstance(root, Mapping) and root.flow:
        changes = entries.ensure(text, root, ("email",), wanted, unwanted)
    elif isinstance(root, Mapping):
        changes = _change(text, root, wanted, unwanted)
    else:
        changes = []
    after = manifests.root_of(lenses.apply(text, [change.edit for change in changes]))
    now = entries.plain(after).get("email") if isinstance(after, Mapping) else None
    if not isinstance(now, dict) or any((option.key in now) != (option in options) for option in OPTIONS):
        raise RefusedError(unfit(home.resource, (*home.path, "email")))
    return [Arrangement(home.resource, home, _within(home, change)) for change in changes]


def _within(home: Leaf, change: Change) -> Change:
    undo = (replace(each, path=(*home.path, "~", *each.path)) for each in change.undo)
    return Change(change.edit, tuple(undo))


_COMMENTED = re.compile(r"^[ \t]*#([ \t]*)email:[ \t]*(?:\n|\Z)", re.MULTILINE)
_BARE = re.compile(r"[ \t]*#?[ \t]*\n")
_OPTION = re.compile(r"[ \t]*(?:[\w.-]+:(?:\s|$)|-\s)")


def _rank(leaf: Leaf) -> int:
    if leaf.refusal or "~" in leaf.path or not leaf.key.endswith((".yaml", ".yml")):
        return 0
    root = manifests.root_of(leaf.view.text)
    if not isinstance(root, Mapping):
        return 0
    names, block = entries.keys(root), manifests.get(root, ("email",))
    options = entries.keys(block) if isinstance(block, Mapping) else {}
    is_homeserver = "server_name" in names
    if block is not None and (is_homeserver or any(option.key in options for option in OPTIONS)):
        return 3
    return (2 if _COMMENTED.search(leaf.view.text) else 1) if is_homeserver else 0


def _change(text: str, root: Node, wanted: list[Wanted], unwanted: list[str]) -> list[Change]:
    """Return the change of the lines of the block, be they in force, commented out, or missing; none if it is right."""
    start, end, block = _block(text, root)
    inner = manifests.root_of(block)
    if inner is None:
        return []
    edits = [change.edit for change in entries.ensure(block, inner, ("email",), wanted, ())]
    # An option without a value goes for good: what it held may be a secret, which no comment may keep.
    spans = [entries.lines_of(block, inner, ("email", key)) for key in unwanted]
    edits += [Edit(*span, "") for span in (*spans, *entries.parts_of(block, inner, ("email",), unwanted)) if span]
    new = lenses.apply(block, edits)
    new = new if text[end:] or text.endswith("\n") or not text else new.rstrip("\n")
    return (
        [Change(Edit(start, end, new), (Undo("entry", ("email",), text[start:end]),))] if new != text[start:end] else []
    )


def _block(text: str, root: Node) -> tuple[int, int, str]:
    """Return the span of the text that the block is to fill, and the block as it is now (enabled, or begun)."""
    span = entries.lines_of(text, root, ("email",))
    if span is not None:
        return *span, text[slice(*span)]
    hit = _COMMENTED.search(text)
    if hit is None:
        at = len(text.rstrip("\n")) + 1 if text.endswith("\n") else len(text)
        return at, at, "email:\n" if text.endswith("\n") or not text else "\nemail:\n"
    block, end = "email:\n", hit.end()
    more, at = block, end
    for line in text[end:].splitlines(keepends=True):
        if _BARE.fullmatch(line):
            more, at = more + line, at + len(line)
            continue
        comment = re.match(rf"[ \t]*#({hit[1]}[ \t]+\S.*\n?)", line)
        if not comment:
            break
        said = comment[1].removeprefix(hit[1])
        more, at = more + (said if _OPTION.match(said) else f"  #{said}"), at + len(line)
        if _OPTION.match(said):
            block, end = more, at  # comments behind the last option stay what they are
    return hit.start(), end, block
