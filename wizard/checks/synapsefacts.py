"""What Synapse does with its configuration: options that it does not know, files that it never gets, doors it opens."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wizard import placeholders
from wizard.configurations import SYGNAL, SYNAPSE, Configuration, Server
from wizard.finding import Finding, at
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
    found = survey.of_server(SYNAPSE)
    for each in (*found, *survey.of_server(SYGNAL)):
        yield from _unknown(each)
    for each in found:
        yield from _twice(each)
        yield from _unmounted(each, survey)
        yield from _too_open(each)
    yield from _replaced(found)
    homeservers = [each for each in found if each.has("server_name")]
    for each in homeservers:
        if not _is_partly_unseen(each, survey):
            others = _COMMENT.sub("", _beside(each, survey, found))
            yield from _macaroon(each, others)
            yield from _replication(each, others)


def _unknown(config: Configuration) -> Iterator[Finding]:
    """Options that the image's version does not know, and so ignores."""
    versions = [each.version for each in config.containers if each.version is not None]
    for option in (each for each in _OPTIONS if each.server is config.server):
        for path in (each for each in config.settings if _fits(option.path, each)):
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
            yield at(config.settings[path].position(), "option-unknown", message, fix)


def _twice(config: Configuration) -> Iterator[Finding]:
    """An option and its form with a file, both set: a configuration error."""
    for option in (each for each in _OPTIONS if each.server is SYNAPSE and each.since is not None):
        inline = (*option.path[:-1], option.inline)
        if config.value(*option.path) and config.value(*inline):
            message = f"{config.resource.ref}: {'.'.join(inline)} and {option.path[-1]} are both set."
            fix = f"Take {option.inline} out; the file alone holds the secret."
            yield at(config.settings[inline].position(), "option-twice", message, fix)


def _unmounted(config: Configuration, survey: Survey) -> Iterator[Finding]:
    """Files that the configuration names and that no mount brings."""
    held = {(each.kind, each.namespace, each.name): each for each in survey.of_kind("Secret", "ConfigMap")}
    for path in _FILES:
        name = config.value(*path)
        if not name.startswith("/") or "$" in name or any(placeholders.find(name)):
            continue
        for container in filter(_serves, config.containers):
            why = _absence(container, name, held)
            if why:
                then = _MADE.get(path[-1], "Synapse does not start")
                message = f"{config.resource.ref}: {'.'.join(path)} names a file that {why}: {then}."
                where = container.workload.resource.ref
                fix = f"Mount the Secret that holds it at that path in container {container.name} of {where}."
                yield at(config.settings[path].position(), "file-not-mounted", message, fix)
                break


_SERVER = re.compile(r"start\.py|start_worker|synapse\.app|synapse_(?:homeserver|worker)|synctl")


def _serves(container: Container) -> bool:
    """Say whether *container* runs the server, as far as its words tell, and no tool such as that which adds a user."""
    if container.has_command:
        return _SERVER.search(container.line) is not None and "generate" not in container.line
    return not container.words or container.words[0].value not in ("generate", "migrate_config")


def _absence(container: Container, path: str, held: dict[tuple[str, str, str], Resource]) -> str:
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


def _too_open(config: Configuration) -> Iterator[Finding]:
    """A password file of libpq that others may read: it is ignored (FACTS 2; PostgreSQL, "The Password File")."""
    name = config.value("database", "args", "passfile")
    for container in config.containers if name.startswith("/") else ():
        source = container.at(name)
        if source is not None and source.kind == "Secret" and not _is_private(container, source.mode):
            where = container.workload.resource.ref
            message = f"{where}: the file of database.args.passfile may be read by others, so that it is ignored."
            fix = "Give it in PGPASSWORD, or have an init container copy the file for Synapse's user, mode 0600."
            yield at(config.settings["database", "args", "passfile"].position(), "file-too-open", message, fix)
            return


def _is_private(container: Container, mode: str) -> bool:
    """Say whether the file of a Secret of that *mode* is its owner's alone; fsGroup adds the group (FACTS 2)."""
    grouped = container.reader.text(next(container.reader.at(container.pod, "securityContext"), None), "fsGroup")
    return bool(mode) and not grouped and octal(mode) & 0o077 == 0


def _replaced(found: Iterable[Configuration]) -> Iterator[Finding]:
    """A block that a later configuration file replaces whole, so that settings of the earlier one are lost."""
    by_container: dict[Container, list[Configuration]] = {}
    for config in found:
        for container in config.containers:
            by_container.setdefault(container, []).append(config)
    told = set()
    for container, configs in by_container.items():
        ordered = [config for name in _config_paths(container) for config in configs if _is_at(container, name, config)]
        for before, after in itertools.pairwise(ordered):
            for block in sorted(_blocks(before) & _blocks(after)):
                lost = {path[1:] for path in before.settings if path[0] == block}
                lost -= {path[1:] for path in after.settings if path[0] == block}
                place = next(leaf for path, leaf in after.settings.items() if path[0] == block).position()
                if lost and place not in told:
                    told.add(place)
                    names = ", ".join(sorted({path[0] for path in lost}))
                    message = (
                        f"{after.resource.ref}: {block} replaces that of {before.resource.ref} whole; lost: {names}."
                    )
                    yield at(place, "block-replaced", message, f"Put all of {block}: into one of the two files.")


def _blocks(config: Configuration) -> set[str]:
    return {path[0] for path in config.settings if len(path) > 1}


def _config_paths(container: Container) -> list[str]:
    words = [each.value for each in container.words]
    flags = ("-c", "--config-path")
    following = [after for flag, after in itertools.pairwise(words) if flag in flags]
    joined = [each.partition("=")[2] for each in words if each.startswith("--config-path=")]
    return following if following else joined


def _is_at(container: Container, path: str, config: Configuration) -> bool:
    """Say whether *config* is the file at *path*, or one in the directory that it is."""
    home = (config.resource.kind, config.resource.name)
    for each in (path, f"{path.rstrip('/')}/{config.key}"):
        source = container.at(each)
        if source is not None and (source.kind, source.name) == home and source.key == config.key:
            return True
    return False


def _beside(config: Configuration, survey: Survey, found: Iterable[Configuration]) -> str:
    """Return what the containers of *config* are configured by besides: other files, words and scripts, as one text."""
    own = {each.resource for each in found if set(each.containers) & set(config.containers)}
    texts = [leaf.text for each in {config.resource, *own} for leaf in each.leaves.values() if leaf.nested is None]
    pods = {each.workload.resource for each in config.containers}
    texts += [each.line for each in survey.containers if each.workload.resource in pods]
    return "\n".join(texts)


_COMMENT = re.compile(r"(?m)^[ \t]*#.*$")


def _is_partly_unseen(config: Configuration, survey: Survey) -> bool:
    """Say whether a mounted file that configures the same containers is not in the tree, so that nobody knows what it
    sets: one from a Secret that is made in the cluster, or from a volume of another kind."""
    here = {each: each.namespace for each in survey.of_kind("Secret", "ConfigMap") if not each.manifest.actions}
    for container in config.containers:
        space = container.workload.namespace
        pod = [each for each in survey.containers if each.workload.resource is container.workload.resource]
        own, names = (
            (config.resource.kind, config.resource.name),
            {(OTHER, ""), *((each.kind, each.name) for each in here)},
        )
        is_made = any(each.is_init and own in each.objects for each in pod)  # of it, by words that are looked into
        for path in _config_paths(container):
            source = container.at(path)
            if source is None:
                continue
            is_seen = (
                is_made or any(each.is_init and each.at(path) and each.objects <= names for each in pod)
                if source.kind == OTHER
                else any(
                    (each.kind, each.name) == (source.kind, source.name) and (home == space or "" in (home, space))
                    for each, home in here.items()
                )
            )
            if not is_seen:
                return True
    return False


_UNSET = re.compile(r"""(?m)^[ \t]*macaroon_secret_key[ \t]*:[ \t]*(?:""|''|~|null)?[ \t]*(?:#.*)?$""")


def _macaroon(config: Configuration, others: str) -> Iterator[Finding]:
    """No macaroon secret, or an empty one: it falls back to the registration secret, then to the signing key."""
    empty = config.settings.get(("macaroon_secret_key",))
    is_empty = empty is not None and empty.text.strip() in ("", "~", "null")
    if "macaroon_secret_key" not in _UNSET.sub("", others):
        what = "is empty" if is_empty else "is not set"
        message = f"{config.resource.ref}: macaroon_secret_key {what}, so that another secret stands in for it."
        fix = "Set macaroon_secret_key_path (from 1.122), or macaroon_secret_key in a file from a Secret."
        place = empty.position() if is_empty and empty else config.position()
        yield at(place, "macaroon-missing", message, fix)


def _replication(config: Configuration, others: str) -> Iterator[Finding]:
    """A replication listener that asks for no secret (FACTS 2)."""
    if re.search(r"(?m)^\s*worker_replication_secret(?:_path)?[\"']?\s*:[ \t]*[\"']?[^\s#\"']", others):
        return
    for path, leaf in config.settings.items():
        is_open = path[:1] == ("listeners",) and "names" in path and leaf.text == "replication"
        bound = {
            leaf.text
            for each, leaf in config.settings.items()
            if each[:2] == path[:2] and "bind_address" in "".join(each[2:3])
        }
        if is_open and not (bound and bound <= _LOOPBACK):
            message = f"{config.resource.ref}: the replication listener asks for no secret."
            fix = (
                "Set worker_replication_secret_path (from 1.126), or worker_replication_secret in a file from a Secret."
            )
            yield at(leaf.position(), "replication-open", message, fix)


def _fits(want: Path, path: Path) -> bool:
    return len(want) == len(path) and all(step in ("*", has) for step, has in zip(want, path, strict=True))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
