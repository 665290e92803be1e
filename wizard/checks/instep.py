"""What must be in step: the copies of one secret, names that are the same everywhere, and what must not be the same.

Values are compared as their readers get them: out of base64, of embedded documents, of URLs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import combinations

from wizard import catalogue, contexts, filling, meanings, placeholders, servers, weak
from wizard.catalogue import Kind
from wizard.finding import Finding, at
from wizard.resources import Resource
from wizard.rules import Severity
from wizard.sites import Site
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is out of step, and what is the same and must not be."""
    groups = _comparable([*survey.found.sites, *_further(survey)])
    for name, group in groups.items():
        for environment in _environments(group):
            yield from _differing(name, environment)
    yield from _shared(groups)


# --- copies that differ

_SAME_EVERYWHERE = frozenset({"server-name", "li-allowed-cidrs"})
# Values whose known places are named so generally that other software has Secrets of these names, too.
_COMMON = frozenset({"redis-password", "livekit-redis-password", "minio-root-password", "s3-password"})
# What a copy that differs is called, where that has a story of its own.
_RULES = {"signing-key": "signing-keys-differ"}


def _comparable(found: Iterable[Site]) -> dict[str, list[Site]]:
    """Return the filled sites of each value that is the same at all of them, as far as they are known to be its own."""
    filled = [each for each in found if each.value and not each.token and each.how not in ("comment", "retiring")]
    filled = [each for each in filled if not placeholders.is_template(each.text)]  # others fill those in
    homes = {_namespace(each) for each in filled if _is_ours(each)}
    groups: dict[str, list[Site]] = {}
    for site in filled:
        is_one = catalogue.is_kept(site.value) or site.value in _SAME_EVERYWHERE
        if is_one and (_is_ours(site) or (homes and (_namespace(site) in homes or "" in {_namespace(site), *homes}))):
            groups.setdefault(site.value, []).append(site)
    return groups


def _further(survey: Survey) -> Iterator[Site]:
    """Yield the places that the search leaves to the operator, and that hold copies all the same.

    Lines of configurations in Secrets, and the passwords that CloudNativePG gives its roles."""
    secrets = list(survey.of_kind("Secret"))
    known = {(each.document, each.path) for each in survey.found.sites}
    for site in (*_in_lines(secrets), *_of_clusters(survey.of_kind("Cluster"), secrets)):
        if (site.document, site.path) not in known and not any(placeholders.find(site.text)):
            yield site


def _in_lines(secrets: Iterable[Resource]) -> Iterator[Site]:
    secrets = list(secrets)
    own = catalogue.own_services(each.name for each in secrets if each.instance == "li")
    for secret in secrets:
        for leaf in (each for each in secret.leaves.values() if each.key.endswith(".conf")):
            for key, start, end in contexts.line_settings(leaf):
                row = meanings.known_place(leaf, key, own)
                if row is not None:
                    yield Site(row.name, secret.manifest, leaf, start, end, "place")


def _of_clusters(clusters: Iterable[Resource], secrets: Iterable[Resource]) -> Iterator[Site]:
    by_name: dict[tuple[str, str], list[Resource]] = {}
    for secret in secrets:
        by_name.setdefault((secret.namespace, secret.name), []).append(secret)
    for cluster in clusters:
        for role, name in servers.given(cluster):
            value = _of_role(cluster, role)
            for secret in by_name.get((cluster.namespace, name), ()) if value else ():
                for section in ("data", "stringData"):
                    leaf = secret.leaves.get((section, "password"))
                    if leaf is not None:
                        yield Site(value, secret.manifest, leaf, 0, len(leaf.text.rstrip("\n")), "place")


_ROLES = (
    (re.compile(r"synapse|matrix"), "synapse-db-password"),
    (re.compile(r"key_?vault"), "key-vault-db-password"),
    (re.compile(r"replicat(?:ion|or)(?:_user)?"), "replication-password"),
)
_OURS = re.compile(r"synapse|matrix")


def _of_role(cluster: Resource, role: str) -> str:
    """Return the value that is the password of *role* in *cluster*, '' where that is not known."""
    name = next((value for pattern, value in _ROLES if pattern.search(role)), "")
    if not name or not any(_OURS.search(each) for each in (cluster.name, *(one for one, _ in servers.given(cluster)))):
        return ""
    row = catalogue.twin(catalogue.BY_NAME[name], cluster.instance)
    return row.name if row else ""


def _is_ours(site: Site) -> bool:
    """Whether *site* is that of a Matrix deployment for certain: a Secret of Redis or MinIO may be anybody's.

    Where such ones are about, those of their namespace count as well."""
    if site.how != "place" or site.value not in _COMMON or site.leaf is None:
        return True
    of_synapse = any(catalogue.by_setting(step, "server_name") for step in site.path)
    return of_synapse or catalogue.is_named(site.leaf.resource.kind, site.leaf.resource.name, _COMMON)


def _namespace(site: Site) -> str:
    return site.leaf.resource.namespace if site.leaf else ""


def _environments(group: list[Site]) -> Iterator[list[Site]]:
    """Yield the sites of *group* that are applied together.

    One object that stands in several files is that of several environments, and so is what stands beside it.
    """
    files: dict[Hashable, set[str]] = {}
    for site in group:
        files.setdefault((site.document, site.path, site.start), set()).add(site.manifest.path)
    roots = {root for paths in files.values() if len(paths) > 1 for root in _parted(paths)}
    if not roots:
        yield group
        return
    by_root: dict[str, list[Site]] = {}
    for site in group:
        above = _above(site.manifest.path)
        root = next((each for each in above if each in roots), "")
        by_root.setdefault(root, []).append(site)
    by_root.pop("", None)  # beside the environments: which of them it is for cannot be known
    for inner in by_root.values():
        yield from _environments(inner)


def _parted(paths: Iterable[str]) -> set[str]:
    """Return for each of the *paths*, which differ, its beginning up to where they part: a directory or a file."""
    steps = [path.split("/") for path in paths]
    shared = next(at for at, level in enumerate(zip(*steps, strict=False)) if len(set(level)) > 1)
    return {"/".join(each[: shared + 1]) for each in steps}


def _above(path: str) -> list[str]:
    """Return the directories of *path*, the outermost first, and itself."""
    steps = path.split("/")
    return ["/".join(steps[:count]) for count in range(1, len(steps) + 1)]


def _differing(name: str, group: list[Site]) -> Iterator[Finding]:
    """Yield a finding at each site that has not the text which most sites of *name* have (of as many main's)."""
    group = sorted(group, key=lambda site: site.leaf is not None and site.leaf.resource.instance == "li")
    texts = [filling.read(name, site.text) for site in group]
    usual = Counter(texts).most_common(1)[0][0] if texts else ""
    first = group[texts.index(usual)]
    for site in (site for site, text in zip(group, texts, strict=True) if text != usual):
        count = texts.count(usual)
        where = first.position if count == 1 else f"{first.position} and {count - 1} more"
        message = f"{name} has another value here, {site.place}, than at {where}."
        fix = "Make them equal. Or put the vault's back at each: matrix-wizard setup --restore"
        yield at(site.position, _RULES.get(name, "secrets-differ"), message, fix)


# --- values that are equal, and must not be


def _shared(groups: Mapping[str, list[Site]]) -> Iterator[Finding]:
    """Yield a finding for each two secrets of different purpose that have one text, at the first site of the later."""
    holders: dict[str, dict[str, Site]] = {}
    for name, group in groups.items():
        row = catalogue.BY_NAME.get(name)
        for site in group if row is not None and row.kind is Kind.SECRET else ():
            text = filling.read(name, site.text).strip()
            if text and not weak.is_well_known(text):
                holders.setdefault(text, {}).setdefault(name, site)
    for by_name in holders.values():
        told = set[str]()
        for pair in sorted(combinations(by_name, 2), key=lambda pair: _PARTED.get(frozenset(pair), "") == ""):
            one, other = sorted(pair, key=_turn)
            if other not in told:
                told.add(other)
                yield _sharing(one, by_name[one], other, by_name[other])


# What must differ, by FACTS 12; whatever else is equal is equal by chance or for ease.
_DATABASE_ROLES = ("synapse-db-password", "li-db-password", "replication-password", "key-vault-db-password")
_LI_OWN = (
    ("macaroon-secret", "li-macaroon-secret"),
    ("registration-secret", "li-registration-secret"),
    ("form-secret", "li-form-secret"),
)
_PARTED = {
    **{frozenset(pair): "li-secret-shared" for pair in _LI_OWN},
    frozenset({"minio-root-password", "s3-password"}): "minio-root-shared",
    frozenset({"minio-root-password", "li-s3-password"}): "minio-root-shared",
    **{frozenset(pair): "database-roles-share" for pair in combinations(_DATABASE_ROLES, 2)},
}
_ORDER = {row.name: number for number, row in enumerate(catalogue.ROWS)}


def _turn(name: str) -> tuple[bool, int]:
    """By this main's comes before LI's, and else the catalogue's order counts."""
    return bool(catalogue.BY_NAME[name].twin_of), _ORDER[name]


def _sharing(one: str, first: Site, other: str, second: Site) -> Finding:
    rule = _PARTED.get(frozenset({one, other}), "secret-of-two-purposes")
    message = f"{other} is the same text as {one}, which stands at {first.position}; {second.place}."
    fix = f"matrix-wizard rotate {other} (without a vault: a placeholder at its places, then matrix-wizard setup)"
    # A key_vault that logs in as Synapse's role has its password by right (FACTS 10: the checklist would have it so).
    severity: Severity | None = "warning" if {one, other} == _MAYBE_ONE_ROLE else None
    return at(second.position, rule, message, fix, severity)


_MAYBE_ONE_ROLE = {"synapse-db-password", "key-vault-db-password"}
