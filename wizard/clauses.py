"""Clauses: structures that must stand in a document, such as the allow-list of an LI ingress or the mail block.

A clause sees to the structure only: what is commented out is enabled, what is absent is added with a sample in the
value's place, and the sites so made are filled like all others. Pure: gives back edits and records, writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from wizard import entries, lenses, manifests
from wizard.catalogue import AUTH_SECRET, TLS_SECRET
from wizard.entries import Change, Undo, Wanted
from wizard.lenses import Edit
from wizard.manifests import Document, Mapping, Node, Path, Scalar
from wizard.resources import Leaf, Resource

NGINX = "nginx.ingress.kubernetes.io/"


class State(Enum):
    """What an entry is to be under the answers given: there, out of force, or as the operator left it."""

    PRESENT = "present"
    ABSENT = "absent"
    AS_IT_IS = "as it is"


Data = str | int | bool | list[Any] | Callable[[Resource], Any]
Settings = Callable[[str], Any]  # the answer in effect for a dotted key, None where there is none


@dataclass(frozen=True)
class Clause:
    """One entry that must (or must not) stand in the objects it applies to.

    ``parent``: the path of the mapping that holds it, ``*`` for every item of a sequence; ``also``: other spellings of
    its key, kept where they are found. ``value``: the name of the value that stands there, '' for a constant, whose
    ``sample`` is then only written where the entry is absent. ``sample``: the data of a new entry, or what makes it.
    """

    name: str
    kinds: tuple[str, ...]
    applies: Callable[[Resource], bool]
    parent: Path
    key: str
    value: str
    sample: Data
    state: Callable[[Settings], State]
    also: tuple[str, ...] = ()

    def data(self, resource: Resource) -> Any:
        """Return what a new entry in *resource* holds until its value is filled in."""
        return self.sample(resource) if callable(self.sample) else self.sample

    @property
    def keys(self) -> tuple[str, ...]:
        """Every spelling of the key, the one that is written first."""
        return (self.key, *self.also)


@dataclass(frozen=True)
class Arrangement:
    """A structural change of one text: that of the object's file, or (``leaf``) of a document embedded in it."""

    resource: Resource
    leaf: Leaf | None
    change: Change


def _always(_: Settings) -> State:
    return State.PRESENT


def _when_answered(key: str) -> Callable[[Settings], State]:
    return lambda settings: State.AS_IT_IS if settings(key) in (None, "", []) else State.PRESENT


def _is_manual(settings: Settings) -> State:
    return State.PRESENT if settings("tls.mode") == "manual" else State.AS_IT_IS


def _is_issued(settings: Settings) -> State:
    return State.ABSENT if settings("tls.mode") == "manual" else State.PRESENT


def _any(_: Resource) -> bool:
    return True


def _is_li(resource: Resource) -> bool:
    return resource.instance == "li"


def _is_main(resource: Resource) -> bool:
    return resource.instance == "main"


def _has(*path: str) -> Callable[[Resource], bool]:
    return lambda resource: resource.get(*path) is not None


def _is_li_admin(resource: Resource) -> bool:
    return _is_li(resource) and ("admin" in resource.name or any("admin" in host for host in hosts(resource)))


def hosts(ingress: Resource) -> list[str]:
    """Return the host names of an Ingress's rules, as they stand in the tree."""
    rules = ingress.get("spec", "rules")
    items = rules.items if isinstance(rules, manifests.Sequence) else ()
    found = (manifests.get(item, ("host",)) for item in items)
    return [node.value for node in found if isinstance(node, Scalar)]


def _tls_sample(ingress: Resource) -> Data:
    return [{"hosts": list(hosts(ingress)), "secretName": TLS_SECRET}]


_ANNOTATIONS = ("metadata", "annotations")
_STORAGE = _when_answered("storage.class")

CLAUSES: tuple[Clause, ...] = (
    # Checklist 4.1. An ingress without it is open to everyone; every controller reads the old spelling (FACTS 4).
    Clause(
        "li-allow-list", ("Ingress",), _is_li, _ANNOTATIONS, f"{NGINX}whitelist-source-range", "li-allowed-cidrs",
        "YOUR_LAW_ENFORCEMENT_IPS", _always, also=(f"{NGINX}allowlist-source-range",),
    ),
    # Checklist 4.3. Without auth-type there is no authentication, whatever the others say (FACTS 4).
    Clause("li-admin-auth", ("Ingress",), _is_li_admin, _ANNOTATIONS, f"{NGINX}auth-type", "", "basic", _always),
    Clause("li-admin-auth", ("Ingress",), _is_li_admin, _ANNOTATIONS, f"{NGINX}auth-secret", "", AUTH_SECRET, _always),
    Clause(
        "li-admin-auth", ("Ingress",), _is_li_admin, _ANNOTATIONS, f"{NGINX}auth-realm", "",
        "Authentication Required - LI Access Only", _always,
    ),
    # Checklist 6: an issuer, or with manual certificates one Secret for all hosts and no issuer.
    Clause(
        "tls-issuer", ("Ingress",), _any, _ANNOTATIONS, "cert-manager.io/cluster-issuer", "cluster-issuer",
        "letsencrypt-prod", _is_issued,
    ),
    Clause("tls-secret", ("Ingress",), _any, ("spec",), "tls", "", _tls_sample, _is_manual),
    Clause(
        "tls-secret", ("Ingress",), _any, ("spec", "tls", "*"), "secretName", "tls-secret-name", TLS_SECRET, _is_manual,
    ),
    # Checklist 8.1: every place where this tree's kinds name a storage class.
    Clause(
        "storage-class", ("Cluster",), _any, ("spec", "storage"), "storageClass", "storage-class", "standard", _STORAGE,
    ),
    Clause(
        "storage-class", ("Cluster",), _has("spec", "walStorage"), ("spec", "walStorage"), "storageClass",
        "storage-class", "standard", _STORAGE,
    ),
    Clause(
        "storage-class", ("PersistentVolumeClaim",), _any, ("spec",), "storageClassName", "storage-class", "standard",
        _STORAGE,
    ),
    Clause(
        "storage-class", ("StatefulSet",), _any, ("spec", "volumeClaimTemplates", "*", "spec"), "storageClassName",
        "storage-class", "standard", _STORAGE,
    ),
    Clause(
        "storage-class", ("Tenant",), _any, ("spec", "pools", "*", "volumeClaimTemplate", "spec"), "storageClassName",
        "storage-class", "standard", _STORAGE,
    ),
    # Checklist 7.3: where the manifest asks for it by environment.
    Clause(
        "turn-external-ip", ("Deployment", "DaemonSet"), _any,
        ("spec", "template", "spec", "containers", "*", "env", "[name=EXTERNAL_IP]"), "value", "turn-external-ip", "",
        _when_answered("turn.external_ip"),
    ),
    # Checklist 8.3, 13.
    Clause(
        "backup-retention", ("Cluster",), _is_main, ("spec", "backup"), "retentionPolicy", "backup-retention", "30d",
        _when_answered("backups.retention"),
    ),
    Clause(
        "backup-retention", ("Cluster",), _is_li, ("spec", "backup"), "retentionPolicy", "li-backup-retention", "30d",
        _when_answered("backups.li_retention"),
    ),
)  # fmt: skip

KINDS = frozenset(kind for clause in CLAUSES for kind in clause.kinds)


@dataclass(frozen=True)
class MailOption:
    """One option of Synapse's ``email:`` block: the value that stands there and a sample of its YAML type."""

    key: str
    value: str
    sample: str | int | bool


# Synapse's own names (FACTS 2; synapse/config/emailconfig.py). An option without a value, such as the user of a server
# that asks for none, is left out of the block.
MAIL: tuple[MailOption, ...] = (
    MailOption("smtp_host", "smtp-host", "localhost"),
    MailOption("smtp_port", "smtp-port", 25),
    MailOption("smtp_user", "smtp-user", "user"),
    MailOption("smtp_pass", "smtp-password", "YOUR_SMTP_PASSWORD"),
    MailOption("enable_tls", "smtp-enable-tls", True),
    MailOption("require_transport_security", "smtp-require-tls", True),
    MailOption("force_tls", "smtp-force-tls", False),
    MailOption("notif_from", "smtp-from", "Matrix"),
)
_MAIL_WITH_USER = frozenset({"smtp_user", "smtp_pass"})


def of(resource: Resource) -> list[Clause]:
    """Return the clauses that apply to *resource*."""
    return [clause for clause in CLAUSES if resource.kind in clause.kinds and clause.applies(resource)]


def value_at(resource: Resource, path: Path, mail: Leaf | None, settings: Settings) -> str:
    """Return the name of the value that a clause wants at *path*, '' where none does.

    ``mail``: the leaf whose text holds the ``email:`` block that is in use, if any.
    """
    for clause in of(resource):
        fits = len(path) == len(clause.parent) + 1 and path[-1] in clause.keys
        if fits and clause.state(settings) is State.PRESENT and _fits(clause.parent, path[:-1]):
            return clause.value
    if mail and mail.resource is resource and path[:-1] == (*mail.path, "~", "email"):
        return next((option.value for option in MAIL if option.key == path[-1]), "")
    return ""


def arrange(resource: Resource, settings: Settings) -> list[Arrangement]:
    """Return the changes after which every clause that applies to *resource* has its structure."""
    groups: dict[Path, list[Clause]] = {}
    for clause in of(resource):
        for parent in _parents(resource.node, clause.parent):
            groups.setdefault(parent, []).append(clause)
    made: list[Arrangement] = []
    for parent, clauses in groups.items():
        states = [(clause, clause.state(settings)) for clause in clauses]
        wanted = [Wanted(clause.keys, clause.data(resource)) for clause, state in states if state is State.PRESENT]
        unwanted = [key for clause, state in states if state is State.ABSENT for key in clause.keys]
        changes = entries.ensure(resource.manifest.text, resource.node, parent, wanted, unwanted)
        made += [Arrangement(resource, None, change) for change in changes]
    return made


def mail_home(resources: Iterable[Resource]) -> Leaf | None:
    """Return the leaf that holds (or is to hold) Synapse's ``email:`` block on main, None where there is none.

    An active block comes before a commented one, and that before a homeserver configuration without either.
    """
    best: tuple[int, Leaf | None] = (0, None)
    for resource in resources:
        if resource.instance != "main" or resource.kind not in ("ConfigMap", "Secret"):
            continue
        for leaf in resource.leaves.values():
            rank = _mail_rank(leaf)
            if rank > best[0]:
                best = (rank, leaf)
    return best[1]


def arrange_mail(home: Leaf, settings: Settings) -> list[Arrangement]:
    """Return the change after which the text of *home* has an ``email:`` block with every option that is needed."""
    text = home.view.text
    root = _root(text)
    if root is None:
        return []
    start, end, block = _mail_block(text, root)
    new = _complete(block, with_user=bool(settings("smtp.user")))
    if new == text[start:end]:
        return []
    undo = Undo("entry", (*home.path, "~", "email"), text[start:end])
    return [Arrangement(home.resource, home, Change(Edit(start, end, new), (undo,)))]


def _fits(pattern: Path, path: Path) -> bool:
    return len(pattern) == len(path) and all(
        step.startswith("[") if want == "*" else want == step for want, step in zip(pattern, path, strict=True)
    )


def _parents(node: Node, pattern: Path) -> Iterator[Path]:
    """Yield the paths that *pattern* stands for: itself, or one for each item where it has a ``*``.

    A named item (``[name=x]``) is never made: without it there is no path.
    """
    if "*" not in pattern:
        if not pattern or not pattern[-1].startswith("[") or manifests.get(node, pattern) is not None:
            yield pattern
        return
    at = pattern.index("*")
    items = manifests.get(node, pattern[:at])
    if isinstance(items, manifests.Sequence):
        for step, item in manifests.children(items):
            for rest in _parents(item, pattern[at + 1 :]):
                yield (*pattern[:at], step, *rest)


def _root(text: str) -> Node | None:
    """Return the root of the one document in *text*, None where it holds none or several."""
    parts = manifests.parse(text)
    only = parts[0] if len(parts) == 1 else None
    return only.root if isinstance(only, Document) else None


_COMMENTED_MAIL = re.compile(r"^([ \t]*#[ \t]*)email:[ \t]*\r?$", re.MULTILINE)


def _mail_rank(leaf: Leaf) -> int:
    if "~" in leaf.path or not leaf.key.endswith((".yaml", ".yml")):
        return 0
    root = _root(leaf.view.text)
    if not isinstance(root, Mapping):
        return 0
    names = entries.keys(root)
    if "email" in names:
        return 3
    if "server_name" not in names:
        return 0
    return 2 if _COMMENTED_MAIL.search(leaf.view.text) else 1


def _mail_block(text: str, root: Node) -> tuple[int, int, str]:
    """Return the span of the text that the block is to fill, and the block as it is now (enabled, or begun)."""
    span = entries.lines_of(text, root, ("email",))
    if span is not None:
        return *span, text[slice(*span)]
    hit = _COMMENTED_MAIL.search(text)
    if hit is None:
        at = len(text.rstrip("\n")) + 1 if text.endswith("\n") else len(text)
        return at, at, "email:\n" if text.endswith("\n") or not text else "\nemail:\n"
    mark = hit[1]
    lines = [text[hit.start() : text.find("\n", hit.end()) + 1]]
    end = hit.start() + len(lines[0])
    for line in text[end:].splitlines(keepends=True):
        if not re.match(re.escape(mark) + r"[ \t]+\S", line):
            break
        lines.append(line)
    end = hit.start() + sum(map(len, lines))
    return hit.start(), end, "".join(line.removeprefix(mark) for line in lines)


def _complete(block: str, *, with_user: bool) -> str:
    """Return *block* with every option of ``MAIL`` that is needed, and without those that are not."""
    options = [option for option in MAIL if with_user or option.key not in _MAIL_WITH_USER]
    unwanted = [option.key for option in MAIL if option not in options]
    root = _root(block)
    if root is None:
        return block
    wanted = [Wanted((option.key,), option.sample) for option in options]
    changes = entries.ensure(block, root, ("email",), wanted, unwanted)
    return lenses.apply(block, [change.edit for change in changes])
