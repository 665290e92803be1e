"""The answers file and ``--set``: text in, Answers out, with every problem at its line and column.

It opens no file and reads no variable itself; the caller gives both as callables, and decides what a path is relative
to (for a file: its own directory). A text that may be a secret is in no problem.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from wizard import mint
from wizard.answers import Answer, Answers, Decision
from wizard.errors import Problem, UsageError
from wizard.formats import FormatError
from wizard.questions import BY_KEY, DECIDED, DECISIONS, GENERATED, INSTANCES, SECTIONS, UNWRITTEN, Question
from wizard.secret import Secret

ReadEnv = Callable[[str], str | None]
ReadFile = Callable[[str], bytes]

LARGEST = 1024 * 1024  # bytes of one file that an answer names; a certificate chain is a hundredth of it
_DEEPEST = 64  # levels of YAML; libyaml's composer recurses in C and ends the process somewhere beyond 5,000
_SOURCE = "Write {env: NAME} or {file: PATH}."
_YAML = "tag:yaml.org,2002:"
_TYPES = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "timestamp": "a date",
    "null": "nothing",
    "sequence": "a list",
    "mapping": "a mapping",
}
_WANTED = {
    str: ("str", "Write text; what looks like a number or a date goes in quotes."),
    int: ("int", "Write a whole number, without quotes."),
    bool: ("bool", "Write true."),
}


def parse(text: str, name: str, read_env: ReadEnv, read_file: ReadFile) -> Answers:
    """Return the answers of a file called ``name``; UsageError with every problem of it, each at ``name:line:col``."""
    answers, problems = read(text, name, read_env, read_file)
    if problems:
        raise UsageError(*problems)
    return answers


def read(text: str, name: str, read_env: ReadEnv, read_file: ReadFile) -> tuple[Answers, list[Problem]]:
    """Return what `parse` would, and the problems beside it, so that missing answers can be told in the same go.

    UsageError where the text as a whole is not YAML: then nothing else can be said of it.
    """
    reader = _Reader(name, read_env, read_file)
    root = _compose(text, name)
    if root is not None and _form(root) != "null":
        reader.section(root, "")
    return reader.answers(), reader.problems


def set_options(options: Iterable[str], read_env: ReadEnv, read_file: ReadFile) -> Answers:
    """Return the answers of ``KEY=VALUE`` options; UsageError with every problem. A value in {} or [] is read as YAML.

    A secret is taken as ``KEY={file: PATH}`` or ``KEY={env: NAME}``, for the command line is seen by others.
    """
    answers = Answers(origin="--set")
    problems: list[Problem] = []
    for option in options:
        key, value = _option(option)
        reader = _Reader(f"--set {key}", read_env, read_file, with_position=False)
        try:
            reader.option(key, _compose(value, reader.name) if value[:1] in ("{", "[") or value == "null" else value)
        except UsageError as error:
            problems += error.problems
        answers = reader.answers().merge(answers)
        problems += reader.problems
    if problems:
        raise UsageError(*problems)
    return answers


def read_text(path: str, read_file: ReadFile) -> str:
    """Return the text of a file that an answer names, without BOM; FormatError when it is not to be had."""
    try:
        data = read_file(path)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        reason = getattr(error, "strerror", None) or "not a path"
        raise FormatError(f"{path} cannot be read: {reason}.", "Name a file that you may read.") from None
    if len(data) > LARGEST:
        raise FormatError(f"{path} is larger than 1 MiB.", "Name the file that is meant.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormatError(
            f"{path} is not text in UTF-8.", "Save it as UTF-8, or name the file that is meant."
        ) from None


@dataclass
class _Reader:
    """One source being read: what was found so far, and where its parts came from."""

    name: str
    read_env: ReadEnv
    read_file: ReadFile
    with_position: bool = True
    given: dict[str, Answer] = field(default_factory=dict)
    decisions: dict[str, Decision | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    flawed: set[str] = field(default_factory=set)
    instances: dict[str, str] = field(default_factory=dict)

    def answers(self) -> Answers:
        flawed, remarks = frozenset(self.flawed), tuple(self.remarks)
        return Answers(self.given, self.decisions, self.name, flawed, remarks, self.instances)

    def where(self, node: Any) -> str:
        return f"{self.name}:{_position(node.start_mark)}" if self.with_position else self.name

    def problem(self, node: Any, what: str, instead: str = "") -> None:
        self.problems.append(Problem(what, self.where(node), instead))

    def entries(self, node: Any, prefix: str = "") -> Iterator[tuple[Any, str, Any]]:
        """Yield the key node, key and value node of a mapping, each key once."""
        seen: dict[str, int] = {}
        for key_node, value in node.value:
            if key_node.id != "scalar":
                self.problem(key_node, "A key is text here, not a list or a mapping.", "Write the name of an answer.")
            elif key_node.value in seen:
                first = seen[key_node.value]
                self.problem(key_node, f"{prefix}{key_node.value} stands twice, first in line {first}.", "Keep one.")
            else:
                seen[key_node.value] = key_node.start_mark.line + 1
                yield key_node, key_node.value, value

    def section(self, node: Any, prefix: str) -> None:
        """Read a mapping of answers, all keys of which begin with the prefix ("" or "smtp.")."""
        if node.id != "mapping":
            named = f"{prefix[:-1]} is" if prefix else "The answers are"
            self.problem(node, f"{named} a section with keys of its own.", f"Write {_listed(_below(prefix))} below it.")
            self.flawed.update(key for key in BY_KEY if key.startswith(prefix))
            return
        for key_node, name, value in self.entries(node, prefix):
            key = prefix + name
            if "." in name and any(f"{known}.".startswith(f"{key}.") for known in BY_KEY):
                self.problem(key_node, f"{key} joins what stands below one another here.", f"Write {_nested(name)}.")
                self.flawed.update(known for known in BY_KEY if f"{known}.".startswith(f"{key}."))
            elif key in BY_KEY:
                self.question(BY_KEY[key], value)
            elif key == "placeholders":
                self.placeholders(value)
            elif key == "instances":
                self.assignments(value)
            elif any(known.startswith(f"{key}.") for known in BY_KEY):
                self.subsection(key, key_node, value)
            else:
                self.problem(key_node, f"{key} is unknown.", _did_you_mean(name, prefix))

    def subsection(self, key: str, key_node: Any, node: Any) -> None:
        if _form(node) == "null":
            below = [known for known in (*SECTIONS, *BY_KEY) if f"{known}.".startswith(f"{key}.")]
            self.given |= {known: Answer(None, self.where(key_node)) for known in below}
            return
        if key in SECTIONS:
            self.given[key] = Answer(value=True, where=self.where(key_node))
        self.section(node, f"{key}.")

    def question(self, question: Question, node: Any) -> None:
        """Read the answer to one question from its node."""
        try:
            value, source = self.answer(question, node)
        except FormatError as error:
            self.problem(node, f"{question.key}: {error.what}", error.instead)
        else:
            if question.key not in self.flawed:
                self.given[question.key] = Answer(value, self.where(node), source)
            return
        self.flawed.add(question.key)

    def answer(self, question: Question, node: Any) -> tuple[Any, tuple[str, str] | None]:
        if _form(node) == "null":
            return None, None
        if _form(node) == "mapping":
            text, source = self.sourced(node)
            value = question.read(text)
            return (Secret(value) if question.secret else value), source
        if question.secret:
            raise FormatError("No secret may stand here.", _SOURCE)
        if isinstance(node, str):
            return question.read(node), None
        if question.kind.yaml is list:
            return self.items(question, node), None
        return question.read(_scalar(node, question.kind.yaml)), None

    def items(self, question: Question, node: Any) -> tuple[Any, ...]:
        """Return the values of a list, a problem for each item that has none; one that stands twice is remarked."""
        if node.id != "sequence":
            raise FormatError("A list is meant here.", "Write it in brackets, or one item a line, each after a dash.")
        if not node.value:
            raise FormatError("The list is empty.", "Write at least one.")
        values: list[Any] = []
        for item in node.value:
            try:
                value = question.kind.read(_scalar(item, str))
            except FormatError as error:
                self.problem(item, f"{question.key}: {error.what}", error.instead)
                self.flawed.add(question.key)
                continue
            if value in values:
                self.remarks.append(Problem(f"{question.key} has an item twice.", self.where(item)))
            else:
                values.append(value)
        return tuple(values)

    def sourced(self, node: Any) -> tuple[str, tuple[str, str]]:
        """Return the text that {env: NAME} or {file: PATH} stands for, and which it was."""
        pairs = [(key.value, value) for key, value in node.value]
        if len(pairs) != 1 or pairs[0][0] not in ("env", "file"):
            raise FormatError("This is neither {env: NAME} nor {file: PATH}.", _SOURCE)
        kind, name = pairs[0][0], _scalar(pairs[0][1], str)
        return (self.environment(name) if kind == "env" else read_text(name, self.read_file)), (kind, name)

    def environment(self, name: str) -> str:
        text = self.read_env(name)
        if text is None:
            raise FormatError(f"The environment variable {name} is not set.", "Set it, or write {file: PATH}.")
        return text

    def assignments(self, node: Any) -> None:
        """Read which instance objects, files and directories belong to, where labels, names and paths do not tell."""
        if _form(node) == "null":
            return
        if node.id != "mapping":
            what = "instances is a section with objects, files or directories as keys."
            self.problem(node, what, "Write Kind/namespace/name: li below it.")
            return
        for _, key, value in self.entries(node, "instances."):
            self.assignment(key, value)

    def assignment(self, key: str, node: Any) -> None:
        instance = node if isinstance(node, str) else node.value
        if instance in INSTANCES:
            self.instances[key] = instance
        else:
            self.problem(node, f"instances.{key}: there is no such instance.", f"Write {' or '.join(INSTANCES)}.")

    def placeholders(self, node: Any) -> None:
        if _form(node) == "null":
            return
        if node.id != "mapping":
            self.problem(node, "placeholders is a section with tokens as keys.", "Write TOKEN: {value: …} below it.")
            return
        for key_node, key, value in self.entries(node, "placeholders."):
            self.placeholder(key, key_node, value)

    def placeholder(self, key: str, key_node: Any, node: Any) -> None:
        if not DECIDED.fullmatch(key):
            self.problem(key_node, f"{key} is not a placeholder.", "Write TOKEN, or TOKEN @ kind/namespace/name:path.")
            return
        try:
            self.decisions[key] = None if _form(node) == "null" else self.decision(key, node)
        except FormatError as error:
            self.problem(node, f"placeholders.{key}: {error.what}", error.instead)

    def decision(self, key: str, node: Any) -> Decision:
        pairs = _entries(node)
        length = pairs.pop("length", None) if "generate" in pairs else None
        if len(pairs) != 1 or not pairs.keys() <= DECISIONS.keys():
            raise FormatError("This does not say what to do.", f"Write one of {_listed(DECISIONS)} in braces.")
        ((action, value),) = pairs.items()
        where = self.where(node)
        if action in ("env", "file"):
            text, source = self.sourced(node)
            return Decision(key, "value", Secret(_without_break(text)), where=where, source=source)
        if action in ("keep", "split"):
            if _scalar(value, bool).lower() != "true":
                raise FormatError(f"{action} is either true or absent.", f"Write {{{action}: true}}.")
            return Decision(key, action, where=where)
        if action == "generate":
            kind = _scalar(value, str)
            if kind not in GENERATED:
                raise FormatError("This kind of secret cannot be generated.", f"Write one of {_listed(GENERATED)}.")
            return Decision(key, action, kind, _length(length, kind), where)
        if value.id != "scalar":
            raise FormatError("A list or mapping stands where a text is meant.", f"Write {{{action}: TEXT}}.")
        if value.value.strip() in (UNWRITTEN, "..."):
            raise FormatError("This still has to be written.", "Write the text that is to stand there.")
        return Decision(key, action, value.value, where=where)

    def option(self, key: str, node: Any) -> None:
        """Read one option, whose value is a node, or a str that is taken as it stands whatever YAML makes of it."""
        if key.startswith("placeholders."):
            self.placeholder(key.removeprefix("placeholders."), node, node)
        elif key.startswith("instances.") and isinstance(node, str):
            self.assignment(key.removeprefix("instances."), node)
        elif key in BY_KEY:
            self.question(BY_KEY[key], node)
            section = BY_KEY[key].section
            if section and key in self.given and not self.given[key].is_reset:
                self.given[section] = Answer(value=True, where=self.name)
        elif key in SECTIONS and _form(node) != "text":
            self.subsection(key, node, node)
        else:
            self.problem(node, f"{key} is unknown.", _did_you_mean(key, ""))


def _option(option: str) -> tuple[str, str]:
    """Return key and value; a key may hold ``=`` (a place with ``[name=x]``) where the value is in braces."""
    key, brace, rest = option.rpartition("={") if option.endswith("}") else ("", "", "")
    if brace:
        return key, f"{{{rest}"
    key, _, rest = option.partition("=")
    return key, rest


def _compose(text: str, name: str) -> Any:
    """Return the root node of one YAML document, or None; UsageError at line and column when it is not one."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        depth = 0
        for event in YAML(typ="safe").parse(text):
            depth += type(event).__name__.endswith(("MappingStartEvent", "SequenceStartEvent"))
            depth -= type(event).__name__.endswith(("MappingEndEvent", "SequenceEndEvent"))
            if depth > _DEEPEST:
                what = "Lists and mappings stand too deep in one another."
                raise UsageError(Problem(what, f"{name}:{_position(event.start_mark)}"))
        return YAML(typ="safe").compose(text)
    except MarkedYAMLError as error:
        with suppress(YAMLError, ValueError):  # that libyaml refuses `[2a02:ec80::/48]`, which is YAML (DESIGN, law 1)
            return YAML(typ="safe", pure=True).compose(text)
        mark = error.problem_mark
        tab = text.splitlines()[mark.line : mark.line + 1]
        instead = "Indent with blanks, not tabs." if tab and "\t" in tab[0][: mark.column + 1] else ""
        what = f"This is not valid YAML: {error.problem}."
        raise UsageError(Problem(what, f"{name}:{_position(mark)}", instead)) from None
    except ReaderError as error:
        before = text[: error.position]
        where = f"{name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        raise UsageError(Problem(f"This is not valid YAML: {error.reason}.", where, "Remove the character.")) from None


def _position(mark: Any) -> str:
    return f"{mark.line + 1}:{mark.column + 1}"


def _form(node: Any) -> str:
    """Return mapping, sequence, null, scalar, or text (an option's value as it stands)."""
    if isinstance(node, str):
        return "text"
    return "null" if node.tag == f"{_YAML}null" and node.id == "scalar" else str(node.id)


def _entries(node: Any) -> dict[str, Any]:
    """Return the value nodes of a mapping by key; none where a key is no text or stands twice, or it is no mapping."""
    if _form(node) != "mapping":
        return {}
    entries = {key.value: value for key, value in node.value if key.id == "scalar"}
    return entries if len(entries) == len(node.value) else {}


def _scalar(node: Any, wanted: type) -> str:
    """Return the text of a scalar of one type; FormatError, which does not name the text, when it is another."""
    found = node.tag.removeprefix(_YAML) if node.id == "scalar" else node.id
    tag, instead = _WANTED[wanted]
    if found != tag:
        stands = _TYPES.get(found, "something else").capitalize()
        raise FormatError(f"{stands} stands where {_TYPES[tag]} is meant.", instead)
    return str(node.value)


def _length(node: Any, kind: str) -> int | None:
    """Return the size of a secret in the unit of its *kind*; FormatError for one that it cannot have."""
    if node is None:
        return None
    text = _scalar(node, int)
    sizes = mint.KINDS[kind].sizes
    if not (text.isdecimal() and len(text) < 9 and int(text) in sizes):
        raise FormatError("This length cannot be made.", f"Write a number from {min(sizes)} to {max(sizes)}.")
    return int(text)


def _without_break(text: str) -> str:
    """Return a one-line text without its line break; a text of several lines, such as a key file, stays whole."""
    stripped = text.removesuffix("\n").removesuffix("\r")
    return text if "\n" in stripped else stripped


def _did_you_mean(name: str, prefix: str) -> str:
    names = _below(prefix)
    close = difflib.get_close_matches(name, names, 1) or difflib.get_close_matches(name, BY_KEY, 1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Known here: {_listed(names)}."


def _below(prefix: str) -> list[str]:
    names = [key.removeprefix(prefix).partition(".")[0] for key in BY_KEY if key.startswith(prefix)]
    return list(dict.fromkeys(names if prefix else [*names, "placeholders", "instances"]))


def _nested(name: str) -> str:
    """Return how a dotted name stands in an answers file, on one line."""
    first, dot, rest = name.partition(".")
    return f"{first}: {{{_nested(rest)}}}" if dot else f"{first}: …"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
