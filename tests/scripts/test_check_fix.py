"""check --fix puts right what is mechanical, after a plan: on trees that nobody has set up, and on filled ones."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Filled
from .runs import Run, run
from .small import LayOut


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


KEY = f"ed25519 a_AbCd {encoded('thirty-two octets, as a key has.').rstrip('=')}\n"
WRAPPED = encoded("In-many-lines-" * 8)
LINES = "\n    ".join(WRAPPED[at : at + 76] for at in range(0, len(WRAPPED), 76))
TREE = f"""\
# by hand
apiVersion: v1
kind: Secret
metadata:
  name: mine
  namespace: chat
  annotations: {{tries: 0123}}   # as it was typed
type: kubernetes.io/basic-auth
data:
  folded: >-
    {LINES}
  missing: Not-base64:at,all
  password: {encoded("With-a-line-end" + chr(10))}
  fine: {encoded("Fine")}
---
apiVersion: v1
kind: Secret
metadata: {{name: synapse-secrets, namespace: chat}}
data:
  signing.key: {encoded(encoded(KEY))}
---
apiVersion: v1
kind: Secret
metadata: {{name: synapse-li-secrets, namespace: chat}}
stringData:
  signing.key: |
    {encoded(KEY)}
"""


def fixed(tree: Path, *argv: str) -> Run:
    return run("check", "--fix", "--no-input", "--tree", str(tree), *argv)


def secret(tree: Path) -> Any:
    return next(yaml.safe_load_all((tree / "main.yaml").read_text()))


def rules(tree: Path) -> list[str]:
    return [each["id"] for each in run("check", "--json", "--tree", str(tree)).data["findings"]]


MENDED = {
    "base64-wrapped",
    "base64-missing",
    "base64-twice",
    "trailing-newline",
    "base64-in-plain",
    "not-a-string",
}
MODE = {"open-to-all"}  # of whoever runs this, as the umask is


def test_what_is_mechanical_is_put_right_and_nothing_else_changes(lay_out: LayOut) -> None:
    tree = lay_out(TREE).tree
    assert set(rules(tree)) >= MENDED
    done = fixed(tree, "--yes", "--json")
    found = secret(tree)
    texts = {key: base64.b64decode(text, validate=True).decode() for key, text in found["data"].items()}
    assert texts["folded"] == "In-many-lines-" * 8
    assert texts["missing"] == "Not-base64:at,all"
    assert texts["password"] == "With-a-line-end"
    assert texts["fine"] == "Fine"
    _, main, li = yaml.safe_load_all((tree / "main.yaml").read_text())
    assert base64.b64decode(main["data"]["signing.key"]).decode() == KEY
    assert li["stringData"]["signing.key"] == KEY.strip()
    assert found["metadata"]["annotations"] == {"tries": "0123"}
    assert {each["id"] for each in done.data["fixed"]} - MODE == MENDED
    assert not {each["id"] for each in done.data["findings"]} & MENDED, "it is checked again"
    text = (tree / "main.yaml").read_text()
    assert text.startswith("# by hand\n")
    assert '{tries: "0123"}   # as it was typed' in text
    assert [path.name for path in tree.rglob("*") if path.is_file()] == ["main.yaml"], "none of our files is made"
    assert fixed(tree, "--yes", "--json").data["fixed"] == []
    assert (tree / "main.yaml").read_text() == text


def test_files_with_secrets_that_others_read_become_the_owners_own_and_no_directory_is_left(lay_out: LayOut) -> None:
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: synapse-secrets, namespace: chat}\ndata:\n"
    text = f"{head}  signing.key: {encoded(KEY)}\n"
    tree = lay_out(text).tree
    (tree / "other.yaml").write_text("kind: ConfigMap\nmetadata: {name: a}\n")
    for file in tree.iterdir():
        file.chmod(0o644)
    assert "open-to-all" in rules(tree)
    dry = fixed(tree, "--dry-run")
    assert "others may no longer read main.yaml" in dry.err
    assert (tree / "main.yaml").stat().st_mode & 0o777 == 0o644
    done = fixed(tree, "--yes", "--json")
    assert [each["id"] for each in done.data["fixed"]] == ["open-to-all"]
    assert "open-to-all" not in [each["id"] for each in done.data["findings"]], "it is checked again"
    modes = {file.name: file.stat().st_mode & 0o777 for file in tree.iterdir()}
    assert modes == {"main.yaml": 0o600, "other.yaml": 0o644}, "and our own directory is not among them"
    assert (tree / "main.yaml").read_text() == text


def test_the_plan_holds_no_secret_and_nothing_is_written_without_consent(lay_out: LayOut) -> None:
    tree = lay_out(TREE).tree
    unsaid = fixed(tree)
    assert (unsaid.code, "Give -y" in unsaid.err) == (2, True), unsaid.text
    dry = fixed(tree, "--dry-run")
    assert "main.yaml:13:" in dry.err
    assert "Nothing was written." in dry.err
    assert "\n-" in dry.err and "\n+" in dry.err, "the diff"
    assert (tree / "main.yaml").read_text() == TREE
    done = fixed(tree, "--yes")
    for text in ("In-many-lines", "Not-base64", "With-a-line-end", "a_AbCd", encoded(KEY)):
        assert text not in unsaid.text + dry.text + done.text
    for option in ("--yes", "--dry-run"):
        assert run("check", option, "--tree", str(tree)).code == 2


@pytest.mark.parametrize(
    "entry",
    [
        "data: {cut-off: TWFueQ}",  # base64 that lost its end, or a text
        f"data: {{twice: {encoded(encoded('a text of somebody'))}}}",  # some programs decode it themselves
        f"stringData: {{plain: {encoded('a text of somebody')}}}",
        "stringData: {a: CHANGEME_TURN_PASSWORD}",
    ],
)
def test_what_is_not_certain_is_left(lay_out: LayOut, entry: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: mine}}\n{entry}\n"
    tree = lay_out(text).tree
    (tree / "main.yaml").chmod(0o600)
    before = rules(tree)
    assert before
    done = fixed(tree, "--yes", "--json")
    assert (done.data["fixed"], (tree / "main.yaml").read_text()) == ([], text)
    assert [each["id"] for each in done.data["findings"]] == before


def test_a_finding_that_is_ignored_is_left(lay_out: LayOut) -> None:
    ignored = "Not-base64:at,all  # matrix-wizard: ignore base64-missing -- the operator fills it in"
    tree = lay_out(TREE.replace("Not-base64:at,all", ignored)).tree
    done = fixed(tree, "--yes", "--json")
    assert {each["id"] for each in done.data["fixed"]} - MODE == MENDED - {"base64-missing"}
    assert secret(tree)["data"]["missing"] == "Not-base64:at,all"


def test_in_a_filled_tree_it_keeps_step_with_the_vault(one: Filled) -> None:
    deployment = one.deployment
    path = next(path for path, data in deployment.files().items() if b"name: coturn-secrets" in data)
    extra = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: mine, namespace: chat}\ndata: {a: 'a:b c'}\n"
    file = deployment.tree / path
    file.write_text(f"{file.read_text()}\n{extra}")
    done = deployment.run("check", "--fix", "--no-input", "--yes", "--json")
    found = [each["id"] for each in done.data["fixed"]]
    assert [each for each in found if each != "field-deprecated"] == ["base64-missing"], "and the solvers of before"
    assert yaml.safe_load(file.read_text().rpartition("---\n")[2])["data"] == {"a": encoded("a:b c")}
    assert '"verb":"fix"' in (deployment.state / "audit.log").read_text().splitlines()[-1].replace(" ", "")
    assert deployment.show("turn-secret") == one.values["turn-secret"]
    assert "No byte was changed" in deployment.setup().out
    assert not [each for each in done.data["findings"] if each["id"] in ("audit-log", "base64-missing")]


def test_an_entry_that_setup_follows_is_setups_to_change(lay_out: LayOut) -> None:
    """An allow-list that was filled in is recorded under its name; another annotation of the same Ingress is not."""
    note = "haproxy.org/whitelist"
    text = (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: synapse-li\n  namespace: chat\n"
        f"  annotations:\n    {note}: YOUR_LAW_ENFORCEMENT_IPS\n    haproxy.org/ssl-redirect: 'true'\n"
        "    kubernetes.io/ingress.class: haproxy\n    cert-manager.io/cluster-issuer: letsencrypt-prod\n"
        "spec:\n  rules:\n    - host: matrix-li.example.com\n"
    )
    deployment = lay_out(text)
    assert deployment.setup().code == 0
    filled = yaml.safe_load((deployment.tree / "main.yaml").read_text())
    done = fixed(deployment.tree, "--yes", "--json")
    assert [each["what"] for each in done.data["fixed"] if each["id"] not in MODE] == [
        "the annotation kubernetes.io/ingress.class becomes spec.ingressClassName"
    ]
    found = yaml.safe_load((deployment.tree / "main.yaml").read_text())
    assert found["metadata"]["annotations"][note] == filled["metadata"]["annotations"][note]
    assert found["spec"]["ingressClassName"] == "haproxy"
    again = deployment.setup()
    assert "No byte was changed" in again.out, again.text
