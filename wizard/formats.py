"""The formats of answers: for each kind one function that takes the text of an answer and returns its value, or says
what to write instead. It knows neither where an answer stands nor what it is for.

A function here may name the text it refuses, unless its kind is sealed: such a text may be a secret.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wizard import keys


class FormatError(ValueError):
    """A text that is no answer of its kind: what is wrong, and what to write instead (may be empty)."""

    def __init__(self, what: str, instead: str = "", *suggestions: str) -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead
        self.suggestions = suggestions


@dataclass(frozen=True)
class Kind:
    """One format: its name in the reference, its reader, and how it stands in YAML.

    ``read`` returns the value of one text and raises ``FormatError``. A list kind reads one item at a time.
    """

    name: str
    read: Callable[[str], Any]
    yaml: type = str  # str, int or list
    choices: tuple[str, ...] = ()
    is_document: bool = False  # a person names a file, or pastes its text
    example: str = ""
    counted: Callable[[tuple[Any, ...]], str] = lambda items: f"{len(items)} ranges, 257 addresses"
    is_whole: Callable[[str], bool] | None = None  # whether a pasted document is complete; None: that cannot be told
    named: Callable[[str], str] = lambda _: ""  # what a document is, in words; ValueError where that cannot be told


# RFC 2606, RFC 6761: no server can ever be reached under these, so such an answer is a left-over placeholder.
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|example|invalid|test|localhost)$")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5322 dot-atom
_BCRYPT_LIMIT = 72  # bytes; bcrypt takes no more (FACTS 3)
_SSH_RECIPIENT = re.compile(r"ssh-(?:ed25519|rsa) \S+")


def line(text: str) -> str:
    """Return the text without blanks around it; it must be one line that is not empty and can be printed."""
    text = text.strip()
    if not text:
        raise FormatError("This is empty.")
    if not text.isprintable():
        raise FormatError("This holds a control character or a line break.", "Write it on one line.")
    return text


def host_name(text: str) -> str:
    """Return a host name in lower case, or tell the name that stands inside a URL, a port or capitals."""
    bare = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", text)
    bare = re.split(r"[/?#]", bare, maxsplit=1)[0].rpartition("@")[2]
    bare = re.sub(r":\d*$", "", bare).removesuffix(".").lower()
    if not bare.isascii():
        try:
            bare = bare.encode("idna").decode()
        except UnicodeError:
            raise FormatError(f"{text} is not a host name.", "Write it in punycode (xn--…).") from None
    if len(bare) > 253 or not all(_LABEL.fullmatch(label) for label in bare.split(".")):
        raise FormatError(f"{text} is not a host name.", "Write letters, digits, - and dots only.")
    if _RESERVED.search(bare):
        raise FormatError(f"{bare} is reserved for documents and tests.", "Write your own name.")
    if bare != text:
        what = "more than a name in lower case" if text.isascii() else "not in punycode"
        raise FormatError(f"{text} is {what}.", f"Write only the name: {bare}")
    return bare


def domain(text: str) -> str:
    """Return a domain name of two labels or more in lower case: no scheme, port or path, nothing reserved."""
    text = line(text)
    if _is_address(text):
        raise FormatError(f"{text} is an address.", "Write a domain name.")
    name = host_name(text)
    if "." not in name or name.rpartition(".")[2].isdigit():
        raise FormatError(f"{name} is not a whole domain name.", f"Write it with its top-level domain, as {name}.net.")
    return name


def mailbox(text: str) -> str:
    """Return an e-mail address (RFC 5322 dot-atom at a domain name that is not reserved)."""
    text = line(text)
    inner = re.fullmatch(r".*<([^<>]*)>", text)
    if inner:
        raise FormatError("Only the address is meant here.", f"Write {inner[1]}.")
    local, at, name = text.rpartition("@")
    if not (at and _LOCAL_PART.fullmatch(local) and len(local) <= 64):
        raise FormatError(f"{text} is not an e-mail address.", "Write it as name@domain.")
    return f"{local}@{domain(name.lower())}"


def sender(text: str) -> str:
    """Return what a From line may hold: an address, or ``Name <address>``."""
    text = line(text)
    named = re.fullmatch(r"([^<>]*?)\s*<([^<>]*)>", text)
    if not named:
        return mailbox(text)
    address = mailbox(named[2])
    return f"{named[1]} <{address}>" if named[1] else address


def port(text: str) -> int:
    """Return a TCP port, 1 to 65535."""
    number = _number(text, "a port")
    if not 1 <= number <= 65535:
        raise FormatError(f"{number} is no port.", "Write a number from 1 to 65535.")
    return number


def retention(text: str) -> str:
    """Return a CloudNativePG retention policy such as 30d, 4w or 6m (its CRD's pattern, ``^[1-9][0-9]*[dwm]$``)."""
    text = line(text)
    if not re.fullmatch(r"[1-9][0-9]*[dwm]", text):
        raise FormatError(f"{text} is not a duration.", "Write days, weeks or months, as 30d, 4w or 6m.")
    return text


def days(policy: str) -> int:
    """Return the length of a retention policy in days; a month counts as 31, as barman-cloud counts it."""
    return int(policy[:-1]) * {"d": 1, "w": 7, "m": 31}[policy[-1]]


def object_name(text: str) -> str:
    """Return the name of a Kubernetes object (RFC 1123 subdomain)."""
    text = line(text)
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise FormatError(f"{text} is no name of a Kubernetes object.", "Write lower-case letters, digits, - and dots.")
    return text


def apple_id(text: str) -> str:
    """Return an Apple key id or team id: ten capital letters and digits (FACTS 3)."""
    text = line(text)
    if not re.fullmatch(r"[A-Z0-9]{10}", text):
        raise FormatError(f"{text} is not an Apple id.", "Write its ten capital letters and digits, as ABC123DEFG.")
    return text


def bundle(text: str) -> str:
    """Return an iOS bundle identifier such as net.chat-corp.app."""
    text = line(text)
    if not re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", text):
        raise FormatError(f"{text} is not a bundle identifier.", "Write it as in Xcode, as net.chat-corp.app.")
    if re.match(r"(?:com|org|net)\.example\.", text):
        raise FormatError(f"{text} is a placeholder.", "Write the bundle identifier of your app.")
    return text


def websocket_url(text: str) -> str:
    """Return a URL of the form wss://host[:port][/path]."""
    text = line(text)
    parts = re.fullmatch(r"(?:([A-Za-z]+)://)?([^/:?#@\s]+)(:[^/?#]*)?(/[^?#\s]*)?", text)
    if not parts:
        raise FormatError("This is not a URL of a WebSocket.", "Write it as wss://host.")
    scheme, name, number, path = parts.groups(default="")
    name = domain(name)
    number = f":{port(number[1:])}" if number else ""
    if scheme.lower() != "wss":
        raise FormatError("Clients call LiveKit by wss.", f"Write wss://{name}{number}{path}.")
    return f"wss://{name}{number}{path}"


def user_name(text: str) -> str:
    """Return a user name that an htpasswd line can hold: no colon, no blank."""
    text = line(text)
    if re.search(r"[:\s]", text) or text.startswith("#"):
        raise FormatError(f"{text} cannot stand in an htpasswd line.", "Write a name without colon and blank.")
    return text


def optional_line(text: str) -> str:
    """Return one line of text; an empty one is a legal answer."""
    return line(text) if text.strip() else ""


def recipient(text: str) -> str:
    """Return an age or ssh recipient that pyrage can encrypt to. Sealed: somebody may paste the secret half."""
    import pyrage

    text = line(text)
    if "SECRET-KEY" in text.upper() or "PRIVATE KEY" in text:
        raise FormatError("This is the secret half of a key.", "Write the recipient, which begins with age1 or ssh-.")
    read = pyrage.ssh.Recipient.from_str if _SSH_RECIPIENT.match(text) else pyrage.x25519.Recipient.from_str
    try:
        read(text)
    except pyrage.RecipientError:
        raise FormatError(
            "This is not a recipient.", "Write age1… whole, or an ssh-ed25519 or ssh-rsa public key."
        ) from None
    return text


def password(text: str) -> str:
    """Return a password: any text that is not empty, without its one trailing line break. Sealed."""
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise FormatError("The password is empty.", "Put the password there.")
    return text


def web_password(text: str) -> str:
    """Return a password that bcrypt can take whole (72 bytes). Sealed."""
    text = password(text)
    if len(text.encode()) > _BCRYPT_LIMIT:
        raise FormatError("The password is longer than the 72 bytes that bcrypt reads.", "Use a shorter one.")
    return text


def apns_key(text: str) -> str:
    """Return the text of an Apple ``.p8`` file, whole, once it has been read as one. Sealed."""
    return _proved(keys.apns_key, text, "Give the .p8 file as Apple made it.")


def service_account(text: str) -> str:
    """Return the JSON text of a Google service account, whole, once it has been read as one. Sealed."""
    return _proved(keys.service_account, text, "Give the JSON file as Google made it.")


def certificate(text: str) -> str:
    """Return PEM text with at least one certificate; whether it fits key and hosts is `keys.tls_pair`'s to say."""
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise FormatError("This holds no certificate.", "Give the PEM file of the certificate and its chain.")
    return text


def private_key(text: str) -> str:
    """Return PEM text with a private key; whether it fits the certificate is `keys.tls_pair`'s to say. Sealed."""
    if not re.search(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----", text):
        raise FormatError("This holds no private key.", "Give the PEM file of the private key, without a passphrase.")
    return text


def one_of(*choices: str | int) -> Kind:
    """Return the kind whose answers are exactly these words or numbers, which are all of one type."""
    words = {str(choice): choice for choice in choices}
    listed = ", ".join(words)

    def read(text: str) -> str | int:
        if text.strip() not in words:
            raise FormatError(f"{line(text)} is not a choice here.", f"Write one of {listed}.")
        return words[text.strip()]

    return Kind("choice", read, type(choices[0]), tuple(words))


DOMAIN = Kind("domain name", domain)
MAILBOX = Kind("e-mail address", mailbox)
SENDER = Kind("address or Name <address>", sender)
PORT = Kind("port", port, int)
RETENTION = Kind("duration (30d, 4w, 6m)", retention)
OBJECT_NAME = Kind("name of a Kubernetes object", object_name)
APPLE_ID = Kind("Apple id", apple_id)
BUNDLE = Kind("bundle identifier", bundle)
WEBSOCKET_URL = Kind("wss:// URL", websocket_url)
USER_NAME = Kind("user name", user_name)
OPTIONAL_LINE = Kind("text, may be empty", optional_line)
RECIPIENTS = Kind("list of age or ssh recipients", recipient, list)
PASSWORD = Kind("password", password)
WEB_PASSWORD = Kind("password of 72 bytes at most", web_password)
APNS_KEY = Kind("APNs key (.p8)", apns_key, is_document=True, is_whole=keys.is_whole_key, named=keys.named_private_key)
SERVICE_ACCOUNT = Kind(
    "service account (JSON)",
    service_account,
    is_document=True,
    is_whole=keys.is_whole_json,
    named=keys.named_service_account,
)
CERTIFICATE = Kind("certificate chain (PEM)", certificate, is_document=True, named=keys.named_certificates)
PRIVATE_KEY = Kind(
    "private key (PEM)", private_key, is_document=True, is_whole=keys.is_whole_key, named=keys.named_private_key
)


def _number(text: str, what: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise FormatError(f"{line(text)} is not {what}.", "Write a number.")
    return int(text)


def _proved(prove: Callable[[str], object], text: str, instead: str) -> str:
    try:
        prove(text)
    except ValueError as error:
        raise FormatError(str(error), instead) from None
    return text


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False
