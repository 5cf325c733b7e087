"""What disks, networks and other people do to a job in the middle of it, by really doing it."""

import ctypes
import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from reggan_plugin import file_safety as regular_file
from reggan_plugin.errors import OutputError, StalledError
from reggan_plugin.files.frame import read_frame
from reggan_plugin.jobs.frame_record import read_record
from reggan_plugin.jobs.frame_steps import stamped
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.results_and_events import JobSummary
from reggan_plugin.jobs.signals_and_timeouts import IoTimeout

from .conftest import Brightening

Run = Callable[..., JobSummary]


def on_first_frame(action: Callable[[], object]) -> Brightening:
    """A model that does this while the first frame is rendered; up to two more are read by then."""
    return Brightening(lambda call: action() if call == 1 else None)


def failed(summary: JobSummary) -> dict[str, str]:
    return {r.source.name: r.message or "" for r in summary.of_outcome("failed")}


def test_a_frame_that_disappears(run: Run, shot: Path, tmp_path: Path) -> None:
    summary = run(tmp_path / "out", transfer=on_first_frame((shot / "a.1005.png").unlink))
    assert list(failed(summary)) == ["a.1005.png"]
    assert "cannot be read: No such file" in failed(summary)["a.1005.png"]
    assert len(summary.of_outcome("written")) == 5


def test_a_frame_that_is_truncated_meanwhile(run: Run, shot: Path, tmp_path: Path) -> None:
    frame = shot / "a.1005.png"
    cut = on_first_frame(lambda: os.truncate(frame, 40))
    summary = run(tmp_path / "out", transfer=cut)
    assert list(failed(summary)) == ["a.1005.png"]
    assert "is truncated" in failed(summary)["a.1005.png"]
    record = read_record(tmp_path / "out" / "a.1005.png")
    assert record is not None
    assert record.outcome == "failed"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
def test_a_frame_that_never_answers_is_named_and_the_others_are_written(
    run: Run, shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = shot / "a.1004.png"

    def replace_by_fifo() -> None:
        frame.unlink()
        os.mkfifo(frame)
        monkeypatch.setattr(regular_file, "is_regular", Path.exists)  # as a dead mount says

    begin = time.monotonic()
    summary = run(tmp_path / "out", transfer=on_first_frame(replace_by_fifo), stall_s=0.5)
    assert time.monotonic() - begin < 20
    assert list(failed(summary)) == ["a.1004.png"]
    assert "did not answer within" in failed(summary)["a.1004.png"]
    assert len(summary.of_outcome("written")) == 5


@pytest.fixture
def silent_folder(tmp_path: Path) -> Iterator[Path]:
    """A FUSE mount whose server answers nothing, as a dead network drive does."""
    folder = tmp_path / "network"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        pytest.skip("there is no FUSE, or no right to use it")
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"silent", os.fsencode(folder), b"fuse", 0, options) != 0:
        os.close(device)
        pytest.skip("no right to mount")
    yield folder
    os.close(device)  # those who still wait get an error now
    libc.umount2(os.fsencode(folder), 2)


@pytest.mark.skipif(sys.platform != "linux", reason="FUSE is mounted as Linux does")
@pytest.mark.parametrize("silent", ["source", "out"])
def test_a_folder_that_never_answers(silent_folder: Path, shot: Path, silent: str) -> None:
    source = silent_folder if silent == "source" else shot
    out = silent_folder if silent == "out" else shot.parent / "out"

    def plan() -> object:
        return plan_job(str(source), None, out, "happy", Existing.REFUSE)

    with pytest.raises(StalledError, match=r"network did not answer within"):
        IoTimeout(0.5).call(str(silent_folder), plan)


def test_after_three_stalls_the_timeout_is_short_until_one_answers() -> None:
    io_timeout = IoTimeout(60.0)
    io_timeout._stalls = 3
    assert io_timeout._limit_now() == 5.0
    assert io_timeout.call("a", lambda: 1) == 1
    assert io_timeout._limit_now() == 60.0
    assert IoTimeout(60.0, stopped=lambda: True)._limit_now() == 5.0


def test_what_a_call_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        IoTimeout().call("a", lambda: 1 // 0)


@pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")
def test_one_frame_that_is_too_large_for_the_disk_quota(
    run: Run, shot: Path, tmp_path: Path
) -> None:
    import resource

    Image.effect_noise((200, 200), 50).convert("RGB").save(shot / "a.1003.png")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, usual[1]))
    try:
        summary = run(tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert list(failed(summary)) == ["a.1003.png"]
    assert "cannot be written: File too large" in failed(summary)["a.1003.png"]
    assert len(summary.of_outcome("written")) == 5
    assert not (tmp_path / "out" / "a.1003.png").exists()


FULL_DISK = """
mount -t tmpfs -o size=400k,mode=777 tmpfs "$1" || exit 77
"$2" -m reggan_plugin render --frames "$3" --whole-image --expression happy --device cpu \
    --out "$1/out" --json
status=$?
ls -A "$1/out" >&2
exit $status
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a small disk is mounted as Linux does")
def test_a_disk_that_fills_up(shot: Path, tmp_path: Path) -> None:
    """On a disk of 400 KiB: some frames fit, the others are named, and no half file is left."""
    for path in shot.iterdir():
        Image.effect_noise((230, 230), 90).convert("RGB").save(path)
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["sh", "-c", FULL_DISK, "sh", str(disk), sys.executable, str(shot)]
    try:
        result = subprocess.run(["unshare", "-rm", *words], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if result.returncode == 77 or result.stderr.startswith("unshare"):
        pytest.skip("no right to mount")
    assert result.returncode == 1, result.stderr
    summary = json.loads(result.stdout)
    assert summary["counts"]["written"] > 0
    assert summary["counts"]["failed"] > 0
    for entry in summary["failed"]:
        assert "No space left on device. Free some space" in entry["message"]
    assert "reggan-tmp" not in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
def test_the_right_to_write_is_lost_in_the_middle(run: Run, shot: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        out = folder / "out"
        is_root = os.geteuid() == 0

        def lose_right() -> None:
            out.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IXOTH)
            if is_root:  # whom no such right is denied
                os.seteuid(65534)

        # What is read from then on must be readable by anybody.
        frames = folder / "frames"
        frames.mkdir()
        for path in shot.iterdir():
            (frames / path.name).write_bytes(path.read_bytes())
        shot.rename(shot.with_name("elsewhere"))
        shot.symlink_to(frames)
        try:
            summary = run(out, transfer=Brightening(lambda call: lose_right() if call == 3 else 0))
        finally:
            if is_root:
                os.seteuid(0)
            out.chmod(0o755)
        assert len(summary.results) == 6
        assert "a.1006.png" in failed(summary)
        for message in failed(summary).values():
            assert "cannot be" in message
        for result in summary.of_outcome("written"):
            read_frame(result.output)
        # A file that one of two writers is at can no more be removed than finished: it
        # keeps its temporary name, and the next run takes it away.
        assert len(list(out.glob("*.reggan-tmp"))) <= 2


def test_bytes_that_are_no_picture_end_their_frame_alone() -> None:
    with pytest.raises(OutputError, match="as no picture does"):
        stamped(b"", "x")
