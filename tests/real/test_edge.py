"""HAProxy takes the configuration that the tree gives it, and leads each request where it belongs. Debian: haproxy."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .filled import Fill, Filled
from .loopback import wait_until
from .servers import free_port, running

MAIN, WORKER, PUSH = "synapse-main:8008", "synapse-worker:8083", "sygnal:5000"
REFUSED, NOT_OURS, NOBODY = 403, 421, 503
HOST = "matrix.chat-corp.net"
# By Synapse's own list (docs/workers.md of 1.163): what a worker may answer, and what only the main process does.
ROUTES = {
    "/_matrix/client/v3/sync?timeout=0": WORKER,
    "/_matrix/client/r0/sync": WORKER,
    "/_matrix/client/v3/rooms/!a:b/messages?dir=b": WORKER,
    "/_matrix/client/v3/rooms/!a:b/event/$c": WORKER,
    "/_matrix/client/v3/keys/query": WORKER,
    "/_matrix/client/versions": WORKER,
    "/_matrix/federation/v1/send/1": WORKER,
    "/_matrix/federation/v2/send_join/!a:b/$c": WORKER,
    "/_matrix/key/v2/server": WORKER,
    "/_matrix/client/v3/login": MAIN,
    "/_matrix/client/v3/rooms/!a:b/send/m.room.message/1": MAIN,
    "/_matrix/client/v3/keys/upload": MAIN,
    "/_matrix/client/v3/syncs": MAIN,
    "/_matrix/federation/v1/version": MAIN,
    "/_matrix/media/v3/upload": MAIN,
    "/_synapse/client/password_reset/email/submit_token": MAIN,
    "/.well-known/matrix/server": MAIN,
    "/.well-known/matrix/client": MAIN,
    "/_matrix/push/v1/notify": PUSH,
    "/_synapse/admin/v1/register": REFUSED,
    "/_synapse/%61dmin/v1/register": REFUSED,
    "//_synapse/admin/v2/users": REFUSED,
    "/_Synapse/Admin/v1/register": REFUSED,
}


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin", prepend=":")
    needs("haproxy")


class Behind(BaseHTTPRequestHandler):
    """Answers with the name of the server that it stands for, and the address that it was told."""

    def do_GET(self) -> None:
        body = f"{self.server.name} {self.headers.get('X-Forwarded-For')}".encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(name: str) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Behind) as server:
        server.name = name  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class Edge:
    """HAProxy with the tree's configuration, in which only addresses and ports are others."""

    def __init__(self, text: str, home: Path) -> None:
        self.text, self.home, self.port, self.health = text, home, free_port(), free_port()

    def written(self, behind: dict[str, int]) -> None:
        text = re.sub(r"bind \*?:8080", f"bind 127.0.0.1:{self.port}", self.text)
        text = text.replace("bind :8404", f"bind 127.0.0.1:{self.health}")
        for name, port in behind.items():
            host, _, number = name.partition(":")
            text = re.sub(rf"\b{host}(?:\.matrix\.svc\.cluster\.local)?:{number}\b", f"127.0.0.1:{port}", text)
        (self.home / "haproxy.cfg").write_text(text)

    def accepted(self) -> str:
        """Return what HAProxy has against the configuration, '' where nothing."""
        command = ["haproxy", "-c", "-f", "haproxy.cfg"]
        done = subprocess.run(command, cwd=self.home, capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""

    @contextmanager
    def serving(self, *names: str) -> Iterator[None]:
        with ExitStack() as stack:
            behind = {name: stack.enter_context(answering(name)) for name in names}
            absent = {name: free_port() for name in {MAIN, WORKER, PUSH} - behind.keys()}
            self.written(behind | absent)
            stack.enter_context(self.running())
            yield

    @contextmanager
    def running(self) -> Iterator[None]:
        def ready() -> None:
            socket.create_connection(("127.0.0.1", self.port), 5).close()

        with running(self.home, ready, "haproxy", "-db", "-f", "haproxy.cfg"):
            yield

    def answer(self, path: str, host: str = HOST, **headers: str) -> int | str:
        """Return who answered, or the code of a refusal."""
        sent = {"Host": host, **{name.replace("_", "-"): text for name, text in headers.items()}}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as client:
            client.request("GET", path, headers=sent)
            answer = client.getresponse()
            body = answer.read().decode()
            return body if answer.status == 200 else answer.status

    def up(self) -> dict[str, int]:
        """Return how many servers of each backend HAProxy takes to be up."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.health, timeout=30)) as client:
            client.request("GET", "/metrics")
            told = client.getresponse().read().decode()
        return {name: int(count) for name, count in
                re.findall(r'^haproxy_backend_active_servers\{proxy="(\w+)"\} (\d+)', told, re.M)}  # fmt: skip

    def settled(self, **wanted: int) -> None:
        """Wait until HAProxy has checked its servers."""
        wait_until(lambda: wanted.items() <= self.up().items())


@pytest.fixture
def edge(bundled: Filled, tmp_path: Path) -> Edge:
    return Edge(bundled.config("haproxy-config")["haproxy.cfg"], tmp_path)


def leads_where_it_should(edge: Edge) -> None:
    for path, wanted in ROUTES.items():
        found = edge.answer(path)
        assert (found.split()[0] if isinstance(found, str) else found) == wanted, path


def test_each_request_is_led_where_it_belongs(edge: Edge) -> None:
    with edge.serving(MAIN, WORKER, PUSH):
        edge.settled(main=1, worker=8, push=1)
        leads_where_it_should(edge)
        for host in ("chat-corp.net", "matrix-li.chat-corp.net", "127.0.0.1", ""):
            assert edge.answer("/_matrix/client/versions", host) == NOT_OURS
        assert edge.answer("/_matrix/client/versions", f"{HOST.upper()}:443") == f"{WORKER} 127.0.0.1"
        told = edge.answer("/_matrix/client/v3/login", X_Forwarded_For="192.0.2.7")
        assert told == f"{MAIN} 192.0.2.7", "the ingress controller says who the client is"


def test_the_main_process_stands_in_for_workers_and_push_may_be_left_out(edge: Edge) -> None:
    with edge.serving(MAIN):
        edge.settled(main=1, worker=0, push=0)
        assert edge.answer("/_matrix/client/v3/sync") == f"{MAIN} 127.0.0.1"
        assert edge.answer("/_matrix/push/v1/notify") == NOBODY


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("http-request deny deny_status 403 if { path,url_dec -m sub -i /_synapse/admin }", ""),
        ("path,url_dec -m sub -i", "path -m beg"),
        ("acl worker_path path_beg /_matrix/key/v2/", ""),
        ("use_backend push", "use_backend main"),
        ("(r0|v3)/sync$", "(r0|v3)/sync"),
    ],
)
def test_another_configuration_leads_elsewhere(edge: Edge, line: str, instead: str) -> None:
    assert line in edge.text
    edge.text = edge.text.replace(line, instead)
    with edge.serving(MAIN, WORKER, PUSH):
        edge.settled(main=1, worker=8, push=1)
        with pytest.raises(AssertionError):
            leads_where_it_should(edge)


def test_the_other_dress_is_accepted_and_leads_to_synapse(filled_once: Fill, tmp_path: Path) -> None:
    edge = Edge(filled_once("dress").config("haproxy")["haproxy.cfg"], tmp_path)
    with answering("synapse:8008") as port:
        edge.written({"synapse:8008": port})
        with edge.running():
            assert edge.answer("/_matrix/client/versions") == "synapse:8008 None"
            assert edge.answer("/_matrix/client/versions", "other.chat-corp.net") == NOBODY
            assert edge.answer("/_synapse/admin/v1/register") == REFUSED


def test_haproxy_refuses_what_it_does_not_know(edge: Edge) -> None:
    edge.written({})
    assert edge.accepted() == ""
    for line, instead in [("deny_status 421", "deny_status matrix"), ("default_backend main", "default_backend none"),
                          ("option httpchk", "option httpcheck"), ("use_backend worker if worker_path",
                                                                   "use_backend worker if worker_paths")]:  # fmt: skip
        assert line in edge.text
        other = Edge(edge.text.replace(line, instead), edge.home)
        other.written({})
        assert "[ALERT]" in other.accepted(), line
