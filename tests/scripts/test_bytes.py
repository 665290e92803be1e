"""Outside of what the plan names no scalar, no line and no byte changes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from .conftest import Filled
from .reading import MANIFESTS, PLACEHOLDER, by_kubectl, scalars
from .runs import Deployment, originals

# Read by nobody, or by people and scripts only.
UNTOUCHED = {
    "bundled": {"README.md"},
    "checklist": {"README.md", "scripts/validate.sh", "infrastructure/04-networking/networkpolicies.yaml"},
    "dress": {
        "NOTES.txt", "kustomization.yaml", "chat/dashboard.json", "values/ingress-nginx.yaml", "platform/limits.yaml",
    },
}  # fmt: skip
# What follows its anchor, and so changes with the scalar that the plan names.
ALIASES = {
    "bundled": set[str](),
    "checklist": set[str](),
    "dress": {"platform/objectstore.yaml Secret/matrix/minio-credentials:stringData.CONSOLE_SECRET_KEY"},
}
MAIL = re.compile(
    r"\s*#?\s*(email:|smtp_\w+:|require_transport_security:|notif_from:|app_name:|enable_tls:|force_tls:)"
)


def test_only_scalars_that_the_plan_names_change(filled: Filled) -> None:
    before, after = originals(filled.tree), filled.deployment.files()
    changed, names = changed_scalars(before, after), named(filled)
    unplanned = {each for each in changed if not any(is_below(each, name) or is_around(each, name) for name in names)}
    assert unplanned == ALIASES[filled.tree]
    assert len(changed) > 30


def test_every_scalar_that_the_plan_names_exists(filled: Filled) -> None:
    there: set[str] = set()
    for path, data in filled.deployment.files().items():
        if path.endswith(MANIFESTS):
            there |= {f"{path} {place}" for place in scalars(path, data.decode())}
    names = {name for name in named(filled) if not name.split()[1].endswith(MANIFESTS)}  # a comment has its file only
    lost = {name for name in names if not any(is_below(place, name) or is_around(place, name) for place in there)}
    assert lost == set()


def test_only_lines_of_planned_places_change(filled: Filled) -> None:
    before, after = originals(filled.tree), filled.deployment.files()
    strange = []
    for path in sorted(before.keys() & after.keys()):
        old, new = (data[path].decode() for data in (before, after))
        if old == new or not path.endswith(MANIFESTS):
            continue
        names = {name.partition(" ")[2] for name in named(filled) if name.startswith(f"{path} ")}
        old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
        planned_old, planned_new = lines_of(path, old, names), lines_of(path, new, names)
        for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False).get_opcodes():
            if tag != "equal":
                strange += [f"{path}:{i + 1} (before)" for i in range(i1, i2)
                            if i not in planned_old and not PLACEHOLDER.search(old_lines[i])]  # fmt: skip
                strange += [f"{path}:{j + 1} (after)" for j in range(j1, j2)
                            if j not in planned_new and "(filled in)" not in new_lines[j]]  # fmt: skip
    assert strange == []


def test_the_setup_plan_and_the_plan_verb_name_the_same_changes(
    filled: Filled, empty: Callable[..., Deployment]
) -> None:
    plan = empty(filled.tree, filled.level).plan("--json").data
    done = filled.first.data
    same = ("changes", "files", "made", "left_out", "from_bundle", "notes", "well_known")
    assert {key: plan[key] for key in same if key != "notes"} == {key: done[key] for key in same if key != "notes"}
    assert (plan["written"], done["written"]) == (False, True)
    before, after = originals(filled.tree), filled.deployment.files()
    changed = {path for path in after if after[path] != before[path]} if filled.tree != "bundled" else after.keys()
    assert set(done["files"]) == changed


def test_what_holds_no_site_keeps_its_bytes(filled: Filled) -> None:
    before, after = originals(filled.tree), filled.deployment.files()
    assert [path for path in UNTOUCHED[filled.tree] if after.get(path) != before[path]] == []


def test_line_ends_byte_order_marks_and_last_lines_are_kept(filled: Filled) -> None:
    before, after = originals(filled.tree), filled.deployment.files()
    for path in before.keys() & after.keys():
        assert shape(after[path]) == shape(before[path]), path
    if filled.tree == "dress":
        shapes = {path: shape(data) for path, data in after.items()}
        assert shapes["chat/homeserver.yaml"] == ({b"\r\n"}, False, True)
        assert shapes["platform/issuers.yaml"][1]
        assert not shapes["chat/turn.yaml"][2]


def test_kubectl_finds_nothing_else_changed(full: Filled, tmp_path_factory: Any) -> None:
    """The same comparison by a parser that is not of YAML's Python family, for the objects of one file of each tree."""
    path = {"bundled": "main-instance/01-synapse/secrets.yaml", "checklist": "main-instance/07-sygnal/deployment.yaml",
            "dress": "platform/objectstore.yaml"}[full.tree]  # fmt: skip
    root = tmp_path_factory.mktemp("before")
    original = originals(full.tree)[path]
    (root / path).parent.mkdir(parents=True)
    (root / path).write_bytes(original)
    old = by_kubectl({path: original}, root)[path]
    new = by_kubectl({path: full.deployment.files()[path]}, full.deployment.tree)[path]
    assert [each["kind"] for each in old] == [each["kind"] for each in new]
    for before, after in zip(old, new, strict=True):
        if before["kind"] not in ("Secret", "ConfigMap", "Tenant"):
            assert before == after
        assert before.get("data", {}).keys() == after.get("data", {}).keys()
        assert before.get("stringData", {}).keys() == after.get("stringData", {}).keys()


def named(filled: Filled) -> set[str]:
    """Return ``file place`` of every change that setup's own JSON names."""
    return {f"{change['file']} {change['place']}" for change in filled.first.data["changes"]}


def is_below(place: str, name: str) -> bool:
    return place == name or place.startswith((f"{name}.", f"{name}:"))


def is_around(place: str, name: str) -> bool:
    """Say whether *name* is a part of the text at *place* that is of neither YAML nor JSON."""
    return name.startswith(f"{place}.~.")


def changed_scalars(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    """Return ``file place`` of every scalar that differs between two trees, by PyYAML."""
    changed = set()
    for path in before.keys() & after.keys():
        if before[path] != after[path] and path.endswith(MANIFESTS):
            old, new = (scalars(path, data[path].decode()) for data in (before, after))
            nothing = object()
            places = old.keys() | new.keys()
            changed |= {f"{path} {place}" for place in places if old.get(place, nothing) != new.get(place, nothing)}
    # What stood null (`annotations:` with nothing below) is no scalar any more once it holds something.
    return {place for place in changed if not any(other.startswith(f"{place}.") for other in changed)}


def shape(data: bytes) -> tuple[set[bytes], bool, bool]:
    return set(re.findall(rb"\r?\n", data)), data.startswith(b"\xef\xbb\xbf"), data.endswith(b"\n")


def lines_of(path: str, text: str, names: set[str]) -> set[int]:
    """Return the lines (from 0) of *text* that belong to one of the places, by PyYAML's marks."""
    outer = {name.partition(".~")[0] for name in names}
    lines: set[int] = set()
    spans = list(_spans(path, text.removeprefix("\ufeff")))
    there = {place for place, _, _ in spans}
    # An entry that stands on the other side only: in a flow mapping it shares the lines of its neighbours.
    outer |= {_around_in_flow(name, spans, text) for name in outer - there}
    for place, first, last in spans:
        if any(is_below(place, name) for name in outer):
            lines |= set(range(first, last + 1))
    mail = {number for number, line in enumerate(text.splitlines()) if MAIL.match(line)}
    return lines | (mail if any(".~.email" in name for name in names) else set())


def _around_in_flow(name: str, spans: list[tuple[str, int, int]], text: str) -> str:
    """Return the place of the flow mapping in which *name* is an entry, '?' where there is none."""
    around = [span for span in spans if name.startswith(f"{span[0]}.")]
    place, first, _ = max(around, key=lambda span: len(span[0]), default=("?", 0, 0))
    return place if re.search(r"(:|-)\s*\{|\[\{", text.splitlines()[first]) else "?"


def _spans(path: str, text: str) -> Iterator[tuple[str, int, int]]:
    for number, document in enumerate(yaml.compose_all(text), 1):
        pairs = {key.value: value for key, value in document.value} if isinstance(document, yaml.MappingNode) else {}
        is_list = "items" in pairs and str(pairs["kind"].value).endswith("List")
        for item in pairs["items"].value if is_list else [document]:
            kind, *rest = (
                _scalar(item, "kind"),
                _scalar(item, "metadata", "namespace"),
                _scalar(item, "metadata", "name"),
            )
            name = "/".join((kind, *rest)) if kind else ""
            for steps, first, last in _nodes(item, (), item.start_mark.line):
                yield f"{name or f'{path}#{number}'}:{'.'.join(steps)}", first, last


def _scalar(node: Any, *keys: str) -> str:
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for name, value in pairs if name.value == key), None)
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def _nodes(node: Any, path: tuple[str, ...], first: int) -> Iterator[tuple[tuple[str, ...], int, int]]:
    end = node.end_mark
    if path:
        yield path, first, end.line - 1 if end.column == 0 and end.line > first else end.line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _nodes(value, (*path, key.value), key.start_mark.line)
    elif isinstance(node, yaml.SequenceNode):
        names = [next((value.value for key, value in each.value if key.value == "name"), None)
                 for each in node.value if isinstance(each, yaml.MappingNode)]  # fmt: skip
        is_named = len(names) == len(node.value) == len({name for name in names if isinstance(name, str)})
        for number, each in enumerate(node.value):
            step = f"[name={names[number]}]" if is_named else f"[{number}]"
            yield from _nodes(each, (*path, step), each.start_mark.line)
