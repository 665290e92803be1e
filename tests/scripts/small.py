"""Small trees of one shape each: laid out, filled, filled again, put back, and filled the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from .reading import by_pyyaml, every
from .runs import Deployment, run

MINIMUM = """\
domains: {base: chat-corp.net, server_name: chat-corp.net}
lawful_intercept: {allowed_cidrs: [185.60.112.0/24]}
tls: {email: ops@chat-corp.net}
"""
SMTP = "smtp: {host: mail.chat-corp.net, user: robot, password: {file: given.txt}, from: robot@chat-corp.net}\n"
LIVEKIT = "livekit: {api_secret: {file: given.txt}}\n"
NGINX = "nginx.ingress.kubernetes.io/"
WHITE, ALLOW = f"{NGINX}whitelist-source-range", f"{NGINX}allowlist-source-range"
RANGE = "185.60.112.0/24"

GIVEN = "Given: by a #person"  # what the file given.txt holds

Files = Mapping[str, str]
LayOut = Callable[..., Deployment]


def laid_out(home: Path, files: Files | str, answers: str = MINIMUM) -> Deployment:
    """Write a tree (of one file, main.yaml, or of several) and its answers below *home*."""
    deployment = Deployment(home)
    for path, text in ({"main.yaml": files} if isinstance(files, str) else files).items():
        file = deployment.tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    deployment.answers.parent.mkdir(exist_ok=True)
    answer(deployment, answers)
    (deployment.answers.parent / "given.txt").write_text(f"{GIVEN}\n")
    return deployment


def answer(deployment: Deployment, text: str) -> None:
    deployment.answers.write_text(text, "utf-8")


def go_round(deployment: Deployment) -> dict[str, list[Any]]:
    """Fill, fill again, put back and fill; return the documents of the filled tree as PyYAML reads them."""
    originals = deployment.files()
    succeed(deployment.setup())
    filled, all_files, times = deployment.files(), deployment.everything(), deployment.times()
    again = deployment.setup()
    assert "No byte was changed" in again.out, again.text
    assert (deployment.everything(), deployment.times()) == (all_files, times)
    succeed(deployment.blank())
    assert deployment.files() == originals
    succeed(deployment.setup())
    assert deployment.files() == filled
    return dict(by_pyyaml(filled))


def succeed(done: Any) -> None:
    assert done.code == 0, done.text


def secret(name: str, **entries: str) -> str:
    lines = "".join(f"  {key}: {text}\n" for key, text in entries.items())
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: matrix}}\nstringData:\n{lines}"


def config(name: str, text: str, key: str = "homeserver.yaml", style: str = "|") -> str:
    body = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: matrix}}\ndata:\n"
    return f"{head}  {key}: {style}\n{body}"


def ingress(name: str = "synapse-li", notes: str = "", hosts: tuple[str, ...] = ("matrix-li.example.com",),
            metadata: str = "", spec: str = "") -> str:  # fmt: skip
    rules = "".join(f"  - host: {host}\n" for host in hosts)
    head = f"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n{metadata}"
    return f"{head}{notes}spec:\n{spec}  rules:\n{rules}"


def noted(objects: Mapping[str, list[Any]], name: str = "synapse-li") -> dict[str, Any]:
    return dict(every(objects, "Ingress")[name]["metadata"]["annotations"])


def homeserver(objects: Mapping[str, list[Any]], name: str = "synapse-config") -> dict[str, Any]:
    return dict(yaml.safe_load(every(objects, "ConfigMap")[name]["data"]["homeserver.yaml"]))


def found_ids(deployment: Deployment, severity: str = "") -> list[tuple[str, str, int]]:
    """Return id, file and line of each finding of check about the tree, or of those of one *severity*.

    Not that the vault has one key only, as every one of these has."""
    listed = run("check", "--json", "--tree", str(deployment.tree)).data["findings"]
    of_tree = (each for each in listed if each["id"] != "vault-single-key" and severity in ("", each["severity"]))
    return [(each["id"], each["file"], each["line"]) for each in of_tree]
