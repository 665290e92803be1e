"""Help in groups: options and commands under headings, and examples, each told beside what it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import click

_PLAIN = "Options"  # the heading of what names none

F = TypeVar("F", bound=Callable[..., Any])
Row = tuple[str, str]  # what is typed, and what it does


class Option(click.Option):
    """An option that the help lists under a heading."""

    def __init__(self, *args: Any, heading: str = _PLAIN, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading


class Command(click.Command):
    """A command that stands under a heading itself, and whose help ends with examples: command lines, and what for."""

    def __init__(self, *args: Any, heading: str = "", examples: Sequence[Row] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings, which stand in the order of their first options."""
        heading, listed = _PLAIN, []
        for each in self.get_params(ctx):
            heading = getattr(each, "heading", heading)  # click's own, such as --help, follow the last of ours
            if isinstance(each, click.Option) and (record := each.get_help_record(ctx)):
                listed.append((heading, record))
        _write(formatter, listed)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, what each does on a line of its own, and then what else stands at the end."""
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_dl(self.examples, col_max=2)
        super().format_epilog(ctx, formatter)


class Group(Command, click.Group):
    """A group whose commands stand in the order of the source, under their headings, each told by a whole sentence."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, and the commands after them."""
        super().format_options(ctx, formatter)
        told = ((name, command.get_short_help_str(limit=1000)) for name, command in self.commands.items())
        headings = (getattr(command, "heading", "") for command in self.commands.values())
        _write(formatter, zip(headings, told, strict=True))


def option(heading: str) -> partial[Any]:
    """Return ``click.option`` for options that stand under *heading*."""
    return partial(click.option, cls=Option, heading=heading)


def adding(command: F, *options: Callable[[F], F]) -> F:
    """Return *command* with *options*, which its help lists in this order."""
    for add in reversed(options):
        command = add(command)
    return command


def _write(formatter: click.HelpFormatter, listed: Iterable[tuple[str, Row]]) -> None:
    """Write rows under their headings, the second column at the same place under all of them."""
    sections: dict[str, list[Row]] = {}
    for heading, row in listed:
        sections.setdefault(heading, []).append(row)
    width = max(len(typed) for rows in sections.values() for typed, _ in rows)
    for heading, rows in sections.items():
        with formatter.section(heading):
            formatter.write_dl([(typed.ljust(width), said) for typed, said in rows])
