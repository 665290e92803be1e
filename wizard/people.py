"""The verbs about people and their keys: who is let in and shut out, a new key for this machine, the trial of a second.

Whoever could open the vault keeps what was read: each verb says so, and none pretends to take it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from wizard import formats, host, keystore, opening, pins, review, rotation, sealing, secondkey
from wizard import vault as vaults
from wizard.answers import Answer, Answers
from wizard.audit import Deed
from wizard.errors import Problem, RefusedError, UsageError
from wizard.formats import FormatError
from wizard.interview import Ask, Fault
from wizard.keystore import Identity
from wizard.opening import Opened, Where
from wizard.outcome import People, Rekeyed, Removed, people
from wizard.secret import Secret
from wizard.vault import Recipient, Vault, bare, fingerprint

_KEY = "vault.recipients"


def add(where: Where, key: str, name: str, *, yes: bool, recovery: bool = False) -> People:
    """Let the holder of the public *key*, who is called *name* (else as an SSH key's comment says), open the vault.

    A *recovery* key is kept offline, and ``drill`` tries it. Nothing is written where the key opens it already.
    UsageError for what is no public key; StoppedError without consent."""
    key, comment = _read(key)
    with opening.nothing_written():
        opened = opening.opened(where)
        if key in map(bare, opened.vault.keys):
            return people(opened.vault, _own(opened).publics)
        reads = "will read every secret in the vault, earlier ones included."
        where.mention(f"Whoever holds the secret half of {key} {reads}")
        opening.agree(where, "Let it in?", yes=yes)
        vault = vaults.joined(
            opened.vault, Recipient(key, host.now(), "recovery" if recovery else "other", name or comment)
        )
        saved = opening.save(where, opened, vault, Deed("recipients add", places=(key,)))
        return people(saved.vault, saved.identity.publics)


def remove(where: Where, who: str, *, yes: bool) -> Removed:
    """Shut out the recipient with the public key or the name *who*, and return what that one could read.

    UsageError for an unknown or ambiguous name, RefusedError for the last key and for one's own."""
    with opening.nothing_written():
        opened = opening.opened(where)
        gone = _chosen(opened, who)
        read = sorted(rotation.readable(opened.vault, gone.key))
        values = tuple((name, opened.vault.values[name].current.made) for name in read)
        for line in told(gone, len(values)):
            where.mention(line)
        for line in _left(opened.vault, gone):
            where.say(line)
        opening.agree(where, "Shut it out?", yes=yes)
        now = host.now()
        vault = replace(
            opened.vault,
            recipients=_until(opened.vault, {gone.key}, now),
            answers=_without(opened.vault.answers, gone.key),
        )
        saved = _save_resealed(where, opened, _own(opened), vault, Deed("recipients remove", places=(gone.key,)))
        return Removed(replace(gone, until=now), values, fingerprint(saved.seal))


def _left(vault: Vault, gone: Recipient) -> Iterator[str]:
    """Yield what the operator may not have in mind: that the recovery key goes, or that one key alone is left."""
    if gone.kind == "recovery":
        yield "It is a recovery key. Let another one in first: matrix-wizard vault recipients add KEY --recovery"
    if len(vault.keys) == 2:
        yield "The vault then opens with one key alone: who loses that has lost every secret."


def told(gone: Recipient, count: int) -> tuple[str, ...]:
    """Return what it means that *gone*, who could open *count* values, is shut out."""
    name = f"{gone.name} ({gone.key})" if gone.name else gone.key
    return (
        f"{name} will not open the vault as it is written from now on.",
        "That unreads nothing: every copy of the vault made until now, and git's history, stays open to that key.",
        f"It could read {review.count(count, 'value')}. Rotate them: only a new secret is unknown to that key.",
        "The vault gets a new seal, which that key does not know; to others it is refused until they accept that.",
    )


def rekey(where: Where, new: Path | None, *, yes: bool) -> Rekeyed:
    """Make a new key for this machine and a new seal for the vault; a key of this machine opens it no more.

    Any other that opened it (a recovery key, a given one, an SSH key) stays a recipient, and the new one is made where
    a new vault's would be. It is kept before the vault is written, and the former one stays beside it, so that the
    vault opens whatever is interrupted. UsageError where it cannot be kept; StoppedError without consent."""
    with opening.nothing_written():
        opened = opening.opened(where)
        former = _own(opened)
        where.mention(
            "The vault gets a new key of this machine and a new seal. Copies made until now stay open to the former "
            "key; to others the vault is refused until they accept its new seal."
        )
        opening.agree(where, "Make a new key?", yes=yes)
        replaced = _replaced(opened.vault, former)
        moved = former if replaced else None
        is_asked = where.terminal is not None
        identity = keystore.renew(moved, opened.vault.id, new, interactive=is_asked)
        now = host.now()
        vault = replace(opened.vault, recipients=_until(opened.vault, replaced, now))
        vault = vaults.joined(vault, Recipient(identity.public, now, "own", f"{host.user()}@{host.name()}"))
        saved = _save_resealed(where, opened, identity, vault, Deed("rekey", places=(identity.public,)))
        kept = tuple(key for key in saved.keys if bare(key) != identity.public)
        return Rekeyed(identity.public, identity.where, fingerprint(saved.seal), tuple(sorted(replaced)), kept)


def _save_resealed(where: Where, opened: Opened, identity: Identity, vault: Vault, deed: Deed) -> Vault:
    """Write *vault*, which *identity* is to open, under a new seal and with a new key of the log, and return it.

    Who could read it until now knew both. The new seal is remembered before it is written, so that no kill at any
    instant leaves a vault that is refused here."""
    seal, before = vaults.new_seal(), fingerprint(vault.seal)
    vault = replace(
        vault,
        seal=seal,
        former_seals=(*vault.former_seals, *filter(None, (before,))),
        audit=vaults.rekeyed(vault.audit) if vault.audit else None,
    )
    known = pins.known()
    opening.keep(where, known, pins.foretold(known, vault.id, fingerprint(seal)))
    return opening.save(where, replace(opened, identity=identity), vault, deed).vault


def drill(where: Where, recovery: Path | None) -> Recipient:
    """Open the vault with the recovery key alone, in the file *recovery* or typed, and record that it did.

    RefusedError for a key that does not open it; UsageError where there is no key to try."""
    with opening.nothing_written():
        opened = opening.opened(where)
        secrets, publics = _second(where, recovery)
        second = [each for each in opened.vault.recipients if not each.until and bare(each.key) in publics]
        if any(key in _own(opened).publics for key in publics):
            what = "This is the key that opens the vault here anyway: the second one is to be tried."
            raise RefusedError(Problem(what, str(recovery or ""), "Give the recovery key."))
        if not second:
            what = "This is a key, but not one of this vault's."
            then = "Look for the sheet with the vault's id. To see its keys: matrix-wizard vault recipients list"
            raise RefusedError(Problem(what, str(recovery or ""), then))
        sealing.unseal(opened.sealed or b"", *secrets)
        now = host.now()
        tried = [each.key for each in second]
        recipients = (
            replace(each, drilled=now) if each.key in tried and not each.until else each
            for each in opened.vault.recipients
        )
        vault = replace(opened.vault, recipients=tuple(recipients))
        opening.save(where, opened, vault, Deed("drill", places=tuple(tried)))
        return replace(second[0], drilled=now)


def _read(key: str) -> tuple[str, str]:
    """Return a public key without an SSH key's comment, and the comment. UsageError, which does not quote it."""
    try:
        words = formats.recipient(key).split(maxsplit=2)
    except FormatError as error:
        problem = Problem(f"KEY: {error.what}", "", error.instead)
    else:
        return " ".join(words[:2]), "".join(words[2:])
    raise UsageError(problem)


def _own(opened: Opened) -> Identity:
    if opened.identity is None:
        raise ValueError("a vault that was opened was opened with a key")
    return opened.identity


def _chosen(opened: Opened, who: str) -> Recipient:
    now = [each for each in opened.vault.recipients if not each.until]
    found = [each for each in now if bare(each.key) == bare(who)] or [
        each for each in now if each.name and each.name == who
    ]
    listing = "To see them: matrix-wizard vault recipients list"
    if not found:
        raise UsageError(Problem("No key that opens the vault is this one, or has this name.", "", listing))
    if len(found) > 1:
        keys = ", ".join(each.key for each in found)
        raise UsageError(Problem(f"{len(found)} keys have this name: {keys}.", "", "Give one of them."))
    if len(now) == 1:
        what = "This is the vault's only key: without it nobody opens it any more."
        raise RefusedError(Problem(what, "", "Let another one in first: matrix-wizard vault recipients add KEY"))
    if bare(found[0].key) in _own(opened).publics:
        what = "This is the key that opened the vault just now."
        then = "Remove it from where another key opens the vault, or replace it: matrix-wizard vault rekey"
        raise RefusedError(Problem(what, "", then))
    return found[0]


def _until(vault: Vault, keys: Iterable[str], now: str) -> tuple[Recipient, ...]:
    gone = set(keys)
    return tuple(replace(each, until=now) if each.key in gone and not each.until else each for each in vault.recipients)


def _replaced(vault: Vault, identity: Identity) -> set[str]:
    """Return the public keys of *identity* that a new one takes the place of: those made for a machine."""
    return {
        each.key
        for each in vault.recipients
        if not each.until and each.kind == "own" and each.key in identity.publics and each.key[:4] != "ssh-"
    }


def _without(record: dict[str, object], key: str) -> dict[str, object]:
    """Return the vault's answers without *key* among the recipients: the next setup would let it in again."""
    answers = Answers.from_json(record)
    named = answers.given.get(_KEY)
    if named is None or not named.value:
        return record
    left = tuple(each for each in named.value if bare(each) != bare(key))
    others = {name: answer for name, answer in answers.given.items() if name != _KEY}
    given = {**others, _KEY: Answer(left, named.where)} if left else others
    return replace(answers, given=given).to_json()


def _second(where: Where, recovery: Path | None) -> tuple[tuple[Secret, ...], tuple[str, ...]]:
    """Return the key that is to be tried, and its public part."""
    if recovery is not None:
        found = keystore.load(None, recovery, given=where.passphrases)
        return found.secrets, found.publics
    if where.terminal is None:
        raise UsageError(Problem("There is no recovery key to try.", "", "Name its file with --recovery FILE."))

    def judge(text: str) -> Fault | None:
        try:
            secondkey.read(text)
        except FormatError as error:
            return Fault(error.what)
        return None

    ask = Ask("Recovery key", "hidden", "As it was written down; blanks do not matter.", judge=judge, echo=lambda _: "")
    identity = secondkey.read(where.terminal.ask(ask))
    return (identity,), keystore.publics(identity)
