"""Completion for shells: click's own, with the keys, names and directories that only this program knows.

What is offered comes from the tables alone: no tree, vault or key is touched by a Tab.
"""

from __future__ import annotations

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

PROGRAM = "matrix-wizard"
_VARIABLE = "_MATRIX_WIZARD_COMPLETE"  # click's own name for it, which it looks for when the program starts

# A key is to be followed by its value at once. Of the shells only fish sees that by itself, from its last character.
_BASH_KEYS = """
%(complete_func)s_key() {
    %(complete_func)s "$@"
    if [[ ${COMPREPLY[*]} == *= ]]; then compopt -o nospace; fi
}
complete -o nosort -F %(complete_func)s_key %(prog_name)s
"""
_ZSH_KEYS = """
%(complete_func)s_key() {
    local word=${words[CURRENT]#--set=}
    if [[ ($words[CURRENT-1] == --set || $words[CURRENT] != $word) && $word != *=* ]]; then
        compadd() { builtin compadd -S '' "$@" }
        { %(complete_func)s } always { unfunction compadd }
    else
        %(complete_func)s
    fi
}
compdef %(complete_func)s_key %(prog_name)s
"""


def script(shell: str, app: click.Command) -> str:
    """Return the script by which one of `SHELLS` completes the command line of *app*; the shell evaluates it."""
    return SHELLS[shell](app, {}, PROGRAM, _VARIABLE).source()


def keys(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return what may be typed after ``--set``: the keys of the answers as ``KEY=``, and behind one its choices."""
    from wizard.questions import BY_KEY, QUESTIONS

    key, found, value = incomplete.partition("=")
    if not found:
        return [CompletionItem(f"{each.key}=", help=each.help) for each in QUESTIONS if each.key.startswith(key)]
    choices = BY_KEY[key].kind.choices if key in BY_KEY else ()
    return [CompletionItem(f"{key}={choice}") for choice in choices if choice.startswith(value)]


def names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return the values that the catalogue knows."""
    from wizard.catalogue import ROWS

    return [CompletionItem(row.name) for row in ROWS if row.name.startswith(incomplete)]


def rules(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return the ids of the rules of check."""
    from wizard.rules import RULES

    return [CompletionItem(each.id, help=each.title) for each in RULES if each.id.startswith(incomplete)]


def directories(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return the word that has the shell itself complete a directory."""
    return [CompletionItem(incomplete, type="dir")]


class _WithOption(ShellComplete):
    """A value is offered with the option that it is joined to by ``=``; click would have the shell overwrite that."""

    option = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        if incomplete.startswith("-") and "=" in incomplete:
            self.option = incomplete.partition("=")[0] + "="
        return args, incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        value = self.option + item.value if item.type == "plain" else item.value
        return super().format_completion(CompletionItem(value, item.type, item.help))


class _BashWords(BashComplete):
    """Bash parts words at ``=`` too, and replaces only what stands behind the last."""

    before = ""  # what of the word stands before that

    def source(self) -> str:
        return super().source() + _BASH_KEYS % self.source_vars()

    def get_completion_args(self) -> tuple[list[str], str]:
        args, last = super().get_completion_args()
        words: list[str] = []
        for part in (*args, last):
            if words and (part == "=" or (part and words[-1].endswith("="))):
                words[-1] += part
            else:
                words.append(part)
        incomplete = words.pop()
        if incomplete != last:
            self.before = incomplete[: incomplete.rfind("=") + 1]
        return words, incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        return super().format_completion(CompletionItem(item.value.removeprefix(self.before), item.type))


@add_completion_class
class _Bash(_WithOption, _BashWords):
    pass


@add_completion_class
class _Zsh(_WithOption, ZshComplete):
    def source(self) -> str:
        return super().source() + _ZSH_KEYS % self.source_vars()


@add_completion_class
class _Fish(_WithOption, FishComplete):
    pass


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}
