"""The requests of the page, without HTTP: open frames, change faces, save."""

import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reggan_plugin.errors import FaceNotFoundError
from reggan_plugin.faces.face_crop import FaceCrop
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.jobs.events import Event
from reggan_plugin.jobs.plan import Existing, plan_job
from reggan_plugin.jobs.render_job import run_job
from reggan_plugin.jobs.render_settings import RenderSettings
from reggan_plugin.ui.asked_change import AskedChange
from reggan_plugin.ui.layers import Arrow, Layer, arrows_of, frame_motion_of, lay_over
from reggan_plugin.ui.live_face import LiveFace, Screen, live_face
from reggan_plugin.ui.open_files import OpenFiles
from reggan_plugin.ui.open_frame import Newest, OpenFrame, open_frame
from reggan_plugin.ui.open_take import OpenTake, TakeInUse
from reggan_plugin.ui.shot_job import OpenModel, ShotJob
from reggan_plugin.vocabulary.names import NO_PRESETS, OwnPresets

THUMBNAIL_PX = 192
_FRAMES_HELD, _FACES_HELD, _EXPOSURES_HELD = 2, 6, 64


@dataclass(frozen=True, kw_only=True)
class SavedFile:
    """A frame's file after its change."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangedFace:
    """A face with an expression, and where it lies."""

    face: LiveFace
    screen: Screen
    arrows: tuple[Arrow, ...] = ()


class Studio:
    """A model held open, and the frames that were looked at last; one request at a time."""

    def __init__(
        self,
        open_model: OpenModel,
        files: OpenFiles,
        own: OwnPresets = NO_PRESETS,
        take: OpenTake | None = None,
    ) -> None:
        """Open the model; `take` is scrubbed through from the beginning.

        Raises:
            ModelError, DeviceUnavailableError: as `ExpressionTransfer`.
        """
        self.open_model, self.files, self.own = open_model, files, own
        self.take = TakeInUse(take)
        self.transfer, self.model = open_model()
        self._frames: Newest[OpenFrame] = Newest(_FRAMES_HELD)
        self._faces: Newest[LiveFace] = Newest(_FACES_HELD)
        self._exposures: Newest[float] = Newest(_EXPOSURES_HELD)
        self._lock = threading.Lock()
        self.job = ShotJob(open_model)

    def close(self) -> None:
        """Cancel the job and remove uploads."""
        self.job.close()
        self.files.close()

    def look(self, number: int) -> OpenFrame:
        """The frame with a number, and its faces."""
        with self._lock:
            return self._frame(number)

    def picture(self, number: int, choice: FaceChoice) -> bytes:
        """A frame as PNG, exposed for a face."""
        with self._lock:
            return self._frame(number).picture(self._exposure(number, choice))

    def face(self, number: int, choice: FaceChoice, longest_px: int) -> LiveFace:
        """A face ready for changes.

        Raises:
            FaceNotFoundError: the frame has no such face.
        """
        with self._lock:
            return self._face(number, choice, longest_px)

    def change(
        self,
        number: int,
        choice: FaceChoice,
        longest_px: int,
        change: AskedChange,
        is_wanted: Callable[[], bool] = lambda: True,
        layer: Layer = "picture",
    ) -> ChangedFace | None:
        """A face with an expression; None if nobody wants it any more when its turn comes."""
        mix = change.mix
        self.transfer.card.vector_of(mix)
        with self._lock:
            if not is_wanted():
                return None
            face = self._face(number, choice, longest_px)
            answered = face.change(self.transfer, mix)
            screen = face.screen(answered)
        motion = None if layer == "picture" else frame_motion_of(face, answered)
        if motion is None:
            return ChangedFace(face=face, screen=screen)
        arrows = arrows_of(face, motion) if layer == "motion" else []
        layered = lay_over(screen, face, motion, layer)
        return ChangedFace(face=face, screen=layered, arrows=tuple(arrows))

    def thumbnail(self, number: int, choice: FaceChoice, change: AskedChange) -> Screen:
        """A small picture of a face with an expression."""
        changed = self.change(number, choice, THUMBNAIL_PX, change)
        assert changed is not None, "it is wanted"
        return changed.screen

    def save(self, number: int, choice: FaceChoice, change: AskedChange) -> SavedFile:
        """The frame's file with its change, byte for byte what `render` writes.

        Raises:
            RegganError: as `render`.
        """
        source, mix = self.files.path(number), change.mix
        folder = Path(tempfile.mkdtemp(prefix="reggan-save-"))
        try:
            plan = plan_job(str(source), None, folder, mix.label, Existing.REFUSE)
            settings = RenderSettings(mix=mix, choice=choice)
            with self._lock:
                summary = run_job(
                    plan, settings, self.transfer, model=self.model, report=_keep_quiet
                )
            summary.raise_for_failure()
            content = plan.tasks[0].output.read_bytes()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        label = mix.label or "unchanged"
        return SavedFile(name=f"{source.stem}_{label}{source.suffix}", content=content)

    def _frame(self, number: int) -> OpenFrame:
        path = self.files.path(number)
        return self._frames.get(number, lambda: open_frame(self.transfer, path))

    def _crop(self, number: int, choice: FaceChoice) -> FaceCrop:
        found = self._frame(number)
        if choice.needs_locator:
            index = choice.which if isinstance(choice.which, int) else 0
            crops = found.crops[index : index + 1]
        else:
            crops = self.transfer.find_faces(found.frame, choice)
        if not crops:
            raise FaceNotFoundError(
                f"No face in {found.path.name}; expected one of at least 48 pixels. Draw a box "
                "around it, from the brows to below the chin."
            )
        return crops[0]

    def _exposure(self, number: int, choice: FaceChoice) -> float:
        def measured() -> float:
            found = self._frame(number)
            try:
                crop = self._crop(number, choice)
            except FaceNotFoundError:
                return 0.0
            return self.transfer.auto_exposure(found.frame, [crop])

        return self._exposures.get((number, choice), measured)

    def _face(self, number: int, choice: FaceChoice, longest_px: int) -> LiveFace:
        def cut() -> LiveFace:
            crop, frame = self._crop(number, choice), self._frame(number).frame
            return live_face(self.transfer, frame, crop, self._exposure(number, choice), longest_px)

        return self._faces.get((number, choice, longest_px), cut)


def _keep_quiet(_: Event) -> None:
    """Take the progress of a single frame, of which nobody needs to hear."""
