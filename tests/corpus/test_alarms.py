"""The tool that counts what ``check`` finds in other people's repositories: each is read, and each fault is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.alarms import main
from wizard.resources import Manifest

SECRET = "kind: Secret\nmetadata: {name: a}\ndata: {key: no base64!}\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for name, text in {"one/a.yaml": SECRET, "one/b/c.yaml": SECRET, "two/a.yml": SECRET, "three/a.md": "#\n"}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / "three" / "out").symlink_to(tmp_path / "one")
    return tmp_path


def test_findings_are_counted_by_rule_and_by_repository(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(corpus), "--show", "base64-missing"]) == 0
    out = capsys.readouterr().out
    assert "2 repositories, 3 files that are read as manifests\n" in out
    assert "      3  error    base64-missing  (in 2 repositories)\n" in out
    assert "one/b/c.yaml:3:13: error: Secret//a: key under data: is not base64" in out
    assert "refused: three: The symlink leads out of the tree" in out


def test_a_repository_on_which_check_fails_is_told_and_the_next_one_is_read(
    corpus: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = Manifest.some

    def failing(self: Manifest, kinds: frozenset[str]) -> object:
        return 1 // (self.path != "b/c.yaml") and some(self, kinds)

    monkeypatch.setattr(Manifest, "some", failing)
    assert main([str(corpus)]) == 1
    out = capsys.readouterr().out
    assert "FAILED: one: Traceback" in out and "ZeroDivisionError" in out
    assert "      1  error    base64-missing  (in 1 repositories)\n" in out
