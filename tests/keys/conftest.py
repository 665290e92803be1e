"""Keys and certificates as an operator brings them: made by openssl, or by cryptography where a date is needed."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime(2030, 6, 15, tzinfo=UTC)


def run_openssl(*arguments: str, text: str = "") -> str:
    return subprocess.run(["openssl", *arguments], input=text, text=True, capture_output=True, check=True).stdout


@dataclass(frozen=True)
class Party:
    """One holder of a certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def issue(
    name: str,
    issuer: Party | None = None,
    hosts: Sequence[str] = (),
    begins: datetime = NOW - timedelta(days=30),
    ends: datetime = NOW + timedelta(days=60),
) -> Party:
    """Return a party whose certificate ``issuer`` (or itself) signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return Party(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


@pytest.fixture(scope="session")
def rsa_pem() -> str:
    """An RSA key in PKCS#8, final newline included, as OpenSSL 3 writes it."""
    return run_openssl("genrsa", "2048")


@pytest.fixture(scope="session")
def rsa_pkcs1(rsa_pem: str) -> str:
    return run_openssl("rsa", "-traditional", text=rsa_pem)


@pytest.fixture(scope="session")
def p8() -> str:
    """What Apple's portal gives: an EC P-256 key in PKCS#8."""
    return run_openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


Refuses = Callable[[Callable[[], object], str, str], None]


@pytest.fixture
def refuses() -> Refuses:
    """Check that a call is refused with a whole sentence, and that nothing in the chain of errors tells the text."""

    def check(call: Callable[[], object], saying: str, text: str) -> None:
        with pytest.raises(ValueError, match=saying) as refusal:
            call()
        error: BaseException | None = refusal.value
        assert str(error).endswith(".")
        told = []
        while error is not None:
            told.append(f"{error} {error.args!r} {vars(error)!r}")
            error = error.__cause__ or error.__context__
        pieces = {piece for line in text.split("\n") for piece in line.split() if len(piece) >= 20}
        assert not [piece for piece in pieces if piece in " ".join(told)]

    return check
