"""The list of a kustomization that is kept here: line by line where it can be, and never more than its list."""

from __future__ import annotations

import pytest

from wizard import kustomizations, lenses
from wizard.errors import RefusedError
from wizard.resources import Resource, read

LABEL = "metadata: {labels: {app.kubernetes.io/managed-by: matrix-wizard}}\n"


def kustomization(text: str, path: str = "Kustomization") -> Resource:
    manifest = read(path, f"kind: Kustomization\n{LABEL}{text}".encode())
    assert manifest
    [resource] = kustomizations.of([manifest])
    return resource


def arranged(text: str, *applied: str, path: str = "Kustomization") -> str:
    """Return what becomes of a kustomization, and prove that the undo has what stood there."""
    resource = kustomization(text, path)
    made = kustomizations.arrange([resource], applied)
    for each in made:
        assert all(undo.original in resource.manifest.text for undo in each.change.undo)
    after = lenses.apply(resource.manifest.text, [each.change.edit for each in made])
    return after.partition(LABEL)[2]


def test_lines_that_stay_right_stay_as_they_are_written() -> None:
    text = (
        "resources:\n  # first\n  - 'a.yaml'  # quoted\n  - gone.yaml\n\n  - ../shared\n  # of them\n  - b.yaml\nx: 1\n"
    )
    after = (
        "resources:\n  # first\n  - 'a.yaml'  # quoted\n\n  - ../shared\n  # of them\n  - b.yaml\n  - c/d.yaml\nx: 1\n"
    )
    assert arranged(text, "a.yaml", "b.yaml", "c/d.yaml") == after
    assert arranged(after, "a.yaml", "b.yaml", "c/d.yaml") == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("resources: [gone.yaml, a.yaml]\n", 'resources: ["a.yaml", "b c.yaml"]\n'),
        ("resources: []\n", 'resources: ["a.yaml", "b c.yaml"]\n'),
        ("resources:\n- gone.yaml\n", 'resources:\n- a.yaml\n- "b c.yaml"\n'),
        ("resources:\n- gone.yaml", 'resources:\n- "a.yaml"\n- "b c.yaml"'),
    ],
)
def test_a_list_in_any_form_is_kept(text: str, after: str) -> None:
    assert arranged(text, "a.yaml", "b c.yaml") == after


def test_a_new_line_stands_where_it_sorts_so_that_a_list_comes_back_as_it_was() -> None:
    whole = "resources:\n  - a.yaml\n  # of b\n  - b.yaml\n  - c.yaml\n  - d.yaml\n"
    some = arranged(whole, "b.yaml", "d.yaml")
    assert some == "resources:\n  # of b\n  - b.yaml\n  - d.yaml\n"
    assert arranged(some, "a.yaml", "b.yaml", "c.yaml", "d.yaml") == whole


def test_one_that_has_no_list_gets_one() -> None:
    assert 'resources:\n  - "a.yaml"\n' in lenses.apply(
        kustomization("x: 1\n").manifest.text,
        [each.change.edit for each in kustomizations.arrange([kustomization("x: 1\n")], ["a.yaml"])],
    )


def test_files_are_listed_as_seen_from_their_kustomization() -> None:
    text = "resources:\n- ../b.yaml\n- ./a.yaml\n- gone.yaml\n"
    assert arranged(text, "b.yaml", "d/a.yaml", "d/e/f.yaml", path="d/Kustomization") == (
        "resources:\n- ../b.yaml\n- ./a.yaml\n- e/f.yaml\n"
    )


def test_line_ends_stay_those_of_the_file() -> None:
    manifest = read("Kustomization", f"{LABEL}resources:\n- a.yaml\n".replace("\n", "\r\n").encode())
    assert manifest
    [made] = kustomizations.arrange(kustomizations.of([manifest]), ["a.yaml", "b.yaml"])
    assert lenses.apply(manifest.text, [made.change.edit]).endswith("\r\n- a.yaml\r\n- b.yaml\r\n")


def test_a_list_that_cannot_be_written_is_refused() -> None:
    """Beside another document in its file, which kustomize refuses as well."""
    manifest = read("Kustomization", f"{LABEL}resources: [gone.yaml]\n---\nkind: Component\n".encode())
    assert manifest
    with pytest.raises(RefusedError):
        kustomizations.arrange(manifest.resources[:1], ["a.yaml"])


def test_who_keeps_a_kustomization_is_said_in_its_labels_and_by_its_name() -> None:
    assert kustomizations.is_kept(kustomization(""))
    for path, text in (("Kustomization", "resources: []\n"), ("other.yaml", LABEL)):
        manifest = read(path, f"kind: Kustomization\n{text}".encode())
        assert manifest
        assert [kustomizations.is_kept(each) for each in manifest.resources] == [False]
