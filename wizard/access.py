"""Who may reach an LI host: which controller reads an Ingress, and through which Middlewares Traefik leads to it.

Traefik's allow-list is an object of its own, a Middleware that each router (an Ingress, or each route of an
IngressRoute) must name; the other controllers' are annotations, which ``clauses`` writes. Pure; FACTS 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wizard import entries, lenses, manifests, resources
from wizard.controllers import CONTROLLERS, Controller, Edge, Name, Reference
from wizard.lenses import Edit
from wizard.manifests import Node, Scalar, Sequence
from wizard.resources import Manifest, Resource

ANNOTATIONS = ("metadata", "annotations")
MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"  # names of Middlewares, parted by commas
# Traefik 3 and 2.11 know the first, and the second still; before them there was the second alone.
LIST_KEYS = ("ipAllowList", "ipWhiteList")
LIST_NAME = "li-allow-list"
LIST_SAMPLE = "YOUR_LAW_ENFORCEMENT_IPS"
# Other ways to a Service, on which no allow-list is known to be written by us.
ROUTES = frozenset(
    {"GRPCRoute", "HTTPProxy", "HTTPRoute", "IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "TLSRoute"}
    | {"VirtualService"}
)
WAYS = ROUTES | {"Ingress"}
# Every annotation that takes address ranges, in all its spellings.
LIST_ANNOTATIONS = frozenset(key for each in CONTROLLERS for key in (*each.older, each.allow_list, *each.newer) if key)

_GROUP, _FORMER_GROUP = "traefik.io", "traefik.containo.us"  # the latter until Traefik 2
_PROVIDER = "@kubernetescrd"
_ASKING = ("basicAuth", "digestAuth", "forwardAuth")
_IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"


@dataclass(frozen=True)
class Wiring:
    """What is missing between LI's routers and Traefik's Middlewares.

    ``homes``: the manifests to which a Middleware is to be appended, and for which namespaces. ``stuck``: why nothing
    can be written for a router.
    """

    homes: Mapping[Manifest, tuple[str, ...]]
    stuck: Mapping[Resource, str]


# Traefik's own kinds (traefik/traefik 3, pkg/provider/kubernetes/crd/traefikio/v1alpha1/register.go).
_TRAEFIKS = frozenset(
    {"IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "Middleware", "MiddlewareTCP", "ServersTransport"}
    | {"ServersTransportTCP", "TLSOption", "TLSStore", "TraefikService"}
)
EDGES = frozenset({"Ingress", "IngressClass"}) | _TRAEFIKS  # the kinds that say something of an edge


def edge(objects: Iterable[Resource]) -> Edge:
    """Return what the *objects* of a tree say of its edge together; those of ``EDGES`` say it all."""
    every = list(objects)
    classes = {each.name: each.text("spec", "controller") for each in every if each.kind == "IngressClass"}
    defaults = [each.name for each in every if each.kind == "IngressClass" and note(each, _IS_DEFAULT) == "true"]
    default = defaults[0] if defaults else ""
    signs: dict[str, set[str]] = {}
    for ingress in (each for each in every if each.kind == "Ingress"):
        prefixes = (key.partition("/")[0] + "/" for key in notes(ingress))
        signs.setdefault(class_of(ingress) or default, set()).update(prefixes)
    theirs = [each for each in every if _is_traefiks(each)]
    found = [each for each in theirs if each.kind == "Middleware"]
    chains = {_key(each): tuple(_named(each, each.get("spec", "chain", "middlewares"))) for each in found}
    spelled = {key for each in found for key in list_keys(each)}
    is_former = {_group(each) for each in theirs} == {_FORMER_GROUP}
    return Edge(
        classes,
        default,
        {name: frozenset(prefixes) for name, prefixes in signs.items()},
        chains,
        _lists(every, found, chains),
        _FORMER_GROUP if is_former else _GROUP,
        LIST_KEYS[1] if is_former or spelled == {LIST_KEYS[1]} else LIST_KEYS[0],
    )


def notes(resource: Resource) -> dict[str, str]:
    """Return the annotations of *resource*."""
    return manifests.texts(resource.get(*ANNOTATIONS))


def note(resource: Resource, key: str) -> str:
    """Return the text of one annotation, '' where it is not there."""
    return resource.text(*ANNOTATIONS, key)


def secret_of(ingress: Resource, word: str) -> Name:
    """Return namespace and name of the Secret that an annotation of *ingress* means by *word*, ``[namespace/]name``."""
    namespace, _, name = word.strip().rpartition("/")
    return namespace or ingress.namespace, name


def class_of(ingress: Resource) -> str:
    """Return the name of the class of *ingress*, as the field or the older annotation says it; '' for none."""
    return ingress.text("spec", "ingressClassName") or note(ingress, "kubernetes.io/ingress.class")


def readers(resource: Resource) -> tuple[Controller, ...]:
    """Return the controllers that (may) read *resource*; none where they are not known, or where no known one does."""
    if resource.kind == "IngressRoute" and _is_traefiks(resource):
        return tuple(each for each in CONTROLLERS if each.middlewares)
    return resource.manifest.edge.readers(class_of(resource)) if resource.kind == "Ingress" else ()


def list_keys(middleware: Resource) -> tuple[str, ...]:
    """Return the spellings in which *middleware* is an allow-list; none where it is none, or not Traefik's."""
    is_one = middleware.kind == "Middleware" and _is_traefiks(middleware)
    return tuple(key for key in LIST_KEYS if is_one and middleware.get("spec", key) is not None)


def is_li_list(middleware: Resource) -> bool:
    """Say whether *middleware* is an allow-list of LI's alone: LI's by its own signs or by a router, and no other's."""
    return bool(list_keys(middleware)) and middleware.manifest.edge.lists.get(_key(middleware), False)


def is_router(resource: Resource) -> bool:
    """Say whether Traefik (maybe) leads to a host by *resource*."""
    return any(reader.middlewares for reader in readers(resource))


def passed(router: Resource) -> list[set[Name]]:
    """Return for each route of *router* the Middlewares of the tree that it leads through, chained ones too."""
    return [_reached(way, router.manifest.edge.middlewares) for way in _ways(router)]


def is_open(resource: Resource) -> bool:
    """Say whether *resource* leads to an LI host and names no allow-list at all, whatever its controller would read."""
    if resource.instance != "li" or resource.kind not in WAYS:
        return False
    keys = {MIDDLEWARES, *LIST_ANNOTATIONS}
    return not any(resource.get(*ANNOTATIONS, key) for key in keys) and not any(passed(resource))


def is_asked(by: Controller, resource: Resource, tree: Iterable[Manifest]) -> bool:
    """Say whether the controller *by* asks for a password before what *resource* leads to.

    Traefik does where each route leads through a Middleware of *tree* that asks for one.
    """
    if not by.middlewares:
        return by.asks != "" and resource.get(*ANNOTATIONS, by.asks) is not None
    every = [each for manifest in tree for each in manifest.some({"Middleware"})]
    asking = {_key(each) for each in every if _is_traefiks(each) and any(each.get("spec", key) for key in _ASKING)}
    return all(names & asking for names in passed(resource))


def reference(router: Resource) -> str:
    """Return the word by which the LI router *router* is to name an allow-list of LI's that it does not pass yet.

    '' where it passes one on each of its routes, and where there is none that it could name.
    """
    edge = router.manifest.edge
    if not is_router(router) or all(any(edge.lists.get(name) for name in names) for names in passed(router)):
        return ""
    return next(_words(router, (name for name, is_lis in edge.lists.items() if is_lis)), "")


def wiring(routers: Iterable[Resource]) -> Wiring:
    """Return what is missing for *routers*; those that are not LI's, or not Traefik's, need nothing."""
    needy = [each for each in routers if each.instance == "li" and is_router(each) and not _is_wired(each)]
    made: dict[Name, Manifest] = {}
    stuck: dict[Resource, str] = {}
    for router in needy:
        if not router.namespace and next(_words(router, made), ""):
            continue
        beside = (each.manifest for each in needy if each.namespace == router.namespace)
        home = next((each for each in beside if appended(each, [router.namespace])), None)
        if router.kind == "Ingress" and not router.namespace:
            stuck[router] = "Traefik finds a Middleware by its namespace, and none is written here"
        elif (router.namespace, LIST_NAME) in router.manifest.edge.middlewares:
            stuck[router] = f"there is a Middleware {LIST_NAME} already that is no allow-list of LI's alone"
        elif home is None:
            stuck[router] = "Traefik takes an allow-list from a Middleware, and none can be added to this file"
        else:
            made[router.namespace, LIST_NAME] = home
    homes = {home: tuple(name[0] for name in made if made[name] is home) for home in made.values()}
    is_open = {each: not all(names & each.manifest.edge.lists.keys() for names in passed(each)) for each in stuck}
    so_that = "so that anyone may reach this LI host."
    return Wiring(homes, {each: f"{why}, {so_that}" for each, why in stuck.items() if is_open[each]})


def appended(home: Manifest, namespaces: Iterable[str]) -> Edit | None:
    """Return the edit that appends an allow-list for each of *namespaces* to *home*; None where that cannot be done."""
    text, newline = home.text, home.newline
    lines = [line for namespace in namespaces for line in _document(namespace, home.edge)]
    # A last line without an end gets one before the documents, which then end as that line did.
    is_ended = not text or text.endswith("\n")
    edit = Edit(len(text), len(text), newline.join([*lines, ""] if is_ended else ["", *lines]))
    after = home.with_text(lenses.apply(text, [edit]))
    is_same = list(map(_scalars, home.resources)) == list(map(_scalars, after.resources[: len(home.resources)]))
    is_json = home.path.endswith(".json")  # one text is one value there
    return edit if is_same and not is_json and len(after.broken) == len(home.broken) else None


def obstacle(resource: Resource) -> str:
    """Return why no allow-list can be written for the LI host that *resource* serves, whatever else the tree holds."""
    if resource.instance != "li":
        mixed = ", ".join(resource.li_hosts)
        return mixed and f"it serves {mixed} beside other hosts, and an allow-list would shut out both."
    if resource.kind in ROUTES and not is_router(resource):
        return f"no allow-list is known for a {resource.kind}, so that anyone may reach this LI host."
    if resource.kind != "Ingress":
        return ""
    found = readers(resource)
    dumb = ", ".join(each.name for each in found if not each.is_spoken)
    if found and not dumb:
        return ""
    name = class_of(resource) or resource.manifest.edge.default
    who = f"{dumb}, which reads it" if dumb else resource.manifest.edge.classes.get(name) or f"its class {name}"
    return f"no allow-list is known for {who}, so that anyone may reach this LI host."


def _is_wired(router: Resource) -> bool:
    """Whether *router* passes an allow-list of LI's, or can name one that is there."""
    lists = router.manifest.edge.lists
    is_passed = all(any(lists.get(name) for name in names) for names in passed(router))
    return is_passed or reference(router) != ""


def _words(router: Resource, lists: Iterable[Name]) -> Iterator[str]:
    """Yield the words by which *router* can name one of *lists*, one in its own namespace first.

    An Ingress names one of any namespace, an IngressRoute (as Traefik is set up by default) of its own only.
    """
    nearest = sorted(lists, key=lambda name: name[0] != router.namespace)
    for namespace, name in nearest:
        if router.kind == "IngressRoute":
            if resources.may_be_one(router.namespace, namespace):
                yield name
        elif namespace or router.namespace:
            yield f"{namespace or router.namespace}-{name}{_PROVIDER}"


def _document(namespace: str, edge: Edge) -> list[str]:
    return [
        "---",
        "# LI can be reached from these address ranges only: what leads to its hosts names this Middleware.",
        f"apiVersion: {edge.group}/v1alpha1",
        "kind: Middleware",
        "metadata:",
        f"  name: {LIST_NAME}",
        *([f"  namespace: {entries.flow(namespace)}"] if namespace else []),
        "spec:",
        f"  {edge.list_key}:",
        "    sourceRange:",
        f"      - {LIST_SAMPLE}",
    ]


def _scalars(resource: Resource) -> list[tuple[manifests.Path, str]]:
    return [(path, scalar.value) for path, scalar in manifests.walk(resource.node)]


def _lists(
    every: Iterable[Resource], middlewares: Iterable[Resource], chains: Mapping[Name, tuple[Reference, ...]]
) -> dict[Name, bool]:
    """Return the allow-lists among *middlewares*, and whether each is LI's alone."""
    by_li: set[Name] = set()
    by_others: set[Name] = set()
    for router in every:
        for way in _ways(router):
            (by_li if router.instance == "li" else by_others).update(_reached(way, chains))
    return {
        _key(each): (each.instance == "li" or _key(each) in by_li) and _key(each) not in by_others
        for each in middlewares
        if list_keys(each)
    }


def _ways(router: Resource) -> list[list[Reference]]:
    """Return the Middlewares that each route of *router* names; an Ingress is one route, other objects have none."""
    if router.kind == "Ingress":
        words = (word.strip() for word in note(router, MIDDLEWARES).split(","))
        return [[(None, word.removesuffix(_PROVIDER)) for word in words if word.endswith(_PROVIDER)]]
    routes = router.get("spec", "routes") if router.kind == "IngressRoute" and _is_traefiks(router) else None
    items = routes.items if isinstance(routes, Sequence) else ()
    return [list(_named(router, manifests.get(item, ("middlewares",)))) for item in items]


def _named(by: Resource, items: Node | None) -> Iterator[Reference]:
    for item in items.items if isinstance(items, Sequence) else ():
        name, namespace = (manifests.get(item, (key,)) for key in ("name", "namespace"))
        word = name.value if isinstance(name, Scalar) else ""
        if word.endswith(_PROVIDER):
            yield None, word.removesuffix(_PROVIDER)
        elif word:
            yield (namespace.value if isinstance(namespace, Scalar) else by.namespace), word


def _reached(way: Iterable[Reference], chains: Mapping[Name, tuple[Reference, ...]]) -> set[Name]:
    found: set[Name] = set()
    todo = list(way)
    while todo:
        word = todo.pop()
        new = [name for name in chains if name not in found and _is_meant(word, name)]
        found.update(new)
        todo += [inner for name in new for inner in chains[name]]
    return found


def _is_meant(word: Reference, name: Name) -> bool:
    """Whether *word* names the Middleware *name*; where a namespace is not written it may be the other's."""
    if word[0] is None:
        return word[1] == "-".join(name) if name[0] else word[1].endswith(f"-{name[1]}")
    return word[1] == name[1] and resources.may_be_one(word[0], name[0])


def _key(middleware: Resource) -> Name:
    return middleware.namespace, middleware.name


def _group(resource: Resource) -> str:
    return resource.text("apiVersion").partition("/")[0]


def _is_traefiks(resource: Resource) -> bool:
    return _group(resource) in (_GROUP, _FORMER_GROUP)
