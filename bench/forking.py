"""The program as git's merge driver without its start: `python -m bench.forking SOCKET` imports it once, and forks.

Nine tenths of a merge of three small files are the starts of three Pythons. Each call still is a process of its own, in
git's directory and with git's arguments, that runs the program's door and ends with its exit code; what calls it is
`python -I -S bench/forking.py SOCKET ARGUMENT…`, which imports nothing but sockets.
"""

from __future__ import annotations

import json
import os
import socket
import sys


def serve(place: str) -> None:
    """Answer calls at the socket *place* until this process is ended."""
    import pyrage  # noqa: F401, PLC0415 - what the door imports on its way, once for all

    from wizard import console, merging  # noqa: F401, PLC0415
    from wizard.cli import main  # noqa: PLC0415

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place)
        server.listen()
        print("ready", flush=True)
        while True:
            caller, _ = server.accept()
            if os.fork():
                caller.close()
                os.waitpid(-1, 0)  # git calls one after the other
                continue
            with caller, caller.makefile("rw") as file:
                asked = json.loads(file.readline())
                os.chdir(asked["cwd"])
                read, write = os.pipe()
                for stream in (1, 2):
                    os.dup2(write, stream)
                os.close(write)
                code = main(asked["argv"])
                sys.stdout.flush()
                sys.stderr.flush()
                for stream in (1, 2):
                    os.close(stream)
                with os.fdopen(read) as told:  # a few lines, which a pipe holds
                    file.write(json.dumps({"code": code, "told": told.read()}) + "\n")
                    file.flush()
                os._exit(0)


def call(place: str, argv: list[str]) -> int:
    """Have the server at *place* run the program with *argv* here; print what it told, and return its exit code."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(place)
        with client.makefile("rw") as file:
            file.write(json.dumps({"cwd": os.getcwd(), "argv": argv}) + "\n")  # noqa: PTH109 - imports nothing
            file.flush()
            answer = json.loads(file.readline())
    sys.stderr.write(answer["told"])
    return int(answer["code"])


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(call(sys.argv[1], sys.argv[2:]))
