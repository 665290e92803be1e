"""The least that check can cost: read every file of a tree and go through libyaml's events of the manifests.

Argument: the tree.
"""

import sys
from pathlib import Path

import _ruamel_yaml as libyaml  # type: ignore[import-not-found]  # the compiled half of ruamel.yaml

for path in Path(sys.argv[1]).rglob("*"):
    if path.is_file():
        data = path.read_bytes()
        if path.suffix in (".yaml", ".yml", ".json"):
            parser = libyaml.CParser(data.decode())
            while parser.get_event() is not None:
                pass
