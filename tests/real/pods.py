"""Lays out the files of a pod as the kubelet would: ConfigMaps and Secrets at their mount paths below a root."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Objects = dict[tuple[str, str], dict[str, Any]]  # by kind and name
Workload = tuple[str, str]  # its kind and name
MANIFESTS = (".yaml", ".yml", ".json")


def objects(tree: Path) -> Objects:
    """Return every object of the tree's manifests by kind and name, read by PyYAML."""
    files = sorted(path for path in tree.rglob("*") if path.suffix in MANIFESTS)
    found = [each for file in files for each in documents(file.read_text("utf-8"))]
    named = (each for each in found if isinstance(each, dict) and {"kind", "metadata"} <= each.keys())
    return {(each["kind"], each["metadata"]["name"]): each for each in named}


def documents(text: str) -> list[Any]:
    """Return the documents of a manifest, of a List its items. YAMLError where PyYAML cannot read it."""
    found: list[Any] = []
    for each in yaml.safe_load_all(text):
        is_list = isinstance(each, dict) and each.get("kind") == "List"
        found += each["items"] if is_list else [] if each is None else [each]
    return found


def texts(source: dict[str, Any]) -> dict[str, str]:
    """Return the texts of a ConfigMap or Secret by key, as a pod sees them."""
    if source["kind"] == "ConfigMap":
        return dict(source.get("data") or {})
    decoded = {key: base64.b64decode(text).decode() for key, text in (source.get("data") or {}).items()}
    return decoded | (source.get("stringData") or {})


@dataclass(frozen=True)
class Container:
    """A container laid out below a root: its command, its environment, and what moves its paths there."""

    arguments: list[str]
    environment: dict[str, str] = field(repr=False)
    moved: Callable[[str], str]


def containers(tree: Objects, workload: Workload) -> dict[str, dict[str, Any]]:
    """Return the containers of a workload's pod by name, in the order of their start."""
    pod = tree[workload]["spec"]["template"]["spec"]
    return {each["name"]: each for each in (*pod.get("initContainers", []), *pod["containers"])}


def laid_out(tree: Objects, workload: Workload, container: str, root: Path) -> Container:
    """Write the mounted files of a workload's container below *root*, in place of those of an earlier start.

    Mount paths that stand in the mounted texts, the command or the environment are moved likewise, so that the program
    finds its files.
    """
    one = containers(tree, workload)[container]
    volumes = {volume["name"]: volume for volume in tree[workload]["spec"]["template"]["spec"].get("volumes", [])}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in one.get("volumeMounts", [])}
    moved = mover(mounts, root)
    for path, volume in mounts.items():
        directory, brought = root / path.lstrip("/"), list(_brought(volume))
        if brought:
            shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True, exist_ok=True)
        for name, items in brought:
            for key, text in texts(tree[name]).items() if name in tree else ():
                if not items or key in items:
                    (directory / items.get(key, key)).write_text(moved(text))
    environment = {name: moved(text) for name, text in _whole(tree, one.get("envFrom", [])).items()}
    environment |= {each["name"]: moved(_value(tree, each)) for each in one.get("env", [])}
    words = (*one.get("command", []), *one.get("args", []))
    arguments = [_expanded(moved(word), environment) for word in words]
    return Container(arguments, environment, moved)


def _brought(volume: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    """Yield each ConfigMap and Secret that a volume brings, with the paths of those keys that are chosen, if any."""
    for each in volume["projected"]["sources"] if "projected" in volume else [volume]:
        for kind, given in (("ConfigMap", each.get("configMap")), ("Secret", each.get("secret"))):
            if given:
                items = {item["key"]: item["path"] for item in given.get("items", [])}
                yield (kind, given.get("secretName") or given["name"]), items


def mover(paths: dict[str, Any], root: Path) -> Callable[[str], str]:
    """Return what moves *paths*, wherever they stand in a text, below *root*."""
    if not paths:
        return str
    pattern = re.compile(
        "(?<![A-Za-z0-9/])(?:" + "|".join(sorted(map(re.escape, paths), reverse=True)) + ")(?![A-Za-z0-9])"
    )
    return lambda text: pattern.sub(lambda match: f"{root}{match.group()}", text)


def lay_out(tree: Objects, workload: Workload, container: str, root: Path) -> list[str]:
    """Lay out a workload's container (`laid_out`) and return its arguments."""
    return laid_out(tree, workload, container, root).arguments


def _expanded(word: str, environment: dict[str, str]) -> str:
    """Return a word of a command with its ``$(NAME)`` expanded, as the kubelet does where there is such a variable."""
    return re.sub(r"\$\((\w+)\)", lambda match: environment.get(match[1], match[0]), word)


def _whole(tree: Objects, sources: list[dict[str, Any]]) -> dict[str, str]:
    """Return the variables that a pod takes from ConfigMaps and Secrets as they stand."""
    found: dict[str, str] = {}
    for each in sources:
        kind = "ConfigMap" if "configMapRef" in each else "Secret"
        found |= texts(tree[kind, each["configMapRef" if kind == "ConfigMap" else "secretRef"]["name"]])
    return found


def _value(tree: Objects, variable: dict[str, Any]) -> str:
    source = variable.get("valueFrom", {})
    if "secretKeyRef" in source:
        named = source["secretKeyRef"]
        return texts(tree["Secret", named["name"]])[named["key"]]
    if "fieldRef" in source:  # an address of the node, or the pod's own name: nothing that is run here reads one
        return ""
    return str(variable.get("value", ""))
