"""HAProxy knows the passwords that we write into its file. Debian: haproxy."""

import base64
import http.client
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .servers import drawn, free_port, put, read, running

LINES = ["  user {} insecure-password OLD", '  user {} insecure-password "OLD"', "  user {} insecure-password 'OLD'",
         "  user {} insecure-password OLD groups g", "  user {} insecure-password x'y'OLD"]  # fmt: skip
FIXED = ["a b", "#", "a#b", "\\", "\\\\n", '"', "'", "$HOME", "${HOME}", "%[src]", "a,b(c)", "[x]", "\x01\x7f", "\n",
         "\r\n\t", "é\xa0",
         "it's \"q\" \\ $x #", "x" * 300]  # fmt: skip
# Written by hand, as others might.
WORDS = r"""
"a\x41b"
a\x41b
a\$b
"a\$b"
'a\n\'
a"b c"'d#e'
a\zb
"a\zb"
"a\ \#\n\"\'"
a\ \#\n\"\'
a$HOME
'$HOME'
a%b(c)[d]
"it's"
"""
FRONTEND = """
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend f
  bind 127.0.0.1:{}
  http-request auth unless {{ http_auth(all) }}
  http-request return status 200
"""


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("haproxy")


def status(port: int, user: str, password: str) -> int:
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/", headers={"Authorization": f"Basic {login}"})
        return connection.getresponse().status
    finally:
        connection.close()


def reach(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), 1).close()


def test_each_password_that_is_written_opens(tmp_path: Path) -> None:
    lines = ["userlist all", "  group g"]
    accounts: list[tuple[str, str]] = []
    for new in [*FIXED, *drawn(60, "\n\r\x01\x7f")]:
        for line in LINES:
            user = f"u{len(accounts)}"
            lines.append(str(put(line.format(user), new, "haproxy.cfg")))
            accounts.append((user, f"xy{new}" if "x'y'" in line else new))
    port = free_port()
    (tmp_path / "haproxy.cfg").write_bytes(("\n".join(lines) + FRONTEND.format(port)).encode())
    checked = subprocess.run(["haproxy", "-c", "-f", "haproxy.cfg"], cwd=tmp_path, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with running(tmp_path, lambda: reach(port), "haproxy", "-db", "-f", "haproxy.cfg"):
        assert [password for user, password in accounts if status(port, user, password) != 200] == []
        assert status(port, "u0", "another") == 401


def test_words_of_others_are_read_as_the_server_reads_them(tmp_path: Path) -> None:
    words = WORDS.strip().splitlines()
    lines = [f"  user u{i} insecure-password {word}\n" for i, word in enumerate(words)]
    port = free_port()
    (tmp_path / "haproxy.cfg").write_text("userlist all\n" + "".join(lines) + FRONTEND.format(port), "utf-8")
    with running(tmp_path, lambda: reach(port), "haproxy", "-db", "-f", "haproxy.cfg"):
        for i, word in enumerate(words):
            assert status(port, f"u{i}", read(lines[i], word, "haproxy.cfg")) == 200, word


def test_the_statistics_page_opens(tmp_path: Path) -> None:
    new = 'it\'s "a" b:c #$HOME \\'
    port = free_port()
    line = put("  stats auth admin:OLD", new, "haproxy.cfg")
    head = f"defaults\n  mode http\n  timeout client 5s\nfrontend f\n  bind 127.0.0.1:{port}\n"
    head += "  stats enable\n  stats uri /\n"
    (tmp_path / "haproxy.cfg").write_text(f"{head}{line}\n", "utf-8")
    with running(tmp_path, lambda: reach(port), "haproxy", "-db", "-f", "haproxy.cfg"):
        assert status(port, "admin", new) == 200
        assert status(port, "admin", "it") == 401
