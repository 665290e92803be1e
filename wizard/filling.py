"""Filling: which text each site is to hold, given the values, and what is to be done about a text that is foreign.

Four states of a site (DESIGN, law 6): its value is current, an earlier one, absent (a placeholder stands there), or
unknown. Only an unknown one is drift, and nothing is done about drift that nobody asked for. Pure.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from wizard import catalogue, keys, lenses, overlap, placeholders, values
from wizard.answers import Answers
from wizard.answersheet import entry, quoted
from wizard.catalogue import Owns
from wizard.errors import Problem, RefusedError, UsageError
from wizard.formats import FormatError
from wizard.lenses import CannotHold, Edit, View
from wizard.manifests import Path
from wizard.questions import BY_KEY, UNWRITTEN
from wizard.resources import Manifest
from wizard.secret import MASK, Secret
from wizard.sites import FILLED_IN, Found, Site, Unknown, groups
from wizard.values import InTree, Value
from wizard.vault import Generation, Instance, Kept, Record, Vault


@dataclass(frozen=True)
class Consent:
    """What the operator accepted beforehand: new places for existing secrets, and what becomes of foreign texts.

    ``files``: those that this run makes itself; every place in them is accepted. ``enabled``: entries that this run
    adds or enables, by object and path: what stands there is nobody's edit. ``known``: the places of components that
    were switched off; they were accepted once. ``minted``: what an earlier plan of this run made, which was shown.
    ``anew``: a new vault for a tree that had one, so that what stands in the tree are existing secrets.

    An object that is the other instance's now is accepted by its name among the places.
    """

    places: frozenset[str] = frozenset()
    all_places: bool = False
    files: frozenset[str] = frozenset()
    enabled: frozenset[tuple[str, Path]] = frozenset()
    known: frozenset[Record] = frozenset()
    minted: Mapping[str, Generation] = field(default_factory=dict)
    drift: str = ""  # "adopt" or "restore"
    skip_unparseable: bool = False
    decided: Mapping[str, str] = field(default_factory=dict)  # the same by value, over what is said of all
    granted: frozenset[str] = frozenset()  # places as well, said at the terminal; one may be gone by another answer
    anew: bool = False

    @property
    def named(self) -> frozenset[str]:
        """The places, and the objects, that were accepted by name."""
        return self.places | self.granted

    def of(self, name: str) -> str:
        """Return what becomes of a foreign text of the value *name*: "adopt", "restore", or "" where nobody said."""
        return self.decided.get(name, self.drift)


@dataclass(frozen=True)
class NewPlace:
    """An existing secret that would be written to a *place* where it was not before; *position* is file:line:column."""

    value: str
    place: str
    position: str


@dataclass(frozen=True)
class NewInstance:
    """An object, *document*, whose values were consented to as those of the instance *was*, and which is the other's
    now. *position* is that of its first value."""

    document: str
    was: str
    now: str
    values: tuple[str, ...]
    position: str

    @property
    def told(self) -> str:
        """What has changed, in a sentence."""
        owners = {"main": "main's", "li": "LI's"}
        was, now, holds = owners[self.was], owners[self.now], ", ".join(self.values)
        return f"{self.document} was {was} when its places were consented to, and is {now} now; it holds {holds}."


@dataclass(frozen=True)
class Drift:
    """A text that is neither the value's own nor an earlier one, as it may be *shown*; *kept*: the vault keeps it.

    ``others``: the places where a third one stands, so that none of them can be taken. ``answer``: the answer that the
    text would be, by its key, empty where it is none; ``text``: then the text itself."""

    value: str
    position: str
    shown: str
    kept: bool
    others: tuple[str, ...] = ()
    answer: str = ""
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Settled:
    """What becomes of a text edited by hand, as the operator said it: the value, "adopt" or "restore", its places."""

    value: str
    deed: str
    positions: tuple[str, ...]
    kept: bool


class UndecidedError(RefusedError):
    """The tree was refused for nothing but want of the operator's word, on what ``about`` lists."""

    def __init__(self, *problems: Problem, about: Iterable[NewPlace | NewInstance | Drift]) -> None:
        super().__init__(*problems)
        self.about = tuple(about)


@dataclass(frozen=True)
class Fill:
    """One site and the text that it is to hold."""

    site: Site
    new: str = field(repr=False)


@dataclass(frozen=True)
class Resolved:
    """The values that the sites of a tree need, and ``former``: the texts that the answers of the last run gave."""

    values: Mapping[str, Value]
    former: Mapping[str, str]


def resolve(found: Found, answers: Answers, vault: Vault, consent: Consent, issuers: Mapping[str, str]) -> Resolved:
    """Return the values that the sites need; *issuers* are the tree's own, by ``tls.mode``.

    UsageError with every placeholder that is undecided and every answer that is missing; RefusedError as ``in_tree``.
    """
    names = {site.value for site in found.sites if site.value}
    asked = values.questions(names | found.listed)
    problems = [*map(_undecided, found.unknown), *answers.problems(asked), *_misnamed(answers)]
    if problems:
        raise UsageError(*problems, paste=_stanza(found.unknown, answers))
    before = values.answered(names, Answers.from_json(vault.answers), InTree({}, issuers)) if vault.answers else {}
    former = {name: value.plain for name, value in before.items()}
    taken = in_tree(found, vault, former, consent)
    _refuse_given(taken.texts, answers, consent)
    known = values.resolve(names, answers, vault.values, InTree(taken.texts, issuers), consent.minted)
    known = {name: _with_retiring(value, vault) for name, value in known.items()}
    unanswered = {site.value: site for site in found.sites if site.token and site.value and site.value not in known}
    if unanswered:
        raise UsageError(*(_unanswered(site) for site in unanswered.values()))
    return Resolved(known, former)


def _refuse_given(taken: Mapping[str, Secret], answers: Answers, consent: Consent) -> None:
    """Raise RefusedError where a secret is given and another one stands in the tree already: what exists wins."""
    given = answers.secrets()
    rows = (catalogue.BY_NAME[name] for name in taken if name in catalogue.BY_NAME)
    both = [row for row in rows if row.answer in given and _bare(given[row.answer]) != _bare(taken[row.name])]
    both = [row for row in both if consent.of(row.name) != "restore"]
    if both:
        what = "{} stands in the tree already, with another text than the one given."
        fix = "Leave it out of the answers to keep the tree's, or overwrite that with --restore."
        raise RefusedError(*(Problem(what.format(row.name), answers.given[row.answer].where, fix) for row in both))


def _bare(text: Secret) -> str:
    """Return *text* without the line ends around it, which a file has and a site may not have."""
    return text.reveal().strip("\n")


def refuse_certificate(answers: Answers, known: Mapping[str, Value], hosts: list[str], now: datetime) -> None:
    """Raise UsageError unless a certificate given in this run fits its key and every one of *hosts*."""
    if "tls-private-key" not in known or "tls.private_key" not in answers.secrets():
        return
    try:
        keys.tls_pair(answers["tls.certificate"], known["tls-private-key"].plain, hosts, now)
    except ValueError as error:
        where = answers.given["tls.certificate"].where
        raise UsageError(Problem(str(error), where, "Give the certificate for these hosts and its own key.")) from None


def in_tree(found: Found, vault: Vault, former: Mapping[str, str], consent: Consent) -> InTree:
    """Return the secrets that stand in the tree and that the vault is to take over, and the names of its issuers.

    RefusedError where one secret has two texts, or where a text is foreign and nobody said what becomes of it.
    """
    foreign: dict[str, dict[str, list[Site]]] = {}
    for site in found.sites:
        if catalogue.is_kept(site.value) and not site.token and site.how != "comment":
            text = read(site.value, site.text)
            if text not in _known_texts(site, vault, former):
                foreign.setdefault(site.value, {}).setdefault(text, []).append(site)
    problems: list[Problem] = []
    drift: dict[str, list[Site]] = {}  # one place of each text
    adopted: dict[str, Secret] = {}
    for name, by_text in foreign.items():
        places = [sites[0] for sites in by_text.values()]
        is_kept = name in vault.values
        if len(by_text) > 1 and not is_kept:
            problems.append(_two_texts(name, places))
        elif not is_kept or (consent.of(name) == "adopt" and len(by_text) == 1):
            adopted[name] = Secret(next(iter(by_text)))
        elif consent.of(name) != "restore":
            drift[name] = places
    told = [_drift(name, places) for name, places in drift.items()]
    if problems:
        raise RefusedError(*problems, *told)
    if told:
        found_ones = (
            Drift(name, first.position, MASK, kept=True, others=tuple(each.position for each in others))
            for name, (first, *others) in drift.items()
        )
        raise UndecidedError(*told, about=found_ones)
    return InTree(adopted, {})


def settled(found: Found, resolved: Resolved, vault: Vault, consent: Consent) -> tuple[Settled, ...]:
    """Return what becomes of the texts edited by hand for which *consent* has a word, in the order of their names."""
    places: dict[tuple[str, str, bool], list[str]] = {}
    for site in found.sites:
        is_kept = catalogue.is_kept(site.value)
        deed = consent.of(site.value) if is_kept else consent.decided.get(site.value, consent.drift)
        is_known = site.value in (vault.values if is_kept else resolved.values) and bool(site.record or is_kept)
        if not deed or site.token or site.how == "comment" or not is_known:
            continue
        if (site.document, site.path) in consent.enabled or (not is_kept and deed == consent.drift == "adopt"):
            continue  # what this run puts there itself; and --adopt speaks of secrets alone
        if read(site.value, site.text) not in _known_texts(site, vault, resolved.former):
            places.setdefault((site.value, deed, is_kept), []).append(site.position)
    return tuple(Settled(name, deed, tuple(at), kept) for (name, deed, kept), at in sorted(places.items()))


def fills(found: Found, resolved: Resolved, answers: Answers, vault: Vault, consent: Consent) -> list[Fill]:
    """Return the text for every site that has a value, whether it holds it already or not.

    RefusedError where a text was edited by hand, or where an existing secret would reach a place that nobody accepted.
    """
    known = resolved.values
    made: list[Fill] = []
    strange = sorted(consent.places - {each for site in found.sites for each in (site.place, site.document)})
    if strange:
        what = "There is no such place in the tree."
        raise UsageError(*(Problem(what, f"--accept-site {each}", "Copy it from the refusal.") for each in strange))
    problems: list[Problem] = list(_beyond(found, known))
    undecided: list[tuple[Problem, NewPlace | NewInstance | Drift]] = [
        (other_instance(each), each)
        for each in new_instances(site for site in found.sites if site.document not in consent.named)
    ]
    for site in found.sites:
        if site.how == "comment":
            made.append(Fill(site, FILLED_IN))
        elif site.how == "retiring":
            made.append(Fill(site, site.text))  # as it was put there, and until it is taken out as a line
        elif site.value in known and not _is_by_default(site, answers):
            made.append(Fill(site, render(known[site.value], site)))
            for problem, open_one in _objections(made[-1], resolved, vault, consent):
                if open_one is None:
                    problems.append(problem)
                elif isinstance(open_one, Drift):
                    undecided.append((problem, replace(open_one, answer=_answer_of(site, answers), text=site.text)))
                else:
                    undecided.append((problem, open_one))
    if problems:
        raise RefusedError(*problems, *(problem for problem, _ in undecided))
    if undecided:
        raise UndecidedError(*(problem for problem, _ in undecided), about=(each for _, each in undecided))
    return made


def _beyond(found: Found, known: Mapping[str, Value]) -> Iterator[Problem]:
    """Yield a problem for each value that its consumers would not take, at the first of its places."""
    first = {site.value: site for site in reversed(found.sites) if site.value in known}
    for name, site in first.items():
        row = catalogue.BY_NAME.get(name)
        if row and row.limit and not row.limit.admits(known[name].plain):
            what = f"{name} cannot stand here: {row.limit.rule}."
            yield Problem(what, site.position, "Choose another one, or put a placeholder here and have one made.")


def _is_by_default(site: Site, answers: Answers) -> bool:
    """Whether something stands where a clause would write what nobody answered: what exists wins (DESIGN, law 6)."""
    is_own = site.how == "clause" or (site.record is not None and site.text == site.record.original)
    is_set = is_own and site.text != "" and not site.token and not catalogue.is_kept(site.value)
    asked = [BY_KEY[key] for key in values.questions([site.value])] if is_set else []
    return bool(asked) and not any(each.key in answers.given or answers.uses(each.section) for each in asked)


def edits(manifest: Manifest, made: Iterable[Fill]) -> dict[View, list[Edit]]:
    """Return the edits of *manifest* for its fills, by view. RefusedError with every place that holds no such text."""
    by_view: dict[View, list[Edit]] = {}
    problems = []
    for fill in made:
        try:
            view, start, end = fill.site.inner
            if view.text[start:end] != fill.new:
                _require_unexpanded(manifest, fill.new)
                lenses.render({view: [Edit(start, end, fill.new)]})
                by_view.setdefault(view, []).append(Edit(start, end, fill.new))
        except CannotHold as error:
            what = f"{fill.site.value} cannot be written here: {error.reason}."
            problems.append(
                Problem(
                    what,
                    _where(fill.site),
                    "Choose another value, or write this place in a way that can hold it, such as within quotes.",
                )
            )
    if problems:
        raise RefusedError(*problems)
    return by_view


def _where(site: Site) -> str:
    """Return ``file:line:column`` of *site*, or of its scalar where that cannot be read to the character."""
    try:
        return site.position
    except CannotHold:
        return site.manifest.position(site.leaf.scalar.start if site.leaf else site.start)


def _require_unexpanded(manifest: Manifest, new: str) -> None:
    if "{{" in new and manifest.is_expanded:
        raise CannotHold("this file is a Go template, which would expand the {{ in it")


def render(value: Value, site: Site) -> str:
    """Return the text of *value* as it stands in *site*, which may want another form or a final line end."""
    row = catalogue.BY_NAME.get(value.name)
    text = value.plain
    if row is None or row.owns is Owns.TOKEN:
        return text
    if row.owns in (Owns.SCALAR, Owns.DOCUMENT):
        both = overlap.joined(text, value.beside.reveal()) if value.beside else text
        return both.rstrip("\n") + ("\n" if site.around.endswith("\n") else "")
    if row.make == "rsa" and "-----BEGIN RSA " in site.text:
        text = keys.rsa_form(text, "pkcs1")
    return text.strip("\n")


def read(name: str, text: str) -> str:
    """Return the value that *text* at a site of *name* stands for: the inverse of ``render``."""
    row = catalogue.BY_NAME.get(name)
    if row is None or row.owns is Owns.TOKEN:
        return text
    lines = text.strip("\n").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))  # comments were never the value's
    if row.make == "rsa" and "-----BEGIN RSA " in text:
        try:
            return keys.rsa_form(text, "pkcs8").strip("\n")
        except ValueError:
            return text
    return text


def shown(value: str, text: str) -> str:
    """Return *text* of the value called *value* as it may be shown: masked, but for what is only a placeholder."""
    if not catalogue.is_masked(value):
        return text
    return placeholders.shown_in(text) if placeholders.is_wholly(text) else MASK


def _known_texts(site: Site, vault: Vault, former: Mapping[str, str]) -> set[str]:
    """Return every text that may stand at *site* without being foreign."""
    names = {site.value, site.record.value} if site.record else {site.value}
    kept = (vault.values[name] for name in names & vault.values.keys())
    texts = set[str]().union(*map(overlap.texts, kept))
    if site.record:
        texts.add(read(site.value, site.record.original))
    return texts | ({former[site.value]} if site.value in former else set())


def is_unkept(site: Site, vault: Vault) -> bool:
    """Tell whether a secret stands at *site* that *vault* has in no generation: what is put in its place loses it."""
    is_secret = catalogue.is_kept(site.value) and not site.token and site.how != "comment"
    return is_secret and read(site.value, site.text) not in _known_texts(site, vault, {})


def generation_at(site: Site, kept: Kept) -> Generation | None:
    """Return the generation of *kept* whose text stands at *site*, the current one before any other, or None."""
    text = read(site.value, site.text).strip("\n")
    if text == overlap.standing(kept):
        return kept.current
    newest = sorted(kept.generations, key=lambda each: each.id == kept.current.id)
    return next((each for each in reversed(newest) if each.text.reveal().strip("\n") == text), None)


def _with_retiring(value: Value, vault: Vault) -> Value:
    """Return *value* with the generation that stands beside it, where two lines of one text hold both."""
    kept = vault.values.get(value.name)
    is_own = kept is not None and kept.retiring is not None and value.text == kept.current.text
    if not (kept and kept.retiring and is_own and overlap.is_joined(value.name)):
        return value
    return replace(value, beside=kept.retiring.text)


def new_instances(found: Iterable[Site]) -> list[NewInstance]:
    """Return the objects of *found* that are another instance's now than when their places were consented to."""
    objects: dict[tuple[str, str, str], list[Site]] = {}
    for site in found:
        if site.value and site.leaf and site.record and site.record.instance in ("main", "li"):
            was, now = site.record.instance, site.leaf.resource.instance
            if was != now:
                objects.setdefault((site.document, was, now), []).append(site)
    return [
        NewInstance(*key, tuple(dict.fromkeys(site.value for site in sites)), sites[0].position)
        for key, sites in objects.items()
    ]


def other_instance(found: NewInstance) -> Problem:
    """Return the problem that an object is another instance's than it was, and the consent that settles it."""
    fix = f"If that is right: --accept-site {shlex.quote(found.document)}. Else look at what was changed or pulled."
    return Problem(found.told, found.position, fix)


def instance_of(site: Site, vault: Vault, consent: Consent) -> Instance:
    """Return whose *site* is to be remembered as: its object's instance, as far as the operator consented to that.

    A copy of an existing secret that somebody else put into the LI instance is nobody's consent."""
    if site.leaf is None or site.how == "comment":
        return "any"
    now: Instance = "li" if site.leaf.resource.instance == "li" else "main"
    was: Instance = site.record.instance if site.record else "none"
    if site.document in consent.named:
        return now
    if was != "none":
        return was
    if site.value not in vault.values or now == "main":
        return now
    return _accepted_as(site, consent) or "none"


def _objections(
    fill: Fill, resolved: Resolved, vault: Vault, consent: Consent
) -> Iterator[tuple[Problem, NewPlace | Drift | None]]:
    """Yield what stands against *fill*, each with what the operator may say of it."""
    site, new, former = fill.site, fill.new, resolved.former
    if not catalogue.is_kept(site.value):
        if site.how == "place" and site.text != new:
            row = catalogue.BY_NAME[site.value]
            yield (
                Problem(
                    f"{site.value} is {site.text} here, and {new} by the answers.",
                    site.position,
                    f"Write {row.answer}: {site.text} into the answers, or a placeholder here.",
                ),
                None,
            )
        is_edited = site.record and not site.token and site.text not in {new, *_known_texts(site, vault, former)}
        is_ours = (site.document, site.path) in consent.enabled
        if is_edited and not is_ours and consent.of(site.value) != "restore":
            yield (
                Problem(
                    f"{site.value} was edited by hand here.",
                    site.position,
                    "Answer with that text instead (--set or the answers file), or put the vault's back with "
                    "--restore.",
                ),
                Drift(site.value, site.position, shown(site.value, site.text), kept=False),
            )
        return
    is_taken_over = consent.anew and resolved.values[site.value].why == "adopted"
    is_existing = site.value in vault.values or is_taken_over
    is_new = is_existing and site.text != new and (site.record is None or site.record.instance == "none")
    if is_new and not _accepted_as(site, consent):
        general = ", or --accept-new-sites for all new places" if _is_general(site) else ""
        yield (
            Problem(
                f"{site.value} would be written to a new place, {site.place}.",
                site.position,
                f"If it belongs there: --accept-site '{site.place}'{general}.",
            ),
            NewPlace(site.value, site.place, site.position),
        )


def _answer_of(site: Site, answers: Answers) -> str:
    """Return the key of the answer that the text at *site* would be, empty where it is none as it stands there."""
    row = catalogue.BY_NAME.get(site.value)
    if row is None or row.kind is not catalogue.Kind.ANSWER or row.answer == "domains.server_name":
        return ""
    question = BY_KEY[row.answer]
    try:
        value = question.read(site.text)
        question.fits(value, answers)
    except FormatError:
        return ""
    after = answers.with_answer(question.key, value)
    is_same = values.answered([row.name], after, InTree({}, {}))[row.name].plain == site.text
    return question.key if is_same and not set(after.problems(())) - set(answers.problems(())) else ""


def _accepted_as(site: Site, consent: Consent) -> Instance | None:
    """Return as whose place *site* was accepted, None where it was not."""
    now: Instance = "li" if site.leaf and site.leaf.resource.instance == "li" else "main"
    is_general = consent.all_places and _is_general(site)
    if is_general or site.place in consent.named or site.manifest.path in consent.files:
        return now
    here = (site.value, site.document, site.path)
    was = {each.instance for each in consent.known if (each.value, each.document, each.path) == here}
    return now if now in was else "any" if "any" in was else None


def _is_general(site: Site) -> bool:
    """Whether a general consent covers *site*: in another object than a Secret (a chart's values are none) it does not,
    nor in an environment or configuration beside the manifests.

    There only what names the place will do (DESIGN, law 4).
    """
    return site.leaf is None or (site.leaf.resource.kind in ("", "Secret") and not site.manifest.is_text)


def _two_texts(name: str, places: list[Site]) -> Problem:
    listed = " and ".join(site.position for site in places)
    return Problem(
        f"{name} has {len(places)} different values in the tree.",
        listed,
        "Make them equal by hand, or put a placeholder where the value is not the one in use.",
    )


def _drift(name: str, places: list[Site]) -> Problem:
    """Return the problem of texts of *name* that are foreign, of each of which one place is in *places*."""
    if len(places) > 1:
        problem = _two_texts(name, places)
        return replace(problem, next=f"{problem.next} Or put the vault's back at all of them with --restore.")
    return Problem(
        f"{name} here is neither the vault's value nor an earlier one.",
        places[0].position,
        "Take it into the vault with --adopt, or put the vault's value back with --restore.",
    )


def _undecided(unknown: Unknown) -> Problem:
    token = placeholders.shown(unknown.token)
    what = f"The placeholder {token} is in no catalogue, and what it stands for is not guessed."
    return Problem(
        what, unknown.position, f"Decide it under placeholders: in the answers file; it stands at {unknown.place}"
    )


def _misnamed(answers: Answers) -> Iterable[Problem]:
    """Yield a problem for each decision that names a value which is none, or which only names another one."""
    for key, decision in answers.decisions.items():
        if not decision or decision.action != "same_as":
            continue
        other = answers.decisions.get(str(decision.text))
        if decision.text not in {*catalogue.BY_NAME, *answers.decisions}:
            what = f"placeholders.{key}: there is no value called {decision.text}."
            yield Problem(what, decision.where, "Write the name of another value. To see them: matrix-wizard show")
        elif other and other.action in ("same_as", "keep", "split"):
            what = f"placeholders.{key}: {decision.text} is decided by {other.action}, and is no one value itself."
            yield Problem(what, decision.where, "Name one that has a value of its own: by value or generate.")


def _stanza(unknown: Iterable[Unknown], answers: Answers) -> str:
    """Return the ``placeholders:`` section that would decide *unknown*, with the places of what seems to be one value.

    By token where that names a role, else by place; another spelling or place of the same is ``same_as`` the first.
    """
    lines: dict[str, str] = {}
    for group in groups(unknown):
        keys = dict.fromkeys(each.decision for each in group)
        first = group[0].decision
        places = ", ".join(each.position for each in group)
        comment = f"  # one value in {len(group)} places? {places}" if len(group) > 1 else ""
        for key in keys:
            decision = _proposal(group[0], answers) if key == first else f"{{same_as: {quoted(first)}}}"
            lines.setdefault(quoted(key), decision + (comment if key == first else ""))
    return "\n".join(["placeholders:", *(entry(key, decision) for key, decision in lines.items())]) if lines else ""


def _proposal(unknown: Unknown, answers: Answers) -> str:
    """Return the decision to offer: the host's name, a text to be written, or the secret that a hint asks for."""
    if unknown.family == "host" and (base := answers["domains.base"]):
        return f"{{value: {unknown.role}.{base}}}" if unknown.role else f"{{value: {base}}}"
    if unknown.family != "token" or not unknown.is_secret:
        return f"{{value: {UNWRITTEN}}}"
    kind, size = (unknown.recipe.kind, unknown.recipe.size) if unknown.recipe else ("password", None)
    return f"{{generate: {kind}, length: {size}}}" if size else f"{{generate: {kind}}}"


def _unanswered(site: Site) -> Problem:
    row = catalogue.BY_NAME.get(site.value)
    key = row.answer if row else ""
    next_step = f"Write {key} into the answers file, or give --set {key}=…" if key else "Name another value for it."
    return Problem(f"The tree needs {site.value} here, and there is no answer for it.", site.position, next_step)
