"""Spellings of secrets as others write them: Python's own codecs, bash, PyYAML, psycopg, OpenSSL."""

from __future__ import annotations

import base64
import html
import json
import shlex
import subprocess
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import psycopg
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from wizard import traces
from wizard.secret import Secret
from wizard.traces import Net, Trace
from wizard.vault import Generation, Kept, State

AWKWARD = "q\"u'o\\t $e%d #x: {y} \u00e4\u20ac \u2713 ${x} `z` & *a !b"
MADE = "Wq7tGmZ0aBcDeFgHiJkLmNoPqRsTuVwXyZ123456"
# What a person types as a password: no control character; a blank at an end is cut off where it is given.
TYPED = st.text(st.characters(min_codepoint=32, exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=8, max_size=60)
WORDS = TYPED.filter(lambda text: text == text.strip() and not traces.needles(kept(text))[1])
AROUND = st.binary(max_size=40)


def kept(text: str, name: str = "smtp-password") -> Kept:
    return Kept(name, (Generation("0123456789abcdef", "current", "2026-01-01T00:00:00Z", "given", Secret(text)),))


def searched(text: str, data: bytes) -> list[Trace]:
    needles, problems = traces.needles(kept(text))
    assert needles
    assert not problems
    return Net(needles).find(data)


def bash(text: str) -> bytes:
    command = ["bash", "-c", 'printf %q "$1"', "bash", text]
    return subprocess.run(command, capture_output=True, check=True, env={"LC_ALL": "C"}).stdout


def by_sql(text: str) -> bytes:
    return psycopg.sql.Literal(text).as_string().encode()


def conninfo(text: str) -> bytes:
    return psycopg.conninfo.make_conninfo(password=text).encode()


def encoded(shift: int, name: str = "b64encode") -> Callable[[str], bytes]:
    return lambda text: bytes(getattr(base64, name)(b"\xfa" * shift + text.encode() + b"\xfb\xff"))


def wrapped(width: int, end: str) -> Callable[[str], bytes]:
    def spell(text: str) -> bytes:
        whole = base64.b64encode(b"password: " + text.encode() + b"\nmore").decode()
        return end.join(whole[at : at + width] for at in range(0, len(whole), width)).encode()

    return spell


def dumped(style: str | None, width: int = 80) -> Callable[[str], bytes]:
    return lambda text: yaml.dump({"a": {"password": text}}, default_style=style, width=width).encode()


SPELLED: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "UTF-16-LE": lambda text: text.encode("utf-16-le"),
    "UTF-16-BE": lambda text: text.encode("utf-16-be"),
    **{f"base64 at {shift}": encoded(shift) for shift in range(3)},
    **{f"base64 for URLs at {shift}": encoded(shift, "urlsafe_b64encode") for shift in range(3)},
    "base64 in a URL": lambda text: quote(encoded(1)(text), safe="").encode(),
    "base64 in 76": wrapped(76, "\n"),
    "base64 in 64, indented": wrapped(64, "\r\n    "),
    "base64 in 60, a diff": wrapped(60, "\n+  "),
    "base64 in 76, in JSON": wrapped(76, "\\n"),
    "base64 of base64": lambda text: base64.b64encode(b"x: " + base64.b64encode(b"p" + text.encode())),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"k": text}).encode()),
    "base64 of YAML in single quotes": lambda text: base64.b64encode(
        b"k: '" + text.replace("'", "''").encode() + b"'"
    ),
    "URL": lambda text: quote(text, safe="").encode(),
    "URL, as a path": lambda text: quote(text).encode(),
    "URL, as a form": lambda text: quote_plus(text).encode(),
    "URL in lower case": lambda text: "".join(f"%{each:02x}" for each in text.encode()).encode(),
    "URL twice": lambda text: quote(quote(text, safe=""), safe="").encode(),
    "JSON": lambda text: json.dumps(text).encode(),
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "JSON, each character": lambda text: "".join(
        f"\\u{unit:04X}" for unit in memoryview(text.encode("utf-16-le")).cast("H")
    ).encode(),
    "Python's repr": lambda text: repr(text).encode(),
    "Python's repr of octets": lambda text: repr(text.encode()).encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "HTML, ASCII": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace"),
    "shell": lambda text: shlex.quote(text).encode(),
    "YAML": dumped(None),
    "YAML, folded": dumped(None, 8),
    "YAML in double quotes": dumped('"'),
    "YAML in double quotes, folded": dumped('"', 8),
    "YAML in single quotes": dumped("'"),
    "YAML in single quotes, folded": dumped("'", 8),
    "YAML, literal": dumped("|"),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "hexadecimal with colons": lambda text: text.encode().hex(":").upper().encode(),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLED)
@settings(max_examples=12, deadline=None, print_blob=True)
@given(text=WORDS, before=AROUND, after=AROUND)
@example(text=AWKWARD, before=b"a\nb: ", after=b"\n")
@example(text=MADE, before=b"a\nb: ", after=b"\n")
@example(text=MADE[:8], before=b"x", after=b"")
@example(text="\\\\server\\share\\new", before=b"\\", after=b"\\")
@example(text="\U0001f511 key ring", before=b"", after=b"")
def test_every_spelling_is_found_where_it_stands(spelling: str, text: str, before: bytes, after: bytes) -> None:
    spelled = SPELLED[spelling](text)
    found = searched(text, before + b"\n" + spelled + b"\n" + after)
    line = before.count(b"\n") + 2
    assert line in {each.line for each in found} or any(
        line <= each.line <= line + spelled.count(b"\n") for each in found
    ), found


@pytest.mark.parametrize("spell", [bash, by_sql, conninfo], ids=lambda each: each.__name__)
@settings(max_examples=12, deadline=None)
@given(text=WORDS)
@example(text=AWKWARD)
def test_what_bash_and_libpq_write_is_found(spell: Callable[[str], bytes], text: str) -> None:
    assert len(searched(text, b"a\n" + spell(text) + b"\nb")) == 1


@settings(max_examples=15, deadline=None)
@given(text=WORDS, other=WORDS)
@example(text=AWKWARD, other=AWKWARD[:-1])
@example(text=MADE, other=MADE[1:])
def test_another_text_is_not_found(text: str, other: str) -> None:
    assume(text not in other)
    plain = [spell for name, spell in SPELLED.items() if "folded" not in name and "form" not in name]
    for spell in plain:
        assume(text.encode() not in spell(other))
    haystack = b"\n\n".join(spell(other) for spell in plain)
    assert searched(text, haystack) == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 200_000), max_size=4), st.integers(0, 300_000), st.integers(1, 95))
def test_in_a_stream_each_trace_is_told_once_wherever_pieces_end(lengths: list[int], at: int, cut: int) -> None:
    data = zlib.crc32(bytes(at % 256)).to_bytes(4, "big") * 75_000 + b"\n"
    data = data[:at] + b"\n" + MADE.encode() + b" " + base64.b64encode(MADE.encode()) + data[at:]
    pieces, start = [], 0
    ends = sorted({at + cut, *(sum(lengths[:number]) for number in range(1, len(lengths) + 1)), len(data)})
    for end in ends:  # one of them within a trace
        pieces.append(data[start:end])
        start = end
    needles, _ = traces.needles(kept(MADE))
    net = Net(needles)
    assert list(net.read(pieces)) == net.find(data)
    assert len(net.find(data)) == 2


def pem(key: object, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()  # type: ignore[attr-defined, no-any-return]


RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SEED = base64.b64encode(ED.private_bytes_raw()).decode().rstrip("=")
KEYS: dict[str, tuple[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]] = {
    "RSA": (pem(RSA), RSA),
    "RSA, PKCS#1": (pem(RSA, PrivateFormat.TraditionalOpenSSL), RSA),
    "EC": (pem(EC), EC),
    "service account": (json.dumps({"client_email": "a@b", "private_key": pem(RSA)}, indent=2), RSA),
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["pkcs8", "sec1"])
def test_a_key_is_found_in_every_form_and_once(name: str, form: PrivateFormat) -> None:
    text, key = KEYS[name]
    other = pem(key, form)
    der = key.private_bytes(Encoding.DER, form, NoEncryption())
    own = base64.b64encode(b"x" + (other if "RSA" in name else text).encode())
    for spelled in (text.encode(), other.encode(), der, json.dumps(other).encode(), base64.b64encode(der), own):
        found = searched(text, b"one\n" + spelled + b"\ntwo")
        assert len(found) == 1, (found, spelled[:9])
    assert len(searched(text, (other + "\n" + other).encode())) == 2


@pytest.mark.parametrize("name", KEYS)
def test_what_is_public_of_a_key_is_not_found(name: str) -> None:
    text, key = KEYS[name]
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    another = rsa.generate_private_key(65537, 2048) if "EC" not in name else ec.generate_private_key(ec.SECP256R1())
    data = public + base64.b64encode(public) + pem(another).encode() + base64.b64encode(pem(another).encode())
    assert searched(text, data + b"a@b -----BEGIN PRIVATE KEY-----") == []


def test_a_signing_key_is_found_by_its_seed_and_each_copy_of_it() -> None:
    text = f"ed25519 a_Xk2f {SEED}\n"
    copies = f"key: {SEED}\n# {SEED}\n{base64.b64encode(text.encode()).decode()}\n{ED.private_bytes_raw().hex()}\n"
    found = searched(text, copies.encode())
    assert [(each.line, each.encoding) for each in found][:3] == [(1, "plain"), (2, "plain"), (3, "base64")]
    public = base64.b64encode(ED.public_key().public_bytes_raw()).decode().rstrip("=")
    assert searched(text, f"ed25519 a_Xk2f {public}\n".encode()) == []


def test_who_logs_in_by_a_line_of_htpasswd_is_no_secret() -> None:
    digest = "$2y$12$" + "abcdefghijklmnopqrstuv" + "0123456789ABCDEFGHIJKLMNOPQRSTU"
    assert searched(f"admin:{digest}\n", b"admin: somebody\n") == []
    assert [each.line for each in searched(f"admin:{digest}\n", f"x\nboss:{digest}\n".encode())] == [2]


def test_all_generations_are_searched_for_and_told_apart() -> None:
    states: tuple[State, ...] = ("past", "compromised", "retiring", "current", "pending")
    texts = [MADE.replace("Wq", f"{number}x") for number in range(len(states))]
    several = Kept(
        "turn-secret",
        tuple(
            Generation(f"{number:016x}", state, "2026", "", Secret(text))
            for number, (state, text) in enumerate(zip(states, texts, strict=True))
        ),
    )
    needles, _ = traces.needles(several)
    found = Net(needles).find("\n".join(texts).encode())
    assert [(each.state, each.line) for each in found] == [(state, line) for line, state in enumerate(states, 1)]
    assert MADE[2:] not in repr(needles) + repr(found)


@pytest.mark.parametrize("text", ["", "short", "12341234", "password123", "CHANGEME_TURN_SECRET", "=========="])
def test_what_would_be_found_everywhere_is_refused_with_the_reason(text: str) -> None:
    needles, problems = traces.needles(kept(text))
    if text == "12341234":
        assert needles
        return
    assert (needles, len(problems)) == ([], 1)
    assert not text or text not in problems[0].what
