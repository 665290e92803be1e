"""A mail server on loopback that wants TLS and a login before it takes a mail, as a process. PyPI: aiosmtpd."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from dataclasses import asdict, dataclass, field
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Rules:
    """Whom the server lets in, and how it speaks: by STARTTLS with a certificate, or without TLS."""

    user: str
    password: str = field(repr=False)
    certificate: str
    key: str
    offers_tls: bool = True


class Mailbox:
    """What a test sees of the server, whose directory is *home*."""

    def __init__(self, home: Path) -> None:
        self._rules, self._taken = home / "rules.json", home / "taken.jsonl"

    def follow(self, rules: Rules) -> None:
        """Make the server follow these rules for the connections that come, and forget what it took."""
        self._rules.write_text(json.dumps(asdict(rules)))
        self._taken.write_text("")

    @property
    def mails(self) -> list[tuple[list[str], Message]]:
        """Every mail that was taken: to whom, and what."""
        taken = map(json.loads, self._taken.read_text().splitlines())
        return [(each["to"], message_from_string(each["mail"])) for each in taken if "to" in each]

    @property
    def logins(self) -> list[tuple[str, bool]]:
        """Every login: by which name, and whether they were let in."""
        taken = map(json.loads, self._taken.read_text().splitlines())
        return [(each["user"], each["right"]) for each in taken if "user" in each]

    @property
    def ended(self) -> int:
        """How many connections have ended."""
        return self._taken.read_text().count("ended")


def command(home: Path, port: int) -> list[str]:
    """Return the command that serves on *port* by the rules in *home*."""
    return [sys.executable, __file__, str(home), str(port)]


class _Handler:
    def __init__(self, home: Path) -> None:
        self.home = home

    def connection(self) -> SMTP:
        rules = Rules(**json.loads((self.home / "rules.json").read_text()))
        given: dict[str, Any] = {"auth_required": True, "auth_require_tls": rules.offers_tls}
        if rules.offers_tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(rules.certificate, rules.key)
            given |= {"tls_context": context, "require_starttls": True}

        def authenticated(
            _: SMTP, _session: Session, _envelope: Envelope, _by: str, login: LoginPassword
        ) -> AuthResult:
            is_right = (login.login, login.password) == (rules.user.encode(), rules.password.encode())
            self.note({"user": login.login.decode(), "right": is_right})
            return AuthResult(success=is_right, handled=False)

        return _Connection(self, **given, authenticator=authenticated)

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        assert session.authenticated
        assert isinstance(envelope.content, bytes)
        self.note({"to": envelope.rcpt_tos, "mail": envelope.content.decode()})
        return "250 taken"

    def note(self, what: dict[str, Any]) -> None:
        with (self.home / "taken.jsonl").open("a") as out:
            out.write(json.dumps(what) + "\n")


class _Connection(SMTP):
    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.note({"ended": True})
        super().connection_lost(error)


async def _serve(home: Path, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Handler(home).connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
