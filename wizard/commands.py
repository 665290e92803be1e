"""The verbs, one function each, in the operator's words: a verb reads top to bottom, others do the deeds.

A verb gives back what it did as data; showing it is the console's work.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from wizard import (
    answerfile,
    answersheet,
    catalogue,
    checking,
    clauses,
    consent,
    files,
    guard,
    guide,
    host,
    mint,
    opening,
    plan,
    resume,
    search,
    secondkey,
    store,
    structure,
    union,
    values,
)
from wizard.answers import Answers
from wizard.audit import Deed
from wizard.errors import Problem, RefusedError, StoppedError, UsageError
from wizard.filling import Consent, UndecidedError
from wizard.guide import Guide
from wizard.interview import Ask, Terminal
from wizard.mint import Recipe
from wizard.opening import Opened, Where
from wizard.outcome import Checked, Outcome, Shown
from wizard.plan import Needs
from wizard.secret import MASK, Secret
from wizard.sites import Scope, Unknown
from wizard.structure import Tree
from wizard.vault import Generation, Vault, joined


@dataclass(frozen=True)
class Wishes:
    """What setup is told besides: the answers, the consents given beforehand, and how far to go."""

    answers_file: Path | None = None
    settings: tuple[str, ...] = ()
    consent: Consent = field(default_factory=Consent)
    yes: bool = False
    dry_run: bool = False
    new_deployment: bool = False
    keep_modes: bool = False
    restore: bool = False  # blank may lose what was edited by hand and is in no vault
    allow_tracked: bool = False  # secrets may be filled into files that git tracks
    passphrase: bool = False  # a new vault's key is to have one
    change: bool = False  # the answers that stand are to be looked at, whether or not anything is open


_QUICK = 2048  # bits of an RSA key that is made in a blink


class Review(Protocol):
    """Shows a plan before consent is asked, and the whole of it with its diff on request."""

    def __call__(self, outcome: Outcome, *, whole: bool = False) -> None:
        """Show *outcome*."""


def setup(where: Where, wishes: Wishes, review: Review) -> Outcome:
    """Fill every empty site of the tree and bring every other to the answers; keep every value that exists.

    At a terminal what is missing is asked first, and the answers are reviewed. Elsewhere *review* is shown the plan.
    UsageError, RefusedError and WriteFailedError as the parts raise them; StoppedError without consent.
    """
    with opening.nothing_written():
        return _setup(where, wishes, review, opening.begun(where, wishes.new_deployment))


def guided(where: Where, review: Review) -> Outcome | Checked | str:
    """Set up a tree for the first time; one that is set up already is told about, and the operator chooses.

    What it gives back, and raises, is what the verb that was chosen does; another module's is given back by its name.
    """
    with opening.nothing_written():
        opened = opening.begun(where)
        if where.terminal is None or opened.identity is None:
            return _setup(where, Wishes(), review, opened)
        checked = checking.check(where)
        chosen = guide.choose(where.terminal, where.tree, opened.vault, checked)
        if chosen == "check":
            return checked
        if chosen in ("rotate", "next"):
            return chosen
        return _setup(where, Wishes(change=chosen == "change"), review, opened)


def _setup(where: Where, wishes: Wishes, review: Review, opened: Opened) -> Outcome:
    if wishes.passphrase and opened.identity is not None:
        what = "This vault has its key already; a passphrase is chosen with a new vault."
        raise UsageError(Problem(what, opened.identity.where, "Leave --passphrase out."))
    answers = _answers(wishes, opened)
    if where.terminal is not None:
        with resume.held(where.tree) as unkept:
            guided = replace(_guide(where, opened, answers, where.terminal), unkept=unkept)
            return _asked(where, wishes, review, opened, guided)
    if answers["key_vault.rsa_bits"] > _QUICK and "key_vault.rsa_bits" in _needs(opened, answers).keys:
        _begin_rsa(opened, answers)
    outcome = _planned(where, wishes, opened, answers)
    if wishes.dry_run or _is_done(outcome, opened):
        return outcome
    if not wishes.allow_tracked:
        guard.refuse(outcome.plan, opened.tree.root)
    review(outcome)
    _ask_consent(where, wishes)
    done = opening.write(where, opened, outcome, wishes.keep_modes)
    is_all = wishes.answers_file is not None and wishes.answers_file.is_file() and not wishes.settings
    return replace(done, sheet=wishes.answers_file) if is_all else done


def _asked(where: Where, wishes: Wishes, review: Review, opened: Opened, guided: Guide) -> Outcome:
    """Ask, review and write; whatever ends it before the writing leaves the answers for the next run."""
    if not wishes.dry_run and guided.asks(change=wishes.change):
        store.refuse_read_only(opened.tree.root)  # before anything is typed
    minted: dict[str, Generation] = {}
    said = [wishes.consent]  # at the terminal: it holds for each later plan of this run

    def draw(answers: Answers) -> tuple[Answers, Outcome]:
        while True:
            again = replace(wishes, consent=replace(said[-1], minted=minted))
            try:
                drawn = _planned(where, again, opened, answers)
            except UndecidedError as error:
                if wishes.dry_run or wishes.yes:
                    raise
                now, taken = consent.asked(guided.terminal, error, said[-1])
                said.append(now)
                for key, value in taken.items():
                    answers = answers.with_answer(key, value)
            else:
                minted.update(plan.minted(drawn.plan))  # so that what was shown is what is written
                return answers, drawn

    if "key_vault.rsa_bits" in guided.needs.keys:
        _begin_rsa(opened, guided.given)  # while the questions are asked
    try:
        with guided.terminal.session():
            state = guided.interview(change=wishes.change)
            if wishes.dry_run or wishes.yes:
                _, outcome = draw(state.answers)
                if not (wishes.dry_run or wishes.allow_tracked or _is_done(outcome, opened)):
                    guard.refuse(outcome.plan, opened.tree.root)
                review(outcome)
            else:
                is_done = functools.partial(_is_done, opened=opened)
                show = functools.partial(review, whole=True)
                outcome = guided.consent(state, draw, is_done, show, change=wishes.change)
                if not wishes.allow_tracked and not is_done(outcome):
                    kept_out = guard.kept_out(guided.terminal, outcome.plan, opened.tree)
                    outcome = replace(outcome, plan=kept_out)
            if opened.identity is None and not wishes.dry_run:
                outcome = _with_second_key(guided.terminal, outcome)
    except (StoppedError, KeyboardInterrupt):
        raise guided.stopped() from None
    if wishes.dry_run or _is_done(outcome, opened):
        return outcome
    done = opening.write(where, opened, outcome, wishes.keep_modes)
    resume.forget(where.tree)
    is_first = opened.identity is None and wishes.answers_file is None
    return replace(done, sheet=_offered_sheet(guided.terminal, done)) if is_first else done


def _with_second_key(terminal: Terminal, outcome: Outcome) -> Outcome:
    """Return the outcome with a second key for its new vault, which is asked for unless the answers name one."""
    made = outcome.plan
    if made.vault.recipients:
        return outcome
    further = secondkey.asked(terminal, made.vault.id)
    return replace(outcome, plan=replace(made, vault=joined(made.vault, *further)))


def _offered_sheet(terminal: Terminal, done: Outcome) -> Path | None:
    """Write an answers file for the same again without questions, if that is wanted, and return where it is."""
    out = opening.SHEET
    text = f"Write {out}, for the same again without questions?"
    try:
        if out.exists() or terminal.ask(Ask(text, "yes", "No secret is in it.", text="no")) == "no":
            return None
        write_answers(_kept(done.plan.vault, done.tree), out)
    except (StoppedError, KeyboardInterrupt, UsageError):  # the tree is written: nothing else counts
        return None
    return out


def _begin_rsa(opened: Opened, answers: Answers) -> None:
    """Begin with the key that takes longest to make, where the vault has none."""
    if "key-vault-rsa-key" not in opened.vault.values:
        mint.ahead(Recipe("rsa", answers["key_vault.rsa_bits"]))


def _guide(where: Where, opened: Opened, given: Answers, terminal: Terminal) -> Guide:
    def undecided(answers: Answers) -> Sequence[Unknown]:
        return _needs(opened, answers).unknown

    needs = _needs(opened, given, off=frozenset())
    return Guide(
        terminal, where.tree, needs, given, undecided, _read_named, opened.identity is None, not opened.tree.files
    )


def _needs(opened: Opened, answers: Answers, off: frozenset[str] | None = None) -> Needs:
    scope = Scope(answers) if off is None else Scope(answers, off=off)
    return plan.needs(_tree(opened, scope), answers, opened.vault)


def _planned(where: Where, wishes: Wishes, opened: Opened, answers: Answers) -> Outcome:
    answers.overlay(Answers.from_json(opened.vault.answers))  # RefusedError where the server's name would change
    bits = answers["key_vault.rsa_bits"]
    if bits > _QUICK and not mint.is_ready(Recipe("rsa", bits)):
        where.mention(f"Making an RSA key of {bits} bits: a few seconds …")
    kept = answers.located(lambda path: files.seen_from(opened.tree.root, path))  # the vault is read from anywhere
    given = replace(wishes.consent, anew=wishes.new_deployment)
    made = plan.fill(_tree(opened, Scope(answers)), kept, opened.vault, given, host.now())
    made = guard.seen(made, opened.tree.root, where.tree)
    return Outcome(
        made, False, where.tree, where.options, unfinished=opened.unfinished, documents=values.well_known(answers)
    )


def _is_done(outcome: Outcome, opened: Opened) -> bool:
    """Tell whether there is nothing to write: no byte of the tree would change, nor the vault."""
    is_whole = (
        opened.identity is not None and opened.tree.lock() is not None
    )  # a sites.lock that is gone is written anew
    return outcome.plan.is_empty and is_whole and outcome.plan.vault == opened.vault


def blank(where: Where, wishes: Wishes, review: Review) -> Outcome:
    """Put every site back at its original text; the vault keeps all values, so that setup fills the tree again.

    RefusedError where that loses what was edited by hand, and neither a reader of the review nor ``wishes.restore``
    agrees to it: a yes given beforehand knew nothing of it (DESIGN, law 6)."""
    with opening.nothing_written():
        opened = opening.opened(where)
        instances = Answers.from_json(opened.vault.answers).instances
        made = plan.take_back(Tree(opened.tree.files, instances=instances), opened.vault)
        outcome = Outcome(made, False, where.tree, where.options)
        if wishes.dry_run or made.is_empty:
            return outcome
        if made.lost and wishes.yes and not wishes.restore:
            raise RefusedError(*made.lost)
        review(outcome)
        _ask_consent(where, wishes)
        return opening.write(where, opened, outcome, wishes.keep_modes)


def show(where: Where) -> list[Shown]:
    """Return every value that the vault knows, masked, with the places where it stands now."""
    opened = opening.opened(where)
    answers = Answers.from_json(opened.vault.answers)
    manifests, followed = plan.followed(Tree(opened.tree.files, instances=answers.instances), opened.vault)
    found = search.find(manifests, Scope(answers, followed.records))
    places: dict[str, list[str]] = {}
    for site in found.sites:
        if site.value:
            places.setdefault(site.value, []).append(site.position)
    for resource in (each for manifest in manifests for each in manifest.resources):
        for name, node in clauses.lists(resource, lambda key: answers[key]).items():
            places.setdefault(name, []).append(resource.manifest.position(node.start))
    texts = _texts(opened.vault, answers, places)
    return [
        Shown(name, MASK if catalogue.is_masked(name) else text, made, tuple(places.get(name, ())))
        for name, (text, made) in sorted(texts.items())
    ]


def reveal(where: Where, name: str, out: Path | None = None) -> Secret:
    """Return the one value called *name*, and write it to the private file *out* if one is named.

    That a secret was revealed stands in the audit log before it is.
    UsageError with what may have been meant where there is no such value.
    """
    opened = opening.opened(where)
    texts = _texts(opened.vault, Answers.from_json(opened.vault.answers), catalogue.BY_NAME)
    if name not in texts:
        raise UsageError(opening.no_such_value(name, texts))
    if contested := union.undecided(opened.vault, name):
        raise RefusedError(*contested)
    secret = Secret(texts[name][0])
    if catalogue.is_masked(name):
        deed = Deed("show", opening.generations(opened.vault, [name]) or (name,))
        opening.save(where, opened, opened.vault, deed)
    if out is not None:
        _write_out(out, secret)
    return secret


def answers(where: Where, out: Path | None = None) -> str:
    """Return the answers that the vault keeps as the text of an answers file (YAML, no secret, address ranges in it).

    It is written to the new private file *out* if one is named, as `write_answers` does.
    """
    opened = opening.opened(where)
    kept = _kept(opened.vault, opened.tree.root)
    if out is not None:
        write_answers(kept, out)
    return _sheet(kept, Path())


def write_answers(given: Answers, out: Path) -> None:
    """Write the answers file of *given* to *out*, a new file that only its owner may read.

    Relative {file:} paths of *given* count from where the program was started. UsageError where *out* exists or cannot
    be written.
    """
    _write_out(out, Secret(_sheet(given, out.parent)))


def _sheet(given: Answers, place: Path) -> str:
    """Return the text of an answers file in the directory *place*, where ``~`` means nothing."""
    return answersheet.sheet(given, lambda path: files.seen_from(place, files.spelled_out(path)))


def _kept(vault: Vault, root: Path) -> Answers:
    """Return the answers that the vault of the tree at *root* keeps, their files as they are named from here."""
    return Answers.from_json(vault.answers).located(lambda path: files.seen_from(Path(), path, root))


def _write_out(out: Path, secret: Secret) -> None:
    try:
        files.create_private(out, secret.reveal().encode())
    except FileExistsError:
        raise UsageError(Problem("This file exists already, and is left as it is.", str(out))) from None
    except OSError as error:
        raise UsageError(Problem(f"This file cannot be written: {error.strerror}.", str(out))) from None


def _answers(wishes: Wishes, opened: Opened) -> Answers:
    """Return the answers given beforehand: --set over the answers file over the vault's."""
    given, problems = Answers(), list[Problem]()
    if wishes.answers_file is not None:
        beside = wishes.answers_file.parent
        text = _text(wishes.answers_file)
        given, problems = answerfile.read(
            text, str(wishes.answers_file), host.environment, lambda path: files.read(beside / path)
        )
        given = given.located(lambda path: files.seen_from(Path(), f"./{path}" if path[:1] == "~" else path, beside))
    if wishes.settings:
        given = answerfile.set_options(wishes.settings, host.environment, _read_named).merge(given)
    answers = given.overlay(_kept(opened.vault, opened.tree.root))
    if problems:
        keys = _needs(opened, answers).keys
        raise UsageError(*problems, *(each for each in answers.problems(keys) if each not in problems))
    return answers


def _text(path: Path) -> str:
    try:
        return files.read(path).decode()
    except OSError as error:
        raise UsageError(Problem(f"The answers file cannot be read: {error.strerror}.", str(path))) from None
    except UnicodeDecodeError:
        raise UsageError(Problem("The answers file is not UTF-8 text.", str(path))) from None


def _read_named(path: str) -> bytes:
    try:
        return files.read(Path(path).expanduser())
    except RuntimeError:  # no such user
        raise FileNotFoundError(path) from None


def _tree(opened: Opened, scope: Scope) -> Tree:
    return structure.tree(opened.tree.files, store.bundled(), scope, opened.vault.from_bundle)


def _ask_consent(where: Where, wishes: Wishes) -> None:
    if wishes.yes:
        return
    if where.terminal is None:
        raise UsageError(
            Problem("Nothing is written without consent.", "", "Give -y to accept this plan, or -n to see it.")
        )
    if where.terminal.ask(Ask("Write this now?", "yes", text="no")) == "no":
        raise StoppedError(opening.STOPPED)


def _texts(vault: Vault, answers: Answers, names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the text of every value, and when it was made ('' for what follows from the answers)."""
    derived = values.answered(
        (name for name in names if not catalogue.is_kept(name)), answers, values.InTree({}, {}), vault.values
    )
    kept = {name: (each.current.text.reveal(), each.current.made) for name, each in vault.values.items()}
    return {name: (value.plain, "") for name, value in derived.items() if value.plain} | kept
