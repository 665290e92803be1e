"""What is shown: plans, findings, values and problems, as calm text for people or as JSON for machines.

Data goes to stdout, everything else to stderr. Prints nothing that it is not handed masked.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from wizard import actions, catalogue, host, invocation, placeholders
from wizard import review as reviewing
from wizard.actions import Cluster, Command
from wizard.afterwards import Afterwards
from wizard.errors import Problem, UsageError
from wizard.outcome import (
    Exchanged,
    Hunted,
    Outcome,
    People,
    Rekeyed,
    Removed,
    Rotated,
    Shown,
    Sighting,
    Status,
    Stepped,
)
from wizard.secret import MASK
from wizard.vault import Recipient, Sheet, Step

SCHEMA = 1  # of every JSON document printed here
_TO_FILE = "Write them to a file with --out FILE, which is UTF-8."


class GoneError(Exception):
    """Whoever reads stdout has read enough."""


def problems(found: Sequence[Problem], paste: str = "", options: str = "") -> None:
    """Print every problem with its place and what to do next, and what may be pasted to mend them, to stderr.

    What several in a row have in common as their next step is told once, behind the last of them. *options* are those
    of the run, for the commands that are named."""
    for problem, after in zip(found, (*found[1:], None), strict=False):
        place = f"{problem.where}: " if problem.where else ""
        _say(typed(f"{place}{problem.what}", options), sys.stderr)
        if problem.next and not (after and after.next == problem.next):
            _say(textwrap.indent(typed(problem.next, options), "    "), sys.stderr)
    if len(found) > 1:
        _say(f"{len(found)} problems, all shown.", sys.stderr)
    if paste:
        _say(f"\nTo paste into the answers file, and to change as it should be:\n\n{paste}", sys.stderr)


def typed(text: str, options: str) -> str:
    """Return *text* with each command in it as it can be typed here, with the *options* of the run."""
    return invocation.typed(text, _program(), options)


def tell(text: str) -> None:
    """Print a line beside the results, to stderr."""
    _say(text, sys.stderr)


def bug(error: BaseException) -> None:
    """Print where a bug is, without the text of the exception, which could hold anything."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "an unknown place"
    _say(f"This is a bug in matrix-wizard: {type(error).__name__} at {where}.", sys.stderr)
    _say("    Please report it with the command you gave, and no secrets.", sys.stderr)


def review(outcome: Outcome, *, whole: bool = False, paged: bool = True) -> None:
    """Print what would be written, before consent is asked, to stderr; the *whole* of it with the masked diff.

    The whole is shown by a pager where stdout is a terminal for it, unless it is not to be *paged*: a screen reader
    follows lines, not a cursor.
    """
    if not whole:
        _plan(outcome, sys.stderr)
        return
    text = io.StringIO()
    _plan(outcome, text)
    _say("\n" + outcome.plan.diff.rstrip("\n"), text)
    shown = "\n".join(map(_wrapped, text.getvalue().rstrip("\n").split("\n")))
    if paged and (pager := _pager()):
        import pydoc

        os.environ["MANPAGER"] = pager
        os.environ.setdefault("LESS", f"-FRXPs{_KEYS}$")  # F, R, X as git does: what fits on the screen is left there
        pydoc.pager(f"{shown}\n")
    else:
        _say(shown, sys.stdout if host.shows(sys.stdout) else sys.stderr)


def nothing(outcome: Outcome, *, whole: bool = False) -> None:
    """Print nothing."""
    del outcome, whole


def _tell_key(place: str, *, is_only: bool = True) -> None:
    """Tell where a key lies that was made now, if one was."""
    if place:
        words = f"Keep it safe: without it{'' if is_only else ' or a second key'} nothing here can be recovered."
        _say(_filled(f"The vault opens with the key in {place}. {words}", sys.stderr), sys.stderr)


# The prompt of less(1), which by itself is a colon: "?e" begins what is said at the end alone, "." ends it.
_KEYS = "Space next page, b back, q leaves?e (end)."


def _pager() -> str:
    """Return the operator's own pager as a shell command, less as it is if there is none; "" where none can be used."""
    chosen = host.environment("PAGER") or next(filter(shutil.which, ("less", "more")), "")
    try:
        program = shlex.split(chosen)[0]
    except (ValueError, IndexError):
        return ""
    if not (host.shows(sys.stdout) and host.can_move_cursor() and shutil.which(program)):
        return ""
    return f"{chosen} -Ps{shlex.quote(_KEYS)}" if Path(program).name == "less" else chosen


def plan(outcome: Outcome, *, as_json: bool) -> None:
    """Print the plan of a dry run to stdout: the changes and a masked diff, or JSON."""
    if as_json:
        _print_json(_as_data(outcome))
        return
    _plan(outcome, sys.stdout)
    if outcome.plan.diff:
        _say("\n" + outcome.plan.diff.rstrip("\n"), sys.stdout)
    _say("Nothing was written.", sys.stdout)


def outcome(done: Outcome, *, as_json: bool, quiet: bool) -> None:
    """Print what was done, and what is left to the operator; where a new key lies is told in any case."""
    others = done.afterwards is not None and done.afterwards.recipients > 1
    _tell_key(done.key_made, is_only=not others)
    if as_json:
        _print_json(_as_data(done))
    elif not quiet:
        for line in _done(done):
            _say(_filled(line, sys.stdout), sys.stdout)


def _filled(text: str, out: TextIO) -> str:
    """Return a text in lines in which a terminal cuts no word, if *out* is one."""
    return "\n".join(map(_wrapped, text.split("\n"))) if host.shows(out) else text


def _wrapped(line: str) -> str:
    """Return one line in as many as a terminal's width asks for, broken at blanks, the further ones indented more."""
    width = _width()
    goes_on = line.endswith("\\")  # as a command does in the next line
    if len(line) <= width or goes_on or " " not in line.strip():
        return line
    start = re.match(r"[-+]? *", line)
    indent = " " * min(len(start[0]) + 2, width // 3) if start and start[0] else ""
    return textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


_WORD = re.compile(r"(?:[^\s'\"\\]|\\.|'[^']*'|\"(?:\\.|[^\"\\])*\")+")


def _typed(command: str) -> str:
    """Return a command as it can be taken from the screen: too long for a line it goes on behind a backslash."""
    if not host.shows(sys.stdout) or len(command) <= _width() - len("  "):
        return command
    lines: list[str] = []
    for word in _WORD.findall(command):
        if lines and len(f"    {lines[-1]} {word} \\") <= _width():
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return " \\\n    ".join(lines)


def _width() -> int:
    return max(shutil.get_terminal_size().columns - 1, 20)  # characters


def _done(done: Outcome) -> Iterator[str]:
    made, files = done.plan, len(done.plan.changed)
    if not done.written:
        told = list(reviewing.left(made))
        yield from told
        state = "the rest is" if told else "everything is"
        yield f"{done.tree}: {state} as it should be. No byte was changed."
        return
    if not files:
        yield f"No file changes; the vault keeps the new {'values' if made.settled else 'answers'}."
        return
    if made.verb == "blank":
        yield f"Put the placeholders back in {reviewing.count(files, 'file')}. {reviewing.kept(made)}"
        yield _labelled("Fill them in again:", _command("setup", done.options))
        return
    kept = f"The values are kept in {done.tree}/.matrix-wizard/vault.age."
    yield f"Wrote {reviewing.count(files, 'file')} in {done.tree}. {kept}"
    if "li-admin-password" in made.made:
        yield _labelled("The password of the LI admin page:", _command("show li-admin-password", done.options))
    if done.documents:
        yield "\nUsers' names end in the bare domain. To be found there, it has to serve:"
    for place, text in done.documents.items():
        yield f"{place}\n    {text}"
    if done.afterwards is not None:
        yield from _afterwards(done, done.afterwards)
    yield "\n" + _labelled("Next:", _command("check", done.options))


def _afterwards(done: Outcome, left: Afterwards) -> Iterator[str]:
    """Yield what only the operator can do, in blocks; what is to be typed or looked up stands on a line of its own."""
    ingress = [one.name for one in left.hosts if one.server == "ingress"]
    if ingress:
        yield from _block("DNS: point these names at the ingress controller.", ingress)
    for one in (each for each in left.hosts if each.server != "ingress"):
        yield from _block(f"DNS: point this name at {one.address or 'the node of ' + one.server}.", [one.name])
    if left.ports:
        numbers: dict[tuple[str, str], list[str]] = {}
        for port in left.ports:
            numbers.setdefault((port.protocol, port.what), []).append(port.number)
        ports = (f"{protocol} {', '.join(each)}  {what}" for (protocol, what), each in numbers.items())
        yield from _block("Firewall: open these ports to the internet.", ports)
    if left.rollout.commands:
        yield from _block("Apply, in this order, once check says ready:", map(_typed, left.rollout.commands))
    if left.rollout.skipped:
        yield from _block("Not applied by these:", [f"{each.path}  ({each.why})" for each in left.rollout.skipped])
    if left.has_li:
        yield from _block("The LI instance wants a legal sign-off before it is deployed.", ())
    if left.li_requests:
        what = "Then try the LI hosts. From an allowed address none of these says 403, from any other each does:"
        yield from _block(what, map(_typed, left.li_requests))
    opens = "It opens with 1 key:"
    if left.recipients > 1:
        opens = f"It opens with {left.recipients} keys, of which this run used the one in:"
    yield from _block(f"Keep the vault under version control, the filled files never. {opens}", [done.key])
    if left.recipients == 1:
        add = _command("vault recipients add age1…", done.options)
        yield from _block("No vault stays with only one key. To add a second one, by its public half:", [_typed(add)])
    yield from _block("The same again, without questions:", map(_typed, _again(done)))


def _again(done: Outcome) -> list[str]:
    """Return the commands that give the same again, with the options of this run."""
    sheet = shlex.quote(str(done.sheet or done.new_sheet))
    written = [] if done.sheet else [_command(f"answers --out {sheet}", done.options)]
    return [*written, _setup(f"--answers {sheet} --no-input --yes", done)]


def _setup(more: str, done: Outcome) -> str:
    """Return the command of another setup like the one that is *done*."""
    return _command(f"setup {more}{' --skip-unparseable' if done.plan.skipped else ''}", done.options)


def _block(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield a heading, and lines that are to be taken as they are."""
    yield f"\n{heading}"
    yield from (f"  {line}" for line in lines)


def _labelled(label: str, command: str) -> str:
    """Return a command behind its label, or below it where a terminal would cut it."""
    line = f"{label} {command}"
    return line if not host.shows(sys.stdout) or len(line) <= _width() else f"{label}\n  {_typed(command)}"


def _command(verb: str, options: str) -> str:
    """Return a command as it can be typed here."""
    return f"{_program()} {verb}{options}"


def _program() -> str:
    """Return the program as it can be typed here, where it need not be on the PATH."""
    if shutil.which("matrix-wizard"):
        return "matrix-wizard"
    if sys.argv[0].endswith("/wizard/__main__.py"):  # python -m wizard
        return f"{shlex.quote(sys.executable)} -m wizard"
    return shlex.quote(sys.argv[0])


def values(found: Iterable[Shown], *, as_json: bool, quiet: bool = False, options: str = "") -> None:
    """Print the list of values, masked, with their places; to stderr, how one that is masked is revealed."""
    found = list(found)
    if as_json:
        listed = [{"name": one.name, "text": one.text, "made": one.made, "sites": list(one.places)} for one in found]
        _print_json({"schema": SCHEMA, "values": listed})
        return
    for one in found:
        made = f"  (since {one.made[:10]})" if one.made else ""
        _say(f"{one.name}: {_one_line(one.text)}{made}", sys.stdout)
        for place in one.places:
            _say(f"    {place}", sys.stdout)
    masked = next((one.name for one in found if one.text == MASK), "")
    if masked and not quiet:
        _say(f"{MASK} is masked. To reveal one by its name: {_command(f'show {masked}', options)}", sys.stderr)


def people(found: People, *, as_json: bool) -> None:
    """Print whose keys open the vault, with the one that does here, and whose once did."""
    if as_json:
        _print_json({"schema": SCHEMA, **dataclasses.asdict(found)})
        return
    for one in found.recipients:
        since = f"since {one.since[:10]}" if one.since else "from the beginning"
        drilled = f", tried {one.drilled[:10]}" if one.drilled else ", never tried" if one.kind == "recovery" else ""
        here = ", the key in use here" if one.key in found.own else ""
        state = f"removed on {one.until[:10]}; {since}" if one.until else f"{since}{here}{drilled}"
        _say(f"{one.key}  {' '.join(filter(None, (one.kind, one.name)))}  ({state})", sys.stdout)
    _say(f"Seal {found.seal or 'none yet'}, revision {found.revision}.", sys.stdout)


def staged(found: Sequence[Problem], *, as_json: bool, options: str) -> None:
    """Print at which places the next commit would publish a secret; as text to stderr, where git shows it."""
    if as_json:
        _print_json({"schema": SCHEMA, "staged": [dataclasses.asdict(each) for each in found]})
    else:
        problems(found, options=options)


def guard(hook: Path, *, as_json: bool, quiet: bool) -> None:
    """Print which hook looks at each commit."""
    if as_json:
        _print_json({"schema": SCHEMA, "hook": str(hook)})
    elif not quiet:
        _say(f"git refuses each commit that would publish a secret of this tree: {hook}", sys.stdout)


def removed(found: Removed, options: str, *, as_json: bool) -> None:
    """Print what somebody who was shut out could read: each value, and since when it is what it is."""
    if as_json:
        values = [{"name": name, "made": made} for name, made in found.values]
        removed = dataclasses.asdict(found.recipient)
        _print_json({"schema": SCHEMA, "removed": removed, "values": values, "seal": found.seal})
        return
    for name, made in found.values:
        _say(f"{name}  (since {made[:10]})", sys.stdout)
    who = found.recipient
    name = who.name or who.key
    known = who.key if who.kind == "own" else name  # user and host name every key that a machine had
    _say(f"{name} is removed, and could read these. Rotate them:", sys.stdout)
    _say(f"  {typed(f'matrix-wizard rotate --known-to {shlex.quote(known)}', options)}", sys.stdout)
    _tell_seal(found.seal)


def _tell_seal(seal: str) -> None:
    _say(f"The vault's seal is now {seal}. Tell the others, in person: they accept it with", sys.stdout)
    _say(f"  --accept-seal {seal}", sys.stdout)


def rekeyed(done: Rekeyed, *, as_json: bool) -> None:
    """Print where the new key lies, and what others have to be told."""
    if as_json:
        _print_json({"schema": SCHEMA, **dataclasses.asdict(done)})
        return
    _say(f"The vault opens with a new key, {done.public}, in {done.key}. Keep it safe.", sys.stdout)
    for key in done.replaced:
        _say(f"It opens no longer with {key}; the copies made until now do.", sys.stdout)
    for key in done.kept:
        _say(f"It still opens with {key}.", sys.stdout)
    if done.kept:
        _say("One of these that is lost is shut out by: matrix-wizard vault recipients remove KEY", sys.stdout)
    _tell_seal(done.seal)


def drilled(tried: Recipient, *, as_json: bool) -> None:
    """Print that a key opened the vault for trial."""
    if as_json:
        _print_json({"schema": SCHEMA, "drilled": dataclasses.asdict(tried)})
        return
    name = tried.name or ("the recovery key" if tried.kind == "recovery" else "this key")
    _say(f"The vault opens with {name} alone: {tried.key}, on {tried.drilled[:10]}.", sys.stdout)


_EXCHANGED = {
    "export": "{place} holds {values}. Who has its key has them all: keep it like the vault's key.",
    "adopt": "Took {values} over from the context {place}. Fill the tree with them: {setup}",
    "import": "Took {values} over from {place}. Fill the tree with them: {setup}",
    "restore": "Put back the vault of {place}: {values}, now as revision {revision}.",
}


def exchanged(done: Exchanged, *, as_json: bool, quiet: bool) -> None:
    """Print what left a vault or came into it: names alone."""
    _tell_key(done.key_made)
    if as_json:
        data = dataclasses.asdict(done)
        del data["options"]  # for what is printed below
        _print_json({"schema": SCHEMA, **data})
        return
    for note in done.notes:
        _say(reviewing.note(note), sys.stderr)
    if not quiet:
        told = _EXCHANGED[done.verb] if done.values else "Nothing was taken from {place}: no value changes."
        counted, setup = reviewing.count(len(done.values), "value"), _command("setup", done.options)
        _say(told.format(place=done.place, values=counted, revision=done.revision, setup=setup), sys.stdout)


def hunted(done: Hunted, *, as_json: bool, quiet: bool) -> None:
    """Print where values stand that should not, with what to do about it, and what was searched."""
    rotate = [_command(f"rotate {name} --compromised", done.options) for name in done.to_rotate]
    if as_json:
        _print_json(
            {
                "schema": SCHEMA,
                "searched": {"files": done.files, "git_objects": done.objects, "sources": done.sources},
                "places": {name: list(places) for name, places in done.places.items()},
                "found": [dataclasses.asdict(each) for each in done.found],
                "unsought": [dataclasses.asdict(each) for each in done.unsought],
                "unread": [dataclasses.asdict(each) for each in done.unread],
                "rotate": rotate,
            }
        )
        return
    for note in (*done.unsought, *done.unread):
        _say(reviewing.note(note), sys.stderr)
    for each in done.found:
        is_only = len(done.places) == 1
        _say(f"{'' if is_only else each.value + ': '}{_sighting(each)}", sys.stdout)
    if quiet:
        return
    for name, places in done.places.items():
        elsewhere = sum(1 for each in done.found if each.value == name)
        found = f"and at {elsewhere} where it should not" if elsewhere else "and nowhere else"
        _say(f"{name} stands at {reviewing.count(len(places), 'place')} where it should, {found}.", sys.stdout)
    history = "no history" if done.objects is None else reviewing.count(done.objects, "object") + " of git"
    sources = f", {reviewing.count(done.sources, 'file')} given" if done.sources else ""
    _say(f"Searched: {reviewing.count(done.files, 'file')} of the tree, {history}{sources}.", sys.stdout)
    for line in _remedies(done):
        _say(_filled(line, sys.stdout), sys.stdout)
    if rotate:
        for line in _block("Whoever could read these places has the secret. Rotate it:", map(_typed, rotate)):
            _say(line, sys.stdout)


_REACH = {
    "head": "also checked out now",
    "history": "in the history only",
    "index": "only staged",
    "unreachable": "where no branch or tag leads",
}


def _sighting(each: Sighting) -> str:
    """Return one place, and which generation stands there and how."""
    commit = f"commit {each.commit[:12]}" if each.commit else "git"
    where = {
        "file": f"{each.file}:{each.line}:{each.column}",
        "source": f"{each.file}:{each.line}:{each.column}",
        "blob": f"{commit} {each.file}:{each.line}:{each.column}",
        "commit": f"{commit} line {each.line} of its message",
        "tag": f"tag {each.commit[:12]} line {each.line} of its message",
        "field": f"{each.file}: {each.object} {each.field}",
    }[each.kind]
    versions = f"in {each.versions} versions of it" if each.versions > 1 else ""
    told = (f"{each.state} generation {each.generation}", each.encoding, _REACH.get(each.reach, ""), versions)
    return f"{where}: {', '.join(filter(None, told))}"


def _remedies(done: Hunted) -> Iterator[str]:
    """Yield what can be done about each sort of place, beside a new secret."""
    kinds = {each.kind for each in done.found}
    if "file" in kinds:
        yield "In the tree: take it out of these files."
    if kinds & {"blob", "commit", "tag"}:
        yield "In git: to rewrite its history (git filter-repo) reaches no clone that others have."
    applied = sorted({each.object for each in done.found if each.is_last_applied})
    if applied:
        commands = [f"{_annotate(each)} kubectl.kubernetes.io/last-applied-configuration-" for each in applied]
        what = "Client-side apply keeps a copy. Apply with --server-side and a --field-manager of your own, then:"
        yield from _block(what, map(_typed, commands))


def _annotate(ref: str) -> str:
    kind, *namespace, name = map(shlex.quote, ref.split("/"))
    return " ".join(["kubectl annotate", *(f"--namespace {each}" for each in namespace), kind.lower(), name])


def reveal(text: str) -> None:
    """Print one secret: on the alternate screen of a terminal, so that no scrollback keeps it, else plainly."""
    if not sys.stdout.isatty():
        _say(text, sys.stdout)
        return
    enter, leave = "\x1b[?1049h\x1b[H", "\x1b[?1049l"
    sys.stdout.write(f"{enter}{text}\n\nEnter hides it again. ")
    sys.stdout.flush()
    try:
        sys.stdin.readline()
    finally:
        sys.stdout.write(leave)
        sys.stdout.flush()


def sheet(text: str) -> None:
    """Print an answers file to stdout. UsageError where stdout's encoding cannot hold it: a `?` would be an answer."""
    encoding = (sys.stdout.encoding if sys.stdout else None) or "utf-8"
    if text.encode(encoding, "replace").decode(encoding) != text:
        raise UsageError(Problem("These answers cannot be written in the characters of this terminal.", "", _TO_FILE))
    _say(text.rstrip("\n"), sys.stdout)


def report(lines: Iterable[str], options: str = "") -> None:
    """Print lines of a report, with *options* of the run for the commands that they name."""
    for line in lines:
        _say(_filled(typed(line, options), sys.stdout), sys.stdout)


def data(made: Mapping[str, Any]) -> None:
    """Print one document of JSON."""
    _print_json(made)


def rotation(rotated: Rotated) -> None:
    """Print what a rotation would write, who notices, and what starts again, before consent is asked, to stderr."""
    _rotation(rotated, sys.stderr)


def rotated(done: Rotated, *, as_json: bool, quiet: bool) -> None:
    """Print what was renewed, or would be, and the run sheet."""
    made = done.outcome.plan
    if as_json:
        _print_json({**_as_data(done.outcome), **_consequence_as_data(done), "sheet": _sheet_as_data(done)})
        return
    if not done.outcome.written:
        _rotation(done, sys.stdout)
        if made.diff:
            _say("\n" + made.diff.rstrip("\n"), sys.stdout)
        for line in _sheet(done):
            _say(_filled(line, sys.stdout), sys.stdout)
        _say("Nothing was written.", sys.stdout)
    elif not quiet:
        files = reviewing.count(len(made.changed), "file")
        _say(f"Wrote {files} in {done.outcome.tree}, the vault before them.", sys.stdout)
        for line in _sheet(done):
            _say(_filled(line, sys.stdout), sys.stdout)


def _rotation(rotated: Rotated, out: TextIO) -> None:
    told, made = rotated.consequence, rotated.outcome.plan
    files: dict[str, set[str]] = {}
    for change in made.changes:
        files.setdefault(change.value, set()).add(_parts(change.position)[0])
    lines = []
    for name, notice in told.notices.items():
        its = [name, *(row.name for row in catalogue.ROWS if name in row.inputs)]
        places = sum(change.value in its for change in made.changes)
        held = {path for each in its for path in files.get(each, ())}
        where = f"{reviewing.count(places, 'place')} in {reviewing.count(len(held), 'file')}"
        lines.append(f"{name}  ({where if places else 'no file changes'})")
        lines.append(f"  notices: {notice}")
    for instance, targets in told.restarts.items():
        lines.append(f"Restarts {'on LI' if instance == 'li' else 'on main'}: {', '.join(targets)}")
    if told.operators:
        lines.append(f"Followed by their operators: {', '.join(told.operators)}")
    if told.later:
        lines.append(f"Read at their next run: {', '.join(told.later)}")
    if not told.restarts:
        lines.append("Nothing restarts.")
    lines.append(f"{reviewing.count(len(made.changed), 'file')} of the tree change; every other byte stays.")
    lines += reviewing.left(made)
    for line in lines:
        _say(_filled(line, out), out)


def _sheet(done: Rotated) -> Iterator[str]:
    """Yield the run sheet: every step with its commands, and how one goes on."""
    steps = done.sheet.steps
    if not steps:
        yield "Nothing is to be done in the cluster."
        return
    options = done.outcome.options
    yield "\nIn this order:"
    for number, step in enumerate(steps):
        yield from _step(done.sheet, number, step, done.place, options)
    yield ""
    if not done.is_confirmed:
        yield f"{done.place.context} stands for kubectl's context: the first run of next asks which one it is."
    yield _labelled("One by one, each proven:", _command("next", options))
    yield _labelled("All of them:", _command("next --drive", options))
    if done.finish:
        names = " ".join(
            dict.fromkeys(each.name for each in done.sheet.replaced if each.name in done.consequence.notices)
        )
        yield _labelled(f"Then, {done.finish}:", _command(f"rotate {names} --finish", options))


def _step(sheet: Sheet, number: int, step: Step, place: Cluster, options: str) -> Iterator[str]:
    """Yield one step: what it does, its commands as a shell takes them, and what proves it."""
    row = actions.of(step)
    yield f"{number + 1}. {row.title(step.about)}"
    for command in row.commands(step.about, place):
        yield f"    {_typed(_shell(command, sheet, number, options, row.asks))}"
    proofs = [each.says for each in row.proofs(step, place)] + (
        ["the cluster has what the tree has"] if row.applied else []
    )
    if proofs:
        yield f"   Proven by: {'; '.join(proofs)}."


def _shell(command: Command, sheet: Sheet, number: int, options: str, asks: str) -> str:
    line = shlex.join(command.argv)
    if command.feed is None:
        return line
    if asks:
        return f"{line}  # reads from its standard input: {asks[0].lower()}{asks[1:]}"
    return f"{_command(f'next --feed {sheet.id}.{number + 1}', options)} | {line}"


def stepped(done: Stepped, *, as_json: bool, quiet: bool) -> None:
    """Print the steps that were closed, why the last one was not, and the next one that is open."""
    if as_json:
        _print_json(_stepped_as_data(done))
        return
    if not quiet:
        for sheet, number in done.closed:
            step = sheet.steps[number]
            _say(f"Done: {number + 1}/{len(sheet.steps)} {actions.of(step).title(step.about)}", sys.stdout)
    if done.failed:
        problems([done.failed])
    if done.sheet is None or done.step is None:
        _say("No step is open.", sys.stdout)
        return
    left = sum(not each.done for each in done.sheet.steps)
    verb, made = done.sheet.verb, done.sheet.made[:10]
    _say(f"{reviewing.count(left, 'step')} left of {verb} ({made}). The next one:", sys.stdout)
    for line in _step(done.sheet, done.number, done.step, done.place, done.options):
        _say(_filled(line, sys.stdout), sys.stdout)
    if not done.is_confirmed:
        _say(f"{done.place.context} stands for kubectl's context, which is not confirmed yet.", sys.stdout)
    _say(_labelled("When it is taken:", _command("next --done", done.options)), sys.stdout)
    for sheet in done.later:
        later = sum(not each.done for each in sheet.steps)
        _say(f"Then {reviewing.count(later, 'step')} of {sheet.verb} ({sheet.made[:10]}).", sys.stdout)


def status(found: Status, *, as_json: bool) -> None:
    """Print how old every secret is, what is due or half-way, facts about keys, and the open steps."""
    if as_json:
        data = [dataclasses.asdict(each) for each in found.ages]
        _print_json({"schema": SCHEMA, "values": data, "keys": dict(found.facts), **_stepped_as_data(found.stepped)})
        return
    width = max((len(each.name) for each in found.ages), default=0)
    for each in sorted(found.ages, key=lambda age: (-age.days, age.name)):
        marks = [f"half-way since {each.half_way[:10]}"] if each.half_way else []
        marks += [reviewing.count(each.steps, "open step")] if each.steps else []
        marks += ["due"] if each.is_due else []
        columns = f"{each.name:<{width}}  {each.made[:10]}  {each.days:>5} days  {each.kind:<8}"
        _say(f"{columns}  {', '.join(marks)}".rstrip(), sys.stdout)
    for name, fact in found.facts.items():
        _say(f"{name}: {fact}", sys.stdout)
    due = sum(each.is_due for each in found.ages)
    if found.most_days:
        _say(f"{reviewing.count(due, 'secret')} older than {found.most_days} days.", sys.stdout)
    stepped(found.stepped, as_json=False, quiet=False)


def feed(text: str) -> None:
    """Print what a command reads, as it is, to a pipe; it holds secrets. UsageError where a terminal would show it."""
    if host.shows(sys.stdout):
        what = "This is for the standard input of a command, and holds secrets."
        raise UsageError(Problem(what, "", "Give it to the command through a pipe, as matrix-wizard next shows."))
    sys.stdout.write(text)
    sys.stdout.flush()


def _consequence_as_data(done: Rotated) -> dict[str, Any]:
    told = done.consequence
    return {
        "notices": dict(told.notices),
        "restarts": {instance: list(targets) for instance, targets in told.restarts.items()},
        "later": list(told.later),
        "operators": list(told.operators),
        "finish": done.finish,
    }


def _sheet_as_data(done: Rotated) -> dict[str, Any]:
    options = done.outcome.options
    steps = [_step_as_data(done.sheet, at, done.place, options) for at in range(len(done.sheet.steps))]
    return {"id": done.sheet.id, "verb": done.sheet.verb, "made": done.sheet.made, "steps": steps}


def _step_as_data(sheet: Sheet, number: int, place: Cluster, options: str) -> dict[str, Any]:
    step = sheet.steps[number]
    row = actions.of(step)
    return {
        "step": f"{sheet.id}.{number + 1}",
        "action": step.action,
        "title": row.title(step.about),
        "commands": [_shell(each, sheet, number, options, row.asks) for each in row.commands(step.about, place)],
        "proofs": [each.says for each in row.proofs(step, place)],
        "done": step.done,
        "proven": step.proven,
    }


def _stepped_as_data(done: Stepped) -> dict[str, Any]:
    failed, sheets = done.failed, ((done.sheet, *done.later) if done.sheet else ())
    left = [
        _step_as_data(sheet, at, done.place, done.options)
        for sheet in sheets
        for at, step in enumerate(sheet.steps)
        if not step.done
    ]
    return {
        "schema": SCHEMA,
        "closed": [f"{each.id}.{number + 1}" for each, number in done.closed],
        "failed": dataclasses.asdict(failed) if failed else None,
        "open": left,
    }


def schema(made: Mapping[str, Any]) -> None:
    """Print a JSON Schema to stdout."""
    _print_json(made)


def _plan(outcome: Outcome, out: TextIO) -> None:
    made = outcome.plan

    def say(line: str) -> None:
        _say(_filled(line, out), out)

    if outcome.unfinished:
        listed = ", ".join(outcome.unfinished)
        say(f"As before the last run, which was interrupted, or put back since; now filled again: {listed}")
    if made.from_bundle:
        say(f"{outcome.tree} is made from the bundled tree.")
    by_file: dict[str, list[str]] = {}
    for change in made.changes:
        file, row, column = _parts(change.position)
        place = f"{row}:{column}" if row else ""
        text = f"{_one_line(change.before)} -> {_one_line(change.after)}" if change.before else _one_line(change.after)
        by_file.setdefault(file, []).append(f"{place or '-':>8}  {change.value or change.why}  {text}")
    for file, lines in by_file.items():
        say(file)
        for line in lines:
            say(f"  {line}")
    for line in reviewing.about(made):
        say(line)
    if made.made:
        say(f"Makes {reviewing.count(len(made.made), 'secret')}, keys included: {', '.join(made.made)}")
    for part, count in made.left_out.items():
        say(f"Left out, since it is switched off: {part} ({reviewing.count(count, 'placeholder')})")
    if made.verb == "blank" and made.changed:
        say(reviewing.kept(made))
    private = sum(1 for path in made.private if made.before.get(path) != made.after.get(path))
    if private:
        counted = reviewing.count(private, "file")
        say(f"{counted} with secrets: readable by you alone from now on (unless --keep-modes).")
    for line in (*reviewing.left(made), *map(reviewing.note, made.unneeded)):
        say(line)
    count = len(made.changed)
    say(
        f"{reviewing.count(len(made.changes), 'change')} in {reviewing.count(count, 'file')}."
        if count
        else "Nothing to change."
    )


def _as_data(outcome: Outcome) -> dict[str, Any]:
    made = outcome.plan
    changes = []
    for change in made.changes:
        file, line, column = _parts(change.position)
        where = {"file": file, "line": line, "column": column, "place": change.place}
        changes.append(
            {"value": change.value, **where, "before": change.before, "after": change.after, "why": change.why}
        )
    return {
        "schema": SCHEMA,
        "verb": made.verb,
        "tree": str(outcome.tree),
        "written": outcome.written,
        "from_bundle": made.from_bundle,
        "changes": changes,
        "files": sorted(made.changed),
        "skipped": made.skipped,
        "unfinished": list(outcome.unfinished),
        "key_made": outcome.key_made,
        "made": list(made.made),
        "left_out": dict(made.left_out),
        "li": dict(made.li),
        "exposed": {file: list(names) for file, names in made.exposed.items()},
        "refused": [
            {"token": placeholders.shown(each.token), "where": each.position, "why": each.why} for each in made.refused
        ],
        "notes": [{"what": note.what, "where": note.where} for note in (*made.notes, *made.lost, *made.unneeded)],
        "diff": made.diff,
        "well_known": outcome.documents,
        "key": outcome.key,
        "afterwards": _left_as_data(outcome, outcome.afterwards) if outcome.afterwards else None,
    }


def _left_as_data(done: Outcome, left: Afterwards) -> dict[str, Any]:
    return {
        "dns": [dataclasses.asdict(each) for each in left.hosts],
        "ports": [dataclasses.asdict(each) for each in left.ports],
        "apply": list(left.rollout.commands),
        "not_applied": [dataclasses.asdict(each) for each in left.rollout.skipped],
        "legal_sign_off": left.has_li,
        "li_requests": list(left.li_requests),
        "recipients": left.recipients,
        "again": _again(done),
    }


def _parts(position: str) -> tuple[str, int, int]:
    """Split ``file:line:column``; a position may be a file alone, whose name may hold a colon."""
    found = re.fullmatch(r"(.*):(\d+):(\d+)", position, re.DOTALL)
    return (found[1], int(found[2]), int(found[3])) if found else (position, 0, 0)


def _one_line(text: str) -> str:
    first, *rest = text.strip().splitlines() or [""]
    return f"{first} … ({len(rest) + 1} lines)" if rest else first


def _print_json(data: Mapping[str, Any]) -> None:
    _say(json.dumps(data, indent=2, ensure_ascii=False), sys.stdout)


# A name out of the tree must not steer the terminal.
_CONTROLS = {code: "?" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def _say(text: str, out: TextIO | None) -> None:
    """Write a line; a terminal that cannot show a character gets a question mark for it, not a traceback."""
    if out is None:
        return  # closed by whoever started the program
    if out.isatty():
        text = host.glyphs(text)
    encoding = out.encoding or "utf-8"
    line = text.translate(_CONTROLS).encode(encoding, "replace").decode(encoding)
    try:
        out.write(line + "\n")
        out.flush()
    except BrokenPipeError:
        raise GoneError from None
    except OSError as error:
        if out is sys.stderr:
            return
        raise UsageError(Problem(f"The output cannot be written: {error.strerror}.")) from None


def hang_up() -> None:
    """Write nothing more to stdout, whose reader has gone: not even what is still in its buffer."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (the process ends with it)
