"""What coturn, LiveKit and Sygnal do with their configuration: secrets that never arrive, options that mean another."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterator

from wizard import placeholders, yamltypes
from wizard.configurations import COTURN, LIVEKIT, SYGNAL, Configuration
from wizard.finding import Finding, at
from wizard.manifests import Path
from wizard.pods import Container, octal
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what calls and push do not get."""
    turn = survey.of_server(COTURN)
    for each in turn:
        yield from _turn_secret(each, survey)
        yield from _turn_lines(each)
        yield from _relaying(each, survey)
    for container in survey.containers:
        if COTURN.image.search(container.image) and not container.is_init:
            yield from _words_of_coturn(container)
            yield from _never_read(container, survey)
        if LIVEKIT.image.search(container.image):
            yield from _variables_of_livekit(container, survey)
    yield from _mechanisms(survey, turn)
    for each in survey.of_server(LIVEKIT):
        yield from _key_file(each)
    for each in survey.of_server(SYGNAL):
        for app in _apps(each):
            yield from _apple(each, app) if each.value(*app, "type") == "apns" else _google(each, app)


# --- coturn (FACTS 3)

_DATABASES = re.compile(
    r"^(?:psql|mysql|mongo|redis|sql)-userdb\b|^userdb\s*=(?!\s*/tmp/)", re.MULTILINE
)  # /tmp begins empty


def _turn_secret(config: Configuration, survey: Survey) -> Iterator[Finding]:
    """A coturn that is to check secrets and gets none: it refuses everybody."""
    lines = {name: (offset, rest) for offset, name, rest in config.options()}
    if "use-auth-secret" not in lines or not config.containers:
        return
    given = "\n".join(survey.words_of_pod(each) for each in config.containers)
    is_given = lines.get("static-auth-secret", (0, ""))[1] or "static-auth-secret" in given or "turnadmin" in given
    if not is_given and not _DATABASES.search(config.text):
        message = (
            f"{config.resource.ref}: use-auth-secret without any static-auth-secret: every call is refused a relay."
        )
        fix = "Mount turnserver.conf from a Secret, with the line: static-auth-secret=…"
        yield at(config.position(lines["use-auth-secret"][0]), "coturn-no-secret", message, fix)


def _turn_lines(config: Configuration) -> Iterator[Finding]:
    names = {name: offset for offset, name, _ in config.options()}
    if {"lt-cred-mech", "use-auth-secret"} <= names.keys():
        message = (
            f"{config.resource.ref}: lt-cred-mech and use-auth-secret are both set; coturn uses the second one only."
        )
        yield at(config.position(names["lt-cred-mech"]), "turn-mechanism", message, "Take lt-cred-mech out.", "warning")
    for offset, bare in config.lines():
        if len(bare.encode()) > _LINE:
            name = _NAME.match(bare)
            which = f"the line of {name[0]}" if name else "a line"
            what = f"{config.resource.ref}: {which} is longer than {_LINE} bytes."
            yield at(config.position(offset), "coturn-line", what, "Make it shorter; a secret needs 40 characters.")


_LINE = 1023  # bytes that coturn reads of a line (FACTS 3)
_NAME = re.compile(r"[a-z][a-z-]{1,40}(?=[\s=])")  # of an option; where none stands, the line may be a secret's text


def _relaying(config: Configuration, survey: Survey) -> Iterator[Finding]:
    """No address is denied to peers: whoever may use the relay reaches the cluster's own network (FACTS 10, 9.1)."""
    names = {name for _, name, _ in config.options()}
    given = "\n".join(survey.words_of_pod(each) for each in config.containers)
    is_denied = names & {"denied-peer-ip", "no-udp-relay"} or re.search(r"denied-peer-ip|no-udp-relay", given)
    if names and not is_denied:
        message = f"{config.resource.ref}: no denied-peer-ip is in force: callers are relayed into the cluster."
        fix = (
            "Add denied-peer-ip lines for 10.0.0.0-10.255.255.255, 172.16.0.0-172.31.255.255 and the other such ranges."
        )
        yield at(config.position(), "coturn-relays-inside", message, fix)


def _words_of_coturn(container: Container) -> Iterator[Finding]:
    for word in container.words:
        called = _CALL.search(word.value)
        following = called[1].split() if called else []
        in_line = any(flag == "-X" and not _is_address(after) for flag, after in itertools.pairwise(following))
        after = next((two.value for one, two in itertools.pairwise(container.words) if one is word), "")
        if in_line or (word.value == "-X" and not _is_address(after)):
            message = f"{container.workload.resource.ref}: -X is --external-ip of turnserver, and takes no file."
            fix = "Put the options of that file into the file that -c names."
            yield at(container.position(word), "coturn-external-ip", message, fix)


_CALL = re.compile(r"\bturnserver[ \t]([^;|&\n]*)")  # within a line for a shell


def _is_address(text: str) -> bool:
    if "$" in text or any(placeholders.find(text)):
        return True
    try:
        return all(ipaddress.ip_address(each) is not None for each in text.split("/"))
    except ValueError:
        return False


def _never_read(container: Container, survey: Survey) -> Iterator[Finding]:
    """Secrets in variables: turnserver reads none of them."""
    words = survey.words_of_pod(container)
    for each in container.variables:
        is_secret = each.source is not None and each.source.kind == "Secret"
        if is_secret and not re.search(rf"\b{re.escape(each.name)}\b", words):
            message = f"{container.workload.resource.ref}: turnserver reads no variables, so {each.name} never arrives."
            yield at(container.position(each.node), "secret-never-read", message, _MOUNT)
    for node in container.reader.at(container.node, "envFrom.*.secretRef") if "$" not in words else ():
        name = container.reader.text(node, "name")
        message = f"{container.workload.resource.ref}: turnserver reads no variables, so Secret {name} never arrives."
        yield at(container.position(node), "secret-never-read", message, _MOUNT)


_MOUNT = "Mount turnserver.conf from a Secret, with the line: static-auth-secret=…"


def _mechanisms(survey: Survey, turn: tuple[Configuration, ...]) -> Iterator[Finding]:
    """Synapse makes credentials of a shared secret, and no coturn of the tree checks those."""
    keys = ("turn_shared_secret", "turn_shared_secret_path")
    is_signed = any(home.get(key) is not None for home in survey.homeservers for key in keys)
    for config in turn:
        names = {name: offset for offset, name, _ in config.options()}
        if is_signed and "lt-cred-mech" in names and not names.keys() & {"use-auth-secret", "static-auth-secret"}:
            message = (
                f"{config.resource.ref}: coturn checks users and passwords, and Synapse signs with a shared secret."
            )
            fix = "Write use-auth-secret and static-auth-secret=… in place of lt-cred-mech and user=…"
            yield at(config.position(names["lt-cred-mech"]), "turn-mechanism", message, fix)


# --- LiveKit (FACTS 3)


def _key_file(config: Configuration) -> Iterator[Finding]:
    """A key file that others may read, which LiveKit refuses."""
    name = config.value("key_file")
    for container in config.containers if name.startswith("/") else ():
        source = container.at(name)
        if source is not None and source.kind == "Secret" and octal(source.mode) & 0o007:
            where = container.workload.resource.ref
            message = f"{where}: the file of key_file may be read by others, and LiveKit refuses it."
            yield at(config.place("key_file"), "file-too-open", message, "Set defaultMode: 0440 on the volume.")
            return


def _variables_of_livekit(container: Container, survey: Survey) -> Iterator[Finding]:
    ref = container.workload.resource.ref
    for each in container.variables:
        if each.name == "LIVEKIT_CONFIG" and re.fullmatch(r"/\S*", each.text):
            message = f"{ref}: LIVEKIT_CONFIG is the configuration itself, not a path, and stands over --config."
            fix = "Take the variable out, and give args: [--config, PATH]."
            yield at(container.position(each.node), "livekit-config-body", message, fix)
        if each.name == _KEYS and each.text:
            yield from _keys(each.text, ref, container.position(each.node))
    for secret in survey.of_kind("Secret"):
        for path, leaf in secret.leaves.items():
            if path[-1:] == (_KEYS,) and _reads(container, secret.name) and leaf.nested is None:
                yield from _keys(leaf.text, secret.ref, leaf.position())


_KEYS = "LIVEKIT_KEYS"


def _keys(text: str, ref: str, place: str) -> Iterator[Finding]:
    """Keys that are none: without a blank behind the colon, or with a number for a secret, which LiveKit drops."""
    if any(placeholders.find(text)):
        return
    secrets = [line.partition(": ")[2].strip() for line in text.splitlines() if line.strip()]
    if ": " not in text:
        message = f"{ref}: {_KEYS} has no blank behind its colon, so that it is no key with a secret."
        yield at(place, "livekit-keys-form", message, 'Write it as "key: secret".')
    elif any(yamltypes.kubectl(each) != "a text" for each in secrets if each[:1] not in "\"'"):
        message = f"{ref}: a secret in {_KEYS} is no text to a YAML parser, and LiveKit passes over it."
        yield at(place, "livekit-keys-form", message, "Take one of letters and digits, a letter first.")


def _reads(container: Container, secret: str) -> bool:
    sources = [*container.whole, *(each.source for each in container.variables if each.source)]
    return any((each.kind, each.name) == ("Secret", secret) for each in sources)


# --- Sygnal (FACTS 3)

_PLATFORMS = ("production", "prod", "sandbox")
_ID = re.compile(r"[A-Z0-9]{10}")


def _apps(config: Configuration) -> list[Path]:
    """Return where each app stands: below ``apps:``, or on top of a file of apps alone, which a script adds there."""
    tops = {path[:1] for path in config.settings}
    at_top = set() if ("apps",) in tops else {top for top in tops if config.value(*top, "type") in ("apns", "gcm")}
    return sorted(at_top | {path[:2] for path in config.settings if path[0] == "apps" and len(path) > 2})


def _apple(config: Configuration, at_app: Path) -> Iterator[Finding]:
    app, settings = at_app[-1], _settings(config, at_app)
    ref, first = config.resource.ref, config.place(*at_app, "type")
    if "certfile" in settings and "keyfile" in settings:
        message = f"{ref}: {app} has a certfile and a keyfile; Sygnal reads the first one alone."
        yield at(config.place(*at_app, "certfile"), "apns-both", message, "For a .p8 key take certfile out.")
    elif "certfile" in settings and settings["certfile"].endswith(".p8"):
        message = f"{ref}: certfile of {app} names a .p8 key, which is no certificate: Sygnal does not start."
        fix = "Name it keyfile, and add key_id, team_id and topic."
        yield at(config.place(*at_app, "certfile"), "apns-both", message, fix)
    wanted = ("keyfile", "key_id", "team_id", "topic") if "certfile" not in settings else ()
    missing = [each for each in wanted if not config.value(*at_app, each)]
    if missing:
        message = f"{ref}: {app} has no {', '.join(missing)}: Sygnal does not start."
        yield at(first, "push-incomplete", message, f"Add below {app}: {', '.join(missing)}.")
    for key in ("key_id", "team_id") if "keyfile" in settings else ():
        text = config.value(*at_app, key)
        if text and not placeholders.is_open(text) and not _ID.fullmatch(text):
            message = f"{ref}: {key} of {app} is not of 10 capital letters and digits; nothing puts another text there."
            yield at(config.place(*at_app, key), "apns-id", message, "Write Apple's own id there.")
    if "platform" in settings and settings["platform"] not in _PLATFORMS:
        message = f"{ref}: Sygnal knows no platform of that name for {app}."
        yield at(config.place(*at_app, "platform"), "push-incomplete", message, "Write production or sandbox.")


def _settings(config: Configuration, at_app: Path) -> dict[str, str]:
    many = len(at_app)
    return {path[many]: node.value for path, node in config.settings.items() if path[:many] == at_app != path}


def _google(config: Configuration, at_app: Path) -> Iterator[Finding]:
    app, settings = at_app[-1], _settings(config, at_app)
    if "type" not in settings or settings["type"] != "gcm":
        return
    ref, first = config.resource.ref, config.place(*at_app, "type")
    if config.value(*at_app, "api_version") != "v1":
        message = f"{ref}: {app} uses the legacy API of FCM, which Google has shut down."
        fix = "Set api_version: v1, project_id and service_account_file, and take api_key out."
        yield at(config.place(*at_app, "api_key" if "api_key" in settings else "type"), "fcm-legacy", message, fix)
        return
    missing = [each for each in ("project_id", "service_account_file") if not config.value(*at_app, each)]
    if missing:
        message = f"{ref}: {app} has no {' and no '.join(missing)}: Sygnal does not start."
        yield at(first, "push-incomplete", message, f"Add below {app}: {', '.join(missing)}.")
