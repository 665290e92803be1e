"""Annotations of an Ingress by their prefixes: the names that ingress-nginx and cert-manager read.

A name that neither knows is not refused, and nothing is said of it: with a slip in it, it is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher, get_close_matches

# ingress-nginx 1.0 to 1.15, docs/user-guide/nginx-configuration/annotations.md and internal/ingress/annotations; of
# releases before those it has dropped some, which are told by nobody but by their own absence.
_NGINX = """
affinity affinity-canary-behavior affinity-mode allowlist-source-range app-root auth-always-set-cookie
auth-cache-duration auth-cache-key auth-keepalive auth-keepalive-requests auth-keepalive-share-vars
auth-keepalive-timeout auth-method auth-proxy-set-headers auth-realm auth-request-redirect auth-response-headers
auth-secret auth-secret-type auth-signin auth-signin-redirect-param auth-snippet auth-tls-error-page auth-tls-match-cn
auth-tls-pass-certificate-to-upstream auth-tls-secret auth-tls-verify-client auth-tls-verify-depth auth-type auth-url
backend-protocol canary canary-by-cookie canary-by-header canary-by-header-pattern canary-by-header-value
canary-weight canary-weight-total client-body-buffer-size configuration-snippet connection-proxy-header
cors-allow-credentials cors-allow-headers cors-allow-methods cors-allow-origin cors-expose-headers cors-max-age
custom-headers custom-http-errors default-backend denylist-source-range enable-access-log enable-cors
enable-global-auth enable-influxdb enable-modsecurity enable-opentelemetry enable-opentracing enable-owasp-core-rules
enable-owasp-modsecurity-crs enable-rewrite-log fastcgi-index fastcgi-params-configmap force-ssl-redirect
from-to-www-redirect global-rate-limit global-rate-limit-ignored-cidrs global-rate-limit-key global-rate-limit-window
http2-push-preload influxdb-host influxdb-measurement influxdb-port influxdb-server-name limit-allowlist
limit-burst-multiplier limit-connections limit-rate limit-rate-after limit-rpm limit-rps limit-whitelist load-balance
mirror-host mirror-request-body mirror-target modsecurity-snippet modsecurity-transaction-id
opentelemetry-operation-name opentelemetry-trust-incoming-span opentracing-location-operation-name
opentracing-operation-name opentracing-trust-incoming-span permanent-redirect permanent-redirect-code
preserve-trailing-slash proxy-body-size proxy-buffer-size proxy-buffering proxy-buffers-number proxy-busy-buffers-size
proxy-connect-timeout proxy-cookie-domain proxy-cookie-path proxy-http-version proxy-max-temp-file-size
proxy-next-upstream proxy-next-upstream-timeout proxy-next-upstream-tries proxy-read-timeout proxy-redirect-from
proxy-redirect-to proxy-request-buffering proxy-send-timeout proxy-ssl-ciphers proxy-ssl-name proxy-ssl-protocols
proxy-ssl-secret proxy-ssl-server-name proxy-ssl-verify proxy-ssl-verify-depth relative-redirects rewrite-target
satisfy secure-backends secure-verify-ca-secret server-alias server-snippet service-upstream
session-cookie-change-on-failure session-cookie-conditional-samesite-none session-cookie-domain session-cookie-expires
session-cookie-hash session-cookie-max-age session-cookie-name session-cookie-path session-cookie-samesite
session-cookie-secure ssl-ciphers ssl-passthrough ssl-prefer-server-ciphers ssl-redirect stream-snippet
temporal-redirect temporal-redirect-code upstream-fail-timeout upstream-hash-by upstream-hash-by-subset
upstream-hash-by-subset-size upstream-max-fails upstream-vhost use-port-in-redirects use-regex whitelist-source-range
x-forwarded-prefix
"""
# cert-manager 1.18, "Annotations and labels used with cert-manager", and pkg/apis/certmanager/v1, types.go.
_CERT_MANAGER = """
allow-direct-injection alt-names certificate-name cluster-issuer common-name duration email-sans inject-apiserver-ca
inject-ca-from inject-ca-from-secret ip-sans issue-temporary-certificate issuer issuer-group issuer-kind issuer-name
private-key-algorithm private-key-encoding private-key-rotation-policy private-key-size renew-before
renew-before-percentage revision-history-limit secret-template subject-countries subject-localities
subject-organizationalunits subject-organizations subject-postalcodes subject-provinces subject-serialnumber
subject-streetaddresses uri-sans usages
"""
_ACME = "http01-edit-in-place http01-ingress-class http01-ingress-ingressclassname http01-override-ingress-name"

KNOWN: Mapping[str, frozenset[str]] = {
    "nginx.ingress.kubernetes.io/": frozenset(_NGINX.split()),
    "cert-manager.io/": frozenset(_CERT_MANAGER.split()),
    "acme.cert-manager.io/": frozenset(_ACME.split()),
}
_NEAR = 0.9  # by difflib: one slip in ten letters, or two in twenty


def meant(key: str) -> str:
    """Return the annotation that *key* is with a slip in it; '' where it is one that is known, or like none."""
    prefix, slash, name = key.partition("/")
    prefix += slash
    if prefix in KNOWN:
        near = "" if name in KNOWN[prefix] else _nearest(name, KNOWN[prefix])
        return near and prefix + near
    home = _nearest(prefix, KNOWN) if slash else ""
    return home + name if home and name in KNOWN[home] else ""


def _nearest(word: str, words: Mapping[str, object] | frozenset[str]) -> str:
    """Return the one of *words* that is nearest to *word*; '' where none is near, or two are as near."""
    near = get_close_matches(word, words, 2, _NEAR)
    is_one = len(near) == 1 or (len(near) > 1 and _likeness(word, near[0]) > _likeness(word, near[1]))
    return near[0] if is_one else ""


def _likeness(word: str, other: str) -> float:
    return SequenceMatcher(None, other, word).ratio()
