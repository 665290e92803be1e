"""Every spelling that people give a placeholder is found whole, and nothing that is a value."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard import mint, placeholders
from wizard.placeholders import find, may_hold, role

TREES = Path(__file__).parents[1] / "trees"
SPELLINGS = {
    "CHANGEME": "",
    "CHANGE_ME": "",
    "changeme": "",
    "change-me": "",
    "ChangeMe": "",
    "CHANGEME_SECURE_DB_PASSWORD": "DB_PASSWORD",
    "CHANGE_ME_GENERATE_SECURE_PASSWORD": "PASSWORD",
    "CHANGE_ME_GENERATE_SECURE_PASSWORD_32_CHARS": "PASSWORD",
    "CHANGE_TO_COTURN_SHARED_SECRET": "COTURN_SHARED_SECRET",
    "YOUR_LAW_ENFORCEMENT_IPS": "LAW_ENFORCEMENT_IPS",
    "REPLACE_ME_S3_PASSWORD": "S3_PASSWORD",
    "REPLACE_WITH_REAL_API_KEY": "API_KEY",
    "CHANGEME_GENERATE_RSA_2048_BIT_PRIVATE_KEY": "RSA_PRIVATE_KEY",
    "CHANGEME_DJANGO_SECRET_KEY_GENERATE_SECURE_RANDOM_STRING": "DJANGO_SECRET_KEY",
    "changeme-turn-secret": "TURN_SECRET",
    "replace-with-your-turn-secret": "TURN_SECRET",
    "put-your-turn-secret-here": "TURN_SECRET",
    "REPLACE_WITH_YOUR_TURN_SECRET": "TURN_SECRET",
    "REDIS_PASSWORD_PLACEHOLDER": "REDIS_PASSWORD",
    "ed25519 a_XXXX": "ED25519",
}
# Words of a value that no person was asked for.
OTHERS = [
    "EXCHANGE_MESSAGES", "changement", "CHANGELOG", "your", "yourself", "REPLACEMENT", "myexample.com",
    "example.community", "example.com.au", "replace: true", "placeholder", "a@b.example.co",
]  # fmt: skip
AROUND = st.sampled_from(["", " ", '"', "'", ":", "=", "/", ",", ";", "(", "|", "\n", "\r\n", "\t", "$", "{", "é", "#"])


def spans(text: str) -> list[tuple[int, int, str]]:
    return [(found.start, found.end, found.family) for found in find(text)]


@given(st.sampled_from(sorted(SPELLINGS)), AROUND, AROUND)
def test_a_token_is_found_whole_wherever_it_stands(token: str, before: str, after: str) -> None:
    (found,) = find(f"x{before or ' '}{token}{after}")
    assert (found.token, found.family, found.role) == (token, "token", SPELLINGS[token])
    assert (found.start, found.end) == (1 + len(before or " "), 1 + len(before or " ") + len(token))


@given(
    st.lists(st.sampled_from([*SPELLINGS, "matrix.example.com", "a@example.org", *OTHERS, "text"]), max_size=8), AROUND
)
def test_several_in_one_text_stand_in_order_and_apart(words: list[str], between: str) -> None:
    text = f"{between or ' '} ".join(words)
    found = list(find(text))
    assert [text[each.start : each.end] for each in found] == [each.token for each in found]
    assert [each.token for each in found] == [word for word in words if word not in (*OTHERS, "text")]
    assert all(one.end <= other.start for one, other in pairwise(found))


@pytest.mark.parametrize("text", OTHERS)
def test_what_only_looks_alike_is_none(text: str) -> None:
    assert not spans(text)
    assert not spans(f"key: {text} # {text}")


@pytest.mark.parametrize(
    ("text", "family", "word"),
    [
        ("matrix.example.com", "host", "matrix"),
        ("https://Matrix-LI.Example.com".replace("E", "e"), "host", "matrix-li"),
        ("example.com", "host", ""),
        ("*.example.com", "host", ""),
        ("turn:turn.example.org:3478?transport=udp", "host", "turn"),
        ("a.b.example.net.", "host", "a.b"),
        ("admin@example.com", "email", "admin"),
        ("Chat <no.reply+x@mail.example.com>", "email", "no.reply+x"),
    ],
)
def test_names_under_the_reserved_domains(text: str, family: str, word: str) -> None:
    (found,) = find(text)
    assert (found.family, found.role) == (family, word)
    assert found.token in text


@pytest.mark.parametrize("password", ["Real5ecret", "Re!al$5ecret", "Real@5ecret", "", "$(PASSWORD)"])
def test_the_password_of_a_url_is_no_part_of_an_address(password: str) -> None:
    found = list(find(f"URL=postgres://synapse:{password}@db.example.com:5432/x?mail=to@example.com x@example.com"))
    assert [each.token for each in found] == ["db.example.com", "to@example.com", "x@example.com"]


def test_placeholders_in_every_part_of_a_url() -> None:
    found = list(find("redis://YOUR_USER:CHANGEME_REDIS_PASSWORD@redis.your-domain.com/0, a.b@your-domain.com"))
    assert [each.token for each in found] == [
        "YOUR_USER", "CHANGEME_REDIS_PASSWORD", "redis.your-domain.com", "a.b@your-domain.com",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_made"),
    [
        ("8f14e45f-ceea-4671-a5cb-2f3a1b6c7d8e", True),
        ("0123456789abcdef0123456789abcdef", True),
        ("Zk4Yx8Qw2Lm6Np0R", True),
        ("k3j4h5kwj3h45kjqh34kj5hz", True),
        ("synapse", False),
        ("synapse-2024-12-01-secret", False),
        ("correct-horse-battery-staple", False),
        ("00000000-0000", False),
    ],
)
def test_what_somebody_made_is_told_from_words(text: str, *, is_made: bool) -> None:
    assert placeholders.is_strong(text) is is_made


def test_a_hint_of_no_size_at_all_is_none() -> None:
    assert placeholders.hint("CHANGEME_" + "9" * 5000 + "_CHARS") is None


@given(st.text())
def test_the_fast_scan_misses_nothing(text: str) -> None:
    assert may_hold(text.encode("utf-8", "replace")) or not spans(text)


@pytest.mark.parametrize("token", [*SPELLINGS, "x.example.net", "x@example.com"])
def test_the_fast_scan_sees_every_spelling(token: str) -> None:
    assert may_hold(f"a: {token}\n".encode())


@pytest.mark.parametrize(
    "words",
    [
        "change-",
        "xxxx-",
        "a-xxxx-",
        "<key ",
        "<your key ",
        "a-placeholder-",
        "your-",
        "CHANGEME_",
        "your.domain.",
        "a_",
    ],
)
def test_a_long_line_of_such_words_is_read_as_a_short_one(words: str) -> None:
    """Of a search that takes the square of the length nobody would see the end; ``bench`` measures the growth."""
    short, long = f"{words * 3}xxxx !", f"{words * 8000}xxxx !"
    assert [each.family for each in find(long)][:1] == [each.family for each in find(short)][:1]
    assert all(long[each.start : each.end] == each.token for each in find(long))


def test_what_is_made_here_is_no_placeholder() -> None:
    for make in ("password", "django", "signing-key", "livekit-api-key"):
        for _ in range(50):
            assert not spans(mint.make(mint.Recipe(make, None if make != "password" else 40)).reveal())


@given(st.from_regex(r"[A-Za-z0-9+/]{20,60}={0,2}", fullmatch=True))
def test_base64_is_no_token_unless_it_spells_one(text: str) -> None:
    assert all(re.search(r"(?i)change[-_]?me|replace|your|_|example", found.token) for found in find(text))


def test_every_token_of_the_trees_tables_is_found_in_its_file() -> None:
    rows = re.findall(
        r"^\| (\S+) \| \d+ \| .*? \| `([^`]+)` \| (\S+) \|$", (TREES / "README.md").read_text(), re.MULTILINE
    )
    assert len(rows) > 150
    for file, token, _ in rows:
        where = next(path for path in (TREES / "checklist" / file, TREES / "dress" / file) if path.exists())
        text = where.read_text("utf-8-sig").replace("\\n", "\n")
        assert token not in text or token in {found.token for found in find(text)} or "ed25519" in token, (file, token)


@given(st.text())
def test_a_role_is_words_in_capitals(text: str) -> None:
    made = role(text)
    assert re.fullmatch(r"|[A-Z0-9]+(_[A-Z0-9]+)*", made)
    assert role(made) == made or made.startswith(("CHANGE", "REPLACE", "YOUR"))


@pytest.mark.parametrize(
    ("key", "words"),
    [("redis-password", "REDIS_PASSWORD"), ("redisPassword", "REDIS_PASSWORD"), ("server_name", "SERVER_NAME")],
)
def test_a_key_and_its_token_name_one_role(key: str, words: str) -> None:
    assert role(key) == words == placeholders.role(f"CHANGEME_SECURE_{words}")
