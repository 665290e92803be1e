"""Values: which text each name of the catalogue has now, from what was answered, kept, found in the tree, or made.

What exists wins (DESIGN, law 6): nothing here makes a second generation of a value that has one, unless a person gave
another. Knows no tree and no vault file; randomness is ``mint``'s.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wizard import catalogue, mint
from wizard.answers import Answers
from wizard.catalogue import TLS_SECRET, Kind, Row
from wizard.questions import BY_KEY
from wizard.secret import Secret
from wizard.vault import Generation, Kept, new_generation_id

Text = str | Secret
Minted = Mapping[str, Generation]  # what was made at random before in the same run
NONE_MINTED: Minted = MappingProxyType({})


@dataclass(frozen=True)
class Value:
    """A value as it is to stand in the tree, and why: "kept", "given", "adopted", "made", "answered" or "derived".

    ``beside``: the text of the generation that stands with it where a place holds two, while that is retiring."""

    name: str
    text: Text
    why: str
    beside: Secret | None = None

    @property
    def plain(self) -> str:
        """The text itself, unmasked: for rendering only."""
        return reveal(self.text)


@dataclass(frozen=True)
class InTree:
    """What the tree itself says: texts to take over from it, by name, and its issuer for each ``tls.mode``."""

    texts: Mapping[str, Secret]
    issuers: Mapping[str, str]


def reveal(text: Text) -> str:
    """Return *text* unmasked, be it a Secret or a plain text."""
    return text.reveal() if isinstance(text, Secret) else text


def fingerprint(*texts: Text) -> str:
    """Return 16 hex digits that tell whether a random derivation was made of these very texts."""
    return hashlib.sha256("\0".join(reveal(text) for text in texts).encode()).hexdigest()[:16]


def closure(names: Iterable[str], given: Container[str] = ()) -> set[str]:
    """Return *names* and every value that one of them is derived from; those *given* are derived from nothing."""
    wanted: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in wanted:
            wanted.add(name)
            row = catalogue.BY_NAME.get(name)
            stack += row.inputs if row and name not in given else ()
    return wanted


def questions(names: Iterable[str]) -> set[str]:
    """Return the dotted keys of the answers that the values called *names* come from, defaults' sources included."""
    rows = (catalogue.BY_NAME.get(name) for name in closure(names))
    keys = {row.answer for row in rows if row and row.answer}
    for key in list(keys):
        while key := BY_KEY[key].derived_from:
            keys.add(key)
    return keys


def resolve(
    names: Iterable[str], answers: Answers, kept: Mapping[str, Kept], found: InTree, minted: Minted = NONE_MINTED
) -> dict[str, Value]:
    """Return the value of each of *names* and of what they are derived from.

    A secret is, in this order: given now, taken over from the tree, kept in the vault, *minted* before in this run,
    made. A name that has no answer and cannot be made is not in the result: its sites stay as they are.
    """
    secrets_given = answers.secrets()
    known: dict[str, Value] = {}
    for name in sorted(closure(names, found.texts.keys() | _fixed(kept, secrets_given)), key=_depth):
        row = catalogue.BY_NAME.get(name)
        if row is None:
            value = _decided(name, answers, kept, found, minted)
        elif row.kind is Kind.DERIVED:
            value = _derived(row, known, kept, found, minted)
        elif row.kind is Kind.ANSWER:
            value = _answered(row, answers)
        else:
            value = _secret(row, secrets_given.get(row.answer), kept, found) or _made(row, answers, minted)
        if value is not None:
            known[name] = value
    return known


def answered(
    names: Iterable[str], answers: Answers, found: InTree, kept: Mapping[str, Kept] | None = None
) -> dict[str, Value]:
    """Return those of *names* whose texts follow from *answers*, and from secrets that are *kept*; none is made."""
    known: dict[str, Value] = {}
    for name in sorted(closure(names), key=_depth):
        row = catalogue.BY_NAME.get(name)
        value = None
        if row and row.kind is Kind.ANSWER:
            value = _answered(row, answers)
        elif row and row.kind is Kind.DERIVED and name not in RANDOM:
            value = _derived(row, known, {}, found)
        elif row and kept and name in kept:
            value = Value(name, kept[name].current.text, "kept")
        if value is not None:
            known[name] = value
    return known


def well_known(answers: Answers) -> dict[str, str]:
    """Return what the bare domain serves, where the server's name is not its host: texts by where they go.

    Checklist 3.3, FACTS 6: port 443 is named, so that no one needs 8448; the client's document is read by browsers;
    the DNS record is the other way for federation, and asks for a certificate of the server's name.
    """
    name, host = answers["domains.server_name"], answers["domains.matrix"]
    if not name or not host or name == host:
        return {}
    server = json.dumps({"m.server": f"{host}:443"})
    client = json.dumps({"m.homeserver": {"base_url": f"https://{host}"}})
    record = f"_matrix-fed._tcp.{name}. 86400 IN SRV 10 0 443 {host}."
    return {
        f"https://{name}/.well-known/matrix/server": server,
        f"https://{name}/.well-known/matrix/client (with the header Access-Control-Allow-Origin: *)": client,
        f"or in DNS instead of the first, with a certificate for {name}": record,
    }


def generation(value: Value, inputs: str, made: str) -> Generation:
    """Return *value* as a new current generation for the vault; *made* is the time in ISO 8601, UTC."""
    return Generation(new_generation_id(), "current", made, value.why, Secret(value.plain), inputs)


def inputs_of(name: str, known: Mapping[str, Value]) -> str:
    """Return the fingerprint of what the derived value *name* is made of, '' for all others."""
    row = catalogue.BY_NAME.get(name)
    texts = [known[each].text for each in row.inputs if each in known] if row and row.kind is Kind.DERIVED else []
    return fingerprint(*texts) if texts else ""


def _depth(name: str) -> tuple[int, str]:
    row = catalogue.BY_NAME.get(name)
    return (1 + max(_depth(each)[0] for each in row.inputs) if row and row.inputs else 0), name


def _answered(row: Row, answers: Answers) -> Value | None:
    answer = answers[row.answer]
    if answer is None:
        return None
    text = ", ".join(map(str, answer)) if isinstance(answer, tuple) else str(answer)
    return Value(row.name, Secret(text) if row.confidential else text, "answered")


def _secret(row: Row, given: Secret | None, kept: Mapping[str, Kept], found: InTree) -> Value | None:
    current = kept[row.name].current.text if row.name in kept else None
    if given is not None:
        return Value(row.name, given, "kept" if given == current else "given")
    if row.name in found.texts:
        return Value(row.name, found.texts[row.name], "adopted")
    if current is not None:
        return Value(row.name, current, "kept")
    return None


def _made(row: Row, answers: Answers, minted: Minted) -> Value | None:
    if not row.make or (row.part and not answers.uses(row.part)):
        return None
    size = answers["key_vault.rsa_bits"] if row.make == "rsa" else row.size
    return _minted(row.name, mint.Recipe(row.make, size or None), minted)


def _minted(name: str, recipe: mint.Recipe, minted: Minted) -> Value:
    text = minted[name].text if name in minted else mint.make(recipe)
    return Value(name, text, "made")


def _derived(
    row: Row, known: Mapping[str, Value], kept: Mapping[str, Kept], found: InTree, minted: Minted = NONE_MINTED
) -> Value | None:
    if row.name in found.texts:
        return Value(row.name, found.texts[row.name], "adopted")
    current = kept[row.name].current if row.name in kept else None
    if current and any(name not in known for name in row.inputs):
        return Value(row.name, current.text, "kept")
    if any(name not in known for name in row.inputs):
        return None
    inputs = {name: known[name].text for name in row.inputs}
    if row.name not in RANDOM:
        return Value(row.name, DERIVATIONS[row.name](inputs, found), "derived")
    if current and current.inputs == fingerprint(*inputs.values()):
        return Value(row.name, current.text, "kept")
    if row.name in minted and minted[row.name].inputs == fingerprint(*inputs.values()):
        return Value(row.name, minted[row.name].text, "derived")
    return Value(row.name, DERIVATIONS[row.name](inputs, found), "derived")


def _decided(name: str, answers: Answers, kept: Mapping[str, Kept], found: InTree, minted: Minted) -> Value | None:
    """Return the value of a placeholder that the answers decide: it bears the name of its decision."""
    decision = answers.decisions.get(name) or answers.decisions.get(name.partition(" @ ")[0])
    current = kept[name].current.text if name in kept else None
    if decision and decision.text is not None and decision.action == "value":
        is_kept = current is not None and reveal(decision.text) == current.reveal()
        return Value(name, decision.text, "kept" if is_kept else "given")
    if name in found.texts:
        return Value(name, found.texts[name], "adopted")
    if current is not None:
        return Value(name, current, "kept")
    if decision and decision.action in ("generate", "split"):
        kind = reveal(decision.text) if decision.action == "generate" and decision.text else "password"
        return _minted(name, mint.Recipe(kind, decision.length), minted)
    return None


def _fixed(kept: Mapping[str, Kept], given: Mapping[str, Secret]) -> set[str]:
    """Return the derived values that were taken over from a tree, so that what they were made of is not known.

    One whose input is given now is derived like any other.
    """
    taken_over = {name for name in RANDOM & kept.keys() if not kept[name].current.inputs}
    rows = {name: [catalogue.BY_NAME[each] for each in catalogue.BY_NAME[name].inputs] for name in taken_over}
    return {name for name, inputs in rows.items() if not any(row.answer in given for row in inputs)}


def _htpasswd(inputs: Mapping[str, Text], _: InTree) -> Text:
    user, password = inputs["li-admin-user"], inputs["li-admin-password"]
    return mint.htpasswd(reveal(user), Secret(reveal(password)))


def _project(inputs: Mapping[str, Text], _: InTree) -> Text:
    account: dict[str, str] = json.loads(reveal(inputs["fcm-service-account"]))
    return account["project_id"]


def _issuer(inputs: Mapping[str, Text], found: InTree) -> Text:
    mode = reveal(inputs["tls-mode"])
    return found.issuers.get(mode, ISSUERS.get(mode, ""))


def _flag(*modes: str) -> Derivation:
    return lambda inputs, _: "true" if reveal(inputs["smtp-security"]) in modes else "false"


Derivation = Callable[[Mapping[str, Text], InTree], Text]
# The names that the checklist gives to the issuers of each mode (6.1, 6.3), for a tree that brings none.
ISSUERS = {"letsencrypt": "letsencrypt-prod", "letsencrypt-staging": "letsencrypt-staging", "selfsigned": "selfsigned"}
DERIVATIONS: dict[str, Derivation] = {
    "li-admin-htpasswd": _htpasswd,
    "fcm-project-id": _project,
    "cluster-issuer": _issuer,
    "tls-secret-name": lambda _inputs, _found: TLS_SECRET,
    "smtp-enable-tls": _flag("starttls", "tls"),
    "smtp-require-tls": _flag("starttls", "tls"),
    "smtp-force-tls": _flag("tls"),
}
# Made anew each time they are computed, so they are kept with a fingerprint of their inputs (DESIGN, law 6).
RANDOM = frozenset({"li-admin-htpasswd"})
