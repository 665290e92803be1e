"""Placeholders: the spellings of text that a person was meant to replace, the role each one names, and how to make it.

Knows text only: where a placeholder stands, and which value it becomes, is decided in ``sites``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Family = Literal["token", "host", "email", "address"]


@dataclass(frozen=True)
class Placeholder:
    """A placeholder in a text: its span in characters, its spelling, and the role it names ('' for a bare one).

    The role of a token is its words without the call to change and without filler (``CHANGEME_SECURE_DB_PASSWORD``
    names ``DB_PASSWORD``); that of a host is the label before the reserved domain (``matrix`` of
    ``matrix.example.com``); that of an e-mail address is its local part; an address names none.
    """

    start: int
    end: int
    token: str
    family: Family
    role: str


@dataclass(frozen=True)
class Hint:
    """How a placeholder asks to be made: a kind of ``mint``, a size in that kind's unit (None: its default)."""

    kind: str
    size: int | None = None


# No spelling has more than a dozen words before its call or behind it: without a bound, the time for a long line of
# such words grows with its square.
# Longest spelling first: one is a prefix of another (FACTS 0, R4), and a greedy run of words takes the longest. What
# clings to a spelling belongs to it: underscores, and the angle brackets around it.
_TOKEN = r"""
    (?<![A-Za-z0-9_])
    <? _*
    (?: (?: CHANGE[-_]?ME | CHANGE_TO | REPLACE (?:[-_]?ME|_WITH|_THIS)? | (?:INSERT_|ENTER_)?YOUR )
        (?: [-_]+[A-Za-z0-9]+ )+
      | (?: CHANGE[-_]?ME | REPLACE[-_]?ME ) [0-9]*
      | (?: [A-Za-z0-9]+[-_] ){0,12} [cC]hange[-_] (?: (?:this|it|me)[-_] )? in[-_]prod(?:uction)?
      | (?: [cC]hange[-_]?(?:[mM]e|[tT]his) | [rR]eplace[-_]?[mM]e ) [0-9]* (?: [-_][A-Za-z0-9]+ )*
      | (?: (?:insert|enter|put|set|use|add|replace[-_]with|change[-_]to)[-_] )? [yY]our (?: [-_][A-Za-z0-9]+ )+
      | [A-Z0-9]+ (?: _[A-Z0-9]+ )* _PLACEHOLDER
      | (?: ed25519[ ] )? a_XXXX (?: [ ][A-Za-z0-9+/._]+ )?
    )
    _* >?
    (?![A-Za-z0-9_])
"""
# Spellings that are common words elsewhere: placeholders only where one is all that a key has for a value.
_ROLE_WORD = (
    r"(?i:password|passwd|passphrase|secret|token|api[-_ ]?key|key|credentials?|user(?:name)?|e-?mail|domain"
    r"|host(?:name)?|server|address|ip|cidr|ranges?|url|name|namespace|id|certificate|region|bucket|value)"
)
_WHOLE = rf"""
    (?: <[A-Za-z0-9]+(?:Password|Secret|Token|Key|Id|Name|Url|Domain|Email)>
      | <[ ]? (?: [A-Za-z0-9][A-Za-z0-9.]*[-_ /]+ ){{0,12}} {_ROLE_WORD}s? (?: [-_ /]+[A-Za-z0-9.]+ ){{0,12}} [ ]?>
      | (?: [A-Za-z0-9]+[-_.] ){{0,12}} [xX]{{4,}} (?: [-_.][xX]{{2,}} ){{0,12}}
      | PLACEHOLDER | (?: [A-Za-z0-9]+[-_] ){{1,12}} placeholder
    )
"""
# RFC 2606 reserves these three names; the checklist spells every host under one of them. A name that is called yours
# is as good as reserved.
_RESERVED = r"example\.(?:com|org|net)(?![A-Za-z0-9-]|\.[A-Za-z0-9])"
_YOURS = (
    r"(?:[yY]our|YOUR)[-_.]?(?:own[-_.])?(?i:domain|company|organi[sz]ation|site|server|host|homeserver)"
    r"(?:[-_](?i:name))?(?:\.[A-Za-z]{2,12}){1,2}(?![A-Za-z0-9-]|\.[A-Za-z0-9])"
)
_YOURS_BARE = r"(?:[yY]our|YOUR)[-_][dD](?:omain|OMAIN)(?![A-Za-z0-9_.-])"
_EMAIL = (
    rf"(?<![A-Za-z0-9._%+-])(?:[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)*(?:{_RESERVED}|{_YOURS})"
    r"|(?:[yY]our|YOUR)[-_.][A-Za-z]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![A-Za-z0-9-]))"
)
_HOST = (
    rf"(?<![A-Za-z0-9@_-])(?<![A-Za-z0-9-]\.)(?:(?:[A-Za-z0-9-]+\.)*(?:{_RESERVED}|{_YOURS})"
    rf"|(?:[A-Za-z0-9-]+\.)+{_YOURS_BARE})"
)
# RFC 5737, RFC 3849: addresses for documents only.
_ADDRESS = (
    r"(?<![\w.:-])(?:(?:192\.0\.2|198\.51\.100|203\.0\.113)\.[0-9]{1,3}|2001:[dD][bB]8:[0-9a-fA-F:]*)"
    r"(?:/[0-9]{1,3})?(?![\w:-]|\.[0-9])"
)

_ANY = re.compile(rf"(?P<email>{_EMAIL})|(?P<host>{_HOST})|(?P<address>{_ADDRESS})|(?P<token>{_TOKEN})", re.VERBOSE)
# `://user:password@host` has the shape of an e-mail address, and its password is nobody's to tell.
_USERINFO = re.compile(r"://[^\s/\"'<>]*@")
_IN_USERINFO = re.compile(rf"(?P<host>{_HOST})|(?P<token>{_TOKEN})", re.VERBOSE)
_BEHIND_USERINFO = re.compile(rf"(?P<host>(?:[A-Za-z0-9-]+\.)*(?:{_RESERVED}|{_YOURS}))")
# A line of a text needs a key or a dash before it: an XML tag has a line for itself, too.
_ALONE = re.compile(
    rf"""
    (?P<lead> [ \t]* (?: -[ \t]+ )? (?: ["']? [\w./-]+ ["']? [ \t]* [:=] [ \t]* )? )
    ["']? (?P<token> {_WHOLE} ) ["']? [ \t]* ,? (?: [ \t]+[#;].* )? \r?
    """,
    re.VERBOSE,
)
# One of these stands in every placeholder: what holds none is not worth the exact scan, ten times as slow.
_HINT = (
    "CHANGE[-_]?ME|CHANGE_TO_|[cC]hange[-_](?:it|me|this)?|[cC]hange[mM]e|[cC]hange[tT]his|REPLACE[-_]|REPLACEME"
    "|[rR]eplace[-_]?[mM]e|YOUR[-_.]?|[yY]our[-_.dcoshDCOSH]|PLACEHOLDER|[-_]placeholder|[xX]{4}|<[ ]?[A-Za-z0-9]"
    r"|example\.(?:com|org|net)|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:[dD][bB]8:"
)
_IN_TEXT, _IN_BYTES = re.compile(_HINT), re.compile(_HINT.encode())
# The same as what each begins with in lower case, and how it may go on: to find these takes a tenth of the time.
_ALNUM = tuple(bytes([each]) for each in b"abcdefghijklmnopqrstuvwxyz0123456789")
_SIGNS: dict[bytes, tuple[bytes, ...]] = {
    b"example.": (b"com", b"org", b"net"),
    b"<": _ALNUM,
    b"< ": _ALNUM,
    **dict.fromkeys((b"xxxx", b"192.0.2.", b"198.51.100.", b"203.0.113.", b"2001:db8:"), (b"",)),
}
# Of these not every spelling in capitals is one: where one is found the pattern decides.
_VAGUE: dict[bytes, tuple[bytes, ...]] = {
    b"change": (b"-", b"_", b"me", b"this"),
    b"replace": (b"-", b"_", b"me"),
    b"your": tuple(bytes([each]) for each in b"-_.dcosh"),
    b"placeholder": (b"",),
}
_ALIKE = re.compile(
    r"[<\[{(]?(?:(?:change|replace)[-_ ]?(?:me|this|with)?|your[-_ ]|todo\b|tbd\b|x{4,}|placeholder)[-_ \w]*[>\])}]?",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"\$\{[A-Za-z_][^}]*\}|\$\([A-Za-z_]\w*\)|\{\{.*\}\}|^ENC\[|^<path:|^vault:|^ref\+")
# Hexadecimal of 128 bits and more, a UUID, 16 characters and more of all three sorts, or 20 in which letters and digits
# take turns as in no words.
_STRONG = re.compile(
    r"[0-9a-fA-F]{32,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=\S*[a-z])(?=\S*[A-Z])(?=\S*[0-9])\S{16,}|(?=(?:\S*?(?:[A-Za-z][0-9]|[0-9][A-Za-z])){3})\S{20,}"
)
_GLUE = frozenset("-_.+~%$!^&*#\\|?")
# What may stand beside a placeholder without being a value itself: a user's name, a word of prose, punctuation.
_SHORT = re.compile(r"[^A-Za-z0-9]*(?:[A-Za-z]{0,8}[^A-Za-z0-9]*)")
_CALL = re.compile(
    r"^(?:PLEASE_)?(?:CHANGE_?(?:ME|THIS|IT)[0-9]*|CHANGE_TO|REPLACE(?:_?ME[0-9]*|_WITH|_THIS)?|(?:(?:INSERT|ENTER|PUT|SET|USE|ADD)_)?"
    r"YOUR)"
    r"(?:_IN_PROD(?:UCTION)?)?(?:_|$)|(?:^|_)(?:PLACEHOLDER|CHANGE_(?:(?:THIS|IT|ME)_)?IN_PROD(?:UCTION)?)$"
)
# Words that say how to make the value, not which one it is.
_FILLER = re.compile(
    r"ACTUAL|AN?|BASE64|BITS?|BYTES?|CHARACTERS|CHARS?|ENCODED|GENERATED?|HERE|HEX|LONG|MIN|MY|NEW|OWN|RANDOM|REAL|SECURE"
    r"|STRING|STRONG|SUPER|THE|USING|UUID(?:V4)?|VALUE|WITH|X{3,}|YOUR|[0-9]*"
)


@dataclass(frozen=True)
class _Saying:
    """One way in which spellings and comments say how a secret is made; ``size`` is given in ``unit`` of mint's own.

    The pattern is compiled when it is first used: most trees hint at nothing.
    """

    pattern: str
    kind: str
    unit: int = 1


# The first that fits counts. Hexadecimal is measured in digits, base64 in bytes before encoding, a word in characters.
_SAYINGS = (
    _Saying(r"openssl\s+rand\s+-hex\s+(?P<size>[0-9]+)", "hex", 2),
    _Saying(r"openssl\s+rand\s+-base64\s+(?P<size>[0-9]+)", "base64"),
    _Saying(r"/dev/u?random\s*\|\s*base64", "base64"),
    _Saying(r"pwgen\s.*?\b(?P<size>[0-9]{2,})\b", "password"),
    _Saying(r"uuid[-_ ]?(?:v?4)?(?![a-z0-9])|uuidgen", "uuid4"),
    _Saying(r"(?P<size>[0-9]+)[-_ ]?bytes?[-_ ](?:in[-_ ])?hex|hex[-_ ](?P<other>[0-9]+)[-_ ]?bytes?", "hex", 2),
    _Saying(r"(?<![a-z])hex[-_ ]?(?P<size>[0-9]+)|(?<![0-9])(?P<other>[0-9]+)[-_ ]?(?:hex|digits? of hex)", "hex"),
    _Saying(r"(?P<size>[0-9]+)[-_ ]?bytes?[-_ ](?:in[-_ ])?base64|base64[-_ ]?key(?![a-z0-9])", "base64"),
    _Saying(r"(?<![0-9])(?P<size>[0-9]+)[-_ ]?char(?:acter)?s?(?![a-z])", "password"),
    _Saying(r"(?:(?<![a-z])min(?:imum)?(?:[-_. ]|[-_ ]of[-_ ])*|at least )(?P<least>[0-9]+)", "password"),
)

_TOO_LONG = re.compile(r"[0-9]{9,}")  # digits that are no size of anything


def hint(text: str) -> Hint | None:
    """Return how a spelling, or the comment beside it, says that its secret is made; None where it says nothing.

    ``…_32_CHARS`` asks for that many characters, ``min 8`` for no fewer, ``hex 64`` for digits, and
    ``openssl rand -hex 32`` for bytes, of two digits each. The size is what the text says; whether it can be made is
    ``mint``'s to say.
    """
    text = _TOO_LONG.sub("", text)
    for saying in _SAYINGS:
        if found := re.search(saying.pattern, text, re.IGNORECASE):
            said = found.groupdict()
            size = said.get("size") or said.get("other")
            least = int(said.get("least") or 0)
            usual = 40  # characters: R1's own length, which satisfies every smaller demand (FACTS 0)
            return Hint(saying.kind, int(size) * saying.unit if size else least if least > usual else None)
    return None


def find(text: str) -> Iterator[Placeholder]:
    """Yield every placeholder in *text*, in order and without overlap, each at its longest spelling."""
    for family, start, end in _matches(text):
        token = text[start:end]
        if family == "token":
            # What stands behind a key's id is its body, and names nothing.
            yield Placeholder(start, end, token, "token", role(_KEY_ID.sub("", token)))
        elif family == "host":
            yield Placeholder(start, end, token, "host", _STAND_IN.sub("", token).lower())
        elif family == "address":
            yield Placeholder(start, end, token, "address", "")
        else:
            yield Placeholder(start, end, token, "email", token.partition("@")[0])


def shown(token: str) -> str:
    """Return what may be shown of *token*: its words, and ``…`` for what was written over a part of it.

    Behind ``a_XXXX`` stands the body of a signing key; a word that is none, in a token, may be a secret's text."""
    token = _BODY.sub("", token)
    family = next((each.family for each in find(token)), "token")
    if family != "token" or all(map(_PLAIN.fullmatch, _WORD.findall(token))):
        return token
    return _WORD.sub(lambda word: word[0] if word[0].isalpha() and _PLAIN.fullmatch(word[0]) else "…", token)


def shown_in(text: str) -> str:
    """Return *text* with each placeholder in it as it may be shown."""
    end, parts = 0, []
    for each in find(text):
        parts += [text[end : each.start], shown(each.token)]
        end = each.end
    return "".join(parts) + text[end:]


def is_wholly(text: str) -> bool:
    """Say whether *text* is placeholders and nothing that could be a value: comments, armour and short words aside."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("#", "-----"))]
    rest, found = [], False
    for line in lines:
        at = 0
        for each in find(line):
            if is_glued(line, each):
                return False  # a word with such a spelling in it
            found = True
            rest.append(line[at : each.start])
            at = each.end
        rest.append(line[at:])
    return found and all(_SHORT.fullmatch(word) for word in re.findall(r"\S+", " ".join(rest)))


def is_glued(text: str, found: Placeholder) -> bool:
    """Say whether *found* hangs on to other characters of *text*, as a part of a longer word."""
    before, behind = text[max(found.start - 1, 0) : found.start], text[found.end : found.end + 1]
    return before in _GLUE or behind in _GLUE


def is_like_one(text: str) -> bool:
    """Say whether the whole *text* of a secret reads like a placeholder in a spelling that ``find`` does not know."""
    return _ALIKE.fullmatch(text.strip()) is not None


def is_strong(text: str) -> bool:
    """Say whether *text* looks like a secret that somebody made: long, and not of words."""
    return _STRONG.fullmatch(text.strip()) is not None or "-----BEGIN " in text


def is_template(text: str) -> bool:
    """Say whether *text* is for another program to expand or to decrypt, and so no value of its own."""
    return _TEMPLATE.search(text) is not None


def is_open(text: str) -> bool:
    """Say whether *text* is no value yet: another program fills it in, or nobody has."""
    return is_template(text) or any(find(text))


def may_hold(data: bytes) -> bool:
    """Say whether *data* can hold a placeholder at all: a fast scan that errs towards yes."""
    low = data.lower()
    if b"YOUR" in data or any(_goes_on(low, sign, tails) for sign, tails in _SIGNS.items()):
        return True
    is_signed = any(_goes_on(low, sign, tails) for sign, tails in _VAGUE.items())
    return is_signed and _IN_BYTES.search(data) is not None


def may_hold_in_comment(data: bytes) -> bool:
    """Say the same of the lines of *data* with a ``#`` in them, as comments of YAML have."""
    return b"#" in data and may_hold(b"\n".join(line for line in data.split(b"\n") if b"#" in line))


def _goes_on(data: bytes, sign: bytes, tails: tuple[bytes, ...]) -> bool:
    at = data.find(sign)
    while at >= 0 and not data.startswith(tails, at + len(sign)):
        at = data.find(sign, at + len(sign))
    return at >= 0


def role(token: str) -> str:
    """Return the role words of a token or a key: ``redis-password`` and its token both give ``REDIS_PASSWORD``."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", token)).strip("_").upper()
    kept = [word for word in _CALL.sub("", words).split("_") if not _FILLER.fullmatch(word)]
    return "_".join(kept)


def is_grepped(token: str) -> bool:
    """Say whether the checklist's own final grep trips on *token* (10.1, with the spelling that FACTS 10 adds)."""
    return _GREPPED.search(token) is not None


def is_reserved_block(token: str) -> bool:
    """Say whether an address placeholder is a reserved block as a whole, as lists of addresses to refuse name them."""
    try:
        return ipaddress.ip_network(token) in _BLOCKS
    except ValueError:
        return False


_GREPPED = re.compile(r"CHANGE_?ME")
_KEY_ID, _BODY = re.compile(r"a_XXXX.*"), re.compile(r"(?<=a_XXXX).*")
# A word, in one case or of some such, and the number behind it; a size; a kind of secret.
_WORD = re.compile(r"[A-Za-z0-9]+")
_PLAIN = re.compile(
    r"(?=.{1,24}$)(?:(?:[A-Z]{1,16}|[a-z]{1,16}|(?:[A-Z]?[a-z]{2,12}){1,3})[0-9]{0,5}|[0-9]{1,4}|(?i:uuidv4))"
)
_BLOCKS = frozenset(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
_STAND_IN = re.compile(rf"\.?(?:{_RESERVED}|{_YOURS}|{_YOURS_BARE})$")


def _matches(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield family and span; only lines that hold a hint are scanned, and no placeholder goes on over a line end."""
    is_line = "\n" not in text.strip("\n")
    end = 0
    while hint := _IN_TEXT.search(text, end):
        start = text.rfind("\n", end, hint.start()) + 1 or end
        stop = text.find("\n", hint.end())
        end = stop if stop >= 0 else len(text)
        alone = _ALONE.fullmatch(text, start, end)
        if alone and (is_line or alone["lead"].strip()):
            yield "token", *alone.span("token")
        else:
            yield from ((match.lastgroup or "", *match.span()) for match in _in_line(text, start, end))


def _in_line(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield every match in [start, end); in a URL nothing before the host is an e-mail address."""
    at = start
    for user in _USERINFO.finditer(text, start, end):
        yield from _ANY.finditer(text, at, user.start())
        yield from _IN_USERINFO.finditer(text, user.start(), user.end())
        host = _BEHIND_USERINFO.match(text, user.end(), end)
        if host:
            yield host
        at = host.end() if host else user.end()
    yield from _ANY.finditer(text, at, end)
