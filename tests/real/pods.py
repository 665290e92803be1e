"""Lays out the files of a pod as the kubelet would: ConfigMaps and Secrets at their mount paths below a root."""

import base64
import re
from pathlib import Path
from typing import Any

import yaml


def objects(tree: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return every object of the tree's manifests by kind and name, read by PyYAML."""
    found = {}
    for file in sorted(tree.rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            if isinstance(document, dict) and "kind" in document:
                found[document["kind"], document["metadata"]["name"]] = document
    return found


def texts(source: dict[str, Any]) -> dict[str, str]:
    """Return the texts of a ConfigMap or Secret by key, as a pod sees them."""
    if source["kind"] == "ConfigMap":
        return dict(source.get("data") or {})
    decoded = {key: base64.b64decode(text).decode() for key, text in (source.get("data") or {}).items()}
    return decoded | (source.get("stringData") or {})


def lay_out(
    tree: dict[tuple[str, str], dict[str, Any]], workload: tuple[str, str], container: str, root: Path
) -> list[str]:
    """Write the mounted files of a workload's container below *root* and return its arguments, paths moved there too.

    Mount paths that stand in the mounted texts are moved likewise, so that the program finds its files.
    """
    pod = tree[workload]["spec"]["template"]["spec"]
    one = next(each for each in pod["containers"] if each["name"] == container)
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in one["volumeMounts"]}

    paths = re.compile(
        "(?<![A-Za-z0-9/])(?:" + "|".join(sorted(map(re.escape, mounts), reverse=True)) + ")(?![A-Za-z0-9])"
    )

    def moved(text: str) -> str:
        return paths.sub(lambda match: f"{root}{match.group()}", text)

    for path, volume in mounts.items():
        (root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        config, secret = volume.get("configMap", {}).get("name"), volume.get("secret", {}).get("secretName")
        name = ("ConfigMap", config) if config else ("Secret", secret)
        for key, text in texts(tree[name]).items() if name in tree else ():
            (root / path.lstrip("/") / key).write_text(moved(text))
    return [moved(argument) for argument in (*one.get("command", []), *one.get("args", []))]
