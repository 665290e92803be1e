"""What becomes of a pod's words and variables: programs that an image lacks, secrets that break where they are put."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wizard import configurations, placeholders
from wizard.finding import Finding, at
from wizard.manifests import Scalar
from wizard.pods import Container, Source, Variable
from wizard.resources import Leaf
from wizard.survey import Survey

_Held = Mapping[tuple[str, str], Mapping[str, Leaf]]


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what the words and variables of containers do not do."""
    held = _secrets(survey)
    yield from _urls(survey)
    for container in survey.containers:
        yield from _lacking(container)
        yield from _in_sed(container, held)
        yield from _in_urls(container, held)
        yield from _in_strings(container, held)
        yield from _undefined(container)
        yield from _in_words(container)


def _secrets(survey: Survey) -> _Held:
    """Return the entries of the tree's Secrets, by namespace and name."""
    found: dict[tuple[str, str], dict[str, Leaf]] = {}
    for secret in survey.of_kind("Secret") if survey.containers else ():
        entries = {path[1]: leaf for path, leaf in secret.leaves.items() if leaf.is_secret and len(path) == 2}
        found.setdefault((secret.namespace, secret.name), {}).update(entries)
    return found


@dataclass(frozen=True)
class _Lack:
    """Images without a program, and what in the words of a container brings it."""

    image: re.Pattern[str]
    program: str
    brought: re.Pattern[str]


# FACTS 2 for Synapse (docker/Dockerfile, stage 2); the applets of BusyBox (docs/busybox.net), which Alpine has alone.
_LACKS = (
    _Lack(configurations.SYNAPSE.image, "envsubst", re.compile(r"gettext|/envsubst|a8m")),
    _Lack(re.compile(r"(?:^|/)(?:busybox|alpine)(?:[:@]|$)"), "envsubst", re.compile(r"gettext|/envsubst|a8m")),
)


def _lacking(container: Container) -> Iterator[Finding]:
    for lack in _LACKS:
        word = next((each for each in container.words if _calls(lack.program, each.value)), None)
        if word is not None and lack.image.search(container.image) and not lack.brought.search(container.line):
            ref = container.workload.resource.ref
            message = f"{ref}: the image of {container.name} has no {lack.program}: what it is to write stays empty."
            fix = f"Run this step in an image that has {lack.program}, or have the server read its secrets from files."
            yield at(container.position(word), "command-missing", message, fix)


_REMARK = re.compile(r"(?m)(?:^|(?<=[\s;]))#.*")
# Where a shell takes a word for a command (POSIX, Shell Command Language, 2.9, 2.10).
# Each line begins anew, and no one has many assignments: so the time grows with the text, and not with its square.
_BEFORE = (
    r"(?:^|[;|&(`{]|\b(?:if|then|elif|else|while|until|do|exec|env|xargs)\s|!\s)"
    r"[^\S\n]*+(?:\w+=\S{0,500}[^\S\n]++){0,20}"
)
_ASKED = r"\b(?:command\s+-[vV]|which|type|hash)\s+"


def _calls(program: str, script: str) -> bool:
    """Say whether *script* runs *program*, and does not ask before whether it is there."""
    bare = _REMARK.sub("", script)
    is_asked = re.search(rf"{_ASKED}{program}\b", bare)
    return not is_asked and re.search(rf"(?m){_BEFORE}{program}(?![\w.-])", bare) is not None


_SED = re.compile(r"\bs([/|#@,:!~])((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")


def _in_sed(container: Container, held: _Held) -> Iterator[Finding]:
    """Values that sed takes for its own signs where a script puts them into a text (FACTS 3, 10, 2.x)."""
    line = container.line
    for match in _SED.finditer(line) if re.search(r"\bsed\b", line) else ():
        for name in _VARIABLE.findall(match[3]):
            leaf = _entry(container, container.source_of(name), held)
            signs = {match[1], "&", "\\", "\n"}
            if leaf is not None and set(leaf.text.strip("\n")) & signs:
                where, key = container.workload.resource.ref, f"{leaf.resource.ref}, {leaf.key}"
                message = f"{key}: a sign in this value is one of sed's own, by which {where} puts it into a text."
                fix = "Use letters and digits only, as setup and rotate make them: matrix-wizard rotate"
                yield at(leaf.position(), "sed-breaks", message, fix)


def _entry(container: Container, source: Source | None, held: _Held) -> Leaf | None:
    """Return the filled entry of a Secret of the tree that *source* names."""
    if source is None or source.kind != "Secret":
        return None
    space = container.workload.namespace
    leaf = held.get((space, source.name), {}).get(source.key)
    is_open = leaf is None or placeholders.is_open(leaf.text)
    return None if is_open else leaf


_URL = re.compile(r"^[a-z][\w+.-]*://([^@/\s]*)@")
_EXPANDED = re.compile(r"(?<!\$)\$\(([A-Za-z_][\w.-]*)\)")
_RESERVED = re.compile(r"[@:/?#\[\]\s]|%(?![0-9A-Fa-f]{2})")


def _in_urls(container: Container, held: _Held) -> Iterator[Finding]:
    """Values that end the user or password of a URL before their time (FACTS 3; RFC 3986, 3.2.1)."""
    for variable in container.variables:
        credentials = _URL.match(variable.text)
        for name in _EXPANDED.findall(credentials[1]) if credentials else ():
            leaf = _entry(container, container.source_of(name), held)
            if leaf is not None and _RESERVED.search(leaf.text.strip("\n")):
                where = f"{variable.name} of {container.workload.resource.ref}"
                message = (
                    f"{leaf.resource.ref}, {leaf.key}: a sign in this value parts the URL that {where} makes of it."
                )
                fix = "Use letters and digits only, as setup and rotate make them: matrix-wizard rotate"
                yield at(leaf.position(), "url-breaks", message, fix)


# The schemes of stores and brokers, whose URLs have a user or a password and little behind the host.
_WHOLE = re.compile(
    r"(?:postgres(?:ql)?(?:\+\w+)?|redis|rediss|amqps?|mysql|mongodb(?:\+srv)?)://[^:/@\s]*:([^\s]*)@[\w.\[-]\S*"
)


def _urls(survey: Survey) -> Iterator[Finding]:
    """URLs in Secrets whose password ends before its time: what stands behind the sign is taken for the host."""
    for secret in survey.of_kind("Secret"):
        for leaf in secret.leaves.values() if not secret.manifest.actions else ():
            match = _WHOLE.fullmatch(leaf.text.strip()) if leaf.is_secret and leaf.nested is None else None
            if match is not None and not placeholders.is_open(leaf.text) and _PARTS.search(match[1]):
                message = f"{secret.ref}, {leaf.key}: a sign in the password parts this URL."
                yield at(leaf.position(), "url-breaks", message, "Write that sign as % and its two hexadecimal digits.")


_PARTS = re.compile(r"[@/?#\[\]]|%(?![0-9A-Fa-f]{2})")


# libpq, "Keyword/Value Connection Strings": a blank ends a value, a quote begins one, a backslash is an escape.
_CONNINFO = re.compile(r"\bpassword=\$(?:\(([A-Za-z_]\w*)\)|\{?([A-Za-z_]\w*)\}?)")
_ENDS = re.compile(r"\A'|[\s\\]")


def _in_strings(container: Container, held: _Held) -> Iterator[Finding]:
    """Values that end before their time in a connection string without quotes (FACTS 3)."""
    texts = [(each.name, each.text) for each in container.variables]
    for what, text in (*texts, ("the command", container.line)):
        for match in _CONNINFO.finditer(text) if re.search(r"\b(?:host|dbname|user)=", text) else ():
            leaf = _entry(container, container.source_of(match[1] or match[2]), held)
            if leaf is not None and _ENDS.search(leaf.text.strip("\n")):
                where = f"{what} of {container.workload.resource.ref}"
                message = (
                    f"{leaf.resource.ref}, {leaf.key}: a sign in this value ends it in the string that {where} has."
                )
                fix = "Use letters and digits only, as setup and rotate make them: matrix-wizard rotate"
                yield at(leaf.position(), "conninfo-breaks", message, fix)


_OF_SERVICES = re.compile(r"_SERVICE_(?:HOST|PORT)|_PORT(?:_|$)")
_SHELL = re.compile(r"(?:^|/)(?:ba|da|a|k|z)?sh$")


def _undefined(container: Container) -> Iterator[Finding]:
    """References that stay as they stand, since the variable comes later or not at all (core/v1, EnvVar)."""
    before: set[str] = set()
    later = {each.name for each in container.variables}
    for variable in container.variables:
        for name in _EXPANDED.findall(variable.text):
            if name in later and name not in before and name != variable.name and not container.whole:
                yield _literal(container, variable, name)
        before.add(variable.name)
    if container.whole or any(_SHELL.search(each.value) for each in container.words):
        return
    for word in container.words:
        for name in _EXPANDED.findall(word.value):
            if name not in later and name.isupper() and not _OF_SERVICES.search(name):
                ref = container.workload.resource.ref
                message = f"{ref}: $({name}) is no variable of {container.name}, and stays as it is."
                fix = f"Add an entry of that name to env: of {container.name}."
                yield at(container.position(word), "variable-undefined", message, fix, "warning")


def _literal(container: Container, variable: Variable, name: str) -> Finding:
    ref = container.workload.resource.ref
    message = f"{ref}: {variable.name} uses $({name}), which is set only further down, and so gets it as it stands."
    fix = f"Move the entry of {name} above that of {variable.name}."
    return at(container.position(variable.node), "variable-undefined", message, fix)


def _in_words(container: Container) -> Iterator[Finding]:
    """Secrets among the words of a command: every process of the node's users sees them (FACTS 0, R11; 10, 8.2)."""
    for word in container.words:
        for name in dict.fromkeys(_EXPANDED.findall(word.value)):
            source = container.source_of(name)
            if source is not None and source.kind == "Secret" and _SECRET.search(name):
                message = (
                    f"{container.workload.resource.ref}: {name} stands among the words of {container.name}'s command."
                )
                yield at(container.position(word), "secret-in-words", message, _UNSEEN)
    for word in (*container.words, *_probes(container)):
        for name in dict.fromkeys(
            name for call in _CALLS for text in call.findall(word.value) for name in _named(text)
        ):
            source = container.source_of(name)
            if source is not None and source.kind == "Secret" and _SECRET.search(name):
                ref = container.workload.resource.ref
                message = f"{ref}: {name} is a word of a command that a shell of {container.name} runs."
                yield at(container.position(word), "secret-in-words", message, _UNSEEN)


_UNSEEN = "Have the program read it from its environment or from a file of the Secret."
# What a shell hands to a program as its words (FACTS 10, 4.3, 8.2): redis-cli warns of it itself, and reads
# REDISCLI_AUTH; mc and htpasswd read from their input.
# No call goes on beyond the next one, so that each text is looked through once.
_CALLS = (
    re.compile(r"\bredis-cli\b(?:(?!\bredis-cli\b)[^;|&\n])*?\s(?:-a|--pass)[\s=]+(\S+)"),
    re.compile(r"\bmc\s(?:(?!\bmc\s)[^;|&\n])*?\b(?:alias\s+set|config\s+host\s+add|admin\s+user\s+add)\b([^;|&\n]*)"),
    re.compile(r"\bhtpasswd\s+-\w*b\w*\b([^;|&\n]*)"),
)


def _named(text: str) -> list[str]:
    return _VARIABLE.findall(text)


def _probes(container: Container) -> Iterator[Scalar]:
    """Yield the words of the commands by which a container is probed."""
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        for each in container.reader.at(container.node, f"{probe}.exec.command.*"):
            if isinstance(each, Scalar):
                yield each


_SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY$", re.IGNORECASE)
