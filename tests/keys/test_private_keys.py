import base64
import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard import keys

from .conftest import Refuses, issue, run_openssl


def test_the_bits_of_a_key_are_told_for_both_forms(rsa_pem: str, rsa_pkcs1: str) -> None:
    assert keys.rsa_key(rsa_pem) == keys.rsa_key(rsa_pkcs1) == 2048


def test_the_forms_convert_into_each_other_as_openssl_does(rsa_pem: str, rsa_pkcs1: str) -> None:
    assert keys.rsa_form(rsa_pem, "pkcs1") + "\n" == rsa_pkcs1
    assert keys.rsa_form(rsa_pkcs1, "pkcs8") + "\n" == rsa_pem
    assert keys.rsa_form(rsa_pem, "pkcs8") + "\n" == rsa_pem


def test_one_key_is_the_same_in_every_dress(rsa_pem: str, rsa_pkcs1: str) -> None:
    assert keys.same_rsa(rsa_pem, rsa_pkcs1)
    assert not keys.same_rsa(rsa_pem, run_openssl("genrsa", "2048"))


# What `load_pem_private_key` of the Django service reads, we must read as well, or a working tree could not be adopted.
@pytest.mark.parametrize(
    "dress",
    [
        pytest.param(lambda pem: pem.replace("\n", "\r\n"), id="crlf"),
        pytest.param(lambda pem: pem.rstrip("\n"), id="no-final-newline"),
        pytest.param(lambda pem: pem.replace("\n", "\n    "), id="indented"),
        pytest.param(lambda pem: "Bag Attributes: none\n" + pem, id="text-before"),
        pytest.param(lambda pem: re.sub(r"(?<=[A-Za-z0-9+/=])\n(?=[A-Za-z0-9+/])", "", pem), id="one-line-body"),
    ],
)
def test_a_key_that_the_consumer_loads_is_read(dress: Callable[[str], str], rsa_pem: str) -> None:
    load_pem_private_key(dress(rsa_pem).encode(), None)
    assert keys.same_rsa(dress(rsa_pem), rsa_pem)


def _openssh(pem: str) -> str:
    key = load_pem_private_key(pem.encode(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


PASTED = "Generate with: openssl genrsa -out private.pem 2048"


@pytest.mark.parametrize(
    ("fault", "saying"),
    [
        pytest.param(lambda pem: "", "no BEGIN", id="empty"),  # noqa: ARG005
        pytest.param(lambda pem: "CHANGEME_RSA_KEY", "no BEGIN", id="placeholder"),  # noqa: ARG005
        pytest.param(lambda pem: pem.replace("\n", "\\n"), r"two characters \\n", id="literal-backslash-n"),
        pytest.param(lambda pem: base64.b64encode(pem.encode()).decode(), "base64 of a PEM", id="base64-of-the-pem"),
        pytest.param(
            lambda pem: pem.replace("PRIVATE", "RSA PRIVATE"), "damaged or of another form", id="wrong-header"
        ),
        pytest.param(lambda pem: pem.replace("KEY-----\n", f"KEY-----\n{PASTED}\n", 1), "damaged", id="text-inside"),
        pytest.param(lambda pem: pem[: len(pem) // 2], "damaged", id="cut-off"),
        pytest.param(lambda pem: f"-----BEGIN RSA PRIVATE KEY-----\n{pem}", "more than one", id="double-header"),
        pytest.param(lambda pem: pem + pem, "more than one", id="two-keys"),
        pytest.param(
            lambda pem: run_openssl("pkcs8", "-topk8", "-passout", "pass:x", text=pem), "passphrase", id="encrypted"
        ),
        pytest.param(
            lambda pem: run_openssl("rsa", "-traditional", "-aes128", "-passout", "pass:x", text=pem),
            "passphrase",
            id="encrypted-traditional",
        ),
        pytest.param(_openssh, "OpenSSH's own form", id="openssh"),
        pytest.param(lambda pem: run_openssl("pkey", "-pubout", text=pem), "no BEGIN", id="public-key"),
        pytest.param(lambda pem: issue("x").certificate_pem, "a certificate, not", id="certificate"),  # noqa: ARG005
        pytest.param(lambda pem: run_openssl("genpkey", "-algorithm", "ed25519"), "kind Ed25519", id="ed25519"),  # noqa: ARG005
    ],
)
def test_what_is_no_rsa_key_is_refused_with_the_reason(
    fault: Callable[[str], str], saying: str, rsa_pem: str, refuses: Refuses
) -> None:
    text = fault(rsa_pem)
    refuses(lambda: keys.rsa_key(text), saying, text)
    refuses(lambda: keys.rsa_form(text, "pkcs1"), saying, text)
    refuses(lambda: keys.same_rsa(rsa_pem, text), saying, text)


def test_an_ec_key_is_named_when_an_rsa_key_is_needed(p8: str, refuses: Refuses) -> None:
    refuses(lambda: keys.rsa_key(p8), "kind EC P-256", p8)


@settings(deadline=None)  # the first example pays for imports
@given(st.text())
def test_no_text_escapes_as_anything_but_a_value_error(text: str) -> None:
    for read in (keys.rsa_key, keys.apns_key, keys.signing_key, keys.service_account, keys.htpasswd_line):
        with pytest.raises(ValueError, match=r"\.$"):
            read(text)


def test_apples_key_is_accepted(p8: str) -> None:
    keys.apns_key(p8)
    keys.apns_key(p8.rstrip("\n"))


@pytest.mark.parametrize(
    ("make", "saying"),
    [
        pytest.param(lambda p8: run_openssl("ec", text=p8), "another form", id="sec1"),
        pytest.param(
            lambda p8: run_openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),  # noqa: ARG005
            "kind EC secp384r1",
            id="p384",
        ),
        pytest.param(lambda p8: run_openssl("genrsa", "2048"), "kind RSA", id="rsa"),  # noqa: ARG005
        pytest.param(lambda p8: issue("x").certificate_pem, "a certificate, not", id="certificate"),  # noqa: ARG005
        pytest.param(lambda p8: p8.replace("\n", "\\n"), r"two characters \\n", id="literal-backslash-n"),
        pytest.param(lambda p8: "CHANGEME_APNS_KEY", "no BEGIN", id="placeholder"),  # noqa: ARG005
    ],
)
def test_what_apple_never_gave_is_refused(make: Callable[[str], str], saying: str, p8: str, refuses: Refuses) -> None:
    text = make(p8)
    refuses(lambda: keys.apns_key(text), saying, text)
