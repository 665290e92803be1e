"""Ingress controllers as a table: how each is known, and the annotations by which it guards an Ingress.

A new dialect is one row (DESIGN, law 11). What a tree says of its edge as a whole stands beside it: an Ingress alone
does not tell who reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Controller:
    """One kind of ingress controller.

    ``controller``: the pattern of what an IngressClass calls it; ``classes``: the pattern of class names that are its
    own where the tree does not define them. ``signs``: prefixes of annotations that it alone reads; they tell it from
    others that go by the same class name, and only where ``assumed`` it is thought to be there without them.
    ``allow_list``: the annotation that takes the address ranges; ``older`` and ``newer``: its other spellings, those
    that it reads only in the absence of that one, and those that it prefers. ``auth``: the annotations by which it asks
    for the password in a Secret's key ``auth``, by what each says; ``asks``: the one without which it asks for none.
    ``middlewares``: it takes both from Middlewares instead.
    """

    name: str
    controller: str
    classes: str
    signs: tuple[str, ...]
    assumed: bool = True
    allow_list: str = ""
    older: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    auth: Mapping[str, str] = field(default_factory=dict)
    asks: str = ""
    middlewares: bool = False

    @property
    def is_spoken(self) -> bool:
        """Whether a dialect of it is known in which an allow-list can be written."""
        return self.middlewares or bool(self.allow_list)


_COMMUNITY, _HAPROXY = "nginx.ingress.kubernetes.io/", "haproxy-ingress.github.io/"

# FACTS 4, where the sources of each row are.
CONTROLLERS: tuple[Controller, ...] = (
    # The old spelling is written, for every version reads it; the newer one is preferred since 1.9. A second
    # controller in a cluster gets a name with a word more in it.
    Controller(
        "ingress-nginx", r".+/[\w.-]*ingress-nginx[\w.-]*", r"nginx", (_COMMUNITY,),
        allow_list=f"{_COMMUNITY}whitelist-source-range", newer=(f"{_COMMUNITY}allowlist-source-range",),
        auth={"type": f"{_COMMUNITY}auth-type", "secret": f"{_COMMUNITY}auth-secret",
              "realm": f"{_COMMUNITY}auth-realm"},
        asks=f"{_COMMUNITY}auth-type",
    ),
    # Goes by the class name nginx too, and does not read the community's annotations.
    Controller(
        "NGINX Ingress Controller (F5)", r"nginx\.org/ingress-controller", r"nginx", ("nginx.org/", "nginx.com/"),
        assumed=False,
    ),
    # Both HAProxy controllers go by the class name haproxy. Where nothing tells them apart both get their annotation:
    # each takes no notice of the other's. Basic auth of this one wants a Secret of another shape (a key for each user).
    Controller(
        "HAProxy Kubernetes Ingress Controller", r"haproxy\.org/ingress-controller(?:/.*)?", r"haproxy(?!-ingress)",
        ("haproxy.org/",), allow_list="haproxy.org/allow-list", older=("haproxy.org/whitelist",),
        asks="haproxy.org/auth-type",
    ),
    # The prefix of its first years is read after its own; others read that prefix too, so it is no sign.
    Controller(
        "haproxy-ingress", r"haproxy-ingress\.github\.io/controller(?:/.*)?", r"haproxy(?!-?tech)", (_HAPROXY,),
        allow_list=f"{_HAPROXY}allowlist-source-range",
        older=("ingress.kubernetes.io/whitelist-source-range", "ingress.kubernetes.io/allowlist-source-range",
               f"{_HAPROXY}whitelist-source-range"),
        auth={"secret": f"{_HAPROXY}auth-secret", "realm": f"{_HAPROXY}auth-realm"},
        asks=f"{_HAPROXY}auth-secret",
    ),
    Controller(
        "Traefik", r"traefik\.io/ingress-controller", r"traefik", ("traefik.ingress.kubernetes.io/",), middlewares=True,
    ),
)  # fmt: skip
_WITHOUT_CLASS = CONTROLLERS[0]

Name = tuple[str, str]  # namespace and name of a Middleware; the namespace may be unwritten
Reference = tuple[str | None, str]  # the same as another object writes it; without a namespace both as one word


@dataclass(frozen=True)
class Edge:
    """What a tree as a whole says of its edge, by which each of its Ingresses is read.

    ``classes``: the controller of each IngressClass; ``default``: the class of an Ingress that names none; ``signs``:
    the prefixes of the annotations on the Ingresses of each class. ``middlewares``: Traefik's, each with the others
    that it chains; ``lists``: those of them that are allow-lists, and whether they are LI's alone. ``group`` and
    ``list_key``: how a new one is to be written.
    """

    classes: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    signs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    middlewares: Mapping[Name, tuple[Reference, ...]] = field(default_factory=dict)
    lists: Mapping[Name, bool] = field(default_factory=dict)
    group: str = "traefik.io"
    list_key: str = "ipAllowList"

    def readers(self, class_name: str) -> tuple[Controller, ...]:
        """Return the controllers that read an Ingress of the class *class_name* ('' for none); empty where unknown.

        Several where its name may be that of several; an Ingress without a class is ingress-nginx's at least.
        """
        name = class_name or self.default
        if name in self.classes:
            return tuple(each for each in CONTROLLERS if re.fullmatch(each.controller, self.classes[name]))
        signs = self.signs.get(name, frozenset())
        if not name:
            return tuple(each for each in CONTROLLERS if each is _WITHOUT_CLASS or signs.intersection(each.signs))
        named = [each for each in CONTROLLERS if re.search(each.classes, name)]
        signed = [each for each in named if signs.intersection(each.signs)]
        return tuple(signed or (each for each in named if each.assumed))
