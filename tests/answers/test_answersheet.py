"""The sheet written from answers gives them again, to our own parser and to PyYAML's, and holds no secret."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wizard import answerfile, answersheet
from wizard.answers import Answer, Answers, Decision
from wizard.questions import BY_KEY, GENERATED, QUESTIONS, SECTIONS
from wizard.secret import Secret

TYPED = ("prompt", "")
PASSWORD = "Typed: by a #person"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB # : \"'\nAA==\n-----END CERTIFICATE-----\n"

# One answer of each question, as its reader gives it.
VALUES: dict[str, Any] = {
    "domains.base": "chat-corp.net",
    "domains.server_name": "corp.net",
    "domains.matrix": "m.chat-corp.net",
    "domains.element": "e.chat-corp.net",
    "domains.turn": "t.chat-corp.net",
    "domains.livekit": "l.chat-corp.net",
    "domains.li_matrix": "li1.chat-corp.net",
    "domains.li_element": "li2.chat-corp.net",
    "domains.li_admin": "li3.chat-corp.net",
    "lawful_intercept.instance": "here",
    "lawful_intercept.allowed_cidrs": ("185.60.112.0/24", "2a02:ec80:300::/48"),
    "lawful_intercept.admin_user": "o'\"#{&*!|%@`\u00e4\U0001f600",
    "lawful_intercept.admin_password": Secret(PASSWORD),
    "tls.mode": "manual",
    "tls.email": "ops+a@chat-corp.net",
    "tls.certificate": CERTIFICATE,
    "tls.private_key": Secret(PASSWORD),
    "smtp.host": "185.60.112.1",
    "smtp.security": "none",
    "smtp.port": 2525,
    "smtp.user": "",
    "smtp.password": Secret(PASSWORD),
    "smtp.from": 'Chat: "Corp" #1 <robot@chat-corp.net>',
    "push.apns.key": Secret(PASSWORD),
    "push.apns.key_id": "1234567890",
    "push.apns.team_id": "12345678E9",
    "push.apns.topic": "net.chat-corp.app",
    "push.apns.platform": "sandbox",
    "push.fcm.service_account": Secret(PASSWORD),
    "turn.external_ip": "185.60.113.10",
    "livekit.url": "wss://l.chat-corp.net:7443/path",
    "livekit.api_key": Secret(PASSWORD),
    "livekit.api_secret": Secret(PASSWORD),
    "network.metallb_pool": ("185.60.113.32/28",),
    "storage.class": "on",
    "backups.retention": "30d",
    "backups.li_retention": "9w",
    "key_vault.rsa_bits": 4096,
    "key_vault.image": "registry.chat-corp.net:5000/key-vault:1.4.2",
    "sync.image": "psql@sha256:" + 64 * "0",
    "sync.media_image": "quay.io/minio/mc:RELEASE.2025-08-13T08-35-41Z",
    "vault.recipients": ("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",),
}


def read(text: str, beside: Path | None = None, variables: Mapping[str, str] | None = None) -> Answers:
    """Return the answers of *text*; PyYAML's parser must take it, too."""
    assert isinstance(yaml.safe_load(text), dict | None)
    files = (lambda path: (beside / path).read_bytes()) if beside else (lambda _: b"")
    return answerfile.parse(text, "answers.yaml", (variables or {}).get, files)


def plain(answers: Answers) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return all that was answered but for the secrets: values by key, decisions, instances."""
    secrets = {question.key for question in QUESTIONS if question.secret}
    given = {key: (each.value, each.is_reset) for key, each in answers.given.items() if key not in secrets}
    decisions = {
        key: each and (each.action, each.text, each.length)
        for key, each in answers.decisions.items()
        if each is None or not (each.source or isinstance(each.text, Secret))
    }
    return given, decisions, dict(answers.instances)


def everything() -> Answers:
    answers = Answers()
    for key, value in VALUES.items():
        answers = answers.with_answer(key, value, TYPED if isinstance(value, Secret) else None)
    return answers


def test_every_question_has_an_answer_here() -> None:
    assert VALUES.keys() == BY_KEY.keys()


@pytest.mark.parametrize("kept", [False, True], ids=["given", "kept"])
@pytest.mark.parametrize("key", BY_KEY)
def test_each_answer_alone_comes_back(key: str, kept: bool) -> None:
    answers = Answers().with_answer(key, VALUES[key], TYPED if BY_KEY[key].secret else None)
    answers = Answers.from_json(answers.to_json()) if kept else answers
    assert plain(read(answersheet.sheet(answers))) == plain(answers)


@pytest.mark.parametrize("kept", [False, True], ids=["given", "kept"])
def test_all_answers_come_back_together(kept: bool) -> None:
    answers = Answers.from_json(everything().to_json()) if kept else everything()
    again = read(answersheet.sheet(answers))
    assert plain(again) == plain(answers)
    assert [key for key in BY_KEY if not BY_KEY[key].secret and again[key] != answers[key]] == []
    assert again.secrets() == {}


def test_a_typed_secret_is_a_comment_that_counts_once_its_variable_is_set() -> None:
    """Without it the vault's answer stays, so that nothing has to be set beside the vault."""
    text = answersheet.sheet(everything())
    assert PASSWORD not in text
    assert "# password: {env: SMTP_PASSWORD}" in text
    kept = Answers.from_json(everything().to_json())
    assert read(text).overlay(kept).problems(BY_KEY) == []

    live = re.sub(r"# (\w+: \{env: )", r"\1", text)
    names = re.findall(r"\{env: (\w+)\}", live.partition("domains:")[2])
    assert len(names) == len(set(names)) == sum(isinstance(value, Secret) for value in VALUES.values())
    taken = yaml.safe_load(live)
    assert taken["push"]["fcm"]["service_account"] == {"env": "PUSH_FCM_SERVICE_ACCOUNT"}
    assert taken["livekit"]["api_secret"] == {"env": "LIVEKIT_API_SECRET"}


@pytest.mark.parametrize("key", [question.key for question in QUESTIONS if question.secret])
def test_the_comment_of_a_lone_secret_can_be_made_to_count(key: str) -> None:
    text = answersheet.sheet(Answers().with_answer(key, Secret(PASSWORD), TYPED))
    assert PASSWORD not in text
    assert key not in read(text).given
    body = "".join(line for line in text.removeprefix(answersheet.HEAD).splitlines(keepends=True))
    here = yaml.safe_load(re.sub(r"# (?=[\w]+:)", "", body))
    for name in key.split("."):
        here = here[name]
    assert here == {"env": key.replace(".", "_").upper()}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_on_or_off_as_it_was(section: str) -> None:
    for value in (True, None):
        text = answersheet.sheet(Answers({section: Answer(value)}))
        assert read(text).uses(section) is bool(value)
        assert read(text).given[section].value is value
    for answers in (Answers(), Answers({section: Answer(value=False)})):
        assert section not in read(answersheet.sheet(answers)).given


def test_what_was_reset_is_reset() -> None:
    below = Answers().with_answer("tls.email", "ops@chat-corp.net").with_answer("smtp.host", "mail.chat-corp.net")
    text = "tls: {email: null}\nsmtp: null\nplaceholders: {CHANGEME_A: null}\n"
    again = read(answersheet.sheet(read(text))).merge(below)
    assert again["tls.email"] is None
    assert not again.uses("smtp")
    assert again.decisions == {"CHANGEME_A": None}


def test_a_named_source_stays_the_source(beside: Path) -> None:
    """A path counts from where the new file stands."""
    (beside / "a b.txt").write_text("uno\n")
    text = """\
smtp: {password: {file: "a b.txt"}}
livekit: {api_key: {env: "KEY"}}
tls: {certificate: {file: chain.pem}}
placeholders:
  CHANGEME_A: {file: grafana.txt}
  CHANGEME_B: {env: KEY}
"""
    (beside / "chain.pem").write_text(CERTIFICATE)
    first = read(text, beside, {"KEY": "two"})
    sheet = answersheet.sheet(first, lambda path: os.path.relpath(beside / path, "/"))
    again = read(sheet, Path("/"), {"KEY": "two"})
    assert again.secrets() == first.secrets()
    assert again["tls.certificate"] == CERTIFICATE
    assert {key: each and each.text for key, each in again.decisions.items()} == {
        "CHANGEME_A": Secret("g'r\"a"),
        "CHANGEME_B": Secret("two"),
    }
    assert "uno" not in sheet
    assert answersheet.sheet(again) == sheet
    kept = Answers.from_json(first.to_json())
    assert read(answersheet.sheet(kept), beside, {"KEY": "two"}).secrets() == first.secrets()


LONG = f"CHANGEME_A @ ConfigMap/matrix/a:data.{'k' * 3000}"
DECISIONS = [
    Decision("CHANGEME_A", "value", '10.0.0.1: "#\u00e4\u2028\ttwo\nlines\n'),
    Decision("CHANGEME_A", "value", ""),
    Decision("CHANGEME_A", "generate", "hex", 32),
    Decision("CHANGEME_A", "generate", "password"),
    Decision("<your: key>", "same_as", "s3-password"),
    Decision("ed25519 a_XXXX ...", "keep"),
    Decision("CHANGE_ME", "split"),
    Decision('CHANGE_ME @ Secret/matrix/grafana:stringData.[name=x].it\'s "q" #1', "keep"),
    Decision(LONG, "same_as", LONG.replace("kkk", "kk")),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda each: f"{each.action} {each.key[:20]}")
@pytest.mark.parametrize("kept", [False, True], ids=["given", "kept"])
def test_each_decision_comes_back(decision: Decision, kept: bool) -> None:
    answers = Answers().with_decision(decision)
    answers = Answers.from_json(answers.to_json()) if kept else answers
    assert plain(read(answersheet.sheet(answers))) == plain(answers)


@pytest.mark.parametrize("kept", [False, True], ids=["given", "kept"])
@pytest.mark.parametrize("key", ["CHANGE_ME", "CHANGE_ME @ Secret/matrix/grafana:stringData.9", LONG])
def test_a_typed_secret_of_a_placeholder_is_a_comment(key: str, kept: bool) -> None:
    typed = Answers().with_decision(Decision(key, "value", Secret(PASSWORD), source=TYPED))
    answers = Answers.from_json(typed.to_json()) if kept else typed
    text = answersheet.sheet(answers)
    assert PASSWORD not in text
    assert read(text).decisions == {}
    live = re.sub(r"^( *)# (?=[\"?:])", r"\1", text, flags=re.MULTILINE).replace("# placeholders", "placeholders")
    ((token, source),) = yaml.safe_load(live)["placeholders"].items()
    assert token == key
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", source["env"])


def test_a_name_that_is_not_utf_8_is_told_and_left_out() -> None:
    answers = Answers(instances={"a\udcff.yaml": "li", "b.yaml": "main"}).with_decision(Decision("CHANGEME", "keep"))
    text = answersheet.sheet(answers)
    assert "not UTF-8" in text
    assert read(text).instances == {"b.yaml": "main"}
    assert text.encode()


def test_the_first_lines_say_what_it_is_for() -> None:
    first, *more = answersheet.sheet(Answers()).splitlines()
    assert first == "# yaml-language-server: $schema=./answers.schema.json"
    assert any("matrix-wizard schema > answers.schema.json" in line for line in more)
    assert any("matrix-wizard setup --answers answers.yaml" in line for line in more)


def test_answers_stand_in_the_order_of_the_registry() -> None:
    read_by_yaml = yaml.safe_load(answersheet.sheet(everything()))
    assert list(flat(read_by_yaml)) == [key for key in BY_KEY if not BY_KEY[key].secret]


def flat(section: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.one_of(
    st.from_regex(r"CHANGEME_[A-Z]{1,9}", fullmatch=True),
    st.from_regex(r"CHANGE_ME @ Secret/[a-z]{1,9}/[a-z-]{1,9}:[^\n\r\x00-\x1f]{0,1200}", fullmatch=True),
).filter(lambda key: not re.search("[\ud800-\udfff]", key))
decisions = st.one_of(
    st.builds(Decision, keys, st.just("value"), texts.filter(lambda text: text.strip() not in ("…", "..."))),
    st.builds(Decision, keys, st.just("same_as"), texts.filter(lambda text: text.strip() not in ("…", "..."))),
    st.builds(Decision, keys, st.just("generate"), st.sampled_from(GENERATED), st.sampled_from([None, 36])),
    st.builds(Decision, keys, st.sampled_from(["keep", "split"])),
)


@given(st.lists(decisions, max_size=4), st.dictionaries(texts, st.sampled_from(["main", "li"]), max_size=3))
def test_texts_of_any_shape_come_back(made: list[Decision], instances: dict[str, str]) -> None:
    known = {each.key: each for each in made if (each.action, each.text) != ("generate", "uuid4") or not each.length}
    answers = Answers(decisions=known, instances=instances)
    assert plain(read(answersheet.sheet(answers))) == plain(answers)


@given(st.sets(st.sampled_from(sorted(BY_KEY))), st.sets(st.sampled_from(sorted(SECTIONS))))
def test_any_choice_of_answers_comes_back(chosen: set[str], on: set[str]) -> None:
    answers = Answers({section: Answer(value=True) for section in on})
    for key in chosen:
        answers = answers.with_answer(key, VALUES[key], TYPED if BY_KEY[key].secret else None)
    assert plain(read(answersheet.sheet(answers))) == plain(answers)
