"""Makes secrets and keys, all from the operating system's randomness.

Knows kinds and sizes only: not which value a secret is for, nor where it goes, nor what was made before.
Every text ends without a newline; whoever renders it into a file adds one.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import string
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from wizard.secret import Secret

_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
_HTPASSWD_COST = 10  # nginx computes the hash on every request: about 100 ms of a worker's time at 10 (FACTS 3)
_BCRYPT_MOST_BYTES = 72  # above it one program cuts the password and another refuses it (FACTS 3)


@dataclass(frozen=True)
class Recipe:
    """What to make: a key of ``KINDS`` and a size in that kind's unit (None: its default)."""

    kind: str
    size: int | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of secret: how a text of a size is made, the default size, and the sizes its consumers take."""

    make: Callable[[int], str]
    default: int
    sizes: Collection[int]


@dataclass
class _Begun:
    """A secret in the making: once ``done`` is set it is there, or None if it could not be made."""

    done: threading.Event = field(default_factory=threading.Event)
    secret: Secret | None = None


_begun: dict[tuple[str, int], _Begun] = {}  # by kind and size


def make(recipe: Recipe) -> Secret:
    """Return a new secret of ``recipe``; ValueError for an unknown kind or a size which that kind cannot have.

    One that `ahead` began is waited for and taken, once only.
    """
    kind, size = _sized(recipe)
    begun = _begun.pop((kind, size), None)
    if begun:
        begun.done.wait()
        if begun.secret is not None:
            return begun.secret
    return Secret(KINDS[kind].make(size))


def ahead(recipe: Recipe) -> None:
    """Begin to make a secret of ``recipe`` for the next `make` of it; nothing more while one is begun already.

    The process may end at any time without waiting for it. Whatever goes wrong shows in `make`, which tries again.
    ValueError as from `make`.
    """
    kind, size = _sized(recipe)
    if (kind, size) in _begun:
        return
    begun = _begun[kind, size] = _Begun()

    def work() -> None:
        with contextlib.suppress(BaseException):  # a panic in Rust is no Exception
            begun.secret = Secret(KINDS[kind].make(size))
        begun.done.set()

    try:
        # A daemon, which the end of the process does not wait for; OpenSSL works without the interpreter's lock.
        threading.Thread(target=work, daemon=True).start()
    except RuntimeError:  # no more threads
        begun.done.set()


def is_ready(recipe: Recipe) -> bool:
    """Tell whether `make` has nothing to wait for: False only while a secret that `ahead` began is in the making."""
    begun = _begun.get(_sized(recipe))
    return begun is None or begun.done.is_set()


def _sized(recipe: Recipe) -> tuple[str, int]:
    kind = KINDS.get(recipe.kind)
    if kind is None:
        raise ValueError(f"There is no kind of secret called {recipe.kind!r}; the kinds are {', '.join(KINDS)}.")
    size = kind.default if recipe.size is None else recipe.size
    if size not in kind.sizes:
        raise ValueError(f"A secret of the kind {recipe.kind} cannot have the size {size}.")
    return recipe.kind, size


def signing_key(used_ids: Collection[str]) -> Secret:
    """Return a signing key line whose id (``a_XXXX``) is not in ``used_ids``.

    Remote servers cache keys by id, so an id never comes back with another key (FACTS 1).
    """
    while True:
        key = make(Recipe("signing-key"))
        if key.reveal().split(" ")[1] not in used_ids:
            return key


def htpasswd(user: str, password: Secret) -> Secret:
    """Return the line ``user:$2y$10$…`` that nginx, musl and HAProxy all verify (FACTS 3); salted anew each time.

    ValueError for a user or a password that an htpasswd file cannot carry.
    """
    import bcrypt

    # `#` begins a comment; a colon, a blank or a control character ends or changes the name in one server or another.
    if not user or user.startswith("#") or ":" in user or not user.isprintable() or " " in user:
        raise ValueError(
            "A user name of basic authentication is printable, without colon or blank, and begins without #."
        )
    plain = password.reveal().encode()
    if not plain or b"\0" in plain:
        raise ValueError("A password of basic authentication holds at least one character and no NUL.")
    if len(plain) > _BCRYPT_MOST_BYTES:
        raise ValueError(f"bcrypt reads {_BCRYPT_MOST_BYTES} bytes of a password at most; this one has {len(plain)}.")
    digest = bcrypt.hashpw(plain, bcrypt.gensalt(_HTPASSWD_COST)).decode()
    return Secret(f"{user}:$2y${digest.removeprefix('$2b$')}")  # the same algorithm; older musl knows only this name


def _word(size: int) -> str:
    # A letter first: no YAML parser reads the text as a number, no program as an option (FACTS 3).
    return secrets.choice(string.ascii_letters) + _letters_and_digits(size - 1)


def _letters_and_digits(size: int) -> str:
    return "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(size))


def _signing_key(id_size: int) -> str:
    from nacl.signing import SigningKey

    seed = base64.b64encode(bytes(SigningKey.generate())).decode().rstrip("=")
    return f"ed25519 a_{_letters_and_digits(id_size)} {seed}"


def _rsa(bits: int) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode().rstrip("\n")


def _hex(digits: int) -> str:
    # Letter first here too: all digits, or digits around one `e`, would be a number (FACTS 3).
    return secrets.choice("abcdef") + "".join(secrets.choice("0123456789abcdef") for _ in range(digits - 1))


# The rows stand last because they name the makers above.
KINDS: Mapping[str, Kind] = {
    # size in characters: 40 is 238 bits and MinIO's ceiling for service accounts; PostgreSQL took 5000 (FACTS 3)
    "password": Kind(_word, 40, range(12, 5001)),
    # characters: `check --deploy` wants 50 and more (security.W009); 64 as CloudNativePG makes them (FACTS 0)
    "django": Kind(_word, 64, range(50, 129)),
    # characters of the id after `a_` (FACTS 0, R5)
    "signing-key": Kind(_signing_key, 4, range(4, 7)),
    # bits: 2048 is the checklist's choice
    "rsa": Kind(_rsa, 2048, (2048, 3072, 4096)),
    # hexadecimal digits
    "hex": Kind(_hex, 64, range(32, 129)),
    # characters: RFC 9562 fixes them
    "uuid4": Kind(lambda _: str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)), 36, (36,)),
    # bytes before encoding
    "base64": Kind(lambda size: base64.b64encode(secrets.token_bytes(size)).decode(), 32, range(16, 129)),
    # characters after `API`, as LiveKit's own generator writes it (FACTS 3)
    "livekit-api-key": Kind(lambda size: "API" + _letters_and_digits(size), 12, range(12, 17)),
}
