"""The verbs that bring a change to the cluster: the next step of a run sheet, its proof, and all of them one by one."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from wizard import actions, catalogue, cluster, host, opening, renewal, resources, runsheet, traces, union
from wizard.actions import Cluster, Command, Proof
from wizard.answers import Answers
from wizard.audit import Deed
from wizard.errors import Problem, RefusedError, UsageError
from wizard.interview import Ask
from wizard.opening import Opened, Where
from wizard.outcome import Stepped
from wizard.secret import MASK, Secret
from wizard.structure import Tree
from wizard.vault import Sheet, Step, Vault

_UNKNOWN = "CONTEXT"  # in the place of kubectl's context, until one is confirmed


def following(where: Where) -> Stepped:
    """Return the first open step of the tree's run sheets; nothing is run and nothing written."""
    return standing(where, opening.opened(where).vault)


def standing(where: Where, vault: Vault) -> Stepped:
    """Return the first open step of the run sheets of *vault*, which is the tree's."""
    sheets = tuple(each for each in vault.sheets if not all(step.done for step in each.steps))
    _, number = next(_open(vault), ("", 0))
    place, is_confirmed = place_of(where, vault), bool(vault.context)
    sheet = sheets[0] if sheets else None
    return Stepped(sheet, number, place, where.options, is_confirmed=is_confirmed, later=sheets[1:])


def close(where: Where, context: str, *, unchecked: bool = False) -> Stepped:
    """Close the first open step once its proof holds, and return what is next; *unchecked*: on the operator's word.

    What it proves is asked of the cluster. UsageError where no step is open, or no cluster is confirmed."""
    opened = opening.opened(where)
    sheet, number = _first(opened.vault)
    step, failed = sheet.steps[number], None
    row = actions.of(step)
    _refuse_undecided(opened.vault)
    if not (unchecked or row.is_yours):
        _refuse_unready(opened, step)
        opened, place = _confirmed(where, opened, context)
        failed = _unproven(opened, step, place)
    if failed:
        opened = _tried(where, opened, sheet.id, number)
        return replace(standing(where, opened.vault), failed=failed)
    has_proof = row.applied or bool(row.proofs(step, place_of(where, opened.vault)))
    opened = _closed(where, opened, sheet.id, number, proven=has_proof and not unchecked)
    return replace(standing(where, opened.vault), closed=((sheet, number),))


def drive(where: Where, context: str) -> Stepped:
    """Take every open step in its order, prove each and close it; stop at the first that fails.

    What only the operator can do stays open, and stops it where later steps want it. UsageError where no step is open,
    or no cluster is confirmed."""
    opened = opening.opened(where)
    _first(opened.vault)
    _refuse_undecided(opened.vault)
    opened, place = _confirmed(where, opened, context)
    closed: list[tuple[Sheet, int]] = []
    for sheet_id, number in list(_open(opened.vault)):
        sheet = next(each for each in opened.vault.sheets if each.id == sheet_id)
        step = sheet.steps[number]
        if actions.of(step).is_yours and "first" in step.about:
            what = "This step is yours, and those after it wait for it."
            failed: Problem | None = Problem(what, "", "Take it, then: matrix-wizard next --done.")
            return replace(standing(where, opened.vault), closed=tuple(closed), failed=failed)
        if actions.of(step).is_yours:
            continue
        where.say(f"{number + 1}/{len(sheet.steps)} {actions.of(step).title(step.about)} …")
        _refuse_unready(opened, step)
        opened = _tried(where, opened, sheet_id, number)  # before: a run that is killed here is undone rightly, too
        failed = _taken(where, opened, step, place) or _unproven(opened, step, place)
        if failed:
            return replace(standing(where, opened.vault), closed=tuple(closed), failed=failed)
        opened = _closed(where, opened, sheet_id, number, proven=True)
        closed.append((sheet, number))
    return replace(standing(where, opened.vault), closed=tuple(closed))


def rebuild(where: Where, context: str) -> Stepped:
    """Begin the run sheet that brings an empty or restored cluster to the vault's values, and return its first step.

    RefusedError while another one is open."""
    opened = opening.opened(where)
    _refuse_open(opened.vault)
    if context:
        opened, _ = _confirmed(where, opened, context)
    sheet = runsheet.rebuilt(opened.vault, opened.tree.files, host.now())
    vault = replace(opened.vault, sheets=(*kept(opened.vault), sheet))
    saved = opening.save(where, opened, vault, Deed("rebuild"))
    return standing(where, saved.vault)


def feed(where: Where, address: str) -> Secret:
    """Return what the command of the step at *address* ("sheet.number") reads on its standard input: it holds secrets.

    UsageError where there is no such step, or its command reads nothing."""
    opened = opening.opened(where)
    sheet_id, _, number = address.partition(".")
    sheet = next((each for each in opened.vault.sheets if each.id == sheet_id), None)
    if sheet is None or not number.isdecimal() or not 0 < int(number) <= len(sheet.steps):
        raise UsageError(Problem(f"There is no step {address}.", "", "matrix-wizard next shows the open ones."))
    step = sheet.steps[int(number) - 1]
    command = next(
        (each for each in actions.of(step).commands(step.about, place_of(where, opened.vault)) if each.feed), None
    )
    if command is None or command.feed is None or actions.of(step).asks:
        raise UsageError(Problem(f"The command of step {address} reads nothing that the vault has."))
    return Secret(command.feed(_texts(opened.vault, step)))


def kept(vault: Vault) -> tuple[Sheet, ...]:
    """Return the run sheets that stay when a new one is added: those with open steps."""
    return tuple(each for each in vault.sheets if each.is_open)


def place_of(where: Where, vault: Vault) -> Cluster:
    """Return where the commands of *vault*'s run sheets run; the context is a placeholder until it is confirmed."""
    return Cluster(vault.context or _UNKNOWN, str(where.tree))


def confirmed(opened: Opened, context: str) -> Opened:
    """Return *opened* with the cluster's *context* in its vault, if one is named; it is written with the rest or not.

    RefusedError where it is not kubectl's current one."""
    if not context:
        return opened
    _refuse_other(cluster.current_context(), context)
    return replace(opened, vault=replace(opened.vault, context=context))


def refuse_elsewhere(current: str, known: str) -> None:
    """Refuse to go on where kubectl's *current* context is not the *known* cluster of the tree."""
    if current != known:
        what = f"kubectl's current context is {current}, and the cluster of this tree is {known}."
        fix = f"Switch to it: kubectl config use-context {known}. If the tree has moved: --context {current}."
        raise RefusedError(Problem(what, "", fix))


def _open(vault: Vault) -> Iterator[tuple[str, int]]:
    for sheet in vault.sheets:
        for number, step in enumerate(sheet.steps):
            if not step.done:
                yield sheet.id, number


def _first(vault: Vault) -> tuple[Sheet, int]:
    found = next(_open(vault), None)
    if found is None:
        raise UsageError(Problem("No step is open: the cluster has what the tree says, as far as is known here."))
    return next(each for each in vault.sheets if each.id == found[0]), found[1]


def _refuse_open(vault: Vault) -> None:
    if any(each.is_open for each in vault.sheets):
        what = "Steps of an earlier change are open."
        raise RefusedError(Problem(what, "", "Take them first: matrix-wizard next."))


def _refuse_undecided(vault: Vault) -> None:
    """Refuse steps while a merge has left a value with two candidates: the cluster would get either."""
    names = {
        each.rpartition(" ")[0] for sheet in vault.sheets if sheet.is_open for step in sheet.steps for each in step.uses
    }
    names |= {each.name for sheet in vault.sheets if sheet.is_open for each in sheet.replaced}
    if names and (problems := union.undecided(vault, *names)):
        raise RefusedError(*problems)


def _refuse_unready(opened: Opened, step: Step) -> None:
    """Refuse to bring files to the cluster that are blanked, half written, or edited where the vault has a secret."""
    if "files" in step.about:
        instances = Answers.from_json(opened.vault.answers).instances
        tree = Tree(opened.tree.files, instances=instances)
        if problems := renewal.unready(tree, opened.vault, actions.listed(step.about["files"])):
            raise RefusedError(*problems)


def _confirmed(where: Where, opened: Opened, context: str) -> tuple[Opened, Cluster]:
    """Return where to run commands: the cluster is confirmed once for a tree, and any other is refused."""
    current, known = cluster.current_context(), opened.vault.context
    wanted = context or known or _asked(where, current)
    if known and not context:
        refuse_elsewhere(current, known)
    if context:
        _refuse_other(current, context)
    if wanted != known:
        vault = replace(opened.vault, context=wanted)
        saved = opening.save(where, opened, vault, Deed("context", places=(wanted,)))
        opened = opening.opened(where) if saved else opened
        where.say(f"The cluster of this tree is {wanted} from now on.")
    return opened, Cluster(wanted, str(where.tree))


def _refuse_other(current: str, context: str) -> None:
    if current != context:
        what = f"kubectl's current context is {current}, and not {context}."
        raise RefusedError(Problem(what, "", f"Switch to it: kubectl config use-context {context}."))


def _asked(where: Where, current: str) -> str:
    if where.terminal is None:
        what = "No cluster is confirmed for this tree yet."
        raise UsageError(Problem(what, "", f"Name kubectl's context: --context {current}."))
    ask = Ask(
        f"kubectl's current context is {current}. Is that the cluster of this tree?", "yes",
        "Every command of the run sheet goes there. It is asked once for each tree.", text="no",
    )  # fmt: skip
    if where.terminal.ask(ask) == "no":
        raise UsageError(
            Problem("No cluster is confirmed.", "", "Switch to it first: kubectl config use-context NAME.")
        )
    return current


def _closed(where: Where, opened: Opened, sheet_id: str, number: int, *, proven: bool) -> Opened:
    step = replace(_at(opened.vault, sheet_id, number), done=host.now(), proven=proven)
    return _kept(where, opened, (sheet_id, number), step, "step" if proven else "step unchecked")


def _tried(where: Where, opened: Opened, sheet_id: str, number: int) -> Opened:
    """Return *opened* with the step marked as begun, as which an undo takes it back."""
    step = _at(opened.vault, sheet_id, number)
    if step.tried:
        return opened
    return _kept(where, opened, (sheet_id, number), replace(step, tried=host.now()), "step begun")


def _at(vault: Vault, sheet_id: str, number: int) -> Step:
    return next(each for each in vault.sheets if each.id == sheet_id).steps[number]


def _kept(where: Where, opened: Opened, address: tuple[str, int], step: Step, deed: str) -> Opened:
    """Return *opened* with *step* in the place of the one at *address*, and the vault saved so."""
    sheet_id, number = address

    def changed(sheet: Sheet) -> Sheet:
        if sheet.id != sheet_id:
            return sheet
        return replace(sheet, steps=(*sheet.steps[:number], step, *sheet.steps[number + 1 :]))

    vault = replace(opened.vault, sheets=tuple(map(changed, opened.vault.sheets)))
    opening.save(where, opened, vault, Deed(deed, step.uses[:1], (f"{sheet_id}.{number + 1} {step.action}",)))
    return opening.opened(where)


def _texts(vault: Vault, step: Step) -> list[str]:
    """Return the texts of the generations that *step* reads. UsageError for one that a merge or an undo took away."""
    found = []
    for each in step.uses:
        name, _, generation = each.rpartition(" ")
        kept_value = vault.values.get(name)
        text = next((one.text for one in (kept_value.generations if kept_value else ()) if one.id == generation), None)
        if text is None:
            raise UsageError(Problem(f"The vault has no generation {generation} of {name} any more."))
        found.append(text.reveal())
    return found


def _taken(where: Where, opened: Opened, step: Step, place: Cluster) -> Problem | None:
    """Run the commands of *step*, and return why one of them failed."""
    action, texts = actions.of(step), _texts(opened.vault, step)
    if action.asks:
        if where.terminal is None:
            return Problem(f"{action.asks} is needed for this step.", "", "Drive it at a terminal, or run it by hand.")
        texts = [where.terminal.ask(Ask(action.asks, "hidden", echo=lambda _: ""))]
    for command in action.commands(step.about, place):
        done = cluster.run(command.argv, command.feed(texts) if command.feed else None)
        if done.code:
            what = f"This step failed: {_said(done.err or done.out, opened.vault, texts) or f'exit code {done.code}'}"
            return Problem(what, _shown(command), "Mend that, and go on: matrix-wizard next --drive.")
    return None


def _unproven(opened: Opened, step: Step, place: Cluster) -> Problem | None:
    """Return why *step* is not proven, None where it is."""
    action, texts = actions.of(step), _texts(opened.vault, step)
    for proof in action.proofs(step, place):
        last = ""

        def try_once(proof: Proof = proof) -> bool:
            nonlocal last
            done = cluster.run(proof.command.argv, proof.command.feed(texts) if proof.command.feed else None)
            last = _said(done.err or done.out, opened.vault, texts)
            return _is_held(proof, done)

        if not cluster.holds(try_once, proof.patience):
            what = f"Not so yet: {proof.says}." + (f" It said: {last}" if last else "")
            return Problem(what, _shown(proof.command), "Mend that, and go on: matrix-wizard next.")
    return _unlike(opened, step, place) if action.applied else None


def _is_held(proof: Proof, done: cluster.Done) -> bool:
    if proof.verdict == "ends well":
        return done.code == 0
    if proof.verdict == "is refused":
        return done.code != 0 and re.search(proof.pattern, done.err + done.out) is not None
    return done.code == 0 and re.search(proof.pattern, done.out, re.MULTILINE) is not None


def _unlike(opened: Opened, step: Step, place: Cluster) -> Problem | None:
    """Return the first key that the cluster has otherwise than the tree, None where there is none."""
    wanted = _in_tree(opened, actions.applied_objects(step.about))
    for (kind, namespace, name), entries in wanted.items():
        found = cluster.objects(place.context, namespace, f"{kind.lower()}s", [name])
        data = (found[0].get("data") or {}) if found else {}
        for key, text in entries.items():
            there = _decoded(data.get(key), kind)
            if there != text:
                what = f"The cluster has not {kind} {name}, key {key}, as the tree has it."
                return Problem(what, "", "Apply it, and go on: matrix-wizard next.")
    return None


def _in_tree(
    opened: Opened, objects: Mapping[tuple[str, str, str], Sequence[str]]
) -> dict[tuple[str, str, str], dict[str, str]]:
    """Return the texts that the tree has for each key of *objects*."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    instances = Answers.from_json(opened.vault.answers).instances
    files = ((path, data) for path, data in sorted(opened.tree.files.items()) if path.endswith(resources.SUFFIXES))
    every = (resources.read(path, data, instances) for path, data in files)
    for resource in (each for manifest in every if manifest for each in manifest.resources):
        place = (resource.kind, resource.namespace, resource.name)
        for path, leaf in resource.leaves.items() if place in objects else ():
            is_whole = len(path) == 2 and path[0] in ("data", "stringData")
            if is_whole and path[1] in objects[place]:
                found.setdefault(place, {})[path[1]] = leaf.text
    return found


def _decoded(text: str | None, kind: str) -> str | None:
    if text is None or kind != "Secret":
        return text
    try:
        return base64.b64decode(text).decode()
    except ValueError:
        return None


def _said(text: str, vault: Vault, texts: Sequence[str]) -> str:
    """Return the last line of what a command said, without *texts* that it was given, nor any secret of *vault*.

    A server that refuses an object may quote it, and so secrets in base64 or escaped that no command was given. What
    kubectl adds to the words of a program in a pod tells nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("command terminated with exit code")] or lines
    last = lines[-1] if lines else ""
    for secret in texts:
        for line in filter(None, [secret, *secret.splitlines()]):
            last = last.replace(line, MASK)
    data = last.encode("utf-8", "surrogateescape")
    secret_values = (kept for name, kept in vault.values.items() if catalogue.is_masked(name))
    net = traces.Net(needle for kept in secret_values for needle in traces.needles(kept)[0])
    for trace in sorted(net.find(data), key=lambda each: each.start, reverse=True):
        data = data[: trace.start] + MASK.encode() + data[trace.end :]
    return data.decode("utf-8", "surrogateescape")


def _shown(command: Command) -> str:
    return shlex.join(command.argv)
