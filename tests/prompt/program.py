"""A run of the interview at the terminal that it is started in; prints what a caller would do with the answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from wizard import prompt
from wizard.answers import Answers
from wizard.errors import StoppedError
from wizard.questions import BY_KEY


def main(*keys: str) -> int:
    if not prompt.is_terminal():
        print("no terminal", file=sys.stderr)
        return 2
    try:
        answers = prompt.interview([BY_KEY[key] for key in keys], Answers(), lambda path: Path(path).read_bytes())
    except StoppedError as stopped:
        print(stopped, file=sys.stderr)
        return stopped.exit_code
    print(json.dumps(answers.to_json()["answers"] | {"lengths": [len(s.reveal()) for s in answers.secrets().values()]}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
