"""The live picture of the editor node: one face of the picture that comes in, changed quickly."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reggan_plugin.comfyui import host
from reggan_plugin.comfyui.batch import faces_at, which_faces
from reggan_plugin.comfyui.frames_from_tensors import BatchPicture
from reggan_plugin.comfyui.node_inputs_and_models import opened
from reggan_plugin.errors import FaceNotFoundError, UsageError
from reggan_plugin.faces.landmarks_and_pose import EXPECTED
from reggan_plugin.faces.tracks import Tracks
from reggan_plugin.files.frame import Frame, read_frame
from reggan_plugin.frozen import frozen
from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
from reggan_plugin.ui.change_from_json import change_from_json
from reggan_plugin.ui.expression_list import listed_expressions, listed_shapes
from reggan_plugin.ui.live_face import LiveFace, live_face
from reggan_plugin.ui.open_frame import Newest, png_of
from reggan_plugin.ui.picture_sizes_and_memory import FACES_HELD, THUMBNAIL_PX, THUMBNAILS_AT_ONCE
from reggan_plugin.vocabulary.face_shapes import NEUTRAL

NODES_HELD, PICTURES_OF_NODE = 4, 8
"""Editors whose last pictures stay in memory, and how many of a batch, spread over it."""
_SIZES_PX = (16, 1024)


@frozen(eq=False)
class _SeenBatch:
    """What an editor was given when it ran last.

    Attributes:
        frames: some of the batch, by their place in it.
        tracks: where the faces are; None finds them.
        run: differs from run to run.
    """

    frames: dict[int, Frame]
    tracks: Tracks | None
    run: int


class Previews:
    """Answers the front end of the editor; in any thread."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._batches: Newest[_SeenBatch] = Newest(NODES_HELD)
        self._files: Newest[Frame] = Newest(NODES_HELD)
        self._faces: Newest[LiveFace] = Newest(FACES_HELD)
        self._lock = threading.Lock()
        self._thumbnails = threading.BoundedSemaphore(THUMBNAILS_AT_ONCE)
        self._runs = 0

    def remember(self, node: str, pictures: Sequence[BatchPicture], tracks: Tracks | None) -> None:
        """Keep some pictures of a batch that an editor was given."""
        step = max(1, -(-len(pictures) // PICTURES_OF_NODE))
        frames = {
            place: replace(pictures[place].frame, matte=None)
            for place in range(0, len(pictures), step)
        }
        with self._lock:
            self._runs += 1
            self._batches.put(node, _SeenBatch(frames=frames, tracks=tracks, run=self._runs))

    def words(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the names that a model can show."""
        card = _model_of(asked).card
        return {
            "expressions": listed_expressions(card),
            "shapes": listed_shapes(card),
            "neutral": NEUTRAL in card.controls,
        }

    def places(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return which pictures of a batch can be looked at."""
        with self._lock:
            batch = self._batches.peek(str(asked.get("node")))
        if asked.get("file") or batch is None:
            return {"places": [0] if asked.get("file") else [], "run": 0}
        return {"places": list(batch.frames), "run": batch.run}

    def picture(self, asked: dict[str, Any]) -> tuple[bytes, str]:
        """Return a face with a change, as PNG.

        Raises:
            FaceNotFoundError: the picture has no such face.
            UsageError: no picture is known, or the change is invalid.
        """
        longest, (least, most) = asked.get("longest", 512), _SIZES_PX
        if type(longest) not in (int, float) or not least <= longest <= most:
            raise UsageError(f"{longest!r} is no size; expected {least} to {most} pixels.")
        is_draft = asked.get("draft") is True
        return self._changed(asked, int(longest), is_draft=is_draft), "image/png"

    def thumbnail(self, asked: dict[str, Any]) -> tuple[bytes, str]:
        """Return a small picture of the face with a change, as PNG."""
        with self._thumbnails:
            return self._changed(asked, THUMBNAIL_PX, is_draft=True), "image/png"

    def _changed(self, asked: dict[str, Any], longest_px: int, *, is_draft: bool) -> bytes:
        change = change_from_json(asked.get("change"))
        transfer = _model_of(asked)
        with self._lock:
            face = self._face(transfer, asked, longest_px, is_draft=is_draft)
        return png_of(face.screen(face.change(transfer, change.mix)))

    def _face(
        self,
        transfer: ExpressionTransfer,
        asked: dict[str, Any],
        longest_px: int,
        *,
        is_draft: bool,
    ) -> LiveFace:
        key, frame, place, tracks = self._source(asked)
        word = str(asked.get("face", "largest"))

        def cut() -> LiveFace:
            crops = faces_at(transfer, frame, place, which_faces(word), tracks)
            if not crops:
                height, width = frame.pixels.shape[:2]
                raise FaceNotFoundError(
                    f"No face '{word}' in this {width}x{height} picture; {EXPECTED}.",
                    kind="face-not-in-picture",
                )
            exposure_ev = transfer.auto_exposure(frame, crops)
            return live_face(transfer, frame, crops[0], exposure_ev, longest_px, is_draft=is_draft)

        return self._faces.get((key, word, longest_px, is_draft, id(transfer)), cut)

    def _source(
        self, asked: dict[str, Any]
    ) -> tuple[tuple[object, ...], Frame, int, Tracks | None]:
        name = asked.get("file")
        if name:
            path = host.input_file(str(name))
            key = (str(path), path.stat().st_mtime_ns)
            frame = self._files.get(key, lambda: replace(read_frame(path), alpha=None))
            return key, frame, 0, None
        batch = self._batches.peek(str(asked.get("node")))
        if batch is None:
            raise UsageError(
                "The picture is not known yet. Run the workflow once.", kind="editor-has-no-picture"
            )
        place = asked.get("place", 0)
        frame_at = batch.frames.get(place) if type(place) is int else None
        if frame_at is None:
            raise UsageError(f"Picture {place!r:.80} is not held; held are {list(batch.frames)}.")
        return (batch.run, place), frame_at, place, batch.tracks


def _model_of(asked: dict[str, Any]) -> ExpressionTransfer:
    return opened(str(asked.get("model", "reggan")), str(asked.get("device", "auto")))


PREVIEWS = Previews()
"""Of the ComfyUI that runs."""
