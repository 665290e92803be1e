"""The tables of the reference that follow from the program's own; ``make docs`` writes them into the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from wizard import catalogue, rules
from wizard.catalogue import Kind, Row
from wizard.questions import DECISIONS, QUESTIONS, Question, never

MADE = {
    "": "",
    "password": "{size} letters and digits",
    "django": "64 letters and digits",
    "signing-key": "an Ed25519 key in Synapse's format",
    "rsa": "an RSA key of `key_vault.rsa_bits`",
    "livekit-api-key": "an API key in LiveKit's form",
}
_PART = re.compile(r"(?<=<!-- make docs: )(\w+)( -->\n).*?(?=<!-- end -->\n)", re.DOTALL)


def renewed(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return the text of a page with each of *parts* anew between its marks; each stands there, and no other."""
    marked = [found[1] for found in _PART.finditer(text)]
    if marked != [*parts]:
        raise ValueError(f"The page has marks for {marked} where {[*parts]} are meant.")
    return _PART.sub(lambda found: f"{found[1]}{found[2]}{parts[found[1]]()}", text)


def keys() -> str:
    """Return the keys of the answers file."""
    return _table(("key", "what it is", "default", "", ""), map(_key, QUESTIONS))


def decisions() -> str:
    """Return what may be decided about a placeholder."""
    return _table(("decision", "the placeholder becomes"), ((f"`{word}`", what) for word, what in DECISIONS.items()))


def values() -> str:
    """Return the values of the catalogue."""
    return _table(("name", "kind", "comes from", "placeholders", "known places"), map(_value, catalogue.ROWS))


def findings() -> str:
    """Return the rules of ``check``, by what they are about."""
    found = []
    for group, title in rules.TITLES.items():
        rows = (
            (f"`{each.id}`", each.severity, each.title, each.why, each.source)
            for each in rules.RULES
            if each.group == group
        )
        found.append(f"### {title}\n\n{_table(('finding', 'severity', 'what', 'why it matters', 'source'), rows)}")
    return "\n".join(found)


def components() -> str:
    """Return the optional parts, and what turns each on."""
    rows = ((f"`{each.name}`", " or ".join(_code(each.switch.split("|")))) for each in catalogue.COMPONENTS)
    return _table(("component", "on when the answers have"), rows)


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "reference/answers.md": {"keys": keys, "decisions": decisions},
    "reference/values.md": {"values": values, "components": components},
    "reference/rules.md": {"findings": findings},
}


def _key(question: Question) -> Sequence[str]:
    due = "" if question.required_when is never else "required"
    default = f"from `{question.derived_from}`" if question.derived_from else question.default
    marks = [mark for mark, on in (("secret", question.secret), ("confidential", question.confidential)) if on]
    kind = " | ".join(_code(question.kind.choices)) or question.kind.name
    return f"`{question.key}`", kind, str(default or due), ", ".join(marks), question.help


def _value(row: Row) -> Sequence[str]:
    given = f"`{row.answer}`" if row.answer else ""
    if row.kind is Kind.SECRET:
        source = " or ".join(filter(None, [given, MADE[row.make].format(size=row.size)]))
    else:
        source = given or ", ".join(_code(row.inputs))
    words = [*_code(row.roles), *(f"`{label}.…`" if label else "`example.com`" for label in row.hosts)]
    places = _code(f"{place.kind} {place.name} > {place.key}" for place in row.places)
    return f"`{row.name}`", row.kind.value, source, " ".join(words), " ".join(places)


def _code(texts: Iterable[str]) -> list[str]:
    return [f"`{text}`" for text in texts]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(map(_row, (head, ["---"] * len(head), *rows)))


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("<", "\\<") for cell in cells)
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in escaped) + "\n"
