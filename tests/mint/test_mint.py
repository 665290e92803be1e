"""Everything that is made is read by the program, or another implementation, that will use it."""

import base64
import json
import re
import signal
import string
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator

import bcrypt
import pytest
import signedjson.key
import signedjson.sign
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nacl.signing import VerifyKey

from wizard import keys, mint
from wizard.mint import Recipe
from wizard.secret import Secret


def make(kind: str, size: int | None = None) -> str:
    return mint.make(Recipe(kind, size)).reveal()


@pytest.fixture(scope="module")
def rsa_pem() -> str:
    return make("rsa")


def openssl(*arguments: str, text: str) -> str:
    return subprocess.run(["openssl", *arguments], input=text, text=True, capture_output=True, check=True).stdout


def libcrypt(password: str, setting: str) -> str:
    """The system's crypt(3), which nginx calls; perl-base is on every Debian."""
    program = "chomp(my $p = <STDIN>); chomp(my $s = <STDIN>); print crypt($p, $s)"
    return subprocess.run(
        ["perl", "-e", program], input=f"{password}\n{setting}\n", text=True, capture_output=True, check=True
    ).stdout


def material(kind: str, text: str) -> str:
    """What must be random: of a signing key the seed, since a fresh id would hide a constant one (CVE-2026-24044)."""
    return keys.signing_key(text).seed.reveal() if kind == "signing-key" else text


@pytest.mark.parametrize("kind", mint.KINDS)
def test_two_of_a_kind_differ(kind: str) -> None:
    assert material(kind, make(kind)) != material(kind, make(kind))


@pytest.fixture(scope="module")
def two_runs() -> list[dict[str, str]]:
    """One text of each kind from each of two fresh processes."""
    program = (
        "import json; from wizard import mint;"
        "print(json.dumps({kind: mint.make(mint.Recipe(kind)).reveal() for kind in mint.KINDS}))"
    )
    return [json.loads(subprocess.check_output([sys.executable, "-c", program])) for _ in range(2)]


@pytest.mark.parametrize("kind", mint.KINDS)
def test_two_runs_of_the_program_differ(kind: str, two_runs: list[dict[str, str]]) -> None:
    first, second = (material(kind, made[kind]) for made in two_runs)
    assert first != second


@pytest.mark.parametrize("kind", mint.KINDS)
def test_a_text_has_no_blank_at_either_end(kind: str) -> None:
    text = make(kind)
    assert text == text.strip()


@pytest.mark.parametrize("kind", mint.KINDS)
def test_what_is_made_is_a_secret_that_does_not_print(kind: str) -> None:
    made = mint.make(Recipe(kind))
    assert made.reveal() not in f"{made} {made!r}"


@pytest.mark.parametrize(
    ("kind", "default", "smallest", "largest"),
    [("password", 40, 16, 128), ("django", 64, 50, 128), ("hex", 64, 32, 128), ("uuid4", 36, 36, 36)],
)
def test_a_word_has_the_size_asked_for(kind: str, default: int, smallest: int, largest: int) -> None:
    assert len(make(kind)) == default
    for size in (smallest, largest):
        assert len(make(kind, size)) == size


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("password", 11),
        Recipe("password", 0),
        Recipe("password", -1),
        Recipe("django", 49),
        Recipe("rsa", 1024),
        Recipe("rsa", 2049),
        Recipe("signing-key", 3),
        Recipe("signing-key", 7),
        Recipe("uuid4", 32),
        Recipe("base64", 8),
        Recipe("livekit-api-key", 40),
        Recipe("passwort"),
    ],
)
def test_a_size_or_kind_no_consumer_takes_is_refused(recipe: Recipe) -> None:
    with pytest.raises(ValueError, match=str(recipe.size) if recipe.kind in mint.KINDS else "passwort"):
        mint.make(recipe)


def test_a_password_is_a_letter_and_then_letters_and_digits() -> None:
    for _ in range(300):
        text = make("password")
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{39}", text)


@pytest.mark.parametrize(
    ("position", "alphabet"), [(0, string.ascii_letters), (1, string.ascii_letters + string.digits)]
)
def test_the_characters_of_a_password_are_uniform(position: int, alphabet: str) -> None:
    draws = 6000
    counts = Counter(make("password", 16)[position] for _ in range(draws))
    assert set(counts) == set(alphabet)
    expected = draws / len(alphabet)
    chi_square = sum((counts[letter] - expected) ** 2 / expected for letter in alphabet)
    freedom = len(alphabet) - 1
    # mean + 8 standard deviations: a fair generator fails about once in a thousand million runs
    assert chi_square < freedom + 8 * (2 * freedom) ** 0.5


def test_a_django_key_passes_check_deploy() -> None:
    key = make("django")  # security.W009: length, distinct characters, prefix (FACTS 3)
    assert len(key) >= 50
    assert len(set(key)) >= 5
    assert not key.startswith("django-insecure-")


def test_synapse_reads_the_signing_key_and_others_verify_what_it_signs() -> None:
    line = make("signing-key")
    (key,) = signedjson.key.read_signing_keys([line])  # Synapse calls exactly this
    message = {"type": "m.room.message"}
    signed = signedjson.sign.sign_json(dict(message), "example.org", key)
    ours = keys.signing_key(line)
    assert ours.id == key.version
    public = signedjson.key.decode_verify_key_bytes(f"ed25519:{ours.id}", base64.b64decode(ours.verify_key + "="))
    signedjson.sign.verify_signed_json(signed, "example.org", public)


def test_pynacl_and_cryptography_verify_each_other_under_the_made_key() -> None:
    line = make("signing-key")
    seed, public = base64.b64decode(line.split(" ")[2] + "="), base64.b64decode(keys.signing_key(line).verify_key + "=")
    (nacl_key,) = signedjson.key.read_signing_keys([line])
    other = Ed25519PrivateKey.from_private_bytes(seed)
    Ed25519PublicKey.from_public_bytes(public).verify(nacl_key.sign(b"event").signature, b"event")
    VerifyKey(public).verify(b"event", other.sign(b"event"))


@pytest.mark.parametrize("size", [4, 5, 6])
def test_a_signing_key_id_has_only_characters_of_the_specification(size: int) -> None:
    assert re.fullmatch(rf"ed25519 a_[A-Za-z0-9]{{{size}}} [A-Za-z0-9+/]{{43}}", make("signing-key", size))


class _EveryIdButThoseEndingIn(Collection[str]):
    """A server that has used nearly every id already."""

    def __init__(self, free: str) -> None:
        self.free, self.asked = free, 0

    def __contains__(self, key_id: object) -> bool:
        self.asked += 1
        return not str(key_id).endswith(tuple(self.free))

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_an_id_that_was_used_is_never_made_again() -> None:
    used = _EveryIdButThoseEndingIn("xyz")
    ids = [keys.signing_key(mint.signing_key(used).reveal()).id for _ in range(20)]
    assert all(key_id.endswith(("x", "y", "z")) for key_id in ids)
    assert used.asked > len(ids)


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_openssl_accepts_an_rsa_key_of_the_size_asked_for(bits: int) -> None:
    pem = make("rsa", bits)
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert "Key is valid" in openssl("pkey", "-check", "-noout", text=pem)
    assert f"Private-Key: ({bits} bit" in openssl("pkey", "-text", "-noout", text=pem)


@pytest.mark.parametrize(("header", "begin"), [("pkcs1", "RSA PRIVATE KEY"), ("pkcs8", "PRIVATE KEY")])
def test_openssl_reads_the_same_key_in_both_forms(header: str, begin: str, rsa_pem: str) -> None:
    form = keys.rsa_form(rsa_pem, "pkcs1" if header == "pkcs1" else "pkcs8")
    assert form.startswith(f"-----BEGIN {begin}-----\n")
    assert "Key is valid" in openssl("pkey", "-check", "-noout", text=form)
    assert openssl("pkey", "-pubout", text=form) == openssl("pkey", "-pubout", text=rsa_pem)


def test_openssl_writes_the_two_forms_as_we_do(rsa_pem: str) -> None:
    traditional = openssl("rsa", "-traditional", text=rsa_pem)
    assert keys.rsa_form(rsa_pem, "pkcs1") == traditional.rstrip("\n")
    assert keys.rsa_form(traditional, "pkcs8") == rsa_pem


def test_hex_is_hexadecimal_and_never_a_number_to_yaml() -> None:
    for _ in range(300):
        text = make("hex", 32)
        assert len(bytes.fromhex(text)) == 16
        assert text[0] in "abcdef"


def test_a_uuid_is_a_random_one_of_version_4() -> None:
    made = uuid.UUID(make("uuid4"))
    assert (made.version, made.variant) == (4, uuid.RFC_4122)


def test_base64_decodes_to_the_bytes_asked_for_on_one_line() -> None:
    text = make("base64", 48)
    assert "\n" not in text
    assert len(base64.b64decode(text, validate=True)) == 48


def test_a_livekit_key_begins_as_livekits_own() -> None:
    assert re.fullmatch(r"API[A-Za-z0-9]{12}", make("livekit-api-key"))
    assert re.fullmatch(r"API[A-Za-z0-9]{16}", make("livekit-api-key", 16))


@pytest.fixture(scope="module", params=["admin", "li.admin", "björn"])
def htpasswd_entry(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    password = make("password")
    user, digest = mint.htpasswd(request.param, Secret(password)).reveal().split(":")
    assert user == request.param
    return user, password, digest


@pytest.mark.parametrize(
    "verifies",
    [
        pytest.param(lambda password, digest: bcrypt.checkpw(password.encode(), digest.encode()), id="bcrypt"),
        pytest.param(lambda password, digest: libcrypt(password, digest) == digest, id="libcrypt"),
    ],
)
def test_servers_accept_the_password_and_no_other(
    verifies: Callable[[str, str], bool], htpasswd_entry: tuple[str, str, str]
) -> None:
    _, password, digest = htpasswd_entry
    assert digest.startswith("$2y$10$")
    assert verifies(password, digest)
    assert not verifies(password[:-1], digest)


def test_an_htpasswd_line_is_salted_anew() -> None:
    password = Secret("the same password")
    assert mint.htpasswd("admin", password) != mint.htpasswd("admin", password)


def test_an_htpasswd_line_is_what_keys_reads() -> None:
    line = mint.htpasswd("admin", Secret("x")).reveal()
    assert keys.htpasswd_line(line) == keys.HtpasswdLine("admin", "2y", 10)


def test_bcrypt_takes_72_bytes_and_not_one_more() -> None:
    line = mint.htpasswd("admin", Secret("é" * 36)).reveal()
    assert bcrypt.checkpw(("é" * 36).encode(), line.split(":")[1].encode())
    for text in ("a" * 73, "é" * 36 + "a"):
        with pytest.raises(ValueError, match="72 bytes") as refusal:
            mint.htpasswd("admin", Secret(text))
        assert text not in str(refusal.value)


@pytest.mark.parametrize("user", ["", "a:b", "#admin", "a b", "a\nb", "a\tb", "admin\r", "a\0"])
def test_a_user_that_would_change_the_file_is_refused(user: str) -> None:
    with pytest.raises(ValueError, match="user name"):
        mint.htpasswd(user, Secret("password"))


@pytest.mark.parametrize("password", ["", "before\0after"], ids=["empty", "nul"])
def test_a_password_that_is_cut_short_elsewhere_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="at least one character and no NUL"):
        mint.htpasswd("admin", Secret(password))


AHEAD = [Recipe("rsa"), Recipe("rsa", 3072), Recipe("password", 20)]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Add a kind that is made only once the gate stands open; its first try in a thread fails if its size is 2."""
    opened = threading.Event()
    threads: list[threading.Thread] = []

    def wait(size: int) -> str:
        threads.append(threading.current_thread())
        opened.wait()
        if size == 2 and threading.current_thread() is not threading.main_thread():
            raise OSError("no randomness")
        return f"made {len(threads)}"

    monkeypatch.setitem(mint.KINDS, "gated", mint.Kind(wait, 1, (1, 2)))
    yield opened
    opened.set()


@pytest.mark.parametrize("recipe", AHEAD, ids=str)
def test_what_was_made_ahead_is_used_once(recipe: Recipe) -> None:
    mint.ahead(recipe)
    first, second = mint.make(recipe).reveal(), mint.make(recipe).reveal()
    assert first != second
    if recipe.kind == "rsa":
        for pem in (first, second):
            assert f"Private-Key: ({recipe.size or 2048} bit" in openssl("pkey", "-text", "-noout", text=pem)


def test_make_waits_for_the_one_that_was_begun_and_takes_that(gate: threading.Event) -> None:
    recipe, same = Recipe("gated"), Recipe("gated", 1)
    assert mint.is_ready(recipe)
    mint.ahead(recipe)
    mint.ahead(same)  # begun already
    assert not mint.is_ready(recipe)
    assert not mint.is_ready(same)
    gate.set()
    assert mint.make(same).reveal() == "made 1"
    assert mint.is_ready(recipe)
    assert mint.make(recipe).reveal() == "made 2"


def test_another_recipe_does_not_wait(gate: threading.Event) -> None:
    mint.ahead(Recipe("gated"))
    assert mint.is_ready(Recipe("password"))
    assert len(make("password")) == 40
    gate.set()
    mint.make(Recipe("gated"))


def test_what_could_not_be_made_ahead_is_made_now(gate: threading.Event, capsys: pytest.CaptureFixture[str]) -> None:
    mint.ahead(Recipe("gated", 2))
    gate.set()
    assert mint.make(Recipe("gated", 2)).reveal() == "made 2"
    assert capsys.readouterr() == ("", "")


def test_a_recipe_that_cannot_be_made_is_refused_at_once() -> None:
    for call in (mint.ahead, mint.is_ready):
        with pytest.raises(ValueError, match="1024"):
            call(Recipe("rsa", 1024))


ENDLESS = (
    "import threading; from wizard import mint;"
    "mint.KINDS['endless'] = mint.Kind(lambda size: str(threading.Event().wait()), 1, (1,));"
    "mint.ahead(mint.Recipe('endless'));"
)


@pytest.mark.parametrize(
    "program",
    [ENDLESS, "from wizard import mint; mint.ahead(mint.Recipe('rsa', 4096))"],
    ids=["a secret that is never made", "a large key"],
)
def test_the_process_ends_without_waiting_for_a_secret(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_an_interrupt_ends_the_wait_for_a_secret() -> None:
    program = ENDLESS + "print('waiting', flush=True); mint.make(mint.Recipe('endless'))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"waiting\n"
        child.send_signal(signal.SIGINT)
        try:
            _, said = child.communicate(timeout=120)
        finally:
            child.kill()
    assert b"KeyboardInterrupt" in said
