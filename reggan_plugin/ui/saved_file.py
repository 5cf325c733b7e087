"""A file that the page hands to the browser: written by the code of the commands, then read."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import copy_frame
from reggan_plugin.files.video import is_video
from reggan_plugin.jobs.output_names import default_output_file
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results import Event, ModelInUse
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression_mix import ExpressionMix


@dataclass(frozen=True, kw_only=True)
class SavedFile:
    """A file after its change."""

    name: str
    content: bytes


def saved_from(write: Callable[[Path], Path]) -> SavedFile:
    """Return the file that `write` writes into a folder, which is removed again."""
    folder = Path(tempfile.mkdtemp(prefix="reggan-save-"))
    try:
        path = write(folder)
        return SavedFile(name=path.name, content=path.read_bytes())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def saved_frame(
    transfer: ExpressionTransfer,
    model: ModelInUse,
    source: Path,
    mix: ExpressionMix,
    choice: FaceChoice,
) -> SavedFile:
    """Return a frame's file with its change, byte for byte what `render` writes.

    A frame of a clip becomes a PNG of its own.

    Raises:
        RegganError: as `render`.
    """
    label = mix.label or "unchanged"
    name = default_output_file(source, label).name
    if is_video(source.parent):
        name = f"{source.parent.stem}_{int(source.stem):04}_{label}.png"

    def write(folder: Path) -> Path:
        own = source
        if is_video(source.parent):
            own = folder / source.name
            copy_frame(source, own)
            folder /= "changed"
        plan = plan_job(str(own), None, folder, mix.label, Existing.REFUSE)
        settings = RenderSettings(mix=mix, choice=choice, on_missing_face="fail")
        summary = run_job(
            plan, settings, RenderRun(transfer=transfer, model=model, report=_keep_quiet)
        )
        summary.raise_for_failure()
        return plan.tasks[0].output

    saved = saved_from(write)
    return SavedFile(name=name, content=saved.content)


def _keep_quiet(_: Event) -> None:
    """Take the progress of a single frame, of which nobody needs to hear."""
