"""Key material, as its server reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from wizard import filling, keys
from wizard.finding import Finding, at
from wizard.sites import Site
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield key material that its server cannot read."""
    yield from _malformed(survey.found.sites)


# What reads each key the way its server does (FACTS 1, 3).
_PARSERS: dict[str, Callable[[str], object]] = {
    "signing-key": keys.signing_keys,
    "key-vault-rsa-key": keys.rsa_key,
    "apns-key": keys.apns_key,
    "fcm-service-account": keys.service_account,
    "li-admin-htpasswd": lambda text: [keys.htpasswd_line(line) for line in text.splitlines()],
}


def _malformed(found: Iterable[Site]) -> Iterator[Finding]:
    for site in found:
        parse = _PARSERS.get(site.value)
        if parse is None or site.token or site.how == "comment":
            continue
        try:
            parse(filling.read(site.value, site.text))
        except ValueError as error:
            yield at(
                site.position,
                "key-malformed",
                f"{site.value} cannot be read by its server: {error}",
                "Put the right key there, or a placeholder, and run: matrix-wizard setup",
            )
