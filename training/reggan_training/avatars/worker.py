"""A process that renders the identities it is told of, one after the other.

It reads one JSON task a line from stdin and answers each with one JSON line on stdout; Blender's
own words go to stderr's file. End of input ends it.

    {"style": "skin", "number": 1000}  →  {"seconds": 41.2, "error": null}
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TextIO

from reggan_training.avatars.task import Task


def main() -> None:
    """Serve tasks; the first line of input holds the settings of all of them."""
    answers = _own_stdout()
    setup = json.loads(sys.stdin.readline())
    from reggan_training.avatars.identity_render import render_task
    from reggan_training.avatars.render_settings import AvatarRenderSettings
    from reggan_training.heads.anatomy.assets import read_assets

    assets = read_assets(Path(setup["assets"]))
    settings = AvatarRenderSettings(**setup["render"])
    for line in sys.stdin:
        task = Task(**json.loads(line))
        started = time.monotonic()
        error = None
        try:
            render_task(assets, task, setup["seed"], settings, Path(setup["root"]))
        except Exception as fault:  # noqa: BLE001 - named to the job, which goes on with the next
            traceback.print_exc()
            error = f"{type(fault).__name__}: {fault}"
        _answer(answers, time.monotonic() - started, error)


def _own_stdout() -> TextIO:
    """A handle of the real stdout; what anything else prints goes to stderr from now on."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _answer(answers: TextIO, seconds: float, error: str | None) -> None:
    answers.write(json.dumps({"seconds": round(seconds, 2), "error": error}) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
