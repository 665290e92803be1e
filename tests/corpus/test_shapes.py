"""Every scalar of YAML's trickier shapes takes every awkward text, as another parser's events tell."""

from __future__ import annotations

import pytest

from bench.corpus import TEXTS, is_empty, prove, scalars_of, told
from wizard.lenses import Edit
from wizard.manifests import Document, walk
from wizard.resources import Leaf, Manifest, read

SHAPES = {
    "plain over lines": "a: one\n  two\n\n  three # why\nb:\n  four\n  five\n",
    "plain over lines in a flow": "{a: one\n  two, b: [three\n  four]}\n",
    "an explicit key": "? a\n: b\n? |\n  c\n: - d\n? [e, f]\n: g\n",
    "sequences on one line": "- - x\n  - - u\n    - 'z'\n-   - k: v\n      w: |\n        t\n- k: v\n  w: u\n",
    "sequences at their key's depth": "a:\n- b\n- c:\n  - d\ne: f\n",
    "indentation indicators": "a: |2\n    b\n   c\nd: >1-\n  e\n f\ng:\n  - |1+ # why\n    h\n\n\ni: j\n",
    "indicators on both sides": "a: |-2 # b\n   c\nd: >+1\n  e\n\nf: |2-\n  g\n",
    "comments in headers": "a: | # b\n  # c\nd: >- # e\n  f\n  # g\n\n# h\ni: j\n",
    "block scalars with blank lines": "a: |\n\n\n  b\n\n   c\n\nd: >\n\n  e\n\n\n   f\n  g\n\n\nh: i\n",
    "block scalars with trailing tabs": "a: |\n  b\t\n  \tc\nd: >\n  e\t\n  \tf\n",
    "empty block scalars": "a: |\nb: >-\n\nc: |+\n\nd:\n  - |\n  - e\n",
    "block scalars of blank lines": "a: |2+\n\nb: >+\n\n\nc: |\n \n  \nd: |1\n\n",
    "words and numbers": "a: y\nb: Off\nc: 1.5e3\nd: 0x1F\ne: 2020-01-01\nf: 1:30\ng: <<\nh: .inf\ni: [y, 1e5]\n",
    "a directive": "%YAML 1.1\n# a\n---\nb: c\n",
    "tag directives": "%TAG !e! tag:e,2000:\n---\na: !e!x b\nc: !e!y 'd'\n...\n",
    "document ends": "a: b\n...\n# c\n---\nd: e\n...\n---\nf\n...\n",
    "content on the document's line": "--- text\n--- 'two'\n--- |\n three\n--- >-\n four\n--- {a: b}\n--- # c\nd: e\n",
    "anchors and aliases": "a: &x b\nc: *x\nd: [*x, &y e, *y]\nf: &z\n  g: &w |\n    h\ni: *z\n<<: *z\n",
    "an anchor on its own line": "a: &x\n  b\nc: &y !!str # d\n  'e'\nf: *x\n",
    "tags": "a: !!str b\nc: !<tag:yaml.org,2002:str> d\ng: !h i\nj: !!str\nk: !!binary |\n  bGw=\n",
    "empty values": "a:\nb: \nc:   # d\ne: ''\nf: ~\ng: {h: , i: }\nj:\n  -\n  - k\n  -\nl: &x\nm: !!str\nn:\n",
    "duplicate keys": "a: b\na: c\nd: {e: f, e: g}\n",
    "tabs behind content": "a: b\t\nc: 'd'\t# e\nf:\t g\nh: [i\t,\tj\t]\n",
    "trailing blanks": "a: b  \nc: 'd'   \ne: |  \n  f  \ng:  \n",
    "quotes over lines": "a: 'b\n\n  c''d  \n  e'\nf: \"g \\\n   h\\n\n\n  i\\\n  \\  j\"\n",
    "keys in quotes": "'a b': c\n\"d\\u00e9\": e\n? 'f'\n: g\n",
    "json": '{\n\t"a": "b\\u00e9\\/",\n\t"c": [1, true, null, -1.5, "", {}, []]\n}',
    "adjacent values": '{"a":"b","c":[d,"e":f],g: h}\n',
    "plain with indicators inside": "a: b#c\nd: e:f\ng: -h\ni: ?j\nk: l, m [n] {o}\np: http://q:r@s/t?u=v&w\n",
    "beyond one plane": "\U0001f511: \U0001f600 é # ü\nb: '\U0001f602'\nc: |\n  \U0001f603\n",
    "many documents of one kind": "---\n---\na: b\n---\n# c\n---\na: d\n",
    "a text alone": "just text\n",
    "a quoted text alone": "'just text' # a\n",
}
NEWS = [*TEXTS, "word", "a" * 200, "a b " * 40, "\U0001f511 é", "}", "]", ",", "- ", "? a", "k: v\nl: w\n", "'\"\\"]


def leaves(manifest: Manifest) -> list[Leaf]:
    """Every scalar value of the file, those of duplicate keys too."""
    found = ((resource, path, scalar) for resource in manifest.resources for path, scalar in walk(resource.node))
    return [Leaf(*one) for one in found]


@pytest.mark.parametrize("is_cut", [False, True], ids=["", "no final newline"])
@pytest.mark.parametrize("is_foreign", [False, True], ids=["", "crlf and bom"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_scalar_takes_every_text(shape: str, is_foreign: bool, is_cut: bool) -> None:
    text = SHAPES[shape].rstrip("\n") if is_cut else SHAPES[shape]
    manifest = read("x.yaml", ("\ufeff" + text.replace("\n", "\r\n") if is_foreign else text).encode())
    assert manifest is not None
    events = told(manifest.text)
    places = [at for at, event in enumerate(events) if event.value is not None and not is_empty(events, at)]
    scalars = [node for part in manifest.parts if isinstance(part, Document) for node in scalars_of(part.root)]
    assert [scalar.value for scalar in scalars] == [events[place].value for place in places]
    place_of = {id(scalar): place for scalar, place in zip(scalars, places, strict=True)}
    found = leaves(manifest)
    assert found
    for at, leaf in enumerate(found):
        for new in NEWS[(at + is_foreign + 2 * is_cut) % 4 :: 4]:  # over the variants each leaf gets them all
            prove(manifest, events, place_of[id(leaf.scalar)], leaf, Edit(0, len(leaf.text), new))
