"""The answers file written from answers: the same again without questions, on this machine or on another.

No YAML is dumped: scalars are written as JSON strings, which are YAML (YAML 1.2.2, 1.2) but for the few characters that
one of the two takes otherwise. No secret is ever in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from wizard.answers import Answer, Answers, Decision
from wizard.questions import QUESTIONS, SECTIONS, Question
from wizard.secret import Secret

Locate = Callable[[str], str]

HEAD = """\
# yaml-language-server: $schema=./answers.schema.json
# An editor that reads the line above helps with the keys, once the file that it names is there:
#   matrix-wizard schema > answers.schema.json
# The same again, without questions:
#   matrix-wizard setup --answers answers.yaml --no-input --yes
# No secret stands here: {file: PATH} and {env: NAME} say where one is; a PATH counts from the directory of this file.
# A line with a # before it is a secret that was typed. The vault keeps it, so nothing is to be done with that vault;
# without it, set the variable and take the # away.
"""

_LONGEST_KEY = 1000  # characters of a key that stands in its line; YAML allows 1024, quotes and blanks included
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*")
# Words that are no text to a YAML 1.1 parser.
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
# What JSON leaves as it stands, and YAML does not take as it stands, or folds (YAML 1.1, 4.1; 1.2.2, 5.1 and 5.4).
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # of a file name that is not UTF-8 (PEP 383); no YAML can hold it


def sheet(answers: Answers, locate: Locate = str) -> str:
    """Return the text of an answers file that gives the same *answers* again, defaults left to follow by themselves.

    *locate* turns the path of a {file:} as it was given into the one that counts from the new file's directory.

    A secret that was typed stands as a comment with the variable to set. An absent key keeps the vault's answer
    (DESIGN, "The answers file"), so that the file works at once with the vault; a live {env:} would stop every run
    until somebody sets the variable anew.
    """
    parts = [HEAD, *_sections(answers, locate)]
    if answers.decisions:
        pairs = ((key, _decision(key, each, locate)) for key, each in answers.decisions.items())
        parts.append(_block("placeholders", [_Line(key, text, is_live=live) for key, (text, live) in pairs]))
    if answers.instances:
        parts.append(_block("instances", [_Line(key, scalar(each)) for key, each in answers.instances.items()]))
    return "\n".join(part for part in parts if part)


def scalar(text: str) -> str:
    """Return *text* as a YAML scalar on one line, plain where nobody can mistake it."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """Return *text* as a YAML scalar in double quotes, on one line."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def entry(key: str, value: str) -> str:
    """Return one entry of a section, *key* and *value* as they are to stand; a very long key says that it is one.

    YAML 1.2.2, 7.4.2: a key in its line has 1024 characters at most."""
    return f"  {key}: {value}" if len(key) <= _LONGEST_KEY else f"  ? {key}\n  : {value}"


@dataclass(frozen=True)
class _Line:
    """One entry: key, value as YAML, what is said about it, and whether it counts or stands as a comment."""

    key: str
    value: str
    about: str = ""
    is_live: bool = True


@dataclass
class _Section:
    """Lines below one name, and the sections in it. One that ``is_on`` counts without a line of its own."""

    lines: list[_Line] = field(default_factory=list)
    inner: dict[str, _Section] = field(default_factory=dict)
    about: str = ""
    is_on: bool = False
    is_off: bool = False

    @property
    def is_live(self) -> bool:
        return self.is_on or self.is_off or self.has_live_parts

    @property
    def has_live_parts(self) -> bool:
        return any(line.is_live for line in self.lines) or any(each.is_live for each in self.inner.values())

    @property
    def is_empty(self) -> bool:
        return not (self.lines or self.is_on or self.is_off) and all(each.is_empty for each in self.inner.values())


def _sections(answers: Answers, locate: Locate) -> Iterator[str]:
    for top, questions in groupby(QUESTIONS, lambda question: question.key.partition(".")[0]):
        section = _Section()
        for question in questions:
            _add(section, question, answers, locate)
        yield "\n".join(_written(top, section))


def _add(top: _Section, question: Question, answers: Answers, locate: Locate) -> None:
    """Add the answer to *question* to the section that it belongs to."""
    *names, name = question.key.split(".")
    here = top
    for each in names[1:]:
        here = here.inner.setdefault(each, _Section())
    if question.section:
        switch = answers.given.get(question.section)
        here.about = SECTIONS[question.section].prompt
        here.is_on, here.is_off = answers.uses(question.section), bool(switch and switch.is_reset)
        if not here.is_on:
            return
    if question.key in answers.given:
        value, is_live = _answer(question, answers.given[question.key], locate)
        here.lines.append(_Line(name, value, question.prompt, is_live))


def _written(name: str, section: _Section, indent: str = "") -> Iterator[str]:
    """Yield the lines of *section*; one without a line that counts is not begun, for an empty one would reset it."""
    if section.is_empty:
        return
    about = f"  # {section.about}" if section.about else ""
    if section.is_off:
        yield f"{indent}{name}: null{about}"
    elif not section.is_on or section.has_live_parts:
        yield f"{indent}{name}:{about}" if section.is_live else f"{indent}# {name}:"
        for line in section.lines:
            yield from _lines(line, f"{indent}  ")
    elif (
        section.lines
    ):  # all of them comments, in braces that make a section of none, and take those that come to count
        yield f"{indent}{name}: {{{about}"
        for line in section.lines:
            yield f"{indent}  # {line.key}: {line.value},  # {line.about}"
        yield f"{indent}  }}"
    else:
        yield f"{indent}{name}: {{}}{about}"
    for inner_name, inner in section.inner.items():
        yield from _written(inner_name, inner, f"{indent}  ")
    if not indent:
        yield ""


def _block(name: str, lines: list[_Line]) -> str:
    """Return the section *name*, whose keys are texts of the tree."""
    held = [line for line in lines if not _LONE_SURROGATE.search(line.key + line.value)]
    text = [f"{name}:" if any(line.is_live for line in held) else f"# {name}:"]
    for line in held:
        text += _commented(entry(quoted(line.key), line.value), is_live=line.is_live)
    if len(held) < len(lines):
        text.append("# What names a file whose name is not UTF-8 cannot stand here; the vault keeps it.")
    return "\n".join([*text, ""])


def _lines(line: _Line, indent: str) -> Iterator[str]:
    about = f"  # {line.about}" if line.about else ""
    if line.value.startswith("\n"):
        yield f"{indent}{line.key}:{about}"
        yield from (f"{indent}  {item}" for item in line.value.strip().splitlines())
    else:
        yield from _commented(f"{indent}{line.key}: {line.value}{about}", is_live=line.is_live)


def _commented(text: str, *, is_live: bool) -> Iterator[str]:
    for each in text.splitlines():
        margin = len(each) - len(each.lstrip())
        yield each if is_live else f"{each[:margin]}# {each[margin:]}"


def _answer(question: Question, answer: Answer, locate: Locate) -> tuple[str, bool]:
    """Return an answer as YAML, and whether it counts: a secret that was typed does not."""
    if answer.is_reset:
        return "null", True
    if source := _source(answer.source, locate):
        return source, True
    if question.secret:
        return _variable(question.key), False
    return _value(answer.value), True


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "".join(f"\n- {scalar(str(item))}" for item in value)
    return str(value) if isinstance(value, int) else scalar(value)


def _decision(key: str, decision: Decision | None, locate: Locate) -> tuple[str, bool]:
    if decision is None:
        return "null", True
    if source := _source(decision.source, locate):
        return source, True
    if decision.source or isinstance(decision.text, Secret):
        return _variable(key), False
    if decision.action in ("keep", "split"):
        return f"{{{decision.action}: true}}", True
    if decision.action == "generate":
        length = f", length: {decision.length}" if decision.length else ""
        return f"{{generate: {scalar(str(decision.text or 'password'))}{length}}}", True
    return f"{{{decision.action}: {quoted(str(decision.text))}}}", True


def _source(source: tuple[str, str] | None, locate: Locate) -> str:
    """Return where an answer came from as YAML; '' for one that was typed."""
    if source is None or source[0] not in ("env", "file"):
        return ""
    kind, name = source
    return f"{{{kind}: {quoted(locate(name) if kind == 'file' else name)}}}"


def _variable(key: str) -> str:
    """Return {env: NAME} with a name made of *key*, as SMTP_PASSWORD of smtp.password."""
    words = re.findall(r"[A-Z0-9]+", key.upper())
    name = "_".join(words)[-64:].strip("_")
    return f"{{env: {name if name[:1].isalpha() else f'SECRET_{name}'}}}"
