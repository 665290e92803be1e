"""What a survey parses, and when: only the documents that somebody asks for, and a file's findings before the next."""

from __future__ import annotations

import pytest

from checks.asking import NOW, found, told
from wizard import resources
from wizard.checks import left
from wizard.structure import Tree
from wizard.survey import Survey, survey

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.shop.net
spec:
  description: Reached by https://<name>.example.com, or so
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {0}\nstringData:\n  key: CHANGEME_{0}\n"
BUNDLE = f"""\
# All in one
---
{DEFINITION}---
kind: Secret
apiVersion: v1
metadata: {{name: one, namespace: shop}}
stringData: {{key: CHANGEME_ONE}}
---
apiVersion: v1
"kind": Secret
metadata: {{name: one, namespace: shop}}
---
apiVersion: v1
kind: List
items:
  - {{kind: Secret, metadata: {{name: one, namespace: shop}}}}
  - {{kind: Service, metadata: {{name: two}}}}
---
just: values
...
---
---
apiVersion: v1
kind: Service  # in front of it all
metadata: {{name: two}}
"""


def _surveyed(files: dict[str, str]) -> Survey:
    return survey(Tree({path: text.encode() for path, text in files.items()}), None, NOW)


def test_what_no_rule_needs_is_not_parsed() -> None:
    seen = _surveyed(
        {"definition.yaml": DEFINITION, "role.yaml": "kind: Role\nmetadata: {name: a}\n", "s.yaml": SECRET.format("A")}
    )
    assert [each.line for each in left.findings(seen)] == [6]
    assert [each.name for each in seen.of_kind("Secret", "NetworkPolicy")] == ["A"]
    assert [each.path for each in seen.every if each.is_parsed] == ["s.yaml"]


def test_what_is_broken_is_told_where_nobody_needs_it() -> None:
    text = f"{SECRET.format('ONE')}---\n{DEFINITION}  broken: [\n"
    assert told(text, "unparseable") == [f"a.yaml:{text.count(chr(10)) + 1}"]


def test_the_first_finding_waits_for_no_later_file() -> None:
    text = "kind: ConfigMap\nmetadata: {name: a}\ndata: {word: CHANGEME_WORD}\n"
    seen = _surveyed({f"{each}.yaml": text for each in "abc"})
    told = left.findings(seen)
    assert next(told).file == "a.yaml"
    assert [each.path for each in seen.every if each.is_parsed] == ["a.yaml"]
    assert [each.file for each in told] == ["b.yaml", "c.yaml"]


def test_what_is_left_is_told_in_the_order_of_the_places() -> None:
    files = {f"{each}.yaml": f"# CHANGEME\n{SECRET.format(each.upper())}" for each in "cab"}
    places = [(each.file, each.line) for each in left.findings(_surveyed(files))]
    assert places == sorted(places)
    assert len(places) == 6


@pytest.mark.parametrize(
    "kinds", [{"Secret"}, {"Service"}, {""}, {"Secret", ""}, {"CustomResourceDefinition"}, {"Role"}]
)
def test_some_documents_alone_are_read_as_among_all(kinds: set[str]) -> None:
    some, every = resources.read("a.yaml", BUNDLE.encode()), resources.read("a.yaml", BUNDLE.encode())
    assert some is not None
    assert every is not None
    wanted = [each for each in every.resources if each.kind in kinds]
    apart = some.some(kinds)
    assert some.parsed < len(every.parts)
    assert [(each.ref, each.index, each.node) for each in apart] == [
        (each.ref, each.index, each.node) for each in wanted
    ]
    assert [each.span for each in apart] == [each.span for each in wanted]
    assert all(one is other for one, other in zip(apart, [r for r in some.resources if r.kind in kinds], strict=True))


def test_a_place_is_told_exactly_in_a_file_of_many_documents() -> None:
    places = [f"{each.file}:{each.line}:{each.column}" for each in found(BUNDLE) if each.id == "placeholder-left"]
    line = BUNDLE[: BUNDLE.index("CHANGEME_ONE")].count("\n") + 1
    column = BUNDLE.splitlines()[line - 1].index("CHANGEME_ONE") + 1
    assert places == [f"a.yaml:{line}:{column}"]
