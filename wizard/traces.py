"""Traces: every spelling in which a secret can stand somewhere, and where in some bytes one of them does.

Pure. What is secret is known exactly, so that nothing is guessed: a trace is found by all of its characters. No trace
and no message holds a value.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from wizard import keys, placeholders, weak
from wizard.errors import Problem
from wizard.vault import Kept, State

_SHORTEST = 8  # characters; a shorter text stands in other words by chance
_DISTINCT = 4  # characters that are not alike; with fewer it is a ruler or a row of dots
_INERT = re.compile(r"[A-Za-z0-9]+")  # what no quoting and no URL changes, unless it changes every character
# Where a line ends within base64 or hexadecimal: a wrapped one, also in a diff, a quotation, a comment or JSON.
_BREAK = rb"(?:\r?\n[ \t+\-|>#]*|(?:\\{1,8}r)?\\{1,8}n)?"
_GAP = rb"[:\s]{0,40}"  # between the octets of hexadecimal, as openssl prints a key
_FOLD = rb"\\?\r?\n[ \t]*(?:\\ )?"  # a blank at which YAML broke the line
_CUT = rb"(?:\\\r?\n[ \t]*)?"  # the same within a word, beside what it escaped
_HTML = {'"': "quot", "'": "(?:apos|#0?39)", "<": "lt", ">": "gt", "&": "amp"}
_MORE = {
    "'": [rb"''", rb"'\\''", rb"'\"'\"'"],
    '"': [rb'""'],
    " ": [rb"\+", _FOLD],
    "$": [rb"\$\$"],
    "%": [rb"%%"],
    "\t": [rb"\\{1,8}t"],
    "\u00a0": [rb"\\{1,8}_"],  # YAML's
}
_WIDE, _NARROW = 8, 4  # octets of the two sizes of samples
_OVERLAP = 1 << 16  # octets of a stream that are looked at twice, more than any trace is long
_NUMBER = 64  # octets of a secret number that tell it from any other
_ADJACENT = 1  # lines between two parts of one key that are one trace
_BESIDE = (
    512  # octets between two parts, in binary, where a line end is an octet like any other: an RSA number of 4096 bits
)


@dataclass(frozen=True, eq=False)
class Needle:
    """What one spelling of one generation of a value looks like. ``encoding`` is how it stands ("": read off it).

    ``runs`` are texts of which one stands there, whole but for a line break; ``reach`` is how many octets at least do
    without one. ``is_part``: it is one line or number of a key."""

    value: str
    generation: str
    state: State
    encoding: str
    is_part: bool
    plain: bytes = field(repr=False)
    pattern: bytes = field(repr=False)
    runs: tuple[bytes, ...] = field(repr=False)
    reach: int


@dataclass(frozen=True)
class Trace:
    """A value found: its name, generation and state, how it stands there, and where.

    [``start``, ``end``) are octets from the beginning of what was searched; ``line`` and ``column`` count from 1, the
    column in characters."""

    value: str
    generation: str
    state: State
    encoding: str
    line: int
    column: int
    start: int
    end: int


def needles(kept: Kept) -> tuple[list[Needle], list[Problem]]:
    """Return what each generation of *kept* is to be searched by, and why some cannot be searched for."""
    found: list[Needle] = []
    problems: list[Problem] = []
    texts: set[str] = set()
    for each in reversed(kept.generations):
        text = each.text.reveal()
        if text in texts:
            continue
        texts.add(text)
        private = keys.private_parts(text)
        lines = private.lines if private else [_without_user(line) for line in text.split("\n")]
        whole = [line.strip() for line in lines if line.strip() and not line.startswith("-----")]
        usable = [line for line in dict.fromkeys(whole) if not _why_not(line)]
        if not usable:
            why = next(map(_why_not, whole), "it is empty")
            what = f"Generation {each.id} ({each.state}) of {kept.name} cannot be searched for: {why}."
            problems.append(Problem(what, kept.name))
        is_part = len(usable) > 1 or private is not None
        spelled = (spelling for line in usable for spelling in (_of_line(line) if private else _spellings(line)))
        numbers = (spelling for number in (private.numbers if private else ()) for spelling in _of_number(number))
        for encoding, plain, pattern, runs, reach in (*spelled, *numbers):
            found.append(Needle(kept.name, each.id, each.state, encoding, is_part, plain, pattern, runs, reach))
    return found, problems


class Net:
    """All needles at once. What it costs to draw it through bytes that hold none depends little on how many they are.

    Every eighth octet begins a sample of eight, which is looked up among all eights of all runs; a run of fifteen
    holds one whole sample wherever it stands (a run of seven holds one of four). Only needles that a sample speaks for
    are searched by their patterns."""

    def __init__(self, searched: Iterable[Needle]) -> None:
        self._needles = list(searched)
        self._patterns: dict[int, re.Pattern[bytes]] = {}
        self._samples: dict[int, dict[int, set[int]]] = {_WIDE: {}, _NARROW: {}}
        self._always: set[int] = set()
        for number, needle in enumerate(self._needles):
            size = next((size for size in (_WIDE, _NARROW) if needle.reach >= 2 * size - 1), 0)
            if not size:
                self._always.add(number)
                continue
            for run in needle.runs:
                for start in range(len(run) - size + 1):
                    self._samples[size].setdefault(_samples(run[start : start + size], size)[0], set()).add(number)
        self._known = {size: frozenset(samples) for size, samples in self._samples.items() if samples}

    def find(self, data: bytes) -> list[Trace]:
        """Return the traces in *data*, in order; spellings that lie over one another are one trace."""
        return self._told(self._spans(data), _Lines(data))

    def read(self, chunks: Iterable[bytes]) -> Iterator[Trace]:
        """Yield the traces in a stream of any length, of which no more is kept than a chunk and what overlaps."""
        rest, before, lines_before = b"", 0, 0
        ends: dict[str, int] = {}  # by generation, of its last trace
        for chunk, is_last in _with_last(chunks):
            data = rest + chunk
            end = len(data) if is_last else max(len(data) - _OVERLAP, 0)
            lines = _Lines(data, before, lines_before)
            for trace in self._told((span for span in self._spans(data) if span[0] < end), lines):
                if trace.start >= ends.get(trace.generation, 0):
                    yield trace
                    ends[trace.generation] = trace.end
            lines_before += data.count(b"\n", 0, end)
            rest, before = data[end:], before + end

    def _spans(self, data: bytes) -> list[tuple[int, int, int]]:
        """Return where each needle stands: start, end, and its number."""
        near = {number for number in self._always if _may_hold(data, self._needles[number])}
        for size, known in self._known.items():
            for sample in known.intersection(_samples(data, size)):
                near |= self._samples[size][sample]
        found = []
        for number in sorted(near):
            pattern = self._patterns.get(number)
            if pattern is None:
                pattern = self._patterns[number] = re.compile(self._needles[number].pattern)
            found += [(match.start(), match.end(), number) for match in pattern.finditer(data)]
        return sorted(found, key=lambda span: (span[0], -span[1], span[2]))

    def _told(self, spans: Iterable[tuple[int, int, int]], lines: _Lines) -> list[Trace]:
        found: list[Trace] = []
        parts: dict[str, tuple[Trace, set[bytes]]] = {}  # by generation, the last part of a key, and what of it is seen
        for start, end, number in spans:
            needle = self._needles[number]
            trace = lines.trace(needle, start, end)
            mine = next((each for each in reversed(found) if each.generation == needle.generation), None)
            if mine and trace.start < mine.end:
                continue
            if needle.is_part:
                last, seen = parts.get(needle.generation, (trace, {needle.plain}))
                is_near = trace.line - last.line <= _ADJACENT or trace.start - last.end <= _BESIDE
                is_next = is_near and needle.plain not in seen  # a part again is a copy more
                parts[needle.generation] = (trace, {*seen, needle.plain} if is_next else {needle.plain})
                if is_next:
                    continue
            found.append(trace)
        return found


class _Lines:
    """The lines of some bytes of a stream, counted once from the front to the back."""

    def __init__(self, data: bytes, before: int = 0, lines_before: int = 0) -> None:
        self.data, self.before = data, before
        self.at, self.line = 0, lines_before + 1

    def trace(self, needle: Needle, start: int, end: int) -> Trace:
        """Return the trace at [start, end) of the data; not before the last one."""
        self.line += self.data.count(b"\n", self.at, start)
        self.at = start
        begin = self.data.rfind(b"\n", 0, start) + 1
        column = len(self.data[begin:start].decode("utf-8", "replace")) + 1
        encoding = needle.encoding or _told(self.data[start:end], needle.plain)
        return Trace(
            needle.value,
            needle.generation,
            needle.state,
            encoding,
            self.line,
            column,
            self.before + start,
            self.before + end,
        )


_Spelling = tuple[str, bytes, bytes, tuple[bytes, ...], int]  # the fields of a needle from its encoding on


def _why_not(text: str) -> str:
    """Return why *text* is not searched for, "" where it is."""
    if len(text) < _SHORTEST:
        return f"it has {len(text)} characters, and fewer than {_SHORTEST} stand in other words by chance"
    if len(set(text)) < _DISTINCT:
        return f"it is made of fewer than {_DISTINCT} different characters"
    if weak.is_well_known(text):
        return "it is a default that everybody knows; rotate it"
    if placeholders.is_wholly(text):
        return "it is a placeholder"
    return ""


def _without_user(line: str) -> str:
    """Return the hash alone of a line of htpasswd: who logs in is no secret."""
    try:
        keys.htpasswd_line(line)
    except ValueError:
        return line
    return line.partition(":")[2]


def _spellings(text: str) -> Iterator[_Spelling]:
    """Yield how *text* can stand: as it is, escaped or quoted; in UTF-16; in base64, once and twice; in hexadecimal."""
    plain = text.encode("utf-8", "surrogatepass")
    pattern = _CUT.join(
        b"".join(map(_character, re.findall(r"\\+|.", word, re.DOTALL)))
        for word in re.findall(r"[A-Za-z0-9]+|\\+|.", text, re.DOTALL)
    )
    inert = max((match[0].encode() for match in _INERT.finditer(text)), key=len, default=b"")
    runs = dict.fromkeys((inert, *_wholly_escaped(text)))
    yield "", plain, pattern, tuple(runs), len(inert)
    for order in ("utf-16-le", "utf-16-be"):
        wide = text.encode(order, "surrogatepass")
        yield "UTF-16", plain, re.escape(wide), (wide,), len(wide)
    for form in _forms(text):
        yield from _encoded(plain, form)
    yield "hexadecimal", plain, *_hexadecimal(plain)


def _of_line(line: str) -> Iterator[_Spelling]:
    """Yield how a line of a key can stand, which is base64 itself: wrapped as it may be, and in base64 once more."""
    plain = line.rstrip("=").encode()
    yield "", plain, *_wrapped(plain)
    yield from _encoded(plain, plain)


def _encoded(plain: bytes, form: bytes) -> Iterator[_Spelling]:
    """Yield how *form*, a spelling of *plain*, can stand in base64 once and twice, wherever in it it begins."""
    for shift in range(3):
        core = _core(form, shift)
        yield "base64", plain, *_wrapped(core)
        for outer in range(3):
            yield "base64 of base64", plain, *_wrapped(_core(core, outer))


def _of_number(number: bytes) -> Iterator[_Spelling]:
    """Yield how the octets of a secret number can stand: as DER has them, in base64, in hexadecimal."""
    number = number[:_NUMBER]
    yield "binary", number, re.escape(number), (number,), len(number)
    for shift in range(3):
        yield "base64", number, *_wrapped(_core(number, shift))
    yield "hexadecimal", number, *_hexadecimal(number)


def _character(text: str) -> bytes:
    """Return the pattern of one character, or of backslashes in a row, in every quoting and escaping.

    Nested quotings double backslashes, so that up to eight stand for one."""
    if text[0] == "\\":
        few = len(text)
        if 1 < few < 4:
            return _CUT.join([_character("\\")] * few)
        return rb"(?:\\{%d,%d}|(?:%%(?:25)*5[Cc]|\\{1,8}u005[Cc]|\\{1,8}x5[Cc]){%d})" % (few, 8 * few, few)
    octets = text.encode("utf-8", "surrogatepass")
    units = text.encode("utf-16-be", "surrogatepass")
    is_bare = text.isascii() and text.isalnum()
    spelled = [re.escape(octets) if is_bare else rb"\\{0,8}" + re.escape(octets), *_MORE.get(text, ())]
    spelled.append(b"".join(rb"%%(?:25)*%b" % _hex(octet) for octet in octets))
    pairs = zip(units[::2], units[1::2], strict=True)
    spelled.append(b"".join(rb"\\{1,8}u%b%b" % (_hex(high), _hex(low)) for high, low in pairs))
    spelled.append(b"".join(rb"\\{1,8}x%b" % _hex(octet) for octet in octets))
    spelled.append(b"".join(rb"\\{1,8}%03o" % octet for octet in octets))
    if ord(text) < 0x100:
        spelled.append(rb"\\{1,8}x%b" % _hex(ord(text)))
    spelled.append(rb"\\{1,8}U%b" % _digits(f"{ord(text):08x}"))
    spelled.append(rb"&#(?:%d|[xX]0*%b);" % (ord(text), _digits(f"{ord(text):x}")))
    if text in _HTML:
        spelled.append(f"&{_HTML[text]};".encode())
    return b"(?:" + b"|".join(dict.fromkeys(spelled)) + b")"


def _wholly_escaped(text: str) -> Iterator[bytes]:
    """Yield *text* with each character escaped, where no run of it stands as it is."""
    octets = text.encode("utf-8", "surrogatepass")
    units = text.encode("utf-16-be", "surrogatepass")
    for digits in ("02x", "02X"):
        yield b"".join(b"%" + format(octet, digits).encode() for octet in octets)
        yield b"".join(b"\\x" + format(octet, digits).encode() for octet in octets)
        pairs = zip(units[::2], units[1::2], strict=True)
        yield b"".join(b"\\u" + (format(high, digits) + format(low, digits)).encode() for high, low in pairs)
        yield b"".join(f"&#x{format(ord(each), digits[-1])};".encode() for each in text)
    yield b"".join(f"&#{ord(each)};".encode() for each in text)
    yield b"".join(b"\\%03o" % octet for octet in octets)


def _forms(text: str) -> list[bytes]:
    """Return *text* as documents hold it that are put into base64 as a whole."""
    spelled = [text]
    if not text.isalnum() or not text.isascii():
        spelled += [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]]
        spelled += [text.replace("'", "''"), text.replace("'", "'\\''"), text.replace("\\", "\\\\").replace("'", "\\'")]
        spelled += [quote(text, safe="", errors="surrogatepass")]
    return list(dict.fromkeys(each.encode("utf-8", "surrogatepass") for each in spelled))


def _core(data: bytes, shift: int) -> bytes:
    """Return the base64 of *data* behind *shift* octets, cut to the characters that depend on *data* alone."""
    whole = base64.b64encode(bytes(shift) + data)
    return whole[(shift * 8 + 5) // 6 : (shift + len(data)) * 8 // 6]


# How base64 has its two signs, in both alphabets, in a URL and in JSON.
_SIGNS = {
    ord("+"): rb"(?:[+\-]|%(?:25)*2[Bb]|\\{1,8}u002[Bb])",
    ord("/"): rb"(?:\\{0,8}/|_|%(?:25)*2[Ff]|\\{1,8}u002[Ff])",
}


def _wrapped(core: bytes) -> tuple[bytes, tuple[bytes, ...], int]:
    """Return pattern, runs and reach of a piece of base64 in which a line may end anywhere."""
    pattern = _BREAK.join(_SIGNS.get(sign, bytes([sign])) for sign in core)
    runs = (core, core.translate(bytes.maketrans(b"+/", b"-_")), quote(core, safe="").encode())
    return pattern, tuple(dict.fromkeys(runs)), len(core) // 2


def _hexadecimal(octets: bytes) -> tuple[bytes, tuple[bytes, ...], int]:
    """Return pattern, runs and reach of octets in hexadecimal, in one word or with colons or blanks between."""
    pattern = _GAP.join(map(_hex, octets))
    runs = [octets.hex(sep).encode() for sep in (":", " ")] + [octets.hex().encode()]
    return pattern, tuple(dict.fromkeys((*runs, *(run.upper() for run in runs)))), len(octets)


def _hex(octet: int) -> bytes:
    return _digits(f"{octet:02x}")


def _digits(text: str) -> bytes:
    """Return the pattern of hexadecimal digits in either case."""
    return b"".join(f"[{each}{each.upper()}]".encode() if each.isalpha() else each.encode() for each in text)


def _told(spelled: bytes, plain: bytes) -> str:
    """Return how *plain* stands, in a word, by the *spelled* octets."""
    if spelled == plain:
        return "plain"
    if plain in (unquote_to_bytes(spelled), unquote_to_bytes(spelled.replace(b"+", b" "))):
        return "URL"
    text = spelled.decode("utf-8", "replace")
    if html.unescape(text) == plain.decode("utf-8", "replace"):
        return "HTML"
    try:
        is_json = json.loads(f'"{text}"', strict=False) == plain.decode("utf-8", "replace")
    except ValueError:
        is_json = False
    return "JSON" if is_json else "quoted"


def _may_hold(data: bytes, needle: Needle) -> bool:
    """Whether one half of a run at least stands in *data*, for a needle that is too short for samples."""
    reach = needle.reach
    return not reach or any(run[:reach] in data or run[-reach:] in data for run in needle.runs)


def _samples(data: bytes, size: int) -> memoryview[int]:
    """Return *data* as numbers of *size* octets each, which costs no copy and no step of the interpreter."""
    whole = memoryview(data)[: len(data) // size * size]
    return whole.cast("Q") if size == _WIDE else whole.cast("I")


def _with_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each chunk, and whether it is the last."""
    before: bytes | None = None
    for chunk in chunks:
        if before is not None:
            yield before, False
        before = chunk
    yield before or b"", True
