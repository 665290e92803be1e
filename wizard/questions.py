"""The registry of questions: one row for each answer that a person may give.

Prompts, parser, ``--set``, JSON Schema, completion and the reference page follow from these rows. A new question is one
row here; ``make docs`` writes it into the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from wizard import formats, keys, networks
from wizard.formats import FormatError, Kind


class Known(Protocol):
    """The answers so far, as a row's rules see them."""

    def __getitem__(self, key: str) -> Any:
        """Return the value in effect for a key, default included; None when there is none."""

    def uses(self, section: str) -> bool:
        """Tell whether an optional section is on."""

    def source(self, key: str) -> tuple[str, str] | None:
        """Return where an answer was taken from, as ("file", PATH); None where it was written out or is not given."""


Rule = Callable[[Known], bool]


def always(_: Known) -> bool:
    """Answer yes: the question needs an answer wherever a tree needs its value."""
    return True


def with_li(known: Known) -> bool:
    """Answer yes where the LI instance stands in this tree."""
    return bool(known["lawful_intercept.instance"] == "here")


def never(_: Known) -> bool:
    """Answer no: without an answer the value is made here, or what the tree says stays."""
    return False


@dataclass(frozen=True)
class Question:
    """One answer: its dotted key in the answers file, its format, and when it is due.

    ``required_when`` counts only while nothing is in effect, and within an optional section only while that is on.
    ``only_when``: without that the question is not asked, and no answer to it is in effect.
    ``derived_from`` names the key that a callable default reads. ``confidential``: masked in every output unless
    asked for, but for the interview's own review. ``secret``: taken by {env:} or {file:} only, held as a Secret.
    ``asked``: the interview asks it, and proposes the ``proposals``, of which none is in effect until it is accepted.
    ``empty`` says what an empty answer means, ``use`` in a sentence what becomes of an answer. ``doubts`` are
    sentences on what is legal and unusual about a value, given the other answers; ``fits`` raises FormatError where a
    value and another answer do not belong together.
    """

    key: str
    kind: Kind
    prompt: str
    help: str
    default: Callable[[Known], Any] | str | int | None = None
    required_when: Rule = never
    only_when: Rule = always
    derived_from: str = ""
    confidential: bool = False
    secret: bool = False
    asked: bool = True
    empty: str = ""
    use: str = ""
    proposals: Callable[[Known], tuple[str, ...]] = lambda _: ()
    doubts: Callable[[Any, Known], Iterable[str]] = lambda _value, _known: ()
    fits: Callable[[Any, Known], None] = lambda _value, _known: None

    @property
    def section(self) -> str:
        """The optional section that this question belongs to; empty when it belongs to none."""
        return next((section for section in SECTIONS if self.key.startswith(section + ".")), "")

    def read(self, text: str) -> Any:
        """Return the value of an answer given as text; a list takes commas, lines or what else separates its items.

        FormatError when it is none: of a list it names the first wrong item, and suggests the whole list with another
        in its place.
        """
        if self.kind.yaml is not list:
            return self.kind.read(text)
        if (bare := _DASHES.sub("", text)) != text:
            self.read(bare)
            raise FormatError("Dashes stand before the items.", "Write the items alone, one a line.", bare)
        values: dict[Any, None] = {}
        wrong: list[FormatError] = []
        for start, end in _items(text, self.kind.separator):
            try:
                values[self.kind.read(text[start:end])] = None
            except FormatError as error:
                between = "\n" if "\n" in text.strip() else ", "
                whole = (text[:start] + each.replace(", ", between) + text[end:] for each in error.suggestions)
                wrong.append(FormatError(error.what, error.instead, *whole))
        if wrong:
            others = {1: "", 2: " One other is wrong, too."}.get(
                len(wrong), f" {len(wrong) - 1} others are wrong, too."
            )
            raise FormatError(wrong[0].what + others, wrong[0].instead, *wrong[0].suggestions)
        if not values:
            raise FormatError("The list is empty.", "Write at least one.")
        return tuple(values)


# What stands before each item of a list in YAML or Markdown.
_DASHES = re.compile(r"^[^\S\n]*[-*\u2022][^\S\n]+", re.MULTILINE)


def _items(text: str, separator: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each item of a list, blanks around it left out."""
    start = 0
    for end, after in (*(found.span() for found in re.finditer(separator, text)), (len(text), len(text))):
        item = text[start:end]
        if item.strip():
            yield start + len(item) - len(item.lstrip()), start + len(item.rstrip())
        start = after


@dataclass(frozen=True)
class Section:
    """An optional section: what the interview asks, what the review calls it, and what it is for."""

    prompt: str
    name: str
    help: str


# An absent section means off (DESIGN, "The answers file").
SECTIONS = {
    "smtp": Section(
        "Shall Synapse send mail?",
        "Mail",
        "Mail resets passwords and tells of missed messages. It needs an account at a mail server.",
    ),
    "push.apns": Section(
        "Shall iPhones get push messages (APNs)?",
        "Push to iPhones",
        "Wakes your own iPhone app through Sygnal. It needs Apple's .p8 key and ids.",
    ),
    "push.fcm": Section(
        "Shall Android phones get push messages (FCM)?",
        "Push to Android phones",
        "Wakes your own Android app through Sygnal. It needs Google's service account.",
    ),
    "livekit": Section(
        "Shall group calls run over LiveKit?",
        "Group calls over LiveKit",
        "Calls of more than two people. LiveKit is then deployed, with a host name of its own.",
    ),
}


@dataclass(frozen=True)
class Chapter:
    """One step of the interview: its title, the questions that it holds (by the beginning of their keys), and what a
    person should have at hand for it."""

    title: str
    keys: tuple[str, ...]
    at_hand: str = ""


CHAPTERS = (
    Chapter("Names", ("domains",), "your domain"),
    Chapter(
        "Who may reach lawful intercept (LI)",
        ("lawful_intercept",),
        "the address ranges that may reach lawful intercept (LI)",
    ),
    Chapter("Mail", ("smtp",), "the SMTP account, if Synapse is to send mail"),
    Chapter("Push", ("push",), "the .p8 key and the service account, if phones get push messages"),
    Chapter("Certificates", ("tls",), "an e-mail address for the certificates"),
    Chapter("Calls and extras", ("turn", "livekit", "domains.livekit", "network", "storage", "backups")),
)

# What `placeholders:` has as keys: TOKEN, or TOKEN @ kind/ns/name:path. Some spellings have blanks in them, and so have
# names of files; a file that is one text has no path in it.
DECIDED = re.compile(r"(?:\S+|<[^<>]+>|(?:ed25519 )?a_XXXX[^@]*)(?: @ [^:]+:.*)?")
# What may stand behind a token under `placeholders:`, one of these each.
DECISIONS = {
    "value": "this text",
    "generate": "a new secret: password, hex, base64 or uuid4; `length` may be given",
    "same_as": "the same value as the one named",
    "keep": "left as it stands",
    "split": "a different secret at each key",
    "file": "the content of this file",
    "env": "the content of this environment variable",
}
INSTANCES = ("main", "li")
UNWRITTEN = "…"  # what stands for a text that only the operator knows, in a section that is offered for pasting
GENERATED = (
    "password",
    "hex",
    "base64",
    "uuid4",
)  # kinds of mint that stand for themselves, without a consumer's rules

_SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}  # RFC 6409, RFC 8314, RFC 5321
_SMTP_NAMES = {"starttls": "starttls", "tls": "tls", "none": "mail without encryption"}


def _below_base(label: str) -> Callable[[Known], str | None]:
    return lambda known: f"{label}.{known['domains.base']}" if known["domains.base"] else None


def _derived_host(key: str, label: str, prompt: str, what: str, required_when: Rule = always) -> Question:
    return Question(
        key,
        formats.DOMAIN,
        prompt,
        f"The host name of {what}.",
        _below_base(label),
        required_when,
        derived_from="domains.base",
        use="Its ingress and certificate carry this name, and clients are told it; DNS must know it.",
    )


def _acme(known: Known) -> bool:
    return str(known["tls.mode"]).startswith("letsencrypt")


def _manual(known: Known) -> bool:
    return bool(known["tls.mode"] == "manual")


def _strange_port(port: int, known: Known) -> Iterator[str]:
    """Yield a doubt about a port that belongs to another kind of SMTP security than the one answered."""
    security = known["smtp.security"]
    owner = next((each for each, usual in _SMTP_PORTS.items() if usual == port), security)
    if owner != security:
        usual = f"{_SMTP_NAMES[security]} usually has port {_SMTP_PORTS[security]}"
        yield f"Port {port} is the one of {_SMTP_NAMES[owner]}; {usual}."


def _any_version(image: str, _: Known) -> Iterator[str]:
    """Yield a doubt about a tag that means another image tomorrow."""
    if image.endswith(":latest"):
        yield f"{image} is another image with each release; an exact version stays."


def _key_id(known: Known) -> tuple[str, ...]:
    kind, path = known.source("push.apns.key") or ("", "")
    found = keys.apns_key_id(path) if kind == "file" else ""
    return (found,) if found else ()


def _of_certificate(private_key: str, known: Known) -> None:
    certificate = known["tls.certificate"]
    if certificate and not keys.belongs(certificate, private_key):
        raise FormatError("This private key does not belong to the certificate.", "Give the key it was made with.")


QUESTIONS = (
    Question(
        "domains.base",
        formats.DOMAIN,
        "Base domain",
        "The domain under which the host names below stand unless they are given.",
        required_when=always,
        use="It is written nowhere by itself; you may choose it as the server name.",
    ),
    Question(
        "domains.server_name",
        formats.DOMAIN,
        "Server name",
        "The part after the colon in @user:NAME. It can never be changed afterwards.",
        lambda known: known["domains.matrix"],
        always,
        derived_from="domains.matrix",
        proposals=lambda known: tuple(known[key] for key in ("domains.base", "domains.matrix") if known[key]),
        use="It goes into the configuration of Synapse, main and LI alike, and into every user and room id.",
    ),
    _derived_host("domains.matrix", "matrix", "Homeserver", "the main Synapse"),
    _derived_host("domains.element", "element", "Web client", "Element Web"),
    replace(
        _derived_host("domains.turn", "turn", "TURN server", "coturn, which relays calls"),
        use="Synapse tells clients to relay calls by this name; DNS must point it at coturn.",
    ),
    _derived_host("domains.livekit", "livekit", "LiveKit", "LiveKit", lambda known: known.uses("livekit")),
    replace(_derived_host("domains.li_matrix", "matrix-li", "LI homeserver", "the LI Synapse"), only_when=with_li),
    replace(
        _derived_host("domains.li_element", "element-li", "LI web client", "Element Web of the LI instance"),
        only_when=with_li,
    ),
    replace(
        _derived_host("domains.li_admin", "admin-li", "LI admin", "Synapse Admin of the LI instance"), only_when=with_li
    ),
    Question(
        "lawful_intercept.instance",
        formats.one_of("here", "none"),
        "LI instance",
        "Whether LI stands in this tree: none leaves it out with all that is its own. Where it is switched off later, "
        "its files stay and are no longer filled in.",
        "here",
        asked=False,
    ),
    Question(
        "lawful_intercept.allowed_cidrs",
        networks.ALLOWED_RANGES,
        "Addresses that may reach LI",
        "Who may reach the hosts of lawful intercept (LI). A single address becomes /32 or /128.",
        required_when=always,
        confidential=True,
        doubts=lambda ranges, _: networks.remarks(ranges),
        use="They go into every LI ingress; requests from all other addresses get 403.",
        only_when=with_li,
    ),
    Question(
        "lawful_intercept.admin_user",
        formats.USER_NAME,
        "User of the LI admin page",
        "The name for the password prompt before Synapse Admin.",
        "admin",
        asked=False,
        only_when=with_li,
    ),
    Question(
        "lawful_intercept.admin_password",
        formats.WEB_PASSWORD,
        "Password of the LI admin page",
        "Made here unless given. Only its bcrypt hash reaches the manifests.",
        secret=True,
        asked=False,
        only_when=with_li,
    ),
    Question(
        "tls.mode",
        formats.one_of("letsencrypt", "letsencrypt-staging", "manual", "selfsigned"),
        "Certificates",
        "Who signs the certificates. Let's Encrypt needs ports 80 and 443 open to the internet.",
        "letsencrypt",
        use="It decides which issuer every ingress names.",
    ),
    Question(
        "tls.email",
        formats.MAILBOX,
        "E-mail address for Let's Encrypt",
        "The contact of the ACME account.",
        required_when=_acme,
        use="It goes into the ClusterIssuer of Let's Encrypt.",
    ),
    Question(
        "tls.certificate",
        formats.CERTIFICATE,
        "Certificate file",
        "The certificate and its chain, for mode manual. It must name every host.",
        required_when=_manual,
        use="It goes into the Secret that every ingress names.",
    ),
    Question(
        "tls.private_key",
        formats.PRIVATE_KEY,
        "Private key file of the certificate",
        "The key that the certificate was made with, for mode manual.",
        required_when=_manual,
        secret=True,
        fits=_of_certificate,
        use="It goes into the Secret of the certificate, and into the vault.",
    ),
    Question(
        "smtp.host",
        networks.HOST,
        "SMTP host",
        "The mail server that Synapse hands mail to.",
        None,
        always,
        use="It goes into Synapse's mail block.",
    ),
    Question(
        "smtp.security",
        formats.one_of("starttls", "tls", "none"),
        "SMTP security",
        "starttls: TLS after connecting; tls: from the first byte; none: no encryption.",
        "starttls",
        use="It goes into Synapse's mail block, and proposes the port.",
    ),
    Question(
        "smtp.port",
        formats.PORT,
        "SMTP port",
        "The port of the mail server: 587 with starttls, 465 with tls, 25 with none unless given.",
        lambda known: _SMTP_PORTS.get(known["smtp.security"]),
        derived_from="smtp.security",
        doubts=_strange_port,
        use="It goes into Synapse's mail block.",
    ),
    Question(
        "smtp.user",
        formats.OPTIONAL_LINE,
        "SMTP user",
        "The account at the mail server. Without one no password is needed either.",
        required_when=always,
        empty="no authentication",
        use="It goes into Synapse's mail block.",
    ),
    Question(
        "smtp.password",
        formats.PASSWORD,
        "SMTP password",
        "The password of the account. Any character is legal.",
        required_when=lambda known: bool(known["smtp.user"]),
        secret=True,
        use="It goes into Synapse's mail block, and into the vault.",
    ),
    Question(
        "smtp.from",
        formats.SENDER,
        "Sender of mail",
        "Whom mail to users comes from: an address, or Name <address>.",
        None,
        always,
        use="It goes into Synapse's mail block.",
    ),
    Question(
        "push.apns.key",
        formats.APNS_KEY,
        "APNs key file (.p8)",
        "Apple gives it once for download; an EC P-256 private key.",
        required_when=always,
        secret=True,
        use="It goes into the Secret that Sygnal reads, and into the vault.",
    ),
    Question(
        "push.apns.key_id",
        formats.APPLE_ID,
        "APNs key id",
        "Ten characters that Apple shows beside the key.",
        None,
        always,
        proposals=_key_id,
        use="It goes into Sygnal's configuration; Apple knows the key by it.",
    ),
    Question(
        "push.apns.team_id",
        formats.APPLE_ID,
        "Apple team id",
        "Ten characters that Apple shows with your developer account.",
        None,
        always,
        use="It goes into Sygnal's configuration; Apple knows your account by it.",
    ),
    Question(
        "push.apns.topic",
        formats.BUNDLE,
        "Bundle identifier",
        "The iPhone app that gets the messages.",
        None,
        always,
        use="It goes into Sygnal's configuration as the topic.",
    ),
    Question(
        "push.apns.platform",
        formats.one_of("production", "sandbox"),
        "APNs platform",
        "sandbox serves builds under development.",
        "production",
        asked=False,
    ),
    Question(
        "push.fcm.service_account",
        formats.SERVICE_ACCOUNT,
        "FCM service account file (JSON)",
        "The key by which Sygnal reaches Google, taken whole as Google gives it.",
        required_when=always,
        secret=True,
        use="It goes into the Secret that Sygnal reads, and into the vault.",
    ),
    Question(
        "turn.external_ip",
        networks.PUBLIC_ADDRESS,
        "Public address of the TURN server",
        "The address at which callers reach coturn. Without it the manifest decides, which may detect it.",
        empty="as the manifest says",
        use="It goes into coturn's configuration as external-ip.",
    ),
    Question(
        "livekit.url",
        formats.WEBSOCKET_URL,
        "LiveKit URL",
        "Where clients reach LiveKit.",
        lambda known: f"wss://{known['domains.livekit']}" if known["domains.livekit"] else None,
        always,
        derived_from="domains.livekit",
        asked=False,
    ),
    Question(
        "livekit.api_key", formats.PASSWORD, "LiveKit API key", "Made here unless given.", secret=True, asked=False
    ),
    Question(
        "livekit.api_secret",
        formats.PASSWORD,
        "LiveKit API secret",
        "Made here unless given.",
        secret=True,
        asked=False,
    ),
    Question(
        "network.metallb_pool",
        networks.POOL,
        "Address pool of MetalLB",
        "The addresses that MetalLB may give to load balancers.",
        empty="as the manifest says",
        use="They go into MetalLB's address pool.",
    ),
    Question(
        "storage.class",
        formats.OBJECT_NAME,
        "Storage class",
        "The storage class of all volumes, as kubectl get storageclass lists it. Kubernetes refuses another one for "
        "volumes that exist: it is chosen before the first deployment.",
        empty="the cluster's default",
        use="It goes wherever the tree names a storage class.",
    ),
    Question(
        "backups.retention",
        formats.RETENTION,
        "Keep backups of the main database for",
        "How long they are kept, in days, weeks or months.",
        empty="as the manifest says",
        use="It goes into the backup of the main PostgreSQL cluster.",
    ),
    Question(
        "backups.li_retention",
        formats.RETENTION,
        "Keep backups of the LI database for",
        "How long they are kept; not shorter than those of the main database.",
        empty="as the manifest says",
        use="It goes into the backup of LI's PostgreSQL cluster.",
        only_when=with_li,
    ),
    Question(
        "key_vault.rsa_bits",
        formats.one_of(2048, 3072, 4096),
        "Size of the key_vault RSA key",
        "In bits. Losing or changing this key loses every stored recovery key.",
        2048,
        asked=False,
    ),
    Question(
        "key_vault.image",
        formats.IMAGE,
        "Image of key_vault",
        "Your own build of key_vault. Without an answer the manifest's stays, in the bundled tree "
        "ghcr.io/matrix-key-vault/key-vault:1.0.0.",
        doubts=_any_version,
        asked=False,
        empty="as the manifest says",
        use="It goes into the Deployment of key_vault.",
    ),
    Question(
        "sync.image",
        formats.IMAGE,
        "Image of the sync system",
        "It has sh, psql, and a pg_dump that is not older than main's PostgreSQL. Without an answer the manifest's "
        "stays, in the bundled tree ghcr.io/cloudnative-pg/postgresql:17.5.",
        doubts=_any_version,
        asked=False,
        empty="as the manifest says",
        use="It goes into the Job that sets up the replication from main to LI.",
        only_when=with_li,
    ),
    Question(
        "sync.media_image",
        formats.IMAGE,
        "Image of the media sync",
        "It has sh and mc. Without an answer the manifest's stays, in the bundled tree "
        "quay.io/minio/mc:RELEASE.2025-08-13T08-35-41Z.",
        doubts=_any_version,
        asked=False,
        empty="as the manifest says",
        use="It goes into the CronJob that copies media from main to LI.",
        only_when=with_li,
    ),
    Question(
        "vault.recipients",
        formats.RECIPIENTS,
        "Further keys that open the vault",
        "age or ssh public keys of colleagues. The vault never stays with only one key.",
        asked=False,
    ),
)

BY_KEY = {question.key: question for question in QUESTIONS}
