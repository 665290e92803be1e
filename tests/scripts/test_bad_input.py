"""Bad input: a clear message for each fault, all at once, with its place and the right exit code; nothing written."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .conftest import MINIMUM, Filled
from .faults import errors
from .reading import by_pyyaml, entries, every
from .runs import Deployment, Run, run

Empty = Callable[..., Deployment]
GRAFANA = """\
apiVersion: v1
kind: Secret
metadata:
  name: grafana
  namespace: matrix
stringData:
  admin: CHANGEME_GRAFANA_ADMIN_PASSWORD
  viewer: CHANGE_ME
  token: CHANGE_ME
  address: CHANGEME_KUBE_DNS_IP
"""
FILE = "platform/grafana.yaml"


def refused(deployment: Deployment, code: int, *argv: str) -> Run:
    """Run setup, which must end with *code* and change nothing, not even a time."""
    before = (deployment.everything(), deployment.times()) if deployment.tree.exists() else None
    stopped = deployment.setup(*argv)
    assert stopped.code == code, stopped.text
    assert "bug" not in stopped.err
    assert ((deployment.everything(), deployment.times()) if before else None) == before
    assert before or not deployment.tree.exists()
    assert not deployment.identity.exists()
    return stopped


def said(stopped: Run) -> list[str]:
    """Return the messages, one a line; what to do next is indented below each."""
    return [line for line in stopped.err.splitlines() if not line.startswith(" ") and "problems, all shown" not in line]


FAULTS = [
    ("domains: {base: chat-corp.net, elemnt: a.net}", 1, 32, "elemnt"),
    ("domain: {base: chat-corp.net}", 1, 1, "domain is unknown"),
    ("domains: {base: 'https://chat-corp.net'}", 1, 17, "chat-corp.net"),
    ("domains: {base: example.com}", 1, 17, "reserved"),
    ("domains: [chat-corp.net]", 1, 10, "domains"),
    ("lawful_intercept: {allowed_cidrs: [0.0.0.0/0]}", 1, 36, "allowed_cidrs"),
    ('lawful_intercept: {allowed_cidrs: ["::/0"]}', 1, 36, "allowed_cidrs"),
    ("lawful_intercept: {allowed_cidrs: [185.60.112.7/24]}", 1, 36, "185.60.112.0/24"),
    ("lawful_intercept: {allowed_cidrs: [192.0.2.0/24]}", 1, 36, "documents"),
    ("lawful_intercept: {allowed_cidrs: []}", 1, 35, "empty"),
    ("lawful_intercept: {admin_password: secret}", 1, 36, "secret"),
    ("tls: {email: nobody}", 1, 14, "e-mail"),
    ("tls: {mode: none}", 1, 13, "letsencrypt"),
    ("smtp: {port: 70000}", 1, 14, "port"),
    ("smtp: {password: {env: NOT_SET_ANYWHERE}}", 1, 18, "NOT_SET_ANYWHERE"),
    ("smtp: {password: {file: missing.txt}}", 1, 18, "missing.txt"),
    ("smtp: {password: in-the-clear}", 1, 18, "secret"),
    ("push: {apns: {key: {file: fcm.json}}}", 1, 20, "push.apns.key"),
    ("push: {fcm: {service_account: {file: AuthKey.p8}}}", 1, 31, "push.fcm.service_account"),
    ("backups: {retention: forever}", 1, 22, "retention"),
    ("placeholders: {CHANGEME_X: {make: it}}", 1, 28, "generate"),
    ("placeholders: {CHANGEME_X: {generate: password, length: 3}}", 1, 28, "length"),
]


@pytest.mark.parametrize(("line", "row", "column", "saying"), FAULTS, ids=[fault[0][:45] for fault in FAULTS])
def test_a_fault_in_the_answers_is_named_at_its_place(
    empty: Empty, line: str, row: int, column: int, saying: str
) -> None:
    deployment = empty("checklist", answers=line + "\n")
    messages = said(refused(deployment, 2))
    here = [message for message in messages if message.startswith(f"{deployment.answers}:{row}:{column}: ")]
    assert len(here) == 1, messages
    assert saying in refused(deployment, 2).err
    assert not any("in-the-clear" in message for message in messages)


def test_answers_that_are_no_yaml_are_the_only_problem(empty: Empty) -> None:
    deployment = empty("checklist", answers="domains: {base: chat-corp.net\nlawful: [\n")
    messages = said(refused(deployment, 2))
    assert [message.split(":")[0] for message in messages] == [str(deployment.answers)], messages


def test_answers_may_stand_in_brackets_and_braces(empty: Empty) -> None:
    """What YAML takes for a plain scalar there: addresses of IPv6 and URLs have colons."""
    answers = (
        MINIMUM.replace("[185.60.112.0/24]", "[2a02:ec80:300::/48]") + "livekit: {url: wss://calls.chat-corp.net}\n"
    )
    assert yaml.safe_load(answers)["lawful_intercept"]["allowed_cidrs"] == ["2a02:ec80:300::/48"]
    planned = empty("checklist", answers=answers).plan()
    assert planned.code == 0, planned.err


def test_malformed_and_missing_answers_come_all_at_once(empty: Empty) -> None:
    answers = "domains: {elemnt: a.net}\ntls: {email: nobody}\nsmtp:\n  port: 70000\n  security: tls\n"
    stopped = refused(empty("checklist", answers=answers), 2)
    for key in (
        "elemnt",
        "tls.email",
        "smtp.port",
        "domains.base",
        "allowed_cidrs",
        "smtp.host",
        "smtp.user",
        "smtp.from",
    ):
        assert len([message for message in said(stopped) if key in message]) == 1, (key, said(stopped))
    assert f"{len(said(stopped))} problems, all shown." in stopped.err
    assert "Did you mean element?" in stopped.err


def test_the_tree_decides_what_is_missing(empty: Empty) -> None:
    deployment = empty("checklist", answers="{}\n")
    everything = {message.split(": ")[1].split()[0] for message in said(refused(deployment, 2))}
    assert everything == {"domains.base", "lawful_intercept.allowed_cidrs", "tls.email"}
    small = empty("dress", answers="{}\n", name="small")
    for file in small.tree.rglob("*"):
        if file.is_file() and file.name != "vault.yaml":
            file.unlink()
    assert small.setup().code == 0, "a tree of secrets needs no answer"


def test_shorter_backups_of_the_twin_are_refused(empty: Empty) -> None:
    answers = MINIMUM + "backups: {retention: 30d, li_retention: 2w}\n"
    stopped = refused(empty("checklist", answers=answers), 2)
    assert "answers.yaml:4:41" in stopped.err
    assert "30d" in stopped.err


@pytest.mark.parametrize("option", ["smtp.password=in-the-clear", "no.such=key", "domains.base", "tls.mode=none"])
def test_a_fault_in_an_option_is_named(empty: Empty, option: str) -> None:
    stopped = refused(empty("checklist"), 2, "--set", option)
    assert stopped.err.startswith(f"--set {option.partition('=')[0]}")
    assert "in-the-clear" not in stopped.err


def test_an_answers_file_that_is_not_there(empty: Empty) -> None:
    deployment = empty("checklist")
    deployment.answers.unlink()
    assert len(said(refused(deployment, 2))) == 1


# --- what the catalogue does not know


def test_an_unknown_placeholder_stops_the_run_and_the_printed_stanza_lets_it_go_on(empty: Empty) -> None:
    deployment = with_grafana(empty)
    stopped = refused(deployment, 2)
    places = re.findall(rf"{FILE}:(\d+):(\d+)", stopped.err)
    assert places == [("7", "10"), ("8", "11"), ("9", "10"), ("10", "12")]
    lines = stopped.err.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.strip() == "placeholders:"), len(lines))
    margin = len(lines[begin]) - len(lines[begin].lstrip()) if begin < len(lines) else 0
    more = [line for line in lines[begin + 1 :] if line.startswith(" " * (margin + 1))]
    text = textwrap.dedent("\n".join([*lines[begin : begin + 1], *more]))
    assert list(yaml.safe_load(text) or ()) == ["placeholders"], "the stanza can be pasted as it stands"
    deployment.answers.write_text(MINIMUM + text + "\n")
    done = deployment.setup()
    assert done.code == 0, done.err
    assert deployment.setup().out.count("No byte was changed") == 1


def test_every_kind_of_decision_does_what_it_says(empty: Empty) -> None:
    deployment = with_grafana(empty)
    (deployment.answers.parent / "grafana.txt").write_text("g'r\"a: #1\n")
    deployment.answers.write_text(
        MINIMUM
        + "placeholders:\n"
        + "  CHANGEME_GRAFANA_ADMIN_PASSWORD: {file: grafana.txt}\n"
        + "  CHANGEME_KUBE_DNS_IP: {value: 10.96.0.10}\n"
        + "  CHANGE_ME: {generate: password, length: 24}\n"
        + '  "CHANGE_ME @ Secret/matrix/grafana:stringData.token": {same_as: turn-secret}\n'
    )
    done = deployment.setup()
    assert done.code == 0, done.err
    shown = grafana(deployment)
    assert shown["admin"] == "g'r\"a: #1"
    assert shown["address"] == "10.96.0.10"
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{23}", shown["viewer"])
    assert shown["token"] == deployment.show("turn-secret")
    before = deployment.everything()
    assert "No byte was changed" in deployment.setup().out
    assert deployment.everything() == before
    assert deployment.blank().code == 0
    assert (deployment.tree / FILE).read_text() == GRAFANA


def test_split_makes_one_secret_for_each_place_and_keep_makes_none(empty: Empty) -> None:
    deployment = with_grafana(empty)
    deployment.answers.write_text(
        MINIMUM
        + "placeholders:\n"
        + "  CHANGEME_GRAFANA_ADMIN_PASSWORD: {keep: true}\n"
        + "  CHANGEME_KUBE_DNS_IP: {keep: true}\n"
        + "  CHANGE_ME: {split: true}\n"
    )
    done = deployment.setup()
    assert done.code == 0, done.err
    shown = grafana(deployment)
    assert shown["admin"] == "CHANGEME_GRAFANA_ADMIN_PASSWORD"
    assert shown["address"] == "CHANGEME_KUBE_DNS_IP"
    assert shown["viewer"] != shown["token"]
    assert "CHANGE_ME" not in (shown["viewer"], shown["token"])
    assert errors(deployment.run("check", "--json").data, "checklist") == [], "what is kept is no finding"
    assert "No byte was changed" in deployment.run("setup", "--no-input", "-y").out


def test_a_decision_from_the_environment_is_a_secret(empty: Empty, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = with_grafana(empty)
    monkeypatch.setenv("GRAFANA", "from-the-environment")
    decisions = ["CHANGEME_GRAFANA_ADMIN_PASSWORD={env: GRAFANA}", "CHANGE_ME={split: true}",
                 "CHANGEME_KUBE_DNS_IP={keep: true}"]  # fmt: skip
    done = deployment.setup(*(f"--set=placeholders.{each}" for each in decisions))
    assert done.code == 0, done.err
    assert grafana(deployment)["admin"] == "from-the-environment"
    assert "from-the-environment" not in done.text


# --- trees as they should not be


def test_a_document_that_is_no_yaml_is_refused_where_it_holds_a_site(empty: Empty) -> None:
    deployment = empty("checklist")
    deployment.edit("main-instance/06-coturn/deployment.yaml", '  TURN_PASSWORD: "', '  TURN_PASSWORD: "}" "')
    stopped = refused(deployment, 3)
    assert [message.split(":")[0] for message in said(stopped)] == ["main-instance/06-coturn/deployment.yaml"]
    assert re.search(r"coturn/deployment.yaml:26:\d+: ", stopped.err)
    assert "--skip-unparseable" in stopped.err
    done = deployment.setup("--skip-unparseable")
    assert done.code == 1, done.text
    after = (deployment.tree / "main-instance/06-coturn/deployment.yaml").read_text()
    assert "CHANGEME_TURN_PASSWORD" in after
    assert "realm=matrix.chat-corp.net" in after, "the other documents of the file are filled"
    found = deployment.run("check", "--json").data["findings"]
    assert {each["id"] for each in found if each["file"].endswith("coturn/deployment.yaml")} >= {"unparseable"}
    second = deployment.files()
    assert deployment.setup("--skip-unparseable").code == 1
    assert deployment.files() == second


def test_a_broken_document_without_a_site_blocks_nothing(empty: Empty) -> None:
    deployment = empty("checklist")
    broken = deployment.tree / "main-instance/02-element-web/deployment.yaml"
    broken.write_text(broken.read_text() + '---\nkind: ConfigMap\nmetadata: {name: "x" "y"}\n')
    done = deployment.setup()
    assert done.code == 0, done.err
    assert deployment.run("check").code == 1


def test_a_link_out_of_the_tree_is_refused(empty: Empty, tmp_path: Path) -> None:
    deployment = empty("checklist")
    (tmp_path / "outside.yaml").write_text("password: CHANGEME_TURN_PASSWORD\n")
    (deployment.tree / "values/outside.yaml").symlink_to(tmp_path / "outside.yaml")
    stopped = refused(deployment, 3)
    assert "values/outside.yaml" in stopped.err
    assert (tmp_path / "outside.yaml").read_text() == "password: CHANGEME_TURN_PASSWORD\n"


@pytest.mark.parametrize("name", ["redis.yaml", "redis.txt"])
def test_a_link_inside_the_tree_is_followed(empty: Empty, name: str) -> None:
    deployment = empty("checklist")
    target = deployment.tree / "infrastructure/02-redis/redis-secret.yaml"
    target.rename(deployment.tree / name)
    target.symlink_to(f"../../{name}")
    done = deployment.setup()
    assert done.code == 0, done.err
    assert target.is_symlink()
    assert deployment.show("redis-password") in target.read_text()


def test_a_directory_without_a_manifest_is_refused(empty: Empty) -> None:
    deployment = empty("bundled")
    deployment.tree.mkdir()
    (deployment.tree / "letter.txt").write_text("CHANGEME_TURN_PASSWORD\n")
    assert len(said(refused(deployment, 3))) == 1


def test_a_tree_below_a_directory_that_is_missing_is_refused(empty: Empty) -> None:
    deployment = empty("bundled")
    stopped = run("setup", "--answers", str(deployment.answers), "--tree", str(deployment.home / "no/tree"),
                  "--identity", str(deployment.identity), "--no-input", "-y")  # fmt: skip
    assert stopped.code == 2
    assert not (deployment.home / "no").exists()


def test_two_texts_of_one_secret_are_refused_with_both_places(empty: Empty) -> None:
    deployment = empty("checklist")
    deployment.edit("main-instance/01-synapse/secrets.yaml", "CHANGEME_SECURE_TURN_SECRET", "OneOldSecretOfTurn")
    deployment.edit("main-instance/06-coturn/deployment.yaml", "CHANGEME_SECURE_TURN_SECRET", "AnotherSecretOfTurn")
    stopped = refused(deployment, 3)
    assert "main-instance/01-synapse/secrets.yaml:43:" in stopped.err
    assert "main-instance/06-coturn/deployment.yaml:22:" in stopped.err
    assert "SecretOfTurn" not in stopped.err


def test_a_half_filled_tree_is_adopted(empty: Empty) -> None:
    deployment = empty("checklist")
    deployment.edit("main-instance/06-coturn/deployment.yaml", '"CHANGEME_SECURE_TURN_SECRET"', '"AlreadyInUse1"')
    done = deployment.setup()
    assert done.code == 0, done.err
    assert deployment.show("turn-secret") == "AlreadyInUse1"
    assert 'TURN_SECRET: "AlreadyInUse1"' in (deployment.tree / "main-instance/01-synapse/secrets.yaml").read_text()


# --- consent


@pytest.mark.parametrize("options", [(), ("--no-input",)])
def test_nothing_is_written_without_consent(empty: Empty, options: tuple[str, ...]) -> None:
    deployment = empty("checklist")
    before = deployment.everything()
    stopped = deployment.run("setup", "--answers", str(deployment.answers), *options)
    assert stopped.code == 2
    assert "-y" in stopped.err.splitlines()[-1]
    assert deployment.everything() == before
    assert not deployment.identity.exists()


def test_yes_accepts_no_new_place_for_an_existing_secret(one: Filled) -> None:
    copycat = one.deployment.tree / "values/copycat.yaml"
    copycat.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: copycat, namespace: matrix}\n"
                       "data: {exfiltrate: CHANGEME_TURN_PASSWORD}\n")  # fmt: skip
    before = one.deployment.everything()
    stopped = one.deployment.setup()
    assert stopped.code == 3
    assert "values/copycat.yaml:4:" in stopped.err
    assert "--accept-site 'ConfigMap/matrix/copycat:data.exfiltrate'" in stopped.err
    assert one.deployment.everything() == before


def test_an_accepted_place_is_filled(one: Filled) -> None:
    more = one.deployment.tree / "values/more.yaml"
    more.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: more, namespace: matrix}\n"
                    "stringData: {turn: CHANGEME_TURN_PASSWORD}\n")  # fmt: skip
    done = one.deployment.setup("--accept-site", "Secret/matrix/more:stringData.turn")
    assert done.code == 0, done.err
    assert one.values["turn-password"] in more.read_text()


def with_grafana(empty: Empty) -> Deployment:
    deployment = empty("checklist")
    (deployment.tree / "platform").mkdir()
    (deployment.tree / FILE).write_text(GRAFANA)
    return deployment


def grafana(deployment: Deployment) -> dict[str, str]:
    return entries(every(by_pyyaml(deployment.files()), "Secret")["grafana"])
