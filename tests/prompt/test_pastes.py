"""Keys pasted into the field that takes their path: with and without bracketed paste, of 5 lines and of 400."""

from __future__ import annotations

import datetime
import json
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from .conftest import KEY_ID, agree, script
from .screens import DOWN, PASTE, PASTED, Screens

APNS, FCM = "APNs key file (.p8)", "FCM service account file (JSON)"
CERTIFICATE, PRIVATE_KEY = "Certificate file", "Private key file of the certificate"


def before(home: Path, label: str, **changed: str) -> Screens:
    screens = Screens(home, rows=60)
    for earlier, keys, _ in script():
        if earlier == label:
            break
        screens.answer(earlier, changed.get(earlier, keys))
    screens.at(label)
    return screens


def sent(text: str, how: str) -> list[str]:
    """Return what a terminal sends for a paste: marked as one, or typed line by line, each ended by Enter."""
    if how == "bracketed":
        return [PASTE + text.replace("\n", "\r") + PASTED, "\r"]
    ends = {"typed": "\r", "line feeds": "\n"}
    return [line + ends[how] for line in text.rstrip("\n").split("\n")]


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def chain(count: int) -> tuple[str, str]:
    """Return a chain of *count* certificates for every host of the script, and the key of the first."""
    hosts = ["matrix", "element", "turn", "livekit", "matrix-li", "element-li", "admin-li"]
    names = [x509.DNSName(f"{host}.chat-corp.net") for host in hosts] + [x509.DNSName("chat-corp.net")]
    now = datetime.datetime.now(datetime.UTC)
    pairs = [rsa.generate_private_key(65537, 2048) for _ in range(count)]
    subjects = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"level {number}")]) for number in range(count)]
    made = []
    for number, key in enumerate(pairs):
        above = min(number + 1, count - 1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subjects[number])
            .issuer_name(subjects[above])
            .public_key(key.public_key())
            .serial_number(number + 1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=90))
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=number > 0, path_length=None), critical=True)
        if not number:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made.append(builder.sign(pairs[above], hashes.SHA256()))
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in made), pem(pairs[0])


@pytest.mark.parametrize("how", ["bracketed", "typed", "line feeds"])
def test_a_key_of_five_lines_is_taken_unseen_and_named(home: Path, how: str) -> None:
    text = (home / f"AuthKey_{KEY_ID}.p8").read_text()
    screens = before(home, APNS)
    screens.send(*sent(text, how))
    screens.until("5 lines: EC P-256 private key")
    screens.answer("APNs key id", f"{KEY_ID}\r")  # no line of the paste ran into it
    screens.at("Apple team id")
    assert not [line for line in text.splitlines()[1:-1] if line in screens.everything]


def test_a_paste_is_named_before_it_is_accepted_and_can_be_taken_back(home: Path) -> None:
    text = (home / f"AuthKey_{KEY_ID}.p8").read_text()
    screens = before(home, APNS)
    screens.send(PASTE + text + PASTED)
    screens.until("› [5 lines: EC P-256 private key pasted]")
    screens.send("\x7f")
    screens.send(f"AuthKey_{KEY_ID}.p8\r")
    screens.until(f"AuthKey_{KEY_ID}.p8: 5 lines: EC P-256 private key")


@pytest.mark.parametrize("how", ["bracketed", "typed"])
def test_a_service_account_ends_where_its_json_closes(home: Path, how: str) -> None:
    account = json.loads((home / "fcm.json").read_text())
    account["note"] = {str(number): "} not the end {" for number in range(380)}  # 400 lines in all
    text = json.dumps(account, indent=1)
    assert len(text.splitlines()) > 390
    screens = before(home, FCM)
    screens.send(*sent(text, how))
    screens.until("service account push@chat-push.iam.gserviceaccount.com")
    screens.at("Certificates")
    private = account["private_key"].split("\n")[5]
    assert private not in screens.everything


@pytest.mark.parametrize("how", ["bracketed", "typed"])
def test_a_chain_of_four_hundred_lines_ends_at_an_empty_line(home: Path, how: str) -> None:
    certificates, key = chain(24)
    assert len(certificates.splitlines()) > 380
    screens = before(home, "Certificates")
    screens.send(DOWN + DOWN + "\r")
    screens.at(CERTIFICATE)
    screens.send(*sent(certificates, how), "\r")
    screens.until("24 certificates")
    screens.at(PRIVATE_KEY)
    screens.send(*sent(pem(rsa.generate_private_key(65537, 2048)), how))
    screens.until("does not belong to the certificate")
    screens.send("\x7f", *sent(key, how))
    screens.at("Public address of the TURN server")
    assert "RSA 2048 private key" in screens.shown
    for label, keys, _ in script()[20:]:
        screens.answer(label, keys)
    assert agree(screens) == 0, screens.scrolled
    manifests = [path for path in (home / "deployment").rglob("*.yaml") if "tls.crt" in path.read_text()]
    (written,) = [path.read_text() for path in manifests if "BEGIN PRIVATE KEY" in path.read_text()]
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-subject"], input=certificates, capture_output=True, text=True, check=True
    )
    assert "level 0" in shown.stdout
    assert all(line in written for line in (certificates + key).splitlines())


def test_what_is_not_a_key_is_told_and_the_field_asks_again(home: Path) -> None:
    screens = before(home, APNS)
    screens.send("nowhere.p8\r")
    screens.until("! nowhere.p8 cannot be read: No such file or directory.")
    text = pem(rsa.generate_private_key(65537, 2048))
    screens.send("\x15", *sent(text, "typed"))
    screens.until("kind RSA")
    screens.send("\x7f")
    screens.send("-----BEGIN PRIVATE KEY-----\r", "MIIabc\r", "\r")  # it never ends, but for an empty line
    screens.until("! The private key cannot be read")
    assert not [line for line in text.splitlines()[1:-1] if line in screens.everything]


def test_the_inside_of_a_key_without_its_first_line_is_hidden_too(home: Path) -> None:
    inside = "".join((home / f"AuthKey_{KEY_ID}.p8").read_text().splitlines()[1:-1])
    screens = before(home, APNS)
    screens.send(PASTE + inside + PASTED)
    screens.until("› [paste]")
    screens.send("\r")
    screens.until("! ")
    assert inside not in screens.everything.replace("\r", "").replace("\n", "")
    assert inside[40:80] not in screens.everything


def test_a_path_is_completed(home: Path) -> None:
    screens = before(home, APNS)
    screens.send("Auth\t\t")
    screens.until(f"› AuthKey_{KEY_ID}.p8")
    screens.send("\r")
    screens.at("APNs key id")


def test_a_list_is_pasted_line_by_line(home: Path) -> None:
    screens = before(home, "Addresses that may reach LI")
    screens.send(PASTE + "185.60.112.0/24\r185.60.113.7\r" + PASTED + "\r")
    screens.until("Addresses that may reach LI: 2 ranges, 257 addresses")


@pytest.mark.parametrize("label", ["Shall iPhones get push messages (APNs)?", "Certificates"])
def test_a_key_pasted_where_none_is_asked_for_answers_nothing_and_is_not_drawn(home: Path, label: str) -> None:
    text = (home / f"AuthKey_{KEY_ID}.p8").read_text()
    screens = before(home, label)
    screens.send(PASTE + text.replace("\n", "\r") + PASTED, "?" if label == "Certificates" else "n")
    expected = "In the answers file" if label == "Certificates" else "(y/N) n"
    screens.until(lambda screen: expected in " ".join(screen.split()))
    assert not [line for line in text.splitlines() if line in screens.everything]


def test_a_file_without_an_end_is_refused(home: Path) -> None:
    screens = before(home, APNS)
    screens.send("/dev/zero\r")
    screens.until("! /dev/zero cannot be read: File too large.")
