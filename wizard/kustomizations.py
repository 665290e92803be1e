"""Kustomizations: which files they list, and what the list of one that is kept here must be.

Pure. What is said of kustomize and kubectl was tried on 1.32.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from wizard import entries, lenses, manifests
from wizard.clauses import Arrangement, unfit
from wizard.entries import Change, Undo, Wanted
from wizard.errors import RefusedError
from wizard.lenses import Edit
from wizard.manifests import Scalar, text_at
from wizard.resources import KUSTOMIZATIONS, SUFFIXES, Entry, Manifest, Resource

LIST = "resources"
# "The tool being used to manage the operation of an application" (kubernetes.io, Recommended Labels).
_MANAGED_BY = ("app.kubernetes.io/managed-by", "matrix-wizard")
_DASH = re.compile(r"[ ]*-[ ]+")
_PLAIN = re.compile(r"[A-Za-z][\w./-]*")  # what YAML reads as it stands
MARK = _MANAGED_BY[1].encode()  # is in the file of each one that is kept here


def of(every: Iterable[Manifest]) -> Iterator[Resource]:
    """Yield the kustomizations among *every*, by the names of their files: Flux has a kind of that name, too."""
    named = (each for each in every if is_named(each.path))
    yield from (resource for each in named if not each.actions for resource in each.resources)


def is_named(path: str) -> bool:
    """Say whether kustomize looks for a file of the name that *path* has."""
    return posixpath.basename(path) in KUSTOMIZATIONS


def is_kept(resource: Resource) -> bool:
    """Say whether the list of a kustomization is kept here: its labels say that this program manages it."""
    return is_named(resource.manifest.path) and resource.labels.get(_MANAGED_BY[0]) == _MANAGED_BY[1]


def is_passed_over(resource: Resource) -> bool:
    """Say whether ``kubectl apply -R`` does not read the file: one by its ending it takes for an object, and fails."""
    return not resource.manifest.path.endswith(SUFFIXES)


def home(resource: Resource) -> str:
    """Return the directory of a kustomization with a slash behind it, '' for the tree itself."""
    above = posixpath.dirname(resource.manifest.path)
    return f"{above}/" if above else ""


def listed(resource: Resource) -> dict[str, Scalar]:
    """Return the files of the tree that a kustomization lists, each with where it does.

    Directories are not among them, nor is what lies outside of the tree, such as the address of a repository."""
    found = resource.get(LIST)
    items = found.items if isinstance(found, manifests.Sequence) else ()
    paths = ((_in_tree(home(resource), item.value), item) for item in items if isinstance(item, Scalar))
    return {path: item for path, item in paths if path}


def generated(resource: Resource) -> Iterator[tuple[str, Entry]]:
    """Yield each file that a kustomization puts into a ConfigMap or Secret, and the entry that it becomes there."""
    for section, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for item in manifests.items(resource.get(section)):
            space = text_at(item, "namespace") or resource.text("namespace")
            for file in map(text_at, manifests.items(manifests.get(item, ("files",)))):
                key, _, path = file.rpartition("=")
                key = key or posixpath.basename(path)
                yield posixpath.normpath(home(resource) + path), Entry(kind, space, text_at(item, "name"), key)


def _in_tree(above: str, text: str) -> str:
    path = posixpath.normpath(posixpath.join(above, text))
    return "" if "://" in text or path.startswith(("../", "/")) or not path.endswith(SUFFIXES) else path


def arrange(kept: Iterable[Resource], applied: Collection[str]) -> list[Arrangement]:
    """Return the changes after which each of the *kept* kustomizations lists just those files of *applied* below it.

    What it has in its list beside files of the tree stays, as do all lines that stay right. RefusedError where the list
    cannot be written."""
    made = []
    for resource in kept:
        here = listed(resource)
        gone = {item.value for path, item in here.items() if path not in applied}
        above = home(resource)
        missing = [path.removeprefix(above) for path in sorted(applied) if path.startswith(above) and path not in here]
        if gone or missing:
            wanted = [text for text in entries.items(resource.get(LIST)) if text not in gone]
            for each in missing:
                wanted.insert(_place(each, wanted), each)
            changes = _by_lines(resource, gone, wanted) or entries.ensure(
                resource.manifest.text, resource.node, (), [Wanted((LIST,), wanted, exact=True)], ()
            )
            _prove(resource, changes, wanted)
            made += [Arrangement(resource, None, change) for change in changes]
    return made


def _place(path: str, among: Sequence[str]) -> int:
    """Return where *path* goes in a list: before the first that sorts behind it."""
    return next((number for number, other in enumerate(among) if other > path), len(among))


def _by_lines(resource: Resource, gone: Collection[str], wanted: list[str]) -> list[Change]:
    """Return the change that takes lines out of the list and puts others in; none where it is not of lines."""
    text, found = resource.manifest.text, resource.get(LIST)
    items = found.items if isinstance(found, manifests.Sequence) and not found.flow else ()
    spans = [(text.rfind("\n", 0, item.start) + 1, entries.lines_after(text, item.start, 1)) for item in items]
    lines = [text[slice(*span)] for span in spans]
    whole = entries.lines_of(text, resource.node, (LIST,))
    dash = _DASH.match(lines[0]) if lines else None
    if not (dash and whole and all(_DASH.match(line) and line.endswith("\n") for line in lines)):
        return []
    begin = entries.lines_after(text, whole[0], 1)
    new, at, left = "", begin, list(wanted)

    def added(until: str | None) -> str:
        """Return the lines of what is new before *until*, None for the end."""
        count = left.index(until) if until is not None else len(left)
        before, left[: count + 1] = left[:count], []
        return "".join(
            f"{dash[0]}{each if _PLAIN.fullmatch(each) else entries.flow(each)}{resource.manifest.newline}"
            for each in before
        )

    for (start, end), item in zip(spans, items, strict=True):
        is_gone = isinstance(item, Scalar) and item.value in gone
        if isinstance(item, Scalar) and not is_gone:
            new += added(item.value)
        new += text[at:start] + ("" if is_gone else text[start:end])
        at = end
    undo = Undo("entry", (LIST,), text[slice(*whole)])
    return [Change(Edit(begin, spans[-1][1], new + added(None)), (undo,))]


def _prove(resource: Resource, changes: Iterable[Change], wanted: list[str]) -> None:
    """Raise RefusedError unless the text reads as before after *changes*, with *wanted* as its list."""
    after = resource.manifest.with_text(lenses.apply(resource.manifest.text, [each.edit for each in changes])).resources
    if len(after) != 1 or entries.plain(after[0].node) != {**entries.plain(resource.node), LIST: wanted}:
        raise RefusedError(unfit(resource, (LIST,)))
