"""kustomize builds what its list names: what is not there is told, and of a list that is kept here what is wrong."""

from __future__ import annotations

import pytest

from checks.asking import found, told
from wizard.answers import Answers
from wizard.check import check
from wizard.sites import Scope
from wizard.structure import Tree
from wizard.survey import Surroundings, Survey, survey

RULE = "kustomization-list"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
HEAD = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
KEPT = f"{HEAD}metadata: {{labels: {{app.kubernetes.io/managed-by: matrix-wizard}}}}\n"


def listing(*paths: str, head: str = HEAD) -> str:
    return head + "resources:\n" + "".join(f"- {each}\n" for each in paths)


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_listed_file_that_is_not_there_is_told_of_any_kustomization(name: str) -> None:
    files = {"app/a.yaml": OBJECT, f"app/{name}": listing("a.yaml", "b.yaml", "./c/../a.yaml")}
    assert told(files, RULE) == [f"app/{name}:5"]
    assert told({**files, "app/b.yaml": OBJECT}, RULE) == []


def test_a_second_kustomization_in_a_directory_is_told() -> None:
    files = {"a.yaml": OBJECT, "Kustomization": listing("a.yaml"), "d/Kustomization": listing("../a.yaml")}
    assert told(files, RULE) == []
    assert told({**files, "kustomization.yaml": listing("a.yaml")}, RULE) == ["kustomization.yaml:1"]


def test_what_may_lie_elsewhere_is_not_missed() -> None:
    elsewhere = ["https://git.example.org/a.yaml", "../../a.yaml", "github.com/org/repo//deploy?ref=v1", "base"]
    assert told({"app/kustomization.yaml": listing(*elsewhere), "app/base/x.yaml": OBJECT}, RULE) == []
    template = "resources:\n{{- range .Files }}\n- {{ . }}.yaml\n{{- end }}\n"
    assert told({"kustomization.yaml": template}, RULE) == []


def test_what_a_symlink_leads_to_is_not_missed() -> None:
    files = {"base/a.yaml": OBJECT, "app/kustomization.yaml": listing("link.yaml", "dir/a.yaml", "directory/a.yaml")}
    around = Surroundings(links=frozenset({"app/link.yaml", "app/dir"}))
    assert [each.line for each in found(files, around=around) if each.id == RULE] == [6]
    assert len(told(files, RULE)) == 3


def test_flux_has_a_kind_of_that_name() -> None:
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nresources: [gone.yaml]\n"
    assert told({"sync.yaml": flux}, RULE) == []


def test_what_is_in_use_is_missed_only_in_a_list_that_is_kept_here() -> None:
    files = {"a.yaml": OBJECT, "b/c.yaml": OBJECT, "values.yaml": "replicas: 1\n", ".hidden.yaml": OBJECT}
    assert told({**files, "Kustomization": listing("a.yaml")}, RULE) == []
    wrong = [
        each.message for each in found({**files, "Kustomization": listing("a.yaml", head=KEPT)}) if each.id == RULE
    ]
    assert wrong == ["b/c.yaml is in use, and it is not listed here."]
    assert told({**files, "Kustomization": listing("a.yaml", "b/c.yaml", head=KEPT)}, RULE) == []
    below = {"a.yaml": OBJECT, "b/c.yaml": OBJECT, "b/Kustomization": listing("c.yaml", head=KEPT)}
    assert told(below, RULE) == []


def test_what_holds_no_objects_or_is_broken_is_not_to_be_listed() -> None:
    files = {"a.yaml": OBJECT, "values.yaml": "replicas: 1\n"}
    assert told({**files, "Kustomization": listing("a.yaml", "values.yaml", head=KEPT)}, RULE) == ["Kustomization:6"]


def test_a_part_that_is_switched_off_is_not_to_be_listed() -> None:
    files = {"a.yaml": OBJECT, "livekit.yaml": OBJECT.replace("x}", "livekit}")}

    def wrong(*listed: str, off: frozenset[str]) -> list[str]:
        tree = {**files, "Kustomization": listing(*listed, head=KEPT)}
        whole = survey(Tree({path: text.encode() for path, text in tree.items()}), None, "2026-11-27T00:00:00Z")
        seen = Survey(whole.tree, whole.every, Scope(Answers(), (), off), whole.now, whole.around)
        return [each.message for each in check(seen) if each.id == RULE]

    both, off = ("a.yaml", "livekit.yaml"), frozenset({"livekit"})
    assert wrong(*both, off=frozenset()) == wrong("a.yaml", off=off) == []
    assert wrong(*both, off=off) == ["livekit.yaml is listed here, and it is switched off."]
    assert wrong("a.yaml", off=frozenset()) == ["livekit.yaml is in use, and it is not listed here."]
