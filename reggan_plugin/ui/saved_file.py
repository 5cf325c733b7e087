"""A file that the page hands to the browser: written by the code of the commands, then read."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.files.frame import copy_frame
from reggan_plugin.files.image_format import is_video
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.plan import Existing, default_output_file, plan_job
from reggan_plugin.jobs.render_job import RenderRun, run_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.jobs.results_and_events import ModelInUse
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.vocabulary.expression import ExpressionMix


@frozen
class SavedFile:
    """A file after its change."""

    name: str
    content: bytes


save_folder = partial(TemporaryDirectory, prefix="reggan-save-", ignore_cleanup_errors=True)
"""For the files that are to be saved; it is removed again."""


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

    with save_folder() as scratch:
        own, folder = source, Path(scratch)
        if is_video(source.parent):
            own, folder = folder / source.name, folder / "changed"
            copy_frame(source, own)
        plan = plan_job(str(own), None, folder, mix.label, Existing.REFUSE)
        settings = RenderSettings(mix=mix, choice=choice, on_missing_face="fail")
        run = RenderRun(transfer=transfer, model=model, report=lambda _: None)
        summary = run_job(plan, settings, run)
        summary.raise_for_failure()
        return SavedFile(name=name, content=plan.tasks[0].output.read_bytes())
