"""The tool that edits other people's manifests at random: it proves what it does, and tells what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.corpus import main
from wizard.lenses import Edit
from wizard.lenses.region import Region

SHAPES = {
    "styles.yaml": "a: one # why\nb: 'two'\nc: \"three\"\nd: |\n  four\n\ne: >-\n  five\n  six\nf:\n- - {g: h, i: }\n",
    "secret.yml": "kind: Secret\ndata:\n  a: d29yZA==\nstringData:\n  a.env: |\n    A='b'\n",
    "deep/config.json": '{"a": [1, "two", {"b": null}], "c": true}\n',
    "crlf.yaml": "\ufeffa: &x b\r\nc: *x\r\n---\r\n- |\r\n  d\r\n",
    "template.yaml": "a: {{ .Values.b }}\nc: {{ d }}e\n",
    "not.yaml": "a: [\n",
    "empty.yaml": "",
    "left.txt": "a: [\n",
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for name, text in SHAPES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    return tmp_path


@pytest.mark.parametrize("seed", range(5))
def test_edits_are_proved_and_refusals_are_told_by_their_cause(
    corpus: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    assert main([str(corpus), "--seed", str(seed)]) == 0
    out = capsys.readouterr().out
    assert f"seed {seed}\n" in out
    assert "8 files" in out
    assert "file: it is not UTF-8  (as in " in out
    assert "file: it is a Go template, and no YAML  (as in " in out
    assert "document: while parsing a flow node, " in out
    assert out.endswith("0 corruptions\n")
    assert " 0 edits" not in out
    assert " 0 in " not in out


def test_a_lens_that_adds_a_blank_is_found(
    corpus: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Region.put

    def broken(self: Region, edits: Sequence[Edit]) -> list[Edit]:
        *made, last = put(self, edits)
        return [*made, Edit(last.start, last.end, f" {last.new} ")]

    monkeypatch.setattr(Region, "put", broken)
    assert main([str(corpus), "--seed", "1"]) == 1
    out = capsys.readouterr().out
    assert "CORRUPTED: " in out
    assert "(--seed 1)" in out
    assert not out.endswith("\n0 corruptions\n")


def test_one_file_alone_gets_the_edits_that_it_got_among_others(
    corpus: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Region, "put", lambda *_: [Edit(0, 0, "#")])
    main([str(corpus), "--seed", "7"])
    among = capsys.readouterr().out
    main([str(corpus / "styles.yaml"), "--seed", "7"])
    alone = [line for line in capsys.readouterr().out.splitlines() if line.startswith("CORRUPTED")]
    assert alone
    assert all(line in among for line in alone)
