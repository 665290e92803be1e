"""Google's own library, which Sygnal loads the file with, agrees with us."""

import json

import pytest
from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials

from wizard import keys


def _account(private_key: str) -> dict[str, str]:
    return {
        "type": "service_account",
        "client_email": "push@matrix-push.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        "private_key": private_key,
    }


@pytest.mark.parametrize("form", ["pkcs8", "pkcs1"])
def test_google_auth_signs_with_what_we_accept(form: str, rsa_pem: str, rsa_pkcs1: str) -> None:
    text = json.dumps(_account(rsa_pem if form == "pkcs8" else rsa_pkcs1))
    credentials = Credentials.from_service_account_info(keys.service_account(text))  # type: ignore[no-untyped-call]
    assert credentials.sign_bytes(b"message")


@pytest.mark.parametrize("name", ["client_email", "token_uri", "private_key"])
def test_google_auth_refuses_what_we_refuse(name: str, rsa_pem: str) -> None:
    account = _account(rsa_pem)
    del account[name]
    with pytest.raises(ValueError, match=name):
        keys.service_account(json.dumps(account))
    with pytest.raises((GoogleAuthError, ValueError, KeyError), match=name):
        Credentials.from_service_account_info(account)  # type: ignore[no-untyped-call]
