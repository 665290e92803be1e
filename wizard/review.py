"""The review: the answers, numbered, and the plan in few words, as text to agree to. Nothing in it is a secret.

Pure; console prints the long form of the same plan, place by place.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from wizard import catalogue, keys, placeholders
from wizard.errors import Problem
from wizard.filling import Settled
from wizard.plan import Change, Plan

_WIDE = 60  # characters of a line from which on label and answer stand in columns


def answered(rows: Sequence[tuple[str, str]], width: int) -> str:
    """Return labels and answers as numbered lines, in columns where *width* (characters) allows it."""
    column = max((len(label) for label, _ in rows), default=0) + 2 if width >= _WIDE else 0
    lines = []
    for number, (label, text) in enumerate(rows, 1):
        start = f"{number:>4}  {label + (' ' if column else ': '):<{column}}"
        indent = " " * (len(start) if column else 6)
        lines.append(textwrap.fill(start + text, width, subsequent_indent=indent, break_on_hyphens=False))
    return "\n".join(lines)


def planned(made: Plan, tree: Path) -> Iterator[str]:
    """Yield what would be made and written, one line each."""
    if made.made:
        yield f"  Makes   {_made(made)}"
    if made.changed:
        where = f"{tree}, which is made from the bundled tree" if made.from_bundle else f"{tree}"
        untouched = "" if made.from_bundle else "; all other bytes stay as they are"
        yield f"  Writes  {changes(made)} in {where}{untouched}"


def warnings(made: Plan, server_name: str) -> Iterator[str]:
    """Yield what must not be passed over; *server_name* is empty where it stands for good already."""
    if server_name:
        yield f"The server name {server_name} can never be changed: every user and room id holds it."
    if made.li and "signing-key" in made.vault.values:
        yield "LI signs with the main instance's signing key. Both change together or never."
    for line in left(made):
        yield line.removeprefix("Note: ")


def about(made: Plan) -> Iterator[str]:
    """Yield what a list of changes does not tell: what becomes of texts edited by hand, what counts as one value, and
    what is LI's without a label."""
    yield from map(_settled, made.settled)
    for name, places in _grouped(made.changes).items():
        yield f"One value in {count(len(places), 'place')}, {name}: {', '.join(places)}"
    if any(what != "label" for what in made.li.values()):
        yield f"Read as the LI instance's (instances: in the answers says otherwise): {_li(made.li)}"


def left(made: Plan) -> Iterator[str]:
    """Yield what is left to the operator, whether anything else changes or not: refused places, and remarks."""
    for refusal in made.refused:
        yield f"Left as it is: {refusal.position}: {placeholders.shown(refusal.token) or 'this file'}: {refusal.why}."
    if made.refused:
        yield f"{count(len(made.refused), 'place')} left to you, as told above."
    yield from map(note, (*made.notes, *made.lost))
    yield from exposed(made)


def kept(made: Plan) -> str:
    """Return what the vault has once the tree is blank: every value, made by hand or not."""
    taken = [name for name, each in sorted(made.vault.values.items()) if each.current.why == "adopted"]
    also = f", also what was made by hand: {', '.join(taken)}" if taken else ""
    return f"The vault keeps every {'other ' if made.lost else ''}value{also}."


def exposed(made: Plan) -> Iterator[str]:
    """Yield what a commit of the filled tree would publish, where it would."""
    if made.exposed:
        secrets = {name for names in made.exposed.values() for name in names}
        files = list(made.exposed_as)
        listed = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        yield f"A commit would publish {count(len(secrets), 'secret')}: git tracks {listed}."


def note(problem: Problem) -> str:
    """Return a remark as one line."""
    return f"Note: {problem.where + ': ' if problem.where else ''}{problem.what}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun: "1 file", "2 files"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def changes(made: Plan) -> str:
    """Return how much a plan changes: "68 changes, 23 files"."""
    return f"{count(len(made.changes), 'change')}, {count(len(made.changed), 'file')}"


def _settled(each: Settled) -> str:
    """Return what becomes of a text edited by hand, as one line."""
    at = ", ".join(each.positions)
    if each.deed == "restore":
        whose = "the vault's" if each.kept else "the answer's"
        return f"Restored: {each.value} at {at}, edited by hand, gets {whose} text back."
    whither = "goes into the vault, and to its other places" if each.kept else "is the answer now, at all its places"
    return f"Adopted: {each.value} as it was edited by hand at {at} {whither}."


def _made(made: Plan) -> str:
    parts = []
    if "signing-key" in made.made:
        parts.append(f"signing key ed25519 {keys.signing_key(_text(made, 'signing-key')).id}")
    if "key-vault-rsa-key" in made.made:
        parts.append(f"RSA key of {keys.rsa_key(_text(made, 'key-vault-rsa-key'))} bits for key_vault")
    included = f", keys included: {', '.join(parts)}" if parts else ""
    return count(len(made.made), "secret") + included


def _text(made: Plan, name: str) -> str:
    return made.vault.values[name].current.text.reveal()


def _grouped(changes: Iterable[Change]) -> dict[str, list[str]]:
    """Return the places of each value that no row of the catalogue explains, where it has several (DESIGN, law 4)."""
    found: dict[str, list[str]] = {}
    for change in changes:
        if change.value and change.value not in catalogue.BY_NAME:
            found.setdefault(change.value, []).append(change.position)
    return {name: places for name, places in found.items() if len(places) > 1}


def _li(objects: Mapping[str, str]) -> str:
    """Return the objects by what says that they are LI's; a label says it plainly, and needs no list."""
    by: dict[str, list[str]] = {}
    for ref, what in objects.items():
        by.setdefault(what, []).append(ref)
    listed = ((what, count(len(refs), "object") if what == "label" else ", ".join(refs)) for what, refs in by.items())
    return "; ".join(f"by {what}: {text}" for what, text in sorted(listed))
