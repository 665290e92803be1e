"""Drift: where a cluster differs from a tree: missing objects, other texts, old pods, secrets in annotations.

Pure: a survey and the objects as the API serves them in, findings out. No finding holds a text of either side.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from wizard import manifests, placeholders, resources, rollout, workloads
from wizard.finding import Finding, at
from wizard.manifests import Scalar
from wizard.resources import Manifest, Resource
from wizard.served import LAST_APPLIED
from wizard.survey import Survey
from wizard.workloads import Reference

Item = Mapping[str, Any]  # an object as the API serves it
Place = tuple[
    str, str
]  # where objects are asked for: a namespace ("": the context's own), and a kind as kubectl takes it

# What the API takes for a name at most (Kubernetes, "Object Names and IDs": path segment names).
_NAME = re.compile(r"[A-Za-z0-9](?:[-.:_A-Za-z0-9]*[A-Za-z0-9])?")
# Objects that are deleted once they have done their work (Argo CD, "Resource Hooks"; Helm, "Chart Hooks").
_HOOKS = frozenset({"argocd.argoproj.io/hook", "helm.sh/hook"})
_HOLDERS = ("Secret", "ConfigMap")
_OWNED = ("f:data", "f:stringData", "f:binaryData")
_ONCE = frozenset({"env", "volume", "subPath"})  # what a container reads when it starts


@dataclass(frozen=True)
class Wanted:
    """What is asked of a cluster: the objects of a tree that it gets as they stand, each with its namespace.

    That is "" for the context's own. ``unfilled``: the lines (file, number) at which a placeholder is left."""

    objects: Mapping[Resource, str]
    unfilled: frozenset[tuple[str, int]]

    @cached_property
    def names(self) -> dict[Place, tuple[str, ...]]:
        """The names to ask for, by place."""
        found: dict[Place, dict[str, None]] = {}
        for each in self.objects:
            found.setdefault(self.place(each), {})[each.name] = None
        return {place: tuple(names) for place, names in found.items()}

    def place(self, resource: Resource) -> Place:
        """Return where *resource* is asked for."""
        version = resource.get("apiVersion")
        group, slash, _ = version.value.partition("/") if isinstance(version, Scalar) else ("", "", "")
        return self.objects[resource], f"{resource.kind}.{group if slash else 'v1.'}"


@dataclass(frozen=True)
class Live:
    """What a cluster has: its objects by place (None: it does not know the kind), and the pods of workloads by ref.

    ``context``: kubectl's name of it; ``root``: the tree's directory; both for the commands that mend something."""

    context: str
    root: str
    objects: Mapping[Place, Sequence[Item] | None] = field(repr=False)
    pods: Mapping[str, Sequence[Item]] = field(default_factory=dict, repr=False)

    def of(self, wanted: Wanted, resource: Resource) -> Item | None:
        """Return the live object of *resource*, None where there is none."""
        items = self.objects.get(wanted.place(resource)) or ()
        return next((each for each in items if each["metadata"]["name"] == resource.name), None)

    def apply(self, path: str) -> str:
        """Return the command that applies the file *path* of the tree."""
        words = ["kubectl", "--context", self.context, *rollout.APPLY.split()[1:], "-f"]
        return f"{shlex.join(words)} {rollout.source(self.root, path)}"

    def command(self, item: Item, *words: str) -> str:
        """Return the command of kubectl's with *words*, in the namespace of *item*."""
        return shlex.join(["kubectl", "--context", self.context, "-n", item["metadata"]["namespace"], *words])


def wanted(survey: Survey, namespace: str) -> Wanted:
    """Return what is asked of a cluster about the tree: objects with an own *namespace* only, if one is named.

    Objects that name none are taken for those of *namespace*, or of the context's own."""
    read = (
        resources.read(path, data, survey.tree.instances)
        for path, data in sorted(survey.tree.files.items())
        if rollout.is_looked_at(path)
    )
    found = rollout.as_written([each for each in read if each], survey.scope)
    named = {each: home or namespace for each, home in found if _is_named(each, home)}
    found_at = survey.found
    positions = [each.position for each in found_at.unknown] + [each.position for each in found_at.refused]
    positions += [each.position for each in found_at.sites if each.token]
    lines = ((file, int(line)) for file, line, _ in (each.rsplit(":", 2) for each in positions))
    objects = {each: home for each, home in named.items() if namespace in ("", home)}
    return Wanted(objects, frozenset(lines))


def selectors(wanted: Wanted, live: Live) -> dict[str, tuple[str, str]]:
    """Return the namespace and label selector of the pods of each live workload that can be restarted, by its ref."""
    found = {}
    for each in workloads.of(_files(wanted.objects)):
        item = live.of(wanted, each.resource) if each.is_restarted and each.resource in wanted.objects else None
        if item is not None and (selector := _selector(item["spec"].get("selector") or {})):
            found[each.resource.ref] = (item["metadata"]["namespace"], selector)
    return found


def findings(wanted: Wanted, live: Live) -> Iterator[Finding]:
    """Yield where the cluster differs from the tree, in the order of the tree's objects."""
    held = workloads.held(_files(wanted.objects))
    changing = {_name(item): item for items in live.objects.values() for item in items or () if _is_holder(item)}
    for resource in wanted.objects:
        item = live.of(wanted, resource)
        if item is None:
            yield from _missing(wanted, live, resource)
            continue
        if resource.kind in _HOLDERS:
            texts = held.get((resource.kind, resource.namespace, resource.name), {})
            yield from _differing(wanted, live, resource, item, texts)
        if resource.kind == "Secret":
            yield from _in_annotation(live, resource, item)
        yield from _not_restarted(live, resource, item, changing)


def _is_named(resource: Resource, namespace: str) -> bool:
    names = [resource.name, *filter(None, [namespace])]
    is_whole = all(_NAME.fullmatch(each) and not any(placeholders.find(each)) for each in names)
    return bool(resource.kind) and is_whole and resource.get("apiVersion") is not None


def _files(objects: Iterable[Resource]) -> list[Manifest]:
    return list({id(each.manifest): each.manifest for each in objects}.values())


def _missing(wanted: Wanted, live: Live, resource: Resource) -> Iterator[Finding]:
    is_hook = any(resource.get("metadata", "annotations", key) is not None for key in _HOOKS)
    is_passing = resource.kind == "Job" and resource.get("spec", "ttlSecondsAfterFinished") is not None
    if is_hook or is_passing:
        return
    why = ", which does not know its kind" if live.objects[wanted.place(resource)] is None else ""
    message = f"{resource.ref} is not in the cluster{why}."
    yield at(_position(resource), "live-missing", message, live.apply(resource.manifest.path))


def _differing(
    wanted: Wanted, live: Live, resource: Resource, item: Item, texts: Mapping[str, list[bytes]]
) -> Iterator[Finding]:
    there = _live_texts(item)
    for key, ours in texts.items():
        if there.get(key) in ours:
            continue
        start, end = _span(resource, key)
        lines = range(_line(resource, start), _line(resource, end) + 1)
        if any((resource.manifest.path, line) in wanted.unfilled for line in lines):
            continue  # told as a placeholder
        what = f"key {key} has another text in the cluster" if key in there else f"the cluster has no key {key}"
        position = resource.manifest.position(start)
        yield at(position, "live-differs", f"{resource.ref}: {what}.", live.apply(resource.manifest.path))


def _live_texts(item: Item) -> dict[str, bytes]:
    plain, encoded = ("", "data") if item["kind"] == "Secret" else ("data", "binaryData")
    found = {key: text.encode("utf-8", "surrogatepass") for key, text in (item.get(plain) or {}).items()}
    return found | {key: base64.b64decode(text) for key, text in (item.get(encoded) or {}).items()}


def _in_annotation(live: Live, resource: Resource, item: Item) -> Iterator[Finding]:
    try:
        applied = json.loads((item["metadata"].get("annotations") or {}).get(LAST_APPLIED, "null"))
    except ValueError:
        return
    if isinstance(applied, dict) and (applied.get("data") or applied.get("stringData")):
        message = f"{resource.ref}: its annotation {LAST_APPLIED} holds the texts of the Secret."
        fix = live.command(item, "annotate", "secret", resource.name, f"{LAST_APPLIED}-")
        yield at(_position(resource), "live-last-applied", message, fix)


def _not_restarted(
    live: Live, resource: Resource, item: Item, changing: Mapping[tuple[str, str, str], Item]
) -> Iterator[Finding]:
    """Yield each Secret or ConfigMap that changed after a container which reads it had started: the oldest one."""
    oldest: dict[tuple[str, str, str], _Late] = {}
    for late in (each for pod in live.pods.get(resource.ref, ()) for each in _late(pod, changing)):
        if late.name not in oldest or late.started < oldest[late.name].started:
            oldest[late.name] = late
    for late in oldest.values():
        message = (
            f"{resource.ref}: container {late.container} of pod {late.pod} started at {late.started}, and "
            f"{'/'.join(late.name)}, which it reads, changed at {late.changed} ({late.by})."
        )
        fix = live.command(item, "rollout", "restart", f"{resource.kind.lower()}/{resource.name}")
        yield at(_position(resource), "live-not-restarted", message, fix)


class _Late(NamedTuple):
    """A container that started before something that it reads changed, both times as RFC 3339 in UTC."""

    name: tuple[str, str, str]
    pod: str
    container: str
    started: str
    changed: str
    by: str


def _late(pod: Item, changing: Mapping[tuple[str, str, str], Item]) -> Iterator[_Late]:
    metadata = pod["metadata"]
    for container, started, references in _running(pod):
        for each in references:
            name = (each.kind, metadata["namespace"], each.name)
            changed, by = _changed(changing[name], each) if name in changing else ("", "")
            if started < changed:
                yield _Late(name, metadata["name"], container, started, changed, by)


def _running(pod: Item) -> Iterator[tuple[str, str, tuple[Reference, ...]]]:
    """Yield the containers of *pod* that run: the name of each, when it started, and what it read then.

    Those that ran before them (``initContainers``), too: what one read may live on in files that it made."""
    status, spec = pod.get("status") or {}, pod["spec"]
    if "deletionTimestamp" in pod["metadata"] or status.get("phase") != "Running":
        return
    states = {each["name"]: each.get("state") or {} for each in status.get("containerStatuses") or ()}
    first = {each["name"]: each.get("state") or {} for each in status.get("initContainerStatuses") or ()}
    for container in (*spec["containers"], *(spec.get("initContainers") or ())):
        state = {**first, **states}.get(container["name"], {})
        started = (state.get("running") or state.get("terminated") or {}).get("startedAt")
        is_over = container["name"] in states and "running" not in state
        if started and not is_over:
            references = _references(container, spec.get("volumes") or [])
            yield container["name"], started, tuple(each for each in references if each.how in _ONCE)


def _references(container: Item, volumes: Sequence[Item]) -> tuple[Reference, ...]:
    """Return what one *container* of a pod reads."""
    env = [{"name": each["name"], "valueFrom": each["valueFrom"]} for each in container.get("env") or () if
           "valueFrom" in each]  # fmt: skip
    own = {key: container[key] for key in ("name", "envFrom", "volumeMounts") if key in container}
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"},
        "spec": {"containers": [{**own, "env": env}], "volumes": volumes},
    }  # fmt: skip
    read = resources.read("pod.json", json.dumps(pod).encode())
    if read is None:
        raise ValueError("JSON is UTF-8")
    return workloads.of([read])[0].references


def _changed(item: Item, reference: Reference) -> tuple[str, str]:
    """Return when *item* last changed in a key that *reference* takes (RFC 3339, UTC), and what says so."""
    latest, by = "", ""
    for entry in item["metadata"].get("managedFields") or ():
        fields = entry.get("fieldsV1") or {}
        keys = {key.removeprefix("f:") for section in _OWNED for key in fields.get(section) or () if key != "."}
        is_read = bool(keys if reference.keys is None else keys & reference.keys)
        if is_read and entry.get("time", "") > latest:
            latest, by = entry["time"], f"managedFields of {entry.get('manager', 'an unnamed manager')}"
    return (latest, by) if latest else (item["metadata"]["creationTimestamp"], "its creationTimestamp")


def _selector(selector: Mapping[str, Any]) -> str:
    """Return a LabelSelector of the API as kubectl takes it (Kubernetes, "Labels and Selectors")."""
    words = [f"{key}={text}" for key, text in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or ():
        key, texts = each["key"], ",".join(each.get("values") or ())
        spelled = {"In": f"{key} in ({texts})", "NotIn": f"{key} notin ({texts})", "Exists": key}
        words.append(spelled.get(each["operator"], f"!{key}"))
    return ",".join(words)


def _is_holder(item: Item) -> bool:
    return item.get("kind") in _HOLDERS


def _name(item: Item) -> tuple[str, str, str]:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _span(resource: Resource, key: str) -> tuple[int, int]:
    """Return where the text of *key* stands in its file; the object itself where it stands elsewhere, by an alias."""
    for section in ("stringData", "data", "binaryData"):
        if (leaf := resource.leaves.get((section, key))) is not None:
            return leaf.scalar.start, leaf.scalar.end
    return resource.node.start, resource.node.start


def _line(resource: Resource, offset: int) -> int:
    return manifests.line_and_column(resource.manifest.text, offset)[0]


def _position(resource: Resource) -> str:
    return resource.manifest.position(resource.node.start)
