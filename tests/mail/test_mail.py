"""Synapse's ``email:`` block: whatever it was, Synapse's loader reads every option that is needed, and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from wizard import lenses, mail, originals, resources
from wizard.errors import RefusedError
from wizard.resources import Manifest

WITHOUT_USER = {
    "smtp_host", "smtp_port", "enable_tls", "require_transport_security", "force_tls", "notif_from"
}  # fmt: skip
WITH_USER = WITHOUT_USER | {"smtp_user", "smtp_pass"}

HEAD = "server_name: a.example\npublic_baseurl: https://a.example/\n"
BLOCKS = {
    "active": "email:\n  smtp_host: mail.a.example # ours\n  smtp_port: 587\n  app_name: Chat\nreport_stats: false\n",
    "active, the end": "email:\n    smtp_host: mail.a.example\n    app_name: Chat\n",
    "active, with a user": "email:\n  smtp_user: u\n  smtp_pass: |-\n    S3cret\n  app_name: Chat\nx: y\n",
    "active, in flow": "email: {smtp_host: mail.a.example, smtp_user: u, smtp_pass: S3cret, app_name: Chat}\nx: y\n",
    "active, nothing in it": "email:\nx: y\n",
    "active, null": "email: ~\n",
    "commented": "# email:\n#   smtp_host: h\n#   smtp_user: u\n#   app_name: Chat\n\n# other: x\nx: y\n",
    "commented, no blank": "#email:\n#  smtp_host: h\n#  app_name: Chat\nx: y\n",
    "commented, # at different columns": "# email:\n  #   smtp_host: h\n #   app_name: Chat\n#   # deeper\nx: y\n",
    "commented, with prose": "# email:\n#   Ask Joe: he knows\n#   all of it\n#   app_name: Chat\nx: y\n",
    "commented, a list": "# email:\n#   app_name: Chat\n#   subjects:\n#     password_reset: '[x] y'\n",
    "commented, the last line": "x: y\n# email:",
    "absent": "x: y\n",
    "absent, blank lines behind": "x: |\n  # email: no\n  text\n\n\n",
}


def config(inner: str, style: str, *, newline: str = "\n", key: str = "homeserver.yaml") -> str:
    head = "kind: ConfigMap\nmetadata:\n  name: synapse-config\ndata:\n"
    if style == '"':
        body = f'  {key}: {json.dumps(inner)}\n  other: "x"\n'
    else:
        text = inner if style == "|" else inner.rstrip("\n")
        lines = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
        body = f"  {key}: {style}\n{lines}  other: x\n"
    return (head + body).replace("\n", newline)


def manifest(text: str) -> Manifest:
    found = resources.read("main/a.yaml", text.encode())
    assert found is not None
    return found


def arranged(text: str, user: str) -> tuple[str, dict[str, Any]]:
    """The file and Synapse's configuration after the clause; asserts stability and the way back."""
    before = manifest(text)
    home = mail.home_of(before.resources)
    assert home is not None
    settings = {"smtp.user": user}.get
    made = mail.arrange(home, settings)
    assert len(made) <= 1 or "{" in home.text
    edits = {home.view: [each.change.edit for each in made]}
    after = manifest(lenses.apply(text, lenses.render(edits)))
    records = [originals.record_of_change(each.resource, undo, ()) for each in made for undo in each.change.undo]
    assert (originals.blank([after], records, {}).texts.get("main/a.yaml") or after.text) == text
    again = mail.home_of(after.resources)
    assert again is not None
    assert mail.arrange(again, settings) == []
    data = yaml.load(after.text, Loader=yaml.CSafeLoader)["data"]
    assert {key: value for key, value in data.items() if key == "other"}.items() <= {"other": "x"}.items()
    return after.text, yaml.safe_load(data["homeserver.yaml"])


@pytest.mark.parametrize("user", ["", "someone"])
@pytest.mark.parametrize(("style", "newline"), [("|", "\n"), ("|", "\r\n"), ("|-", "\n"), ("|-", "\r\n"), ('"', "\n")])
@pytest.mark.parametrize("shape", BLOCKS)
def test_every_needed_option_stands_there_and_no_other(shape: str, style: str, newline: str, user: str) -> None:
    inner = HEAD + BLOCKS[shape]
    text, after = arranged(config(inner, style, newline=newline), user)
    email = after.pop("email")
    assert email.keys() & WITH_USER == (WITH_USER if user else WITHOUT_USER)
    assert ("app_name" in email) is ("app_name" in BLOCKS[shape])
    before = yaml.safe_load(inner)
    before.pop("email", None)
    if style in ("|-", '"'):
        assert {key: str(value).strip() for key, value in after.items()} == {
            key: str(value).strip() for key, value in before.items()
        }
    else:
        assert after == before
    assert user or "S3cret" not in text, "a password that nobody uses stays in no comment"


def test_a_configuration_in_flow_style() -> None:
    inner = "{server_name: a.example,\n public_baseurl: https://a.example/}\n"
    _, after = arranged(config(inner, "|"), "someone")
    assert after.pop("email").keys() == WITH_USER
    assert after == yaml.safe_load(inner)
    _, after = arranged(config(inner.replace("{", "{email: {smtp_user: u, app_name: x}, "), "|"), "")
    assert after["email"].keys() == WITHOUT_USER | {"app_name"}


def test_the_block_in_use_comes_before_a_commented_one_and_that_before_none() -> None:
    def home(*inner: tuple[str, str]) -> str:
        texts = "---\n".join(config(text, "|", key=key) for key, text in inner)
        found = mail.home_of(manifest(texts).resources)
        return found.key if found else ""

    plain, commented, active = HEAD, HEAD + BLOCKS["commented"], "email:\n  smtp_host: h\n"
    assert home(("a.yaml", plain), ("b.yaml", commented), ("c.yaml", active)) == "c.yaml"
    assert home(("a.yaml", plain), ("b.yaml", commented)) == "b.yaml"
    assert home(("a.yaml", plain)) == "a.yaml"
    assert home(("a.yaml", "workers: 1\n"), ("homeserver.txt", plain)) == ""
    assert home(("issuer.yaml", "email: admin@a.example\n"), ("a.yaml", plain)) == "a.yaml"


def test_the_twin_sends_no_mail() -> None:
    assert mail.home_of(manifest(config(HEAD, "|").replace("synapse-config", "synapse-li-config")).resources) is None


def test_a_block_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(RefusedError):
        arranged(config(HEAD + "email: [no]\n", "|"), "")


@pytest.mark.parametrize("shape", ["active", "commented", "absent"])
def test_the_user_goes_and_returns(shape: str) -> None:
    text = config(HEAD + BLOCKS[shape], "|")
    records: tuple[Any, ...] = ()
    now = manifest(text)
    for user in ("u", "", "u", ""):
        home = mail.home_of(now.resources)
        assert home is not None
        made = mail.arrange(home, {"smtp.user": user}.get)
        new = [originals.record_of_change(each.resource, undo, records) for each in made for undo in each.change.undo]
        records = tuple({originals.key(each): each for each in (*records, *new)}.values())
        now = manifest(lenses.apply(now.text, lenses.render({home.view: [each.change.edit for each in made]})))
        inner = yaml.safe_load(yaml.load(now.text, Loader=yaml.CSafeLoader)["data"]["homeserver.yaml"])
        assert inner["email"].keys() & WITH_USER == (WITH_USER if user else WITHOUT_USER)
        assert originals.blank([now], records, {}).texts["main/a.yaml"] == text
