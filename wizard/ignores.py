"""What is not to be told of a tree, and why: comments beside a line, and a list for whole files. Each gives a reason.

Pure. A comment counts for its own line; one that has a line to itself counts for the next line that holds something
else, too. The list has a line for each ignore: rule, path (``*`` stands for anything, slashes too), reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from wizard import rules
from wizard.errors import Problem, UsageError
from wizard.finding import Finding, at, no_such_rule
from wizard.vault import IGNORES

_MARK = b"matrix-wizard: ignore"
# In the comments of YAML, configuration files and shells, of SQL, and of what reads as JavaScript.
_COMMENT = re.compile(r"(?:#|--|//)[ \t]*matrix-wizard: ignore(?![\w-])[ \t]*")
_PROSE = (".md", ".rst", ".adoc", ".txt")  # which may tell of ignores, and is no manifest


@dataclass(frozen=True)
class Ignore:
    """One ignore: of which rule, in which file (a pattern) and on which lines (None: all), why, and where that stands
    (``file:line:column``)."""

    rule: str
    file: str
    lines: frozenset[int] | None
    reason: str
    place: str


@dataclass(frozen=True)
class Ignored:
    """A finding that is not told, and the reason that was given, with the place where it was."""

    finding: Finding
    reason: str
    place: str


@dataclass
class Ignores:
    """All ignores of a tree; which of them were met with is remembered."""

    on_lines: Mapping[tuple[str, str, int], Ignore]  # by rule, file and line
    of_files: tuple[Ignore, ...]
    _met: set[str] = field(default_factory=set, init=False)

    def of(self, found: Finding) -> Ignored | None:
        """Return *found* with the reason for which it is ignored, None where it is not."""
        here = self.on_lines.get((found.id, found.file, found.line)) or next(
            (each for each in self.of_files if each.rule == found.id and fnmatchcase(found.file, each.file)), None
        )
        if here is None:
            return None
        self._met.add(here.place)
        return Ignored(found, here.reason, here.place)

    def unmet(self, unseen: Collection[str]) -> Iterator[Finding]:
        """Yield a finding for each ignore that nothing was met of; *unseen* are rules that were not looked at."""
        every = {each.place: each for each in (*self.on_lines.values(), *self.of_files)}
        for place, each in every.items():
            if place not in self._met and each.rule not in unseen:
                message = f"Nothing is found of {each.rule} here, which this ignores."
                yield at(place, "ignore-unused", message, "Take the ignore out.")


def read(files: Mapping[str, bytes], listed: str) -> Ignores:
    """Return the ignores that stand in the *files* of a tree, and in its list.

    UsageError with every one that names no rule, one that there is not, one that must not be ignored, or no reason."""
    problems: list[Problem] = []
    on_lines: dict[tuple[str, str, int], Ignore] = {}
    for path, data in files.items():
        if _MARK in data and not path.endswith(_PROSE):
            for each in _in_comments(path, _lines(data.decode("utf-8", "replace")), problems):
                on_lines |= {(each.rule, path, line): each for line in each.lines or ()}
    of_files = tuple(_in_list(_lines(listed), problems))
    if problems:
        raise UsageError(*problems)
    return Ignores(on_lines, of_files)


def _lines(text: str) -> list[str]:
    """Return the lines of *text* as places count them: no other character than a line feed ends one."""
    return [each.removesuffix("\r") for each in text.split("\n")]


def _in_comments(path: str, lines: list[str], problems: list[Problem]) -> Iterator[Ignore]:
    for number, text in enumerate(lines, 1):
        found = _COMMENT.search(text)
        if found is None:
            continue
        rule, _, reason = text[found.end() :].strip().partition(" ")
        place = f"{path}:{number}:{found.start() + 1}"
        if fault := _fault(rule, reason, place, "Write: # matrix-wizard: ignore {} REASON"):
            problems.append(fault)
            continue
        here = {number}
        if not text[: found.start()].strip():
            behind = range(number + 1, len(lines) + 1)
            here.add(next((each for each in behind if not _is_alone(lines[each - 1])), number))
        yield Ignore(rule, path, frozenset(here), reason.strip(), place)


def _is_alone(text: str) -> bool:
    """Say whether a line holds an ignore and nothing else."""
    found = _COMMENT.search(text)
    return found is not None and not text[: found.start()].strip()


def _in_list(lines: Iterable[str], problems: list[Problem]) -> Iterator[Ignore]:
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        rule, file, reason = [*text.split(maxsplit=2), "", ""][:3]
        place = f"{IGNORES}:{number}:{len(text) - len(text.lstrip()) + 1}"
        if fault := _fault(rule, reason, place, "Write: {} PATH REASON"):
            problems.append(fault)
        else:
            yield Ignore(rule, file, None, reason.strip(), place)


def _fault(rule: str, reason: str, place: str, form: str) -> Problem | None:
    """Return what is wrong with an ignore of *rule*, None where nothing is."""
    if not rule:
        return Problem("This ignore names no rule.", place, form.format("RULE"))
    if rule not in rules.BY_ID:
        return no_such_rule(rule, place)
    if not rules.BY_ID[rule].may_be_ignored:
        return Problem(f"{rule} can not be ignored.", place, f"What it means: matrix-wizard explain {rule}")
    if not reason.strip():
        return Problem(f"This ignore of {rule} gives no reason.", place, form.format(rule))
    return None
