"""``python -m bench.corpus DIR [--seed N]``: random edits in other people's manifests, proved by another parser.

In each file that both parsers read, a few random scalars (embedded ones and base64 under ``data:`` too) get awkward
texts through the lenses, as setup would write them; then once more in the same file within others. PyYAML's events
and ``json`` must then tell exactly that scalar changed, to exactly that text, and nothing else. What is refused is
counted by cause, since a tool that refuses everything corrupts nothing. Exit code 1 on any corruption, with what
reproduces it.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import secrets
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from wizard.lenses import CannotHold, Edit, View, apply, environment, jsontext, render
from wizard.lenses.block import Block
from wizard.lenses.encoded import Encoded, Unencoded
from wizard.lenses.flow import Flow
from wizard.lenses.region import Region
from wizard.manifests import Alias, Document, Mapping, Node, Scalar
from wizard.resources import SUFFIXES, Leaf, Manifest, read

# So that a large corpus does not take a day:
EDITS = 2  # of each text
EMBEDDABLE = 10_000  # bytes of a file that is tried within others too
AWKWARD = "\"\"''\\\\$%#::,,[]{}&*!|>@`-?=<~ab1é\u00a0\u05d0\u4e2d\U0001f511\n\n\t   "
TEXTS = [
    *("", " ", "a: b", "a #b", "# a", "- a", "null", "12", "true", "0x1F", "y", "1:30", "2020-01-01", "<<", "~", "---"),
    *("a\nb", "a\n", "\na", "\n", " a\nb\n", "a\n\n\n", "\n---\n", "...", "\ta", "a\t", "a\r\nb", "it's", '"', "$(x)"),
    *("a\\", "%20", "{{ x }}", "a\n b\n  c", "  ", "a  \nb  ", "é\u2028", "\x85", "\ufeffa", "\x07", "p@ss:w/rd?#%&"),
]
# What an edit may change of no event.
SHAPES: dict[type[yaml.Event], tuple[str, ...]] = {
    yaml.ScalarEvent: ("anchor", "tag"),
    yaml.AliasEvent: ("anchor",),
    yaml.MappingStartEvent: ("anchor", "tag", "implicit", "flow_style"),
    yaml.SequenceStartEvent: ("anchor", "tag", "implicit", "flow_style"),
    yaml.DocumentStartEvent: ("explicit", "version", "tags"),
    yaml.DocumentEndEvent: ("explicit",),
}
RESOLVER = yaml.SafeLoader("")


class Corruption(Exception):  # noqa: N818 (it is what is looked for)
    """Another parser reads something else than was meant."""


class Unproved(Exception):  # noqa: N818 (it is a refusal, and no error)
    """No other parser can tell whether an edit is right; the words are the cause."""


@dataclass
class Tally:
    """What was done, and every cause of a refusal with how often it came and one file where it did."""

    files: int = 0
    documents: int = 0
    edits: int = 0
    nested: int = 0
    encoded: int = 0
    refusals: dict[str, tuple[int, Path]] = field(default_factory=dict)
    corruptions: list[str] = field(default_factory=list)

    def refuse(self, cause: str, path: Path) -> None:
        """Count a refusal by its *cause*."""
        count, example = self.refusals.get(cause, (0, path))
        self.refusals[cause] = (count + 1, example)


class Told(NamedTuple):
    """One event of the other parser: what an edit may not change, its style, its value, and where it stands."""

    shape: tuple[Any, ...]
    style: tuple[Any, ...]
    value: str | None
    start: int
    end: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Edit and prove all manifests below a directory (or one file), print the tally, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.corpus", description=__doc__)
    parser.add_argument("place", metavar="DIR", type=Path)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    tally = Tally()
    try:
        for path in manifests_of(options.place):
            # By its name, so that the same happens to a file of a large corpus when it is looked at alone.
            try_file(path, random.Random(f"{options.seed} {path.name}"), tally)  # noqa: S311 (no secret)
    except KeyboardInterrupt:
        print("stopped; this is how far it came")
    report(tally, options.seed)
    return 1 if tally.corruptions else 0


def manifests_of(place: Path) -> Iterator[Path]:
    """Yield every manifest at or below *place*, links left out, in order."""
    below = sorted(place.rglob("*")) if place.is_dir() else [place]
    yield from (path for path in below if path.suffix in SUFFIXES and path.is_file() and not path.is_symlink())


def report(tally: Tally, seed: int) -> None:
    """Print the counts, then the refusals by cause, the most frequent first, then the corruptions."""
    print(f"{tally.files} files, {tally.documents} documents")
    print(f"{tally.edits} edits proved, {tally.nested} in embedded documents, {tally.encoded} in base64")
    for cause, (count, example) in sorted(tally.refusals.items(), key=lambda item: -item[1][0]):
        print(f"{count:>7}  {cause}  (as in {example})")
    for corruption in tally.corruptions:
        print(f"CORRUPTED: {corruption} (--seed {seed})")
    print(f"{len(tally.corruptions)} corruptions")


def try_file(path: Path, chance: random.Random, tally: Tally) -> None:
    """Make and prove a few random edits of one file, and of the same file within a Secret and a ConfigMap."""
    tally.files += 1
    manifest = read(path.name, path.read_bytes())
    if manifest is None:
        tally.refuse("file: it is not UTF-8", path)
    elif try_edits(manifest, path, chance, tally) and len(manifest.data) < EMBEDDABLE:
        for embedded in within_others(manifest):
            try_edits(embedded, path, chance, tally)


def within_others(manifest: Manifest) -> Iterator[Manifest]:
    """Yield a Secret that holds the file in base64, and a ConfigMap that holds it as its text allows."""
    name = f"it{Path(manifest.path).suffix}"
    config = {"kind": "ConfigMap", "data": {name: manifest.text}}
    texts = (
        f"kind: Secret\ndata:\n  {name}: {base64.b64encode(manifest.text.encode()).decode()}\n",
        yaml.dump(config, Dumper=yaml.CSafeDumper, default_style="|", sort_keys=False, allow_unicode=True),
    )
    yield from (Manifest("outer.yaml", text.encode()) for text in texts)


def try_edits(manifest: Manifest, path: Path, chance: random.Random, tally: Tally) -> bool:
    """Make and prove a few random edits, each of them alone. Return whether both parsers read the text alike."""
    if manifest.actions:
        tally.refuse("file: it is a Go template, and no YAML", path)
        return False
    for broken in manifest.broken:
        tally.refuse(f"document: {broken.reason}", path)
    try:
        before = told(manifest.text)
    except yaml.YAMLError as error:
        cause = getattr(error, "problem", None) or getattr(error, "reason", "")
        if not manifest.broken:
            tally.refuse(f"file: only the other parser refuses it: {cause}", path)
        return False
    if manifest.broken:
        tally.refuse("file: only our parser refuses it", path)
        return False
    documents = [part.root for part in manifest.parts if isinstance(part, Document)]
    tally.documents += len(documents)
    scalars = [scalar for root in documents for scalar in scalars_of(root)]
    places = [place for place, event in enumerate(before) if event.value is not None and not is_empty(before, place)]
    if [scalar.value for scalar in scalars] != [before[place].value for place in places]:
        tally.refuse("file: the two parsers disagree before any edit", path)
        return False
    place_of = {id(scalar): place for scalar, place in zip(scalars, places, strict=True)}
    for leaf in chosen(manifest, chance):
        edit = an_edit(leaf.text, chance)
        try:
            prove(manifest, before, place_of[id(leaf.scalar)], leaf, edit)
        except CannotHold as refused:
            tally.refuse(f"edit: {refused.reason} [{standing(leaf)}]", path)
        except Unproved as unproved:
            tally.refuse(f"proof: {unproved}", path)
        except Corruption as corruption:
            where = manifest.position(leaf.scalar.start)
            tally.corruptions.append(f"{path}, {where}: {corruption}; {standing(leaf)}, put {edit!r} {edit.new!r}")
        else:
            tally.edits += 1
            tally.nested += leaf.nested is not None
            tally.encoded += leaf.is_encoded
    return True


def told(text: str) -> list[Told]:
    """Return what PyYAML's own libyaml tells of *text*, event by event; YAMLError where it refuses it."""
    found = []
    parser = yaml.CSafeLoader(text)
    while (event := parser.get_event()) is not None:
        kind, one = type(event), vars(event)
        shape = (kind, *[one[name] for name in SHAPES.get(kind, ())])
        style, value = ((one["implicit"], one["style"]), one["value"]) if kind is yaml.ScalarEvent else ((), None)
        found.append(Told(shape, style, value, one["start_mark"].index, one["end_mark"].index))
    return found


def is_empty(events: Sequence[Told], place: int) -> bool:
    """Whether the scalar at *place* is all of a document without content, which is no document to us."""
    event = events[place]
    is_root = events[place - 1].shape[0] is yaml.DocumentStartEvent
    return is_root and event.value == "" and event.style[1] == "" and event.shape[1:3] == (None, None)


def scalars_of(root: Node) -> Iterator[Scalar]:
    """Yield every scalar at or below *root*, keys too, in source order."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, Scalar):
            yield node
        elif not isinstance(node, Alias):
            stack.extend(reversed(node.children if isinstance(node, Mapping) else node.items))


def chosen(manifest: Manifest, chance: random.Random) -> list[Leaf]:
    """Return a few leaves of the file: of those in embedded documents and in base64, where there are any, too."""
    leaves = [leaf for resource in manifest.resources for leaf in resource.leaves.values()]
    rare = [leaf for leaf in leaves if leaf.nested or leaf.is_encoded]
    return chance.sample(leaves, min(EDITS, len(leaves))) + chance.sample(rare, min(EDITS, len(rare)))


def an_edit(text: str, chance: random.Random) -> Edit:
    """Return a random edit of *text* that changes it: mostly of all of it, else of a span."""
    start, end = 0, len(text)
    if chance.random() < 0.4:
        start, end = sorted((chance.randint(0, end), chance.randint(0, end)))
    new = text[start:end]
    while new == text[start:end]:
        is_listed = chance.random() < 0.5
        new = chance.choice(TEXTS) if is_listed else "".join(chance.choices(AWKWARD, k=chance.randint(1, 12)))
    return Edit(start, end, new)


def standing(leaf: Leaf) -> str:
    """Say how the leaf stands: the lenses from the file inward."""
    try:
        return " > ".join(name_of(view) for view in stack_of(leaf.view))
    except CannotHold:
        return leaf.scalar.style or "plain"


def name_of(view: View) -> str:
    """The lens of *view* in a word; of YAML scalars their style."""
    lens = view.lens
    if not isinstance(lens, Region):
        return type(lens).__name__
    first = lens.outer[lens.start : lens.start + 1]
    is_styled = first and first in "|>'\"" and isinstance(lens.grammar, Flow | Block)
    return f"{type(lens.grammar).__name__}{first if is_styled else ''}"


def stack_of(view: View) -> list[View]:
    """Return the views from the file inward to *view*."""
    return [*(stack_of(view.outer) if view.outer else []), view]


def prove(manifest: Manifest, before: list[Told], place: int, leaf: Leaf, edit: Edit) -> None:
    """Make *edit* in *leaf*, whose scalar is event *place*: Corruption unless that alone has changed, and rightly."""
    edits = render({leaf.view: [edit]})
    after = manifest.with_text(apply(manifest.text, edits))
    prove_rest(manifest, after, edits, before[place])
    new = the_change(before, told_after(after.text), place)
    if manifest.path.endswith(".json"):
        prove_json_file(manifest.text, after.text)
    prove_inside(stack_of(leaf.view), leaf.scalar.value, new, apply(leaf.text, [edit]))


def prove_rest(before: Manifest, after: Manifest, edits: Iterable[Edit], scalar: Told) -> None:
    """All bytes outside the splices are as they were; the splices are in the scalar, or fill in an absent one."""
    old, new = before.data.decode("utf-8-sig"), after.data.decode("utf-8-sig")
    done = shift = 0
    for edit in edits:
        if not (scalar.start <= edit.start and edit.end <= scalar.end) and edit.start < edit.end:
            raise Corruption("the splice reaches out of the scalar")
        if old[done : edit.start] != new[done + shift : edit.start + shift]:
            raise Corruption("bytes outside the splice have changed")
        done, shift = edit.end, shift + len(edit.new) - (edit.end - edit.start)
    if old[done:] != new[done + shift :] or before.bom != after.data.startswith(b"\xef\xbb\xbf"):
        raise Corruption("bytes outside the splice have changed")


def told_after(text: str) -> list[Told]:
    """Return the events of a text that was edited, which must have some."""
    try:
        return told(text)
    except yaml.YAMLError as error:
        raise Corruption(f"the other parser refuses it afterwards: {getattr(error, 'problem', '')}") from None


def the_change(before: list[Told], after: list[Told], place: int) -> str:
    """Return the new value of event *place*, where no other event and nothing else of it has changed."""
    if len(before) != len(after):
        raise Corruption("there are other events than before")
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        if old.shape != new.shape or (at != place and (old.style, old.value) != (new.style, new.value)):
            raise Corruption("another event has changed")
    old, new = before[place], after[place]
    if is_text(old) and not is_text(new):
        raise Corruption("a text has become a value of another type")
    return new.value or ""


def is_text(scalar: Told) -> bool:
    """Whether YAML takes the scalar for a text, which an absent one is there to be filled with.

    PyYAML knows no ``1e5`` for a number; every other parser does.
    """
    if not scalar.style[0][0]:
        return True
    with suppress(ValueError):
        float(scalar.value or "")
        return False
    tag = RESOLVER.resolve(yaml.ScalarNode, scalar.value, (True, False))  # type: ignore[no-untyped-call]
    return tag in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:null")


def prove_json_file(before: str, after: str) -> None:
    """What was JSON to ``json`` is JSON afterwards, with one value changed."""
    try:
        old = tokens(before)
    except (ValueError, RecursionError):
        return
    one_token(old, after)


def prove_inside(views: list[View], old: str, new: str, wanted: str) -> None:
    """Follow the lenses inward from the scalar, by other people's decoders: the innermost text is as *wanted*."""
    if len(views) == 1:
        if new != wanted:
            raise Corruption("the scalar has another value than was put")
        return None
    lens = views[1].lens
    if isinstance(lens, Encoded | Unencoded):
        was = old if isinstance(lens, Unencoded) else base64.b64decode(old).decode()
        try:
            now = base64.b64decode(new).decode()
        except ValueError:
            raise Corruption("it is no base64 afterwards") from None
        return prove_inside(views[1:], was, now, wanted)
    assert isinstance(lens, Region), "free text is nowhere among the leaves"
    return prove_inside(views[1:], lens.text, value_in(lens, old, new), wanted)


def value_in(lens: Region, old: str, new: str) -> str:
    """Return what has become of the one value of the embedded document *old* that *lens* shows."""
    if isinstance(lens.grammar, jsontext.String):
        return one_token(tokens(old), new)
    if isinstance(lens.grammar, Flow | Block):
        before, after = told(old), told_after(new)
        changes = [at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0][:3] != pair[1][:3]]
        if not changes or not stands_at(before[changes[0]], lens, old):
            raise Corruption("another scalar of the embedded document has changed")
        return the_change(before, after, changes[0])
    if isinstance(lens.grammar, environment.Value):
        return one_assignment(old.split("\n"), new.split("\n"))
    raise Unproved(f"embedded, and nobody else's parser is here: {type(lens.grammar).__name__}")


def stands_at(scalar: Told, lens: Region, text: str) -> bool:
    """Whether *scalar* is what *lens* shows; parsers put an absent one anywhere before what follows it."""
    is_within = scalar.start <= lens.start and lens.end <= scalar.end
    is_absent = lens.start == lens.end and not text[lens.start : scalar.start].strip()
    return scalar.value == lens.text and (is_within or is_absent)


def tokens(text: str) -> list[str]:
    """Return the brackets, keys and values of JSON text, numbers as they are spelled."""
    return list(flat(json.loads(text, object_pairs_hook=Pairs, parse_int=str, parse_float=str, parse_constant=str)))


class Pairs(list[tuple[str, Any]]):
    """The entries of a JSON object, duplicates kept."""


def flat(value: object) -> Iterator[str]:
    """Yield the tokens of *value* in order."""
    if isinstance(value, Pairs):
        for key, item in value:
            yield f"key {key}"
            yield from flat(item)
        yield "}"
    elif isinstance(value, list):
        for item in value:
            yield from flat(item)
        yield "]"
    else:
        yield value if isinstance(value, str) else f"word {value}"


def one_token(before: list[str], after: str) -> str:
    """Return the one token of the JSON text *after* that is not as *before*."""
    try:
        now = tokens(after)
    except ValueError:
        raise Corruption("it is no JSON afterwards") from None
    changes = [new for old, new in zip(before, now, strict=False) if old != new]
    if len(before) != len(now) or len(changes) > 1:
        raise Corruption("another JSON value has changed")
    if not changes:
        raise Corruption("no JSON value has changed")
    return changes[0]


def one_assignment(before: list[str], after: list[str]) -> str:
    """Return the new value of the one assignment that has changed, as a shell's splitting of words tells it."""
    changes = [new for old, new in zip(before, after, strict=False) if old != new]
    if len(before) != len(after) or len(changes) != 1:
        raise Corruption("another line of the environment file has changed")
    words = shlex.split(changes[0].removeprefix("export "))
    if len(words) != 1:
        raise Corruption("a value of the environment file has become several words")
    return words[0].partition("=")[2]


if __name__ == "__main__":
    sys.exit(main())
