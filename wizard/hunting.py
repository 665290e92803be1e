"""The verb that looks for known secrets where they should not be: in the tree, in git, in what else it is given.

It writes nothing, and reveals nothing: only places are told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from wizard import catalogue, git, opening, plan, search, served, sources, traces
from wizard.answers import Answers
from wizard.errors import Problem, UsageError
from wizard.opening import Opened, Where
from wizard.outcome import Hunted, Sighting
from wizard.served import Field
from wizard.sites import Scope, Site
from wizard.structure import Tree
from wizard.traces import Net, Trace
from wizard.vault import VAULT, Kept, Vault

_WHOLE = 1 << 28  # octets of JSON that are read at once; what is longer is searched as text
_MAPS = ("data", "stringData")


@dataclass
class _Found:
    """What was found so far, and how much was searched."""

    sightings: list[Sighting] = field(default_factory=list)
    places: dict[str, list[str]] = field(default_factory=dict)
    unread: list[Problem] = field(default_factory=list)
    sources: int = 0


def hunt(where: Where, names: Collection[str], given: tuple[Path, ...], *, history: bool = True) -> Hunted:
    """Search the tree, its *history* in git, and what is *given* (files, directories, ``-``) for every generation of
    the values called *names*, of all values that the vault keeps where none is named.

    UsageError where there is no such value, where a source is missing, and where none of them can be searched for."""
    sources.refuse_missing(given)
    opened = opening.opened(where)
    kept = _kept(opened.vault, names)
    searched, unsought = [], list[Problem]()
    for each in kept:
        needles, problems = traces.needles(each)
        searched += needles
        unsought += problems
    if not searched:
        raise UsageError(*unsought)
    net, found = Net(searched), _Found(places={each.name: [] for each in kept})
    sites = _sites(opened, kept)
    files = _in_tree(net, opened, sites, found)
    objects = _in_git(net, opened.tree.root, found) if history and git.is_repository(opened.tree.root) else None
    for path in given:
        _in_source(net, path, sites, found)
    told = {name: tuple(places) for name, places in found.places.items()}
    return Hunted(
        told, tuple(found.sightings), tuple(unsought), tuple(found.unread), files, objects, found.sources, where.options
    )


def _kept(vault: Vault, names: Collection[str]) -> list[Kept]:
    unknown = [opening.no_such_value(name, vault.values) for name in names if name not in vault.values]
    if unknown:
        raise UsageError(*unknown)
    return [vault.values[name] for name in (dict.fromkeys(names) or sorted(vault.values)) if catalogue.is_kept(name)]


def _sites(opened: Opened, kept: Iterable[Kept]) -> dict[str, list[Site]]:
    """Return the places of the tree where each of *kept* is meant to stand: its own, and those of its equals."""
    answers = Answers.from_json(opened.vault.answers)
    manifests, followed = plan.followed(Tree(opened.tree.files, instances=answers.instances), opened.vault)
    every = search.find(manifests, Scope(answers, followed.records)).sites
    filled = [site for site in every if site.value and not site.token and site.how != "comment" and site.text]
    texts = {name: _texts(each) for name, each in opened.vault.values.items()}
    equals = {each.name: {name for name in texts if texts[name] & texts[each.name]} for each in kept}
    return {name: [site for site in filled if site.value in same] for name, same in equals.items()}


def _texts(kept: Kept) -> set[str]:
    return {each.text.reveal() for each in kept.generations}


def _in_tree(net: Net, opened: Opened, sites: dict[str, list[Site]], found: _Found) -> int:
    """Search every file of the tree, and return how many there were."""
    root, count = opened.tree.root, 0
    for path in sources.files(root, without=(".git",)):
        name = path.relative_to(root).as_posix()
        if name == VAULT:
            continue
        count += 1
        here = [site for every in sites.values() for site in every if site.manifest.path == name]
        spans = {id(site): site.manifest.span(site.view, site.start, site.end) for site in here}
        for trace in _read(net, path, name, found):
            start, end = _characters(opened.tree.files[name], trace) if here else (0, 0)
            own = (site for site in sites[trace.value] if id(site) in spans)
            site = next((each for each in own if start < spans[id(each)][1] and end > spans[id(each)][0]), None)
            if site is None:
                found.sightings.append(_seen(trace, "file", name))
            elif site.position not in found.places[trace.value]:
                found.places[trace.value].append(site.position)
    return count


def _characters(data: bytes, trace: Trace) -> tuple[int, int]:
    """Return where *trace* begins and ends in the characters of a file, a byte order mark not among them."""
    start = len(data[: trace.start].decode("utf-8-sig", "replace"))
    return start, start + len(data[trace.start : trace.end].decode("utf-8", "replace"))


def _in_git(net: Net, root: Path, found: _Found) -> int:
    """Search all that git keeps, and return how many objects that were."""
    commits: dict[str, tuple[str, ...]] = {}
    blobs: dict[str, list[Trace]] = {}
    written: list[tuple[git.Object, list[Trace]]] = []  # messages of commits and tags
    count = 0
    for each in git.objects(root):
        count += 1
        if each.kind == "commit":
            commits[each.id] = git.parents(each.data)
        if here := net.find(each.data):
            if each.kind == "blob":
                blobs[each.id] = here
            else:
                written.append((each, here))
    if not blobs and not written:
        return count
    reach = git.in_reach(root)
    found.sightings += _versions(root, blobs, commits, reach)
    for each, here in written:
        header = each.data.partition(b"\n\n")[0].count(b"\n") + 2
        state = "history" if each.kind == "tag" or each.id in reach else "unreachable"
        for trace in here:
            line = max(trace.line - header, 1)
            found.sightings.append(
                _seen(trace, "tag" if each.kind == "tag" else "commit", "", line=line, commit=each.id, reach=state)
            )
    return count


def _versions(
    root: Path, blobs: dict[str, list[Trace]], commits: dict[str, tuple[str, ...]], reach: Collection[str]
) -> Iterator[Sighting]:
    """Yield where git has the *blobs*: of each file the first version that holds a generation so, and of how many."""
    head, index = git.checked_out(root), git.indexed(root)
    brought = git.brought(root, blobs, commits)
    lone = blobs.keys() - {blob for blob, _ in brought}
    staged = {(blob, path): "" for blob, path in sorted(index) if blob in lone}
    dangling = {(blob, ""): "" for blob in sorted(lone - {blob for blob, _ in staged})}
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for blob, path in chain(brought, staged, dangling):
        for key in dict.fromkeys((path or blob, each.generation, each.encoding) for each in blobs[blob]):
            groups.setdefault(key, []).append((blob, path))
    for (_, generation, encoding), places in groups.items():
        blob, path = places[0]
        if any(place in head for place in places):
            state = "head"
        elif any(brought.get(place) in reach for place in places):
            state = "history"
        else:
            state = "index" if any(place in index for place in places) else "unreachable"
        for trace in blobs[blob]:
            if (trace.generation, trace.encoding) == (generation, encoding):
                commit = brought.get(places[0], "")
                yield _seen(trace, "blob", path or blob, commit=commit, versions=len(places), reach=state)


def _in_source(net: Net, given: Path, sites: dict[str, list[Site]], found: _Found) -> None:
    """Search one thing that was given: a stream, a file, or all files of a directory."""
    for path in (given,) if given == sources.STDIN else sources.files(given):
        found.sources += 1
        try:
            _in_stream(net, path, sites, found)
        except OSError as error:
            found.unread.append(_unread(error, str(path)))


def _in_stream(net: Net, path: Path, sites: dict[str, list[Site]], found: _Found) -> None:
    stream = sources.pieces(path)
    head = [next(stream, b"")]
    if head[0].lstrip()[:1] == b"{":
        while sum(map(len, head)) < _WHOLE and (piece := next(stream, b"")):
            head.append(piece)
        objects = served.fields(b"".join(head))
        if objects is not None:
            _in_objects(net, objects, str(path), sites, found)
            return
    found.sightings += [_seen(trace, "source", str(path)) for trace in net.read(chain(head, stream))]


def _in_objects(net: Net, objects: Iterable[Field], source: str, sites: dict[str, list[Site]], found: _Found) -> None:
    """Search objects as a cluster gives them out; where the tree has a value in an object, the cluster has it, too."""
    for one in objects:
        for trace in net.find(one.text):
            if any(_is_at(site, one) for site in sites[trace.value]):
                place = f"{one.ref} {one.where}"
                if place not in found.places[trace.value]:
                    found.places[trace.value].append(place)
            else:
                found.sightings.append(
                    _seen(
                        trace,
                        "field",
                        source,
                        object=one.ref,
                        field=one.where,
                        is_last_applied=one.is_last_applied,
                    )
                )


def _is_at(site: Site, one: Field) -> bool:
    """Tell whether *site* is the place in the tree of the text of a live object."""
    if site.leaf is None or one.path[:2] == ("metadata", "annotations"):
        return False
    resource = site.leaf.resource
    if (resource.kind, resource.name) != (one.kind, one.name) or resource.namespace not in ("", one.namespace):
        return False
    return one.path[0] not in _MAPS or (site.path[0] in _MAPS and site.path[1:2] == one.path[1:2])


def _read(net: Net, path: Path, name: str, found: _Found) -> Iterator[Trace]:
    try:
        yield from net.read(sources.pieces(path))
    except OSError as error:
        found.unread.append(_unread(error, name))


def _unread(error: OSError, name: str) -> Problem:
    return Problem(f"It cannot be read, and was not searched: {error.strerror}.", name)


def _seen(trace: Trace, kind: str, file: str, *, line: int = 0, **more: object) -> Sighting:
    return Sighting(
        trace.value,
        trace.generation,
        trace.state,
        trace.encoding,
        kind,  # type: ignore[arg-type]
        file,
        line or trace.line,
        trace.column,
        **more,  # type: ignore[arg-type]
    )
