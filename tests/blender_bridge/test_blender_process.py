"""How a second Blender is started, and what an artist reads when it ends badly."""

import os
import sys
from pathlib import Path

import pytest

from blender_addon.bridge.find_runtime import SecondBlender, blender_arguments
from blender_addon.bridge.run_job import Job, JobRequest

COPY, SPECIFICATION = Path("a job ü") / "copy.blend", Path("a job ü") / "specification.json"


def test_an_executable_opens_the_copy_before_the_script_runs() -> None:
    words = blender_arguments(COPY, SPECIFICATION, is_module=False, runs_scripts=True)
    order = ["--background", "--enable-autoexec", str(COPY), "--python-exit-code", "--python", "--"]
    places = [words.index(word) for word in order]
    assert places == sorted(places)
    assert Path(words[words.index("--python") + 1]).is_file()
    assert words[-1] == str(SPECIFICATION)


def test_scripts_that_the_artist_blocked_stay_blocked() -> None:
    words = blender_arguments(COPY, SPECIFICATION, is_module=False, runs_scripts=False)
    assert "--disable-autoexec" in words
    assert "--enable-autoexec" not in words


def test_python_with_blender_in_it_runs_the_script_alone() -> None:
    words = blender_arguments(COPY, SPECIFICATION, is_module=True, runs_scripts=True)
    assert words[0] == "-P"
    assert Path(words[1]).is_file()
    assert words[2:] == ("--", str(SPECIFICATION))


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_crash_says_what_to_do(tmp_path: Path) -> None:
    message = message_after(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert "crashed or was ended from outside (signal 9)" in message
    assert "Close other programs" in message


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("raise SystemExit(3)", "ended with code 3. Save the file"),
        ("raise ValueError('strange')", "failed: ValueError: strange. Save the file"),
        (  # as a full Blender does
            "import sys; sys.stderr.write('KeyError: 1\\nError: script failed, file: /x\\n')"
            "; sys.exit(1)",
            "failed: KeyError: 1. Save the file",
        ),
    ],
)
def test_every_end_has_a_reason_and_a_remedy(tmp_path: Path, script: str, words: str) -> None:
    assert words in message_after(tmp_path, script)


def message_after(folder: Path, script: str) -> str:
    request = JobRequest(arguments=["-c", script], title="a script", folder=folder)
    blender = SecondBlender(python=Path(sys.executable), environment=os.environ)
    progress = Job(blender, [request]).wait()
    assert progress.state == "failed"
    assert "reggan-plugin" not in progress.message
    return progress.message
