"""The vault as its readers use it: a JSON reader, grep, and ourselves after a disaster."""

import base64
import dataclasses
import json

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard import lock as locks
from wizard import sealing, vault
from wizard.errors import RefusedError
from wizard.lock import Lock
from wizard.secret import MASK, Secret
from wizard.vault import Generation, Journal, JournalFile, Kept, Recipient, Record, Vault

KEY = pyrage.x25519.Identity.generate()
IDENTITY, PUBLIC = Secret(str(KEY)), str(KEY.to_public())
ID = "0123456789abcdef0123456789abcdef"
NOW = "2026-03-01T12:00:00Z"

# Texts as they come from disk: any Unicode, and what was not UTF-8 as the surrogates that Python reads it to
# (which st.text would leave out).
awkward = st.sampled_from('\udc80\udcff\x00\x1e\\"\u2028\r\n')
texts = st.lists(st.characters(exclude_categories=["Cs"]) | awkward, max_size=12).map("".join)
tricky = st.lists(st.sampled_from(["CHANGEME", "CHANGE_ME", "change_Me", "example.com", "xample.org", "\x1e", "\\"]))
originals = tricky.map("".join) | texts
generations = st.builds(
    Generation,
    id=st.uuids().map(lambda each: each.hex[:16]),
    state=st.sampled_from(["pending", "retiring", "past", "compromised"]),
    made=texts,
    why=texts,
    text=st.text(max_size=12).map(Secret),
    inputs=texts,
)
records = st.builds(
    Record,
    value=texts,
    file=originals,
    document=texts,
    path=st.lists(originals, max_size=3).map(tuple),
    original=originals,
    hole=originals,
    index=st.integers(0, 3),
    nth=st.integers(0, 3),
    kind=st.sampled_from(["site", "comment", "source", "entry", "commented", "node", "created"]),
)
json_values = st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda some: st.lists(some, max_size=2))
journals = st.builds(
    Journal,
    verb=texts,
    made=texts,
    files=st.lists(st.builds(JournalFile, texts, st.none() | texts, st.none() | texts), max_size=2).map(tuple),
)


@st.composite
def kept_values(draw: st.DrawFn) -> dict[str, Kept]:
    values = {}
    for name in draw(st.sets(texts, max_size=3)):
        ones = draw(st.lists(generations, min_size=1, max_size=3, unique_by=lambda one: one.id))
        values[name] = Kept(name, (*ones[:-1], dataclasses.replace(ones[-1], state="current")))
    return values


vaults = st.builds(
    Vault,
    id=st.just(ID),
    recipients=st.just((Recipient(PUBLIC),)),
    answers=st.dictionaries(texts, json_values, max_size=3),
    values=kept_values(),
    records=st.lists(records, max_size=4).map(tuple),
    left_out=st.lists(texts, max_size=2).map(tuple),
    journal=st.none() | journals,
)


def generation(text: str, state: vault.State = "current") -> Generation:
    return Generation(vault.new_generation_id(), state, NOW, "made", Secret(text))


def small() -> Vault:
    empty = Vault(ID, (Recipient(PUBLIC),), answers={"domains.base": "chat-corp.net"})
    return vault.keep(empty, "redis-password", generation("kX4pbz2hvNq8rQ"))


def refusal(data: bytes, identity: Secret = IDENTITY) -> str:
    with pytest.raises(RefusedError) as caught:
        sealing.unseal(data, identity)
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__context__ is None, "the cause could quote what it could not read"
    (problem,) = caught.value.problems
    assert problem.next, "a refusal says what to try"
    return problem.what


@settings(deadline=None)
@given(vaults)
def test_nothing_is_lost_between_two_runs(before: Vault) -> None:
    assert sealing.unseal(sealing.seal(before), IDENTITY) == before


def test_a_recipient_that_is_no_key_is_named() -> None:
    with pytest.raises(RefusedError, match="age1nobody"):
        sealing.seal(dataclasses.replace(small(), recipients=(Recipient("age1nobody"),)))


def test_every_flipped_octet_and_every_cut_is_noticed() -> None:
    sealed = sealing.seal(small())
    for place in range(len(sealed)):
        assert refusal(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
        assert "cut short" in refusal(sealed[:place])
    assert "damaged" in refusal(sealed + b"\n")


CHUNK = 65536 + 16


def told(data: bytes) -> str:
    """Return what is said of an age file without any key, '' where nothing is."""
    return " ".join(each.what for each in sealing.faults(data))


@pytest.mark.parametrize("length", [0, 1, 65535, 65536, 65537, 2 * 65536, 2 * 65536 + 1])
def test_lengths_that_no_payload_has_are_told_without_a_key(length: int) -> None:
    """By the lengths of C2SP's age.md: a last chunk of 1 to 15 octets has no tag, one of 16 no text."""
    sealed: bytes = pyrage.encrypt(bytes(length), [KEY.to_public()])
    start = len(sealed) - (16 + length + 16 * max(-(-length // 65536), 1))  # of the payload
    assert told(sealed) == ""
    for chunks in range(1, -(-length // 65536)):
        boundary = start + 16 + chunks * CHUNK
        assert told(sealed[:boundary]) == "", "only the key tells that another one followed"
        assert all("cut short" in told(sealed[: boundary + more]) for more in range(1, 17))
        assert told(sealed[: boundary + 17]) == ""
    assert "cut short" in told(sealed[: start + 31])
    if length and length % 65536 == 0:
        assert "cut short" in told(sealed + bytes(16)), "an empty chunk behind a full one"
    mac = sealed.index(b"\n--- ") + 10
    assert "damaged" in told(sealed[:mac] + b"!" + sealed[mac + 1 :])


def test_armour_is_looked_into() -> None:
    before = small()
    sealed = sealing.seal(before)
    text = base64.b64encode(sealed).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    head, end = "-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"
    armoured = "\n".join([head, *lines, end, ""])
    assert told(armoured.encode()) == ""
    assert sealing.unseal(armoured.encode(), IDENTITY) == before
    assert sealing.count_keys(armoured.encode()) == sealing.count_keys(sealed)
    assert "cut short" in told("\n".join([head, *lines[:-1]]).encode())
    assert "cut short" in told("\n".join([head, lines[0], end]).encode())
    assert "cut short" in told(armoured.replace(lines[1], "!" + lines[1][1:]).encode())


def payload(**changes: object) -> bytes:
    plain = json.loads(pyrage.decrypt(sealing.seal(small()), [KEY]))
    sealed: bytes = pyrage.encrypt(json.dumps(plain | changes).encode(), [KEY.to_public()])
    return sealed


def test_each_failure_has_its_own_words() -> None:
    sealed, stranger = sealing.seal(small()), Secret(str(pyrage.x25519.Identity.generate()))
    assert "with this key" in refusal(sealed, stranger)
    assert "not an age secret key" in refusal(sealed, Secret("AGE-SECRET-KEY-1NONE"))
    assert "not an age file" in refusal(b"kind: Secret\n")
    assert "not known here" in refusal(sealed.replace(b"/v1\n", b"/v9\n", 1))
    assert "damaged" in refusal(sealed.replace(b"\n", b"\r\n"))
    assert "newer matrix-wizard" in refusal(payload(version=99, seal="of the future"))
    assert "not a JSON object" in refusal(pyrage.encrypt(b"[1, 2", [KEY.to_public()]))
    assert "“colour” is not known" in refusal(payload(colour="blue"))
    assert "id has the wrong type" in refusal(payload(id=None))
    assert "version has the wrong type" in refusal(payload(version=True))
    assert "hexadecimal" in refusal(payload(id="../../etc/passwd"))
    assert "exactly one current" in refusal(
        payload(values={"redis-password": {"name": "redis-password", "generations": []}})
    )


def test_what_is_malformed_is_named_without_its_text() -> None:
    bad = {"id": "1", "state": "gone", "made": NOW, "why": "made", "text": ["hunter2hunter2"]}
    told = refusal(payload(values={"x": {"name": "x", "generations": [bad]}}))
    assert "values.x.generations[0].state" in told
    assert "hunter2" not in told
    assert "kX4pbz2hvNq8rQ" not in repr(small())


def test_a_new_generation_makes_the_earlier_one_past_and_a_pending_one_does_not() -> None:
    first = small()
    second = vault.keep(first, "redis-password", generation("second", "pending"))
    assert second.values["redis-password"].current == first.values["redis-password"].current
    third = vault.keep(second, "redis-password", generation("third"))
    assert third.values["redis-password"].current.text == Secret("third")
    assert [one.state for one in third.values["redis-password"].generations] == ["past", "pending", "current"]


def test_ids_differ() -> None:
    assert len({vault.new_vault_id() for _ in range(100)} | {vault.new_generation_id() for _ in range(100)}) == 200


def test_an_interrupted_operation_is_noticed_and_edits_since_are_not_taken_for_one() -> None:
    changes: dict[str, tuple[bytes | None, bytes | None]] = {
        "a": (b"1", b"2"),
        "b": (None, b"new"),
        "c": (b"old", None),
        "d": (b"1", b"2"),
        "e": (b"1", b"1"),
    }
    run = dataclasses.replace(small(), journal=vault.journal("setup", NOW, changes))
    reopened = sealing.unseal(sealing.seal(run), IDENTITY)
    assert vault.unfinished(reopened, {"a": b"2", "b": b"new", "d": b"by hand", "e": b"1"}) == ()
    assert vault.unfinished(reopened, {"a": b"1", "c": b"old", "d": b"2", "e": b"1"}) == ("a", "b", "c")


@given(vaults)
def test_the_lock_gives_every_site_back_and_never_trips_the_last_grep(before: Vault) -> None:
    public = dataclasses.replace(before, values={})
    text = locks.text(public)
    for word in ("changeme", "change_me", "example.com", "example.org"):
        assert word not in text.lower()
    lock = locks.read(text.encode().decode())
    assert lock.vault_id == ID
    assert sorted(map(unmasked, lock.records), key=repr_all) == sorted(map(unmasked, before.records), key=repr_all)
    assert lock.left_out == tuple(sorted(before.left_out))


def unmasked(record: Record) -> Record:
    """The record without what the lock may withhold."""
    return dataclasses.replace(record, original="", hole="")


def repr_all(record: Record) -> str:
    return repr(dataclasses.astuple(record))


@given(vaults, st.randoms())
def test_the_lock_does_not_depend_on_the_order_of_sites_and_any_json_reader_reads_it(one: Vault, random) -> None:  # type: ignore[no-untyped-def]
    other = list(one.records)
    random.shuffle(other)
    text = locks.text(one)
    assert locks.text(dataclasses.replace(one, records=tuple(other))) == text
    assert all(isinstance(json.loads(line), dict) for line in text.rstrip("\n").split("\n"))


def test_a_secret_that_stood_in_the_tree_is_in_the_vault_only() -> None:
    secret, place = "kX4pbz2hvNq8rQ", ("Secret/matrix/redis", ("stringData", "password"))
    adopted = (
        Record("redis-password", "a.yaml", *place, original=secret),
        Record("redis-password", "b.yaml", *place, original=f"url: redis://:{secret}@redis"),
        Record("redis-password", "c.yaml", *place, original="password: a1g0cGJ6Mmh2TnE4clE="),
        Record("redis-password", "d.yaml", *place, original="CHANGEME"),
        # A secret that a given one replaced is no generation of the vault, and still a secret.
        Record("", "e.yaml", *place, original=f"email:\n  smtp_pass: {secret}\n", kind="entry"),
        Record("redis-password", "f.yaml", *place, original="CHANGEME", hole=f"user bob >{secret} pass □"),
        Record("server-name", "g.yaml", "ConfigMap//x", ("data", "y"), original="real.name.net", hole="realm=□"),
    )
    text = locks.text(dataclasses.replace(small(), records=adopted))
    assert secret not in text
    assert "a1g0cGJ6Mmh2TnE4" not in text
    lock = locks.read(text)
    originals = [record.original for record in lock.records]
    assert originals == [MASK, MASK, MASK, "CHANGEME", MASK, "CHANGEME", "real.name.net"]
    assert [record.hole for record in lock.records[-2:]] == [MASK, "realm=□"]
    assert sealing.unseal(sealing.seal(dataclasses.replace(small(), records=adopted)), IDENTITY).records == adopted


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 1, "not a JSON object"),
        ("{}\n", 1, "does not name a vault"),
        ('{"vault": "../../x", "version": 1}\n', 1, "does not name a vault"),
        (f'{{"vault": "{ID}", "version": 2}}\n', 1, "newer"),
        (f'{{"vault": "{ID}", "version": 1}}\n\n<<<<<<< HEAD\n', 3, "not a JSON object"),
        (f'{{"vault": "{ID}", "version": 1}}\n{{"value": "x", "secret": "y"}}\n', 2, "“secret” is not known"),
        (f'{{"vault": "{ID}", "version": 1}}\n{{"value": "x"}}\n', 2, "missing"),
    ],
)
def test_a_broken_lock_is_refused_at_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(RefusedError) as caught:
        locks.read(text)
    (problem,) = caught.value.problems
    assert word in problem.what
    assert problem.where.endswith(f"sites.lock:{line}")


def test_a_lock_survives_git_turning_its_line_ends() -> None:
    text = locks.text(dataclasses.replace(small(), left_out=("livekit",)))
    assert locks.read(text.replace("\n", "\r\n")) == Lock(ID, (), ("livekit",))


@pytest.mark.parametrize(
    ("key", "hole", "is_shown"),
    [
        ("app.conf", "db postgres://synapse:Real5ecret@db/□", False),
        ("app.conf", "requirepass Real5ecret # □", False),
        ("app.conf", "secret = 'Real5ecret' □", False),
        ("users.acl", "user bob on >Real5ecret ~□", False),
        ("PASSWORD", "Real5ecret-□", False),
        ("app.conf", "db postgres://synapse:□@□/x", True),
        ("app.conf", "CREATE USER x WITH PASSWORD '□'; -- on main", True),
        ("app.conf", "host=db password=□ dbname=matrix", True),
        ("app.conf", "    acl ours hdr(host) -i □", True),
        ("PASSWORD", "□", True),
    ],
)
def test_the_lock_shows_no_line_that_tells_another_password(key: str, hole: str, *, is_shown: bool) -> None:
    record = Record("matrix-host", "a.yaml", "ConfigMap//x", ("data", key), "matrix.example.com", hole)
    text = locks.text(dataclasses.replace(small(), records=(record,)))
    (shown,) = locks.read(text).records
    assert shown.hole == (hole if is_shown else MASK)
    assert "Real5ecret" not in text
