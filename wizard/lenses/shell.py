"""Words of shell scripts as bash and dash read them (POSIX.1-2017, Shell Command Language, 2.2 to 2.3 and 2.7.4).

A scan from the top follows quotes, expansions, comments and here-documents, and knows the stretches of plain text
between them. Within those a value is written so that the shell takes every character of it as itself. Where the word is
more than the value, or a program such as ``echo``, ``sed`` or another shell reads it once more, only what none of them
touches is written. What this scan does not follow (ANSI-C quotes, back-quotes, arithmetic) is left as free text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from wizard.lenses.region import CannotHold, Region
from wizard.lenses.words import Dialect, Word
from wizard.manifests import Node, Path, Scalar, get
from wizard.manifests import Sequence as Items

_NAME = r"(?:[\w./-]*/)?(?:ba|da|a|k|z)?sh"
_SHELL = re.compile(_NAME)
_COMMAND_OPTION = re.compile(r"-[a-zA-Z]*c")
# Programs and options that read an argument once more: as a script, a pattern, a format, a form.
_READ_AGAIN = re.compile(
    rf"{_NAME}|alias|awk|echo|eval|expr|flock|gawk|e?grep|jq|let|mawk|parallel|perl|python3?|ruby|runuser|script|sed|ssh|su"
    r"|tr|trap|watch|xargs|-d|--data[\w-]*|-F|--form"
)
# printf takes the arguments behind its format as they are; the words of a loop are several texts.
_OPEN = re.compile(r"(?:.* )?printf(?: -v \S+)?(?: --)?|(?:.* )?for \w+ in(?: .*)?")
# What may stand in a word before its value: `NAME=`, `--option=`, `name:` of a user.
_PREFIX = re.compile(r"(?:--?)?[A-Za-z_][\w.-]*=|[A-Za-z_][\w.-]*:")

_PLAIN = re.compile(r"[A-Za-z0-9._/:@,+%-]+")
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TOKENS = {
    "": re.compile(
        r"""(?P<quote>["'])|(?P<escape>\\[^\n\0])|(?P<join>\\\n)|(?P<run>[^\s"'\\$`;&|<>()*?\[\]{}~\0]+)""", re.ASCII
    ),
    '"': re.compile(r"""(?P<quote>")|(?P<escape>\\[\\$"`])|(?P<join>\\\n)|(?P<run>[^"\\$`\0]+|\\(?![\\$"`\n]))"""),
    "'": re.compile(r"(?P<quote>')|(?P<run>[^'\0]+)"),
}
_BLANKS = " \t"
_OPERATORS = ";&|()<>\n"
_PATTERNS = "*?[]{}~"
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-]|\{(?:[^{}'\"`\\\n]|\$\{[^{}'\"`\\\n]*\})*\})", re.ASCII)
_SUBSTITUTED = re.compile(r"\$'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`", re.DOTALL)
_ARITHMETIC = re.compile(r"\$?\(\((?:[^()'\"`\\]|\((?:[^()'\"`\\]|\([^()'\"`\\]*\))*\))*\)\)")
_DOCUMENT = re.compile(r"<<(?P<dash>-?)[ \t]*(?P<end>(?:[^\s'\"\\;&|<>()]|\\.|'[^'\n]*'|\"[^\"\n]*\")+)")


class _LostError(Exception):
    """The scan met what it cannot follow."""


def is_script(root: Node, path: Path) -> bool:
    """Say whether the scalar at *path* of the object *root* is what a container hands to a shell behind ``-c``."""
    if len(path) < 2 or path[-2] not in ("command", "args"):
        return False
    lists = [get(root, (*path[:-2], name)) for name in ("command", "args")]
    nodes = [node for each in lists if isinstance(each, Items) for node in each.items]
    here = get(root, path)
    at = next((i for i, node in enumerate(nodes) if node is here), 0)
    words = [node.value if isinstance(node, Scalar) else "" for node in nodes[:at]]
    return any(map(_SHELL.fullmatch, words)) and _COMMAND_OPTION.fullmatch(words[-1]) is not None


def around(text: str, start: int, end: int) -> Region | None:
    """Return the lens over [start, end) of the script *text* where that is all of a word's value.

    Otherwise over the plain stretch of a word that holds it, for what may be quoted in there; None where none does.
    """
    try:
        found = next((each for each in _Scan(text).stretches() if each.start <= start < end <= each.end), None)
        if found is None or found.is_read_again:
            return None
        whole = Region(Word(_DIALECT, found.opened, found.closed, is_datum=False), text, found.start, found.end)
        return (_datum(whole, start, end) if found.is_word else None) or whole
    except (_LostError, CannotHold):
        return None


class _Stretch(NamedTuple):
    """Plain text [start, end) of a word, from within one quote to within another; ``is_word``: all of the word."""

    start: int
    end: int
    opened: str
    closed: str
    is_word: bool
    is_read_again: bool


@dataclass
class _Place:
    """Where the scan is in a command: the open quote, where its word and its stretch began, and the words before."""

    quote: str = ""
    word: int = -1
    stretch: int = -1
    opened: str = ""
    words: list[str] = field(default_factory=list)


class _Scan:
    """One pass over a script. _LostError where it cannot be followed to its end."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.here = _Place()
        self.outer: list[_Place | None] = []  # around each `$(` its place, around each `(` none
        self.documents: list[re.Match[str]] = []

    def stretches(self) -> list[_Stretch]:
        """Return every plain stretch of the script's words."""
        found: list[_Stretch] = []
        while self.at < len(self.text):
            found += self._step()
        found += self._end_word()
        if self.here.quote or any(self.outer) or self.at > len(self.text):
            raise _LostError
        return found

    def _step(self) -> list[_Stretch]:
        """Take one character, or one piece that is no plain text."""
        text, at, quote = self.text, self.at, self.here.quote
        character = text[at]
        if character in "$`":
            return self._expansion()
        if quote:
            return self._plain(2 if character == "\\" else 1, "" if character == quote else quote)
        if text.startswith("\\\n", at) and self.here.word < 0:
            self.at += 2
            return []
        if character == "'":
            return self._plain(self._find("'", at + 1) + 1 - at)
        if character in _BLANKS:
            self.at += 1
            return self._end_word(at)
        if character in _OPERATORS:
            return self._operator(character)
        if character == "#" and self.here.word < 0:
            self.at = self._line_end(at)
            return []
        if character in _PATTERNS:
            return self._barrier(at + 1)
        return self._plain(2 if character == "\\" else 1, character if character == '"' else "")

    def _plain(self, length: int, quote: str = "") -> list[_Stretch]:
        here = self.here
        if here.word < 0:
            here.word = self.at
        if here.stretch < 0:
            here.stretch, here.opened = self.at, here.quote
        here.quote = quote
        self.at += length
        return []

    def _barrier(self, end: int) -> list[_Stretch]:
        """Go on at *end* behind a part of a word that is no plain text."""
        found = self._end_stretch(self.at, is_end=False)
        if self.here.word < 0:
            self.here.word = self.at
        self.at = end
        return found

    def _expansion(self) -> list[_Stretch]:
        text, at = self.text, self.at
        if text.startswith("$(", at) and not text.startswith("$((", at):
            found = self._barrier(at + 2)
            self.outer.append(self.here)
            self.here = _Place()
            return found
        is_text = self.here.quote != "" and text.startswith("$'", at)  # in double quotes a single one is only itself
        patterns = () if is_text else (_ARITHMETIC, _VARIABLE, _SUBSTITUTED)
        match = next((match for pattern in patterns if (match := pattern.match(text, at))), None)
        if match is None and (text[at] == "`" or text.startswith(("${", "$("), at)):
            raise _LostError
        return self._barrier(match.end() if match else at + 1)

    def _operator(self, character: str) -> list[_Stretch]:
        text, at = self.text, self.at
        found = self._end_word(at)
        self.at += 1
        if text.startswith("<<", at):
            self._here_document(at)
        elif arithmetic := _ARITHMETIC.match(text, at):
            self.at = arithmetic.end()
        elif text.startswith("((", at):
            raise _LostError
        elif character == "(":
            self.outer.append(None)
        elif character == ")" and self.outer and (before := self.outer.pop()) is not None:
            if self.documents:
                raise _LostError
            self.here = before
            return found
        elif character == "\n":
            self._skip_documents()
        if character not in "<>":
            self.here.words = []
        return found

    def _here_document(self, at: int) -> None:
        if self.text.startswith("<<<", at):
            self.at = at + 3
            return
        match = _DOCUMENT.match(self.text, at)
        if match is None:
            raise _LostError
        self.documents.append(match)
        self.at = match.end()

    def _skip_documents(self) -> None:
        for document in self.documents:
            end = re.sub(r"['\"\\]", "", document["end"])
            line = None
            while line != end:
                if self.at >= len(self.text):
                    raise _LostError
                stop = self._line_end(self.at)
                line = self.text[self.at : stop].lstrip("\t" if document["dash"] else "")
                self.at = stop + 1
        self.documents = []

    def _end_stretch(self, at: int, *, is_end: bool) -> list[_Stretch]:
        here = self.here
        start, here.stretch = here.stretch, -1
        if start < 0:
            return []
        is_read_again = any(map(_READ_AGAIN.fullmatch, here.words)) or bool(_OPEN.fullmatch(" ".join(here.words)))
        return [_Stretch(start, at, here.opened, here.quote, is_end and start == here.word, is_read_again)]

    def _end_word(self, at: int | None = None) -> list[_Stretch]:
        here, end = self.here, self.at if at is None else at
        found = self._end_stretch(end, is_end=True)
        if here.word >= 0:
            here.words.append(re.sub(r"['\"\\]", "", self.text[here.word : end]))
            if here.words[-1] == "case" and any(self.outer):
                raise _LostError  # the brackets of its patterns are like that of the substitution's end
        here.word = -1
        return found

    def _find(self, character: str, at: int) -> int:
        found = self.text.find(character, at)
        if found < 0:
            raise _LostError
        return found

    def _line_end(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found


def _datum(word: Region, start: int, end: int) -> Region | None:
    """Return the lens over [start, end) alone, where *word* is no more than that and a name before it."""
    grammar = Word(_DIALECT)
    raw = word.outer[word.start : word.end]
    opened, closed = (grammar.quote_at(raw, at - word.start) for at in (start, end))
    before = Region(Word(_DIALECT, "", opened), word.outer, word.start, start).text
    behind = Region(Word(_DIALECT, closed, ""), word.outer, end, word.end).text
    is_all = behind == "" and (before == "" or _PREFIX.fullmatch(before))
    return Region(Word(_DIALECT, opened, closed), word.outer, start, end) if is_all else None


def _decode(match: re.Match[str]) -> str:
    return "" if match.lastgroup == "join" else match[0][1:]


def _spell(quote: str, new: str) -> str:
    if _UNPRINTED.search(new):
        raise CannotHold("a line break or control character cannot stand in this text")
    if not quote and (not new or _PLAIN.fullmatch(new)):
        return new
    within = quote or ('"' if "'" in new else "'")
    # In a container's command the kubelet reads `$$` and `$(` before the shell does: the quotes are closed between.
    parts = re.split(r"(?<=\$)(?=[$(])" + (r"|\A(?=[$(])|(?<=\$)\Z" if quote else ""), new)
    escape = _in_double if within == '"' else _in_single
    spelled = (within * 2).join(escape(part) for part in parts)
    return spelled if quote else f"{within}{spelled}{within}"


def _in_single(text: str) -> str:
    return text.replace("'", "'\\''")


def _in_double(text: str) -> str:
    return re.sub(r"([\\$\"`])", r"\\\1", text)


_DIALECT = Dialect(_TOKENS, _decode, _spell)
