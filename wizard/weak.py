"""Secrets that stand in a tree and protect nothing: defaults that everybody knows, and empty ones.

They are never changed unasked, and always told (DESIGN, law 6: what exists wins). Pure; no finding holds a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wizard import contexts, placeholders
from wizard.resources import Leaf, Resource

# What manuals, charts and images ship with, in lower case. Of the second sort are names of products and accounts: as a
# password they are a default, as any other setting they are just a name.
_DEFAULTS = """
password password1 password123 passwd passw0rd p@ssw0rd pass pass123 passphrase secret secret1 secret123 s3cr3t
secretkey secret_key secret-key supersecret supersecretkey super-secret super-secret-key mysecret mysecretpassword
mysecretkey my-secret-key my-super-secret-key changeit default insecure letmein welcome welcome1 qwerty qwerty123
abc123 123456 1234567 12345678 123456789 1234567890 0123456789abcdef hunter2 foobar token apikey minioadmin
minio123 prom-operator admin123 admin1234 adminpassword rootpassword test123 testtest devsecret dev-secret
"""
_ACCOUNTS = """
admin administrator root toor user guest test demo example synapse matrix postgres postgresql redis minio mysql mariadb
mongo mongodb rabbitmq elastic grafana django coturn turn element sygnal haproxy nginx
"""
_KNOWN, _NAMES = frozenset(_DEFAULTS.split()), frozenset(_ACCOUNTS.split())
_SECRET = re.compile(r"(?:PASSWORD|PASSWD|PASSPHRASE|PASS|SECRET|TOKEN|(?:API|SECRET|ACCESS|PRIVATE|SIGNING)_KEY)$")
_PASSWORD = re.compile(r"(?:PASSWORD|PASSWD|PASSPHRASE|PASS)$")
_NAMED = re.compile(r"(?:^|_)(?:EXISTING|REF|NAME|PULL|TLS)(?:_|$)")  # a reference to a Secret, not one
# Whose ``secretKey`` names a key of a Secret, and is none (External Secrets, API, spec.data).
_NAMING_KEYS = frozenset({"ExternalSecret", "ClusterExternalSecret", "PushSecret"})
_SETTING = re.compile(
    r"^[ \t]*(?:export[ \t]+)?([A-Za-z][\w.-]*)[ \t]*(?:[=:][ \t]*|[ \t])[\"']?([^\s\"']+)[\"']?[ \t]*\r?$"
)
# How every key that _SECRET takes begins, in lower case, and how it goes on up to its last word: ``role`` folds what
# parts its words, whatever that is, and drops some of them.
_BEGINNINGS = {
    **dict.fromkeys(("pass", "secret", "token"), ""),
    **dict.fromkeys(("api", "access", "private", "signing"), ".{0,40}?key"),
}
_KEYS = {of: re.compile(of + more) for of, more in _BEGINNINGS.items()}
# A known text behind such a key: the rest of the key, what parts the two, tags and anchors, and no key itself. Each
# begins with a word of its own, which is found many times as fast as a choice.
_SETTINGS = {
    of.encode(): re.compile(
        f"{of}{more}".encode()
        + rb"""[^\s:="']{0,40}(?:["']?\s*[:=]\s*+|[ \t]++)(?:[&!|>]\S*\s+){0,3}+["']?\s*+(?:"""
        + b"|".join(re.escape(word).encode() for word in sorted(_KNOWN | _NAMES))
        + rb""")(?![\w-]|["']?:)"""
    )
    for of, more in _BEGINNINGS.items()
}


@dataclass(frozen=True)
class Weak:
    """One secret that protects nothing: ``file:line:column``, its key, and whether it is empty or well known."""

    position: str
    key: str
    is_empty: bool


def may_hold(data: bytes) -> bool:
    """Say whether *data* can hold a well-known secret outside a Secret: a fast scan that errs towards yes."""
    low = data.lower()
    return any(word in low and setting.search(low) is not None for word, setting in _SETTINGS.items())


def may_set(source: str) -> bool:
    """Say whether *source*, of an object that is no Secret, can set a secret at all: a scan that errs towards yes."""
    low = source.lower()
    return any(word in low and key.search(low) is not None for word, key in _KEYS.items())


def is_well_known(text: str) -> bool:
    """Say whether *text* is a default that everybody knows, or the name of a product or an account."""
    return text.strip().lower() in _KNOWN | _NAMES


def find(resources: Iterable[Resource]) -> Iterator[Weak]:
    """Yield every weak secret of *resources*: in Secrets, in environments, in configurations."""
    for resource in resources:
        is_naming = resource.kind in _NAMING_KEYS
        leaves = resource.leaves.values()
        for leaf in (each for each in leaves if not (is_naming and each.key == "secretKey")):
            for key, text, at in _settings(leaf):
                is_empty = leaf.is_secret and not text.strip() and leaf.nested is None
                if is_empty or _is_default(key, text.strip().lower(), is_secret=leaf.is_secret):
                    yield Weak(leaf.position(at), key, is_empty)


def _settings(leaf: Leaf) -> Iterator[tuple[str, str, int]]:
    """Yield the keys and texts that *leaf* sets, and where they stand: its own, or in a text of lines those of each."""
    if "\n" in leaf.text.strip("\n"):
        if not leaf.inside and not contexts.is_prose(leaf):
            begin = 0
            for line in leaf.text.splitlines(keepends=True):
                if match := _SETTING.match(line.rstrip("\n")):
                    yield match[1], match[2], begin + match.start(2)
                begin += len(line)
        return
    item = leaf.path[-2] if leaf.key == "value" and len(leaf.path) > 1 else ""
    yield (item[len("[name=") : -1] if item.startswith("[name=") else leaf.key), leaf.text, 0


def _is_default(key: str, text: str, *, is_secret: bool) -> bool:
    if text not in _KNOWN and text not in _NAMES:
        return False
    words = placeholders.role(key)
    if is_secret and text in _KNOWN and not text.isdecimal():
        return True
    if not _SECRET.search(words) or _NAMED.search(words):
        return False
    return text in _KNOWN or (text in _NAMES and (is_secret or _PASSWORD.search(words) is not None))
