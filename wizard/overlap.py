"""Overlap: how a tree holds two generations of a value at once, while servers are to take both.

Two lines of one text (a signing key), the new one first; or a second line of a configuration (coturn). Pure. Redis
holds both in its running server only, and of a password file both users are one text: nothing of that is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wizard import holes, lenses, procedures
from wizard.errors import Problem, RefusedError
from wizard.lenses import CannotHold, Edit, View
from wizard.resources import Leaf, Manifest
from wizard.vault import Generation, Kept, Record, Vault

# The options of which a server takes several lines, each tried in turn (FACTS 3, coturn).
_REPEATED = re.compile(r"[ \t]*static-auth-secret[ \t]*[ =][ \t]*□[ \t]*")


def is_joined(name: str) -> bool:
    """Say whether both generations of the value *name* stand as two lines of one text."""
    return procedures.of(name).overlap == "lines"


def joined(current: str, retiring: str) -> str:
    """Return the text that holds both: the one that is used first (FACTS 1: it signs), then the one still taken."""
    return f"{current.rstrip(chr(10))}\n{retiring.rstrip(chr(10))}"


def standing(kept: Kept) -> str:
    """Return the text that stands for the value now at a place of its own, without a final line end."""
    current = kept.current.text.reveal()
    both = is_joined(kept.name) and kept.retiring
    return (joined(current, both.text.reveal()) if both else current).strip("\n")


def texts(kept: Kept) -> set[str]:
    """Return every text that may stand at a place of the value from an earlier day, without a final line end."""
    every = [generation.text.reveal().strip("\n") for generation in kept.generations]
    pairs = ((new, old) for new in every for old in every if new != old) if is_joined(kept.name) else ()
    return {*every, *(joined(*pair) for pair in pairs)}


@dataclass(frozen=True)
class Arranged:
    """Manifests after lines were added or taken out, the records of the new lines, and those that are over."""

    manifests: list[Manifest]
    added: tuple[Record, ...]
    over: tuple[Record, ...]

    def records(self, before: Iterable[Record]) -> tuple[Record, ...]:
        """Return the records *before*, as they are now."""
        return (*(record for record in before if record not in self.over), *self.added)


def arranged(tree: list[Manifest], vault: Vault) -> Arranged:
    """Return *tree* with a line for each retiring generation where its server takes several, and without those over.

    RefusedError where such a line cannot be written."""
    homes = {(manifest.path, each.ref): each for manifest in tree for each in manifest.resources}
    edits: dict[str, dict[View, list[Edit]]] = {}
    added: list[Record] = []
    over: list[Record] = []
    problems: list[Problem] = []

    def leaf_of(record: Record) -> Leaf | None:
        resource = homes.get((record.file, record.document))
        return resource.leaves.get(record.path) if resource else None

    for record in vault.records:
        leaf = leaf_of(record) if record.kind == "retiring" or is_repeated(record) else None
        if leaf is None:
            continue
        kept = vault.values.get(record.value)
        old = kept.retiring if kept else None
        try:
            if record.kind == "retiring" and not _is_its_line(record, leaf, old):
                over.append(record)
                if edit := _removed(record, leaf):
                    edits.setdefault(record.file, {}).setdefault(leaf.view, []).append(edit)
            elif record.kind == "site" and old and not _has_line(record, leaf, old):
                span = holes.locate(record, leaf.text, frozenset({kept.current.text.reveal()} if kept else ()))
                if span:
                    edits.setdefault(record.file, {}).setdefault(leaf.view, []).append(_inserted(leaf.text, span, old))
                    added.append(replace(record, kind="retiring", original="", nth=record.nth + 1))
        except CannotHold as error:
            what = f"A second line for {record.value} cannot be written here: {error.reason}."
            problems.append(
                Problem(what, leaf.resource.manifest.position(leaf.scalar.start), "Rotate it without --begin.")
            )
    if problems:
        raise RefusedError(*problems)
    after = [_rewritten(manifest, edits.get(manifest.path, {})) for manifest in tree]
    return Arranged(after, tuple(added), tuple(over))


def is_repeated(record: Record) -> bool:
    """Say whether *record* is the place of a setting of which its server takes several lines."""
    is_one = record.kind == "site" and procedures.of(record.value).overlap == "setting"
    return is_one and _REPEATED.fullmatch(record.hole) is not None


def _has_line(record: Record, leaf: Leaf, old: Generation) -> bool:
    beside = replace(record, nth=record.nth + 1)
    span = holes.locate(beside, leaf.text)
    return span is not None and leaf.text[slice(*span)] == old.text.reveal()


def _is_its_line(record: Record, leaf: Leaf, old: Generation | None) -> bool:
    span = holes.locate(record, leaf.text)
    return old is not None and span is not None and leaf.text[slice(*span)] == old.text.reveal()


def _inserted(text: str, span: tuple[int, int], old: Generation) -> Edit:
    bare = old.text.reveal()
    if bare != bare.strip() or bare.startswith('"') or "\n" in bare or "\r" in bare:
        raise CannotHold("the old value stands there only within quotes")
    start, end = text.rfind("\n", 0, span[0]) + 1, text.find("\n", span[1])
    end = len(text) if end < 0 else end
    line = f"{text[start : span[0]]}{old.text.reveal()}{text[span[1] : end]}"
    return Edit(end, end, f"\n{line}")


def _removed(record: Record, leaf: Leaf) -> Edit | None:
    """Return the edit that takes out the line of *record* with the line end before it; None where it is gone."""
    span = holes.locate(record, leaf.text)
    return line_of(leaf.text, span) if span else None


def line_of(text: str, span: tuple[int, int]) -> Edit:
    """Return the edit that takes out the line around *span*, with the line end before it."""
    start, end = text.rfind("\n", 0, span[0]), text.find("\n", span[1])
    return Edit(max(start, 0), len(text) if end < 0 else end, "")


def _rewritten(manifest: Manifest, edits: Mapping[View, Iterable[Edit]]) -> Manifest:
    if not edits:
        return manifest
    done = lenses.render_whole({view: list(each) for view, each in edits.items()}, manifest.root)
    return manifest.with_text(lenses.apply(manifest.text, done), tuple(done))
