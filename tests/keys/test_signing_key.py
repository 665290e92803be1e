import base64
import functools

import pytest
import signedjson.key
import unpaddedbase64
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard import keys

from .conftest import Refuses

SEED = "VGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBzZWVkISE"
LINE = f"ed25519 a_RXGa {SEED}"
# What Go's math/rand gives first under the seed 0: the key that the Helm tool gave everybody (FACTS 1).
WEAK_SEED = base64.b64encode(
    bytes.fromhex("0194fdc2fa2ffcc041d3ff12045b73c86e4ff95ff662a5eee82abdf44a2d0b75")
).decode()[:43]


@pytest.mark.parametrize("ending", ["", "\n"], ids=["bare", "newline"])
def test_a_key_gives_what_signedjson_reads(ending: str) -> None:
    key = keys.signing_key(LINE + ending)
    (theirs,) = signedjson.key.read_signing_keys([LINE])
    assert (key.id, key.seed.reveal()) == ("a_RXGa", SEED)
    assert key.verify_key == unpaddedbase64.encode_base64(bytes(theirs.verify_key))


def test_the_seed_is_not_printed() -> None:
    assert SEED not in repr(keys.signing_key(LINE))


@settings(deadline=None)  # the first example pays for imports
@given(seed=st.binary(min_size=32, max_size=32), key_id=st.from_regex(r"[a-zA-Z0-9_]{1,12}", fullmatch=True))
def test_every_key_that_signedjson_writes_is_read(seed: bytes, key_id: str) -> None:
    text = base64.b64encode(seed).decode().rstrip("=")
    theirs = signedjson.key.decode_signing_key_base64("ed25519", key_id, text)
    key = keys.signing_key(f"ed25519 {key_id} {text}\n")
    assert key.id == key_id
    assert key.verify_key == unpaddedbase64.encode_base64(bytes(theirs.verify_key))


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        pytest.param("", "43 characters", id="empty"),
        pytest.param("\n", "43 characters", id="only-newline"),
        pytest.param(f"# Replace this\n{LINE}\n", "exactly one line", id="comment-before"),
        pytest.param(f"{LINE}\n# the key\n", "exactly one line", id="comment-after"),
        pytest.param(f"{LINE}\ned25519 a_old1 {SEED}\n", "exactly one line", id="two-keys"),
        pytest.param(f"{LINE}\n\n", "exactly one line", id="blank-line"),
        pytest.param(f"\n{LINE}", "exactly one line", id="blank-first-line"),
        pytest.param(f"{LINE} # comment", "43 characters", id="trailing-comment"),
        pytest.param(f"\ufeff{LINE}", "43 characters", id="bom"),
        pytest.param(f"{LINE}\r\n", "43 characters", id="crlf"),
        pytest.param(f" {LINE}", "43 characters", id="leading-space"),
        pytest.param(f"{LINE} ", "43 characters", id="trailing-space"),
        pytest.param(f"ed25519\ta_RXGa\t{SEED}", "43 characters", id="tabs"),
        pytest.param(f"ed25519  a_RXGa {SEED}", "43 characters", id="two-spaces"),
        pytest.param(base64.b64encode(LINE.encode()).decode(), "43 characters", id="base64-of-the-line"),
        pytest.param(f"ed25519 a_RXGa {'5a' * 32}", "43 characters", id="hex"),
        pytest.param(f"ed25519 a_RXGa {SEED[:-1]}", "43 characters", id="31-bytes"),
        pytest.param(f"ed25519 a_RXGa {SEED}{SEED}", "43 characters", id="64-bytes"),
        pytest.param(f"{LINE}=", "43 characters", id="padded"),
        pytest.param(f"ed25519 a_RXGa {SEED[:-2]}-E", "43 characters", id="urlsafe"),
        pytest.param(f"ed25519 a_RXGa {SEED[:20]}!!{SEED[20:]}", "43 characters", id="junk-that-synapse-drops"),
        pytest.param(f"curve25519 a_RXGa {SEED}", "43 characters", id="another-algorithm"),
        pytest.param(f"ed25519 a:b {SEED}", "43 characters", id="id-with-colon"),
        pytest.param(f"ed25519 é {SEED}", "43 characters", id="id-not-ascii"),
        pytest.param(f"ed25519 {SEED}", "43 characters", id="no-id"),
        pytest.param("ed25519 a_RXGa ed25519:auto:abcdef", "43 characters", id="the-checklists-sample"),
        pytest.param("CHANGEME_SIGNING_KEY", "43 characters", id="placeholder"),
        pytest.param(f"ed25519 a_RXGa {SEED[:-1]}F", "was altered", id="not-canonical"),
        pytest.param(f"ed25519 a_any1 {WEAK_SEED}", "CVE-2026-24044", id="publicly-known"),
    ],
)
def test_what_is_not_one_strict_line_is_refused(text: str, saying: str, refuses: Refuses) -> None:
    refuses(lambda: keys.signing_key(text), saying, text)


def test_half_way_through_a_rotation_two_keys_of_different_ids_are_read(refuses: Refuses) -> None:
    other = LINE.replace("a_RXGa", "a_new1")
    assert [key.id for key in keys.signing_keys(f"{other}\n{LINE}\n")] == ["a_new1", "a_RXGa"]
    assert [key.id for key in keys.signing_keys(LINE)] == ["a_RXGa"]
    wrong = (
        (f"{LINE}\n{LINE}", "one id"),
        (f"# old\n{LINE}", "one space"),
        (f"{other}\n{LINE}\n{LINE}", "exactly one"),
    )
    for text, saying in wrong:
        refuses(functools.partial(keys.signing_keys, text), saying, text)
