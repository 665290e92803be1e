"""The layers of DESIGN as a table: who may import whom, which package, and which part of the machine.

Read from the source by `ast`, imports inside functions and for type checking included.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "wizard"

WORDS = frozenset(
    {"annotationnames", "catalogue", "controllers", "errors", "placeholders", "procedures", "rules", "secret"}
)
# Each row of the head may import the rows above it, and none of its own.
HEAD = (
    {"codec", "gotemplate", "invocation", "keys", "manifests", "mint", "served", "finding", "yamltypes"},
    {"base64text", "formats", "lenses", "vault"},
    {"entries", "audit", "holes", "lock", "networks", "resources", "sealing"},
    {"access", "backup", "contexts", "networkpolicies", "makers", "overlap", "questions", "workloads"},
    {"answers", "clauses", "consumed", "meanings", "pods", "schema", "weak"},
    {"configurations", "kustomizations", "mail", "oldkeys"},
    {"homeserver"},
    {"answerfile", "answersheet", "sites", "traces", "values"},
    {"firewall", "interview", "rollout", "search", "servers"},
    {"actions", "afterwards", "diff", "fields", "filling", "originals", "proof", "selection"},
    {"structure", "union"},
    {"plan", "exposure", "rotation", "survey"},
    {"scripts"},
    {"checks", "drift", "entrymends", "live", "onlyyou", "parcel", "renewal", "review", "runsheet"},
    {"baseline", "check", "ignores", "mends"},
    {"outcome"},
    {"report", "sarif"},
)
BELOW_THE_HANDS = frozenset({"files", "host"})
HANDS = frozenset({"cluster", "console", "git", "keystore", "lines", "pins", "prompt", "resume", "sources", "store"})
VERBS = frozenset(
    {"checking", "commands", "custody", "exchange", "hunting", "mending", "merging", "people", "rotating", "stepping"}
)
STORY = VERBS | {"comparing", "consent", "guard", "guide", "opening", "secondkey"}
BESIDE_THE_DOOR = frozenset({"completion", "helppage"})
DOOR = (
    "passphrases",
    "options",
    "checkcli",
    "custodycli",
    "exchangecli",
    "huntcli",
    "rotatecli",
    "cli",
)  # each imports those before

# The lenses are one module to all others but `resources`, which stacks them. Rows as above.
LENSES = (
    {"armour", "region"},
    {"encoded", "strings", "text"},
    {"conninfo", "coturn", "environment", "flow", "ini", "jsontext", "sql", "url", "words"},
    {"block", "haproxy", "redisconf", "shell"},
    {"scalar"},
    {"nesting"},
)
STACKED = {"lenses.encoded", "lenses.region", "lenses.scalar"}

# What is not of Python's own library, by the name it is imported by, and who alone may.
PACKAGES = {
    "_ruamel_yaml": {"manifests"},
    "bcrypt": {"mint"},
    "click": {
        "checkcli",
        "cli",
        "completion",
        "custodycli",
        "exchangecli",
        "helppage",
        "huntcli",
        "options",
        "rotatecli",
    },
    "cryptography": {"keys", "mint"},
    "keyring": {"keystore"},
    "nacl": {"keys", "mint"},
    "prompt_toolkit": {"prompt"},
    "pyrage": {"formats", "keystore", "sealing"},
    "questionary": {"prompt"},
    "ruamel": {"answerfile", "manifests"},
}
LIGHT = {"click"}  # every other is imported inside the function that uses it, which `--help` never calls

# What of Python's own library touches the machine, and who alone may import it.
MACHINE = {
    "fcntl": {"files", "store"},
    "getpass": set[str](),
    "os": {"console", "files", "host", "sources", "store"},
    "random": set[str](),
    "secrets": {"keystore", "mint", "secondkey", "vault"},
    "socket": set[str](),
    "stat": {"files", "sources"},
    "subprocess": {"cluster", "git"},
    "sys": {"__main__", "console", "host", "lines"},
    "tempfile": set[str](),
    "termios": {"host"},
    "threading": {"keystore", "mint"},
    "time": {"cluster"},
    "uuid": {"mint"},
}
# Calls by which a head would reach for a terminal, a file or the clock without any import.
BUILTINS = frozenset({"input", "open", "print"})
METHODS = frozenset(
    {"exists", "glob", "is_dir", "is_file", "iterdir", "mkdir", "open", "read_bytes", "read_text", "rename", "stat"}
    | {"touch", "unlink", "write_bytes", "write_text", "now", "today", "utcnow"}
)


class Import(NamedTuple):
    """One import: by whom, of what (dotted, without `wizard.`), whether a function or only a type checker does it."""

    by: str
    name: str
    inside: bool
    typing: bool

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(by: str) -> Iterator[Import]:
    """Yield the imports of the module *by*; a name out of one of our packages counts as the module that it is."""

    def walk(node: ast.AST, inside: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(by, alias.name, inside, typing) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                for alias in child.names:
                    dotted = f"{child.module}.{alias.name}"
                    is_module = dotted.removeprefix("wizard.") in SOURCES
                    yield Import(by, dotted if is_module else str(child.module), inside, typing)
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            is_typing = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            yield from walk(child, inside or is_function, typing or is_typing)

    yield from walk(ast.parse(SOURCES[by].read_text("utf-8")), False, False)


EVERY = [each for module in SOURCES for each in imports(module)]
OURS = [each._replace(name=each.name.removeprefix("wizard.")) for each in EVERY if each.top == "wizard"]


def head_above(row: int) -> set[str]:
    return set().union(*HEAD[:row])


def allowed() -> dict[str, AbstractSet[str]]:
    """Return for each module of ours those that it may import."""
    head = head_above(len(HEAD))
    below = WORDS | head | BELOW_THE_HANDS
    table: dict[str, AbstractSet[str]] = {word: set() for word in WORDS}
    for number, row in enumerate(HEAD):
        table |= {module: WORDS | head_above(number) for module in row}
    table["resources"] = table["resources"] | STACKED
    table |= dict.fromkeys(BELOW_THE_HANDS, WORDS)
    table |= dict.fromkeys(HANDS, below)
    # A verb gives back data; the door has it shown, and hands the terminal down to whoever asks.
    table |= {module: below | HANDS - {"console", "lines", "prompt"} for module in STORY}
    table["guard"] = table["guard"] | {"opening"}
    table |= {module: table[module] | {"consent", "guard", "guide", "opening", "secondkey"} for module in VERBS}
    table["rotating"] = table["rotating"] | {"stepping"}
    table["comparing"] = table["comparing"] | {"opening", "stepping"}
    table["checking"] = table["checking"] | {"comparing"}
    table["mending"] = table["mending"] | {"checking"}
    table["commands"] = table["commands"] | {"checking"}
    table["guide"] = table["guide"] | {"wizard"}
    table |= dict.fromkeys(BESIDE_THE_DOOR, WORDS | head)  # they tell what may be typed, and do nothing
    doors = {module: below | HANDS | STORY | BESIDE_THE_DOOR | {"wizard"} for module in DOOR}
    table |= {module: allowed | set(DOOR[:row]) for row, (module, allowed) in enumerate(doors.items())}
    table["__main__"] = {"cli"}
    for number, inner in enumerate(LENSES):
        above = {f"lenses.{lens}" for row in LENSES[:number] for lens in row}
        table |= {f"lenses.{lens}": above | {"manifests"} for lens in inner}
    # Each family of rules may import what stands above the package, and no other family.
    families = {name for name in SOURCES if name.startswith("checks.")}
    table |= dict.fromkeys(families, table["checks"])
    table["checks"] = table["checks"] | families
    table["mends"] = table["mends"] | {"checks.keeping"}  # which files a finding about several is about
    groups = {name for name in SOURCES if name.startswith("rules.") and name != "rules.rule"}
    table |= {group: {"rules.rule"} for group in groups}
    table |= {"rules.rule": set(), "rules": groups | {"rules.rule"}}
    table["lenses"] = table["lenses"] | {f"lenses.{lens}" for row in LENSES for lens in row}
    return table


def test_every_module_has_its_place_in_the_table() -> None:
    assert set(SOURCES) - {"__init__"} == set(allowed())


@pytest.mark.parametrize("module", sorted(set(SOURCES) - {"__init__"}))
def test_arrows_point_downwards(module: str) -> None:
    assert {each.name for each in OURS if each.by == module} <= allowed()[module]


def test_no_module_imports_itself_by_a_detour() -> None:
    """Proved on the imports themselves, whatever the table says."""
    below = {module: {each.name for each in OURS if each.by == module} & set(SOURCES) for module in SOURCES}
    while leaves := [module for module, others in below.items() if not others & below.keys()]:
        for module in leaves:
            del below[module]
    assert below == {}


def test_each_package_is_imported_only_where_the_table_says() -> None:
    found: dict[str, set[str]] = {}
    for each in EVERY:
        if each.top != "wizard" and each.top not in sys.stdlib_module_names:
            found.setdefault(each.top, set()).add(each.by)
    assert found == PACKAGES


def test_heavy_packages_are_imported_inside_functions() -> None:
    heavy = PACKAGES.keys() - LIGHT
    assert [each for each in EVERY if each.top in heavy and not (each.inside or each.typing)] == []


def test_the_machine_is_touched_only_where_the_table_says() -> None:
    found = {name: {each.by for each in EVERY if each.top == name} for name in MACHINE}
    assert found == MACHINE


@pytest.mark.parametrize("module", sorted(head_above(len(HEAD)) | WORDS))
def test_the_head_reaches_for_no_terminal_file_or_clock(module: str) -> None:
    paths = [SOURCES[module], *(SOURCES[name] for name in SOURCES if name.startswith(f"{module}."))]
    calls = [
        node.func
        for path in paths
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    ]
    assert {each.id for each in calls if isinstance(each, ast.Name)} & BUILTINS == set()
    assert {each.attr for each in calls if isinstance(each, ast.Attribute)} & METHODS == set()
