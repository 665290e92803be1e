"""coturn grants relays by the secrets that we write into its file. Debian: coturn."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from .servers import Turn, drawn, free_port, put, read, running, turn_login

LINES = [
    "static-auth-secret=OLD",
    'static-auth-secret="OLD"',
    "static-auth-secret = OLD  ",
    "static-auth-secret=x OLD y",
]
FIXED = [
    "a b",
    "#a",
    "a#b",
    '"',
    '""',
    '"a"',
    'a"',
    '"a',
    "=a",
    ":a",
    " a",
    "a ",
    "\\n",
    "'a'",
    "$a`",
    "é\xa0",
    "a" * 1004,
    "\xa0",
]
OPTIONS = """listening-ip=127.0.0.1
relay-ip=127.0.0.1
realm=turn.test
no-tls
no-dtls
no-tcp
no-cli
log-file=stdout
"""


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("turnserver")


def serve(home: Path, lines: str) -> tuple[Turn, Callable[[], object]]:
    port = free_port(socket.SOCK_DGRAM)
    places = f"listening-port={port}\npidfile={home}/pid\nuserdb={home}/users.db\n"
    (home / "turnserver.conf").write_text(OPTIONS + places + lines, "utf-8")
    client = Turn(port)
    return client, client.binding


def test_each_secret_that_is_written_grants_a_relay(tmp_path: Path) -> None:
    lines, secrets = [], []
    for i, new in enumerate([*FIXED, *drawn(60)]):
        for line in [LINES[i % len(LINES)], LINES[0]]:
            written = put(f"{line}\n", new, "turnserver.conf")
            if written is None:
                assert "\t" in new or len(new) > 900 or "x OLD y" in line
                continue
            lines.append(written)
            secrets.append(f"x {new} y" if "x OLD" in line else new)
    assert len(secrets) > 100
    client, answers = serve(tmp_path, "use-auth-secret\n" + "".join(lines))
    with running(tmp_path, answers, "turnserver", "-c", "turnserver.conf"):
        refused = [secret for secret in secrets if not client.allocates(*turn_login(secret))]
        assert refused == []
        assert not client.allocates(*turn_login("another"))


def test_values_of_others_are_read_as_the_server_reads_them(tmp_path: Path) -> None:
    values = [
        "a",
        '"a b"',
        '"a"b"',
        '""c"',
        'e"',
        '"f""',
        "#r",
        "a#b ; c",
        "'x'",
        "h\\i$j`%",
        '"tr  "',
        "é\xa0",
        "a = b",
    ]
    lines = [f"static-auth-secret={value}  \n" for value in values]
    client, answers = serve(tmp_path, "use-auth-secret\n" + "".join(lines))
    with running(tmp_path, answers, "turnserver", "-c", "turnserver.conf"):
        for line, value in zip(lines, values, strict=True):
            assert client.allocates(*turn_login(read(line, f"={value}"[1:], "turnserver.conf"))), value


def test_what_we_refuse_turnserver_would_misread(tmp_path: Path) -> None:
    """The counter-proof: raw, these are other secrets to it."""
    misread = ["a ", '"a"', "=a", "x" * 1005]
    assert put("static-auth-secret=OLD\n", "x" * 1005, "turnserver.conf") is None
    client, answers = serve(tmp_path, "use-auth-secret\n" + "".join(f"static-auth-secret={each}\n" for each in misread))
    with running(tmp_path, answers, "turnserver", "-c", "turnserver.conf"):
        assert [client.allocates(*turn_login(each)) for each in misread] == [False] * 4


def test_an_account_with_a_given_password(tmp_path: Path) -> None:
    accounts = {f"u{i}": new for i, new in enumerate(["a b", "a#b:c", 'a"b', "it's", "$x`\\"])}
    lines = [put(f"user={user}:OLD\n", new, "turnserver.conf") for user, new in accounts.items()]
    assert put("user=a:OLD\n", "0x12", "turnserver.conf") is None
    client, answers = serve(tmp_path, "lt-cred-mech\n" + "".join(map(str, lines)))
    with running(tmp_path, answers, "turnserver", "-c", "turnserver.conf"):
        for user, password in accounts.items():
            assert client.allocates(user.encode(), password.encode()), user
        assert not client.allocates(b"u0", b"a")
