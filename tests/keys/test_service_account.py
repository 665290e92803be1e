import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from wizard import keys

from .conftest import Refuses


@pytest.fixture
def account(rsa_pem: str) -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "matrix-push",
        "private_key_id": "0123abcd",
        "private_key": rsa_pem,
        "client_email": "push@matrix-push.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


def test_a_service_account_is_returned_whole(account: dict[str, Any]) -> None:
    assert keys.service_account(json.dumps(account, indent=2)) == account


@pytest.mark.parametrize("field", ["type", "client_email", "token_uri", "private_key"])
@pytest.mark.parametrize("value", [None, "", 7], ids=["null", "empty", "number"])
def test_a_field_that_google_auth_needs_is_named_when_it_lacks(
    field: str, value: object, account: dict[str, Any], refuses: Refuses
) -> None:
    named = {name: it for name, it in account.items() if name != field}
    for faulty in (named, {**named, field: value}):
        text = json.dumps(faulty)
        refuses(partial(keys.service_account, text), f"lacks {field}:", text)


def test_all_missing_fields_are_named_at_once(refuses: Refuses) -> None:
    refuses(lambda: keys.service_account("{}"), "lacks type, client_email, token_uri and private_key", "{}")


@pytest.mark.parametrize(
    ("fault", "saying"),
    [
        pytest.param(lambda text: text.replace("\\n", "\n"), "not valid JSON.*line 1, column", id="raw-newlines"),
        pytest.param(lambda text: text.replace("\\n", "\\\\n"), r"two characters \\n", id="double-escapes"),
        pytest.param(lambda text: text.replace("BEGIN PRIVATE", "BEGIN RSA PRIVATE"), "damaged", id="wrong-header"),
        pytest.param(lambda text: text.replace('"service_account"', '"authorized_user"'), "its type", id="other-type"),
        pytest.param(lambda text: f"[{text}]", "lacks type", id="list"),
        pytest.param(lambda text: text[:-20], "not valid JSON", id="cut-off"),
        pytest.param(lambda text: "\ufeff" + text, "not valid JSON", id="bom"),
        pytest.param(lambda text: "[" * 100_000, "not valid JSON", id="too-deep"),  # noqa: ARG005
        pytest.param(lambda text: "1" * 10_000, "not valid JSON", id="endless-number"),  # noqa: ARG005
        pytest.param(lambda text: "CHANGEME_FCM_SERVICE_ACCOUNT", "not valid JSON", id="placeholder"),  # noqa: ARG005
    ],
)
def test_what_fails_at_sygnals_start_is_refused(
    fault: Callable[[str], str], saying: str, account: dict[str, Any], refuses: Refuses
) -> None:
    text = fault(json.dumps(account))
    refuses(lambda: keys.service_account(text), saying, text)


def test_a_placeholder_instead_of_the_key_is_refused(account: dict[str, Any], refuses: Refuses) -> None:
    text = json.dumps({**account, "private_key": "YOUR_PRIVATE_KEY"})
    refuses(lambda: keys.service_account(text), "private_key does not load.*no BEGIN", text)


def test_an_ec_key_instead_of_an_rsa_key_is_refused(account: dict[str, Any], p8: str, refuses: Refuses) -> None:
    text = json.dumps({**account, "private_key": p8})
    refuses(lambda: keys.service_account(text), "RSA private key is needed", text)
