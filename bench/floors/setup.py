"""The least that setup can cost: read a tree, make its keys, encrypt a vault, write as many bytes to as many files.

Arguments: a JSON file with ``read`` (files), ``passwords`` (how many), ``vault`` (characters of its plain text) and
``written`` (bytes of each file by its path), and the directory to write to.
"""

import json
import os
import secrets
import string
import sys
from pathlib import Path

import bcrypt
import pyrage
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from nacl.signing import SigningKey

work, out = json.loads(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2])
for name in work["read"]:
    Path(name).read_bytes()

alphabet = string.ascii_letters + string.digits
passwords = ["".join(secrets.choice(alphabet) for _ in range(40)) for _ in range(work["passwords"])]
line = bcrypt.hashpw(passwords[0].encode(), bcrypt.gensalt(10))
signing_key = SigningKey.generate()
rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
pem = rsa_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
identity = pyrage.x25519.Identity.generate()
sealed = pyrage.encrypt(b"x" * work["vault"], [identity.to_public()])

staged = []
for name, size in work["written"].items():
    target = out / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(target.name + ".tmp").open("xb", buffering=0) as file:
        file.write(bytes(size))
        os.fsync(file.fileno())
    staged.append(target)
for target in staged:
    target.with_name(target.name + ".tmp").replace(target)
for directory in {target.parent for target in staged}:  # a rename lasts only when its directory is written
    descriptor = os.open(directory, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
