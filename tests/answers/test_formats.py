"""Each format takes what its consumer takes, and says what to write instead of the rest."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard import formats, networks
from wizard.formats import FormatError


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (formats.domain, " chat-corp.net ", "chat-corp.net"),
        (formats.domain, "xn--bcher-kva.ch", "xn--bcher-kva.ch"),
        (networks.host, "mailhog", "mailhog"),
        (networks.host, "[2a02:ec80:300::1]", "2a02:ec80:300::1"),
        (formats.mailbox, "ops@Chat-Corp.net", "ops@chat-corp.net"),
        (formats.sender, "Matrix <matrix@chat-corp.net>", "Matrix <matrix@chat-corp.net>"),
        (formats.sender, "matrix@chat-corp.net", "matrix@chat-corp.net"),
        (networks.allowed_range, "91.198.174.192", "91.198.174.192/32"),
        (networks.allowed_range, "2a02:ec80:300::1", "2a02:ec80:300::1/128"),
        (networks.allowed_range, "10.0.0.0/8", "10.0.0.0/8"),
        (networks.pool, "185.60.113.32 - 185.60.113.40", "185.60.113.32-185.60.113.40"),
        (networks.public_address, "185.60.113.10", "185.60.113.10"),
        (formats.port, "65535", 65535),
        (formats.retention, "30d", "30d"),
        (formats.websocket_url, "wss://livekit.chat-corp.net:7880/x", "wss://livekit.chat-corp.net:7880/x"),
        (formats.optional_line, "", ""),
        (formats.password, "p: '\" \\ #\n", "p: '\" \\ #"),
        (formats.password, " blanks count \r\n", " blanks count "),
        (formats.one_of(2048, 4096).read, "4096", 4096),
        (formats.image, "key-vault:1", "key-vault:1"),
        (formats.image, "Registry.corp.net:5000/a/b-c_d:v1.0_x", "Registry.corp.net:5000/a/b-c_d:v1.0_x"),
        (formats.image, f"quay.io/a/b:1@sha256:{64 * 'a'}", f"quay.io/a/b:1@sha256:{64 * 'a'}"),
    ],
)
def test_a_legal_answer_is_read(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (formats.domain, "https://Chat-Corp.net:8448/x?y", "Write only the name: chat-corp.net"),
        (formats.domain, "chat-corp.net:8448", "Write only the name: chat-corp.net"),
        (formats.domain, "Chat-Corp.net", "Write only the name: chat-corp.net"),
        (formats.domain, "bücher.ch", "Write only the name: xn--bcher-kva.ch"),
        (formats.domain, "chat-corp.net.", "Write only the name: chat-corp.net"),
        (formats.domain, "matrix.example.com", "reserved"),
        (formats.domain, "chat.test", "reserved"),
        (formats.domain, "localhost", "reserved"),
        (formats.domain, "chat", "chat.net"),
        (formats.domain, "10.0.0.1", "is an address"),
        (formats.domain, "chat_corp.net", "not a host name"),
        (formats.domain, "*.chat-corp.net", "not a host name"),
        (formats.domain, "a" * 64 + ".net", "not a host name"),
        (formats.domain, "chat-corp.net\nx", "line break"),
        (networks.host, "192.0.2.7", "only documents use"),
        (networks.host, "smtp.example.org", "reserved"),
        (formats.mailbox, "ops", "name@domain"),
        (formats.mailbox, "Ops <ops@chat-corp.net>", "Write ops@chat-corp.net."),
        (formats.mailbox, "ops@example.com", "reserved"),
        (formats.sender, "Matrix <matrix>", "name@domain"),
        (networks.allowed_range, "0.0.0.0/0", "opens LI to everyone"),
        (networks.allowed_range, "::/0", "opens LI to everyone"),
        (networks.allowed_range, "8.8.8.8/0", "opens LI to everyone"),
        (networks.allowed_range, "128.0.0.0/1", "too wide"),
        (networks.allowed_range, "2000::/3", "too wide"),
        (networks.allowed_range, "::ffff:0:0/96", "as IPv4"),
        (networks.allowed_range, "185.60.112.5/24", "185.60.112.5/32, the whole range 185.60.112.0/24"),
        (networks.allowed_range, "203.0.113.0/24", "only documents use"),
        (networks.allowed_range, "2001:db8:1::/48", "only documents use"),
        (networks.allowed_range, "fe80::1%eth0", "not an address range"),
        (networks.allowed_range, "YOUR_LAW_ENFORCEMENT_IPS", "not an address range"),
        (networks.pool, "185.60.113.40-185.60.113.32", "not a range"),
        (networks.public_address, "10.0.0.1", "private"),
        (networks.public_address, "100.64.0.1", "private"),
        (networks.public_address, "224.0.0.5", "private"),
        (formats.port, "0", "1 to 65535"),
        (formats.port, "65536", "1 to 65535"),
        (formats.port, "smtp", "Write a number"),
        (formats.retention, "30", "30d"),
        (formats.retention, "0d", "30d"),
        (formats.object_name, "Ceph Block", "lower-case"),
        (formats.image, "quay.io/a/key-vault", "Write quay.io/a/key-vault:VERSION"),
        (formats.image, "https://quay.io/a/b:1", "Write quay.io/a/b:1"),
        (formats.image, "quay.io/Key/Vault:1", "Write quay.io/key/vault:1"),
        (formats.image, "a b:1", "Write REGISTRY/NAME:VERSION"),
        (formats.apple_id, "abc123defg", "ten capital"),
        (formats.bundle, "com.example.app", "placeholder"),
        (formats.websocket_url, "https://livekit.chat-corp.net", "Write wss://livekit.chat-corp.net."),
        (formats.websocket_url, "wss://a b", "wss://host"),
        (formats.user_name, "a:b", "without colon"),
        (formats.recipient, "AGE-SECRET-KEY-1QQQQQ", "secret half"),
        (formats.recipient, "age1qqqq", "not a recipient"),
        (formats.password, "\n", "empty"),
        (formats.web_password, "ü" * 37, "72 bytes"),
        (formats.certificate, "x", "no certificate"),
        (formats.private_key, "-----BEGIN PUBLIC KEY-----", "no private key"),
        (formats.one_of("tls", "none").read, "ssl", "one of tls, none"),
    ],
)
def test_an_illegal_answer_says_what_to_write(read: Callable[[str], object], text: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(text)
    assert says in f"{caught.value.what} {caught.value.instead}"


def test_a_recipient_is_one_that_age_encrypts_to() -> None:
    made = str(pyrage.x25519.Identity.generate().to_public())
    assert formats.recipient(f" {made} ") == made
    wrong = made[:-1] + ("q" if made[-1] != "q" else "p")
    with pytest.raises(FormatError):
        formats.recipient(wrong)


@given(st.ip_addresses(), st.integers(0, 128))
def test_an_accepted_range_holds_what_was_written_and_is_no_wider(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: int
) -> None:
    text = f"{address}/{min(prefix, address.max_prefixlen)}"
    try:
        accepted = ipaddress.ip_network(networks.allowed_range(text))
    except FormatError:
        return
    assert accepted == ipaddress.ip_network(text)
    assert accepted.prefixlen >= (8 if accepted.version == 4 else 16)


@given(st.text())
def test_no_text_upsets_a_format(text: str) -> None:
    for read in (formats.domain, networks.host, formats.sender, networks.allowed_range, formats.websocket_url):
        try:
            read(text)
        except FormatError as error:
            assert error.what.endswith(".")


def test_remarks_name_ranges_by_number_for_they_are_confidential() -> None:
    said = list(networks.remarks(("185.48.0.0/12", "185.60.112.0/24", "2a02:ec80:300::/48")))
    assert said == [
        "Range 1 is wide: 1,048,576 addresses may reach LI.",
        "Range 2 lies within range 1 and adds nothing.",
    ]
