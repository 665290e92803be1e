"""The run sheet: the ordered steps after a change, computed from the tree itself, and the consequence told beforehand.

Pure. A step names what it acts on and which generations it reads; its commands are ``actions``' and hold no secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wizard import keys, oldkeys, procedures, resources, rollout, search, servers
from wizard import workloads as running
from wizard.answers import Answers
from wizard.plan import Plan
from wizard.resources import Manifest
from wizard.sites import Scope, Site
from wizard.vault import Kept, Replaced, Sheet, Step, Vault, new_sheet_id
from wizard.workloads import Changed, Workload

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Situation:
    """The tree as it is after a change, read once: its objects that run something, what changed, and for which verb.

    ``files``: the paths of those that changed; ``changed``: the keys of Secrets and ConfigMaps in them that did."""

    verb: str
    files: frozenset[str]
    manifests: tuple[Manifest, ...]
    scope: Scope
    sites: tuple[Site, ...]
    workloads: tuple[Workload, ...]
    changed: Changed
    vault: Vault

    def places(self, name: str) -> servers.Places:
        """Return the keys of Secrets and ConfigMaps that hold the value *name*."""
        found: dict[tuple[str, str, str], set[str]] = {}
        for site in self.sites:
            leaf = site.leaf
            if site.value == name and leaf and leaf.resource.kind in ("Secret", "ConfigMap") and len(leaf.path) > 1:
                resource = leaf.resource
                found.setdefault((resource.kind, resource.namespace, resource.name), set()).add(leaf.path[1])
        return {place: frozenset(held) for place, held in found.items()}


def situation(made: Plan, files: Files) -> Situation:
    """Return the situation after *made*, which changes *files* (the whole tree, by path)."""
    answers = Answers.from_json(made.vault.answers)
    after = {**files, **made.after}
    manifests = _read({path: data for path, data in after.items() if data is not None}, answers)
    scope = Scope(answers, made.vault.records)
    before = _read({path: files[path] for path in made.changed if path in files}, answers)
    used = [each for each in running.of(manifests) if not rollout.is_off(each.resource, scope)]
    return Situation(
        made.verb,
        frozenset(made.changed),
        tuple(manifests),
        scope,
        search.find(manifests, scope).sites,
        tuple(used),
        running.changed(before, [each for each in manifests if each.path in made.changed]),
        made.vault,
    )


def _read(files: Files, answers: Answers) -> list[Manifest]:
    wanted = {path: data for path, data in files.items() if rollout.is_looked_at(path) or resources.is_text(path)}
    read = (resources.read(path, data, answers.instances) for path, data in sorted(wanted.items()))
    return [each for each in read if each]


def of(now: Situation, replaced: Sequence[Replaced], when: str) -> Sheet:
    """Return the steps by which the cluster gets what *replaced* says. *when*: ISO 8601, UTC."""
    return Sheet(new_sheet_id(), now.verb, when, tuple(replaced), tuple(_steps(now, replaced)))


def rebuilt(vault: Vault, files: Files, when: str) -> Sheet:
    """Return the steps that bring an empty or restored cluster to the values of *vault*: what it has is of no account.

    First all is applied, then each server is told, and at last every workload starts again."""
    whole = Plan("rebuild", (), {}, {}, vault)
    now = situation(whole, files)
    names = [name for name in vault.values if vault.values[name].current.text.reveal()]
    everything = {
        (each.kind, each.namespace, each.name): frozenset(_held_keys(each))
        for manifest in now.manifests
        for each in manifest.resources
        if each.kind in ("Secret", "ConfigMap") and not rollout.is_off(each, now.scope)
    }
    now = replace(now, changed=everything)
    paths = [each.path for each in now.manifests if each.path.endswith(resources.SUFFIXES) and _has_objects(each)]
    given = [Replaced(name, "", vault.values[name].current.id) for name in names]
    steps = [
        *_applied(now, paths),
        *(step for each in given for step in _told(now, each)),
        *_restarts(now, frozenset()),
    ]
    return Sheet(new_sheet_id(), "rebuild", when, (), tuple(steps))


def reversed_for(sheet: Sheet, undone: Sheet) -> Sheet:
    """Return *sheet*, which takes *undone* back, with only those steps whose like was taken in that, or may have been:
    a step that failed can have had its effect."""
    taken = {_like(step) for step in undone.steps if step.done or step.tried}
    return replace(sheet, steps=tuple(step for step in sheet.steps if _like(step) in taken))


def _like(step: Step) -> tuple[str, ...]:
    """Return what a step has in common with the one that takes it back."""
    if step.action in ("apply", "restart", "published"):
        return ("restart",) if step.action == "published" else (step.action,)
    subject = (step.about.get(key, "") for key in ("namespace", "target", "role", "tenant", "user"))
    return (step.action.partition("-")[0] if step.action.startswith("redis-") else step.action, *subject)


@dataclass(frozen=True)
class Consequence:
    """What a sheet means to those who use the deployment: who notices, by value, and what starts again, by instance."""

    notices: Mapping[str, str]
    restarts: Mapping[str, tuple[str, ...]]
    later: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


def consequence(now: Situation, names: Iterable[str], sheet: Sheet) -> Consequence:
    """Return what other generations of *names* mean to those who use the deployment.

    *sheet* holds the steps that follow: what they restart is told, and no more."""
    restarts: dict[str, list[str]] = {}
    for step in (each for each in sheet.steps if each.action == "restart"):
        for target in step.about["workloads"].split("\n"):
            restarts.setdefault(step.about["instance"], []).append(target)
    readers = running.reading(now.workloads, now.changed)
    operators = [each.target for each, by in readers if any(one.how == "operator" for one in by)]
    later = [each.target for each, _ in readers if each.kind in ("Job", "CronJob")]
    return Consequence(
        {name: procedures.of(name).notice for name in names},
        {instance: tuple(targets) for instance, targets in restarts.items()},
        tuple(dict.fromkeys(later)),
        tuple(dict.fromkeys(operators)),
    )


def _steps(now: Situation, replaced: Sequence[Replaced]) -> Iterator[Step]:
    names = [each.name for each in replaced]
    if now.verb != "finish":
        yield from (step for each in replaced for step in _accepted(now, each))
    if now.verb == "compromise":  # the old one is refused before anything else is done
        yield from (step for each in replaced for step in _dropped(now, each))
    yield from _applied(now, now.files)
    if now.verb != "finish":
        yield from (step for each in replaced for step in _told(now, each))
    yield from _restarts(now, _kept_running(now, names))
    if now.verb not in ("begin", "compromise"):
        yield from (step for each in replaced for step in _dropped(now, each))
    if oldkeys.SIGNING_KEY in names:
        yield from _published(now, now.vault.values[oldkeys.SIGNING_KEY])
    for each in replaced:
        procedure = procedures.of(each.name)
        if procedure.told and now.verb in ("rotate", "begin", "compromise"):
            text = f"Give {procedure.told} the new {each.name}: matrix-wizard show {each.name}"
            yield Step("note", {"text": text}, ())


def _accepted(now: Situation, each: Replaced) -> Iterator[Step]:
    """Yield the steps by which servers take the new one beside the old one; or the old one again, after an undo."""
    uses = _uses(each)
    if _is_back(now, each):
        uses = tuple(reversed(uses))
    if procedures.of(each.name).overlap == "acl":
        found = servers.redis(now.workloads, now.places(each.name))
        for server in found:
            yield Step("redis-accept", _about(server), uses)
        if not found:
            yield _by_hand(
                each.name, "Have Redis take", "beside the old one", "Drop the old one once its clients have restarted"
            )


def _is_back(now: Situation, each: Replaced) -> bool:
    """Whether the earlier generation of *each* is accepted beside the current one again: its end was undone."""
    retiring = now.vault.values[each.name].retiring
    return now.verb == "undo" and retiring is not None and retiring.id == each.before


def _dropped(now: Situation, each: Replaced) -> Iterator[Step]:
    if procedures.of(each.name).overlap == "acl" and each.before and not _is_back(now, each):
        for server in servers.redis(now.workloads, now.places(each.name)):
            yield Step("redis-drop", {**_about(server), **_sessions(now)}, _uses(each))


def _sessions(now: Situation) -> dict[str, str]:
    """Return what has a step end the open sessions as well: whoever stole a password may be in already."""
    return {"sessions": "end"} if now.verb == "compromise" else {}


def _about(server: servers.Redis) -> dict[str, str]:
    return {"namespace": server.namespace, "target": server.target, "container": server.container}


def _told(now: Situation, each: Replaced) -> Iterator[Step]:
    """Yield the steps by which a server that takes one value at a time is told of the new one."""
    server = procedures.of(each.name).server
    if server == "postgresql":
        yield from _told_postgresql(now, each)
    elif server in ("minio-user", "minio-root"):
        yield from _told_minio(now, each, is_user=server == "minio-user")


def _told_postgresql(now: Situation, each: Replaced) -> Iterator[Step]:
    found = servers.roles(now.workloads, now.places(each.name))
    for role in found:
        yield Step("postgres-role", {**_role(role), **_sessions(now)}, _uses(each))
    if not found:
        yield _by_hand(each.name, "Give the database", "by \\password ROLE in psql, as its superuser")
    if each.name == "replication-password":
        owners = servers.databases(now.workloads, "li")
        for owner in owners:
            for role in found:
                yield Step("postgres-subscription", {**_role(owner), "role": role.name}, _uses(each))
        if not (owners and found):
            yield _by_hand(each.name, "Give LI's database", "by ALTER SUBSCRIPTION NAME CONNECTION")


def _told_minio(now: Situation, each: Replaced, *, is_user: bool) -> Iterator[Step]:
    places = now.places(each.name)
    jobs = servers.minio_jobs(now.workloads, places) if is_user else ()
    tenants = servers.tenants(now.workloads, places)
    for job in jobs:
        yield Step("job", {"namespace": job.namespace, "job": job.name, "files": job.file}, _uses(each))
    for tenant in tenants:
        user = _access_key(now, tenant) if tenant.user else ""
        if is_user and user:
            yield Step("minio-user", {"tenant": tenant.name, "user": user}, _uses(each))
        if not is_user and not tenant.user and tenant.sets:
            about = {"namespace": tenant.namespace, "workloads": "\n".join(tenant.sets), "instance": "main"}
            yield Step("restart", about)
    if not jobs and not tenants:
        yield _by_hand(each.name, "Give the object store")


def _by_hand(name: str, who: str, how: str = "", then: str = "") -> Step:
    """Return the step that the operator takes for a server which the tree does not run, as far as it tells.

    The steps after it wait for it (``first``): their proofs would fail, and clients would be refused."""
    text = " ".join(filter(None, (who, f"the new {name}", how, f"(matrix-wizard show {name} tells it)")))
    return Step("note", {"text": f"{text}. {then}" if then else text, "first": "yes"})


def _role(role: servers.Role) -> dict[str, str]:
    about = {
        "namespace": role.namespace,
        "target": role.target,
        "container": role.container,
        "role": role.name,
        "database": role.database,
    }
    about |= {"host": role.host} if role.host else {}
    return about if role.superuser == "postgres" else {**about, "superuser": role.superuser}


def _access_key(now: Situation, tenant: servers.Tenant) -> str:
    """Return the name of a user of MinIO: the access key in the Secret that the tenant names."""
    secrets = (each for manifest in now.manifests for each in manifest.resources if each.kind == "Secret")
    for secret in secrets:
        if (secret.name, secret.namespace) == (tenant.user, tenant.namespace):
            for leaf in secret.leaves.values():
                if leaf.is_secret and leaf.path[1:] == ("CONSOLE_ACCESS_KEY",):
                    return leaf.text.strip()
    return ""


def _uses(each: Replaced) -> tuple[str, ...]:
    both = (each.after, each.before) if each.before else (each.after,)
    return tuple(f"{each.name} {generation}" for generation in both)


def _applied(now: Situation, paths: Iterable[str]) -> Iterator[Step]:
    """Yield the step that applies what changed, and a note of what no kubectl applies."""
    given, left = rollout.sources(now.manifests, now.scope, paths)
    groups: dict[str, list[str]] = {}
    for source in given:
        groups.setdefault(_namespace(now, source), []).append(source)
    for namespace, files in groups.items():
        changed = {name: held for name, held in now.changed.items() if _is_in(now, name, files)}
        objects = {"/".join(name): sorted(held) for name, held in sorted(changed.items())}
        yield Step("apply", {"namespace": namespace, "files": "\n".join(files), "objects": json.dumps(objects)})
    for each in left:
        if each.why != rollout.OFF:
            yield Step("note", {"text": f"Bring {each.path} to where it is used ({each.why})"})


def _namespace(now: Situation, source: str) -> str:
    """Return the one namespace that the objects of *source* name, '' for several or none: kubectl refuses another."""
    named = {each.namespace for each in _objects(now, source)} - {""}
    return named.pop() if len(named) == 1 else ""


def _is_in(now: Situation, name: tuple[str, str, str], sources: Iterable[str]) -> bool:
    objects = (each for source in sources for each in _objects(now, source))
    return any((each.kind, each.namespace, each.name) == name for each in objects)


def _objects(now: Situation, source: str) -> Iterator[resources.Resource]:
    """Yield the objects of a file, or of all files below a directory that kustomize builds."""
    below = "" if source == "./" else source
    for manifest in now.manifests:
        if manifest.path == source or (source.endswith("/") and manifest.path.startswith(below)):
            yield from (each for each in manifest.resources if each.kind)


def _restarts(now: Situation, kept: frozenset[str]) -> Iterator[Step]:
    """Yield the restarts: servers that hold both values before their clients, main before LI, each group together."""
    found: dict[tuple[int, str, str], list[str]] = {}
    for each, by in running.reading(now.workloads, now.changed):
        if each.is_restarted and each.target not in kept and any(one.how != "kubelet" for one in by):
            is_first = now.verb == "begin" and _holds_both(now, each)
            turn = (0 if is_first else 1 if each.instance == "main" else 2, each.instance, each.namespace)
            found.setdefault(turn, []).append(each.target)
    for (_, instance, namespace), targets in sorted(found.items()):
        about = {"namespace": namespace, "workloads": "\n".join(targets), "instance": instance}
        yield Step("restart", about)


def _holds_both(now: Situation, each: Workload) -> bool:
    """Whether the workload reads a configuration with a second line for a retiring value."""
    held = {
        ("Secret", record.document.split("/")[1], record.document.split("/")[2]): frozenset(record.path[1:2])
        for record in now.vault.records
        if record.kind == "retiring" and record.document.startswith("Secret/")
    }
    return bool(running.reading([each], held))


def _kept_running(now: Situation, names: Iterable[str]) -> frozenset[str]:
    """Return the servers that are told while they run, and so need no restart: it would make a gap."""
    kept = set()
    for name in names:
        if procedures.of(name).overlap == "acl":
            pods = [server for server in servers.redis(now.workloads, now.places(name)) if not server.by_environment]
            targets = {each.target for each in now.workloads}
            kept |= {target for pod in pods for target in targets if _is_of(pod.target, target)}
    return frozenset(kept)


def _is_of(pod: str, target: str) -> bool:
    name = target.partition("/")[2]
    return pod == target or (target.startswith("statefulset/") and pod.startswith(f"pod/{name}-"))


def _published(now: Situation, kept: Kept) -> Iterator[Step]:
    """Yield the steps that see which keys are published, and after a compromise the one that signs anew (FACTS 1)."""
    live = [kept.current, *([kept.retiring] if kept.retiring else [])]
    current = [f"ed25519:{keys.signing_key(each.text.reveal()).id}" for each in live]
    old = [f"ed25519:{each.id}" for each in oldkeys.of(now.vault)]
    found = servers.main_processes(now.workloads)
    for each in found:
        about = {"namespace": each.namespace, "target": each.target, "container": each.container, "port": each.port}
        yield Step("published", {**about, "current": "\n".join(current), "old": "\n".join(old)})
    if now.verb != "compromise":
        return
    for each in [one for one in found if one.instance == "main"]:
        about = {"namespace": each.namespace, "target": each.target, "container": each.container, "port": each.port}
        for key in [one for one in oldkeys.of(now.vault) if one.expired == _moment(kept.current.made)]:
            yield Step("resign", {**about, "key": f"ed25519:{key.id} {key.public}"})


def _moment(when: str) -> int:
    return int(datetime.fromisoformat(when).timestamp() * 1000)


def _held_keys(resource: resources.Resource) -> Iterator[str]:
    for path in resource.leaves:
        if len(path) > 1 and path[0] in ("data", "stringData", "binaryData"):
            yield path[1]


def _has_objects(manifest: Manifest) -> bool:
    return any(each.kind for each in manifest.resources)
