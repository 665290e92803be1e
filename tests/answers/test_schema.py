"""The schema of the answers file, read by a validator that is not ours, and held against our own reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from wizard import answerfile
from wizard.cli import main
from wizard.questions import DECISIONS, GENERATED, INSTANCES, QUESTIONS, SECTIONS, Question
from wizard.schema import schema

from .test_answerfile import CONTRACT

VALIDATOR = Draft7Validator(schema())

# One answer of each kind that is not a choice.
SAMPLES: dict[str, Any] = {
    "domain name": "chat-corp.net",
    "e-mail address": "ops@chat-corp.net",
    "address or Name <address>": "Chat <ops@chat-corp.net>",
    "port": 2525,
    "duration (30d, 4w, 6m)": "30d",
    "name of a Kubernetes object": "ceph-block",
    "Apple id": "ABC123DEFG",
    "bundle identifier": "net.chat-corp.app",
    "wss:// URL": "wss://livekit.chat-corp.net",
    "user name": "admin",
    "text, may be empty": "",
    "list of age or ssh recipients": ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"],
    "certificate chain (PEM)": "-----BEGIN CERTIFICATE-----",
    "host name or address": "10.1.1.1",
    "list of address ranges (CIDR)": ["10.1.1.1", "10.2.0.0/16"],
    "list of address ranges": ["185.60.113.32/28"],
    "public IP address": "185.60.113.10",
    "container image": "registry.chat-corp.net/key-vault:1.4.2",
}
BY_KEY = {question.key: question for question in QUESTIONS}
PLAIN = [question for question in QUESTIONS if not question.secret]
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    7,
    1.5,
    "",
    "…",
    "null",
    "x",
    [],
    ["x"],
    [None],
    [7],
    {},
    {"env": "x"},
    {"env": 7},
]
ODD += [{"file": "x"}, {"file": None}, {"env": "x", "file": "x"}, {"keep": True}, [{"env": "x"}], {"x": "x"}]


def sample(question: Question) -> Any:
    return question.read(question.kind.choices[-1]) if question.kind.choices else SAMPLES[question.kind.name]


def nested(key: str, value: Any) -> Any:
    """Return the document in which a dotted key has a value."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def read(document: Any) -> bool:
    """Tell whether our reader takes a document; a variable or file holds its own name."""
    _, problems = answerfile.read(json.dumps(document), "a", lambda name: name, lambda path: path.encode())
    return not problems


def test_it_is_a_schema_of_draft_7() -> None:
    Draft7Validator.check_schema(json.loads(json.dumps(schema())))
    assert schema()["$schema"] == Draft7Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize(
    "text",
    [
        CONTRACT,
        Path("docs/answers.yaml").read_text("utf-8"),
        *(
            block
            for page in ("README.md", "docs/reference/answers.md")
            for block in re.findall(r"^```yaml\n(.*?)^```$", Path(page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
        ),
        "",
        "smtp:\npush:\nplaceholders:\ninstances:\n",
    ],
)
def test_every_file_that_is_an_example_fits(text: str) -> None:
    VALIDATOR.validate(yaml.safe_load(text))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
def test_every_answer_is_described_and_has_its_forms(question: Question) -> None:
    written = [] if question.secret else [sample(question)]
    for value in (*written, None, {"env": "NAME"}, {"file": "a/path"}):
        VALIDATOR.validate(nested(question.key, value))
    assert all(read(nested(question.key, value)) for value in written)
    property_ = schema()
    for name in question.key.split("."):
        property_ = property_["properties"][name]
    assert property_["description"].startswith(question.help)
    for word, marked in (("Secret: ", question.secret), ("Confidential: ", question.confidential)):
        assert (word in property_["description"]) == marked
    assert property_.get("default") == (None if callable(question.default) else question.default)


@pytest.mark.parametrize("question", PLAIN, ids=lambda question: question.key)
def test_a_default_fits(question: Question) -> None:
    if question.default is not None and not callable(question.default):
        VALIDATOR.validate(nested(question.key, question.default))


@pytest.mark.parametrize("action", DECISIONS)
def test_every_decision_fits(action: str) -> None:
    values = {"keep": [True], "split": [True], "generate": GENERATED}.get(action, ["x"])
    for value in values:
        document = {"placeholders": {"CHANGE_ME @ Secret/m/x:spec[name=a].v": {action: value}}}
        VALIDATOR.validate(document)
        assert read(document)


REFUSED = [
    [],
    "domains",
    {"colour": "red"},
    {"$schema": "x"},
    {"domains.base": "chat-corp.net"},
    {"push": {"apns.key_id": "ABC123DEFG"}},
    {"domains": "chat-corp.net"},
    {"domains": {"bsae": "chat-corp.net"}},
    {"domains": {"base": 5}},
    {"domains": {"base": ["chat-corp.net"]}},
    {"domains": {"base": {}}},
    {"domains": {"base": {"env": "A", "file": "B"}}},
    {"domains": {"base": {"url": "A"}}},
    {"domains": {"base": {"env": 5}}},
    {"lawful_intercept": {"allowed_cidrs": "10.1.1.1"}},
    {"lawful_intercept": {"allowed_cidrs": []}},
    {"lawful_intercept": {"allowed_cidrs": [{"env": "A"}]}},
    {"tls": {"mode": "manul"}},
    {"tls": {"mode": True}},
    {"key_vault": {"rsa_bits": 1024}},
    {"key_vault": {"rsa_bits": "2048"}},
    {"smtp": {"port": "587"}},
    {"smtp": True},
    {"push": {"gcm": None}},
    {"turn": "185.60.113.10"},
    {"placeholders": ["CHANGEME_X"]},
    {"placeholders": {"two words": {"keep": True}}},
    {"placeholders": {"CHANGEME_X": "text"}},
    {"placeholders": {"CHANGEME_X": {}}},
    {"placeholders": {"CHANGEME_X": {"value": "a", "keep": True}}},
    {"placeholders": {"CHANGEME_X": {"value": ["a"]}}},
    {"placeholders": {"CHANGEME_X": {"value": " … "}}},
    {"placeholders": {"CHANGEME_X": {"value": "a", "length": 40}}},
    {"placeholders": {"CHANGEME_X": {"keep": False}}},
    {"placeholders": {"CHANGEME_X": {"keep": "true"}}},
    {"placeholders": {"CHANGEME_X": {"generate": "rsa"}}},
    {"placeholders": {"CHANGEME_X": {"generate": "password", "length": 3}}},
    {"placeholders": {"CHANGEME_X": {"generate": "password", "length": None}}},
    {"placeholders": {"CHANGEME_X": {"generate": "uuid4", "length": 40}}},
    {"placeholders": {"CHANGEME_X": {"length": 40}}},
    {"placeholders": {"CHANGEME_X": {"file": 7}}},
    {"instances": ["Secret/matrix/x"]},
    {"instances": {"Secret/matrix/x": "third"}},
    {"instances": {"Secret/matrix/x": None}},
]


@pytest.mark.parametrize("document", REFUSED, ids=json.dumps)
def test_what_is_no_answers_file_is_refused_by_both(document: Any) -> None:
    assert not VALIDATOR.is_valid(document)
    assert not read(document)


@pytest.mark.parametrize("question", [each for each in QUESTIONS if each.secret], ids=lambda question: question.key)
def test_no_secret_fits_as_plain_text(question: Question) -> None:
    for value in ("hunter2", 12345, ["hunter2"]):
        assert not VALIDATOR.is_valid(nested(question.key, value))
        assert not read(nested(question.key, value))


KEYS = [*BY_KEY, *SECTIONS, "domains", "placeholders", "placeholders.CHANGEME_X", "placeholders.a b", "instances"]


def values(key: str) -> Iterator[Any]:
    """Yield what may stand behind a key: what is right, of a wrong type, told by a source, or no answer at all."""
    yield from ODD
    yield from ({word: odd} for word in ("main", *DECISIONS) for odd in (*ODD, *GENERATED, *INSTANCES))
    yield from ({"generate": kind, "length": odd} for kind in GENERATED for odd in (*ODD, 12, 36, 40, 5000))
    if key in BY_KEY and not BY_KEY[key].secret:
        right = sample(BY_KEY[key])
        yield from (right, [right], str(right), [right, right], {"env": right}, {"env": str(right)})


@pytest.mark.parametrize("key", KEYS)
def test_what_the_reader_takes_fits(key: str) -> None:
    taken = [document for value in values(key) if read(document := nested(key, value))]
    assert taken or key == "placeholders.a b"
    assert [document for document in taken if not VALIDATOR.is_valid(document)] == []


def test_blanks_around_a_choice_are_the_one_thing_that_only_the_reader_forgives() -> None:
    document = {"tls": {"mode": " manual "}}
    assert read(document)
    assert not VALIDATOR.is_valid(document)


def test_the_verb_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a tree, a vault or a key."""
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()
