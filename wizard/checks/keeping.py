"""What is safe to keep: secrets where others read them, in ConfigMaps, in annotations, in git, in files open to all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wizard import access, catalogue, placeholders, weak
from wizard.finding import Finding, at
from wizard.resources import Leaf, Resource
from wizard.sites import Site
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield where secrets are kept that others can read."""
    filled = [each for each in survey.found.sites if _is_secret(each)]
    yield from _in_config_maps(survey, filled)
    yield from _in_annotations(survey)
    kept = [*_kept(survey, filled)]
    yield from _in_git(survey, kept)
    yield from _open_to_all(survey, kept)


def open_files(survey: Survey) -> tuple[str, ...]:
    """Return the paths of the files with secrets that every user of this machine may read (FACTS 0, R11), sorted."""
    filled = [each for each in survey.found.sites if _is_secret(each)]
    return tuple(each[0].path for each in _by_file(_kept(survey, filled), survey.surroundings.open_to_all))


def _is_secret(site: Site) -> bool:
    """Whether *site* holds the text of a secret, and not its placeholder or a reference that is filled in later."""
    is_kept = site.value != "" and catalogue.is_kept(site.value) and site.how != "comment"
    return is_kept and not site.token and bool(site.text.strip()) and not placeholders.is_open(site.text)


# --- in ConfigMaps


@dataclass(frozen=True)
class _Way:
    """How a secret stands in a line of a ConfigMap (its text is the second group), and the way out."""

    line: re.Pattern[str]
    out: str


_NO_VALUE = r"(?!\s*(?:[\"']{2}|~|null|#|$))"
_SYNAPSE_OUT = "Give {0}_path (a release that knows it), or {0} in a file from a Secret, by a second --config-path."
_WAYS = (
    _Way(
        re.compile(rf"^\s*(smtp_pass)\s*:{_NO_VALUE}\s*(.+)"),
        "Put the whole email: block into a file from a Secret, and give it by a second --config-path.",
    ),
    _Way(
        re.compile(
            r"^\s*(macaroon_secret_key|registration_shared_secret|form_secret|worker_replication_secret"
            rf"|turn_shared_secret|recaptcha_private_key|signing_key)\s*:{_NO_VALUE}\s*(.+)"
        ),
        _SYNAPSE_OUT,
    ),
    _Way(
        re.compile(r"\b((?:ENCRYPTED\s+)?PASSWORD)\s+'([^']+)'", re.IGNORECASE),
        "Keep the statements, and have psql read the password from a Secret: \\getenv secret NAME, :'secret'.",
    ),
    _Way(
        # Both are looked for once from the start of the line, which may be a file of a single one.
        re.compile(r"(?i)^(?=.*?\bhost=\S).*?\b(password)=('[^\s'\"+]+'|[^\s'\"]+)"),
        "Let libpq read the password from a Secret: PGPASSWORD, or psql's \\getenv for a subscription.",
    ),
    _Way(
        re.compile(r"^\s*(static-auth-secret|cli-password)\s*=\s*(\S+)"),
        "Mount the whole turnserver.conf from a Secret.",
    ),
    _Way(
        re.compile(r"^\s*(requirepass|masterauth)\s+(?![\"']{2})(\S+)"),
        "Put this line into a file from a Secret, and name that in an include line.",
    ),
    _Way(re.compile(r"(-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----)()"), "Move the entry into a Secret, and mount that."),
)
# One of these stands in every file that one of those lines stands in.
_WORTH = re.compile(
    rb"(?i)smtp_pass|_secret|secret_key|signing_key|private_key|password|-secret|requirepass|masterauth|private key"
)


def _in_config_maps(survey: Survey, filled: Iterable[Site]) -> Iterator[Finding]:
    """Secrets in ConfigMaps, which everybody may read who may list them (FACTS 2, 10, 2.9 and 7.1)."""
    told = set()
    for resource in survey.holding(_WORTH, "ConfigMap"):
        if not resource.manifest.actions:
            for leaf in _entries(resource):
                for offset, key, out in _clear(leaf):
                    place = leaf.position(offset)
                    told.add(_line(place))
                    yield at(place, "secret-in-configmap", f"{resource.ref}: {key} stands here in clear.", out)
    for site in filled:
        is_here = site.leaf is not None and site.leaf.resource.kind == "ConfigMap"
        if is_here and _line(site.position) not in told:
            told.add(_line(site.position))
            message = f"{site.document}: {site.value} stands here in clear."
            yield at(site.position, "secret-in-configmap", message, "Move the entry into a Secret, and mount that.")


def _line(position: str) -> str:
    return position.rpartition(":")[0]


def _entries(resource: Resource) -> list[Leaf]:
    return [leaf for path, leaf in resource.leaves.items() if path[:1] == ("data",) and leaf.nested is None]


def _clear(leaf: Leaf) -> Iterator[tuple[int, str, str]]:
    """Yield where a secret stands in the text of *leaf*, its key, and the way out."""
    begin = 0
    for line in leaf.text.splitlines(keepends=True):
        is_comment = line.lstrip().startswith(("#", ";", "--")) and not line.lstrip().startswith("-----")
        for way in _WAYS if not is_comment else ():
            match = way.line.search(line)
            groups = [each for each in match.groups() if each] if match else []
            if match and groups and not placeholders.is_open(groups[-1]) and not _is_variable(groups[-1]):
                yield begin + match.start(1), groups[0], way.out.format(groups[0])
                break
        begin += len(line)


def _is_variable(text: str) -> bool:
    """Whether *text* stands for another: a variable, an action of a template, a marker in capitals for a script."""
    return (
        "$" in text
        or "{{" in text
        or "%(" in text
        or re.fullmatch(r"[\"']?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+[\"']?", text.strip()) is not None
    )


# --- in annotations

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_HELD = re.compile(r'"(?:stringData|data)"\s*:\s*\{\s*"')


def _in_annotations(survey: Survey) -> Iterator[Finding]:
    """A Secret's plain text once more, in the annotation that a client-side apply leaves (FACTS 5)."""
    for secret in survey.of_kind("Secret"):
        leaf = secret.leaves.get((*access.ANNOTATIONS, APPLIED))
        if leaf is not None and _HELD.search(leaf.text):
            space = f" -n {secret.namespace}" if secret.namespace else ""
            message = f"{secret.ref}: the annotation {APPLIED} holds the Secret's values once more."
            fix = f"Delete it here and in the cluster: kubectl annotate secret {secret.name}{space} {APPLIED}-"
            yield at(secret.manifest.position(leaf.scalar.start), "secret-in-annotation", message, fix)


# --- in git, and in files that others may read


@dataclass(frozen=True)
class _Kept:
    """A secret in clear: its file, where it stands, what it is called, and whether the catalogue knows it."""

    path: str
    position: str
    name: str
    is_known: bool


# Entries of Secrets that are none: the other half of credentials, and where these are good for.
_NO_SECRET = re.compile(
    r"(?i)^(?!.*secret)(?:.*[-_.])?(?:user(?:_?name)?|host(?:name)?|port|db(?:_?name)?|database|bucket|region"
    r"|endpoint|address|e-?mail|access[-_]?key(?:[-_]?id)?)$"
)
_ENCRYPTED = re.compile(r"-----BEGIN (?:PGP MESSAGE|AGE ENCRYPTED FILE)|^\$ANSIBLE_VAULT;")
_PUBLIC = re.compile(r"-----BEGIN (?:CERTIFICATE|PUBLIC KEY)-----")


def _kept(survey: Survey, filled: Iterable[Site]) -> Iterator[_Kept]:
    """Yield the secrets of the catalogue, and every other filled entry of a Secret that somebody may read."""
    told = {(each.leaf.resource, each.leaf.path[:2]) for each in survey.found.sites if each.leaf and each.value}
    for site in filled:
        yield _Kept(site.manifest.path, site.position, site.value, is_known=True)
    among = survey.surroundings.in_git | survey.surroundings.open_to_all
    for secret in survey.of_kind("Secret") if among else ():
        is_open = secret.manifest.path in among and not secret.manifest.actions and not secret.is_guarded
        for leaf in secret.leaves.values() if is_open else ():
            if _is_in_clear(leaf) and (secret, leaf.path[:2]) not in told:
                position = secret.manifest.position(leaf.scalar.start)
                yield _Kept(secret.manifest.path, position, leaf.key, is_known=False)


def _is_in_clear(leaf: Leaf) -> bool:
    text = leaf.text.strip()
    is_entry = leaf.is_secret and leaf.nested is None and len(leaf.path) == 2 and not _NO_SECRET.search(leaf.key)
    is_public = _PUBLIC.match(text) is not None and "PRIVATE KEY" not in text
    is_none = (
        placeholders.is_open(text) or _is_variable(text) or placeholders.is_like_one(text) or weak.is_well_known(text)
    )
    return is_entry and bool(text) and not is_public and not is_none and not _ENCRYPTED.search(text)


def _in_git(survey: Survey, kept: Iterable[_Kept]) -> Iterator[Finding]:
    """Files with secrets that git has as they stand: whoever gets a clone has them, and so has its history."""
    for group in _by_file(kept, survey.surroundings.in_git):
        names = ", ".join(sorted({each.name for each in group}))
        message = f"git has this file as it stands, with {names} in clear."
        fix = "Take them out and commit: matrix-wizard blank. After a push: matrix-wizard rotate --compromised NAME"
        if not all(each.is_known for each in group):
            fix = "Put placeholders (CHANGEME_…) in their places and commit. After a push have each made anew."
        yield at(group[0].position, "secret-in-git", message, fix)


def _open_to_all(survey: Survey, kept: Iterable[_Kept]) -> Iterator[Finding]:
    """Files with secrets that every user of this machine may read: one finding, since a checkout makes all so."""
    groups = _by_file(kept, survey.surroundings.open_to_all)
    if groups:
        files = [each[0].path for each in groups]
        what = (
            "This file holds secrets, and"
            if len(files) == 1
            else f"{len(files)} files hold secrets, this one first, and"
        )
        fix = f"chmod go= {' '.join(files[:3])}" + (f", and {len(files) - 3} more" if len(files) > 3 else "")
        yield at(groups[0][0].position, "open-to-all", f"{what} every user of this machine may read them.", fix)


def _by_file(kept: Iterable[_Kept], among: frozenset[str]) -> list[list[_Kept]]:
    found: dict[str, list[_Kept]] = {}
    for each in kept:
        if each.path in among:
            found.setdefault(each.path, []).append(each)
    return [found[path] for path in sorted(found)]
