"""The audit log: one line for each operation, which names the lines before it and proves itself by an HMAC.

Its key and its newest ids are kept in the vault, so that who cannot read that can neither write, change nor drop a
line unnoticed. Values never stand in it, only their names and generations. Pure: text in, text out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from wizard.codec import from_json, to_json
from wizard.errors import Problem
from wizard.secret import Secret
from wizard.vault import LOG, Audit

_DIGITS = 40  # hexadecimal digits of an id: 160 bits of the HMAC
_NAME = re.compile(rf"[0-9a-f]{{{_DIGITS}}}")


@dataclass(frozen=True)
class Deed:
    """What was done: the verb, the values that it was done to ("name generation"), and their places."""

    verb: str
    values: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def entered(audit: Audit, deed: Deed, at: str, user: str, host: str) -> Audit:
    """Return *audit* with an entry of *deed* as its newest line. *at* is ISO 8601 in UTC."""
    entry = {
        "parents": sorted(audit.heads),
        "at": at,
        "user": user,
        "host": host,
        "verb": deed.verb,
        "values": list(deed.values),
        "places": list(deed.places),
    }
    name = _id(audit.key, entry)
    return replace(audit, heads=(name,), count=audit.count + 1, last=(to_json({"id": name, **entry}),))


def healed(log: str, audit: Audit | None) -> str:
    """Return *log* with the newest lines that the vault knows, if a killed run or a merge left them out."""
    there = set(_lines(log))
    missing = [line for line in (audit.last if audit else ()) if line not in there]
    return log + ("\n" if log and not log.endswith("\n") else "") + "".join(f"{line}\n" for line in missing)


def merged(*logs: str) -> str:
    """Return every line of *logs* once, by time and id: the order is the same wherever they are merged."""
    lines = {line for log in logs for line in _lines(log)}
    return "".join(f"{line}\n" for line in sorted(lines, key=_order))


def grown(audit: Audit, log: str) -> Audit:
    """Return *audit* with every line of *log* that proves itself: the next entry names those that came after it."""
    parents = {name: entry["parents"] for name, entry in _proven(log, audit)}
    named = {parent for each in parents.values() for parent in each}
    heads = tuple(sorted((parents.keys() | set(audit.heads)) - named))
    return replace(audit, heads=heads, count=max(audit.count, len(_reached(heads, parents))))


def reaches(audit: Audit | None, log: str, heads: Collection[str]) -> bool:
    """Say whether the entries *heads* are among the newest that *audit* knows, or before them, as far as the lines of
    *log* and those in the vault itself prove it."""
    if audit is None or set(heads) <= set(audit.heads):
        return not heads or audit is not None
    parents = {name: entry["parents"] for name, entry in _proven(healed(log, audit), audit)}
    return set(heads) <= _reached(audit.heads, parents)


def problems(log: str, audit: Audit) -> list[Problem]:
    """Return what is wrong with *log*: lines that were changed, added by others, or are missing.

    Lines that only a killed run left out are no fault: ``healed`` puts them back."""
    found: list[Problem] = []
    parents: dict[str, list[str]] = {}
    for number, line in enumerate(_lines(healed(log, audit)), 1):
        entry = _entry(line)
        name = entry.pop("id", "")
        if not any(hmac.compare_digest(name, _id(key, entry)) for key in (audit.key, *audit.former)):
            what = "This line of the audit log was not written by who can read the vault, or was changed."
            found.append(Problem(what, f"{LOG}:{number}", "Look it up in git: matrix-wizard never changes a line."))
        elif name in parents:
            found.append(Problem("This line of the audit log stands there twice.", f"{LOG}:{number}"))
        else:
            parents[name] = entry["parents"]
    reached = _reached(audit.heads, parents)
    if reached - parents.keys():
        what = f"Entries are missing from the audit log: it has {len(parents)}, and the vault knows of {audit.count}."
        found.append(Problem(what, LOG, "Bring it back from git, or from whoever has it."))
    elif len(reached) < audit.count:
        what = f"The audit log has {len(reached)} entries, and the vault knows of {audit.count}."
        found.append(Problem(what, LOG, "Bring it back from git, or from whoever has it."))
    elif newer := parents.keys() - reached:
        what = f"{len(newer)} of its entries are not known to the vault, which is older than the log."
        fix = "Bring back the vault that belongs to it. Or go on from this one: with --accept-older the next run that "
        found.append(Problem(what, LOG, f"{fix}writes, such as show NAME, takes them in."))
    return found


def _proven(log: str, audit: Audit) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in _lines(log):
        entry = _entry(line)
        name = entry.pop("id", "")
        if any(hmac.compare_digest(name, _id(key, entry)) for key in (audit.key, *audit.former)):
            yield name, entry


def _id(key: Secret, entry: dict[str, Any]) -> str:
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    return hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def _lines(log: str) -> list[str]:
    """Return the lines of *log*. Only a line feed ends one: names from a manifest may hold what else ends lines."""
    return [line for line in log.split("\n") if line.strip()]


def _entry(line: str) -> dict[str, Any]:
    """Return the entry in *line*, {} for what is shaped like none: anybody may have written it."""
    entry = from_json(line)
    if not isinstance(entry, dict) or not _NAME.fullmatch(str(entry.get("id"))):
        return {}
    listed = [part for each in entry.values() for part in (each if isinstance(each, list) else [each])]
    is_plain = isinstance(entry.get("parents"), list) and all(isinstance(part, str) for part in listed)
    return entry if is_plain else {}


def _order(line: str) -> tuple[str, str]:
    return str(_entry(line).get("at", "")), line


def _reached(heads: Iterable[str], parents: dict[str, list[str]]) -> set[str]:
    """Return the ids of *heads* and of all entries before them, whether they are there or not."""
    seen: set[str] = set()
    stack = list(heads)
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack += parents.get(name, [])
    return seen
