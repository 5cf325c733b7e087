"""What a frame costs in several versions, turn by turn: core seconds and the largest memory.

    python -m tests.measurements.versions_cost HEIGHT SUFFIX ROUNDS TREE [TREE ...]
    python -m tests.measurements.versions_cost SHOT SUFFIX ROUNDS TREE [TREE ...]

Each TREE is a folder with the source of a version, as `git archive COMMIT | tar -x -C TREE` makes
it, with its compiled kernels. Every version opens its default model in a process of its own, with
one thread for NumPy. Then in each round each of them renders one frame of a made-up shot as a job
does that looks for its face (`frame`), tracks the shot (`track`, by its frames), renders a frame
with these tracks (`tracked`) and changes it as a program does (`apply`), and the last one reads and
writes it unchanged (`copy`). The first round is not counted. Counted is processor time, which
waiting does not lengthen.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

KINDS = ("frame", "track", "tracked", "apply", "copy")
FRAMES = 4


def main() -> None:
    """Print a row for each version and kind."""
    asked, suffix, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    trees = [Path(tree).resolve() for tree in sys.argv[4:]]
    with tempfile.TemporaryDirectory() as name:
        shot = Path(name, "shot")
        shot.mkdir()
        if asked.isdecimal():
            program = "import sys; from pathlib import Path; "
            program += "from reggan_plugin.benchmark.pipeline_timing import make_shot; "
            program += f"make_shot(Path({str(shot)!r}), {asked}, {FRAMES}, {suffix!r})"
            subprocess.run([sys.executable, "-c", program], check=True)
        else:  # the first frames of one that is there
            for frame in sorted(Path(asked).glob(f"*.{suffix}"))[:FRAMES]:
                shutil.copy(frame, shot)
        versions = {tree: _opened(tree, shot, Path(name, tree.name)) for tree in trees}
        rows: dict[tuple[Path, str], list[tuple[float, float]]] = {}
        for number in range(rounds + 1):
            for tree, version in versions.items():
                for kind in KINDS:
                    if kind == "copy" and tree != trees[-1]:
                        continue
                    seconds, memory = _asked(version, f"{kind} {number}")
                    if number:
                        rows.setdefault((tree, kind), []).append((seconds, memory))
        for version in versions.values():
            version.communicate()
    for (tree, kind), measured in rows.items():
        seconds = [one for one, _ in measured]
        print(
            f"{asked} {suffix} {tree.name} {kind}: {statistics.median(seconds):.3f} s of a core "
            f"({min(seconds):.3f} to {max(seconds):.3f}), {measured[-1][1]:.2f} GB"
        )


def _opened(tree: Path, shot: Path, out: Path) -> "subprocess.Popen[str]":
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), "serve", str(shot), str(out)],
        cwd=tree,
        env={**os.environ, **one_thread, "PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _asked(version: "subprocess.Popen[str]", request: str) -> tuple[float, float]:
    assert version.stdin is not None
    assert version.stdout is not None
    print(request, file=version.stdin, flush=True)
    seconds, memory = version.stdout.readline().split()
    return float(seconds), float(memory)


def serve(shot: str, out: Path) -> None:
    """Do in this process what is asked for, with whichever version is on the path."""
    from reggan_plugin import __main__ as command
    from reggan_plugin.benchmark import pipeline_timing as timing
    from reggan_plugin.faces.face_finder import FaceChoice
    from reggan_plugin.files.frame import read_frame, write_frame
    from reggan_plugin.jobs.track_job import track_frames

    # freed memory is used again, as in the version's own command
    getattr(command, "keep_freed_memory", lambda: bytes(31 << 20))()
    settings = timing.RenderSettings(mix=timing.ExpressionMix({"happy": 1.0}))
    transfer = timing.ExpressionTransfer(None, device="cpu")
    plan = timing.plan_job(shot, None, out, "happy", timing.Existing.OVERWRITE)
    timing.make_output_folder(plan)
    output = timing.FrameOutput(settings, None, timing.IoTimeout())
    frames = plan.shot.frames
    steps = timing.FrameSteps(settings, transfer, frames, output, timing.IoTimeout())
    # 0.3.3 finds its landmarks with the locator alone
    rig = {"landmarker": transfer.landmarker} if hasattr(transfer, "landmarker") else {}
    found = track_frames(frames, source="", **rig)
    tracked = replace(settings, choice=FaceChoice(tracks=found.tracks))
    with_tracks = timing.FrameSteps(tracked, transfer, frames, output, timing.IoTimeout())
    for line in sys.stdin:
        kind, number = line.split()
        task = plan.tasks[int(number) % len(plan.tasks)]
        started = time.process_time()
        if kind == "frame":
            timing._render_alone(task, steps)
        elif kind == "track":
            track_frames(frames, source="", **rig)
        elif kind == "tracked":
            timing._render_alone(task, with_tracks)
        elif kind == "apply":
            transfer.apply(read_frame(task.source.path), "happy")
        else:
            frame = read_frame(task.source.path)
            pixels = frame.pixels.copy()
            pixels[0, 0] = 1.0 - pixels[0, 0]
            write_frame(frame, pixels, out / f"copy{task.source.path.suffix}", overwrite=True)
        seconds = (time.process_time() - started) / (FRAMES if kind == "track" else 1)
        status = Path("/proc/self/status").read_text().splitlines()
        [most] = [row.split()[1] for row in status if row.startswith("VmHWM:")]
        print(f"{seconds:.4f} {int(most) / 1e6:.3f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
