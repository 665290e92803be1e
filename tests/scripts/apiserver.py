"""A Kubernetes API server on loopback that serves Secrets as the real one does, to the real kubectl."""

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
SECRETS = {"name": "secrets", "singularName": "secret", "namespaced": True, "kind": "Secret", "verbs": ["get", "list"]}
UNAUTHORIZED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}
FOUND: dict[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [SECRETS]},
}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Server:
    """Secrets by (namespace, name), and the paths that were asked for."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], dict[str, Any]] = {}
        self.asked: list[str] = []

    def apply(self, tree: Path) -> None:
        """Keep every Secret of the tree's manifests as a real server does: all entries base64 under data."""
        for file in sorted(tree.rglob("*.yaml")):
            for each in yaml.safe_load_all(file.read_text("utf-8")):
                if isinstance(each, dict) and each.get("kind") == "Secret":
                    metadata = {"namespace": "default", **each["metadata"], "uid": "1", "resourceVersion": "7"}
                    given = {
                        key: base64.b64encode(text.encode()).decode()
                        for key, text in (each.get("stringData") or {}).items()
                    }
                    data = {**(each.get("data") or {}), **given}
                    kept = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}
                    self.secrets[metadata["namespace"], metadata["name"]] = kept

    def put(self, name: str, key: str, text: str, namespace: str = "matrix") -> None:
        self.secrets[namespace, name]["data"][key] = encoded(text)

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        parts = path.strip("/").split("/")
        if path in FOUND:
            return 200, FOUND[path]
        if len(parts) == 6 and parts[:3] == ["api", "v1", "namespaces"] and parts[4] == "secrets":
            found = self.secrets.get((parts[3], parts[5]))
            if found:
                return 200, found
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        return 404, {**status, "message": "not found", "details": {"name": parts[-1], "kind": "secrets"}}


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
