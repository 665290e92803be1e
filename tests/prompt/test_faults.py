"""A wrong text in every field: what is said of it, where it stands, and what Tab puts in its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .conftest import KEY_ID, PASSWORD, agree, script
from .screens import CTRL_U, DOWN, PASTE, PASTED, TAB, Screens

BACKSPACE = "\x7f"
ALLOWED = "Addresses that may reach LI"
APNS, FCM = "APNs key file (.p8)", "FCM service account file (JSON)"

PROPOSED = {"APNs key id": KEY_ID, "LiveKit": "livekit.chat-corp.net"}


@dataclass(frozen=True)
class Bad:
    """A text that is refused, a part of what is said then, and what stands in the field after each Tab."""

    typed: str
    said: str
    tabs: tuple[str, ...] = ()
    shown: str = ""  # where the field does not show what was typed


BAD = {
    "Base domain": (
        Bad("", "This is empty."),
        Bad("https://chat-corp.net/", "Write only the name: chat-corp.net", ("chat-corp.net",)),
        Bad("Chat-Corp.NET", "has capital letters", ("chat-corp.net",)),
        Bad("chat-corp.net:8448", "Write only the name: chat-corp.net", ("chat-corp.net",)),
        Bad("chat-corp.net.", "Write only the name: chat-corp.net", ("chat-corp.net",)),
        Bad("\u200bchat-corp.net", "ZERO WIDTH SPACE (U+200B)", ("chat-corp.net",), "chat-corp.net"),
        Bad("chat-\u00a0corp.net", "NO-BREAK SPACE (U+00A0)", ("chat-corp.net",), "corp.net"),
        Bad("bücher-corp.net", "not in punycode", ("xn--bcher-corp-9db.net",)),
        Bad("chat.example.com", "reserved for documents and tests"),
        Bad("185.60.112.1", "is an address. Write a domain name."),
        Bad("chatcorp", "Write it with its top-level domain"),
    ),
    ALLOWED: (
        Bad("185.60.112.5/24", "has host bits set", ("185.60.112.5/32", "185.60.112.0/24")),
        Bad("0.0.0.0/0", "opens LI to everyone"),
        Bad("::/0", "opens LI to everyone"),
        Bad("192.0.2.0/24", "only documents use"),
        Bad("128.0.0.0/2", "too wide: it covers 1,073,741,824 addresses"),
        Bad("185.60.112.300", "is not an address range"),
        Bad("185.60.112.0-185.60.112.255", "is not a CIDR", ("185.60.112.0/24",)),
    ),
    "SMTP host": (
        Bad("smtp://mail.chat-corp.net:587", "Write only the name: mail.chat-corp.net", ("mail.chat-corp.net",)),
        Bad("Mail.Chat-Corp.Net", "has capital letters", ("mail.chat-corp.net",)),
        Bad("mail_1.chat-corp.net", "is not a host name"),
    ),
    "SMTP port": (
        Bad("70000", "Write a number from 1 to 65535."),
        Bad("0", "Write a number from 1 to 65535."),
        Bad("smtp", "is not a port"),
        Bad("2525/tcp", "is not a port", ("2525",)),
    ),
    "SMTP user": (Bad("robot\u200b", "ZERO WIDTH SPACE", ("robot",), "robot"),),
    "SMTP password": (
        Bad("", "The password is empty."),
        Bad(f"{PASTE}a\tb{PASTED}", "Character 2 is a control character.", shown="••••"),
    ),
    "Sender of mail": (
        Bad("Chat robot@chat-corp.net", "is not an address", ("Chat <robot@chat-corp.net>",)),
        Bad("robot@localhost", "reserved"),
    ),
    APNS: (
        Bad("", "This is empty."),
        Bad("nowhere.p8", "No such file or directory"),
        Bad("directory", "Is a directory"),
        Bad("large.p8", "larger"),
        Bad("rsa.p8", "EC P-256 private key; this is a private key of kind RSA"),
        Bad("fcm.json", "The private key cannot be read"),
        Bad("bytes.p8", "UTF-8"),
    ),
    "APNs key id": (
        Bad("abc123defg", "Write its ten capital letters and digits: ABC123DEFG", ("ABC123DEFG",)),
        Bad("ABC123", "is not an Apple id"),
    ),
    "Apple team id": (Bad("team123456", "capital letters", ("TEAM123456",)),),
    "Bundle identifier": (Bad("com.example.app", "is a placeholder"), Bad("app", "is not a bundle identifier")),
    FCM: (
        Bad("broken.json", "JSON"),
        Bad("other.json", "service account"),
        Bad(f"AuthKey_{KEY_ID}.p8", "JSON"),
        Bad(f'{PASTE}{{"type": "service_account"}}{PASTED}', "The service account lacks", shown="pasted]"),
    ),
    "E-mail address for Let's Encrypt": (
        Bad("Ops <ops@chat-corp.net>", "Only the address is meant here.", ("ops@chat-corp.net",)),
        Bad("ops", "is not an e-mail address"),
        Bad("ops@example.org", "reserved"),
    ),
    "Public address of the TURN server": (
        Bad("10.1.2.3", "private or reserved"),
        Bad("203.0.113.7", "only documents use"),
        Bad("turn.chat-corp.net", "is not an IP address"),
        Bad("185.60.113.10:3478", "is not an IP address", ("185.60.113.10",)),
    ),
    "LiveKit": (
        Bad("wss://livekit.chat-corp.net", "Write only the name", ("livekit.chat-corp.net",)),
        Bad("admin-li.chat-corp.net", "are both admin-li.chat-corp.net"),
    ),
    "Address pool of MetalLB": (
        Bad("185.60.113.40/28", "has host bits set", ("185.60.113.40/32", "185.60.113.32/28")),
        Bad("0.0.0.0/0", "too wide for a pool"),
        Bad("185.60.113.47-32", "is not a range of addresses", ("185.60.113.32-185.60.113.47",)),
    ),
    "Storage class": (Bad("Ceph Block", "no name of a Kubernetes object", ("ceph-block",)),),
    "Keep backups of the main database for": (
        Bad("two weeks", "Write days, weeks or months"),
        Bad("14 days", "is not a duration", ("14d",)),
    ),
    "Keep backups of the LI database for": (
        Bad("13d", "shorter"),
        Bad("90", "is not a duration", ("90d", "90w", "90m")),
    ),
}


def broken_files(home: Path) -> None:
    """Write what is given in the place of a key file by mistake."""
    pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home / "rsa.p8").write_bytes(pem)
    (home / "directory").mkdir()
    (home / "large.p8").write_bytes(b"-" * 3_000_000)
    (home / "bytes.p8").write_bytes(b"\xff\xfe" * 200)
    (home / "broken.json").write_text((home / "fcm.json").read_text()[:-4])
    (home / "other.json").write_text(json.dumps({"installed": {"client_id": "1"}}))


def under(screens: Screens) -> tuple[str, str]:
    """Return the last line of the field that is asked, and the message under it; "" where there is none."""
    lines = [line.strip() for line in screens.shown.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    start = max((at for at, line in enumerate(lines) if line.startswith("›")), default=None)
    if start is None:
        return "", ""
    message = [line.startswith("!") for line in lines[start:]].index(True) if _complains(lines[start:]) else 0
    if not message:
        return lines[start], ""
    return lines[start + message - 1], " ".join(lines[start + message :])


def _complains(lines: list[str]) -> bool:
    return any(line.startswith("!") for line in lines)


def refused(screens: Screens, label: str, bad: Bad) -> None:
    """Type a wrong text: nothing is said before Enter, then it is said right under it, and Tab mends it."""
    screens.send(CTRL_U, BACKSPACE, bad.typed)
    shown = bad.shown or bad.typed
    screens.until(lambda _: under(screens)[0].endswith(shown) and not under(screens)[1])
    screens.send("\r")
    screens.until(lambda _: bad.said in under(screens)[1])
    above, message = under(screens)
    assert above.startswith("›"), (label, bad.typed, screens.shown)  # the message is in the line after it
    assert above.endswith(shown)
    named = bad.tabs[0] if len(bad.tabs) > 1 else "it"
    assert (f"(Tab takes {named})" in message) == bool(bad.tabs), (label, bad.typed, message)
    for text, following in zip_longest(bad.tabs, bad.tabs[1:], fillvalue=""):
        screens.send(TAB)
        screens.until(lambda _, text=text: under(screens) == (f"› {text}", ""))  # type: ignore[misc]
        if following:
            screens.until(f"Tab takes {following} instead")


def test_a_wrong_text_in_every_field_is_told_under_it_and_mended(home: Path) -> None:
    broken_files(home)
    screens = Screens(home, rows=60)
    for label, keys, _ in script():
        screens.at(label)
        for bad in BAD.get(label, ()):
            refused(screens, label, bad)
        good = keys.removeprefix(CTRL_U) if keys.strip("\r") else PROPOSED.get(label, "") + "\r"
        screens.send(CTRL_U + BACKSPACE + good if label in BAD else keys)
    screens.at("Write now?")
    for typed in ("", "yess", "0", "99", "-1"):
        refused(screens, "Write now?", Bad(typed, "Type d, n, y or a number up to"))
    screens.send(CTRL_U)
    assert agree(screens) == 0
    assert PASSWORD not in screens.everything


def until_field(label: str, home: Path) -> Screens:
    screens = Screens(home, rows=60)
    for earlier, keys, _ in script():
        if earlier == label:
            break
        screens.answer(earlier, keys)
    screens.at(label)
    return screens


def test_blanks_around_a_text_are_no_fault(home: Path) -> None:
    screens = until_field("Base domain", home)
    screens.send(" \u00a0chat-corp.net\u00a0  \r")
    screens.until("Base domain: chat-corp.net\n")
    screens.at("These names follow from chat-corp.net:")


def test_a_server_name_of_its_own_is_judged_like_any_other(home: Path) -> None:
    screens = until_field("Server name", home)
    screens.send(DOWN + DOWN + "\r")
    screens.until("›\n")
    for bad in (
        Bad("@ops:chat-corp.net", "Write only the name", ("chat-corp.net",)),
        Bad("chat.test", "reserved"),
        Bad("10.0.0.1", "is an address"),
    ):
        refused(screens, "Server name", bad)


def test_a_range_much_wider_than_usual_takes_a_second_enter(home: Path) -> None:
    again = "Enter once more keeps it."
    screens = until_field(ALLOWED, home)
    screens.send("185.60.0.0/15\r")
    screens.until("185.60.0.0/15\n\n")
    assert again not in screens.shown
    screens.send("\r")
    screens.until("Range 1 is wide: 131,072 addresses may reach LI.")
    assert again in under(screens)[1]
    assert ALLOWED in screens.shown  # it was only warned of
    screens.send("185.62.0.0/15\r")  # another text is doubted anew
    screens.until("185.62.0.0/15\n\n")
    screens.send("\r")
    screens.until("Range 2 is wide")
    screens.send("\r")
    screens.until(f"{ALLOWED}: 2 ranges")
    screens.at("Shall Synapse send mail?")


def test_two_faults_in_a_list_are_counted_and_tab_mends_the_first(home: Path) -> None:
    screens = until_field(ALLOWED, home)
    screens.send("185.60.112.9/24 185.60.113.9/24\r")
    screens.until("! 185.60.112.9/24 has host bits set. One other is wrong, too.")
    screens.send(TAB)
    screens.until("› 185.60.112.9/32 185.60.113.9/24\n")
    screens.send("\r")
    screens.until("! 185.60.113.9/24 has host bits set.")
    screens.send(TAB, TAB)
    screens.until("› 185.60.112.9/32 185.60.113.0/24\n")
    screens.send("\r\r")
    screens.until(f"{ALLOWED}: 2 ranges, 257 addresses")


def test_a_fault_goes_when_the_text_is_changed(home: Path) -> None:
    screens = until_field("Base domain", home)
    screens.send("chatcorp\r")
    screens.until("! chatcorp is not a whole domain name.")
    screens.send(".net")
    screens.until(lambda _: under(screens) == ("› chatcorp.net", ""))
    screens.send("\r")
    screens.at("These names follow from chatcorp.net:")


def test_enter_looks_at_the_file_anew(home: Path) -> None:
    screens = until_field(APNS, home)
    screens.send("later.p8\r")
    screens.until("! later.p8 cannot be read: No such file or directory.")
    (home / f"AuthKey_{KEY_ID}.p8").rename(home / "later.p8")
    screens.send("\r")
    screens.until("later.p8: 5 lines: EC P-256 private key")
