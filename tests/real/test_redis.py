"""Redis knows the passwords that we write into its files. Debian: redis-server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .servers import Redis, drawn, free_port, put, read, running

LINES = [
    "user {} on >OLD ~* +@all",
    'user {} on ">OLD" ~* +@all',
    "user {} on >'OLD' ~* +@all",
    "user {} on '>x OLD' +@all",
    'user {} on >"xOLD"',
]
FIXED = ["a b", "#a", "\\", "\\\\", "\\n", "\\x41", '"', "'", "\\'", '\\"', "$a`", "\n", "\r\n\t", "\x01\x7f", "é\xa0"]

# Written by hand, as others might.
WORDS = r"""
">a\x41\a\b\q\t\xzz" >a\nb '>a\n\'b' '>b\\\'c' ">\"\\\n" >"b'c" >'b"c' >#a >é
"""


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("redis-server")


def serve(home: Path, lines: str) -> int:
    port = free_port()
    (home / "redis.conf").write_bytes(f'bind 127.0.0.1\nport {port}\nsave ""\nappendonly no\n{lines}'.encode())
    return port


def reach(port: int) -> None:
    Redis(port).close()


def test_each_password_that_is_written_opens(tmp_path: Path) -> None:
    lines: list[str] = []
    accounts: list[tuple[str, str]] = []
    for new in [*FIXED, "x" * 3000, *drawn(60, "\n\r\x01\x7f")]:
        for line in LINES:
            user = f"u{len(accounts)}"
            written = put(line.format(user) + "\n", new, "redis.conf")
            if written is None:
                assert "'" in line
                assert new.endswith("\\") or set(new) & set("\n\r\t\x01\x7f")
                continue
            lines.append(written)
            accounts.append((user, {LINES[3]: "x ", LINES[4]: "x"}.get(line, "") + new))
    assert len(accounts) > 200
    port = serve(tmp_path, "".join(lines))
    with running(tmp_path, lambda: reach(port), "redis-server", "redis.conf"):
        client = Redis(port)
        assert [password for user, password in accounts if not client.knows(user, password)] == []
        assert not client.knows("u0", "another")
        client.close()


def test_words_of_others_are_read_as_the_server_reads_them(tmp_path: Path) -> None:
    words = WORDS.split()
    lines = [f"user u{i} on {word} ~* +@all\n" for i, word in enumerate(words)]
    port = serve(tmp_path, "".join(lines))
    with running(tmp_path, lambda: reach(port), "redis-server", "redis.conf"):
        client = Redis(port)
        for i, word in enumerate(words):
            assert client.knows(f"u{i}", read(lines[i], word, "redis.conf")[1:]), word
        client.close()


@pytest.mark.parametrize("line", ["requirepass OLD", 'requirepass "OLD"', "requirepass 'OLD'  "])
def test_the_servers_own_password(tmp_path: Path, line: str) -> None:
    new = 'it\'s "a" b #c $HOME \\ é'
    port = serve(tmp_path, f"{put(line, new, 'redis.conf')}\n")
    with running(tmp_path, lambda: reach(port), "redis-server", "redis.conf"):
        client = Redis(port)
        assert client.ask("PING").startswith(b"-NOAUTH")
        assert not client.knows("it's")
        assert client.knows(new)
        assert client.ask("PING") == b"+PONG"
        client.close()


def test_passwords_in_an_acl_file(tmp_path: Path) -> None:
    rules = ["user default off\n"]
    accounts: list[tuple[str, str]] = []
    for new in ["a'b\"", "\\", "#a", "(a", "a)", "é", "~*", "+@all", *drawn(60)]:
        rule = put(f"user u{len(accounts)} on >OLD ~* +@all\n", new, "users.acl")
        if rule is None:
            assert set(new) & set(" \t\xa0")
            continue
        rules.append(rule)
        accounts.append((f"u{len(accounts)}", new))
    (tmp_path / "users.acl").write_text("".join(rules), "utf-8")
    port = serve(tmp_path, f"aclfile {tmp_path}/users.acl\n")
    with running(tmp_path, lambda: reach(port), "redis-server", "redis.conf"):
        client = Redis(port)
        assert [password for user, password in accounts if not client.knows(user, password)] == []
        client.close()
