"""The rollout: by which kubectl commands a filled tree is applied, in which order, and what of it is not.

Pure: nothing is run here. What is said of kubectl was tried on 1.32.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wizard import catalogue, kustomizations
from wizard.resources import SUFFIXES, Manifest, Resource
from wizard.sites import Scope

# A client-side apply leaves the plain text of each Secret in an annotation, and so does a server-side one under the
# default manager where that annotation is there (FACTS, R10).
FIELD_MANAGER = "matrix-wizard"
APPLY = f"kubectl apply --server-side --field-manager={FIELD_MANAGER}"

# Keys of a kustomization that change nothing of an object but its namespace.
_LISTING = frozenset({"apiVersion", "kind", "metadata", "resources", "bases", "namespace"})
_CHART = "Chart.yaml"
# What other objects stand on: a directory with one of them comes first.
_FOUNDATIONS = frozenset(
    {"Namespace", "CustomResourceDefinition", "StorageClass", "IngressClass", "ClusterIssuer", "IPAddressPool"}
    | {"Cluster", "Tenant"}  # of CloudNativePG and of MinIO
)
_FIRST, _MAIN, _LI = range(3)
OFF = "switched off"
_BUILT = "by its kustomization"

Files = Mapping[str, Manifest]


@dataclass(frozen=True)
class Skipped:
    """A file, or a directory (with a slash behind it), that no command applies, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Rollout:
    """The commands, in order, their paths as seen from where the operator stands; and what they leave out."""

    commands: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def is_looked_at(path: str) -> bool:
    """Say whether the file at *path* of a tree matters here: a manifest, or a kustomization; hidden ones do not."""
    return not path.startswith(".") and (path.endswith(SUFFIXES) or kustomizations.is_named(path))


def of(manifests: Iterable[Manifest], scope: Scope, root: str) -> Rollout:
    """Return the rollout of the tree at *root*, all of whose *manifests* are given as they stand filled.

    Namespaces come first, then what others stand on, then the main instance, then LI's (the bundled tree's README,
    "Order"). A directory with a kustomization is applied by that.
    """
    files = {each.path: each for each in manifests if is_looked_at(each.path)}
    built = _built(files)
    covered = frozenset[str]().union(*built.values())
    reasons = {
        path: _why_not(each, files, scope, built.keys(), is_built=path in covered)
        for path, each in files.items()
        if path.endswith(SUFFIXES)
    }
    first = {path for path, why in reasons.items() if not why and "Namespace" in _kinds(files[path])}
    targets: dict[tuple[int, str], list[str]] = {}
    turns = _turns(reasons, files)
    for path, why, inner in _largest(reasons):
        if not why and path not in first and any(files[each].resources for each in inner):
            targets.setdefault((turns[inner[0]], _top(path)), []).append(path)
    rivals = {home: other for home in built for other in built if other != home and built[home] & built[other]}
    steps = {step: _sources(root, paths) for step, paths in targets.items()} | {
        (_turn(paths, files), home): f"-k {shlex.quote(_path(root, home))}"
        for home, paths in built.items()
        if home not in rivals
    }
    spaces = [_sources(root, sorted(first))] if first else []
    alike = [
        Skipped(f"{home}/", f"it builds on the same files as {other}/: apply one") for home, other in rivals.items()
    ]
    left = [Skipped(path, why) for path, why, _ in _largest(reasons) if why not in ("", _BUILT)]
    return Rollout(
        tuple(f"{APPLY} {what}" for what in (*spaces, *(steps[step] for step in sorted(steps)))), (*alike, *left)
    )


def sources(manifests: Iterable[Manifest], scope: Scope, paths: Iterable[str]) -> tuple[list[str], list[Skipped]]:
    """Return what kubectl is given so that the files *paths* are applied, in a rollout's order, and what it is not.

    A file, or (with a slash behind it, ``./`` for the tree itself) a directory that kustomize builds."""
    files = {each.path: each for each in manifests if is_looked_at(each.path)}
    built = _built(files)
    covered = frozenset[str]().union(*built.values())
    reasons = {
        path: _why_not(each, files, scope, built.keys(), is_built=path in covered) for path, each in files.items()
    }
    turns = _turns(reasons, files)
    given: dict[str, tuple[int, str]] = {}
    left = []
    for path in sorted(paths):
        why = reasons.get(path, "no manifest")
        homes = [home for home, taken in built.items() if path in taken]
        if not why:
            given[path] = (turns[path], path)
        elif why == _BUILT and homes:
            given[f"{homes[0] or '.'}/"] = (_turn(built[homes[0]], files), homes[0])
        else:
            left.append(Skipped(path, why))
    return sorted(given, key=lambda each: given[each]), left


def reasons(manifests: Iterable[Manifest], scope: Scope) -> dict[str, str]:
    """Return why kubectl cannot, or is not to, be given each file with objects by its name; '' where it is.

    *manifests*: all of a tree; each is parsed."""
    files = {each.path: each for each in manifests if is_looked_at(each.path)}
    built = _built(files)
    covered = frozenset[str]().union(*built.values())
    return {
        path: _why_not(each, files, scope, built.keys(), is_built=path in covered)
        for path, each in files.items()
        if each.resources or each.broken
    }


def as_written(manifests: Iterable[Manifest], scope: Scope) -> Iterator[tuple[Resource, str]]:
    """Yield the objects that a cluster gets just as they stand in *manifests* (all of a tree), each with its namespace.

    That is "" where neither it nor its kustomization names one. What a kustomization changes on its way is not among
    them, nor what no command of the rollout applies."""
    files = {each.path: each for each in manifests if is_looked_at(each.path)}
    built = _built(files)
    spaces = {home: _namespace(home, taken, files) for home, taken in built.items()}
    for path, each in files.items():
        homes = [home for home, taken in built.items() if path in taken]
        why = _why_not(each, files, scope, built.keys(), is_built=bool(homes))
        if why not in ("", _BUILT) or kustomizations.is_named(path):
            continue
        named = {spaces[home] for home in homes} or {""}
        for one in each.resources:
            goes_to = {one.namespace if name == "" else name for name in named}
            namespace = goes_to.pop() if len(goes_to) == 1 else None
            if one.name and namespace is not None and one.namespace in ("", namespace) and not is_off(one, scope):
                yield one, namespace


def is_off(resource: Resource, scope: Scope) -> bool:
    """Say whether the object belongs to a component that is switched off."""
    return any(map(scope.is_off, catalogue.parts_of(resource.manifest.path, resource.name)))


def _built(files: Files) -> dict[str, frozenset[str]]:
    """Return the directories that kustomize is to build ('' for the tree itself), each with the files that it takes.

    Those that another kustomization uses are not among them, nor are components, which cannot be built alone, nor what
    is but a list kept here: that has what is applied without it, too, in a better order and file by file.
    """
    found = {_home(path): each for path, each in files.items() if kustomizations.is_named(path)}
    named = {home: _named(each) for home, each in found.items()}
    used = {home for home, each in found.items() if "Component" in _kinds(each)}
    used = used.union(*(names - {home} for home, names in named.items()))
    alone = (home for home in named if home not in used and not _is_list(found[home]))
    return {home: frozenset(_taken(home, named, files, set())) for home in alone}


def _is_list(manifest: Manifest) -> bool:
    """Whether a kustomization is kept here, changes nothing, and does not hinder ``kubectl apply -R``."""
    return all(
        kustomizations.is_kept(each)
        and kustomizations.is_passed_over(each)
        and {leaf.path[0] for leaf in each.leaves.values()} <= _LISTING - {"namespace"}
        for each in manifest.resources
    )


def _namespace(home: str, taken: Iterable[str], files: Files) -> str | None:
    """Return the namespace that the kustomization in *home* gives what it takes, "" where it gives none.

    None where it, or one in a directory that it builds on, changes anything else."""
    homes = {home, *map(_home, taken)}
    own = (each for path, each in files.items() if kustomizations.is_named(path) and _home(path) in homes)
    leaves = [leaf for each in own for resource in each.resources for leaf in resource.leaves.values()]
    named = {leaf.text for leaf in leaves if leaf.path == ("namespace",)}
    if len(named) > 1 or any(leaf.path[0] not in _LISTING for leaf in leaves):
        return None
    return next(iter(named), "")


def _taken(home: str, named: Mapping[str, set[str]], files: Files, seen: set[str]) -> Iterator[str]:
    seen.add(home)
    yield from (path for path in files if path in named[home])
    for other in (named[home] & named.keys()) - seen:
        yield from _taken(other, named, files, seen)


def _named(manifest: Manifest) -> set[str]:
    """Return the paths that a kustomization may name: each text of it, taken for one, or what is behind ``name=``."""
    texts = (leaf.text for resource in manifest.resources for leaf in resource.leaves.values())
    paths = (posixpath.join(_home(manifest.path), text.rpartition("=")[2]) for text in texts)
    return {"" if path == "." else path for path in map(posixpath.normpath, paths)}


def _why_not(manifest: Manifest, files: Files, scope: Scope, homes: Iterable[str], *, is_built: bool) -> str:
    """Return why kubectl cannot, or is not to, be given the file by its name; '' where it is.

    *homes*: the directories that kustomize builds; *is_built*: whether it takes this file.
    """
    every, above = manifest.resources, _above(manifest.path)
    is_unused = bool(every) and all(is_off(resource, scope) for resource in every)
    strange = (resource for resource in every if not resource.kind or resource.get("apiVersion") is None)
    reasons = (
        (is_built and is_unused, f"{OFF}, but its kustomization applies it"),
        (is_built or kustomizations.is_named(manifest.path), _BUILT),
        (any(f"{home}{_CHART}" in files for home in above), "of a Helm chart"),
        (bool(manifest.actions), "a Go template"),
        (bool(manifest.broken), "not valid YAML"),
        (any(strange), "no Kubernetes objects, such as chart values"),
        (any(resource.is_guarded for resource in every), "encrypted by sops"),
        (is_unused, OFF),
        (any(not home or f"{home}/" in above for home in homes), "not named by its kustomization"),
    )
    return next((why for holds, why in reasons if holds), "")


def _largest(reasons: Mapping[str, str], above: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Yield the largest directories in which one reason holds for every file, else the files, with that reason.

    And the files in each.
    """
    children: dict[str, dict[str, str]] = {}
    for path, why in sorted(reasons.items()):
        name, slash, _ = path.removeprefix(above).partition("/")
        children.setdefault(f"{above}{name}{slash}", {})[path] = why
    for child, inner in children.items():
        if len(set(inner.values())) == 1:
            yield child, next(iter(inner.values())), list(inner)
        else:
            yield from _largest(inner, child)


def _turns(reasons: Mapping[str, str], files: Files) -> dict[str, int]:
    """Return the turn of each file that is applied by name: that of its top-level directory, in the root its own."""
    groups: dict[str, list[str]] = {}
    for path, why in reasons.items():
        if not why:
            groups.setdefault(_top(path) or path, []).append(path)
    turns = ((paths, _turn(paths, files)) for paths in groups.values())
    return {path: turn for paths, turn in turns for path in paths}


def _turn(paths: Iterable[str], files: Files) -> int:
    """Return when files are applied together: LI's own last, what others stand on first."""
    every = [resource for path in paths for resource in files[path].resources if resource.kind]
    if every and all(resource.instance == "li" for resource in every):
        return _LI
    return _FIRST if any(resource.kind in _FOUNDATIONS for resource in every) else _MAIN


def _sources(root: str, paths: Iterable[str]) -> str:
    """Return the options that name *paths*; directories with all below them."""
    paths = list(paths)
    named = (f"-f {source(root, path)}" for path in paths)
    return " ".join([*(["-R"] if any(path.endswith("/") for path in paths) else []), *named])


def source(root: str, path: str) -> str:
    """Return the file *path* of the tree at *root* as ``-f`` takes it, quoted for a shell."""
    return shlex.quote(_in_list(_path(root, path)))


def _in_list(path: str) -> str:
    """Return *path* as one item of the list that ``-f`` takes: comma-separated values (RFC 4180)."""
    return '"' + path.replace('"', '""') + '"' if set(path) & set(',"\r\n') else path


def _path(root: str, path: str) -> str:
    return posixpath.join(root, path) if path else root


def _kinds(manifest: Manifest) -> set[str]:
    return {resource.kind for resource in manifest.resources}


def _above(path: str) -> list[str]:
    """Return the directories that *path* is in, '' for the tree itself, each with a slash behind it."""
    return ["", *(path[: at + 1] for at, character in enumerate(path) if character == "/")]


def _top(path: str) -> str:
    """Return the top-level directory that *path* is in, '' for the tree itself."""
    return path.partition("/")[0] if "/" in path else ""


def _home(path: str) -> str:
    return posixpath.dirname(path)
