"""A Kubernetes API server on loopback that serves what was applied as the real one does, to the real kubectl."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import yaml

TOKEN = "token-of-the-operator"
MADE = "2026-01-01T00:00:00Z"  # when every object was created
UNAUTHORIZED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}
# The kinds that it serves, by the group and version of each: the name in paths, and short names.
KINDS: dict[str, dict[str, tuple[str, list[str]]]] = {
    "v1": {
        "ConfigMap": ("configmaps", ["cm"]),
        "LimitRange": ("limitranges", ["limits"]),
        "Namespace": ("namespaces", ["ns"]),
        "PersistentVolumeClaim": ("persistentvolumeclaims", ["pvc"]),
        "Pod": ("pods", ["po"]),
        "Secret": ("secrets", []),
        "Service": ("services", ["svc"]),
    },
    "apps/v1": {
        "DaemonSet": ("daemonsets", ["ds"]),
        "Deployment": ("deployments", ["deploy"]),
        "StatefulSet": ("statefulsets", ["sts"]),
    },
    "batch/v1": {"CronJob": ("cronjobs", ["cj"]), "Job": ("jobs", [])},
    "cert-manager.io/v1": {"Certificate": ("certificates", []), "ClusterIssuer": ("clusterissuers", [])},
    "metallb.io/v1beta1": {"IPAddressPool": ("ipaddresspools", []), "L2Advertisement": ("l2advertisements", [])},
    "minio.min.io/v2": {"Tenant": ("tenants", [])},
    "networking.k8s.io/v1": {"Ingress": ("ingresses", ["ing"]), "NetworkPolicy": ("networkpolicies", ["netpol"])},
    "policy/v1": {"PodDisruptionBudget": ("poddisruptionbudgets", ["pdb"])},
    "postgresql.cnpg.io/v1": {
        "Cluster": ("clusters", []),
        "Database": ("databases", []),
        "ScheduledBackup": ("scheduledbackups", []),
    },
}
UNBOUND = {"ClusterIssuer", "Namespace"}  # kinds that are in no namespace


def _discovery() -> dict[str, dict[str, Any]]:
    """Return the answers by which kubectl learns the kinds, by path."""
    found: dict[str, dict[str, Any]] = {"/api": {"kind": "APIVersions", "versions": ["v1"]}}
    groups = []
    for version, kinds in KINDS.items():
        resources = [
            {
                "name": plural,
                "singularName": kind.lower(),
                "namespaced": kind not in UNBOUND,
                "kind": kind,
                "verbs": ["get", "list"],
                "shortNames": short,
            }
            for kind, (plural, short) in kinds.items()
        ]
        answer = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
        found[_root(version)] = answer
        if "/" in version:
            one = {"groupVersion": version, "version": version.partition("/")[2]}
            groups.append({"name": version.partition("/")[0], "versions": [one], "preferredVersion": one})
    return found | {"/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}}


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


FOUND = _discovery()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Server:
    """Secrets by (namespace, name), other objects by (name in paths, namespace, name), and the paths asked for.

    Whoever asks for what is in ``forbidden`` (by its name in paths) is told so; ``written`` are all other requests."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], dict[str, Any]] = {}
        self.others: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.asked: list[str] = []
        self.written: list[str] = []
        self.forbidden: set[str] = set()

    def apply(self, tree: Path, namespace: str = "default") -> None:
        """Keep every object of the tree's manifests; those that name no namespace in the one given."""
        for file in (each for each in sorted(tree.rglob("*")) if each.suffix in (".yaml", ".yml", ".json")):
            for each in yaml.safe_load_all(file.read_text("utf-8")):
                for item in each["items"] if isinstance(each, dict) and each.get("kind") == "List" else [each]:
                    if isinstance(item, dict) and "kind" in item:
                        self.keep({**item, "metadata": {"namespace": namespace, **item.get("metadata", {})}})

    def keep(self, given: dict[str, Any]) -> None:
        """Keep an object as a real server does: of a Secret, all entries base64 under data. Kinds unknown: not kept."""
        kind, version = given["kind"], given.get("apiVersion", "v1")
        if kind not in KINDS.get(version, {}):
            return
        made = {"uid": "1", "resourceVersion": "7", "creationTimestamp": MADE}
        metadata = {"namespace": "default", **given["metadata"], **made}
        namespace, name = metadata["namespace"], metadata["name"]
        if kind in UNBOUND:
            namespace = metadata.pop("namespace") and ""
        if kind == "Secret":
            texts = {key: encoded(text) for key, text in (given.get("stringData") or {}).items()}
            kept = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "type": "Opaque"}
            self.secrets[namespace, name] = {**kept, "data": {**(given.get("data") or {}), **texts}}
        else:
            self.others[KINDS[version][kind][0], namespace, name] = {**given, "metadata": metadata}

    def drop(self, plural: str, namespace: str, name: str) -> None:
        """Forget an object that is no Secret, if it is there."""
        self.others.pop((plural, namespace, name), None)

    def put(self, name: str, key: str, text: str, namespace: str = "matrix") -> None:
        self.secrets[namespace, name]["data"][key] = encoded(text)

    def answer(self, path: str, selector: str = "") -> tuple[int, dict[str, Any]]:
        if path in FOUND:
            return 200, FOUND[path]
        kept = {("secrets", *key): each for key, each in self.secrets.items()} | self.others
        steps = path.removeprefix("/").split("/")[2 if path.startswith("/api/") else 3 :]
        namespace, rest = (steps[1], steps[2:]) if steps[0] == "namespaces" and len(steps) > 2 else ("", steps)
        plural, name, *more = [*rest, "", ""]
        if plural in self.forbidden:
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403}
            return 403, {**status, "message": f'{plural} is forbidden: User "operator" cannot get it'}
        if name and not any(more) and (plural, namespace, name) in kept:
            return 200, kept[plural, namespace, name]
        if plural and not name:
            items = [each for key, each in kept.items() if key[:2] == (plural, namespace) and _is_meant(each, selector)]
            return 200, {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items}
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        return 404, {**status, "message": "not found", "details": {"name": name, "kind": plural}}


def _is_meant(item: dict[str, Any], selector: str) -> bool:
    """Say whether *selector*, of equalities and Exists, takes *item*."""
    labels = item["metadata"].get("labels", {})
    words = (word.partition("=") for word in selector.split(",") if word)
    return all(key in labels and text in ("", labels[key]) for key, _, text in words)


@contextmanager
def serving(home: Path, pair: tuple[str, str]) -> Iterator[tuple[Server, Path]]:
    """Run a server with a certificate for localhost and its key (*pair*): kubectl sends no token without TLS.

    Gives it and a kubeconfig with the contexts ``prod`` (the current one) and ``wrong`` (another token)."""
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            selector = parse_qs(query).get("labelSelector", [""])[0]
            served.asked.append(path)
            is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            code, answer = (
                served.answer(path, selector)
                if is_known
                else (401, {"kind": "Status", "code": 401, "reason": "Unauthorized"})
            )
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def refuse(self) -> None:
            served.written.append(f"{self.command} {self.path}")
            self.send_error(405)

        def log_message(self, *_: object) -> None:
            pass

    for verb in ("POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{verb}", Handler.refuse)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    certificate, key = home / "tls.crt", home / "tls.key"
    certificate.write_text(pair[0])
    key.write_text(pair[1])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    http.socket = tls.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    cluster = {
        "server": f"https://127.0.0.1:{http.server_address[1]}",
        "certificate-authority": str(certificate),
        "tls-server-name": "localhost",
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "loopback", "cluster": cluster}],
        "users": [{"name": "operator", "user": {"token": TOKEN}}, {"name": "nobody", "user": {"token": "none"}}],
        "contexts": [
            {"name": "prod", "context": {"cluster": "loopback", "user": "operator"}},
            {"name": "wrong", "context": {"cluster": "loopback", "user": "nobody"}},
        ],
        "current-context": "prod",
    }
    path = home / "kubeconfig"
    path.write_text(json.dumps(config))
    try:
        yield served, path
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
