"""What Synapse does with its configuration: options that it does not know, files that it never gets, doors it opens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wizard import manifests, placeholders
from wizard.configurations import SYGNAL, SYNAPSE, Configuration, Server
from wizard.finding import Finding, at
from wizard.homeserver import Homeserver
from wizard.manifests import Path
from wizard.pods import OTHER, Container, octal
from wizard.resources import Resource
from wizard.survey import Survey


@dataclass(frozen=True)
class _Option:
    """An option that names a file, the first release that knows it (None: none does up to 1.163.2), and what it is
    instead of."""

    path: Path
    since: tuple[int, int, int] | None
    inline: str
    server: Server = SYNAPSE


# FACTS 2, "file variant": the first release tag with the commit that added the option; FACTS 3 for Sygnal.
_OPTIONS = (
    _Option(("macaroon_secret_key_path",), (1, 122, 0), "macaroon_secret_key"),
    _Option(("registration_shared_secret_path",), (1, 67, 0), "registration_shared_secret"),
    _Option(("form_secret_path",), (1, 126, 0), "form_secret"),
    _Option(("worker_replication_secret_path",), (1, 126, 0), "worker_replication_secret"),
    _Option(("turn_shared_secret_path",), (1, 116, 0), "turn_shared_secret"),
    _Option(("redis", "password_path"), (1, 117, 0), "password"),
    _Option(("recaptcha_private_key_path",), (1, 135, 0), "recaptcha_private_key"),
    _Option(("email", "smtp_pass_path"), None, "smtp_pass"),
    _Option(("password_config", "pepper_path"), None, "pepper"),
    _Option(("apps", "*", "service_account_file"), (0, 14, 0), "api_key", SYGNAL),
    _Option(("*", "service_account_file"), (0, 14, 0), "api_key", SYGNAL),  # a file of apps alone
)
_LAST_KNOWN = (1, 163, 2)
# Where a file is named whose absence Synapse makes up for (FACTS 1, 2), or does not.
_MADE = {
    "signing_key_path": "Synapse makes a new signing key there at each start, and is another server to all others",
    "registration_shared_secret_path": "Synapse makes a secret of its own there at each start",
}
_FILES = (
    *(each.path for each in _OPTIONS if each.server is SYNAPSE),
    ("signing_key_path",),
    ("database", "args", "passfile"),
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what Synapse, and Sygnal's newer option, do not do as their configuration says."""
    for each in (*survey.of_server(SYNAPSE), *survey.of_server(SYGNAL)):
        yield from _unknown(each)
    mounted = survey.mounted(container for each in survey.homeservers for container in each.containers)
    held = {(each.kind, each.namespace, each.name): each for each in mounted}
    yield from dict.fromkeys(finding for each in survey.homeservers for finding in _of_homeserver(each, survey, held))


_Held = Mapping[tuple[str, str, str], Resource]  # Secrets and ConfigMaps by kind, namespace and name


def _of_homeserver(home: Homeserver, survey: Survey, held: _Held) -> Iterator[Finding]:
    yield from _twice(home)
    yield from _inline(home)
    yield from _unmounted(home, held)
    yield from _too_open(home)
    yield from _replaced(home)
    if home.name and home.is_whole:
        others = _COMMENT.sub("", _beside(home, survey))
        yield from _macaroon(home, others)
        yield from _replication(home, others)


def _unknown(config: Configuration) -> Iterator[Finding]:
    """Options that the image's version does not know, and so ignores."""
    versions = [each.version for each in config.containers if each.version is not None]
    for option in (each for each in _OPTIONS if each.server is config.server):
        for path in (each for each in config.settings if manifests.fits(option.path, each)):
            oldest = min(versions, default=None)
            if oldest is None or not (oldest < option.since if option.since else oldest <= _LAST_KNOWN):
                continue
            name = ".".join(path)
            known = ".".join(map(str, option.since)) if option.since else "no release up to 1.163.2"
            message = (
                f"{config.resource.ref}: {config.server.name} {_dotted(oldest)} ignores {name} ({known} knows it)."
            )
            fix = (
                f"Run an image of {known} or later, or give {option.inline} in a configuration file from a Secret."
                if option.since
                else f"Give {option.inline} in a second configuration file, which stands in a Secret."
            )
            yield at(config.place(*path), "option-unknown", message, fix)


def _twice(home: Homeserver) -> Iterator[Finding]:
    """An option and its form with a file, both set: a configuration error."""
    for option in (each for each in _OPTIONS if each.server is SYNAPSE and each.since is not None):
        inline = (*option.path[:-1], option.inline)
        if home.value(*option.path) and home.value(*inline):
            message = f"{home.source(*inline).resource.ref}: {'.'.join(inline)} and {option.path[-1]} are both set."
            fix = f"Take {option.inline} out; the file alone holds the secret."
            yield at(home.place(*inline), "option-twice", message, fix)


def _inline(home: Homeserver) -> Iterator[Finding]:
    """A secret itself, where the command line has Synapse refuse all of them (1.126; synapse/config/_base.py)."""
    if not any(_NO_SECRETS in each.line for each in home.containers):
        return
    for option in (each for each in _OPTIONS if each.server is SYNAPSE and each.since is not None):
        inline = (*option.path[:-1], option.inline)
        if home.value(*inline):
            message = f"{home.source(*inline).resource.ref}: {'.'.join(inline)} is set, and {_NO_SECRETS} forbids that."
            yield at(home.place(*inline), "option-inline", message, f"Give it as a file: {'.'.join(option.path)}.")


_NO_SECRETS = "--no-secrets-in-config"


def _unmounted(home: Homeserver, held: _Held) -> Iterator[Finding]:
    """Files that the configuration names and that no mount brings."""
    for path in _FILES:
        name = home.value(*path)
        if not name.startswith("/") or "$" in name or any(placeholders.find(name)):
            continue
        for container in home.containers:
            why = _absence(container, name, held)
            if why:
                then = _MADE.get(path[-1], "Synapse does not start")
                message = f"{home.source(*path).resource.ref}: {'.'.join(path)} names a file that {why}: {then}."
                where = container.workload.resource.ref
                fix = f"Mount the Secret that holds it at that path in container {container.name} of {where}."
                yield at(home.place(*path), "file-not-mounted", message, fix)
                break


def _absence(container: Container, path: str, held: _Held) -> str:
    source, who = container.at(path), f"container {container.name}"
    if source is None:
        return f"no volume of {who} of {container.workload.resource.ref} brings"
    if source.kind == OTHER:
        return ""
    if not source.key:
        return f"the items of the volume from {source.kind} {source.name} leave out in {who}"
    home = held.get((source.kind, container.workload.namespace, source.name))
    if home is None or home.manifest.actions:
        return ""
    keys = {path[1] for path in home.leaves if len(path) > 1 and path[0] in ("data", "stringData", "binaryData")}
    if source.key in keys or not keys:
        return ""
    return f"{home.ref}, which is mounted there, does not hold"


def _too_open(home: Homeserver) -> Iterator[Finding]:
    """A password file of libpq that others may read: it is ignored (FACTS 2; PostgreSQL, "The Password File")."""
    name = home.value("database", "args", "passfile")
    for container in home.containers if name.startswith("/") else ():
        source = container.at(name)
        if source is not None and source.kind == "Secret" and not _is_private(container, source.mode):
            where = container.workload.resource.ref
            message = f"{where}: the file of database.args.passfile may be read by others, so that it is ignored."
            fix = "Give it in PGPASSWORD, or have an init container copy the file for Synapse's user, mode 0600."
            yield at(home.place("database", "args", "passfile"), "file-too-open", message, fix)
            return


def _is_private(container: Container, mode: str) -> bool:
    """Say whether the file of a Secret of that *mode* is its owner's alone; fsGroup adds the group (FACTS 2)."""
    grouped = container.reader.text(next(container.reader.at(container.pod.spec, "securityContext"), None), "fsGroup")
    return bool(mode) and not grouped and octal(mode) & 0o077 == 0


def _replaced(home: Homeserver) -> Iterator[Finding]:
    """A block that a later configuration file replaces whole, so that settings of the earlier one are lost."""
    in_force: dict[str, Configuration] = {}
    for text in home.texts if home.is_ordered else ():
        for block in {path[0]: None for path in text.settings if len(path) > 1}:
            before = in_force.get(block)
            lost = _below(before, block) - _below(text, block) if before else ()
            if before and lost:
                names = ", ".join(sorted({path[1] for path in lost}))
                message = f"{text.resource.ref}: {block} replaces that of {before.resource.ref} whole; lost: {names}."
                fix = f"Put all of {block}: into one of the two files."
                yield at(text.place(block), "block-replaced", message, fix)
            in_force[block] = text


def _below(text: Configuration, block: str) -> set[Path]:
    return {path for path in text.settings if path[0] == block}


def _beside(home: Homeserver, survey: Survey) -> str:
    """Return what the containers of *home* are configured by besides: other files, words and scripts, as one text."""
    every = (each for each in survey.of_server(SYNAPSE) if {*each.containers} & {*home.containers})
    objects = {each.resource for each in (*home.texts, *every)}
    texts = [leaf.text for each in objects for leaf in each.leaves.values() if leaf.nested is None]
    texts += [each.text for each in home.texts if each.leaf is None]
    return "\n".join((*texts, *{each.pod.lines for each in home.containers}))


_COMMENT = re.compile(r"(?m)^[ \t]*#.*$")


_UNSET = re.compile(r"""(?m)^[ \t]*macaroon_secret_key[ \t]*:[ \t]*(?:""|''|~|null)?[ \t]*(?:#.*)?$""")


def _macaroon(home: Homeserver, others: str) -> Iterator[Finding]:
    """No macaroon secret, or an empty one: it falls back to the registration secret, then to the signing key."""
    if "macaroon_secret_key" not in _UNSET.sub("", others):
        text = home.source("macaroon_secret_key")
        what = "is not set" if home.get("macaroon_secret_key") is None else "is empty"
        message = f"{text.resource.ref}: macaroon_secret_key {what}, so that another secret stands in for it."
        fix = "Set macaroon_secret_key_path (from 1.122), or macaroon_secret_key in a file from a Secret."
        yield at(text.place("macaroon_secret_key"), "macaroon-missing", message, fix)


def _replication(home: Homeserver, others: str) -> Iterator[Finding]:
    """A replication listener that asks for no secret (FACTS 2)."""
    if re.search(r"(?m)^\s*worker_replication_secret(?:_path)?[\"']?\s*:[ \t]*[\"']?[^\s#\"']", others):
        return
    text = home.source("listeners")
    for listener, name in home.serving("replication"):
        addresses = manifests.items(manifests.get(listener, ("bind_addresses",)))
        bound = {manifests.text_at(each) for each in (*addresses, manifests.get(listener, ("bind_address",)))} - {""}
        if not bound or not bound <= _LOOPBACK:
            message = f"{text.resource.ref}: the replication listener asks for no secret."
            fix = (
                "Set worker_replication_secret_path (from 1.126), or worker_replication_secret in a file from a Secret."
            )
            yield at(text.position(name.start), "replication-open", message, fix)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
