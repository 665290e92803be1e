"""The answers file and --set: what they give, and every problem of one file in one go."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard import answerfile
from wizard.answers import Answers
from wizard.errors import UsageError
from wizard.questions import BY_KEY, QUESTIONS, SECTIONS
from wizard.secret import Secret

NOTHING: dict[str, str] = {}
BACKUPS = [key.removeprefix("backups.") for key in BY_KEY if key.startswith("backups.")]

CONTRACT = """\
domains:
  base: chat-corp.net
lawful_intercept:
  allowed_cidrs:
    - 185.60.112.0/24
    - 91.198.174.192
    - 2a02:ec80:300::/48
tls: {mode: letsencrypt, email: ops@chat-corp.net}
smtp:
  host: smtp.chat-corp.net
  port: 587
  security: starttls
  user: matrix@chat-corp.net
  password: {env: SMTP_PASSWORD}
  from: "Matrix <matrix@chat-corp.net>"
push:
  apns:
    key: {file: AuthKey.p8}
    key_id: ABC123DEFG
    team_id: TEAM123456
    topic: net.chat-corp.app
  fcm:
    service_account: {file: fcm.json}
livekit: {}
key_vault: {rsa_bits: 4096}
placeholders:
  CHANGEME_GRAFANA: {generate: password, length: 40}
  CHANGEME_DNS_IP: {value: 10.96.0.10}
  CHANGEME_MINIO: {same_as: s3-password}
  CHANGEME_IMAGE: {keep: true}
  CHANGE_ME: {split: true}
  "CHANGE_ME @ Secret/matrix/grafana:stringData.admin": {file: grafana.txt}
"""

BAD = """\
domains:
  base: https://chat-corp.net/
  bsae: chat-corp.net
  matrix: [a]
  element: matrix.example.com
lawful_intercept:
  allowed_cidrs:
    - 0.0.0.0/0
    - ::/0
    - 185.60.112.5/24
    - 203.0.113.0/24
    - 300.1.1.1
  admin_password: hunter2-in-clear
tls:
  mode: yes
  email: ops
smtp:
  host: smtp.chat-corp.net
  port: 70000
  user: matrix
  user: other
  password: {env: NOT_SET}
  from: ops@example.com
push:
  apns:
    key: {file: p384.p8}
    key_id: 1234567890
    topic: {file: gone.txt}
  fcm:
    service_account: {file: not-one.json}
turn: 10.0.0.1
backups:
  retention: "30"
key_vault:
  rsa_bits: "2048"
network:
  metallb_pool: 185.60.113.32/28
colour: red
placeholders:
  CHANGEME_X: hunter2-in-clear
  CHANGEME_Y: {generate: password, length: 3}
  two words: {keep: true}
"""

PROBLEMS = {
    "2:9": "domains.base: https://chat-corp.net/ is more than a name.",
    "3:3": "domains.bsae is unknown.",
    "4:11": "domains.matrix: A list stands where text is meant.",
    "5:12": "domains.element: matrix.example.com is reserved for documents and tests.",
    "8:7": "lawful_intercept.allowed_cidrs: 0.0.0.0/0 opens LI to everyone.",
    "9:7": "lawful_intercept.allowed_cidrs: ::/0 opens LI to everyone.",
    "10:7": "lawful_intercept.allowed_cidrs: 185.60.112.5/24 has host bits set.",
    "11:7": "lawful_intercept.allowed_cidrs: 203.0.113.0/24 is an address that only documents use.",
    "12:7": "lawful_intercept.allowed_cidrs: 300.1.1.1 is not an address range.",
    "13:19": "lawful_intercept.admin_password: No secret may stand here.",
    "15:9": "tls.mode: yes is not a choice here.",
    "16:10": "tls.email: ops is not an e-mail address.",
    "19:9": "smtp.port: 70000 is no port.",
    "21:3": "smtp.user stands twice, first in line 20.",
    "22:13": "smtp.password: The environment variable NOT_SET is not set.",
    "23:9": "smtp.from: example.com is reserved for documents and tests.",
    "26:10": "push.apns.key: Apple's .p8 file holds an EC P-256 private key",
    "27:13": "push.apns.key_id: A number stands where text is meant.",
    "28:12": "push.apns.topic: gone.txt cannot be read: No such file or directory.",
    "30:22": "push.fcm.service_account: ",
    "31:7": "turn is a section with keys of its own.",
    "33:14": "backups.retention: 30 is not a duration.",
    "35:13": "key_vault.rsa_bits: Text stands where a number is meant.",
    "37:17": "network.metallb_pool: A list is meant here.",
    "38:1": "colour is unknown.",
    "40:15": "placeholders.CHANGEME_X: This does not say what to do.",
    "41:15": "placeholders.CHANGEME_Y: This length cannot be made.",
    "42:3": "two words is not a placeholder.",
}


def parse(text: str, directory: Path, **environment: str) -> Answers:
    return answerfile.parse(text, "answers.yaml", environment.get, lambda path: (directory / path).read_bytes())


def options(*given: str, directory: Path = Path(), **environment: str) -> Answers:
    return answerfile.set_options(given, environment.get, lambda path: (directory / path).read_bytes())


def problems(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(UsageError) as caught:
        parse(text, Path("/nonexistent"))
    return [(each.where, each.what, each.next) for each in caught.value.problems]


def test_the_contract_is_read_whole(beside: Path, apns_key: str, service_account: str) -> None:
    answers = parse(CONTRACT, beside, SMTP_PASSWORD="p: '\" #\\\n")
    assert answers["lawful_intercept.allowed_cidrs"] == ("185.60.112.0/24", "91.198.174.192/32", "2a02:ec80:300::/48")
    assert (answers["smtp.port"], answers["key_vault.rsa_bits"]) == (587, 4096)
    assert {section: answers.uses(section) for section in SECTIONS} == dict.fromkeys(SECTIONS, True)
    assert {key: secret.reveal() for key, secret in answers.secrets().items()} == {
        "smtp.password": "p: '\" #\\",
        "push.apns.key": apns_key,
        "push.fcm.service_account": service_account,
    }
    assert answers.problems(BY_KEY) == []
    decided = {key: each and (each.action, each.text, each.length) for key, each in answers.decisions.items()}
    assert decided == {
        "CHANGEME_GRAFANA": ("generate", "password", 40),
        "CHANGEME_DNS_IP": ("value", "10.96.0.10", None),
        "CHANGEME_MINIO": ("same_as", "s3-password", None),
        "CHANGEME_IMAGE": ("keep", None, None),
        "CHANGE_ME": ("split", None, None),
        "CHANGE_ME @ Secret/matrix/grafana:stringData.admin": ("value", Secret("g'r\"a"), None),
    }
    placed = answers.decisions["CHANGE_ME @ Secret/matrix/grafana:stringData.admin"]
    assert placed
    assert (placed.token, placed.place) == ("CHANGE_ME", "Secret/matrix/grafana:stringData.admin")


def test_every_problem_of_a_file_is_told_at_once_at_its_place(beside: Path) -> None:
    with pytest.raises(UsageError) as caught:
        parse(BAD, beside)
    found = {each.where: each.what for each in caught.value.problems}
    expected = {f"answers.yaml:{place}": what for place, what in PROBLEMS.items()}
    assert found.keys() == expected.keys()
    assert [what for where, what in found.items() if not what.startswith(expected[where])] == []
    assert len(caught.value.problems) == len(PROBLEMS)
    assert all(each.next for each in caught.value.problems)
    assert "hunter2" not in repr(caught.value.problems)


def test_missing_answers_are_told_beside_the_others() -> None:
    answers, found = answerfile.read("domains: {base: x}\ntls: {}", "answers.yaml", NOTHING.get, lambda _: b"")
    told = [each.where for each in found] + [each.what for each in answers.problems(["domains.matrix", "tls.email"])]
    assert told == ["answers.yaml:1:17", "tls.email is missing. The contact of the ACME account."]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("domains:\n\tbase: x\n", "answers.yaml:2:1", "cannot start any token"),
        ("domains:\n  base: a: b\n", "answers.yaml:2:10", "not valid YAML"),
        ("a: {\n", "answers.yaml:2:1", "not valid YAML"),
        ("smtp:\n  password: *hunter2\n", "answers.yaml:2:13", "undefined alias"),
        ("domains: \x07\n", "answers.yaml:1:10", "not valid YAML"),
        ("domains: {}\n---\ndomains: {}\n", "answers.yaml:2:1", "another document"),
        ("- a\n", "answers.yaml:1:1", "section"),
        ("? [a]\n: b\n", "answers.yaml:1:3", "A key is text"),
        ("[" * 100_000, "answers.yaml:1:65", "too deep"),
        ("domains: {base: &x {env: A, file: B}}\n", "answers.yaml:1:17", "neither"),
        ("placeholders: {CHANGEME_X: {? [value] : b}}\n", "answers.yaml:1:28", "does not say"),
        ("placeholders: {CHANGEME_X: {value: a, value: b}}\n", "answers.yaml:1:28", "does not say"),
        ("lawful_intercept: {allowed_cidrs: []}\n", "answers.yaml:1:35", "empty"),
    ],
)
def test_what_is_no_answers_file_is_told_at_its_place(text: str, where: str, what: str) -> None:
    ((found, said, _),) = problems(text)
    assert found == where
    assert what in said
    assert "hunter2" not in said


def test_a_recursive_alias_is_a_mistake_and_no_bug() -> None:
    assert problems("domains: &x {base: *x}\nturn: &y [*y]\n")


def test_a_list_in_a_file_that_is_not_utf_8_is_told_how_to_save_it() -> None:
    utf_16 = "10.0.0.0/8\n".encode("utf-16")
    with pytest.raises(UsageError) as caught:
        answerfile.parse("lawful_intercept: {allowed_cidrs: {file: x}}", "a.yaml", NOTHING.get, lambda _: utf_16)
    (problem,) = caught.value.problems
    assert problem.what.endswith("x is not text in UTF-8.")
    assert problem.next.startswith("Save it as UTF-8")


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("law_intercept: {}\n", "Did you mean lawful_intercept?"),
        ("lawful_intercept: {alowed_cidrs: []}\n", "Did you mean allowed_cidrs?"),
        ("backups: {xyz: 1}\n", f"Known here: {', '.join(BACKUPS)}."),
        ("push.apns.key_id: ABC123DEFG\n", "Write push: {apns: {key_id: …}}."),
        ("push: {apns.key_id: ABC123DEFG}\n", "Write apns: {key_id: …}."),
        ("push.apns: {key_id: ABC123DEFG}\n", "Write push: {apns: …}."),
    ],
)
def test_an_unknown_key_suggests_a_known_one(text: str, suggestion: str) -> None:
    assert [instead for _, _, instead in problems(text)] == [suggestion]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n", "\ufeffdomains: {}\n"])
def test_an_empty_file_is_no_mistake(text: str) -> None:
    assert parse(text, Path()).problems(()) == []


def test_an_anchor_serves_twice() -> None:
    answers = parse("domains: {base: &b chat-corp.net, server_name: *b}", Path())
    assert answers["domains.server_name"] == "chat-corp.net"


def test_a_file_that_is_too_large_or_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"a" * (answerfile.LARGEST + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError) as caught:
        parse(
            "smtp: {password: {file: large}}\nlivekit: {api_key: {file: binary}, api_secret: {file: .}}\n",
            tmp_path,
        )
    said = [each.what for each in caught.value.problems]
    assert ["larger than 1 MiB" in said[0], "not text in UTF-8" in said[1], "Is a directory" in said[2]] == [True] * 3


def test_a_list_comes_from_the_environment_too() -> None:
    answers = parse("lawful_intercept: {allowed_cidrs: {env: RANGES}}", Path(), RANGES="185.60.112.0/24, 10.1.1.1\n")
    assert answers["lawful_intercept.allowed_cidrs"] == ("185.60.112.0/24", "10.1.1.1/32")


def test_an_item_that_stands_twice_is_noted_once_kept_once() -> None:
    answers = parse("lawful_intercept:\n  allowed_cidrs: [10.1.1.1, 10.1.1.1/32]\n", Path())
    assert answers["lawful_intercept.allowed_cidrs"] == ("10.1.1.1/32",)
    assert [(each.where, "10.1" in each.what) for each in answers.notes(BY_KEY)] == [("answers.yaml:2:29", False)]


def test_set_goes_through_the_same_formats(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("s3cret\n")
    answers = options(
        "domains.base=chat-corp.net",
        "smtp.password={file: p}",
        "smtp.port=2525",
        "smtp.user=12345",
        "lawful_intercept.allowed_cidrs=10.1.1.1,10.2.0.0/16",
        "placeholders.CHANGE_ME @ Secret/m/x:spec[name=a].v={keep: true}",
        directory=tmp_path,
    )
    assert answers.secrets() == {"smtp.password": Secret("s3cret")}
    assert (answers["smtp.port"], answers["smtp.user"]) == (2525, "12345")
    assert answers["lawful_intercept.allowed_cidrs"] == ("10.1.1.1/32", "10.2.0.0/16")
    assert list(answers.decisions) == ["CHANGE_ME @ Secret/m/x:spec[name=a].v"]


def test_set_tells_every_problem_and_no_secret() -> None:
    with pytest.raises(UsageError) as caught:
        options("domains.base=https://chat-corp.net", "smtp.pasword=hunter2", "smtp.password=hunter2", "x={a", "push=1")
    told = [(each.where, each.next) for each in caught.value.problems]
    assert told[:3] == [
        ("--set domains.base", "Write only the name: chat-corp.net"),
        ("--set smtp.pasword", "Did you mean smtp.password?"),
        ("--set smtp.password", "Write {env: NAME} or {file: PATH}."),
    ]
    assert len(told) == 5
    assert "hunter2" not in repr(caught.value.problems)


def test_set_stands_over_the_file() -> None:
    answers = options("domains.base=b-corp.net", "smtp=null").merge(
        parse("domains: {base: a-corp.net}\nsmtp: {}", Path())
    )
    assert answers["domains.matrix"] == "matrix.b-corp.net"
    assert not answers.uses("smtp")


def test_the_projects_own_example_is_complete(tmp_path: Path, apns_key: str, service_account: str) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "smtp-password.txt").write_text("any: 'thing'\n")
    (secrets / "AuthKey_ABC123DEFG.p8").write_text(apns_key)
    (secrets / "fcm-service-account.json").write_text(service_account)
    text = Path("docs/answers.yaml").read_text()
    answers = parse(text, tmp_path)
    assert answers.problems(BY_KEY) == []
    assert set(re.findall(r"\{(\w+): secrets/", text)) == {"file"}


@given(st.text(), st.sampled_from([question.key for question in QUESTIONS]))
def test_no_text_is_a_bug(text: str, key: str) -> None:
    for given_text in (text, f"{key}: {text}"):
        with suppress(UsageError):
            answerfile.read(given_text, "a", NOTHING.get, lambda _: text.encode("utf-8", "surrogatepass"))
    try:
        options(f"{key}={text}")
    except UsageError as error:
        assert all(each.what for each in error.problems)
