"""Old signing keys: what ``old_signing_keys`` of every homeserver configuration of a tree must list (FACTS 1).

Other servers verify old events by it. A key that was ever the current one, and no longer signs, stands there with the
moment until which it did; on main and on LI alike. Pure, like ``mail``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wizard import entries, keys, lenses, manifests
from wizard.clauses import Arrangement, unfit
from wizard.entries import Undo, Wanted
from wizard.errors import RefusedError
from wizard.manifests import Mapping, Node
from wizard.resources import Leaf, Resource
from wizard.vault import Kept, Vault

SIGNING_KEY = "signing-key"
_OPTION = "old_signing_keys"
_OVER = ("past", "compromised")
# Synapse's processes sign with a key that was given up until they have restarted, and what is dated later than the
# entry says is invalid. Its own export_signing_key allows as long for that. A compromised one gets no grace.
_GRACE = 6 * 60 * 60 * 1000


@dataclass(frozen=True)
class OldKey:
    """One entry: the key's id (``a_XXXX``), its public key (unpadded base64), and until when what it signed is valid
    (ms, UTC)."""

    id: str
    public: str
    expired: int

    @property
    def entry(self) -> Wanted:
        """The entry as Synapse reads it (its manual, ``old_signing_keys``)."""
        return Wanted((f"ed25519:{self.id}",), {"key": self.public, "expired_ts": self.expired})


def of(vault: Vault) -> tuple[OldKey, ...]:
    """Return the signing keys of *vault* that no longer sign, and when that ended, oldest first.

    One whose end is not known, or whose text is no key, is not among them; nor one with the current key's id."""
    kept = vault.values.get(SIGNING_KEY)
    return tuple(_old(kept)) if kept else ()


def _old(kept: Kept) -> Iterable[OldKey]:
    live = {_id(each.text.reveal()) for each in kept.generations if each.state not in _OVER}
    for each in kept.generations:
        try:
            key = keys.signing_key(each.text.reveal())
        except ValueError:
            continue
        if each.state in _OVER and each.until and key.id not in live:
            moment = datetime.fromisoformat(each.until).timestamp()
            grace = _GRACE if each.state == "past" else 0
            yield OldKey(key.id, key.verify_key, int(moment * 1000) + grace)


def used_ids(kept: Kept | None) -> set[str]:
    """Return the ids of all signing keys that there ever were: none may come back (FACTS 1)."""
    return {_id(each.text.reveal()) for each in kept.generations} if kept else set()


def _id(text: str) -> str:
    words = text.split()
    return words[1] if len(words) > 1 else ""


def arrange(resources: Iterable[Resource], old: Iterable[OldKey]) -> list[Arrangement]:
    """Return the changes after which each homeserver configuration in *resources* lists all *old* keys.

    An entry that stands there is left as it is. RefusedError where one cannot be written."""
    wanted = [each.entry for each in old]
    if not wanted:
        return []
    made: list[Arrangement] = []
    for resource in resources:
        for leaf in [None, *resource.leaves.values()]:
            root = _configuration(resource, leaf)
            if root is not None:
                made += _arranged(resource, leaf, root, wanted)
    return made


def _arranged(resource: Resource, leaf: Leaf | None, root: Node, wanted: list[Wanted]) -> list[Arrangement]:
    text = leaf.view.text if leaf else resource.manifest.text
    changes = entries.ensure(text, root, (_OPTION,), wanted, ())
    after = manifests.root_of(lenses.apply(text, [change.edit for change in changes])) if changes else root
    before = entries.plain(root)
    texts = {want.keys[0]: {key: str(part) for key, part in want.data.items()} for want in wanted}
    listed = {**texts, **(before.get(_OPTION) or {})}
    if after is None or entries.plain(after) != {**before, _OPTION: listed}:
        raise RefusedError(unfit(resource, (*(leaf.path if leaf else ()), _OPTION)))
    above = (*leaf.path, "~") if leaf else ()
    return [
        Arrangement(
            resource,
            leaf,
            entries.Change(
                change.edit,
                tuple(Undo(each.kind, (*above, *each.path), each.original, each.nth) for each in change.undo),
            ),
        )
        for change in changes
    ]


def _configuration(resource: Resource, leaf: Leaf | None) -> Node | None:
    """Return the root of a homeserver configuration: a text of a ConfigMap or Secret, or a file of its own."""
    if leaf is None:
        is_alone = not resource.kind and len(resource.manifest.parts) == 1 and "homeserver" in resource.manifest.path
        root: Node | None = resource.node if is_alone else None
    elif resource.kind in ("ConfigMap", "Secret") and "~" not in leaf.path and not leaf.refusal:
        root = manifests.root_of(leaf.view.text) if leaf.key.endswith((".yaml", ".yml")) else None
    else:
        root = None
    return root if isinstance(root, Mapping) and "server_name" in entries.keys(root) else None
