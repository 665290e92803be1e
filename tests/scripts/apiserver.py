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

import yaml

TOKEN = "token-of-the-operator"
UNAUTHORIZED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}
# The kinds that it serves, by the group and version of each: the name in paths, and short names.
KINDS: dict[str, dict[str, tuple[str, list[str]]]] = {
    "v1": {
        "ConfigMap": ("configmaps", ["cm"]),
        "PersistentVolumeClaim": ("persistentvolumeclaims", ["pvc"]),
        "Secret": ("secrets", []),
        "Service": ("services", ["svc"]),
    },
    "apps/v1": {
        "DaemonSet": ("daemonsets", ["ds"]),
        "Deployment": ("deployments", ["deploy"]),
        "StatefulSet": ("statefulsets", ["sts"]),
    },
    "batch/v1": {"CronJob": ("cronjobs", ["cj"]), "Job": ("jobs", [])},
    "networking.k8s.io/v1": {"Ingress": ("ingresses", ["ing"]), "NetworkPolicy": ("networkpolicies", ["netpol"])},
    "postgresql.cnpg.io/v1": {"Cluster": ("clusters", []), "Database": ("databases", [])},
}


def _discovery() -> dict[str, dict[str, Any]]:
    """Return the answers by which kubectl learns the kinds, by path."""
    found: dict[str, dict[str, Any]] = {"/api": {"kind": "APIVersions", "versions": ["v1"]}}
    groups = []
    for version, kinds in KINDS.items():
        resources = [
            {
                "name": plural,
                "singularName": kind.lower(),
                "namespaced": True,
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
    """Secrets by (namespace, name), other objects by (name in paths, namespace, name), and the paths asked for."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], dict[str, Any]] = {}
        self.others: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.asked: list[str] = []

    def apply(self, tree: Path) -> None:
        """Keep every object of the tree's manifests."""
        for file in sorted(tree.rglob("*.yaml")):
            for each in yaml.safe_load_all(file.read_text("utf-8")):
                if isinstance(each, dict) and "kind" in each:
                    self.keep(each)

    def keep(self, given: dict[str, Any]) -> None:
        """Keep an object as a real server does: of a Secret, all entries base64 under data. Kinds unknown: not kept."""
        kind, version = given["kind"], given.get("apiVersion", "v1")
        metadata = {"namespace": "default", **given["metadata"], "uid": "1", "resourceVersion": "7"}
        namespace, name = metadata["namespace"], metadata["name"]
        if kind == "Secret":
            texts = {key: encoded(text) for key, text in (given.get("stringData") or {}).items()}
            kept = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "type": "Opaque"}
            self.secrets[namespace, name] = {**kept, "data": {**(given.get("data") or {}), **texts}}
        elif kind in KINDS.get(version, {}):
            self.others[KINDS[version][kind][0], namespace, name] = {**given, "metadata": metadata}

    def drop(self, plural: str, namespace: str, name: str) -> None:
        """Forget an object that is no Secret, if it is there."""
        self.others.pop((plural, namespace, name), None)

    def put(self, name: str, key: str, text: str, namespace: str = "matrix") -> None:
        self.secrets[namespace, name]["data"][key] = encoded(text)

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        if path in FOUND:
            return 200, FOUND[path]
        kept = {("secrets", *key): each for key, each in self.secrets.items()} | self.others
        _, _, rest = path.partition("/namespaces/")
        namespace, plural, name, *more = [*rest.split("/"), "", ""]
        if name and not any(more) and (plural, namespace, name) in kept:
            return 200, kept[plural, namespace, name]
        if plural and not name:
            items = [each for key, each in kept.items() if key[:2] == (plural, namespace)]
            return 200, {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items}
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        return 404, {**status, "message": "not found", "details": {"name": name, "kind": plural}}


@contextmanager
def serving(home: Path, pair: tuple[str, str]) -> Iterator[tuple[Server, Path]]:
    """Run a server with a certificate for localhost and its key (*pair*): kubectl sends no token without TLS.

    Gives it and a kubeconfig with the contexts ``prod`` (the current one) and ``wrong`` (another token)."""
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            served.asked.append(path)
            is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            code, answer = (
                served.answer(path) if is_known else (401, {"kind": "Status", "code": 401, "reason": "Unauthorized"})
            )
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

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
