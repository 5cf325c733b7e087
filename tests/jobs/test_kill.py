"""SIGKILL at any moment: no half file under a final name, and the next run ends as one that lived.

The process kills itself at a chosen step of a chosen file, so that every moment of a write is hit.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reggan_plugin.file_safety import TEMPORARY_SUFFIX

from ..sample_frames import small_frame

KILL = """
import os, signal, sys
from pathlib import Path
from reggan_plugin.cli import main

step, count = sys.argv[1], int(sys.argv[2])
done = 0

def now():
    global done
    done += 1
    return done == count

def die():
    os.kill(os.getpid(), signal.SIGKILL)

fsync, replace = os.fsync, Path.replace

def keep_half(file):
    if now():
        os.ftruncate(file, os.fstat(file).st_size // 2)
        die()
    fsync(file)

def replace_and_die(path, target):
    dies = now()
    if dies and step == "before-rename":
        die()
    replace(path, target)
    if dies:
        die()

if step == "half":
    os.fsync = keep_half
elif step != "never":
    Path.replace = replace_and_die
sys.exit(main(sys.argv[3:]))
"""

MOMENTS = [
    ("half", 1),  # the first record
    ("before-rename", 4),  # a frame whose record is there; the first two renames are notes
    ("after-rename", 5),  # the record of the next
    ("half", 2),  # a frame
    ("after-rename", 4),
]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_job_that_is_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path) -> None:
    shot, whole, parts = (tmp_path / name for name in ("shot", "whole", "parts"))
    shot.mkdir()
    for number in range(1001, 1005):
        small_frame(f"avatar_exr/avatar.{number}.exr", shot, 4)

    def render(out: Path, step: str = "never", count: int = 0) -> int:
        arguments = ["render", "--frames", str(shot), "--expression", "happy", "--resume"]
        arguments += ["--face-box", "120,47,82,82", "--out", str(out)]
        command = [sys.executable, "-c", KILL, step, str(count), *arguments, "--device", "cpu"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, env=environment, capture_output=True).returncode

    assert render(whole) == 0
    expected = {path.name: path.read_bytes() for path in whole.iterdir() if path.is_file()}
    assert len(expected) == 4
    seen: list[int] = []
    for step, count in MOMENTS:
        assert render(parts, step, count) == -signal.SIGKILL
        files = [path for path in parts.iterdir() if path.is_file()]
        whole_files = [path for path in files if not path.name.endswith(TEMPORARY_SUFFIX)]
        for path in whole_files:
            assert path.read_bytes() == expected[path.name]
        seen.append(len(whole_files))
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
    assert render(parts) == 0
    assert {p.name: p.read_bytes() for p in parts.iterdir() if p.is_file()} == expected
    assert list(parts.rglob(f"*{TEMPORARY_SUFFIX}")) == []
    frames = [path for path in parts.iterdir() if path.is_file()]
    kept = [path.stat().st_mtime_ns for path in frames]
    assert render(parts) == 0
    assert [path.stat().st_mtime_ns for path in frames] == kept
