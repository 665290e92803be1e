"""What the verbs give back, as data: one place prints it, for people or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from wizard.actions import Cluster
from wizard.afterwards import Afterwards
from wizard.baseline import Entry
from wizard.errors import Problem
from wizard.finding import Finding
from wizard.ignores import Ignored
from wizard.onlyyou import Duty
from wizard.plan import Plan
from wizard.runsheet import Consequence
from wizard.vault import Recipient, Sheet, State, Step, Vault, bare, fingerprint


@dataclass(frozen=True)
class Outcome:
    """What setup or blank did, or would do.

    ``options``: those of the run that the next command needs too. ``key_made``: where the vault's key lies, if it was
    made now; ``key``: where the one lies that was used. ``unfinished``: files that stand as before the last run.
    ``documents``: what the bare domain has to serve or to say in DNS, by where it goes. ``afterwards``: what is left to
    the operator once setup has written; ``sheet``: the answers file that gives the same again, if there is one, and
    ``new_sheet``: a name for one, which no file has.
    """

    plan: Plan
    written: bool
    tree: Path
    options: str = ""
    key_made: str = ""
    unfinished: tuple[str, ...] = ()
    documents: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    afterwards: Afterwards | None = None
    sheet: Path | None = None
    new_sheet: Path = Path("answers.yaml")


@dataclass(frozen=True)
class Rotated:
    """What a rotation, its end, or its undoing did or would do: the plan, the steps to take, and what they mean.

    ``place``: where the commands run; ``finish``: what ends a rotation that has begun, and when that may be done."""

    outcome: Outcome
    sheet: Sheet
    consequence: Consequence
    place: Cluster
    is_confirmed: bool = False
    finish: str = ""


@dataclass(frozen=True)
class Stepped:
    """Where a tree's run sheets stand: the next open step, if there is one, after those that were closed now.

    ``later``: the sheets after this one that have open steps too.
    ``failed``: why the last one was not closed. ``address`` is "sheet.number", as ``--feed`` takes it."""

    sheet: Sheet | None
    number: int
    place: Cluster
    options: str
    closed: tuple[tuple[Sheet, int], ...] = ()
    failed: Problem | None = None
    is_confirmed: bool = True
    later: tuple[Sheet, ...] = ()

    @property
    def step(self) -> Step | None:
        """The next open step."""
        return self.sheet.steps[self.number] if self.sheet else None


@dataclass(frozen=True)
class Age:
    """One secret as ``status`` tells it: since when it is current, whole days, how it is rotated, and what is open."""

    name: str
    made: str
    days: int
    kind: str
    half_way: str = ""
    steps: int = 0
    is_due: bool = False


@dataclass(frozen=True)
class Status:
    """How a tree's secrets stand: their ages, the open steps, and facts about keys and certificates."""

    ages: tuple[Age, ...]
    stepped: Stepped
    facts: Mapping[str, str]
    most_days: int = 0


@dataclass(frozen=True)
class Checked:
    """What ``check`` found, and the components that are switched off and so were not looked at.

    ``log``: why the audit log could not be verified, "" where it was, None without log and vault. ``only_you``: what
    no file shows. ``is_strict``: warnings stand in the way, too. Not among the findings are those that are ``ignored``,
    and those ``known`` from the ``baseline`` (its path, "" for none), which also has what is ``gone``."""

    findings: tuple[Finding, ...]
    left_out: tuple[str, ...]
    log: str | None = None
    only_you: tuple[Duty, ...] = ()
    is_strict: bool = False
    ignored: tuple[Ignored, ...] = ()
    known: tuple[Finding, ...] = ()
    gone: tuple[Entry, ...] = ()
    baseline: str = ""

    @property
    def errors(self) -> int:
        """How many of the findings are errors."""
        return sum(each.severity == "error" for each in self.findings)

    @property
    def warnings(self) -> int:
        """How many of the findings are warnings."""
        return len(self.findings) - self.errors

    @property
    def is_ready(self) -> bool:
        """Whether nothing that was found stands in the way of a deployment."""
        return not (self.findings if self.is_strict else self.errors)


@dataclass(frozen=True)
class People:
    """Who opens the vault or once did, the fingerprint of its seal ("" for none yet), and its revision.

    ``own``: the keys that opened it here just now."""

    recipients: tuple[Recipient, ...]
    seal: str
    revision: int
    own: tuple[str, ...] = ()


def people(vault: Vault, used: Iterable[str]) -> People:
    """Return whose keys open *vault* or once did; those *used* here are public keys."""
    here = set(map(bare, used))
    own = tuple(each.key for each in vault.recipients if bare(each.key) in here and not each.until)
    return People(vault.recipients, fingerprint(vault.seal), vault.revision, own)


@dataclass(frozen=True)
class Removed:
    """Whose key was shut out, each value that it could open, with since when its current generation is kept, and the
    vault's new seal (a fingerprint)."""

    recipient: Recipient
    values: tuple[tuple[str, str], ...]
    seal: str


@dataclass(frozen=True)
class Rekeyed:
    """The new key of this machine, its public part, where it lies, and the vault's new seal (a fingerprint); the public
    keys that were replaced by it, and all others that open it still."""

    public: str
    key: str
    seal: str
    replaced: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """One value as ``show`` lists it: name, text (masked where it has to be), since when, and where it stands."""

    name: str
    text: str
    made: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class Sighting:
    """One place at which a value stands and is not meant to: which generation and state of it, and how it stands there.

    ``kind``: in a "file" of the tree, a "blob", "commit" or "tag" of git, a "source" that was given, or a "field" of
    an ``object`` in one. ``file`` is the path, of git's from the top of the work tree; ``commit`` the first that
    brought it (or that is it), and ``versions`` how many of the file have it. ``reach``: whether git has it at "head",
    in the "history", only in the "index", or where nothing leads to it ("unreachable")."""

    value: str
    generation: str
    state: State
    encoding: str
    kind: Literal["file", "blob", "commit", "tag", "source", "field"]
    file: str
    line: int
    column: int
    commit: str = ""
    versions: int = 1
    reach: str = ""
    object: str = ""
    field: str = ""
    is_last_applied: bool = False


@dataclass(frozen=True)
class Hunted:
    """What ``hunt`` found: the ``places`` of each value at which it is meant to stand and does, in the tree and in the
    objects that were given; where else it stands; what could not be searched for, and what could not be read.

    ``files``, ``objects`` (of git; None: no history was searched) and ``sources`` are how many were searched."""

    places: Mapping[str, tuple[str, ...]]
    found: tuple[Sighting, ...]
    unsought: tuple[Problem, ...]
    unread: tuple[Problem, ...]
    files: int
    objects: int | None
    sources: int
    options: str = ""

    @property
    def to_rotate(self) -> tuple[str, ...]:
        """The values of which a generation in use stands somewhere."""
        live = {each.value for each in self.found if each.state in ("pending", "current", "retiring")}
        return tuple(name for name in self.places if name in live)


@dataclass(frozen=True)
class Exchanged:
    """What left a vault or came into it: the verb, the file or cluster, the names of the values, the vault's revision,
    what deserves a look, where the vault's key lies if it was made now, and the options that the next command needs."""

    verb: str
    place: str
    values: tuple[str, ...]
    revision: int
    notes: tuple[Problem, ...] = ()
    key_made: str = ""
    options: str = ""
