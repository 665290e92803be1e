"""Key material, as its server reads it: at the places that the catalogue knows, and by its looks in other Secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from wizard import access, base64text, filling, keys, placeholders
from wizard.controllers import Controller
from wizard.finding import Finding, at
from wizard.resources import Leaf, Resource
from wizard.sites import Site
from wizard.survey import Survey

_SHORTEST_RSA = 2048  # bits; below it NIST SP 800-131A disallows RSA
_DEAREST = 11  # of bcrypt: each request computes the hash, at cost 12 for 280 ms and more (FACTS 3)
_FIX = "Put the right key there, or a placeholder, and run: matrix-wizard setup"

Parse = Callable[[str], object]


def _htpasswd(text: str) -> None:
    for line in _entries(text):
        keys.htpasswd_line(line)


def _entries(text: str) -> list[str]:
    """Return the lines of a password file that hold a user: nginx skips empty ones and comments (FACTS 3)."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


# What reads each key the way its server does (FACTS 1, 3).
_PARSERS: dict[str, Parse] = {
    "signing-key": keys.signing_keys,
    "key-vault-rsa-key": keys.rsa_key,
    "apns-key": keys.apns_key,
    "fcm-service-account": keys.service_account,
    "li-admin-htpasswd": _htpasswd,
}
_COMMENTED = frozenset({"signing-key", "key-vault-rsa-key", "apns-key"})  # a # is no comment to their readers

_GOOGLES = r"(?s)\s*\{.*\b(?:service_account|private_key)\b"

# The same by its looks, where no place says so: the key of a Secret, its name and path, and what its text begins with.
_LOOKS: tuple[tuple[str, re.Pattern[str], re.Pattern[str], re.Pattern[str]], ...] = (
    ("signing-key", re.compile(r"(?i).*signing[._-]?key"), re.compile(r""), re.compile(r"(?:#[^\n]*\n+)*ed25519\s")),
    ("apns-key", re.compile(r".*\.p8"), re.compile(r""), re.compile(r"")),
    ("fcm-service-account", re.compile(r".*\.json"), re.compile(r"(?i)fcm|firebase|sygnal"), re.compile(_GOOGLES)),
)


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield key material that its server cannot read, or that is too weak or too dear."""
    told: set[tuple[Resource, tuple[str, ...]]] = set()
    for site in survey.found.sites:
        if site.value in _PARSERS and not site.token and site.how != "comment":
            if site.leaf is not None:
                told.add((site.leaf.resource, site.leaf.path))
            yield from _at_site(site)
    for secret in survey.of_kind("Secret"):
        for leaf in secret.leaves.values():
            is_told = any(resource is secret and path[:2] == leaf.path[:2] for resource, path in told)
            if leaf.is_secret and leaf.nested is None and not is_told and _is_filled(leaf):
                yield from _by_looks(leaf)
    yield from _of_hosts(survey)


def _is_filled(leaf: Leaf) -> bool:
    is_open = placeholders.is_open(leaf.text)
    return leaf.text.strip() != "" and not is_open and not leaf.resource.manifest.is_expanded


def _at_site(site: Site) -> Iterator[Finding]:
    if base64text.shape(base64text.plain(site.text)):
        return  # told as what is encoded once too often
    yield from _of(site.value, site.text, site.position)
    hint = _hint(site.text) if site.value in _COMMENTED else -1
    if hint >= 0:
        message = f"A line that begins with # stands inside {site.value}: to its server it is a part of the key."
        yield at(site.manifest.at(site.view, site.start + hint), "key-hint", message, "Remove the line.")


def _hint(text: str) -> int:
    """Return where the first line begins that was meant as a comment, -1 where none is."""
    found = re.search(r"^[ \t]*#", text, re.MULTILINE)
    return found.start() if found else -1


def _by_looks(leaf: Leaf) -> Iterator[Finding]:
    about = f"{leaf.resource.name} {leaf.resource.manifest.path}"
    for value, key, name, text in _LOOKS:
        if key.fullmatch(leaf.key) and name.search(about) and text.match(leaf.text):
            where = leaf.resource.manifest.position(leaf.scalar.start)
            yield from _of(value, leaf.text, where)
            if value in _COMMENTED and _hint(leaf.text) >= 0:
                message = f"{leaf.resource.ref}: a line that begins with # stands inside {leaf.key}, a part of the key."
                yield at(where, "key-hint", message, "Remove the line.")


def _of(value: str, text: str, where: str) -> Iterator[Finding]:
    """What is wrong with one text of key material, hints in it apart."""
    text = filling.read(value, text)
    try:
        read = _PARSERS[value](text)
    except keys.KnownKeyError as error:
        yield at(where, "key-known", f"{value}: {error}", "matrix-wizard rotate signing-key --compromised")
    except ValueError as error:
        yield at(where, "key-malformed", f"{value} cannot be read by its server: {error}", _FIX)
    else:
        if isinstance(read, int) and read < _SHORTEST_RSA:
            message = f"{value} is an RSA key of {read} bits: fewer than {_SHORTEST_RSA} can be broken."
            yield at(where, "rsa-short", message, "Make a new one, and encrypt anew what the old one protects.")


# Schemes that the password check behind a controller never verifies (FACTS 3): musl knows no yescrypt, and HAProxy
# takes to crypt() what nginx reads by itself.
_NEVER = {"ingress-nginx": frozenset({"y"}), "haproxy-ingress": frozenset({"apr1", "SHA", "SSHA", "PLAIN"})}
_BROKEN = {"apr1": "MD5", "1": "MD5", "SHA": "SHA-1 without a salt", "SSHA": "SHA-1", "PLAIN": "plain text"}


def _of_hosts(survey: Survey) -> Iterator[Finding]:
    """Password files that Ingresses name: each scheme is verified by their controller, and neither weak nor dear."""
    files: dict[tuple[str, str], list[Leaf]] = {}
    for secret in survey.of_kind("Secret"):
        for leaf in secret.leaves.values():
            if leaf.is_secret and leaf.key == "auth" and _is_filled(leaf):
                files.setdefault((secret.namespace, secret.name), []).append(leaf)
    done: set[Leaf] = set()
    for ingress in survey.of_kind("Ingress"):
        for controller in access.readers(ingress):
            for leaf in files.get(_named(ingress, controller), []):
                if leaf not in done:
                    done.add(leaf)
                    yield from _of_file(leaf, controller)


def _named(ingress: Resource, controller: Controller) -> tuple[str, str]:
    """Return namespace and name of the Secret that *ingress* names for a password file, ('', '') for none."""
    word = access.note(ingress, controller.auth["secret"]) if controller.auth else ""
    return access.secret_of(ingress, word) if word else ("", "")


def _of_file(leaf: Leaf, controller: Controller) -> Iterator[Finding]:
    where, ref = leaf.resource.manifest.position(leaf.scalar.start), leaf.resource.ref
    fix = "Make the line anew, as bcrypt at cost 10: htpasswd -nB -C 10 USER"
    for number, line in enumerate(_entries(leaf.text), 1):
        try:
            entry = keys.htpasswd_line(line)
        except ValueError:
            continue  # told as malformed where it is LI's; elsewhere an unknown scheme may be another's dialect
        if entry.scheme in _NEVER.get(controller.name, ()):
            message = f"{ref}: {controller.name} never verifies the scheme {entry.scheme} of user {number}."
            yield at(where, "htpasswd-scheme", message, fix)
        elif entry.scheme in _BROKEN:
            message = f"{ref}: the password of user {number} is kept as {_BROKEN[entry.scheme]}, which is soon guessed."
            yield at(where, "htpasswd-scheme", message, fix, "warning")
        elif (entry.cost or 0) > _DEAREST:
            message = f"{ref}: user {number} has bcrypt at cost {entry.cost}, computed anew for every request."
            yield at(where, "htpasswd-cost", message, fix)
