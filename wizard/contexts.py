"""What stands around a placeholder: the key before it, the comment beside it, the variable that it is only a part of.

Pure text work on one scalar and the lines about it; which value a placeholder means is decided in ``sites``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard import lenses, placeholders
from wizard.placeholders import Placeholder
from wizard.resources import Leaf, Written

# The key of a line in a text that is no document: `realm=…`, `server_name: …`, `requirepass "…"`.
_LINE_KEY = re.compile(r"^\s*(?:export\s+|set\s+)?[\"']?([A-Za-z][\w.-]*)(?:[\"']?\s*[=:]|[ \t]+[\"']?$)")
# That of a text in one line: `password=…`, `--external-ip=…`, as generators and arguments write them.
_PAIR_KEY = re.compile(r"^(?:--?)?([A-Za-z][\w.-]*)=[\"']?$")
_COMMENT_LINE = re.compile(r"^\s*(?:#|--|//|;)")
_SCRIPT_KEYS = (".sh", ".bash", ".py", ".pl", ".js")
_SHELL = re.compile(r"#!\s*/")
# Text for people: what it says about placeholders is no placeholder.
_PROSE_KEYS = frozenset({"description", "summary", "message", "notes", "note", "help", "title", "comment", "usage"})
_PROSE_ENDINGS = (".md", ".rst", ".adoc", ".txt", "/description", "/summary")
PROSE_KINDS = frozenset({"CustomResourceDefinition"})
_GROUP_KEYS = frozenset({"apiVersion", "apiGroup", "apiGroups", "group"})
_QUALIFIED_KEYS = frozenset({"conditionType", "controller", "controllerName", "driver", "finalizers", "key"})
_QUALIFIED_KEYS |= {"provisioner", "resourceName", "signerName", "topologyKey"}
_VARIABLE = re.compile(r"\$\{?!?\s*$|\$\(\s*$|%\(\s*$|\$\{[\w:-]*$")
_FAIL = re.compile(r"\{\{[^}]*$")
_SETTING_LINE = re.compile(
    r"^[ \t]*([A-Za-z][\w.-]*)(?:[ \t]*=[ \t]*|[ \t]+)([^\s#=][^\r\n]*?)[ \t]*\r?$", re.MULTILINE
)
_ASSIGNED = re.compile(r"[ \t]*[+?:]?=")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")  # behind the tag and the anchor, if it has any
_BESIDE = re.compile(r"[ \t]+#([^\r\n]*)")
# What may lead up to a mark: `# TODO CHANGEME`, `# <- CHANGEME`; behind other words it is only spoken of.
_LEADING = re.compile(r"\W*(?:(?:todo|fixme|xxx|note|please)\W+)?", re.IGNORECASE)


def key_of(leaf: Leaf, found: Placeholder) -> str:
    """Return the key that *found* is the value of: that of its line in a text of lines, else the scalar's own."""
    before = leaf.text[leaf.text.rfind("\n", 0, found.start) + 1 : found.start]
    if found.family == "host" and re.search(r"[@#!][\w.=/+-]+:$", before):
        return "server_name"  # a user id, room id or alias ends in the server's name
    is_lines = leaf.scalar.style in ("|", ">") or "\n" in leaf.text
    line_key = (_LINE_KEY if is_lines else _PAIR_KEY).match(before)
    return line_key[1] if line_key else variable_of(leaf) or leaf.key


def setting_of(leaf: Leaf, key: str) -> tuple[str, str]:
    """Return the file that a setting of *leaf* stands in, and its name there: keys joined by dots, or its line's *key*.

    The file is the document that the scalar belongs to, be it embedded or a file of its own.
    """
    entered = next((at for at, step in enumerate(leaf.path) if step.startswith("~")), None)
    if entered:
        return leaf.path[entered - 1], ".".join(leaf.path[entered + 1 :])
    if leaf.resource.kind or leaf.resource.manifest.is_text:
        return leaf.called, key
    return leaf.resource.manifest.path.rpartition("/")[2], ".".join(leaf.path)


def variable_of(leaf: Leaf) -> str:
    """Return the name of the environment variable that *leaf* sets, in a container or an environment file, else ''."""
    if leaf.resource.manifest.is_text:
        return leaf.key if leaf.nested is not None else ""
    item = leaf.path[-2] if len(leaf.path) > 2 and leaf.path[-3] == "env" and leaf.path[-1] == "value" else ""
    return item[len("[name=") : -1] if item.startswith("[name=") else ""


def line_settings(leaf: Leaf) -> Iterator[tuple[str, int, int]]:
    """Yield key, start and end of the value for each line ``key=value`` or ``key value`` of a text of such lines."""
    if not leaf.inside and "\n" in leaf.text:
        for match in _SETTING_LINE.finditer(leaf.text):
            yield match[1], *match.span(2)


def is_comment(leaf: Leaf, offset: int) -> bool:
    """Say whether the character *offset* of a text of several lines stands in a comment, as its format writes them."""
    before = leaf.text[leaf.text.rfind("\n", 0, offset) + 1 : offset]
    is_text = leaf.scalar.style in ("|", ">") or "\n" in leaf.text
    return is_text and (_COMMENT_LINE.match(before) is not None or (bool(leaf.inside) and "#" in before))


def is_comment_line(line: str) -> bool:
    """Say whether *line* is a comment and nothing else, in any of the formats about."""
    return _COMMENT_LINE.match(line) is not None


def is_script(leaf: Leaf) -> bool:
    """Say whether the text is a program: its comments are its author's, and nothing in them is changed."""
    is_named = leaf.key.endswith(_SCRIPT_KEYS) or _SHELL.match(leaf.text) is not None
    return is_named or lenses.is_script(leaf.resource.node, leaf.path)


def is_prose(leaf: Leaf) -> bool:
    """Say whether the text is written for people: a description, a page, the words of a CustomResourceDefinition."""
    return (
        leaf.resource.kind in PROSE_KINDS
        or leaf.key.lower() in _PROSE_KEYS
        or leaf.key.lower().endswith(_PROSE_ENDINGS)
    )


def is_name(leaf: Leaf, found: Placeholder) -> bool:
    """Say whether *found* is a variable's name with such a word in it: ``$CHANGEME_TOKEN``, ``CHANGEME_TOKEN=…``.

    So is the name of an environment variable, and a word in an action of a Go template, such as Helm's ``fail``.
    """
    begin = leaf.text.rfind("\n", 0, found.start) + 1
    before, behind = leaf.text[begin : found.start], leaf.text[found.end :]
    is_assigned = found.token.isidentifier() and not before.removeprefix("export ").strip()
    is_qualified = found.family == "host" and is_qualified_name(leaf, found)
    is_variable_name = leaf.key == "name" and any(step in ("env", "envFrom") for step in leaf.path[-3:-1])
    return (
        _VARIABLE.search(before) is not None
        or _FAIL.search(before) is not None
        or is_variable_name
        or is_qualified
        or (is_assigned and _ASSIGNED.match(behind) is not None)
    )


def is_qualified_name(leaf: Leaf, found: Placeholder) -> bool:
    """Say whether *found* is the domain of an API group or of a qualified name (``apps.example.com/v1``).

    They tell one name from another, and are no host that anything is reached by: the CustomResourceDefinition that
    goes with them keeps its own. Sources: Kubernetes API conventions; documentation, "Labels and Selectors".
    """
    is_prefix = found.start == 0 and leaf.text[found.end : found.end + 1] == "/"
    is_group = leaf.key in _GROUP_KEYS and found.start == 0 and (is_prefix or found.end == len(leaf.text))
    return is_group or (is_prefix and (leaf.key in _QUALIFIED_KEYS or leaf.path[-1:][0].startswith("[!")))


def comment_beside(leaf: Leaf, found: Placeholder | None = None) -> str:
    """Return what comments say of the scalar: behind it, and in the lines of comment right above; '' for nothing.

    In a text of several lines they are those of the line of *found*.
    """
    here = leaf.written
    if found is not None and "\n" in leaf.text.strip("\n"):
        here = Written(leaf.text, found.start, found.end)
    stop = here.text.find("\n", here.end)
    rest = here.text[here.end : stop if stop >= 0 else len(here.text)]
    said = [rest.partition("#")[2]] if "#" in rest else []
    at = here.text.rfind("\n", 0, here.start)
    while at >= 0:
        begin = here.text.rfind("\n", 0, at) + 1
        line = here.text[begin:at].strip()
        if not line.startswith(("#", ";", "//")):
            break
        said.append(line)
        at = begin - 1
    return " ".join(reversed(said))


def mark(leaf: Leaf) -> Placeholder | None:
    """Return the call to change that stands in the comment right behind the scalar (``# CHANGEME``), or None.

    It marks a value that is spelled innocently; offsets are those of the text that it is written in.
    """
    here = leaf.written
    at = here.end
    if leaf.scalar.style in ("|", ">") and leaf.nested is None:
        header = _BLOCK_HEADER.search(here.text, here.start, here.end)
        at = header.end() if header else at
    beside = _BESIDE.match(here.text, at)
    if beside is None:
        return None
    found = next((each for each in placeholders.find(beside[1]) if each.family == "token"), None)
    is_call = found is not None and re.match(r"<?_*(?:CHANGE|REPLACE)", found.token, re.IGNORECASE)
    if found is None or not is_call or not _LEADING.fullmatch(beside[1][: found.start]):
        return None
    start = beside.start(1)
    return Placeholder(start + found.start, start + found.end, found.token, found.family, found.role)
