"""Starts servers on loopback, waits until they answer, and ends them by their own process."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import random
import secrets
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wizard.lenses import CannotHold, Edit, View, Whole, apply, at, render

SPECIAL = "\"'\\$`%#;:=@/?&+!~*(){}[]<>|^,.- \té\xa0\U0001f511"


def drawn(count: int, more: str = "") -> list[str]:
    """Return random values of all kinds of characters, each of its own; pytest shows the seed where a test fails."""
    seed = random.randrange(10**9)  # noqa: S311 (no secret is made of it)
    print(f"seed {seed}")
    source = random.Random(seed)  # noqa: S311
    letters = SPECIAL + more + "abcXYZ019"
    return [f"v{i}" + "".join(source.choices(letters, k=source.randint(1, 12))) + "." for i in range(count)]


def put(text: str, new: str, name: str) -> str | None:
    """Return *text*, whose *name* tells its language, with *new* for its OLD; None where that is refused."""
    start = text.index("OLD")
    view, first, last = at(View(Whole(text)), start, start + 3, name)
    try:
        return apply(text, render({view: [Edit(first, last, new)]}))
    except CannotHold:
        return None


def read(text: str, word: str, name: str) -> str:
    """Return what our lens reads of *word*, written by hand, in *text*."""
    start = text.index(word)
    view, first, last = at(View(Whole(text)), start, start + len(word), name)
    return view.text[first:last]


# Below those that kernels give to clients: one of those may be taken before its server starts, or starts again.
_PORTS = range(15_000, 32_000)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port on loopback that nobody listens at, and that no client is given."""
    while True:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with suppress(OSError), socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def running(home: Path, answers: Callable[[], object], *command: str) -> Iterator[None]:
    """Run a server in *home* until the block ends; OSError from *answers* means that it is not ready yet."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    log = home / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 120
        while True:
            with suppress(OSError):
                answers()
                break
            assert server.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait(120)


class Redis:
    """One connection that speaks RESP."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.file = self.socket.makefile("rb")

    def ask(self, *words: str) -> bytes:
        """Return the first line of the answer, without its end."""
        encoded = [word.encode() for word in words]
        parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)]
        self.socket.sendall(b"".join(parts))
        return self.file.readline().rstrip(b"\r\n")

    def knows(self, *login: str) -> bool:
        """Say whether the server takes this login."""
        answer = self.ask("AUTH", *login)
        assert answer == b"+OK" or answer.startswith(b"-WRONGPASS"), answer
        return answer == b"+OK"

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class Turn:
    """The few messages of STUN and TURN that ask a server for a relay (RFC 8489, RFC 8656)."""

    def __init__(self, port: int) -> None:
        self.address = "127.0.0.1", port

    def binding(self) -> None:
        """Ask for our own address; OSError while nobody answers."""
        self._ask(1, b"")

    def allocates(self, user: bytes, password: bytes) -> bool:
        """Say whether the server grants a relay to *user*, and give it back."""
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                code = self._allocate(client, user, password)
            # Our port was another client's a moment ago, whose relay still stands; or the server has started anew.
            if code not in (437, 438):
                assert code in (0, 401), code
                return code == 0

    def _allocate(self, client: socket.socket, user: bytes, password: bytes) -> int:
        """Return 0 where a relay is granted, else the code of the error."""
        body = _attribute(0x19, b"\x11\0\0\0")  # REQUESTED-TRANSPORT: UDP
        kind, told = self._ask(3, body, client=client)
        assert kind == 0x113, "the first request is to be refused with a nonce"
        if _code(told) != 401:
            return _code(told)
        login = _attribute(6, user) + _attribute(0x14, told[0x14]) + _attribute(0x15, told[0x15])
        key = hashlib.md5(b":".join((user, told[0x14], password)), usedforsecurity=False).digest()
        kind, told = self._ask(3, body + login, key=key, client=client)
        if kind != 0x103:
            return _code(told)
        self._ask(4, _attribute(0x0D, bytes(4)) + login, key=key, client=client)  # refreshed for 0 seconds
        return 0

    def _ask(
        self, kind: int, body: bytes, key: bytes = b"", client: socket.socket | None = None
    ) -> tuple[int, dict[int, bytes]]:
        head = struct.pack(">HHI", kind, len(body) + (24 if key else 0), 0x2112A442) + os.urandom(12)
        message = head + body
        if key:
            message += _attribute(8, hmac.new(key, message, "sha1").digest())
        own = client or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            own.settimeout(30 if client else 0.2)
            own.connect(self.address)
            own.send(message)
            return _parsed(own.recv(2048))
        finally:
            if client is None:
                own.close()


def turn_login(secret: str) -> tuple[bytes, bytes]:
    """Return a user name that is valid for ten minutes and its password, as Synapse makes them of the shared secret."""
    user = f"{int(time.time()) + 600}:x".encode()
    return user, base64.b64encode(hmac.new(secret.encode(), user, "sha1").digest())


def _code(told: dict[int, bytes]) -> int:
    return told[9][2] * 100 + told[9][3]


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def _parsed(message: bytes) -> tuple[int, dict[int, bytes]]:
    kind, length = struct.unpack(">HH", message[:4])
    found, at_byte = {}, 20
    while at_byte < 20 + length:
        name, size = struct.unpack(">HH", message[at_byte : at_byte + 4])
        found[name] = message[at_byte + 4 : at_byte + 4 + size]
        at_byte += 4 + size + (-size % 4)
    return kind, found
