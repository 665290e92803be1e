"""Homeservers: what Synapse makes of the texts that it is given, merged in the order of its command line. Pure.

A key on top of a later text replaces that of an earlier one whole; of a directory the files in ``.yaml`` count, in the
order of their names (FACTS 2; Synapse, synapse/config/_base.py, find_config_files and read_config_files).
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from wizard import manifests, placeholders
from wizard.configurations import Configuration
from wizard.manifests import Node, Scalar, Sequence
from wizard.pods import OTHER, Container
from wizard.resources import Entry

_NAME = "server_name"
_TRUE = frozenset({"true", "yes", "on"})  # PyYAML 6, which Synapse reads its configuration with


@dataclass(frozen=True, eq=False)
class Homeserver:
    """One homeserver as it is configured: its texts, of which each stands over those before it.

    ``instance``: ``main`` or ``li``. ``containers``: those that are given just these, none where the tree tells of no
    such. ``is_ordered``: whether a command line tells the order; ``is_whole``: whether all of them are in the tree."""

    instance: str
    texts: tuple[Configuration, ...]
    containers: tuple[Container, ...]
    is_ordered: bool
    is_whole: bool

    @cached_property
    def home(self) -> Configuration:
        """The text that gives the server its name: what is set nowhere is told there."""
        return next((each for each in reversed(self.texts) if each.get(_NAME) is not None), self.texts[-1])

    @cached_property
    def name(self) -> str:
        """The server's name, '' where these texts do not tell it."""
        return self.value(_NAME)

    def source(self, *path: str) -> Configuration:
        """Return the text whose setting at *path* counts, ``home`` where none has it."""
        return next((each for each in reversed(self.texts) if each.get(*path[:1]) is not None), self.home)

    def get(self, *path: str) -> Node | None:
        """Return the node at *path*, or None."""
        return self.source(*path).get(*path)

    def value(self, *path: str) -> str:
        """Return the text of the setting at *path*, '' where there is none, or null."""
        return self.source(*path).value(*path)

    def place(self, *path: str) -> str:
        """Return ``file:line:column`` of the setting at *path*; where it is not set, of the nearest above it."""
        return self.source(*path).place(*path)

    def is_on(self, *path: str) -> bool:
        """Say whether the option at *path* is there and true."""
        return self.value(*path).lower() in _TRUE

    def is_empty_list(self, *path: str) -> bool:
        """Say whether a list without items stands at *path*."""
        node = self.get(*path)
        return isinstance(node, Sequence) and not node.items

    def serving(self, resource: str) -> Iterator[tuple[Node, Scalar]]:
        """Yield each listener that serves *resource*, such as ``federation``, and the word that says so."""
        for listener in manifests.items(self.get("listeners")):
            for each in manifests.items(manifests.get(listener, ("resources",))):
                for name in manifests.items(manifests.get(each, ("names",))):
                    if isinstance(name, Scalar) and name.value == resource:
                        yield listener, name

    def is_told(self, *path: str) -> bool:
        """Say whether the tree itself says what stands at *path*, or that nothing does: no variable or placeholder."""
        is_known = self.is_whole or self.get(*path[:1]) is not None
        return is_known and not placeholders.is_open(self.value(*path))


def of(texts: Iterable[Configuration], held: Iterable[tuple[str, str, str]]) -> tuple[Homeserver, ...]:
    """Return the homeservers that are given *texts* of Synapse's: for each process of it what that reads, each once.

    What no process is known to read is one by itself, over what stands beside it. *held*: the Secrets and ConfigMaps of
    the tree by kind, namespace and name."""
    texts = list(texts)
    spaces: _Spaces = {}
    for kind, namespace, name in held:
        spaces.setdefault((kind, name), set()).add(namespace)
    found: dict[tuple[str, tuple[Configuration, ...], bool, bool], list[Container]] = {}
    for container, own in _by_process(texts).items():
        given = tuple(_given(container, own))
        is_whole = _is_whole(container, own, spaces) and all(map(_is_read, given or own))
        for some in [given] if given else [*_alone(own)] or [tuple(own)]:
            instances = {container.workload.instance, *(each.resource.instance for each in some)}
            key = "li" if "li" in instances else "main", some, bool(given), is_whole
            found.setdefault(key, []).append(container)
    read = {each for _, some, *_ in found for each in some}
    groups: dict[Hashable, list[Configuration]] = {}
    for text in (each for each in texts if each not in read):
        groups.setdefault(text.entry[:3] if text.entry.kind else text, []).append(text)
    for some in (each for group in groups.values() for each in _alone(group)):
        # What is put beside a file that no object is known to have is not known either.
        found[some[-1].resource.instance, some, False, some[-1].entry.kind != ""] = []
    return tuple(
        Homeserver(instance, some, tuple(by), is_ordered, is_whole)
        for (instance, some, is_ordered, is_whole), by in found.items()
    )


def _by_process(texts: Iterable[Configuration]) -> dict[Container, list[Configuration]]:
    """Return the texts that are mounted beside each process of Synapse's.

    Of one object in several files, each for another environment, the one beside the workload is meant."""
    found: dict[Container, dict[Entry, Configuration]] = {}
    serves = cache(_serves)
    for text in texts:
        for container in filter(serves, text.containers):
            own, entry = found.setdefault(container, {}), text.entry._replace(namespace="")
            if entry not in own or _nearness(container, own[entry]) <= _nearness(container, text):
                own[entry] = text
    return {container: list(own.values()) for container, own in found.items()}


def _nearness(container: Container, text: Configuration) -> int:
    return len(posixpath.commonprefix([container.workload.resource.manifest.path, text.resource.manifest.path]))


_SERVER = re.compile(r"start\.py|start_worker|synapse\.app|synapse_(?:homeserver|worker)|synctl")


def _serves(container: Container) -> bool:
    """Say whether *container* runs the server, as far as its words tell, and no tool such as that which adds a user."""
    if container.has_command:
        return _SERVER.search(container.line) is not None and "generate" not in container.line
    return not container.words or container.words[0].value not in ("generate", "migrate_config")


_WORKER = re.compile(r"synapse\.app\.(?!homeserver\b)|start_worker|synapse_worker|worker\w*\.ya?ml\b")


def is_main(container: Container) -> bool:
    """Say whether *container*, of Synapse's image, runs the main process of a server, as far as the pod tells."""
    told = (container.line, *(each.text for each in container.variables))
    is_worker = any(map(_WORKER.search, told)) or "worker" in container.workload.name
    return _serves(container) and not is_worker


def _alone(texts: Iterable[Configuration]) -> Iterator[tuple[Configuration, ...]]:
    """Yield what each of *texts* that names a server is given where nothing tells the order: the others, and itself.

    What configures one worker is not among them."""
    texts = list(texts)
    homes = [each for each in texts if each.get(_NAME) is not None]
    beside = [each for each in texts if each not in homes and each.get("worker_app") is None]
    yield from ((*beside, each) for each in homes)


def _given(container: Container, own: list[Configuration]) -> Iterator[Configuration]:
    """Yield those of *own* that the command line of *container* names, in its order."""
    named = {path: _at(container, path, own) for path in config_paths(container)}
    rest = [each for each in own if not any(each in some for some in named.values())]
    for path, some in named.items():
        yield from some
        source, name = container.at(path), posixpath.basename(path)
        if not some and source is not None and source.kind == OTHER:  # an init container makes it of what it mounts
            yield from (each for each in rest if each.key.startswith(name) or not name.endswith((".yaml", ".yml")))


def _at(container: Container, path: str, own: list[Configuration]) -> list[Configuration]:
    """Return the file at *path*, or those in the directory that it is, in the order in which Synapse reads them."""
    at = {file: each for each in own for file in container.paths_of(each.entry)}
    inside = [file for file in sorted(at) if posixpath.dirname(file) == path and file.endswith(".yaml")]
    return [at[file] for file in ([path] if path in at else inside)]


def config_paths(container: Container) -> list[str]:
    """Return the paths of ``--config-path`` in the words of *container*, or in a line of a shell among them.

    Where there are none it is the one where the image's own entry point looks (Synapse, docker/start.py)."""
    words = [part.strip("\"'") for each in container.words for part in each.value.split()]
    found = []
    for word, following in itertools.pairwise((*words, "")):
        option, _, joined = word.partition("=")
        found.append(joined or following if option == "--config-path" else following if word == "-c" else "")
    told = {each.name: each.text for each in container.variables}
    default = told.get("SYNAPSE_CONFIG_PATH") or f"{told.get('SYNAPSE_CONFIG_DIR') or '/data'}/homeserver.yaml"
    return [posixpath.normpath(each) for each in found if each.startswith("/")] or [default]


def _is_read(text: Configuration) -> bool:
    """Whether *text* is YAML, or empty; where it is a template of other lines, nobody knows what those come to say."""
    return text.root is not None or not any(True for _ in text.lines())


_Spaces = dict[tuple[str, str], set[str]]  # the namespaces of the tree's Secrets and ConfigMaps, by kind and name


def _is_whole(container: Container, own: list[Configuration], spaces: _Spaces) -> bool:
    """Say whether no file that configures *container* is one that is not in the tree, so that nobody knows what it
    sets: one from a Secret that is made in the cluster, or from a volume of another kind."""

    def is_here(name: tuple[str, str]) -> bool:
        homes, space = spaces.get(name, set()), container.workload.namespace
        return bool(homes) and (not space or not homes.isdisjoint(("", space)))

    inits = [each for each in container.pod.containers if each.is_init]
    # What one of those mounts, a file is made of by words that are looked into.
    is_made = any((text.entry.kind, text.entry.name) in each.objects for text in own for each in inits)
    for path in config_paths(container):
        sources = container.all_at(path)
        if all(is_here((each.kind, each.name)) for each in sources):
            continue
        makers = (
            each for each in inits if each.at(path) and all(name[0] == OTHER or is_here(name) for name in each.objects)
        )
        if any(each.kind != OTHER for each in sources) or not (is_made or any(makers)):
            return False
    return True
