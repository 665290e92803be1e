"""The floor of a key press: questionary's own prompt, and nothing else."""

import questionary

questionary.text("Name").unsafe_ask()
