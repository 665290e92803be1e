"""What a person answered: values by key, with the defaults that follow from them. Pure data; other modules read files
and ask. A secret answer is only passed through: the record that `to_json` makes says where it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from wizard import formats
from wizard.errors import Problem, RefusedError
from wizard.questions import BY_KEY, QUESTIONS, SECTIONS, Question
from wizard.secret import Secret

_LI_HOSTS = ("domains.li_matrix", "domains.li_element", "domains.li_admin")
_OTHER_HOSTS = ("domains.matrix", "domains.element", "domains.turn", "domains.livekit")
# The hosts that may not be the same as others. Two servers under one name answer for each other: with one of them LI,
# users would reach it. Element Web and LiveKit have an ingress for / each; the homeserver's paths are others, and
# coturn is behind none.
_APART = {
    **dict.fromkeys(_LI_HOSTS, (*_OTHER_HOSTS, *_LI_HOSTS)),
    "domains.livekit": ("domains.element",),
}


@dataclass(frozen=True)
class Answer:
    """One answer as given. ``source`` is ("env", NAME), ("file", PATH) or ("prompt", "") when it was not written out.

    Value None with a source: a secret that the vault keeps. None without one: the answer is reset.
    """

    value: Any
    where: str = ""
    source: tuple[str, str] | None = None

    @property
    def is_reset(self) -> bool:
        """Whether ``null`` was given: the default counts again, or the section is off."""
        return self.value is None and self.source is None


@dataclass(frozen=True)
class Decision:
    """What becomes of a placeholder that the catalogue does not know.

    ``key`` is ``TOKEN`` or ``TOKEN @ kind/ns/name:path``. ``action`` is value, generate, same_as, keep or split;
    ``text`` holds the value, the name, or the kind of secret to generate. A Secret comes from ``source``; None with a
    source: the vault keeps it.
    """

    key: str
    action: str
    text: str | Secret | None = None
    length: int | None = None
    where: str = ""
    source: tuple[str, str] | None = None

    @property
    def token(self) -> str:
        """The placeholder as it stands in the tree."""
        return self.key.partition(" @ ")[0]

    @property
    def place(self) -> str:
        """The one place that the decision is for, ``kind/ns/name:path``; empty for every place."""
        return self.key.partition(" @ ")[2]


_Sourced = TypeVar("_Sourced", Answer, Decision)


@dataclass(frozen=True)
class Answers:
    """Answers by dotted key; indexing gives the value in effect, default included, or None.

    ``given`` has a key of `SECTIONS`, with value True, for each optional section that is on. A decision of None is
    reset. ``origin`` names where missing answers belong. ``flawed`` keys were given, but could not be read.
    ``instances`` says "main" or "li" of an object (``Kind/ns/name``), a file, or a directory (with a slash behind it).
    """

    given: Mapping[str, Answer] = field(default_factory=dict)
    decisions: Mapping[str, Decision | None] = field(default_factory=dict)
    origin: str = ""
    flawed: frozenset[str] = frozenset()
    remarks: tuple[Problem, ...] = ()
    instances: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        question, answer = BY_KEY[key], self.given.get(key)
        if (question.section and not self.uses(question.section)) or not question.only_when(self):
            return None
        if answer and answer.value is not None:
            return answer.value
        return question.default(self) if callable(question.default) else question.default

    def uses(self, section: str) -> bool:
        """Tell whether an optional section (a key of `SECTIONS`) is on."""
        answer = self.given.get(section)
        return answer is not None and answer.value is True

    def source(self, key: str) -> tuple[str, str] | None:
        """Return where an answer was taken from: ("env", NAME), ("file", PATH) or ("prompt", ""); None: written out."""
        answer = self.given.get(key)
        return answer.source if answer else None

    def answered(self, key: str) -> bool:
        """Tell whether a value is in effect for the key: given, by default, or a secret that the vault keeps."""
        answer, section = self.given.get(key), BY_KEY[key].section
        return self[key] is not None or bool(answer and answer.source and (not section or self.uses(section)))

    def secrets(self) -> dict[str, Secret]:
        """Return the secrets given now, by key; those that the vault keeps are not among them."""
        return {key: self[key] for key in self.given if key in BY_KEY and isinstance(self[key], Secret)}

    def with_answer(self, key: str, value: Any, source: tuple[str, str] | None = None) -> Answers:
        """Return these answers and one more; an optional section that it belongs to is then on."""
        more = {key: Answer(value, source=source)}
        if key in BY_KEY and BY_KEY[key].section:
            more[BY_KEY[key].section] = Answer(value=True)
        return replace(self, given={**self.given, **more})

    def without(self, key: str) -> Answers:
        """Return these answers without one, so that its default counts; one that a vault keeps is reset by it."""
        return replace(self, given={**self.given, key: Answer(None)})

    def with_decision(self, decision: Decision) -> Answers:
        """Return these answers and one more decision about a placeholder."""
        return replace(self, decisions={**self.decisions, decision.key: decision})

    def located(self, turn: Callable[[str], str]) -> Answers:
        """Return these answers with the path of each {file:} that one was taken from turned by *turn*."""
        return replace(
            self,
            given={key: _located(answer, turn) for key, answer in self.given.items()},
            decisions={key: each and _located(each, turn) for key, each in self.decisions.items()},
        )

    def merge(self, below: Answers) -> Answers:
        """Return these answers over others: what is absent here is taken from ``below``, a reset hides it."""
        return Answers(
            {**below.given, **self.given},
            {**below.decisions, **self.decisions},
            self.origin or below.origin,
            self.flawed | (below.flawed - self.given.keys()),
            below.remarks + self.remarks,
            {**below.instances, **self.instances},
        )

    def overlay(self, kept: Answers) -> Answers:
        """Return these answers over those of the vault.

        RefusedError when the server name in effect would become another one: user and room ids hold it (FACTS 6).
        """
        merged = self.merge(kept)
        before, after = kept["domains.server_name"], merged["domains.server_name"]
        if None not in (before, after) and before != after:
            cause = next(
                key for key in ("domains.server_name", "domains.matrix", "domains.base") if _differs(self, kept, key)
            )
            raise RefusedError(
                Problem(
                    f"The server name would change from {before} to {after}, and it can never be changed: "
                    "every user id and room id holds it.",
                    self.given[cause].where or self.origin or cause,
                    f"Write domains.server_name: {before}",
                )
            )
        return merged

    def problems(self, needed: Collection[str], named: Callable[[str], str] = str) -> list[Problem]:
        """Return what is missing of the needed keys, and which answers contradict one another, as *named* calls them.

        A key that is derived is never missing itself: the one it derives from is.
        """
        used = (BY_KEY[key] for key in needed if not BY_KEY[key].section or self.uses(BY_KEY[key].section))
        due = {self._root(question.key) for question in used if question.only_when(self)}
        missing = [
            question
            for question in QUESTIONS
            if question.key in due - self.flawed and not self.answered(question.key) and question.required_when(self)
        ]
        return [self._missing(question) for question in missing] + list(self._contradictions(named))

    def notes(self, needed: Collection[str]) -> list[Problem]:
        """Return what deserves a look and stops nothing: answers without a place in the tree, and doubtful ones."""
        unused = [
            Problem(f"{key} is not needed by this tree.", answer.where)
            for key, answer in self.given.items()
            if key in BY_KEY and key not in needed and answer.where and answer.value is not None
        ]
        return [*self.remarks, *unused, *self.doubts()]

    def doubts(self) -> list[Problem]:
        """Return what is legal and unusual about the answers."""
        given = (BY_KEY[key] for key in self.given if key in BY_KEY and not BY_KEY[key].secret)
        return [
            Problem(doubt, self._where(question.key))
            for question in given
            if self[question.key] is not None
            for doubt in question.doubts(self[question.key], self)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the record for the vault: plain values by key, and for a secret only its source. JSON types only.

        The server name in effect is pinned, for it must outlive a changed base domain.
        """
        pinned = {"domains.server_name": Answer(self["domains.server_name"])}
        return {
            "answers": {
                key: _plain(key, answer) for key, answer in {**self.given, **pinned}.items() if not answer.is_reset
            },
            "placeholders": {key: _decided(each) for key, each in self.decisions.items() if each is not None},
            **({"instances": dict(self.instances)} if self.instances else {}),
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Answers:
        """Return the answers of a record that `to_json` made; keys that this version does not know are left out."""
        return Answers(
            {
                key: _answer(value)
                for key, value in record.get("answers", {}).items()
                if key in BY_KEY or key in SECTIONS
            },
            {key: _decision(key, value) for key, value in record.get("placeholders", {}).items()},
            instances=record.get("instances", {}),
        )

    def _root(self, key: str) -> str:
        while not self.answered(key) and BY_KEY[key].derived_from and key not in self.flawed:
            key = BY_KEY[key].derived_from
        return key

    def _where(self, key: str) -> str:
        answer = self.given.get(key) or self.given.get(BY_KEY[key].section)
        return (answer.where if answer else "") or self.origin

    def _missing(self, question: Question) -> Problem:
        example = "'{file: PATH}'" if question.secret else "VALUE"
        return Problem(
            f"{question.key} is missing. {question.help}",
            self._where(question.key),
            f"Write {question.key} into the answers file, or give --set {question.key}={example}.",
        )

    def _contradictions(self, named: Callable[[str], str]) -> Iterator[Problem]:
        main, li = self["backups.retention"], self["backups.li_retention"]
        if main and li and formats.days(li) < formats.days(main):
            yield Problem(
                f"LI backups would be kept for {li}, shorter than the main database's, {main}.",
                self._where("backups.li_retention"),
                f"Write {main} or longer.",
            )
        for key, rivals in _APART.items():
            others = [other for other in rivals if other != key and self[key] == self[other]]
            if self[key] and others:
                yield Problem(
                    f"{named(key)} and {named(others[0])} are both {self[key]}.",
                    self._where(key),
                    f"Give {named(key)} a name of its own.",
                )


def _differs(answers: Answers, kept: Answers, key: str) -> bool:
    return key in answers.given and answers.given[key].value != (kept.given[key].value if key in kept.given else None)


def _located(sourced: _Sourced, turn: Callable[[str], str]) -> _Sourced:
    if sourced.source is None or sourced.source[0] != "file":
        return sourced
    return replace(sourced, source=("file", turn(sourced.source[1])))


def _plain(key: str, answer: Answer) -> Any:
    if key in BY_KEY and BY_KEY[key].secret:
        return {"source": list(answer.source or ("prompt", ""))}
    return list(answer.value) if isinstance(answer.value, tuple) else answer.value


def _answer(value: Any) -> Answer:
    if isinstance(value, dict):
        return Answer(None, source=tuple(value["source"]))
    return Answer(tuple(value) if isinstance(value, list) else value)


def _decided(decision: Decision) -> dict[str, Any]:
    secret = isinstance(decision.text, Secret)
    record = {
        "action": decision.action,
        "text": None if secret else decision.text,
        "length": decision.length,
        "source": list(decision.source or ("prompt", "")) if secret or decision.source else None,
    }
    return {name: each for name, each in record.items() if each is not None}


def _decision(key: str, record: Mapping[str, Any]) -> Decision:
    source = tuple(record["source"]) if "source" in record else None
    return Decision(key, record["action"], record.get("text"), record.get("length"), source=source)
