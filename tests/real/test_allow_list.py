"""HAProxy lets in whom the allow-list names, and nobody else. Debian: haproxy.

Both controllers take the annotation apart at its commas and hand each range to HAProxy as a pattern of `src` (FACTS 4).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml

from wizard.cli import main

from .servers import free_port

ANSWERS = """\
domains: {base: chat-corp.net}
lawful_intercept: {allowed_cidrs: [127.0.7.0/24, '2a02:ec80:300::/48']}
tls: {email: ops@chat-corp.net}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: synapse-li}
spec:
  ingressClassName: haproxy
  rules: [{host: matrix-li.chat-corp.net}]
"""
CONFIG = """\
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend li
  bind 127.0.0.1:{port}
  http-request deny deny_status 403 unless {{ src -f {ranges} }}
  http-request return status 200
"""


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("haproxy")


@pytest.fixture(params=["haproxy.org/allow-list", "haproxy-ingress.github.io/allowlist-source-range"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """Run HAProxy with the list of a filled tree, and yield its port."""
    manifest, answers, key = (tmp_path / name for name in ("tree/li.yaml", "answers.yaml", "key.txt"))
    manifest.parent.mkdir()
    manifest.write_text(INGRESS)
    answers.write_text(ANSWERS)
    where = ("--tree", str(manifest.parent), "--identity", str(key))
    assert main(["setup", "--answers", str(answers), "--no-input", "--yes", *where]) == 0
    notes = yaml.safe_load(manifest.read_text())["metadata"]["annotations"]
    number = free_port()
    ranges, config = tmp_path / "ranges", tmp_path / "haproxy.cfg"
    ranges.write_text("".join(f"{each.strip()}\n" for each in notes[request.param].split(",")))
    config.write_text(CONFIG.format(port=number, ranges=ranges))
    with subprocess.Popen(["haproxy", "-db", "-f", str(config)]) as server:
        try:
            yield number
        finally:
            server.terminate()


def status(port: int, address: str) -> int:
    """Return what HAProxy answers a client at *address*; it may still be starting."""
    for _ in range(600):
        try:
            with closing(HTTPConnection("127.0.0.1", port, source_address=(address, 0), timeout=30)) as connection:
                connection.request("GET", "/")
                return connection.getresponse().status
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("HAProxy does not answer")


def test_only_the_addresses_of_the_list_are_let_in(port: int) -> None:
    assert [status(port, address) for address in ("127.0.7.9", "127.0.8.9", "127.0.0.1")] == [200, 403, 403]
