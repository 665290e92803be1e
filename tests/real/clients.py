"""Clients that keep logging in while secrets change, each in a thread of its own, and keep what they were told.

with Client(redis(port, lambda: [old, new])) as client:
    ...
assert client.refusals == 0
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple, Self

import psycopg
from signedjson.key import decode_verify_key_bytes
from signedjson.sign import SignatureVerifyException, verify_signed_json
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.events import make_event_from_dict
from synapse.synapse_rust.events import redact_event
from unpaddedbase64 import decode_base64

from .loopback import HOST
from .servers import Redis, Turn, turn_login

PAUSE = 0.03  # seconds between two attempts
PATIENCE = 60  # seconds until an attempt must have ended
REFUSED, UNREACHABLE = "refused", "unreachable"


class RefusedError(Exception):
    """The server answered, and took none of the secrets."""


class NothingThereError(OSError):
    """The server answered that there is nothing at the path."""


class Seen(NamedTuple):
    """One attempt: whether it went well, and what was accepted, or ``refused``, or ``unreachable``."""

    ok: bool
    what: str


Attempt = Callable[[], str]  # what was accepted; RefusedError, or OSError where nobody answers
Password = Callable[[], str]  # the password that is right by now


class Client:
    """Makes one attempt after the other until its block ends."""

    def __init__(self, attempt: Attempt, pause: float = PAUSE) -> None:
        self._attempt, self._pause = attempt, pause
        self.window: list[Seen] = []
        self._ended, self._more = threading.Event(), threading.Condition()
        self._bug: Exception | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._bug:
            raise self._bug

    @property
    def successes(self) -> int:
        """How many attempts went well."""
        return sum(each.ok for each in self.window)

    @property
    def refusals(self) -> int:
        """How many attempts were refused by a server that answered."""
        return sum(each.what == REFUSED for each in self.window)

    @property
    def outages(self) -> int:
        """How many attempts found nobody who answered, as during a restart."""
        return sum(each.what == UNREACHABLE for each in self.window)

    def wait(self, attempts: int = 1) -> list[Seen]:
        """Wait for so many attempts that begin from now on, and return them."""
        with self._more:
            first = len(self.window) + bool(self.window)  # one may have begun earlier
            self._more.wait_for(lambda: self._bug or len(self.window) >= first + attempts, PATIENCE)
            assert len(self.window) >= first + attempts, f"the client ended after {len(self.window)} attempts"
            return self.window[first : first + attempts]

    def _run(self) -> None:
        try:
            self._try_on()
        except Exception as error:
            with self._more:
                self._bug = error
                self._more.notify_all()

    def _try_on(self) -> None:
        while not self._ended.is_set():
            try:
                seen = Seen(True, self._attempt())
            except RefusedError:
                seen = Seen(False, REFUSED)
            except OSError:
                seen = Seen(False, UNREACHABLE)
            with self._more:
                self.window.append(seen)
                self._more.notify_all()
            self._ended.wait(self._pause)


def postgres(port: int, role: str, database: str, password: Password) -> Attempt:
    """A new connection over TCP as *role*."""

    def attempt() -> str:
        where: dict[str, Any] = {"host": HOST, "port": port, "dbname": database, "sslmode": "require"}
        try:
            with psycopg.connect(**where, user=role, password=password(), connect_timeout=10) as session:
                session.execute("SELECT 1")
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise RefusedError from None
            raise OSError(str(error)) from None
        return role

    return attempt


def redis(port: int, passwords: Callable[[], list[str]]) -> Attempt:
    """AUTH with one of the passwords after the other; tells the index of the first that was accepted."""

    def attempt() -> str:
        client = Redis(port)
        try:
            for index, each in enumerate(passwords()):
                answer = client.ask("AUTH", each)
                if answer == b"+OK":
                    return str(index)
                if not answer.startswith(b"-WRONGPASS"):
                    raise OSError(answer.decode() or "the connection was closed")
        finally:
            client.close()
        raise RefusedError

    return attempt


def turn(port: int, secret: Password) -> Attempt:
    """A relay by a name and a password that Synapse would make of the shared secret."""

    def attempt() -> str:
        user, password = turn_login(secret())
        if not Turn(port).allocates(user, password):
            raise RefusedError
        return "a relay"

    return attempt


def turn_from_synapse(port: int, token: str, turn_port: int) -> Attempt:
    """A relay of the server on *turn_port* by what Synapse gives the holder of an access token."""

    def attempt() -> str:
        told = json.loads(_http("GET", port, "/_matrix/client/v3/voip/turnServer", headers=_bearer(token)))
        if not Turn(turn_port).allocates(told["username"].encode(), told["password"].encode()):
            raise RefusedError
        return "a relay"

    return attempt


def basic_auth(port: int, user: str, password: Password) -> Attempt:
    """A page behind HTTP basic authentication."""

    def attempt() -> str:
        login = base64.b64encode(f"{user}:{password()}".encode()).decode()
        return _http("GET", port, "/", headers={"Authorization": f"Basic {login}"}).decode().strip()

    return attempt


def matrix_login(port: int, user: str, password: Password) -> Attempt:
    """A login with a password; tells the user id."""

    return lambda: str(_logged_in(port, user, password())["user_id"])


def access_token(port: int, user: str, password: str) -> str:
    """Log in with a password and return the access token."""
    return str(_logged_in(port, user, password)["access_token"])


def server_keys(port: int) -> Attempt:
    """The server's published keys, whose signatures must all hold; tells their ids, the retired ones in brackets."""

    def attempt() -> str:
        told = published(port)
        return " ".join([*sorted(told["verify_keys"]), *(f"({name})" for name in sorted(told["old_verify_keys"]))])

    return attempt


def published(port: int) -> dict[str, Any]:
    """What the server publishes of its keys. RefusedError where one of its signatures does not hold."""
    told: dict[str, Any] = json.loads(_http("GET", port, "/_matrix/key/v2/server"))
    for name, key in told["verify_keys"].items():
        if not _is_signed(told, told["server_name"], name, key["key"]):
            raise RefusedError
    return told


def signers(event: dict[str, Any], version: str, told: dict[str, Any]) -> list[str]:
    """The ids of those keys in *told*, as `published` gives it, by which another server verifies *event*.

    *version*: that of its room. A retired key counts for what is dated no later than its end (room versions 5 and up).
    """
    pruned = redact_event(make_event_from_dict(event, KNOWN_ROOM_VERSIONS[version])).get_pdu_json()
    old = told["old_verify_keys"].items()
    in_time = {name: each for name, each in old if each["expired_ts"] >= event["origin_server_ts"]}
    known = {**in_time, **told["verify_keys"]}
    return [name for name, each in known.items() if _is_signed(pruned, told["server_name"], name, each["key"])]


def _is_signed(given: dict[str, Any], server: str, name: str, public: str) -> bool:
    try:
        verify_signed_json(given, server, decode_verify_key_bytes(name, decode_base64(public)))
    except SignatureVerifyException:
        return False
    return True


def new_room(port: int, token: str) -> str:
    """Make a room and return its id."""
    return str(json.loads(_http("POST", port, "/_matrix/client/v3/createRoom", {}, _bearer(token)))["room_id"])


def say(port: int, token: str, room: str, text: str) -> str:
    """Send a message and return the id of its event."""
    path = f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/send/m.room.message/{text}"
    told = _http("PUT", port, path, {"msgtype": "m.text", "body": text}, _bearer(token))
    return str(json.loads(told)["event_id"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def register(port: int, user: str, password: str, shared_secret: str, *, is_admin: bool = False) -> None:
    """Create a user by Synapse's registration shared secret. RefusedError for a wrong one."""
    path = "/_synapse/admin/v1/register"
    nonce = json.loads(_http("GET", port, path))["nonce"]
    signed = "\0".join((nonce, user, password, "admin" if is_admin else "notadmin")).encode()
    mac = hmac.new(shared_secret.encode(), signed, hashlib.sha1).hexdigest()
    person = {"username": user, "password": password, "admin": is_admin}
    _http("POST", port, path, {"nonce": nonce, **person, "mac": mac})


def add_email(port: int, admin_token: str, user_id: str, address: str) -> None:
    """Give a person an address, as an administrator may."""
    path = f"/_synapse/admin/v2/users/{urllib.parse.quote(user_id)}"
    _http("PUT", port, path, {"threepids": [{"medium": "email", "address": address}]}, _bearer(admin_token))


def ask_for_mail(port: int, address: str, patience: float = 60) -> None:
    """Ask for the mail by which a forgotten password is set anew. OSError where none was sent in *patience* seconds."""
    body = {"client_secret": secrets.token_hex(8), "email": address, "send_attempt": 1}
    with closing(http.client.HTTPConnection(HOST, port, timeout=patience)) as client:
        client.request("POST", "/_matrix/client/v3/account/password/email/requestToken", json.dumps(body))
        answer = client.getresponse()
        if answer.status != 200:
            raise OSError(f"no mail: {answer.status}")


def upload(port: int, token: str, what: bytes) -> str:
    """Give the server a file and return its id. OSError where it was not kept."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=60)) as client:
        client.request("POST", "/_matrix/media/v3/upload", what, {**_bearer(token), "Content-Type": "image/png"})
        answer = client.getresponse()
        told = answer.read()
    if answer.status != 200:
        raise OSError(f"not kept: {answer.status}")
    return str(json.loads(told)["content_uri"]).rpartition("/")[2]


def found(port: int, path: str) -> Any:
    """Return the JSON document at a path, None where there is nothing."""
    try:
        return json.loads(_http("GET", port, path))
    except NothingThereError:
        return None


def may_register(port: int) -> bool:
    """Say whether anybody may make an account."""
    try:
        _http("POST", port, "/_matrix/client/v3/register", {"username": "anybody", "password": "of-anybody"})
    except RefusedError:
        return False
    except OSError:  # asked for more than was sent, which is no refusal
        return True
    return True


def _logged_in(port: int, user: str, password: str) -> dict[str, Any]:
    who = {"type": "m.id.user", "user": user}
    body = {"type": "m.login.password", "identifier": who, "password": password}
    return dict(json.loads(_http("POST", port, "/_matrix/client/v3/login", body)))


def _http(method: str, port: int, path: str, body: object = None, headers: dict[str, str] | None = None) -> bytes:
    """Return the answer. RefusedError where it is 401 or 403, OSError where it is another failure."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (http, to loopback)
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (401, 403):
                raise RefusedError from None
            kind = NothingThereError if error.code == 404 else OSError
            raise kind(f"{path}: {error.code}") from None
    except http.client.HTTPException as error:
        raise OSError(f"{path}: {type(error).__name__}") from None
