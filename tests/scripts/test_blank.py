"""blank puts back every byte, with hand edits kept, and setup fills the same tree again."""

from __future__ import annotations

from collections.abc import Container

import pytest

from .conftest import Filled
from .runs import Deployment, originals


def as_made(tree: str, standing: Container[str]) -> dict[str, bytes]:
    """Return the files of a tree before it is filled; the list of its kustomization is made with what is *standing*."""
    files = originals(tree)
    if tree == "bundled":
        lines = files["Kustomization"].decode().splitlines(keepends=True)
        listed = [line for line in lines if not line.startswith("  - ") or line[4:].rstrip() in standing]
        files["Kustomization"] = "".join(listed).encode()
    return files


def test_blank_is_the_way_back_to_the_byte_and_setup_the_way_again(filled: Filled) -> None:
    deployment = filled.deployment
    filled_files = deployment.files()
    blanked = deployment.blank()
    assert blanked.code == 0, blanked.err
    before = as_made(filled.tree, filled_files)
    expected = {path: before[path] for path in (filled_files if filled.tree == "bundled" else before)}
    different = [path for path in expected if deployment.files().get(path) != expected[path]]
    assert different == []
    assert deployment.files().keys() == expected.keys()

    again = deployment.setup()
    assert again.code == 0, again.err
    different = [path for path, data in deployment.files().items() if filled_files.get(path) != data]
    assert different == []
    assert deployment.files().keys() == filled_files.keys()


def test_blank_says_that_what_was_made_by_hand_is_in_the_vault(one: Filled) -> None:
    deployment = one.deployment
    was, typed = one.values["turn-secret"], "Typed-by-hand-in-the-tree-42"
    for path, data in deployment.files().items():
        if was.encode() in data:
            deployment.edit(path, was, typed)
    unkept = "turn-secret was edited by hand here and is not in the vault"
    assert unkept in deployment.run("blank", "--dry-run").out
    before = deployment.everything()
    stopped = deployment.blank()
    assert (stopped.code, unkept in stopped.err, typed in stopped.text) == (3, True, False)
    assert " blank --tree " in stopped.err and " --restore\n" in stopped.err and deployment.everything() == before
    assert deployment.copy(one.deployment.home.with_name("lost")).blank("--restore").code == 0
    adopted = deployment.setup("--adopt")
    assert (adopted.code, "Adopted: turn-secret as it was edited by hand at " in adopted.err) == (0, True)
    told = "The vault keeps every value, also what was made by hand: turn-secret."
    planned = deployment.run("blank", "--dry-run").out
    assert (told in planned, unkept in planned) == (True, False)
    blanked = deployment.blank()
    assert (blanked.code, told in blanked.out) == (0, True)
    assert deployment.show("turn-secret") == typed
    assert typed not in blanked.text + adopted.text


def test_a_second_blank_has_nothing_to_do(full: Filled) -> None:
    assert full.deployment.blank().code == 0
    before, times = full.deployment.everything(), full.deployment.times()
    again = full.deployment.blank()
    assert again.code == 0, again.err
    assert full.deployment.everything() == before
    assert full.deployment.times() == times


def test_blank_after_other_answers_still_gives_the_first_tree(full: Filled) -> None:
    first = full.deployment.files()
    changed = full.deployment.setup("--set", "smtp.security=none", "--set", "smtp.host=relay.chat-corp.net",
                                    "--set", "lawful_intercept.allowed_cidrs=[185.60.112.0/24]")  # fmt: skip
    assert changed.code == 0, changed.err
    assert full.deployment.blank().code == 0
    before = as_made(full.tree, first)
    paths = first if full.tree == "bundled" else before
    different = [path for path in paths if full.deployment.files()[path] != before[path]]
    assert different == []


def test_hand_edits_outlive_blank_and_setup_in_the_operators_tree(fill_checklist: Filled) -> None:
    deployment = fill_checklist.deployment
    edit_checklist(deployment)
    edited = deployment.files()
    again = deployment.setup()
    assert again.code == 0, again.err
    assert different(deployment, edited) == []

    blanked = deployment.blank()
    assert blanked.code == 0, blanked.err
    edit_original = Deployment(deployment.home / "original")
    for path, data in originals("checklist").items():
        (edit_original.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (edit_original.tree / path).write_bytes(data)
    edit_checklist(edit_original)
    assert different(deployment, edit_original.files()) == []

    assert deployment.setup().code == 0
    assert different(deployment, edited) == []


def test_hand_edits_outlive_blank_in_the_other_dress(fill_dress: Filled) -> None:
    deployment = fill_dress.deployment
    edit_dress(deployment)
    edited = deployment.files()
    assert deployment.setup().code == 0
    assert different(deployment, edited) == []
    assert deployment.blank().code == 0
    edit_original = Deployment(deployment.home / "original")
    for path, data in originals("dress").items():
        (edit_original.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (edit_original.tree / path).write_bytes(data)
    edit_dress(edit_original)
    assert different(deployment, edit_original.files()) == []


@pytest.mark.parametrize("wording", ["the password", " (filled in)"])
def test_a_comment_that_was_reworded_stays_so(fill_dress: Filled, wording: str) -> None:
    fill_dress.deployment.edit("platform/databases.yml", "# (filled in) stands", f"# {wording} stands")
    edited = fill_dress.deployment.files()
    assert fill_dress.deployment.setup().code == 0
    assert different(fill_dress.deployment, edited) == []


def test_a_comment_is_put_back_in_the_file_to_which_its_document_moved(fill_checklist: Filled) -> None:
    file = fill_checklist.deployment.tree / "main-instance/06-coturn/deployment.yaml"
    original = originals("checklist")["main-instance/06-coturn/deployment.yaml"].decode()
    secret, config = "kind: Secret\n", "---\napiVersion: v1\nkind: ConfigMap\n"
    assert secret in original.partition(config)[0]
    head, mark, tail = file.read_text().partition(config)
    file.write_text(mark + tail)
    (file.parent / "secret.yaml").write_text(head)
    assert fill_checklist.deployment.blank().code == 0
    assert (file.parent / "secret.yaml").read_text() == original.partition(config)[0]


def test_a_lost_site_is_said_and_nothing_is_guessed(one: Filled) -> None:
    one.deployment.edit("main-instance/06-coturn/deployment.yaml", "  TURN_PASSWORD:", "  RENAMED:")
    blanked = one.deployment.blank("--json")
    assert blanked.code == 0, blanked.err
    assert any("turn-password" in note["what"] for note in blanked.data["notes"])
    after = (one.deployment.tree / "main-instance/06-coturn/deployment.yaml").read_text()
    assert f'RENAMED: "{one.values["turn-password"]}"' in after


def different(deployment: Deployment, files: dict[str, bytes]) -> list[str]:
    now = deployment.files()
    return sorted(path for path in now.keys() | files.keys() if now.get(path) != files.get(path))


def edit_checklist(deployment: Deployment) -> None:
    """Add lines, a comment and an entry, and move a document to a file of its own: all of it beside the sites."""
    configmap = "main-instance/01-synapse/configmap.yaml"
    deployment.edit(
        configmap,
        "    ## TURN ##\n",
        "    ## TURN ##\n    # asked for by operations\n    caches: {global_factor: 2.0}\n",
    )
    secrets = "main-instance/01-synapse/secrets.yaml"
    deployment.edit(secrets, "  DB_PASSWORD:", "  # rotated every year\n  EXTRA: 'by hand'\n  DB_PASSWORD:")
    first, *middle, last = (deployment.tree / secrets).read_text().split("\n---\n")
    (deployment.tree / secrets).write_text("\n---\n".join([first, *middle]) + "\n")
    (deployment.tree / "main-instance/s3.yaml").write_text(last)
    admin = "li-instance/03-synapse-admin-li/deployment.yaml"
    file = deployment.tree / admin
    file.write_text("# read by the auditors\n\n" + file.read_text())


def edit_dress(deployment: Deployment) -> None:
    turn = deployment.tree / "chat/turn.yaml"
    config, secret = turn.read_text().split("\n---\n")
    turn.write_text(config + "\n")
    (deployment.tree / "chat/turn-secret.yml").write_text("# moved\n" + secret)
    deployment.edit("platform/databases.yml", "kind: Cluster\r\n", "kind: Cluster\r\n# two, one for each instance\r\n")
    deployment.edit("chat/edge.yaml", "kind: Ingress", "kind: Ingress  # to the world")
    deployment.edit("li/synapse.yaml", "  DB_PASSWORD:", "  EXTRA: {}\n  DB_PASSWORD:".replace("{}", "'yes'"))
