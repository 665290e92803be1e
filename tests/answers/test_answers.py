"""Answers: defaults that follow, what is missing, and how they stand over those of the vault."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from wizard import answerfile
from wizard.answers import Answers
from wizard.errors import RefusedError
from wizard.questions import BY_KEY, QUESTIONS
from wizard.secret import Secret

ENVIRONMENT = {"PASSWORD": "hunter2"}


def answers(text: str) -> Answers:
    return answerfile.parse(text, "answers.yaml", ENVIRONMENT.get, lambda path: Path(path).read_bytes())


def kept(text: str) -> Answers:
    """Return the answers as the vault gives them back in a later run."""
    return Answers.from_json(json.loads(json.dumps(answers(text).to_json())))


def missing(text: str, *needed: str) -> list[str]:
    return [each.what.split()[0] for each in answers(text).problems(needed)]


def test_everything_derives_from_the_base_domain() -> None:
    given = answers("domains: {base: chat-corp.net}\nlivekit: {}\n")
    assert {key: given[key] for key in BY_KEY if key.startswith("domains.")} == {
        "domains.base": "chat-corp.net",
        "domains.server_name": "matrix.chat-corp.net",
        "domains.matrix": "matrix.chat-corp.net",
        "domains.element": "element.chat-corp.net",
        "domains.turn": "turn.chat-corp.net",
        "domains.livekit": "livekit.chat-corp.net",
        "domains.li_matrix": "matrix-li.chat-corp.net",
        "domains.li_element": "element-li.chat-corp.net",
        "domains.li_admin": "admin-li.chat-corp.net",
    }
    assert given["livekit.url"] == "wss://livekit.chat-corp.net"
    assert given["lawful_intercept.admin_user"] == "admin"
    assert (given["tls.mode"], given["key_vault.rsa_bits"]) == ("letsencrypt", 2048)


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_smtp_port_follows_its_security(security: str, port: int) -> None:
    assert answers(f"smtp: {{security: {security}}}")["smtp.port"] == port


def test_an_absent_section_is_off_and_a_present_one_complete() -> None:
    assert missing("", *BY_KEY) == ["domains.base", "lawful_intercept.allowed_cidrs", "tls.email"]
    rest = "domains: {base: c.net}\nlawful_intercept: {allowed_cidrs: [10.1.1.1]}\ntls: {email: o@c.net}\n"
    assert missing(rest + "smtp: {user: x}\n", *BY_KEY) == ["smtp.host", "smtp.password", "smtp.from"]
    assert missing(rest + "smtp: {user: '', host: h, from: a@c.net}\n", *BY_KEY) == []
    assert missing(rest + "push: {apns: {}, fcm: {}}\n", *BY_KEY) == [
        "push.apns.key",
        "push.apns.key_id",
        "push.apns.team_id",
        "push.apns.topic",
        "push.fcm.service_account",
    ]
    assert missing(rest + "livekit: {}\n", *BY_KEY) == []


@pytest.mark.parametrize(
    ("mode", "due"),
    [
        ("letsencrypt", ["tls.email"]),
        ("letsencrypt-staging", ["tls.email"]),
        ("manual", ["tls.certificate", "tls.private_key"]),
        ("selfsigned", []),
    ],
)
def test_the_mode_of_certificates_decides_what_is_due(mode: str, due: list[str]) -> None:
    assert missing(f"tls: {{mode: {mode}}}", "tls.email", "tls.certificate", "tls.private_key") == due


def test_only_what_the_tree_needs_is_missing() -> None:
    assert missing("") == []
    assert missing("", "domains.element", "domains.turn") == ["domains.base"]
    assert missing("domains: {element: e.c.net}", "domains.element") == []


def test_a_missing_answer_is_told_where_its_section_stands() -> None:
    (problem,) = answers("tls: {}\nsmtp:\n  host: h\n  user: ''\n").problems(["smtp.from"])
    assert problem.where == "answers.yaml:2:1"
    assert "--set smtp.from=VALUE" in problem.next


def test_unneeded_answers_are_noted_not_refused() -> None:
    given = answers("storage: {class: ceph}\n")
    assert given.problems(()) == []
    assert [(each.where, each.what) for each in given.notes(())] == [
        ("answers.yaml:1:18", "storage.class is not needed by this tree.")
    ]


@pytest.mark.parametrize(
    ("main", "li", "count"), [("30d", "90d", 0), ("4w", "27d", 1), ("1m", "30d", 1), ("1m", "5w", 0)]
)
def test_li_backups_are_kept_as_long_as_mains(main: str, li: str, count: int) -> None:
    assert len(answers(f"backups: {{retention: {main}, li_retention: {li}}}").problems(())) == count


def test_an_li_host_is_nobody_elses() -> None:
    given = answers("domains:\n  base: c.net\n  li_matrix: matrix.c.net\n")
    assert [each.where for each in given.problems(())] == ["answers.yaml:3:14"]


HOSTS = [key for key in BY_KEY if BY_KEY[key].derived_from == "domains.base"]


def paths() -> dict[str, set[str]]:
    """Return the paths of each host of the bundled tree's ingresses, by the key of its name."""
    found: dict[str, set[str]] = {}
    for file in (Path(__file__).parents[2] / "templates").rglob("deployment.yaml"):
        for each in YAML(typ="safe").load_all(file):
            if each and each["kind"] == "Ingress":
                for rule in each["spec"]["rules"]:
                    key = "domains." + "_".join(reversed(rule["host"].partition(".")[0].split("-")))
                    found.setdefault(key, set()).update(path["path"] for path in rule["http"]["paths"])
    return found


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(HOSTS, 2)))
def test_two_hosts_are_one_unless_their_ingresses_clash_or_one_is_lis(one: str, other: str) -> None:
    served = paths()
    assert served.keys() == {*HOSTS} - {"domains.turn"}
    is_li = "li_" in one + other
    clash = is_li or bool(served.get(one, set()) & served.get(other, set()))
    same = "".join(f"{key.partition('.')[2]}: chat.c.net, " for key in (one, other))
    found = answers(f"domains: {{base: c.net, {same}}}\nlivekit: {{}}\n").problems(())
    assert bool(found) == clash
    assert all("are both chat.c.net" in each.what for each in found)


def test_a_contradiction_is_told_in_the_words_of_whoever_reads_it() -> None:
    given = answers("domains:\n  base: c.net\n  li_matrix: turn.c.net\n")
    (problem,) = given.problems((), lambda key: BY_KEY[key].prompt)
    assert problem.what == "LI homeserver and TURN server are both turn.c.net."
    assert problem.next == "Give LI homeserver a name of its own."
    assert given.problems(())[0].what.startswith("domains.li_matrix and domains.turn are both")


@pytest.mark.parametrize(
    ("security", "port", "said"),
    [
        ("tls", 587, "Port 587 is the one of starttls; tls usually has port 465."),
        ("starttls", 465, "Port 465 is the one of tls; starttls usually has port 587."),
        ("none", 587, "Port 587 is the one of starttls; mail without encryption usually has port 25."),
        ("tls", 465, ""),
        ("starttls", 2525, ""),
    ],
)
def test_a_port_of_another_kind_of_smtp_security_is_noted(security: str, port: int, said: str) -> None:
    given = answers(f"smtp: {{host: h, security: {security}, port: {port}, user: ''}}\n")
    assert [each.what for each in given.notes(BY_KEY)] == ([said] if said else [])


def test_every_question_that_is_asked_says_what_becomes_of_its_answer() -> None:
    asked = [each for each in QUESTIONS if each.asked]
    assert [each.key for each in asked if not (each.help and each.use.endswith("."))] == []


def test_an_absent_key_keeps_the_vaults_answer_and_null_resets_it() -> None:
    before = kept("domains: {base: c.net, element: chat.c.net}\nsmtp: {host: h, user: u, password: {env: PASSWORD}}\n")
    same = answers("storage: {class: ceph}").overlay(before)
    assert (same["domains.element"], same["smtp.host"], same["storage.class"]) == ("chat.c.net", "h", "ceph")
    assert same.answered("smtp.password")
    assert same.secrets() == {}
    reset = answers("domains: {element: null}\nsmtp: null\n").overlay(before)
    assert reset["domains.element"] == "element.c.net"
    assert not reset.uses("smtp")
    assert not reset.answered("smtp.password")
    assert "smtp.host" not in reset.to_json()["answers"]


def test_a_section_may_be_changed_in_part() -> None:
    before = kept("smtp: {host: h, user: u, password: {env: PASSWORD}, from: a@c.net}\n")
    changed = answers("smtp: {host: other}\n").overlay(before)
    assert changed.problems([key for key in BY_KEY if key.startswith("smtp.")]) == []
    assert (changed["smtp.host"], changed["smtp.from"]) == ("other", "a@c.net")


@pytest.mark.parametrize("text", ["domains: {server_name: other.net}", "domains:\n  base: b.net\n  server_name: b.net"])
def test_the_server_name_can_never_be_changed(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        answers(text).overlay(kept("domains: {base: c.net}"))
    assert caught.value.problems[0].next == "Write domains.server_name: matrix.c.net"
    assert caught.value.problems[0].where.startswith("answers.yaml:")


def test_a_server_name_that_only_follows_is_not_changed_by_a_derivation() -> None:
    with pytest.raises(RefusedError):
        answers("domains: {base: b.net}").overlay(answers("domains: {base: c.net}"))
    with pytest.raises(RefusedError):
        answers("domains: {server_name: null, base: b.net}").overlay(kept("domains: {base: c.net}"))
    moved = answers("domains: {base: b.net}").overlay(kept("domains: {base: c.net}"))
    assert (moved["domains.matrix"], moved["domains.server_name"]) == ("matrix.b.net", "matrix.c.net")


def test_the_record_holds_no_secret_but_where_it_came_from() -> None:
    given = answers(
        "smtp: {user: u, password: {env: PASSWORD}}\n"
        "placeholders: {CHANGEME_A: {env: PASSWORD}, CHANGEME_B: {value: x}}\n"
    )
    record = json.dumps(given.to_json())
    assert "hunter2" not in record
    assert json.loads(record)["answers"]["smtp.password"] == {"source": ["env", "PASSWORD"]}
    again = Answers.from_json(json.loads(record))
    assert again.to_json() == given.to_json()
    assert given.secrets() == {"smtp.password": Secret("hunter2")}
    assert "hunter2" not in repr(given)


def test_a_list_survives_the_record() -> None:
    text = "lawful_intercept: {allowed_cidrs: [10.1.1.1, 10.2.0.0/16]}"
    assert kept(text)["lawful_intercept.allowed_cidrs"] == answers(text)["lawful_intercept.allowed_cidrs"]
