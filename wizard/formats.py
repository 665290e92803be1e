"""The formats of answers: for each kind one function that takes the text of an answer and returns its value, or says
what to write instead. It knows neither where an answer stands nor what it is for.

A function here may name the text it refuses, and suggest another, unless its kind is sealed: such a text may be a
secret.
"""

from __future__ import annotations

import difflib
import functools
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from wizard import keys

Read = TypeVar("Read")


class FormatError(ValueError):
    """A text that is no answer of its kind: what is wrong, and what to write instead (may be empty).

    ``suggestions`` are whole texts that its kind takes and that are likely meant, the likeliest first; for an item of a
    list one may be several items with ``, `` between them.
    """

    def __init__(self, what: str, instead: str = "", *suggestions: str) -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead
        self.suggestions = suggestions


def count_items(values: tuple[Any, ...]) -> str:
    """Return how many values a list has, in words: ``3 items``."""
    return f"{len(values)} item{'s' * (len(values) != 1)}"


@dataclass(frozen=True)
class Kind:
    """One format: its name in the reference, its reader, and how it stands in YAML.

    ``read`` returns the value of one text and raises ``FormatError``. A list kind reads one item at a time;
    ``separator`` is the pattern between items given in one text, and ``counted`` says how much a list holds.
    ``example`` is a text such as a person writes, of a document its path; empty where none would help.
    """

    name: str
    read: Callable[[str], Any]
    yaml: type = str  # str, int or list
    choices: tuple[str, ...] = ()
    is_document: bool = False  # a person names a file, or pastes its text
    example: str = ""
    separator: str = r"[,\n]"
    counted: Callable[[tuple[Any, ...]], str] = count_items
    is_whole: Callable[[str], bool] | None = None  # whether a pasted document is complete; None: that cannot be told
    named: Callable[[str], str] = lambda _: ""  # what a document is, in words; ValueError where that cannot be told


# RFC 2606, RFC 6761: no server can ever be reached under these, so such an answer is a left-over placeholder.
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|example|invalid|test|localhost)$")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5322 dot-atom
_BCRYPT_LIMIT = 72  # bytes; bcrypt takes no more (FACTS 3)
_UNSEEN = {"Cf", "Zs"}  # Unicode: format characters (zero width, BOM, soft hyphen), and blanks
_PORT = re.compile(  # as it stands in host:port, a URL, or 587/tcp
    r"(?:(?:\w+://)?(?:[^:/\[\]]*|\[[^\]]*\]):)?([0-9]{1,5})(?:/(?:tcp|udp)?)?", re.IGNORECASE
)
_DURATION = re.compile(r"p?0*([1-9][0-9]*)\s*(d|days?|w|weeks?|m|mo|months?)?")
_IMAGE = re.compile(  # at most 128 characters of a tag
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"
    r"(?P<version>(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?)"
)
_SSH_RECIPIENT = re.compile(r"ssh-(?:ed25519|rsa) \S+")


def line(text: str) -> str:
    """Return the text without blanks around it; it must be one line that is not empty and can be printed."""
    text = text.strip()
    if not text:
        raise FormatError("This is empty.")
    hidden = next((char for char in text if not char.isprintable()), "")
    if hidden and unicodedata.category(hidden) in _UNSEEN:
        name = unicodedata.name(hidden, "a character without a name")
        raise FormatError(f"This holds {name} (U+{ord(hidden):04X}), which cannot be seen.", "Write it without.")
    if hidden:
        raise FormatError("This holds a control character or a line break.", "Write it on one line.")
    return text


def one_line(read: Callable[[str], Read]) -> Callable[[str], Read]:
    """Return *read* as the reader of a `line`; where that holds what cannot be seen, the same without is suggested."""

    @functools.wraps(read)
    def checked(text: str) -> Read:
        try:
            shown = line(text)
        except FormatError as error:
            suggestions = near(checked, text, *_seen(text))
            raise FormatError(error.what, error.instead, *suggestions) from None
        return read(shown)

    return checked


def near(read: Callable[[str], object], text: str, *others: str) -> tuple[str, ...]:
    """Return what may stand instead of *text*: each of *others* that *read* takes, or what its refusal suggests."""
    found: dict[str, None] = {}
    for other in others:
        if other == text:
            continue
        try:
            read(other)
        except FormatError as error:
            found |= dict.fromkeys(error.suggestions)
        else:
            found[other] = None
    return tuple(found)


def refuse(
    what: str, read: Callable[[str], object], text: str, *others: str, advice: str = "Write {}.", instead: str = ""
) -> NoReturn:
    """Raise the refusal of *text*, for which *others* may stand as far as *read* takes them.

    ``advice`` has {} for the likeliest of them; ``instead`` is what to write where there is none.
    """
    suggestions = near(read, text, *others)
    raise FormatError(what, advice.format(suggestions[0]) if suggestions else instead, *suggestions)


def part(
    read: Callable[[str], Read],
    text: str,
    whole: Callable[[str], object],
    spelled: Callable[[str], str] = str,
    advice: str = "Write {}.",
) -> Read:
    """Return what *read* makes of a part of a text of the format *whole*, in which *spelled* puts another part.

    The refusal suggests whole texts. Where the part could be mended but *whole* refuses it then, it says why.
    """
    try:
        return read(text)
    except FormatError as error:
        others = [spelled(each) for each in error.suggestions]
        if others and not near(whole, "", *others):
            whole(others[0])
        refuse(error.what, whole, "", *others, advice=advice, instead=error.instead)


def host_name(text: str) -> str:
    """Return a host name in lower case, or tell the name that stands inside a URL, a port or capitals."""
    bare = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", text)
    bare = re.split(r"[/?#]", bare, maxsplit=1)[0]
    bare = re.sub(r"^@[^:@]*:", "", bare).rpartition("@")[2]  # @user:name is an id of Matrix
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
        if bare == text.lower():
            raise FormatError(f"{text} has capital letters.", f"Write it in lower case: {bare}", bare)
        what = "more than a name" if text.isascii() else "not in punycode"
        raise FormatError(f"{text} is {what}.", f"Write only the name: {bare}", bare)
    return bare


@one_line
def domain(text: str) -> str:
    """Return a domain name of two labels or more in lower case: no scheme, port or path, nothing reserved."""
    if _is_address(text):
        raise FormatError(f"{text} is an address.", "Write a domain name.")
    name = part(host_name, text, domain, advice="Write only the name: {}")
    if "." not in name or name.rpartition(".")[2].isdigit():
        raise FormatError(f"{name} is not a whole domain name.", f"Write it with its top-level domain, as {name}.net.")
    return name


@one_line
def mailbox(text: str) -> str:
    """Return an e-mail address (RFC 5322 dot-atom at a domain name that is not reserved)."""
    inner = re.fullmatch(r".*<([^<>]*)>", text) or re.fullmatch(r"(?i)mailto:([^?]*)(?:\?.*)?", text)
    if inner:
        if not near(mailbox, text, inner[1]):
            mailbox(inner[1])
        refuse("Only the address is meant here.", mailbox, text, inner[1])
    local, at, name = text.rpartition("@")
    if not (at and _LOCAL_PART.fullmatch(local) and len(local) <= 64):
        raise FormatError(f"{text} is not an e-mail address.", "Write it as name@domain.")
    return f"{local}@{part(domain, name.lower(), mailbox, lambda each: f'{local}@{each}')}"


@one_line
def sender(text: str) -> str:
    """Return what a From line may hold: an address, or ``Name <address>``."""
    named = re.fullmatch(r"([^<>]*?)\s*<([^<>]*)>", text)
    if named and named[1]:
        return f"{named[1]} <{part(mailbox, named[2], sender, lambda each: f'{named[1]} <{each}>')}>"
    bare = re.fullmatch(r"([^<>]*[^<>\s])\s+([^<>\s@]+@[^<>\s@]+)", text)
    if bare:
        refuse(
            f"{text} is not an address.",
            sender,
            text,
            f"{bare[1]} <{bare[2]}>",
            instead="Write name@domain, or Name <name@domain>.",
        )
    return part(mailbox, named[2] if named else text, sender)


@one_line
def port(text: str) -> int:
    """Return a TCP port, 1 to 65535."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        inside = _PORT.fullmatch(text)
        refuse(f"{text} is not a port.", port, text, *(inside.groups() if inside else ()), instead="Write a number.")
    number = int(text)
    if not 1 <= number <= 65535:
        raise FormatError(f"{number} is no port.", "Write a number from 1 to 65535.")
    return number


@one_line
def retention(text: str) -> str:
    """Return a CloudNativePG retention policy such as 30d, 4w or 6m (its CRD's pattern, ``^[1-9][0-9]*[dwm]$``)."""
    if not re.fullmatch(r"[1-9][0-9]*[dwm]", text):
        spoken = _DURATION.fullmatch(text.lower())
        units = (spoken[2][0] if spoken[2] else "dwm") if spoken else ""
        others = [f"{spoken[1]}{unit}" for unit in units if spoken]
        raise FormatError(f"{text} is not a duration.", "Write days, weeks or months, as 30d, 4w or 6m.", *others)
    return text


def days(policy: str) -> int:
    """Return the length of a retention policy in days; a month counts as 31, as barman-cloud counts it."""
    return int(policy[:-1]) * {"d": 1, "w": 7, "m": 31}[policy[-1]]


@one_line
def object_name(text: str) -> str:
    """Return the name of a Kubernetes object (RFC 1123 subdomain)."""
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        other = re.sub(r"[\s_]+", "-", text.rpartition("/")[2].lower()).strip("-.")  # kubectl prints kind/name
        written = "Write lower-case letters, digits, - and dots"
        what = f"{text} is no name of a Kubernetes object."
        refuse(what, object_name, text, other, advice=f"{written}: {{}}", instead=f"{written}.")
    return text


@one_line
def apple_id(text: str) -> str:
    """Return an Apple key id or team id: ten capital letters and digits (FACTS 3)."""
    if not re.fullmatch(r"[A-Z0-9]{10}", text):
        file_name = re.search(r"AuthKey_([A-Z0-9]{10})\.p8$", text)  # as Apple calls the file
        others = [file_name[1]] if file_name else [re.sub(r"[\s-]", "", text).upper()]
        written = "Write its ten capital letters and digits"
        what = f"{text} is not an Apple id."
        refuse(what, apple_id, text, *others, advice=f"{written}: {{}}", instead=f"{written}, as ABC123DEFG.")
    return text


@one_line
def bundle(text: str) -> str:
    """Return an iOS bundle identifier such as net.chat-corp.app."""
    if not re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", text):
        raise FormatError(f"{text} is not a bundle identifier.", "Write it as in Xcode, as net.chat-corp.app.")
    if re.match(r"(?:com|org|net)\.example\.", text):
        raise FormatError(f"{text} is a placeholder.", "Write the bundle identifier of your app.")
    return text


@one_line
def websocket_url(text: str) -> str:
    """Return a URL of the form wss://host[:port][/path]."""
    parts = re.fullmatch(r"(?:([A-Za-z]+)://)?([^/:?#@\s]+)(:[^/?#]*)?(/[^?#\s]*)?", text)
    if not parts:
        raise FormatError("This is not a URL of a WebSocket.", "Write it as wss://host.")
    scheme, host, number, path = parts.groups(default="")
    name = part(domain, host, websocket_url, lambda each: f"wss://{each}{number}{path}")
    if number:
        number = f":{part(port, number[1:], websocket_url, lambda each: f'wss://{name}:{each}{path}')}"
    if scheme.lower() != "wss":
        refuse("Clients call LiveKit by wss.", websocket_url, text, f"wss://{name}{number}{path}")
    return f"wss://{name}{number}{path}"


@one_line
def user_name(text: str) -> str:
    """Return a user name that an htpasswd line can hold: no colon, no blank."""
    if re.search(r"[:\s]", text) or text.startswith("#"):
        instead = "Write a name without colon and blank."
        if ":" in text:  # what stands behind it may be a password
            others = near(user_name, text, text.partition(":")[0].strip())
            raise FormatError("A colon cannot stand in the name of an htpasswd line.", instead, *others)
        raise FormatError(f"{text} cannot stand in an htpasswd line.", instead)
    return text


def optional_line(text: str) -> str:
    """Return one line of text; an empty one is a legal answer."""
    return _text(text) if text.strip() else ""


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


@one_line
def image(text: str) -> str:
    """Return the name of a container image (the grammar of distribution's reference package) with a tag or a digest."""
    found = _IMAGE.fullmatch(text)
    if found is None:
        bare = re.sub(r"^(?:\w+://|docker pull )", "", text).strip()
        refuse(f"{text} is no image.", image, text, bare, bare.lower(), instead="Write REGISTRY/NAME:VERSION.")
    if not found["version"]:
        raise FormatError(f"{text} names no version, so that any may be pulled.", f"Write {text}:VERSION.")
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

    @one_line
    def read(text: str) -> str | int:
        if text not in words:
            raise FormatError(f"{text} is not a choice here.", f"Write one of {listed}.", *_closest(text, tuple(words)))
        return words[text]

    return Kind("choice", read, type(choices[0]), tuple(words))


DOMAIN = Kind("domain name", domain, example="chat-corp.net")
MAILBOX = Kind("e-mail address", mailbox, example="ops@chat-corp.net")
SENDER = Kind("address or Name <address>", sender, example="Chat Corp <matrix@chat-corp.net>")
PORT = Kind("port", port, int, example="587")
RETENTION = Kind("duration (30d, 4w, 6m)", retention, example="30d")
OBJECT_NAME = Kind("name of a Kubernetes object", object_name, example="ceph-block")
APPLE_ID = Kind("Apple id", apple_id, example="ABC123DEFG")
BUNDLE = Kind("bundle identifier", bundle, example="net.chat-corp.app")
WEBSOCKET_URL = Kind("wss:// URL", websocket_url, example="wss://livekit.chat-corp.net")
USER_NAME = Kind("user name", user_name, example="auditor")
OPTIONAL_LINE = Kind("text, may be empty", optional_line, example="matrix@chat-corp.net")
IMAGE = Kind("container image", image, example="registry.chat-corp.net/key-vault:1.4.2")
RECIPIENTS = Kind("list of age or ssh recipients", recipient, list)
PASSWORD = Kind("password", password)
WEB_PASSWORD = Kind("password of 72 bytes at most", web_password)
APNS_KEY = Kind(
    "APNs key (.p8)",
    apns_key,
    is_document=True,
    example="AuthKey_ABC123DEFG.p8",
    is_whole=keys.is_whole_key,
    named=keys.named_private_key,
)
SERVICE_ACCOUNT = Kind(
    "service account (JSON)",
    service_account,
    is_document=True,
    example="service-account.json",
    is_whole=keys.is_whole_json,
    named=keys.named_service_account,
)
CERTIFICATE = Kind(
    "certificate chain (PEM)",
    certificate,
    is_document=True,
    example="fullchain.pem",
    named=keys.named_certificates,
)
PRIVATE_KEY = Kind(
    "private key (PEM)",
    private_key,
    is_document=True,
    example="privkey.pem",
    is_whole=keys.is_whole_key,
    named=keys.named_private_key,
)


@one_line
def _text(text: str) -> str:
    return text


def _seen(text: str) -> Iterator[str]:
    """Yield *text* with a blank, and then with nothing, where a character of it cannot be seen."""
    for blank in (" ", ""):
        stands = {"Zs": blank, "Cf": ""}
        yield "".join(char if char == " " else stands.get(unicodedata.category(char), char) for char in text).strip()


def _closest(text: str, words: tuple[str, ...]) -> list[str]:
    """Return the word that *text* is another spelling or the beginning of, or else the one most like it."""
    plain = {re.sub(r"\W", "", word): word for word in words}
    text = re.sub(r"\W", "", text.lower())
    begun = [word for spelling, word in plain.items() if text and spelling.startswith(text)]
    like = [plain[text]] if text in plain else begun if len(begun) == 1 else []
    return like or [plain[each] for each in difflib.get_close_matches(text, plain, 1)]


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
