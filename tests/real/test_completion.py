"""Completion in real shells: what stands on the command line after a Tab, and what one lists."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from wizard import catalogue
from wizard.cli import app
from wizard.questions import BY_KEY

# How each shell is started without anybody's settings, and what makes it complete.
START = {
    "bash": (
        "bash --norc --noprofile -i",
        "PS1='@ '; bind 'set show-all-if-ambiguous on'",
        'eval "$(matrix-wizard completion bash)"',
    ),
    "zsh": ("zsh -f -i", "PS1='@ '; autoload -Uz compinit; compinit -D", 'eval "$(matrix-wizard completion zsh)"'),
    "fish": (
        "fish --no-config -i",
        "set fish_autosuggestion_enabled 0; function fish_prompt; echo -n '@ '; end",
        "matrix-wizard completion fish | source",
    ),
}
# What is typed before a Tab, and what then stands there once X is typed behind it.
COMPLETED = {
    "set": "setup X",
    "compl": "completion X",
    "completion z": "completion zsh X",
    "plan --ans": "plan --answers X",
    "setup --set domains.b": "setup --set domains.base=X",
    "setup --set=domains.b": "setup --set=domains.base=X",
    "setup --set smtp.security=st": "setup --set smtp.security=starttls X",
    "setup --set=smtp.security=st": "setup --set=smtp.security=starttls X",
    "setup --set tls.mode=manual --set smtp.security=st": "setup --set tls.mode=manual --set smtp.security=starttls X",
    "setup --set smtp.user=o@chat-corp.net -": "setup --set smtp.user=o@chat-corp.net -X",
    "show livekit-api-s": "show livekit-api-secret X",
    "setup --answers giv": "setup --answers given.yaml X",
    "check --tree tre": "check --tree trees/X",
    "show turn-secret --out giv": "show turn-secret --out given.yaml X",
}
# What is typed before a Tab, and all that is then listed.
LISTED: dict[str, set[str]] = {
    "": set(app.commands),
    "completion ": {"bash", "zsh", "fish"},
    "show ": {row.name for row in catalogue.ROWS},
    "setup --set domains.": {f"{key}=" for key in BY_KEY if key.startswith("domains.")},
    "setup --set key_vault.rsa_bits=": {"2048", "3072", "4096"},
    "plan --accept-": {"--accept-site", "--accept-new-sites"},
}


class Shell:
    """An interactive shell on a screen of 200 by 90, in a directory that holds given.yaml, trees/ and treetops."""

    def __init__(self, name: str, home: Path) -> None:
        command, settings, source = START[name]
        (home / "trees").mkdir()
        (home / "given.yaml").touch()
        (home / "treetops").touch()
        program = Path(sys.executable).parent
        own = {"PATH": f"{program}:{os.environ['PATH']}", "HOME": str(home), "TERM": "linux", "LC_ALL": "C.UTF-8"}
        # Nothing else of the environment: a setting such as INPUTRC must not decide.
        self.child = pexpect.spawn(command, env=own, cwd=home, dimensions=(90, 200), timeout=120, encoding="utf-8")
        self.screen = pyte.Screen(200, 90)
        self.screen.write_process_input = self.child.send  # type: ignore[method-assign]
        self.stream = pyte.Stream(self.screen)
        self.child.send(f"{settings}; {source}; echo rea'dy'\r")
        self.until(lambda: "ready" in self.rows)

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display]

    @property
    def line(self) -> str:
        """The command line as it stands, without the prompt."""
        return next((row[2:] for row in reversed(self.rows) if row.startswith("@")), "nothing")

    def until(self, shown: Callable[[], bool]) -> None:
        while not shown():
            self.stream.feed(self.child.read_nonblocking(4096, 120))

    def type(self, text: str) -> None:
        """Type on an empty command line."""
        self.child.send("\x03")
        self.until(lambda: self.line == "")
        self.child.send(f"matrix-wizard {text}")


@pytest.fixture(scope="module", params=START)
def shell(
    request: pytest.FixtureRequest, needs: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    needs(request.param)
    made = Shell(request.param, tmp_path_factory.mktemp(request.param))
    yield made
    made.child.close(force=True)


@pytest.mark.parametrize("typed", COMPLETED)
def test_one_tab_completes(shell: Shell, typed: str) -> None:
    """The X tells where the cursor stood: behind a blank, or right behind the key that wants its value."""
    shell.type(f"{typed}\tX")
    shell.until(lambda: shell.line.endswith("X"))
    assert shell.line == f"matrix-wizard {COMPLETED[typed]}"


@pytest.mark.parametrize("typed", LISTED)
def test_one_tab_lists_all(shell: Shell, typed: str) -> None:
    shell.type(f"{typed}\t")
    shell.until(lambda: LISTED[typed] <= {part for row in shell.rows for word in row.split() for part in parts(word)})


def parts(word: str) -> tuple[str, str]:
    """Return a word as it is listed, and what of it stands behind the key that bash leaves out and zsh does not."""
    return word, word.rpartition("=")[2]
