"""Where secrets may not be kept: ConfigMaps, annotations, git, files that everybody reads; and what git has of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checks.asking import found, told
from wizard import git, store
from wizard.survey import Surroundings

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: matrix}\ndata:\n  it: |\n    # more\n    "
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: synapse-secrets, namespace: matrix}
stringData:
  MACAROON_SECRET: "%s"
"""
FILLED = SECRET % "q1w2e3r4t5y6u7i8o9p0q1w2e3r4t5y6u7i8o9p0"


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("smtp_pass: q1w2e3r4", 'smtp_pass: ""'),
        ("turn_shared_secret: 'q1w2e3r4'", "turn_shared_secret_path: /keys/q1w2e3r4"),
        ("form_secret: q1w2e3r4", "form_secret: ${FORM_SECRET}"),
        ("form_secret: q1w2e3r4", "form_secret: FORM_SECRET_HERE"),
        ("ALTER ROLE a PASSWORD 'q1w2e3r4';", "ALTER ROLE a PASSWORD :'secret';"),
        ("ALTER ROLE a PASSWORD 'q1w2e3r4';", "-- ALTER ROLE a PASSWORD 'q1w2e3r4';"),
        ("CONNECTION 'host=a password=q1w2e3r4 user=b'", "CONNECTION 'host=a user=b'"),
        ("CONNECTION 'password=q1w2e3r4 host=a'", "CONNECTION 'password=$(WORD) host=a'"),
        ("dsn: host=a password='q1w2e3r4'", "dsn: host=a password=''"),
        ("HOST=a PASSWORD=q1w2e3r4", "'host=' + host + ' password=' + word"),
        ("static-auth-secret=q1w2e3r4", "# static-auth-secret=q1w2e3r4"),
        ("recaptcha_private_key: q1w2e3r4", "recaptcha_private_key_path: /keys/q1w2e3r4"),
        ("alter role a PassWord 'q1w2e3r4';", "alter role a PassWord :'secret';"),
        ("requirepass q1w2e3r4", "include /run/secrets/q1w2e3r4"),
        ("-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----"),
    ],
)
def test_a_secret_in_a_configmap_is_told_with_the_way_out(line: str, mended: str) -> None:
    (each,) = [each for each in found(HEAD + line) if each.id == "secret-in-configmap"]
    assert (each.file, each.line, each.severity) == ("a.yaml", 7, "warning")
    assert "Secret" in each.fix or "_path" in each.fix or "include" in each.fix
    assert "q1w2e3r4" not in each.message + each.fix
    assert told(HEAD + mended, "secret-in-configmap") == []
    assert (
        told((HEAD + line).replace("ConfigMap", "Secret").replace("data:", "stringData:"), "secret-in-configmap") == []
    )


@pytest.mark.parametrize("part", [" host=a", " password=a", "host=", "password='"])
def test_a_file_of_one_endless_line_is_read_as_one(part: str) -> None:
    """By a search that begins anew at each of its words, this would not end within the hour."""
    assert told(HEAD + "password; " + part * 100_000, "secret-in-configmap") == []


def test_the_annotation_of_a_client_side_apply_is_told_where_it_holds_values() -> None:
    note = "kubectl.kubernetes.io/last-applied-configuration"
    body = '{"kind":"Secret","stringData":{"a":"q1w2e3r4"}}'
    head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: it\n  annotations:\n"
    text = f"{head}    {note}: |\n      {body}\ndata: {{a: cTF3}}\n"
    (each,) = [each for each in found(text) if each.id == "secret-in-annotation"]
    assert each.line == 6
    assert f"kubectl annotate secret it {note}-" in each.fix
    assert told(text.replace('"stringData":{"a":"q1w2e3r4"}', '"type":"Opaque"'), "secret-in-annotation") == []


def test_a_file_that_git_has_with_a_secret_is_told_and_one_with_its_placeholder_is_not() -> None:
    around = Surroundings(in_git=frozenset({"a.yaml"}))
    (each,) = [each for each in found(FILLED, around=around) if each.id == "secret-in-git"]
    assert (each.line, each.severity) == (5, "error")
    assert "macaroon-secret" in each.message
    blank = SECRET % "CHANGEME_SECURE_MACAROON_SECRET"
    assert [each for each in found(blank, around=around) if each.id == "secret-in-git"] == []
    assert [each for each in found(FILLED) if each.id == "secret-in-git"] == []


UNKNOWN = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData:\n  FOO_WORD: %s\n  BAR_WORD: %s\n"


def test_every_filled_entry_of_a_secret_counts_also_one_that_no_catalogue_knows() -> None:
    around = Surroundings(in_git=frozenset({"a.yaml"}), open_to_all=frozenset({"a.yaml"}))
    every = found(UNKNOWN % ("Xk29LmQp77ZtRw31Bn", "Yk29LmQp77ZtRw31Bn"), around=around)
    (each,) = [each for each in every if each.id == "secret-in-git"]
    assert (each.line, "BAR_WORD, FOO_WORD" in each.message, "k29L" in each.message + each.fix) == (5, True, False)
    assert [each.line for each in every if each.id == "open-to-all"] == [5]
    access = (UNKNOWN % ("Xk29LmQp77ZtRw31Bn", "''")).replace("FOO_WORD", "SECRET_ACCESS_KEY")
    assert [each.line for each in found(access, around=around) if each.id == "secret-in-git"] == [5]
    encoded = (UNKNOWN % ("WGsyOUxtUXA3N1p0UncK", "''")).replace("stringData", "data")
    assert [each.line for each in found(encoded, around=around) if each.id == "secret-in-git"] == [5]


@pytest.mark.parametrize(
    "text",
    [
        UNKNOWN % ("CHANGEME_FOO", "''"),
        UNKNOWN % ("${FOO}", "ENC[AES256_GCM,data:a]"),
        (UNKNOWN % ("Xk29LmQp77ZtRw31Bn", "a")).replace("kind: Secret", "kind: SealedSecret"),
        UNKNOWN % ("Xk29LmQp77ZtRw31Bn", "a") + "sops: {mac: 'ENC[AES256_GCM,data:a]'}\n",
        (UNKNOWN % ("grafana-reader", "synapse")).replace("FOO_WORD", "username").replace("BAR_WORD", "DB_HOST"),
        (UNKNOWN % ("AKIA1234567890ABCDEF", "synapse")).replace("FOO_WORD", "AWS_ACCESS_KEY_ID"),
        UNKNOWN % ("-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----"),
    ],
    ids=["placeholder", "reference", "sealed", "sops", "no secret", "key id", "public"],
)
def test_what_is_open_or_encrypted_or_no_secret_is_not_counted(text: str) -> None:
    around = Surroundings(in_git=frozenset({"a.yaml"}), open_to_all=frozenset({"a.yaml"}))
    assert [each.id for each in found(text, around=around) if each.id in ("secret-in-git", "open-to-all")] == []


def test_nothing_of_the_bundled_tree_before_it_is_filled_counts() -> None:
    root = Path(__file__).parents[2] / "templates"
    files = {str(path.relative_to(root)): path.read_text("utf-8") for path in root.rglob("*.yaml")}
    around = Surroundings(in_git=frozenset(files), open_to_all=frozenset(files))
    assert [each for each in found(files, around=around) if each.id in ("secret-in-git", "open-to-all")] == []


def test_an_entry_with_a_known_secret_in_its_text_is_told_by_that_alone() -> None:
    text = (SECRET % "").replace('MACAROON_SECRET: ""', "more.yaml: |\n    server_name: a.net\n    listeners: []")
    text += "    macaroon_secret_key: q1w2e3r4t5y6u7i8o9p0q1w2e3r4t5y6u7i8o9p0\n"
    around = Surroundings(in_git=frozenset({"a.yaml"}))
    (each,) = [each for each in found(text, around=around) if each.id == "secret-in-git"]
    assert (each.line, each.message.partition(" with ")[2]) == (8, "macaroon-secret in clear.")


def test_files_that_everybody_reads_are_one_finding_with_their_count() -> None:
    names = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"]
    tree = dict.fromkeys(names, FILLED) | {"e.yaml": HEAD}
    every = Surroundings(open_to_all=frozenset(tree))
    (each,) = [each for each in found(tree, around=every) if each.id == "open-to-all"]
    assert (each.file, each.line) == ("a.yaml", 5)
    assert "4 files" in each.message
    some = Surroundings(open_to_all=frozenset({"d.yaml", "e.yaml"}))
    (each,) = [each for each in found(tree, around=some) if each.id == "open-to-all"]
    assert (each.file, each.fix) == ("d.yaml", "chmod go= d.yaml")
    assert [each for each in found(HEAD, around=every) if each.id == "open-to-all"] == []


def _git(at: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=at, check=True, capture_output=True)


def test_git_has_a_file_as_long_as_it_is_the_one_that_was_added(tmp_path: Path) -> None:
    root = tmp_path / "below"
    root.mkdir()
    files = {"ä b.yaml": b"one\n", "other.yaml": b"two\n", "new.yaml": b"three\n"}
    for path, data in files.items():
        (root / path).write_bytes(data)
    assert git.has(root, files) == frozenset(), "no repository"
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", "below/ä b.yaml", "below/other.yaml")
    assert git.has(root, files) == {"ä b.yaml", "other.yaml"}
    assert git.has(root, files | {"other.yaml": b"filled\n"}) == {"ä b.yaml"}


def test_files_that_others_may_read_are_known_by_their_modes(tmp_path: Path) -> None:
    for name, mode in (("a.yaml", 0o644), ("b.yaml", 0o640), ("c.yaml", 0o600)):
        (tmp_path / name).write_text("kind: Secret\n")
        (tmp_path / name).chmod(mode)
    tree = store.open_tree(tmp_path)
    (tmp_path / "c.yaml").unlink()
    assert store.open_to_all(tree) == {"a.yaml"}
