"""The requests of the page, without HTTP: open frames and heads, change faces, save."""

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from reggan_plugin.change.answer import Answer
from reggan_plugin.change.pipeline import FrameAnswers
from reggan_plugin.errors import FaceNotFoundError, UsageError
from reggan_plugin.faces.face_finder import FaceChoice
from reggan_plugin.faces.landmarks_and_pose import EXPECTED
from reggan_plugin.files.frame import read_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.imaging.crop import FaceCrop, Region, ShownFace
from reggan_plugin.perform.face_reading import FaceReader
from reggan_plugin.perform.read_expression import open_reader
from reggan_plugin.transfer.display_picture import coding_of, display_picture
from reggan_plugin.ui.change_from_json import SliderValues
from reggan_plugin.ui.live_face import (
    Arrow,
    Layer,
    LiveFace,
    Screen,
    arrows_of,
    frame_motion_of,
    lay_over,
    live_face,
    screen_of,
    seen_face,
)
from reggan_plugin.ui.live_performance import LivePerformance
from reggan_plugin.ui.open_files import OpenFiles, OpenShot
from reggan_plugin.ui.open_frame import Newest, OpenFrame, open_frame, png_of
from reggan_plugin.ui.open_head import OpenHead, changed_map, open_head, saved_head, saves_map
from reggan_plugin.ui.open_take import CharacterFit, OpenTake
from reggan_plugin.ui.picture_sizes_and_memory import (
    EXPOSURES_HELD,
    FACES_HELD,
    FRAMES_HELD,
    HEADS_HELD,
    THUMBNAIL_PX,
    THUMBNAILS_AT_ONCE,
)
from reggan_plugin.ui.saved_file import SavedFile, saved_frame
from reggan_plugin.ui.shot_job import OpenModel, ShotJob
from reggan_plugin.vocabulary.expression import NO_PRESETS, ExpressionMix, OwnPresets

if TYPE_CHECKING:  # the room of texture maps needs the extra [textures]
    from reggan_plugin.textures.map_change import PreparedFace


@frozen(eq=False)
class ChangeView:
    """A face or map with an expression, and where it lies.

    Attributes:
        region: rows and columns of the frame.
        factor: pixels of the frame that one of the screen spans.
        screen: the region with the change.
        share: what the turn of the head leaves of the intensity.
        arrows: motion of surfaces, where that is asked for.
    """

    region: Region
    factor: int
    screen: Screen
    share: float = 1.0
    arrows: tuple[Arrow, ...] = ()


class Studio:
    """A model held open, and what was looked at last.

    Files are read and faces cut one after another; what they look like with an expression is
    worked out beside that.
    """

    def __init__(
        self,
        open_model: OpenModel,
        files: OpenFiles,
        own: OwnPresets = NO_PRESETS,
        take: OpenTake | None = None,
        open_reader: Callable[[], FaceReader] = open_reader,
        fit: CharacterFit | None = None,
    ) -> None:
        """Open the model; `take` is scrubbed through from the beginning, `open_reader` opens what
        reads the face before the camera, `fit` has the characters that are known.

        Raises:
            ModelError, DeviceUnavailableError: as `ExpressionTransfer`.
        """
        self.open_model, self.files, self.own = open_model, files, own
        self.take = take
        self.fit = fit or CharacterFit()
        self.performance = LivePerformance(open_reader, self.fit)
        self.transfer, self.model = open_model()
        self._frames: Newest[OpenFrame] = Newest(FRAMES_HELD)
        self._heads: Newest[OpenHead] = Newest(HEADS_HELD)
        self._faces: Newest[LiveFace] = Newest(FACES_HELD)
        self._seen: Newest[ShownFace] = Newest(FACES_HELD)
        self._maps: "Newest[PreparedFace]" = Newest(FRAMES_HELD)
        self._exposures: Newest[float] = Newest(EXPOSURES_HELD)
        self._answers: Newest[tuple[Answer, ...]] = Newest(1)
        self._lock = threading.Lock()
        self._thumbnails = threading.BoundedSemaphore(THUMBNAILS_AT_ONCE)
        self._saving = threading.Lock()
        self.job = ShotJob(open_model)

    def close(self) -> None:
        """Cancel the job and remove uploads."""
        self.job.close()
        self.performance.close()
        self.files.close()

    def needed_take(self) -> OpenTake:
        """Return the take that is open.

        Raises:
            UsageError: none is.
        """
        if self.take is None:
            raise UsageError("No recorded performance is open. Open one first.")
        return self.take

    def look(self, number: int) -> OpenFrame:
        """Return the frame with a number, and its faces."""
        with self._lock:
            return self._frame(number)

    def picture(self, number: int, choice: FaceChoice) -> bytes:
        """Return a frame as PNG, exposed for a face."""
        with self._lock:
            frame, exposure_ev = self._frame(number), self._exposure(number, choice)
        return frame.picture(exposure_ev)

    def small(self, number: int, longest_px: int) -> bytes:
        """Return a frame as PNG, reduced to at most so many pixels and exposed by itself."""
        from PIL import Image

        frame = read_frame(self.files.path(number))
        height, width = frame.pixels.shape[:2]
        picture, _ = display_picture(frame, longest_px=2 * longest_px)
        levels = np.rint(picture * 255).astype(np.uint8)
        scale = min(1.0, longest_px / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        reduced = Image.fromarray(levels).resize(size, Image.Resampling.BOX)
        screen = np.full((size[1], size[0], 4), 255, np.uint8)
        screen[..., :3] = np.asarray(reduced)
        return png_of(screen)

    def change(
        self,
        number: int,
        choice: FaceChoice,
        longest_px: int,
        change: SliderValues,
        is_wanted: Callable[[], bool] = lambda: True,
        layer: Layer = "picture",
        *,
        is_draft: bool = False,
    ) -> ChangeView | None:
        """Return a face or map with an expression; None if nobody wants it any more at its turn.

        A draft is coarser and quicker.

        Raises:
            FaceNotFoundError: the frame has no such face.
        """
        mix = change.mix
        self.transfer.card.vector_of(mix)
        if self._is_map(number):
            return self._changed_map(number, longest_px, mix) if is_wanted() else None
        with self._lock:
            if not is_wanted():
                return None
            face = self._face(number, choice, longest_px, is_draft=is_draft)
        if is_draft:
            answered = face.change(self.transfer, mix)
        else:
            answered = self._answered((number, choice), face, mix)
        return _shown(face, answered, layer)

    def thumbnail(self, number: int, choice: FaceChoice, change: SliderValues) -> Screen:
        """Return a small picture of a face with an expression; of a map, of the head that wears
        it.
        """
        number -= self._is_map(number)
        with self._thumbnails:
            with self._lock:
                face = self._face(number, choice, THUMBNAIL_PX, is_draft=True)
            return face.screen(face.change(self.transfer, change.mix))

    def save(self, number: int, choice: FaceChoice, change: SliderValues) -> SavedFile:
        """Return the file with its change, byte for byte what `render` or `texture` writes.

        Raises:
            RegganError: as these.
        """
        shot, mix = self.files.shot_of(number), change.mix
        with self._saving:
            if shot.is_head:
                return saved_head(self.transfer, shot, mix, wants_map=saves_map(shot, number))
            return saved_frame(self.transfer, self.model, self.files.path(number), mix, choice)

    def _is_map(self, number: int) -> bool:
        shot = self.files.shot_of(number)
        return shot.is_head and number > shot.first

    def _changed_map(self, number: int, longest_px: int, mix: ExpressionMix) -> ChangeView:
        with self._lock:
            head = self._head(self.files.shot_of(number))
            face = self._maps.get((number, longest_px), lambda: head.face.reduced(longest_px))
        map_picture, (height, width) = changed_map(face, mix), head.map_picture.size
        return ChangeView(
            region=(slice(0, height), slice(0, width)),
            factor=max(1, math.ceil(max(height, width) / longest_px)),
            screen=screen_of(map_picture.pixels, map_picture.alpha, coding_of(map_picture)),
        )

    def _answered(
        self, whose: tuple[int, FaceChoice], face: LiveFace, mix: ExpressionMix
    ) -> FrameAnswers:
        """Return the model's answer; the last one again where only the size of the picture
        differs.
        """
        key = (whose, tuple(self.transfer.card.vector_of(mix)), mix.relaxed)
        with self._lock:
            known = self._answers.peek(key)
        if known is not None:
            return face.answered_before(mix, known)
        answered = face.change(self.transfer, mix)
        with self._lock:
            self._answers.put(key, answered.answers)
        return answered

    def _head(self, shot: OpenShot) -> OpenHead:
        return self._heads.get(shot.first, lambda: open_head(self.transfer, shot))

    def _frame(self, number: int) -> OpenFrame:
        shot, path = self.files.shot_of(number), self.files.path(number)
        if shot.is_head:
            head = self._head(shot)
            return head.map_picture if self._is_map(number) else head.view
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
                f"No human-like face in {found.path.name}; {EXPECTED}. Draw a box "
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

    def _face(
        self, number: int, choice: FaceChoice, longest_px: int, *, is_draft: bool
    ) -> LiveFace:
        def cut() -> LiveFace:
            crop, frame = self._crop(number, choice), self._frame(number).frame
            exposure_ev, card = self._exposure(number, choice), self.transfer.card
            seen = self._seen.get(
                (number, choice, is_draft),
                lambda: seen_face(card, frame, crop, exposure_ev, is_draft=is_draft),
            )
            return live_face(
                self.transfer, frame, crop, exposure_ev, longest_px, seen, is_draft=is_draft
            )

        return self._faces.get((number, choice, longest_px, is_draft), cut)


def _shown(face: LiveFace, answered: FrameAnswers, layer: Layer) -> ChangeView:
    screen, arrows = face.screen(answered), []
    motion = None if layer == "picture" else frame_motion_of(face, answered)
    if motion is not None:
        arrows = arrows_of(face, motion) if layer == "motion" else []
        screen = lay_over(screen, face, motion, layer)
    return ChangeView(
        region=face.region,
        factor=face.factor,
        screen=screen,
        share=face.share,
        arrows=tuple(arrows),
    )
