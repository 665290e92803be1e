"""Random small trees: only planned scalars change, hand edits stay, blank restores, a second run is empty."""

from __future__ import annotations

import base64
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import MINIMUM
from .reading import Row as Place
from .reading import by_pyyaml, find
from .runs import STATE, Deployment, run

# Objects of FACTS 12: kind, name, key, a placeholder, and the value that belongs there.
SITES = [
    ("Secret", "coturn-secrets", "TURN_PASSWORD", "CHANGEME_TURN_PASSWORD", "turn-password"),
    ("Secret", "coturn-secrets", "TURN_SHARED_SECRET", "CHANGE_ME", "turn-secret"),
    ("Secret", "synapse-secrets", "TURN_SECRET", "CHANGEME_SECURE_TURN_SECRET", "turn-secret"),
    ("Secret", "synapse-secrets", "FORM_SECRET", "changeme", "form-secret"),
    ("Secret", "synapse-secrets", "signing.key", "CHANGEME_SIGNING_KEY", "signing-key"),
    ("Secret", "synapse-li-secrets", "FORM_SECRET", "CHANGEME_LI_FORM_SECRET", "li-form-secret"),
    ("Secret", "synapse-li-secrets", "signing.key", "CHANGEME_COPY_FROM_MAIN_SIGNING_KEY", "signing-key"),
    ("Secret", "redis-password", "password", "CHANGE_ME_GENERATE_SECURE_PASSWORD", "redis-password"),
    ("ConfigMap", "web", "url", "https://matrix.example.com/path", "matrix-host"),
    ("ConfigMap", "web", "line", "realm turn.example.com and more", "turn-host"),
]
STYLES = ("plain", "single", "double", "literal", "folded", "data")
COMMENT = "CHANGEME here"
BYSTANDERS = (
    "yes",
    "0777",
    "'it''s'",
    '"\\ttab"',
    "[a, {b: c}]",
    "|\n    two\n    lines",
    "~",
    "äöü",
    "&x 1.5",
    "!!str 12",
)


@dataclass(frozen=True)
class Entry:
    """One entry of an object: a site in some style, or something else (*token* is '')."""

    key: str
    source: str
    token: str = ""
    value: str = ""
    encoded: bool = False


@dataclass(frozen=True)
class Object:
    """One object, its entries, and the comments above them."""

    kind: str
    name: str
    entries: tuple[Entry, ...]
    comments: tuple[str, ...]
    flow: bool

    def text(self) -> str:
        block = "data" if self.kind == "ConfigMap" else "stringData"
        head = f"apiVersion: v1\nkind: {self.kind}\nmetadata: {{name: {self.name}, namespace: matrix}}\n"
        plain = [each for each in self.entries if not each.encoded]
        sections = [(block, plain), ("data", [each for each in self.entries if each.encoded])]
        body = ""
        for name, entries in sections:
            if entries and self.flow and all("\n" not in each.source for each in entries):
                body += f"{name}: {{" + ", ".join(f"{each.key}: {each.source}" for each in entries) + "}\n"
            elif entries:
                body += f"{name}:\n" + "".join(
                    f"{comment}  {each.key}: {each.source}\n"
                    for each, comment in zip(entries, self.padding, strict=False)
                )
        return head + body

    @property
    def padding(self) -> tuple[str, ...]:
        return tuple(f"  # {text}\n" if text else "" for text in self.comments)


def styled(text: str, style: str) -> str:
    if style in ("literal", "folded"):
        return f"{'|' if style == 'literal' else '>-'}\n    {text}"
    if style == "data":
        return base64.b64encode(text.encode()).decode()
    return {"plain": text, "single": f"'{text}'", "double": json.dumps(text)}[style]


@st.composite
def objects(draw: st.DrawFn) -> list[Object]:
    chosen = draw(st.lists(st.sampled_from(SITES), min_size=1, max_size=5, unique_by=lambda site: site[1:3]))
    made = []
    for kind, name in dict.fromkeys(site[:2] for site in chosen):
        entries = []
        for _, _, key, token, value in (site for site in chosen if site[:2] == (kind, name)):
            style = draw(st.sampled_from(STYLES[:5] if kind == "ConfigMap" else STYLES))
            entries.append(Entry(key, styled(token, style), token, value, style == "data"))
        # Each at most once in a document: YAML 1.2 lets an anchor be defined again, PyYAML, which reads here, does not.
        for number, source in enumerate(draw(st.lists(st.sampled_from(BYSTANDERS), max_size=2, unique=True))):
            entries.append(Entry(f"other{number}", source))
        comments = draw(st.lists(st.sampled_from(["", "a remark: {odd", COMMENT, "'quote"]), min_size=8, max_size=8))
        made.append(Object(kind, name, tuple(draw(st.permutations(entries))), tuple(comments), draw(st.booleans())))
    return made


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[Object], dict[str, bytes]]:
    """Draw objects, and the files that they stand in: shared or not, LF or CRLF, BOM or none, final newline or none."""
    drawn = draw(objects())
    files: dict[str, list[str]] = {}
    for each in drawn:
        files.setdefault(draw(st.sampled_from(["one.yaml", "sub/two.yml"])), []).append(each.text())
    encoded = {}
    for path, texts in files.items():
        text = "---\n".join(texts)
        text = text.removesuffix("\n") if draw(st.booleans()) else text
        text = text.replace("\n", "\r\n") if draw(st.booleans()) else text
        encoded[path] = (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode()
    encoded["notes.txt"] = b"CHANGEME_TURN_PASSWORD stands here too\r\n"
    return drawn, encoded


# A comment belongs to its file, not to an object, so that it is not looked for elsewhere.
HAND_EDITS = st.lists(st.sampled_from(["above", "label", "behind", "move"]), max_size=3, unique=True)


def edit_by_hand(tree: Path, edits: list[str]) -> None:
    """Edit beside the sites, the same way in a blank tree as in a filled one."""
    for path in [each for each in (tree / "one.yaml", tree / "sub/two.yml") if each.exists()]:
        data = path.read_bytes()
        end = b"\r\n" if b"\r\n" in data else b"\n"
        bom, data = data[: 3 * data.startswith(b"\xef\xbb\xbf")], data.removeprefix(b"\xef\xbb\xbf")
        if "above" in edits:
            data = b"# read by the auditors" + end + data
        if "label" in edits:
            data = data.replace(b"namespace: matrix}", b"namespace: matrix, labels: {by: hand}}")
        if "behind" in edits:
            data = data.replace(b"apiVersion: v1", b"apiVersion: v1  # a remark")
        if "move" in edits and end + b"---" + end in data:
            data, _, last = data.rpartition(end + b"---" + end)
            (tree / f"moved-{path.stem}.yaml").write_bytes(last)
        path.write_bytes(bom + data)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees(), HAND_EDITS)
def test_a_random_tree_is_filled_kept_and_put_back(
    drawn: tuple[list[Object], dict[str, bytes]], edits: list[str]
) -> None:
    things, files = drawn
    if any(COMMENT.encode() in data for data in files.values()):
        edits = [edit for edit in edits if edit != "move"]
    with tempfile.TemporaryDirectory() as name:
        deployment = lay_out(Path(name) / "home", files)
        done = deployment.setup()
        assert done.code == 0, done.text
        assert_only_sites_changed(things, files, deployment)
        filled = deployment.everything()  # what was looked at above stands in the audit log

        again = deployment.setup()
        assert "No byte was changed" in again.out, again.text
        assert deployment.everything() == filled

        edit_by_hand(deployment.tree, edits)
        edited = deployment.files()
        assert deployment.setup().code == 0
        assert deployment.files() == edited

        original = lay_out(Path(name) / "original", files)
        edit_by_hand(original.tree, edits)
        blanked = deployment.blank()
        assert blanked.code == 0, blanked.text
        assert deployment.files() == original.files()

        assert deployment.setup().code == 0
        assert deployment.files() == edited


def assert_only_sites_changed(things: list[Object], files: dict[str, bytes], deployment: Deployment) -> None:
    values = deployment.values()
    before, after = by_pyyaml(files), by_pyyaml(deployment.files())
    assert deployment.files()["notes.txt"] == files["notes.txt"]
    assert (
        not set(deployment.everything())
        - set(files)
        - {
            f"{STATE}/{name}"
            for name in ("vault.age", "sites.lock", "audit.log", ".gitattributes", ".gitignore", ".busy")
        }
    )
    for path, documents in before.items():
        for old, new in zip(documents, after[path], strict=True):
            assert {**old, "data": 0, "stringData": 0} == {**new, "data": 0, "stringData": 0}
        for each in things:
            for entry in each.entries:
                block = "data" if entry.encoded or each.kind == "ConfigMap" else "stringData"
                place = Place(path, f"{each.kind}/matrix/{each.name}", (block, entry.key), "", "", entry.encoded)
                was, is_now = find(before, place), find(after, place)
                if was is not None:
                    assert is_now == (expected(was, entry, values) if entry.token else was), (each.name, entry.key)
    # What stands beside the sites is odd on purpose: of texts without quotes kubectl makes numbers and booleans.
    found = run("check", "--json", "--tree", str(deployment.tree)).data["findings"]
    assert {each["id"] for each in found if each["severity"] == "error"} <= {"not-a-string"}


def expected(was: str, entry: Entry, values: dict[str, str]) -> str:
    if entry.value == "signing-key":
        return values["signing-key"].rstrip("\n") + ("\n" if was.endswith("\n") else "")
    for host in ("matrix.example.com", "turn.example.com"):
        if host in was:
            return was.replace(host, values[entry.value])
    return was.replace(entry.token, values[entry.value])


def lay_out(home: Path, files: dict[str, bytes]) -> Deployment:
    deployment = Deployment(home)
    for path, data in files.items():
        (deployment.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (deployment.tree / path).write_bytes(data)
    deployment.answers.parent.mkdir()
    deployment.answers.write_text(MINIMUM)
    return deployment
