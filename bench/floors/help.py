"""The least that ``--help`` can cost: a click group with as many commands and nothing else.

Arguments: how many commands, then click's own.
"""

import sys

import click

app = click.Group("bare")
for number in range(int(sys.argv.pop(1))):
    app.add_command(click.Command(f"command-{number}", help="Do one thing."))
app()
