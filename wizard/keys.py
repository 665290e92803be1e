"""Reads the formats of key material: parses, checks and converts texts that a person gave or a tree holds.

Pure: makes nothing, knows no clock and no file. Every refusal is a ValueError; neither its sentence nor its chain of
causes holds anything of the text it refuses.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from wizard.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

# Synapse drops junk inside the base64 and loads another key, so we are stricter than it is (FACTS 1).
_SIGNING_KEY = re.compile(r"ed25519 ([a-zA-Z0-9_]+) ([A-Za-z0-9+/]{43})")
# CVE-2026-24044: a Helm tool made every key from one seed; Synapse refuses this public key (FACTS 1).
_WEAK_VERIFY_KEYS = frozenset({"l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og"})

_APNS_FILE = re.compile(r"AuthKey_([A-Z0-9]{10})(?:\.p8)?$")
_PRIVATE_KEY_FOOTER = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY-----")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^-]+-----END [A-Z0-9 ]*PRIVATE KEY-----")
_BODY_LINE = re.compile(r"[A-Za-z0-9+/=]{16,}")  # of an armour; a last line that is shorter tells little
_TELLING = 9  # octets of a secret number on a line, which make that line one of no other key
_PRIVATE_KEY_HEADER = re.compile(r"-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----")
# What people paste instead of a private key, most telling first (FACTS 3); the last row fits whatever is left.
_SSH_HEADERS = ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----")  # ssh-keygen, and with -m PEM

_PEM_FAULTS = (
    (re.compile(r"\A\s*\{"), "it is a JSON file, and a key in PEM form is wanted"),
    (re.compile(r"\\n"), "it holds the two characters \\n where lines should end"),
    (re.compile(r"BEGIN OPENSSH PRIVATE KEY"), "it is in OpenSSH's own form: convert it to PKCS#8"),
    (re.compile(r"BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED"), "it is encrypted with a passphrase: decrypt it first"),
    (re.compile(r"\A\s*LS0tLS1CRUdJTi"), "it is the base64 of a PEM text: give the PEM text itself"),
    (re.compile(r"(?s)(?:BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?){2}"), "it has more than one BEGIN PRIVATE KEY line"),
    (_PRIVATE_KEY_HEADER, "the text between its BEGIN and END lines is damaged or of another form than they say"),
    (re.compile(r"BEGIN CERTIFICATE"), "it is a certificate, not a private key"),
    (re.compile(r""), "it has no BEGIN PRIVATE KEY line"),
)

# What google-auth asks of a service account (FACTS 3).
_SERVICE_ACCOUNT_FIELDS = ("type", "client_email", "token_uri", "private_key")

# Schemes that nginx or its C library verifies (FACTS 3); text without one is a plain password, and always a 401.
_BCRYPT_HASH = re.compile(r"\$(2[aby])\$(\d\d)\$[./A-Za-z0-9]{53}")
_OTHER_HASHES = (
    ("apr1", re.compile(r"\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}")),
    ("1", re.compile(r"\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}")),
    ("5", re.compile(r"\$5\$(?:rounds=\d+\$)?[^$:]{1,16}\$[./A-Za-z0-9]{43}")),
    ("6", re.compile(r"\$6\$(?:rounds=\d+\$)?[^$:]{1,16}\$[./A-Za-z0-9]{86}")),
    ("y", re.compile(r"\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{43}")),
    ("SHA", re.compile(r"\{SHA\}[A-Za-z0-9+/]{27}=")),
    ("SSHA", re.compile(r"\{SSHA\}[A-Za-z0-9+/]{28,}={0,2}")),
    ("PLAIN", re.compile(r"\{PLAIN\}.+")),
)


@dataclass(frozen=True)
class SigningKey:
    """A Synapse signing key: its id (``a_XXXX``), its public key and its seed, both unpadded base64 of 32 bytes."""

    id: str
    verify_key: str
    seed: Secret


@dataclass(frozen=True)
class HtpasswdLine:
    """One user of an htpasswd file; ``cost`` is bcrypt's (each step doubles the work), None for other schemes."""

    user: str
    scheme: str
    cost: int | None


class KnownKeyError(ValueError):
    """A key that everybody can make, so that it proves nothing."""


def signing_key(text: str) -> SigningKey:
    """Return the key of a signing key file: exactly one line, one final newline allowed (FACTS 1, strict rule)."""
    from nacl.signing import SigningKey as Ed25519

    lines = text.removesuffix("\n").split("\n")
    if len(lines) != 1:
        raise ValueError(
            f"A signing key is exactly one line and this text has {len(lines)}: "
            "Synapse does not start when a comment line stands beside the key."
        )
    match = _SIGNING_KEY.fullmatch(lines[0])
    if match is None:
        raise ValueError(
            "A signing key is the word ed25519, an id such as a_XXXX and 43 characters of base64, "
            "with one space between them; this text is not."
        )
    seed = base64.b64decode(match[2] + "=")
    if _unpadded(seed) != match[2]:
        raise ValueError("The last character of the signing key is one that no key ends in: the key was altered.")
    verify_key = _unpadded(bytes(Ed25519(seed).verify_key))
    if verify_key in _WEAK_VERIFY_KEYS:
        raise KnownKeyError(
            "This signing key is publicly known (CVE-2026-24044) and Synapse refuses it: a new one must be made."
        )
    return SigningKey(match[1], verify_key, Secret(match[2]))


@dataclass(frozen=True)
class PrivateParts:
    """What of private key material is secret, apart from what is public or alike in every key: whole lines of its text,
    of an RSA key in both forms, and the secret numbers (big-endian bytes, as its DER and a JWK have them)."""

    lines: tuple[str, ...] = field(repr=False)
    numbers: tuple[bytes, ...] = field(repr=False)


def private_parts(text: str) -> PrivateParts | None:
    """Return the secret parts of a signing key, or of the private keys in PEM that *text* holds, be it in JSON.

    None where it holds none. Of a key that cannot be read, such as an encrypted one, every line counts."""
    with suppress(ValueError):
        seed = signing_key(text).seed.reveal()
        return PrivateParts((seed,), (base64.b64decode(seed + "="),))
    found = [_parts_of(pem) for pem in _PRIVATE_KEY.findall(text.replace("\\n", "\n"))]
    if not found:
        return None
    return PrivateParts(
        tuple(dict.fromkeys(line for lines, _ in found for line in lines)),
        tuple(dict.fromkeys(number for _, numbers in found for number in numbers)),
    )


def signing_keys(text: str) -> tuple[SigningKey, ...]:
    """Return the keys of a signing key file: one, or two while a rotation is half-way, of which the first signs.

    ValueError for what ``signing_key`` refuses, for more, and for two of one id (FACTS 0, R5; FACTS 1)."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != 2:
        return (signing_key(text),)
    both = tuple(map(signing_key, lines))
    if both[0].id == both[1].id:
        raise ValueError("Two signing keys have one id: other servers would take the one for the other.")
    return both


def rsa_key(pem: str) -> int:
    """Return the bits of an RSA private key in PKCS#1 or PKCS#8 PEM; ValueError when it is not one."""
    return _rsa(pem).key_size


def rsa_form(pem: str, header: Literal["pkcs1", "pkcs8"]) -> str:
    """Return the same RSA key under ``BEGIN RSA PRIVATE KEY`` (pkcs1) or ``BEGIN PRIVATE KEY`` (pkcs8).

    Lines of 64 characters as OpenSSL writes them, no final newline. ValueError when ``pem`` is no RSA private key.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    form = {"pkcs1": PrivateFormat.TraditionalOpenSSL, "pkcs8": PrivateFormat.PKCS8}[header]
    # Another form of the same numbers: proving the primes again, 30 ms, is left to ``rsa_key``.
    return _rsa(pem, proven=True).private_bytes(Encoding.PEM, form, NoEncryption()).decode().rstrip("\n")


def same_rsa(a: str, b: str) -> bool:
    """Tell whether two PEM texts, in whatever form, hold one RSA key; ValueError when either is no RSA private key."""
    return _rsa(a).public_key() == _rsa(b).public_key()


def apns_key(pem: str) -> None:
    """Raise ValueError unless the text is what Apple gives as ``.p8``: an EC P-256 private key in PKCS#8 (FACTS 3)."""
    key = _private_key(pem)
    if _describe(key) != "EC P-256":
        raise ValueError(
            f"Apple's .p8 file holds an EC P-256 private key; this is a private key of kind {_describe(key)}."
        )
    if _forms(pem) != [""]:
        raise ValueError("Apple's .p8 file is PKCS#8, under a BEGIN PRIVATE KEY line; this key is in another form.")


def service_account(text: str) -> dict[str, Any]:
    """Return the object of a Google service-account file; ValueError when google-auth could not use it (FACTS 3)."""
    read = _json(text)
    account = read if isinstance(read, dict) else {}
    missing = [name for name in _SERVICE_ACCOUNT_FIELDS if not (isinstance(account.get(name), str) and account[name])]
    if missing:
        raise ValueError(f"The service account lacks {_listed(missing)}: take the whole JSON file as Google gave it.")
    if account["type"] != "service_account":
        raise ValueError("The JSON is not a service account: its type is another one.")
    try:
        _rsa(account["private_key"])
    except ValueError as error:
        raise ValueError(f"The service account's private_key does not load. {error}") from None
    return account


def tls_pair(certificate_pem: str, private_key_pem: str, hosts: Iterable[str], now: datetime) -> datetime:
    """Return when the first certificate expires (UTC), once the pair can serve every host.

    ``now`` knows its time zone. ValueError names all that is wrong at once: the key is not the first certificate's, the
    chain is out of order, a certificate is not valid at ``now``, or the names do not cover a host (RFC 9525).
    """
    faults = tls_faults(certificate_pem, private_key_pem, hosts, now)
    if faults:
        raise ValueError(" ".join(fault.text for fault in faults))
    return _certificates(certificate_pem)[0].not_valid_after_utc


@dataclass(frozen=True)
class TlsFault:
    """One thing that is wrong with a certificate file and its key, and what it is about. It quotes host names only."""

    about: Literal["key", "chain", "early", "expired", "names"]
    text: str


def tls_faults(certificate_pem: str, private_key_pem: str, hosts: Iterable[str], now: datetime) -> list[TlsFault]:
    """Return all that keeps the pair from serving every host, see ``tls_pair``; ValueError where one is unreadable."""
    chain = _certificates(certificate_pem)
    return [
        *(TlsFault("key", text) for text in _key_faults(chain, _private_key(private_key_pem))),
        *(TlsFault("chain", text) for text in _chain_faults(chain)),
        *(fault for number, one in enumerate(chain, 1) for fault in _time_faults(number, one, now)),
        *(TlsFault("names", text) for text in _name_faults(chain[0], hosts)),
    ]


def expires(certificate_pem: str) -> datetime:
    """Return when the first certificate of a chain to end ends (UTC); ValueError where there is none."""
    return min(one.not_valid_after_utc for one in _certificates(certificate_pem))


def lacks_issuer(certificate_pem: str) -> bool:
    """Tell whether a chain ends in a server's own certificate that another one signed: what is between is not there.

    ValueError where there is no certificate. A root is never sent, so one that signed a server's directly may be absent
    rightly; no public authority does so."""
    last = _certificates(certificate_pem)[-1]
    return last.issuer != last.subject and not _is_authority(last)


def belongs(certificate_pem: str, private_key_pem: str) -> bool:
    """Tell whether a private key is that of the first certificate; ValueError where either cannot be read."""
    return not _key_faults(_certificates(certificate_pem), _private_key(private_key_pem))


def is_whole_key(text: str) -> bool:
    """Tell whether a text that is being pasted holds the end of a private key; parameters before it end nothing."""
    return _PRIVATE_KEY_FOOTER.search(text) is not None


def is_whole_json(text: str) -> bool:
    """Tell whether a text that is being pasted has come to the end of its JSON value."""
    try:
        json.JSONDecoder().raw_decode(text.lstrip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        return False
    return True


def named_private_key(pem: str) -> str:
    """Return what kind of private key it is ("EC P-256 private key", "RSA 2048 private key"); ValueError for none."""
    return f"{_describe(_private_key(pem))} private key"


def named_certificates(pem: str) -> str:
    """Return how many certificates there are, whom the first one is for, and until when (UTC); ValueError for none."""
    chain = _certificates(pem)
    names = _names(chain[0])
    first = f"for {names[0]}" if names else "which names no host"
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    count = f"{len(chain)} certificates, the first" if len(chain) > 1 else "a certificate"
    return f"{count} {first}{others}, valid until {chain[0].not_valid_after_utc:%Y-%m-%d}"


def named_service_account(text: str) -> str:
    """Return whose service account it is, as "service account NAME"; ValueError for none."""
    return f"service account {service_account(text)['client_email']}"


def apns_key_id(path: str) -> str:
    """Return the key id in the name of a file as Apple names it, ``AuthKey_ABC123DEFG.p8``; '' for another name."""
    found = _APNS_FILE.search(path)
    return found[1] if found else ""


class EncryptedError(ValueError):
    """A key that opens with a passphrase of its own."""


def is_ssh(text: str) -> bool:
    """Tell whether a text is an SSH private key, by its first line."""
    return text.lstrip().startswith(_SSH_HEADERS)


def ssh_public(text: str) -> str:
    """Return the public half (``ssh-ed25519 …`` or ``ssh-rsa …``) of an SSH private key in OpenSSH's format or PEM.

    EncryptedError for one with a passphrase, ValueError for one of another kind or damaged; neither quotes it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    read: Any = serialization.load_ssh_private_key if "OPENSSH" in text[:40] else serialization.load_pem_private_key
    wrong = ValueError("of another kind")
    try:
        key = read(text.encode(), None).public_key()
        public: bytes = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    except TypeError:  # so it is told by that package
        wrong = EncryptedError("encrypted")
    except (ValueError, UnsupportedAlgorithm):
        wrong = ValueError("unreadable")
    else:
        if public.startswith((b"ssh-ed25519 ", b"ssh-rsa ")):
            return public.decode()
    raise wrong


def htpasswd_line(text: str) -> HtpasswdLine:
    """Return what one htpasswd line (final newline allowed) holds; ValueError when nginx cannot verify its hash."""
    user, colon, digest = text.removesuffix("\n").partition(":")
    if "\n" in digest or "\n" in user:
        raise ValueError("An htpasswd entry is exactly one line; this text has several.")
    if not colon or not user or user.startswith("#"):
        raise ValueError("An htpasswd line is a user name, a colon and a hash; this one has no user name.")
    bcrypt = _BCRYPT_HASH.fullmatch(digest)
    if bcrypt and 4 <= int(bcrypt[2]) <= 31:
        return HtpasswdLine(user, bcrypt[1], int(bcrypt[2]))
    for scheme, pattern in _OTHER_HASHES:
        if pattern.fullmatch(digest):
            return HtpasswdLine(user, scheme, None)
    raise ValueError("The htpasswd line holds no hash that nginx knows, so every login would be refused.")


def _parts_of(pem: str) -> tuple[list[str], list[bytes]]:
    """Return the secret lines and numbers of one armoured private key."""
    try:
        key = _private_key(pem)
    except ValueError:
        return _body(pem), []
    numbers = _secret_numbers(key)
    forms = [pem, *(rsa_form(pem, form) for form in ("pkcs1", "pkcs8"))] if len(numbers) == 3 else [pem]
    return [line for form in forms for line in _secret_lines(form, numbers)], numbers


def _secret_numbers(key: PrivateKeyTypes) -> list[bytes]:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(key, RSAPrivateKey):
        all_of_it = key.private_numbers()
        return [each.to_bytes((each.bit_length() + 7) // 8, "big") for each in (all_of_it.d, all_of_it.p, all_of_it.q)]
    if isinstance(key, EllipticCurvePrivateKey):
        return [key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")]
    raw = getattr(key, "private_bytes_raw", None)  # Ed25519, X25519 and their like
    return [raw()] if raw else []


def _body(pem: str) -> list[str]:
    return [line for line in pem.split("\n") if _BODY_LINE.fullmatch(line)]


def _secret_lines(pem: str, numbers: Iterable[bytes]) -> list[str]:
    """Return the lines of the body that hold part of a secret number; all where none of those can be found in it."""
    lines, at, spans = _body(pem), 0, []
    whole = "".join(lines)
    der = base64.b64decode(whole[: len(whole) // 4 * 4])
    places = [(der.find(number), len(number)) for number in numbers]
    secret = [(start, start + length) for start, length in places if start >= 0]
    for line in lines:
        spans.append((at * 3 // 4, (at + len(line)) * 3 // 4))
        at += len(line)
    return [
        line
        for line, (begin, end) in zip(lines, spans, strict=True)
        if not secret or any(min(end, stop) - max(begin, start) >= _TELLING for start, stop in secret)
    ]


def _unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _json(text: str) -> Any:
    # Raised after the handler has ended: a JSONDecodeError carries the whole text, and must not travel as the cause.
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
    raise ValueError(f"The text is not valid JSON: reading stops at line {line}, column {column}.")


def _forms(pem: str) -> list[str]:
    """Return what stands before PRIVATE KEY in each such BEGIN line: "" for PKCS#8, "RSA " for PKCS#1, "EC " …"""
    return _PRIVATE_KEY_HEADER.findall(pem)


def _private_key(pem: str, *, proven: bool = False) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if len(_forms(pem)) == 1:  # a second key would be passed over in silence
        try:
            return load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=proven)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            pass  # the reason is told below, in our words
    raise ValueError(f"The private key cannot be read: {next(why for fault, why in _PEM_FAULTS if fault.search(pem))}.")


def _rsa(pem: str, *, proven: bool = False) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    key = _private_key(pem, proven=proven)
    if isinstance(key, RSAPrivateKey):
        return key
    raise ValueError(f"An RSA private key is needed; this is a private key of kind {_describe(key)}.")


def _describe(key: PrivateKeyTypes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(key, EllipticCurvePrivateKey):
        return "EC P-256" if isinstance(key.curve, SECP256R1) else f"EC {key.curve.name}"
    name = type(key).__name__.strip("_").removesuffix("PrivateKey")
    return f"{name} {key.key_size}" if isinstance(key, RSAPrivateKey) else name


def _certificates(pem: str) -> list[Certificate]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import load_pem_x509_certificates

    try:
        chain = load_pem_x509_certificates(pem.encode())
        for one in chain:
            one.public_key()  # read lazily; a kind unknown to us must be told here, not later
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            "The certificate file holds no certificate in PEM form, or one that is damaged or of an unknown kind."
        ) from None
    return chain


def _key_faults(chain: Sequence[Certificate], key: PrivateKeyTypes) -> list[str]:
    owners = [number for number, one in enumerate(chain, 1) if one.public_key() == key.public_key()]
    if owners[:1] == [1]:
        return []
    if owners:
        return [f"The private key belongs to certificate {owners[0]} of the file, which must come first."]
    return ["The private key does not belong to the certificate."]


def _chain_faults(chain: Sequence[Certificate]) -> list[str]:
    return [
        f"Certificate {number} of the file is not signed by the one after it: the chain is out of order or incomplete."
        for number, (one, issuer) in enumerate(itertools.pairwise(chain), 1)
        if not _is_issued_by(one, issuer)
    ]


def _is_issued_by(one: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_authority(one: Certificate) -> bool:
    from cryptography import x509

    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, x509.ExtensionNotFound):
        return False


def _time_faults(number: int, one: Certificate, now: datetime) -> list[TlsFault]:
    begins, ends = one.not_valid_before_utc, one.not_valid_after_utc
    if now < begins:
        return [TlsFault("early", f"Certificate {number} of the file is not valid before {begins:%Y-%m-%d %H:%M} UTC.")]
    if now > ends:
        return [TlsFault("expired", f"Certificate {number} of the file expired on {ends:%Y-%m-%d %H:%M} UTC.")]
    return []


def _name_faults(leaf: Certificate, hosts: Iterable[str]) -> list[str]:
    names = set(_names(leaf))
    missing = [host for host in hosts if not names & {host.lower(), "*." + host.lower().partition(".")[2]}]
    return [f"The certificate does not name {_listed(missing)}."] if missing else []


def _names(leaf: Certificate) -> list[str]:
    """Return the host names of a certificate in lower case; one in the subject alone is read by no current client."""
    from cryptography import x509

    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]
    except (ValueError, x509.ExtensionNotFound):
        return []
