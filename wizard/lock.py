"""sites.lock: the readable copy of the vault's sites that is committed and reviewed, without any secret.

Text in, text out; what could be a secret is masked (DESIGN, law 5).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wizard import catalogue, placeholders
from wizard.codec import MalformedError, dump, from_json, load, to_json
from wizard.errors import refuse
from wizard.secret import MASK
from wizard.vault import ID, LOCK, Record, Vault

VERSION = 1

_T = TypeVar("_T", bound=Hashable)
ABOUT = "Where matrix-wizard writes values, and the text that stood there before. No secret stands in this file."

# The checklist's last step greps the tree for CHANGEME, CHANGE_ME, example.com and example.org: in each, this letter is
# written as an escape. Not the first, which could be the last digit of one (`\u001e` before `xample.com`).
_GREPPED = re.compile(r"(?<=c)h(?=ange_?me)|(?<=e)x(?=ample\.(?:com|org))", re.IGNORECASE | re.ASCII)
# In a Secret only such a line is shown around a hole: nothing, or a key.
_PLAIN_HOLE = re.compile(r"(?:-----BEGIN □)?|[ \t]*(?:export[ \t]+)?[\w.-]*[ \t]*[=:]?[ \t]*[\"']?□[\"']?[ \t]*")

# Elsewhere a line is withheld where it tells a password of its own: a URL's, a Redis user's, or one behind such a word.
_TELLING_HOLE = re.compile(
    r"://[^\s/@]*:[^\s/@□]+@|(?:^|\s)>[^\s□]"
    r"|(?i:pass|passw(?:or)?d|passphrase|secret|token|credentials?|[-_]key|auth)[\w.\"'-]*(?:\s*[=:]\s*|\s+)[\"']*[^\s\"'□$]"
)

# How the keys of all controllers' allow-lists end (FACTS 4): who may reach LI is nobody's business.
_ALLOW_LISTS = ("source-range", "sourceRange", "haproxy.org/allow-list", "haproxy.org/whitelist")

_RESTORE_LOCK = "Put an earlier copy in its place, or resolve the merge if one left its marks; nothing was changed."


@dataclass(frozen=True)
class Lock:
    """What sites.lock tells: whose it is, every site, and what is switched off. Where the text that stood there was
    itself a secret (an adopted tree), ``original`` is MASK; the vault has it."""

    vault_id: str
    records: tuple[Record, ...]
    left_out: tuple[str, ...]
    instances: dict[str, str] = field(default_factory=dict)


def text(vault: Vault) -> str:
    """Return sites.lock: JSON Lines, the vault's id first, then one line for each component that is off, for each
    instance that the answers name, and for each site.

    Sorted, so that two operators' files merge line by line. No line holds a value of the vault."""
    records = tuple(map(_withheld, vault.records))
    return _written(Lock(vault.id, records, vault.left_out, vault.answers.get("instances", {})))


def merged(base: str, ours: str, theirs: str) -> str:
    """Return the text of two branches' sites.lock, which both come from *base* ("" where that is not known).

    What neither side took away is there, and what either added: the next run that writes tells it as the vault has it.
    RefusedError for a text that is none, or two that are of two vaults."""
    before, one, other = (read(text) if text.strip() else None for text in (base, ours, theirs))
    if one is None or other is None or one.vault_id != other.vault_id:
        refuse("These are the places of two vaults, and not two versions of one list.", _RESTORE_LOCK, f"{LOCK}:1")
    old = before or Lock(one.vault_id, (), ())
    return _written(
        Lock(
            one.vault_id,
            tuple(_sites(old.records, one.records, other.records)),
            tuple(_either(old.left_out, one.left_out, other.left_out)),
            {**one.instances, **other.instances},
        )
    )


def _sites(base: Iterable[Record], ours: Iterable[Record], theirs: Iterable[Record]) -> Iterable[Record]:
    """Return the sites of both sides, place by place: one that either side changed is not removed, as in the vault."""
    one, other = (
        {(each.file, each.document, each.path, each.kind, each.hole, each.nth, each.index): each for each in side}
        for side in (ours, theirs)
    )
    known = set(base)
    for key in dict.fromkeys((*one, *other)):
        mine, yours = one.get(key), other.get(key)
        if mine is not None and yours is not None:
            yield yours if mine in known and yours not in known else mine
        else:
            there = mine or yours
            if there is not None and there not in known:
                yield there


def _either(base: Iterable[_T], ours: Iterable[_T], theirs: Iterable[_T]) -> Iterable[_T]:
    before, one, other = set(base), set(ours), set(theirs)
    return (one & other) | (one - before) | (other - before)


def _written(lock: Lock) -> str:
    records = sorted(lock.records, key=_place)
    lines: list[dict[str, Any]] = [{"vault": lock.vault_id, "version": VERSION, "about": ABOUT}]
    lines += [{"left_out": name} for name in sorted(lock.left_out)]
    lines += [{"of": place, "instance": instance} for place, instance in sorted(lock.instances.items())]
    lines += [dump(record) for record in records]
    return "".join(_GREPPED.sub(lambda letter: f"\\u{ord(letter[0]):04x}", to_json(line)) + "\n" for line in lines)


def read(text: str) -> Lock:
    """Read what ``text`` wrote. Raises RefusedError naming the line."""
    first, *rest = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()] or [(1, "")]
    head = _lock_line(*first)
    if type(head.get("version")) is int and head["version"] > VERSION:
        refuse("sites.lock was written by a newer matrix-wizard.", "Install the newer matrix-wizard.", f"{LOCK}:1")
    if head.get("version") != VERSION or not ID.fullmatch(str(head.get("vault"))):
        refuse("The first line of sites.lock does not name a vault.", _RESTORE_LOCK, f"{LOCK}:1")
    records, left_out, instances = [], [], {}
    for number, line in rest:
        data = _lock_line(number, line)
        try:
            if "left_out" in data:
                left_out.append(load(str, data["left_out"], "left_out"))
            elif "instance" in data:
                instances[load(str, data.get("of"), "of")] = load(str, data["instance"], "instance")
            else:
                records.append(load(Record, data))
        except MalformedError as error:
            refuse(f"A line of sites.lock is not a site: {error}.", _RESTORE_LOCK, f"{LOCK}:{number}")
    return Lock(head["vault"], tuple(records), tuple(left_out), instances)


def _place(record: Record) -> tuple[Any, ...]:
    """The order of sites.lock: by place, and total, so that equal sets of sites give equal files."""
    return (record.file, record.document, record.path, record.hole, record.nth, record.index, to_json(dump(record)))


def _withheld(record: Record) -> Record:
    """Return *record* as the lock may show it: what could be a secret is masked, in the original and around a hole.

    What was consented to is the vault's alone to say: whoever may write to the repository may write to sites.lock."""
    original = record.original if _is_public(record) else MASK
    hole = MASK if _is_telling(record) else record.hole
    return dataclasses.replace(record, original=original, hole=hole, instance="any")


def _is_telling(record: Record) -> bool:
    """Say whether the text around the hole of *record* may hold another secret."""
    if record.document.startswith("Secret/"):
        return not _PLAIN_HOLE.fullmatch(record.hole)
    return _TELLING_HOLE.search(f"{''.join(record.path[-1:])}={record.hole}") is not None


def _is_public(record: Record) -> bool:
    if record.original == "" or record.kind in ("created", "document", "kept"):
        return True
    if record.kind in ("site", "comment", "off"):
        is_open = record.value != "" and not catalogue.is_masked(record.value)
        return is_open or placeholders.is_wholly(record.original)
    is_list = record.path[-1:] and record.path[-1].endswith(_ALLOW_LISTS)
    if record.kind == "node" and any(key in record.original for key in _ALLOW_LISTS):
        return False  # a flow mapping with such a list among its entries
    is_clause = record.kind != "source" and record.path[:1] in (("metadata",), ("spec",))
    return bool(is_clause and (not is_list or any(placeholders.find(record.original))))


def _lock_line(number: int, line: str) -> dict[str, Any]:
    data = from_json(line)
    if not isinstance(data, dict):
        refuse("A line of sites.lock is not a JSON object.", _RESTORE_LOCK, f"{LOCK}:{number}")
    return data
