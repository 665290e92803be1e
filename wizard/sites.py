"""Sites: the places of a tree that hold a value, and what else a search of a tree gives: what is unknown, left or lost.

Data only; ``search`` finds them. Token alone never decides (DESIGN, law 4): a site knows its object and its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from wizard import catalogue, lenses, placeholders
from wizard.answers import Answers, Decision
from wizard.errors import Problem
from wizard.lenses import View
from wizard.mint import Recipe
from wizard.questions import SECTIONS
from wizard.resources import Leaf, Manifest
from wizard.vault import Record

How = Literal["record", "token", "clause", "place", "comment", "retiring"]

# What replaces a placeholder's name inside a comment, where no value may ever stand.
FILLED_IN = "(filled in)"


@dataclass(frozen=True, eq=False)
class Site:
    """One place that holds one value: [start, end) of the text of ``leaf``, or of the file for a comment without one.

    ``token`` is the placeholder that stands there now, '' where a value does; ``record`` the record it was found by.
    """

    value: str
    manifest: Manifest
    leaf: Leaf | None
    start: int
    end: int
    how: How
    token: str = ""
    record: Record | None = None

    @property
    def around(self) -> str:
        """The whole text that the site stands in; it may be a secret."""
        return self.leaf.text if self.leaf else self.manifest.text

    @property
    def view(self) -> View:
        """The view of the text that the site stands in. CannotHold where that cannot be edited safely."""
        return self.leaf.view if self.leaf else self.manifest.root

    @cached_property
    def inner(self) -> tuple[View, int, int]:
        """The innermost view around the site, a quoting within free text included, and the site's span in it."""
        whole = (self.start, self.end) == (0, len(self.around))
        if whole or self.how == "comment" or self.around.startswith("-----BEGIN ", self.start):
            return self.view, self.start, self.end
        return lenses.at(self.view, self.start, self.end, self._name)

    @property
    def text(self) -> str:
        """What stands in the site now, as its reader gets it; it may be a secret."""
        view, start, end = self.inner
        return view.text[start:end]

    @cached_property
    def position(self) -> str:
        """``file:line:column`` of the site's first character."""
        return self.manifest.at(self.view, self.start)

    @property
    def _name(self) -> str:
        """The name of the text that the site stands in, which tells its language: a key, or the name of a file."""
        if self.leaf is None:
            return PurePosixPath(self.manifest.path).name
        return lenses.SCRIPT if lenses.is_script(self.leaf.resource.node, self.leaf.path) else self.leaf.called

    @property
    def document(self) -> str:
        """The object's reference; for a comment of a file, that of the object in whose document it stands."""
        return self.leaf.resource.ref if self.leaf else self.manifest.owner(self.start)

    @property
    def path(self) -> tuple[str, ...]:
        """The path of the scalar in its object."""
        return self.leaf.path if self.leaf else ()

    @property
    def place(self) -> str:
        """How people and the answers file name the place: ``Kind/namespace/name:path``."""
        return place(self.leaf) if self.leaf else self.manifest.path


@dataclass(frozen=True)
class Unknown:
    """A placeholder that nothing decides: its spelling, its place, ``file:line:column``, and a decision to offer."""

    token: str
    place: str
    position: str
    family: str
    role: str
    key: str = ""
    instance: str = ""
    is_secret: bool = False
    recipe: Recipe | None = None  # what its spelling or the comment beside it asks for

    @property
    def decision(self) -> str:
        """The key of the decision to ask for: by token where that names a role, else by place (DESIGN, law 4)."""
        return f"{self.token} @ {self.place}" if self.role in catalogue.GENERIC_ROLES else self.token

    @property
    def group(self) -> tuple[str, str]:
        """What it has in common with others that probably stand for the same value (DESIGN, law 4).

        A role that the spelling names, whatever the spelling; else a key that names one, in one instance; else nothing.
        """
        if self.role not in catalogue.GENERIC_ROLES:
            return self.family, self.role
        words = placeholders.role(self.key)
        return (self.instance, words) if words not in catalogue.GENERIC_ROLES else ("", self.decision)


@dataclass(frozen=True)
class Refusal:
    """A placeholder that is left where it stands: its spelling, ``file:line:column``, and why nothing is written."""

    token: str
    position: str
    why: str


def groups(unknown: Iterable[Unknown]) -> list[list[Unknown]]:
    """Return *unknown* in groups that one decision each may answer, in the order of their first places."""
    found: dict[tuple[str, str], list[Unknown]] = {}
    for each in unknown:
        found.setdefault(each.group, []).append(each)
    return list(found.values())


@dataclass(frozen=True)
class Found:
    """Everything that was found in a tree, and what of it is left alone or missing.

    ``listed``: the values of lists that clauses write as a whole: they have no sites, and want an answer all the same.
    """

    sites: tuple[Site, ...]
    unknown: tuple[Unknown, ...] = ()
    lost: tuple[Record, ...] = ()
    kept: tuple[Record, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()
    notes: tuple[Problem, ...] = ()
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scope:
    """What the search goes by: the answers (decisions, components, clauses) and the records of the vault.

    ``off``: the components that are switched off, where that is known otherwise than from the answers.
    """

    answers: Answers
    records: tuple[Record, ...] = ()
    off: frozenset[str] | None = None

    def setting(self, key: str) -> object:
        """Return the answer in effect for *key*."""
        return self.answers[key]

    def decision(self, token: str, where: str, *, is_known: bool = False) -> Decision | None:
        """Return what the answers say of *token* at the place *where*, or of it everywhere.

        A token without a role of its own, where the catalogue knows the place (*is_known*), is decided by place only.
        """
        at_place = self.answers.decisions.get(f"{token} @ {where}")
        is_bare = placeholders.role(token) in catalogue.GENERIC_ROLES
        return at_place or (None if is_known and is_bare else self.answers.decisions.get(token))

    def is_off(self, part: str) -> bool:
        """Say whether the optional component *part* is switched off."""
        if self.off is not None:
            return part in self.off
        return part in catalogue.SWITCHES and not any(map(self._holds, catalogue.SWITCHES[part].split("|")))

    def said_off(self) -> Iterator[str]:
        """Yield the components that an answer switches off, and not only that there is none."""
        for part in catalogue.COMPONENTS:
            keys = {switch.partition("=")[0] for switch in part.switch.split("|")}
            if part.documents and self.is_off(part.name) and keys & self.answers.given.keys() - SECTIONS.keys():
                yield part.name

    def _holds(self, switch: str) -> bool:
        key, is_equation, wanted = switch.partition("=")
        if key in SECTIONS:
            return self.answers.uses(key)
        answer = self.answers[key]
        return answer == wanted if is_equation else answer not in (None, "", ())


def place(leaf: Leaf) -> str:
    """Return ``Kind/namespace/name:path`` of *leaf*."""
    return f"{leaf.resource.ref}:{'.'.join(leaf.path)}"


def is_left_out(path: str, scope: Scope) -> bool:
    """Say whether the file *path* belongs to a component that is switched off."""
    return any(map(scope.is_off, catalogue.parts_of(path, "")))
