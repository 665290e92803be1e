"""The survey of a tree: what every rule looks at, read and searched once. Pure."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from wizard import (
    access,
    catalogue,
    clauses,
    configurations,
    consumed,
    contexts,
    homeserver,
    kustomizations,
    mail,
    networkpolicies,
    originals,
    placeholders,
    pods,
    rollout,
    search,
    structure,
    weak,
    workloads,
)
from wizard.answers import Answers
from wizard.configurations import SYNAPSE, Configuration, Server
from wizard.homeserver import Homeserver
from wizard.lock import Lock
from wizard.pods import Container
from wizard.resources import SPELLED_OTHERWISE, Entry, Manifest, Resource
from wizard.search import Walk
from wizard.sites import Found, Scope
from wizard.structure import Tree
from wizard.workloads import Workload

# A word of those stands in every file with the configuration of a server, if only in the name of the object, and in the
# name of every image that runs one.
_SERVING = re.compile(rb"(?i)synapse|homeserver|server_name|coturn|turnserver|livekit|sygnal|redis|valkey|haproxy")
T = TypeVar("T")

# One of those stands in all that rules about other containers look for: their words, variables and images. Each is
# looked for apart, which is ten times as fast as a choice.
_SCRIPTED = tuple(
    re.compile(mark)
    for mark in (
        rb"envsubst|bitnami|htpasswd|password=|alias|admin|minio|config host",
        rb"\$\(",
        consumed.named("sed").encode(),
    )
)
_NAMING = re.compile(rb"server_name")
_COMMENT = re.compile(r"(?m)^[ \t]*#.*$")
_HOLDERS = frozenset({"Secret", "ConfigMap"})


@dataclass(frozen=True)
class Surroundings:
    """What is known of a tree's files beside their bytes: which ones git has as they stand, which ones every user of
    the machine may read, and which paths are symlinks, whose targets are files of the tree by names of their own."""

    in_git: frozenset[str] = frozenset()
    open_to_all: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Look(Generic[T]):
    """A look at each object of some kinds on its own: what ``tell`` returns of it is kept, and the object is not."""

    kinds: frozenset[str]
    tell: Callable[[Resource], Iterable[T]]


def _name(resource: Resource) -> Iterator[str]:
    yield f"{resource.kind}/{resource.name}"


# The objects that NetworkPolicies are for, each as ``Kind/name``.
NAMES = Look(frozenset(networkpolicies.KINDS), _name)


@dataclass(frozen=True)
class Survey:
    """A tree as rules see it: its bytes, its manifests, and the places that hold values.

    No document is parsed before somebody asks for its kind, or its text says that it is worth it. ``every``: all
    manifests of the tree. ``scope`` tells what is switched off, as sites.lock says; ``now`` is the time, ISO 8601 in
    UTC; ``around`` tells what no byte of the tree does, and is asked for it once; ``looks`` are those that are taken
    together, so that each document is parsed but once for all of them."""

    tree: Tree
    every: tuple[Manifest, ...]
    scope: Scope
    now: str
    around: Callable[[], Surroundings]
    looks: tuple[Look[Any], ...] = ()

    @cached_property
    def surroundings(self) -> Surroundings:
        """What is known of the files beside their bytes: asked for when a rule needs it, for git takes its time."""
        return self.around()

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        """The manifests with a placeholder, a record, or an object that something reads."""
        return tuple(structure.worth_parsing(self.every, self.scope.records))

    def searched(self) -> Iterator[tuple[Manifest, list[Resource], Found]]:
        """Yield each manifest, its objects that were worth searching, and what was found there.

        Each is searched when it is asked for, so that what is told of one waits for no other."""
        for manifest in structure.worth_parsing(self.every, self.scope.records):
            is_first = not manifest.is_parsed
            worth = self._worth_searching(manifest)
            if manifest not in self._founds:
                is_open = bool(worth) or placeholders.may_hold_in_comment(manifest.data)
                self._founds[manifest] = self._walk.through(manifest, worth) if is_open else Found(())
            found = self._founds[manifest]
            yield manifest, worth, found
            if is_first and not found.sites:
                manifest.forget()
            elif is_first:
                for resource in worth:
                    vars(resource).pop("leaves", None)

    @cached_property
    def found(self) -> Found:
        """The places that hold values, in all manifests."""
        if len(self._founds) < len(self.manifests):
            deque(self.searched(), 0)
        return search.joined((self._founds[each] for each in self.manifests), self.scope, frozenset())

    @cached_property
    def _founds(self) -> dict[Manifest, Found]:
        """What was found so far."""
        return {}

    def _worth_searching(self, manifest: Manifest) -> list[Resource]:
        """Return the objects that can have a place of any sort, as far as can be told without parsing them."""
        if manifest.is_text or manifest.path in self._recorded:
            return manifest.resources
        is_hinted = manifest.is_hinted

        def is_worth(kind: str, source: str) -> bool:
            if kind in contexts.PROSE_KINDS:  # where nothing is to be replaced, whatever is spelled like it
                return is_hinted and placeholders.is_grepped(source)
            is_set = kind in self._valued or catalogue.may_hold_a_known_place(source) or weak.may_set(source)
            return is_set or (is_hinted and placeholders.may_hold(source.encode()))

        is_open = is_hinted or manifest.may_hold(self._valued) or is_worth("", manifest.text)
        return manifest.where(is_worth) if is_open else []

    @cached_property
    def _recorded(self) -> frozenset[str]:
        return frozenset(record.file for record in self.scope.records)

    @cached_property
    def _valued(self) -> frozenset[str]:
        """The kinds whose objects hold values where neither a placeholder nor a known name tells it."""
        return clauses.kinds_with_values(self.scope.setting) | {"Secret"}

    @cached_property
    def _walk(self) -> Walk:
        """The search, which knows what of the whole tree decides about each place."""
        homes = (each for each in self._naming(_HOLDERS) if mail.may_be_home(each.data))
        home = mail.home_of(resource for each in homes for resource in each.some(_HOLDERS))
        tools = (each for each in self.every if consumed.may_fill_in(each))
        near = (each for each in self._naming(frozenset({"Secret"})) if each.may_be_li())
        secrets = (resource for each in near for resource in each.some({"Secret"}))
        own = catalogue.own_services(each.name for each in secrets if each.instance == "li")
        return Walk(self.scope, home, consumed.find(tools), own)

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """The containers of what runs and is in use, whose file has a word that any rule about containers looks for."""
        return tuple(each for workload in self.running(_SERVING, *_SCRIPTED) for each in pods.containers(workload))

    def running(self, *marks: re.Pattern[bytes]) -> Iterator[Workload]:
        """Yield the objects that run something and are in use, in files whose bytes hold one of *marks*."""
        named = (each for each in self._naming(workloads.KINDS) if any(self._holds(mark, each) for mark in marks))
        yield from (each for each in workloads.of(named) if not rollout.is_off(each.resource, self.scope))

    def mounted(self, among: Iterable[Container]) -> Iterator[Resource]:
        """Yield what is mounted in the pods of these containers, Secrets and ConfigMaps, and others of their files."""
        return self.called({name for each in among for _, name in each.pod.objects}, *_HOLDERS)

    def words_of_pod(self, container: Container) -> str:
        """Return the words of all containers of the pod of *container*, and the ConfigMaps that are mounted in it, but
        for lines of comment."""
        mounted = container.pod.objects
        scripts = [
            leaf.text
            for each in self.called({name for _, name in mounted}, "ConfigMap")
            if (each.kind, each.name) in mounted
            for path, leaf in each.leaves.items()
            if path[:1] == ("data",) and leaf.nested is None
        ]
        return _COMMENT.sub("", "\n".join([container.pod.lines, *scripts]))

    def of_server(self, server: Server) -> tuple[Configuration, ...]:
        """Return the texts that *server* reads as its configuration."""
        if server.name not in self._configured:
            objects = self._configuring(server)
            if server is SYNAPSE:  # whose texts are known by their keys, too, whatever they are called
                objects = itertools.chain(objects, self.holding(_NAMING, ""))
            files = (each for each in self.every if each.path in self._generated)
            every = dict.fromkeys((*objects, *(resource for each in files for resource in each.some({""}))))
            texts = configurations.of(server, every, self.containers, self._generated)
            self._configured[server.name] = tuple(texts)
        return self._configured[server.name]

    @cached_property
    def _generated(self) -> dict[str, list[Entry]]:
        """The entries of ConfigMaps and Secrets that kustomize makes of files, by their paths in the tree."""
        found: dict[str, list[Entry]] = {}
        for kustomization in kustomizations.of(self.every):
            for path, entry in kustomizations.generated(kustomization):
                found.setdefault(path, []).append(entry)
        return found

    @cached_property
    def homeservers(self) -> tuple[Homeserver, ...]:
        """What Synapse makes of those texts that it reads."""
        texts = self.of_server(SYNAPSE)
        objects = self.mounted(each for text in texts for each in text.containers)
        paths, made = {each.path for each in self.every}, self._generated.items()
        unseen = {entry[:3] for path, some in made for entry in some if path not in paths}
        held = {entry[:3] for _, some in made for entry in some} - unseen
        held |= {(each.kind, each.namespace, each.name) for each in objects if not each.manifest.actions}
        return homeserver.of(texts, held)

    def homeservers_of(self, instance: str) -> list[Homeserver]:
        """Return those of one *instance*, ``main`` or ``li``, whose texts tell the server's name."""
        return [each for each in self.homeservers if each.instance == instance and each.home.get("server_name")]

    def _configuring(self, server: Server) -> Iterator[Resource]:
        """Yield the Secrets, and of the ConfigMaps those that can configure *server*."""
        running = (each for each in self.containers if server.image.search(each.image))
        names = _encoded(name for each in running for _, name in each.pod.objects)
        for manifest in self._naming(_HOLDERS):
            is_open = self._holds(_SERVING, manifest) or any(name in manifest.data for name in names)
            kinds = _HOLDERS if is_open else frozenset({"Secret"})
            yield from (each for each in manifest.some(kinds) if not rollout.is_off(each, self.scope))

    @cached_property
    def _configured(self) -> dict[str, tuple[Configuration, ...]]:
        """What ``of_server`` has found, by the name of the server."""
        return {}

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        """Yield the objects of these kinds, in whatever file they stand."""
        wanted = frozenset(kinds)
        every = (resource for manifest in self._naming(wanted) for resource in manifest.some(wanted))
        yield from (each for each in every if not rollout.is_off(each, self.scope))

    def of_each(self, look: Look[T]) -> Sequence[T]:
        """Return what *look* tells of each object of its kinds, in the order of the files. No object is kept for it."""
        if look not in self._told:
            self._take({look: None, **dict.fromkeys(self.looks)})
        return self._told[look]

    def _take(self, looks: Iterable[Look[Any]]) -> None:
        told: dict[Look[Any], list[Any]] = {look: [] for look in looks}
        kinds = frozenset(kind for look in told for kind in look.kinds)
        for manifest in self._naming(kinds):
            is_first = not manifest.is_parsed
            for resource in manifest.some(kinds):
                if not rollout.is_off(resource, self.scope):
                    for look in (each for each in told if resource.kind in each.kinds):
                        told[look] += look.tell(resource)
            if is_first:
                manifest.forget()
        self._told.update(told)

    @cached_property
    def _told(self) -> dict[Look[Any], list[Any]]:
        """What was told so far, by the look."""
        return {}

    def holding(self, mark: re.Pattern[bytes], *kinds: str) -> Iterator[Resource]:
        """Yield the objects of these kinds in files whose bytes hold *mark*, whether or not other rules read those.

        The kind '' is that of documents that are no objects, such as the values of a chart."""
        wanted = frozenset(kinds)
        for manifest in self._naming(wanted):
            if self._holds(mark, manifest):
                yield from (each for each in manifest.some(wanted) if not rollout.is_off(each, self.scope))

    def called(self, names: Collection[str], *kinds: str) -> Iterator[Resource]:
        """Yield the objects of these kinds in files that name one of *names*: those called so are among them."""
        words = _encoded(names)
        for manifest in self._naming(frozenset(kinds)):
            if any(word in manifest.data for word in words):
                yield from (each for each in manifest.some(frozenset(kinds)) if not rollout.is_off(each, self.scope))

    def _holds(self, mark: re.Pattern[bytes], manifest: Manifest) -> bool:
        marked = self._marked.setdefault(mark, {})
        if manifest not in marked:
            marked[manifest] = _is_in(mark, manifest.data)
        return marked[manifest]

    def _naming(self, kinds: frozenset[str]) -> Iterator[Manifest]:
        """Yield the manifests in which objects of these *kinds* can be."""
        if "" in kinds:
            return (each for each in self.every if each.may_hold(kinds))
        numbers = {number for kind in (*kinds, SPELLED_OTHERWISE) for number in self._by_kind.get(kind, ())}
        return (self.every[number] for number in sorted(numbers))

    @cached_property
    def _by_kind(self) -> Mapping[str, list[int]]:
        """Which of all manifests, by their number, call something by a kind."""
        found: dict[str, list[int]] = {}
        for number, manifest in enumerate(self.every):
            for kind in manifest.kinds:
                found.setdefault(kind, []).append(number)
        return found

    @cached_property
    def _marked(self) -> dict[re.Pattern[bytes], dict[Manifest, bool]]:
        """Which manifests are known to hold a mark, or not to."""
        return {}


def _encoded(names: Iterable[str]) -> frozenset[bytes]:
    """Return *names* as they stand in a file; what no UTF-8 can hold stands there by an escape, and is not found."""
    return frozenset(name.encode("utf-8", "surrogatepass") for name in names if name)


_CHOICE = re.compile(rb"(?:\(\?i\))?([\w =:-]+(?:\|[\w =:-]+)*)")


def _is_in(mark: re.Pattern[bytes], data: bytes) -> bool:
    """Whether *mark* is in *data*; where it is a choice of words each is looked for, which is twenty times as fast."""
    choice = _CHOICE.fullmatch(mark.pattern)
    if choice is None:
        return mark.search(data) is not None
    is_low = bool(mark.flags & re.IGNORECASE)
    text, words = (data.lower(), choice[1].lower()) if is_low else (data, choice[1])
    return any(word in text for word in words.split(b"|"))


def survey(
    tree: Tree,
    lock: Lock | None,
    now: str,
    around: Callable[[], Surroundings] = Surroundings,
    looks: tuple[Look[Any], ...] = (),
) -> Survey:
    """Return the survey of *tree* at the time *now*; *lock* is its sites.lock, if it has one, *around* tells what
    is known beside its bytes, and *looks* are the looks to take together."""
    records = lock.records if lock else ()
    edge = cache(lambda: access.edge(resource for each in every for resource in each.some(access.EDGES)))
    every = tuple(each.at_edge(edge) for each in tree.unparsed(records))
    records = originals.moved(records, structure.worth_parsing(every, records))
    scope = Scope(Answers(), records, frozenset(lock.left_out if lock else ()))
    return Survey(tree, every, scope, now, around, looks)
