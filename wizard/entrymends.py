"""Mends of entries: annotations and fields of which one goes, comes, or gets another name. A table by the ids of rules.

Pure: a finding and its place in, the edited manifest out. What is done is proved by the parser, and where it cannot be
done for certain the entry is left as it is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wizard import access, annotationnames, entries, keys, lenses, manifests
from wizard.controllers import CONTROLLERS
from wizard.entries import Change
from wizard.lenses import Edit
from wizard.manifests import Node, Path, Scalar
from wizard.resources import Leaf, Manifest, Resource
from wizard.survey import Survey

_ANNOTATIONS = access.ANNOTATIONS
_CLASS = "kubernetes.io/ingress.class"
_POLICY = "externalTrafficPolicy"
_NGINX = "nginx.ingress.kubernetes.io/"


@dataclass(frozen=True)
class Deed:
    """What is done to the entries of one object, in words, and by their paths: which ones go, which get another key,
    and which text stands there afterwards where another one or none stood."""

    what: str
    gone: frozenset[Path] = frozenset()
    renamed: Mapping[Path, str] = field(default_factory=dict)
    new: Mapping[Path, str] = field(default_factory=dict)

    @property
    def paths(self) -> frozenset[Path]:
        """Where something stands otherwise afterwards."""
        return self.gone | self.renamed.keys() | self.new.keys()


@dataclass(frozen=True)
class Place:
    """What a finding is about: an object, and the scalar at which it is told (None: the object as a whole)."""

    survey: Survey
    resource: Resource
    leaf: Leaf | None

    @property
    def path(self) -> Path:
        """The path of the scalar, () of the object."""
        return self.leaf.path if self.leaf else ()

    @property
    def text(self) -> str:
        """The text of the scalar, '' of the object."""
        return self.leaf.scalar.value if self.leaf else ""

    def has(self, *path: str) -> bool:
        """Say whether anything stands at *path* of the object."""
        return self.resource.get(*path) is not None


def deed(rule: str, place: Place) -> Deed | None:
    """Return what is done about a finding of *rule* at *place*; None where that is not certain, or not for here."""
    found = _TABLE[rule](place) if rule in _TABLE else None
    is_known = found is not None and not place.resource.manifest.actions and not place.resource.is_guarded
    return found if is_known else None


def made(manifest: Manifest, number: int, done: Deed) -> Manifest | None:
    """Return *manifest* with *done* to its object of that *number*; None where it cannot be written there safely."""
    resource = manifest.resources[number]
    edits = [_removal(manifest.text, resource.node, path) for path in sorted(done.gone)]
    edits += [_renaming(manifest.text, resource.node, path, key) for path, key in done.renamed.items()]
    edits += [_writing(manifest.text, resource.node, path, text) for path, text in done.new.items()]
    sure = [each for each in edits if each is not None]
    if len(sure) < len(edits) or any(_is_shared(resource.node, path) for path in done.paths):
        return None
    after = manifest.with_text(lenses.apply(manifest.text, sure))
    return after if _scalars(after) == _expected(manifest, number, done) else None


# --- the table


def _of_field(place: Place) -> Deed | None:
    path, key = place.path, place.path[-1] if place.path else ""
    if path == (*_ANNOTATIONS, _CLASS):
        target = ("spec", "ingressClassName")
        stands = place.resource.text(*target)
        if stands == place.text:
            return Deed(f"the annotation {_CLASS} is taken out, which says what spec.ingressClassName says", _all(path))
        is_free = not place.has(*target) and place.has("spec") and _is_class(place)
        what = f"the annotation {_CLASS} becomes spec.ingressClassName"
        return Deed(what, _all(path), new={target: place.text}) if is_free else None
    if path[-2:] == ("ingress", "class") and _is_class(place):
        others = ("ingressClassName", "name")  # cert-manager takes one of the three
        is_free = not any(place.has(*path[:-1], each) for each in others)
        return Deed("class becomes ingressClassName", renamed={path: "ingressClassName"}) if is_free else None
    if key == "haproxy.org/whitelist":
        return _renamed(place, "haproxy.org/allow-list")
    return None


def _is_class(place: Place) -> bool:
    """Whether an IngressClass is called as the annotation says: it names a controller, and need not be such a name."""
    defined = place.resource.manifest.edge.classes
    return place.text in defined or any(re.fullmatch(each.classes, place.text) for each in CONTROLLERS)


def _of_unread(place: Place) -> Deed | None:
    """An allow-list in the words of another controller, where the one that reads the Ingress has a list of its own."""
    readers = access.readers(place.resource)
    own = readers[0] if len(readers) == 1 else None
    is_list = place.path[:-1] == _ANNOTATIONS and place.path[-1] in access.LIST_ANNOTATIONS
    if own is None or not own.allow_list or not is_list or not all(map(_is_range, place.text.split(","))):
        return None
    has_one = any(place.has(*_ANNOTATIONS, key) for key in (own.allow_list, *own.older, *own.newer))
    return None if has_one else _renamed(place, own.allow_list)


def _is_range(item: str) -> bool:
    try:
        return ipaddress.ip_network(item.strip(), strict=False) is not None
    except ValueError:
        return False


def _of_slip(place: Place) -> Deed | None:
    return _renamed(place, annotationnames.meant(place.path[-1])) if place.path[:-1] == _ANNOTATIONS else None


def _renamed(place: Place, key: str) -> Deed | None:
    is_free = bool(key) and not place.has(*place.path[:-1], key)
    return Deed(f"{place.path[-1]} becomes {key}", renamed={place.path: key}) if is_free else None


def _of_policy(place: Place) -> Deed | None:
    path = place.path
    if path and path[-1] == _POLICY:
        return Deed(f"{_POLICY} is Local", new={path: "Local"})
    if "controller" in path:
        home = (*path[: path.index("controller") + 1], "service")
    elif place.resource.kind == "Service" and not path:
        home = ("spec",)
    else:
        return None
    return Deed(f"{_POLICY}: Local is added", new={(*home, _POLICY): "Local"})


def _without(what: str) -> Callable[[Place], Deed | None]:
    return lambda place: Deed(what, _all(place.path)) if place.leaf else None


def _of_password(place: Place) -> Deed | None:
    """The Secret with lines of htpasswd is there, so that basic is what was meant: digest has lines of another form."""
    space, name = access.secret_of(place.resource, place.text)
    secrets = [each for each in place.survey.of_kind("Secret") if (each.namespace, each.name) == (space, name)]
    leaves = [leaf for each in secrets if (leaf := each.entry("auth"))]
    key = f"{_NGINX}auth-type"
    is_sure = len(leaves) == 1 and _is_htpasswd(leaves[0].text)
    return Deed(f'{key}: "basic" is added', new={(*_ANNOTATIONS, key): "basic"}) if is_sure else None


def _of_label(_: Place) -> Deed:
    path = ("metadata", "labels", "cnpg.io/reload")
    return Deed(f'the label {path[-1]}: "true" is written', new={path: "true"})


def _is_htpasswd(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        return bool(lines) and all(keys.htpasswd_line(line) for line in lines)
    except ValueError:
        return False


def _all(*paths: Path) -> frozenset[Path]:
    return frozenset(paths)


_LINE_OUT = "the line is taken out"
_TABLE: dict[str, Callable[[Place], Deed | None]] = {
    "field-deprecated": _of_field,
    "annotation-unread": _of_unread,
    "annotation-misspelt": _of_slip,
    "li-address-lost": _of_policy,
    "li-unlogged": _without(_LINE_OUT),
    "li-either-or": _without(_LINE_OUT),
    "secret-in-annotation": _without("the annotation is taken out"),
    "auth-type-missing": _of_password,
    "cluster-unwatched": _of_label,
}
RULES = frozenset(_TABLE)


# --- the edits


def _removal(text: str, root: Node, path: Path) -> Edit | None:
    """Return the edit that takes the entry at *path* out, and the mapping around it where that would be empty."""
    parent = manifests.get(root, path[:-1])
    if not isinstance(parent, manifests.Mapping) or path[-1] not in entries.keys(parent):
        return None
    if len(parent.entries) == 1 and len(path) > 1:
        edit = _removal(text, root, path[:-1])
        is_bare = edit is not None and len(re.findall(r"(?m)^[ \t]*#", text[edit.start : edit.end])) == 0
        return edit if is_bare else None  # a comment stays where it is
    if parent.flow:
        spans = entries.parts_of(text, root, path[:-1], [path[-1]])
    else:
        span = entries.lines_of(text, root, path)
        spans = [span] if span else []
    return Edit(*spans[0], "") if len(spans) == 1 else None


def _renaming(text: str, root: Node, path: Path, key: str) -> Edit | None:
    parent = manifests.get(root, path[:-1])
    at = entries.keys(parent).get(path[-1]) if isinstance(parent, manifests.Mapping) else None
    here = parent.entries[at][0] if isinstance(parent, manifests.Mapping) and at is not None else None
    return _rewriting(text, here, key)


def _writing(text: str, root: Node, path: Path, new: str) -> Edit | None:
    node = manifests.get(root, path)
    if node is not None:
        return _rewriting(text, node, new)
    change: Change | None = entries.add(text, root, path[:-1], {path[-1]: new})
    return change.edit if change else None


def _rewriting(text: str, node: Node | None, new: str) -> Edit | None:
    """Return the edit that writes *new* in the place of a scalar, in the quotes that this has."""
    if not isinstance(node, Scalar) or node.tag is not None or node.anchor is not None:
        return None
    quote = node.style if node.style in ("'", '"') else ""
    is_one = text[node.start : node.end] == f"{quote}{node.value}{quote}"
    return Edit(node.start, node.end, f"{quote}{new}{quote}") if is_one else None


def _is_shared(root: Node, path: Path) -> bool:
    """Whether what stands around *path* stands elsewhere too, by an anchor, is merged from elsewhere, or is twice."""
    for end in range(len(path)):
        node = manifests.get(root, path[:end])
        if not isinstance(node, manifests.Mapping):
            if node is not None and getattr(node, "anchor", None) is not None:
                return True
            continue
        names = [key.value for key, _ in node.entries if isinstance(key, Scalar)]
        if node.anchor is not None or "<<" in names or names.count(path[end]) > 1:
            return True
    return False


# --- the proof


def _scalars(manifest: Manifest) -> dict[tuple[int, Path], str]:
    """Return every scalar of *manifest*, by the number of its object and its path."""
    every = ((number, each) for number, each in enumerate(manifest.resources))
    return {(number, path): one.value for number, each in every for path, one in manifests.walk(each.node)}


def _expected(before: Manifest, number: int, done: Deed) -> dict[tuple[int, Path], str]:
    found = {}
    for (at, path), text in _scalars(before).items():
        is_gone = at == number and path in done.gone
        last = done.renamed.get(path, "") if at == number else ""
        if not is_gone:
            found[at, (*path[:-1], last) if last else path] = text
    return found | {(number, path): text for path, text in done.new.items()}
