"""A second run changes what follows from other answers, and nothing else."""

from __future__ import annotations

import pytest

from wizard import plan, store, structure
from wizard.answers import Answers
from wizard.filling import Consent
from wizard.plan import Plan
from wizard.sites import Scope
from wizard.vault import Vault

from .conftest import Filled
from .reading import rows
from .test_bytes import changed_scalars


def test_the_same_answers_change_no_byte_and_no_time(filled: Filled) -> None:
    deployment = filled.deployment
    before, times = deployment.everything(), deployment.times()
    again = deployment.setup()
    assert again.code == 0, again.err
    assert "No byte was changed" in again.out
    assert deployment.everything() == before
    assert deployment.times() == times
    plan = deployment.plan("--json").data
    assert (plan["changes"], plan["files"], plan["made"], plan["diff"]) == ([], [], [], "")


def test_a_plan_drawn_again_in_the_same_run_makes_nothing_anew() -> None:
    """Also not the salted hash of a password; another answer changes what follows from it alone."""
    answers = Answers().with_answer("domains.base", "chat-corp.net").with_answer("tls.mode", "selfsigned")
    answers = answers.with_answer("lawful_intercept.allowed_cidrs", ("185.60.112.0/24",))
    vault = Vault("0" * 32, ())
    tree = structure.tree({}, store.bundled(), Scope(answers), is_ours=False)

    def drawn(answers: Answers, consent: Consent) -> Plan:
        return plan.fill(tree, answers, vault, consent, "2026-01-01T00:00:00Z")

    first = drawn(answers, Consent())
    again = Consent(minted=plan.minted(first))
    assert drawn(answers, again).after == first.after
    assert drawn(answers, again).made == first.made
    assert drawn(answers, Consent()).after.keys() == first.after.keys()
    assert drawn(answers, Consent()).after != first.after
    other = drawn(answers.with_answer("lawful_intercept.admin_user", "auditor"), again)
    changed = {
        name for name, kept in other.vault.values.items() if kept.current.text != first.vault.values[name].current.text
    }
    assert changed == {"li-admin-htpasswd"}


def test_no_answers_at_all_change_no_byte(filled: Filled) -> None:
    before = filled.deployment.everything()
    again = filled.deployment.run("setup", "--no-input", "--yes")
    assert again.code == 0, again.err
    assert filled.deployment.everything() == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [("smtp.host=relay.chat-corp.net", "smtp-host"), ("domains.turn=voice.chat-corp.net", "turn-host")],
)
def test_another_answer_changes_the_places_of_its_value_only(full: Filled, setting: str, value: str) -> None:
    before = full.deployment.files()
    changed = full.deployment.setup("--set", setting)
    assert changed.code == 0, changed.err
    after = full.deployment.files()
    expected = {row.leaf for row in rows(full.tree) if row.value == value}
    touched = changed_scalars(before, after)
    assert len(touched) == len(expected)
    assert {place.split()[0] for place in touched} == {file for file, _, _ in expected}
    assert full.deployment.show(value) == setting.partition("=")[2]


def test_other_ranges_change_the_allow_lists_only(full: Filled) -> None:
    before = full.deployment.files()
    changed = full.deployment.setup("--set", "lawful_intercept.allowed_cidrs=[185.60.112.0/24]")
    assert changed.code == 0, changed.err
    touched = changed_scalars(before, full.deployment.files())
    assert len(touched) == 3
    assert all(place.endswith("list-source-range") for place in touched)
    assert [file for file, data in full.deployment.files().items() if b"91.198.174.192" in data] == []


def test_other_answers_change_no_secret(full: Filled) -> None:
    made = full.hidden - {"li-allowed-cidrs"}
    settings = [f"--set={each}" for each in ("smtp.host=relay.chat-corp.net", "domains.element=web.chat-corp.net",
                "tls.email=root@chat-corp.net", "storage.class=local-path", "backups.retention=7d")]  # fmt: skip
    changed = full.deployment.setup(*settings)
    assert changed.code == 0, changed.err
    assert [name for name in made if full.deployment.show(name) != full.values[name]] == []


def test_another_user_of_the_admin_page_makes_its_line_anew_and_keeps_the_password(one: Filled) -> None:
    changed = one.deployment.setup("--set", "lawful_intercept.admin_user=officer")
    assert changed.code == 0, changed.err
    assert one.deployment.show("li-admin-htpasswd").startswith("officer:$2y$10$")
    assert one.deployment.show("li-admin-password") == one.values["li-admin-password"]


def test_a_given_secret_takes_the_place_of_a_made_one_everywhere(one: Filled) -> None:
    source = one.deployment.answers.parent / "li-admin.txt"
    changed = one.deployment.setup("--set", f"lawful_intercept.admin_password={{file: {source}}}")
    assert changed.code == 0, changed.err
    assert one.deployment.show("li-admin-password") == source.read_text().strip()
    assert one.deployment.show("li-admin-htpasswd") != one.values["li-admin-htpasswd"]


@pytest.mark.parametrize("setting", ["domains.server_name=other.net", "domains.server_name=chat-corp.net"])
def test_the_server_name_never_changes(one: Filled, setting: str) -> None:
    before = one.deployment.everything()
    refused = one.deployment.setup("--set", setting)
    assert refused.code == 3
    assert "server name" in refused.err
    assert one.deployment.everything() == before


def test_the_server_name_outlives_another_base_domain(one: Filled) -> None:
    assert one.deployment.show("server-name") == "matrix.chat-corp.net"
    changed = one.deployment.setup("--set", "domains.base=other-corp.net")
    assert changed.code == 0, changed.err
    assert one.deployment.show("server-name") == "matrix.chat-corp.net"
    assert one.deployment.show("matrix-host") == "matrix.other-corp.net"
    configuration = (one.deployment.tree / "main-instance/01-synapse/configmap.yaml").read_text()
    assert 'server_name: "matrix.chat-corp.net"\n    public_baseurl: "https://matrix.other-corp.net' in configuration


def test_switching_a_component_on_later_fills_it_and_changes_nothing_else(one: Filled) -> None:
    before = one.deployment.files()
    more = one.deployment.answers.read_text() + "livekit: {}\n"
    one.deployment.answers.write_text(more)
    refused = one.deployment.setup()
    assert refused.code == 3, "existing secrets went to new places without consent"
    assert refused.err.count("new place") >= 2
    assert one.deployment.files() == before
    accepted = one.deployment.setup("--accept-new-sites")
    assert accepted.code == 0, accepted.err
    after = one.deployment.files()
    assert {path for path in after if after[path] != before[path]} == {
        "main-instance/04-livekit/deployment.yaml",
        "values/livekit-values.yaml",
    }
