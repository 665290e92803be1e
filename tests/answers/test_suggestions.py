"""What a refusal suggests is what the person meant, and is taken as it stands."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable

import pyrage
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wizard import formats, networks
from wizard.formats import FormatError, Kind
from wizard.questions import BY_KEY, QUESTIONS, Question

CHOICE = formats.one_of("letsencrypt", "letsencrypt-staging", "manual", "selfsigned")
SECURITY = formats.one_of("starttls", "tls", "none")
BITS = formats.one_of(2048, 3072, 4096)
SEALED = (
    formats.PASSWORD,
    formats.WEB_PASSWORD,
    formats.RECIPIENTS,
    formats.APNS_KEY,
    formats.SERVICE_ACCOUNT,
    formats.PRIVATE_KEY,
)


def reader(kind: Kind) -> Callable[[str], object]:
    """Return what reads a whole answer of *kind*, lists with all their items."""
    return Question("x", kind, "", "").read


def refusal(kind: Kind, text: str) -> FormatError:
    with pytest.raises(FormatError) as caught:
        reader(kind)(text)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "text", "suggestions"),
    [
        (formats.DOMAIN, "https://Chat-Corp.net:8448/x?y", ["chat-corp.net"]),
        (formats.DOMAIN, "ops@chat-corp.net", ["chat-corp.net"]),
        (formats.DOMAIN, "@ops:chat-corp.net", ["chat-corp.net"]),
        (formats.DOMAIN, "chat-corp.net.", ["chat-corp.net"]),
        (formats.DOMAIN, "Bücher.ch", ["xn--bcher-kva.ch"]),
        (formats.DOMAIN, "\ufeffchat-corp.net\u200b", ["chat-corp.net"]),
        (formats.DOMAIN, "chat\u00ad-corp.net", ["chat-corp.net"]),
        (formats.DOMAIN, "https://Chat-\u00a0Corp.net", ["chat-corp.net"]),
        (formats.DOMAIN, "https://185.60.112.5", []),
        (formats.DOMAIN, "chat-corp.net\nother.net", []),
        (formats.DOMAIN, "https://matrix.example.com", []),
        (formats.DOMAIN, "chat", []),
        (networks.HOST, "smtp://smtp.chat-corp.net:587", ["smtp.chat-corp.net"]),
        (networks.HOST, "185.60.112.5:587", ["185.60.112.5"]),
        (networks.HOST, "smtps://[2a02:ec80:300::1]:465/", ["2a02:ec80:300::1"]),
        (formats.MAILBOX, "Ops <ops@Chat-Corp.net>", ["ops@Chat-Corp.net"]),
        (formats.MAILBOX, "mailto:ops@chat-corp.net?subject=x", ["ops@chat-corp.net"]),
        (formats.MAILBOX, "ops@bücher.ch", ["ops@xn--bcher-kva.ch"]),
        (formats.MAILBOX, "ops@chat-corp.net.", ["ops@chat-corp.net"]),
        (formats.MAILBOX, "Ops <ops@example.com>", []),
        (formats.SENDER, "Chat Corp ops@chat-corp.net", ["Chat Corp <ops@chat-corp.net>"]),
        (formats.SENDER, "Chat Corp <mailto:ops@chat-corp.net>", ["Chat Corp <ops@chat-corp.net>"]),
        (
            formats.SENDER,
            "Chat\u00a0Corp <ops@chat-corp.net>",
            ["Chat Corp <ops@chat-corp.net>", "ChatCorp <ops@chat-corp.net>"],
        ),
        (formats.SENDER, "mailto:ops@chat-corp.net", ["ops@chat-corp.net"]),
        (formats.PORT, "smtp.chat-corp.net:587", ["587"]),
        (formats.PORT, "587/tcp", ["587"]),
        (formats.PORT, ":587", ["587"]),
        (formats.PORT, "smtp://[2a02::1]:587/", ["587"]),
        (formats.PORT, "2a02::587", []),
        (formats.PORT, "mail:70000", []),
        (formats.RETENTION, "30 days", ["30d"]),
        (formats.RETENTION, "30D", ["30d"]),
        (formats.RETENTION, "2 weeks", ["2w"]),
        (formats.RETENTION, "06 Months", ["6m"]),
        (formats.RETENTION, "30", ["30d", "30w", "30m"]),
        (formats.RETENTION, "0d", []),
        (formats.OBJECT_NAME, "Ceph_Block", ["ceph-block"]),
        (formats.OBJECT_NAME, "storageclass.storage.k8s.io/ceph-block", ["ceph-block"]),
        (formats.OBJECT_NAME, "ä", []),
        (formats.APPLE_ID, "abc123defg", ["ABC123DEFG"]),
        (formats.APPLE_ID, "AuthKey_ABC123DEFG.p8", ["ABC123DEFG"]),
        (formats.APPLE_ID, "abc", []),
        (formats.WEBSOCKET_URL, "https://livekit.chat-corp.net", ["wss://livekit.chat-corp.net"]),
        (formats.WEBSOCKET_URL, "ws://LiveKit.chat-corp.net:7880/x", ["wss://livekit.chat-corp.net:7880/x"]),
        (formats.WEBSOCKET_URL, "livekit.chat-corp.net", ["wss://livekit.chat-corp.net"]),
        (formats.WEBSOCKET_URL, "https://185.60.112.5", []),
        (formats.USER_NAME, "admin:hunter2", ["admin"]),
        (formats.OPTIONAL_LINE, "chat\u200bcorp", ["chatcorp"]),
        (networks.PUBLIC_ADDRESS, "turn:185.60.113.10:3478?transport=udp", ["185.60.113.10"]),
        (networks.PUBLIC_ADDRESS, "185.60.113.10/10.0.0.5", ["185.60.113.10"]),
        (networks.PUBLIC_ADDRESS, "::ffff:185.60.113.10", ["185.60.113.10"]),
        (networks.PUBLIC_ADDRESS, "10.0.0.5:3478", []),
        (networks.ALLOWED_RANGES, "185.60.112.5/24", ["185.60.112.5/32", "185.60.112.0/24"]),
        (networks.ALLOWED_RANGES, "2a02:ec80:300::1/48", ["2a02:ec80:300::1/128", "2a02:ec80:300::/48"]),
        (networks.ALLOWED_RANGES, "10.0.0.5/255.255.255.0", ["10.0.0.5/32", "10.0.0.0/24"]),
        (networks.ALLOWED_RANGES, "10.0.0.0 255.255.255.0", ["10.0.0.0/24"]),
        (networks.ALLOWED_RANGES, "10.0.0.*", ["10.0.0.0/24"]),
        (networks.ALLOWED_RANGES, "10.0.0.0 / 24", ["10.0.0.0/24"]),
        (networks.ALLOWED_RANGES, "https://10.0.0.5:443/", ["10.0.0.5"]),
        (networks.ALLOWED_RANGES, "10.0.0.0-10.0.0.255", ["10.0.0.0/24"]),
        (networks.ALLOWED_RANGES, "10.0.0.4 – 9", ["10.0.0.4/30, 10.0.0.8/31"]),
        (networks.ALLOWED_RANGES, "10.0.0.1-10.0.0.254", []),
        (networks.ALLOWED_RANGES, "::-ffff::", []),
        (networks.ALLOWED_RANGES, "203.0.113.0-203.0.113.255", []),
        (networks.ALLOWED_RANGES, "::ffff:10.0.0.0/120", ["10.0.0.0/24"]),
        (networks.ALLOWED_RANGES, "::ffff:0:0/96", []),
        (networks.POOL, "185.60.113.40-185.60.113.32", ["185.60.113.32-185.60.113.40"]),
        (networks.POOL, "185.60.113.32 – 40", ["185.60.113.32-185.60.113.40"]),
        (networks.POOL, "185.60.113.33/28", ["185.60.113.33/32", "185.60.113.32/28"]),
        (CHOICE, "Self-Signed", ["selfsigned"]),
        (CHOICE, "Let's Encrypt", ["letsencrypt"]),
        (CHOICE, "man", ["manual"]),
        (CHOICE, "letsencrpyt-stagign", ["letsencrypt-staging"]),
        (CHOICE, "lets", []),
        (SECURITY, "STARTTLS", ["starttls"]),
        (SECURITY, "x", []),
        (BITS, "4096 bits", ["4096"]),
    ],
)
def test_a_refusal_suggests_what_is_meant_and_that_is_taken(kind: Kind, text: str, suggestions: list[str]) -> None:
    error = refusal(kind, text)
    assert list(error.suggestions) == suggestions
    for each in suggestions:
        reader(kind)(each)


OPEN = {question.kind for question in QUESTIONS} - set(SEALED) | {SECURITY}


@given(st.one_of(st.text(), st.text("aB1.:/-@<> \u00a0\u200b[]_%*,\n", max_size=20)))
@example("10.0.0.0 - ")
@example("-1,")
@example("\u200b")
def test_any_text_is_read_or_refused_and_every_suggestion_for_one_item_is_taken(text: str) -> None:
    for kind in OPEN:
        try:
            reader(kind)(text)
        except FormatError as error:
            assert error.what.endswith(".")
            assert text not in error.suggestions
            if "other" not in error.what:
                for each in error.suggestions:
                    reader(kind)(each)


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\u200b", "ZERO WIDTH SPACE"),
        ("\ufeff", "ZERO WIDTH NO-BREAK SPACE"),
        ("\u00ad", "SOFT HYPHEN"),
        ("\u00a0", "NO-BREAK SPACE"),
    ],
)
def test_a_character_that_cannot_be_seen_is_named_and_not_printed(char: str, name: str) -> None:
    error = refusal(formats.DOMAIN, f"chat{char}corp.net")
    assert name in error.what
    assert f"{error.what}{error.instead}".isprintable()


def test_nothing_behind_a_colon_of_a_user_name_is_repeated() -> None:
    error = refusal(formats.USER_NAME, "admin:hunter2")
    assert "hunter2" not in f"{error.what} {error.instead} {error.suggestions}"


@pytest.mark.parametrize("kind", SEALED, ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "text",
    [
        "hunter2\u200bhunter2",
        "https://hunter2",
        "hunter2" * 20,
        "age1hunter2,age1hunter2",
        json.dumps({"a": "hunter2"}),
    ],
    ids=["unseen", "url", "long", "two", "json"],
)
def test_a_sealed_kind_neither_repeats_nor_suggests(kind: Kind, text: str) -> None:
    try:
        reader(kind)(text)
    except FormatError as error:
        assert error.suggestions == ()
        assert "hunter2" not in f"{error.what} {error.instead}"


RANGES = BY_KEY["lawful_intercept.allowed_cidrs"]
POOL = BY_KEY["network.metallb_pool"]


@pytest.mark.parametrize(
    ("question", "text", "value"),
    [
        (
            RANGES,
            "10.0.0.0/24 10.1.0.5,\t10.2.0.0/24\r\n10.3.0.0/24\n",
            "10.0.0.0/24 10.1.0.5/32 10.2.0.0/24 10.3.0.0/24",
        ),
        (POOL, "10.0.0.1 - 10.0.0.9 10.1.0.0/24", "10.0.0.1-10.0.0.9 10.1.0.0/24"),
        (POOL, " 10.0.0.1- 10.0.0.9, 10.1.0.1 -10.1.0.9", "10.0.0.1-10.0.0.9 10.1.0.1-10.1.0.9"),
    ],
)
def test_blanks_commas_and_lines_separate_ranges(question: Question, text: str, value: str) -> None:
    assert question.read(text) == tuple(value.split())


def test_a_recipient_keeps_its_blanks() -> None:
    made = str(pyrage.x25519.Identity.generate().to_public())
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN ops@chat-corp.net"
    assert BY_KEY["vault.recipients"].read(f"{key}\n {made}, {made}") == (key, made)


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        (
            "10.0.0.0/24, 10.1.0.5/24 ,10.2.0.1",
            ["10.0.0.0/24, 10.1.0.5/32 ,10.2.0.1", "10.0.0.0/24, 10.1.0.0/24 ,10.2.0.1"],
        ),
        ("10.0.0.0/24\n10.1.0.4-9\n", ["10.0.0.0/24\n10.1.0.4/30\n10.1.0.8/31\n"]),
        ("10.0.0.0/24 ::ffff:10.1.0.0/120", ["10.0.0.0/24 10.1.0.0/24"]),
    ],
)
def test_of_a_list_the_whole_is_suggested_with_one_item_replaced(text: str, suggestions: list[str]) -> None:
    with pytest.raises(FormatError) as caught:
        RANGES.read(text)
    assert list(caught.value.suggestions) == suggestions
    for each in suggestions:
        assert "10.0.0.0/24" in RANGES.read(each)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10.0.0.1, 10.1.0.1/24", "10.1.0.1/24 has host bits set."),
        ("10.1.0.1/24, x", "10.1.0.1/24 has host bits set. One other is wrong, too."),
        ("10.1.0.1/24 x\ny", "10.1.0.1/24 has host bits set. 2 others are wrong, too."),
    ],
)
def test_of_several_wrong_items_the_first_is_named_and_the_others_counted(text: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        RANGES.read(text)
    assert caught.value.what == says
    assert caught.value.suggestions[0] == text.replace("10.1.0.1/24", "10.1.0.1/32")


@pytest.mark.parametrize("mark", ["- ", "  -  ", "* ", "\u2022 "])
def test_a_list_with_dashes_is_suggested_without_them(mark: str) -> None:
    items = ["10.0.0.0/8", "10.9.0.0/16"]
    with pytest.raises(FormatError) as caught:
        RANGES.read("\n".join(mark + each for each in items))
    (bare,) = caught.value.suggestions
    assert RANGES.read(bare) == tuple(items)
    with pytest.raises(FormatError) as caught:
        RANGES.read(f"{mark}10.0.0.0/8\n{mark}10.9.0.1/16\n")
    assert caught.value.what == "10.9.0.1/16 has host bits set."
    assert RANGES.read(caught.value.suggestions[1]) == ("10.0.0.0/8", "10.9.0.0/16")


def test_every_kind_that_is_typed_openly_has_an_example_which_it_takes() -> None:
    for kind in {question.kind for question in QUESTIONS}:
        if kind.is_document:
            assert kind.example  # the path of one
        elif kind in SEALED or kind.choices:
            assert kind.example == ""
        else:
            reader(kind)(kind.example)
            assert "example" not in kind.example


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        (["10.0.0.0/24", "10.1.0.5/32"], "2 ranges, 257 addresses in all"),
        (["10.0.0.5/32"], "1 range, 1 address"),
        (["10.0.0.0/24", "10.0.0.0/25", "10.0.0.250-10.0.1.1"], "3 ranges, 258 addresses in all"),
        (["10.0.0.0/24", "2a02:ec80:300::/48"], "2 ranges, 256 IPv4 addresses and 1 range of IPv6"),
        (["2a02:ec80:300::/48", "2a02:ec80:301::1-2a02:ec80:301::9"], "2 ranges of IPv6"),
        (["10.0.0.0/8"], "1 range, 16,777,216 addresses"),
    ],
)
def test_ranges_are_counted_by_their_addresses(ranges: list[str], said: str) -> None:
    assert networks.POOL.counted(tuple(ranges)) == said


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)), min_size=1, max_size=5))
def test_an_address_in_two_ranges_is_counted_once(drawn: list[tuple[int, int]]) -> None:
    written = [ipaddress.ip_network(f"10.0.0.{last}/{prefix}", strict=False) for last, prefix in drawn]
    said = networks.ALLOWED_RANGES.counted(tuple(map(str, written)))
    assert int(said.split()[2]) == len({address for network in written for address in network})


def test_other_lists_are_counted_by_their_items() -> None:
    assert [formats.RECIPIENTS.counted(("x",) * number) for number in (1, 3)] == ["1 item", "3 items"]
