import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from wizard import keys

from .conftest import NOW, Party, Refuses, issue, run_openssl

HOSTS = ("matrix.example.org", "element.example.org")


@pytest.fixture(scope="module")
def root() -> Party:
    return issue("root", ends=NOW + timedelta(days=3650))


@pytest.fixture(scope="module")
def middle(root: Party) -> Party:
    return issue("middle", root)


@pytest.fixture(scope="module")
def leaf(middle: Party) -> Party:
    return issue("leaf", middle, HOSTS)


def check(chain: list[Party], key: str, hosts: tuple[str, ...] = HOSTS) -> object:
    return keys.tls_pair("".join(one.certificate_pem for one in chain), key, hosts, NOW)


def test_a_pair_that_serves_every_host_gives_its_last_day(leaf: Party, middle: Party, root: Party) -> None:
    last_day = NOW + timedelta(days=60)
    assert check([leaf], leaf.key_pem) == last_day
    assert check([leaf, middle], leaf.key_pem) == last_day
    assert check([leaf, middle, root], leaf.key_pem) == last_day


def test_openssl_of_a_server_loads_the_accepted_pair(leaf: Party, middle: Party, tmp_path: Path) -> None:
    check([leaf, middle], leaf.key_pem)
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_text(leaf.certificate_pem + middle.certificate_pem)
    key.write_text(leaf.key_pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def test_a_key_in_the_form_of_openssl_ecparam_is_read(leaf: Party) -> None:
    parameters = run_openssl("ecparam", "-name", "prime256v1")
    check([leaf], parameters + run_openssl("ec", text=leaf.key_pem))


@pytest.mark.parametrize(
    ("names", "hosts", "missing"),
    [
        pytest.param(("*.example.org",), HOSTS, None, id="wildcard"),
        pytest.param(("*.EXAMPLE.org",), ("Matrix.Example.Org",), None, id="case"),
        pytest.param(("*.example.org",), ("example.org",), "example.org", id="wildcard-has-one-label"),
        pytest.param(("*.example.org",), ("a.b.example.org",), "a.b.example.org", id="wildcard-not-two-labels"),
        pytest.param(("example.org",), ("matrix.example.org",), "matrix.example.org", id="parent-is-not-enough"),
        pytest.param(
            ("matrix.example.org",),
            (*HOSTS, "li.example.org", "admin.example.org"),
            "element.example.org, li.example.org and admin.example.org",
            id="all-missing-are-named",
        ),
        pytest.param((), ("leaf",), "leaf", id="common-name-is-not-read"),
    ],
)
def test_the_names_must_cover_every_host(
    names: tuple[str, ...], hosts: tuple[str, ...], missing: str | None, refuses: Refuses
) -> None:
    party = issue("leaf", hosts=names)
    if missing is None:
        check([party], party.key_pem, hosts)
    else:
        refuses(lambda: check([party], party.key_pem, hosts), f"does not name {missing}\\.", party.key_pem)


def test_the_key_of_another_certificate_is_refused(leaf: Party, middle: Party, root: Party, refuses: Refuses) -> None:
    refuses(lambda: check([leaf, middle], root.key_pem), "does not belong to the certificate", root.key_pem)
    refuses(lambda: check([middle, leaf], leaf.key_pem), "certificate 2 of the file, which must come", leaf.key_pem)


def test_a_chain_out_of_order_or_with_a_gap_is_refused(
    leaf: Party, middle: Party, root: Party, refuses: Refuses
) -> None:
    refuses(lambda: check([leaf, root], leaf.key_pem), "Certificate 1 of the file is not signed", leaf.key_pem)
    refuses(lambda: check([leaf, root, middle], leaf.key_pem), "Certificate 2 of the file is not", leaf.key_pem)


def test_an_issuer_of_the_same_name_with_another_key_is_refused(leaf: Party, root: Party, refuses: Refuses) -> None:
    impostor = issue("middle", root)
    refuses(lambda: check([leaf, impostor], leaf.key_pem), "Certificate 1 of the file is not signed", leaf.key_pem)


def test_a_certificate_outside_its_time_is_refused(root: Party, refuses: Refuses) -> None:
    old = issue("leaf", root, HOSTS, ends=NOW - timedelta(seconds=1))
    refuses(
        lambda: check([old, root], old.key_pem), "Certificate 1 of the file expired on 2030-06-14 23:59", old.key_pem
    )
    early = issue("leaf", root, HOSTS, begins=NOW + timedelta(days=1))
    refuses(lambda: check([early], early.key_pem), "is not valid before 2030-06-16 00:00 UTC", early.key_pem)
    stale = issue("middle", root, ends=NOW - timedelta(days=1))
    new = issue("leaf", stale, HOSTS)
    refuses(lambda: check([new, stale], new.key_pem), "Certificate 2 of the file expired", new.key_pem)


def test_all_faults_are_told_at_once(leaf: Party, refuses: Refuses) -> None:
    old = issue("leaf", hosts=("other.example.org",), ends=NOW - timedelta(days=1))
    refuses(
        lambda: check([old, leaf], leaf.key_pem),
        "belongs to certificate 2.*is not signed.*expired.*does not name matrix.example.org",
        leaf.key_pem,
    )


def test_texts_that_are_no_pair_are_refused(leaf: Party, refuses: Refuses) -> None:
    refuses(lambda: keys.tls_pair("CHANGEME", leaf.key_pem, HOSTS, NOW), "holds no certificate", leaf.key_pem)
    refuses(lambda: keys.tls_pair(leaf.key_pem, leaf.key_pem, HOSTS, NOW), "holds no certificate", leaf.key_pem)
    cut = leaf.certificate_pem[:200]
    refuses(lambda: keys.tls_pair(cut, leaf.key_pem, HOSTS, NOW), "holds no certificate", cut)
    refuses(lambda: check([leaf], leaf.certificate_pem), "a certificate, not a private key", leaf.certificate_pem)
