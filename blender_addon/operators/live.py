"""Show the changed face while sliders move: one warm process, and an image that is shown.

That is of an Image Editor, or the map that a head wears in the viewport. The process is asked when
Blender's depsgraph hears of a moved slider, before the window is drawn for that, and looked at from
a timer, which also sees what the depsgraph does not hear of.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, ClassVar

import bpy

from ..bridge.command_line import FRONTS
from ..bridge.errors import BridgeError
from ..bridge.live_worker import LONGEST_PX, LiveWorker
from ..bridge.remedies import with_remedy
from ..bridge.tracks_file import box_of_face
from ..job_display import (
    Explained,
    Internal,
    keep_last_words,
    open_areas,
    redraw_sidebars,
    refusing,
)
from ..preferences import chosen_runtime
from ..scene.expression_choice import still_expression
from ..scene.files_from_images import file_of_image
from ..scene.image_origins import image_to_change, source_of
from ..scene.live_picture import MAP_NAME, NAME, end_live, show_live, show_live_tiles, wear_live
from ..scene.sequence_images import show
from ..scene.settings_for_runtime import absolute_path, model_arguments, presets_file
from .change_texture import map_to_change, placed_on_head, problem_of_map, worn_image
from .job_operator import new_job_folder, without_work_paths

INTERVAL_S = 0.01
"""Between two looks at its process: for so long an answer waits at most."""
IDLE_S = 0.05
"""Between two looks while nothing is asked for: what moves without the depsgraph waits so long."""
_FILE = "live.raw"
_warm: list[LiveWorker] = []
"""The process of this Blender, once it was used."""
_shown: list["LiveSubject"] = []
"""What is shown live now; at most one."""
_saving: list["LiveSubject"] = []
"""What was, while the file is saved without it."""


@dataclass(kw_only=True)
class LiveSubject:
    """What is changed live. Images are known by their names: undo makes others of them.

    Attributes:
        source: the name of the image that it is made of.
        folder: for pictures.
        asked: what was asked for last.
        first: the number of its first request; 0 before there is one.
    """

    source: str
    folder: Path
    asked: dict[str, Any] = field(default_factory=dict)
    first: int = 0
    editors: ClassVar[tuple[str, ...]] = ("IMAGE_EDITOR",)
    """Kinds of editor that show it."""

    @classmethod
    def begun(cls, context: bpy.types.Context) -> "LiveSubject":
        """Return what the button means.

        Raises:
            BridgeError: it has no picture.
        """
        raise NotImplementedError

    def is_in_view(self, context: bpy.types.Context) -> bool:  # noqa: ARG002
        """Tell whether it is still shown; what a head wears is, whatever the editors show."""
        return True

    def request(self, context: bpy.types.Context) -> dict[str, Any]:
        """Return what is asked for now, without where it goes.

        Raises:
            BridgeError: it is gone, or nothing is asked of the face.
        """
        raise NotImplementedError

    def take(self, context: bpy.types.Context, out: Path, answer: dict[str, Any]) -> None:
        """Show an answer.

        Args:
            context: of the timer.
            out: the file with the picture; of tiles, their pattern with `<UDIM>`.
            answer: what else was said.

        Raises:
            BridgeError: there is nothing left to show it on.
        """
        raise NotImplementedError


def _begin(context: bpy.types.Context, subject: LiveSubject) -> None:
    """Show a subject live, in place of what is live now.

    Raises:
        BridgeError: the runtime cannot be started.
    """
    stop()
    _worker(context)
    subject.asked, subject.first = {}, 0
    _shown.append(subject)
    tick()
    if not bpy.app.background:
        bpy.app.timers.register(_timer, first_interval=INTERVAL_S)


def is_shown(kind: type[LiveSubject]) -> bool:
    """Tell whether a subject of this kind is live."""
    return bool(_shown) and isinstance(_shown[0], kind)


def _timer() -> float | None:
    """Return the seconds until Blender calls again; None ends it."""
    tick()
    if not _shown:
        return None
    return IDLE_S if is_settled() else INTERVAL_S


def tick() -> None:
    """Show what was answered, and ask for what has changed since. Takes a few milliseconds."""
    if not _shown:
        return
    context, shown = bpy.context, _shown[0]
    if not shown.is_in_view(context):
        stop()
        return
    try:
        worker = _worker(context)
        _ask(context, shown, worker)
        answers = worker.poll()
        try:
            if answers and answers[-1]["id"] >= shown.first:
                _take(context, shown, answers[-1])
        finally:
            for answer in answers:
                if "file" in answer:
                    (shown.folder / answer["file"]).unlink(missing_ok=True)
    except BridgeError as error:
        stop()
        keep_last_words(context.window_manager, str(error), is_failure=True)


def _on_change(*_: Any) -> None:
    """Note a change, as Blender calls it after a slider has moved, before it is drawn; or a
    render.
    """
    if _shown and current_thread() is main_thread():
        with suppress(BridgeError):  # the timer says it
            _ask(bpy.context, _shown[0], _worker(bpy.context))


def _ask(context: bpy.types.Context, shown: LiveSubject, worker: LiveWorker) -> None:
    presets = presets_file(context.scene)
    asked = {
        **shown.request(context),
        "change": still_expression(context).document(),
        "presets": None if presets is None else str(presets),
        "out": str(shown.folder / _FILE),
    }
    if asked != shown.asked:
        shown.asked = asked
        number = worker.ask(asked)
        shown.first = shown.first or number


def is_settled() -> bool:
    """Tell whether the picture shows what is asked for."""
    return not _shown or (bool(_warm) and _warm[0].is_done)


def _worker(context: bpy.types.Context) -> LiveWorker:
    """Return the warm process; a new one if another runtime, model or device is asked for."""
    runtime, arguments = chosen_runtime(context), tuple(model_arguments(context))
    if _warm and (_warm[0].arguments, _warm[0].runtime.python) != (arguments, runtime.python):
        close()
    if not _warm:
        _warm.append(LiveWorker(runtime, arguments, new_job_folder()))
        for shown in _shown:  # it has to ask the new one
            shown.asked, shown.first = {}, 0
    return _warm[0]


def _take(context: bpy.types.Context, shown: LiveSubject, answer: dict[str, Any]) -> None:
    if "width" not in answer:
        raise BridgeError(without_work_paths(with_remedy(answer)))
    name = answer["tiles"] if "tiles" in answer else answer["file"]
    shown.take(context, shown.folder / name, answer)
    for area in open_areas(context.window_manager, *shown.editors):
        for region in area.regions:
            if region.type == "WINDOW":  # drawing the sidebar, too, takes as long again
                region.tag_redraw()


def stop(*_: Any) -> None:
    """End what is live, if anything is; the process stays warm."""
    if _shown:
        _shown.clear()
        end_live()
        redraw_sidebars(bpy.context.window_manager)


def close() -> None:
    """End the process."""
    for worker in _warm:
        worker.close()
    _warm.clear()


def _before_save(*_: Any) -> None:
    """Save the file as it was before something was live."""
    _saving[:] = _shown
    stop()


def _after_save(*_: Any) -> None:
    """Go on."""
    while _saving:
        try:
            _begin(bpy.context, _saving.pop())
        except BridgeError as error:
            keep_last_words(bpy.context.window_manager, str(error), is_failure=True)


@dataclass(kw_only=True)
class LiveImage(LiveSubject):
    """A picture in an Image Editor.

    Attributes:
        frame: the scene's frame that `path` is of.
        path: the file of the image.
    """

    frame: int
    path: Path

    @classmethod
    def begun(cls, context: bpy.types.Context) -> "LiveImage":
        """Return the image of this editor."""
        image, folder = image_to_change(context), new_job_folder()
        path = file_of_image(image, folder, context.space_data).path
        frame = context.scene.frame_current
        return cls(source=image.name, frame=frame, path=path, folder=folder)

    def is_in_view(self, context: bpy.types.Context) -> bool:
        """Tell whether an Image Editor shows it, or its source while there is no answer yet."""
        live, source = bpy.data.images.get(NAME), bpy.data.images.get(self.source)
        if source is None:  # the next request says so
            return True
        areas = open_areas(context.window_manager, "IMAGE_EDITOR")
        shown = [area.spaces.active.image for area in areas]
        if live is not None:
            return live in shown
        return source in [source_of(image) for image in shown if image is not None]

    def request(self, context: bpy.types.Context) -> dict[str, Any]:
        """Return the file of the frame that is shown, its face, the expression."""
        source, scene = bpy.data.images.get(self.source), context.scene
        if source is None:
            raise BridgeError(f"{self.source} is gone, which was shown live. Open another image.")
        if source.source == "SEQUENCE" and scene.frame_current != self.frame:
            self.frame = scene.frame_current
            self.path = file_of_image(source, self.folder).path
        settings = scene.reggan
        face: Any = settings.face_index if settings.face == "INDEX" else 0
        if settings.use_rig_tracks and settings.rig_tracks:
            tracks = absolute_path(settings.rig_tracks, "Tracks")
            face = {"box": box_of_face(tracks, scene.frame_current, face)}
        return {"frame": str(self.path), "face": face, "longest_px": LONGEST_PX}

    def take(self, context: bpy.types.Context, out: Path, answer: dict[str, Any]) -> None:
        """Show it in the editor."""
        is_new = bpy.data.images.get(NAME) is None
        source = bpy.data.images.get(self.source)
        image = show_live(out, answer["width"], answer["height"], source)
        if is_new:
            show(context, image)


@dataclass(kw_only=True)
class LiveHead(LiveSubject):
    """A head that wears a map.

    Attributes:
        head: the name of the object.
        worn: the name of the map that its material shows.
        placed: the request but for the expression.
    """

    head: str
    worn: str
    placed: dict[str, Any]
    editors: ClassVar[tuple[str, ...]] = ("IMAGE_EDITOR", "VIEW_3D")

    @classmethod
    def begun(cls, context: bpy.types.Context) -> "LiveHead":
        """Return the active head."""
        worn, folder = worn_image(context), new_job_folder()
        source = map_to_change(context, worn)
        file = file_of_image(source, folder)
        on_head, settings = placed_on_head(context, worn, folder), context.scene.reggan_texture
        placed = {
            "texture": str(file.path),
            "mesh": str(on_head.mesh),
            "material": on_head.material,
            "front": FRONTS.get(settings.front),
            "head_bone": on_head.head_bone,
            "force": settings.takes_any_image,
            "longest_px": LONGEST_PX,
        }
        names = {"head": context.active_object.name, "worn": worn.image.name}
        return cls(source=source.name, folder=folder, placed=placed, **names)

    def request(self, context: bpy.types.Context) -> dict[str, Any]:  # noqa: ARG002
        """Return the head as it was when it was begun."""
        if self.head not in bpy.data.objects or self.worn not in bpy.data.images:
            raise BridgeError(f"{self.head} or its map is gone, which was shown live.")
        return self.placed

    def take(self, context: bpy.types.Context, out: Path, answer: dict[str, Any]) -> None:  # noqa: ARG002
        """Let the head wear it."""
        worn = bpy.data.images[self.worn]
        if "tiles" in answer:
            image = show_live_tiles(out, worn)
        else:
            image = show_live(out, answer["width"], answer["height"], worn, MAP_NAME)
        if not wear_live(bpy.data.objects[self.head], worn, image):
            raise BridgeError(
                f"No material of {self.head} shows {self.worn}, or it comes from another file. "
                "Assign the image first, or make the material local."
            )


class _ToggleOperator(Internal, Explained):
    """The common part of the two buttons: begin a kind of subject, or end it."""

    _kind: type[LiveSubject]

    @refusing
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin or end."""
        if is_shown(self._kind):
            stop()
        else:
            _begin(context, self._kind.begun(context))
        return {"FINISHED"}


class ToggleLive(_ToggleOperator, bpy.types.Operator):
    """Show this image with the expression and the sliders as they are, again at every change."""

    bl_idname = "reggan.live"
    bl_label = "Live"
    _kind = LiveImage

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        can_be_shown = is_shown(LiveImage) or image_to_change(context) is not None
        return "" if can_be_shown else "Open an image in the Image Editor first"


class ToggleLiveMap(_ToggleOperator, bpy.types.Operator):
    """Show the expression on the head in the viewport, again at every change.

    The head's material shows a temporary image, which Esc and this button take away. It is in no
    file that you save.
    """

    bl_idname = "reggan.live_map"
    bl_label = "Live on Head"
    _kind = LiveHead

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        return "" if is_shown(LiveHead) else problem_of_map(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin or end; say where it is seen."""
        answer = super().execute(context)
        views = open_areas(context.window_manager, "VIEW_3D")
        shadings = {area.spaces.active.shading.type for area in views}
        if is_shown(LiveHead) and not shadings & {"MATERIAL", "RENDERED"}:
            self.report({"INFO"}, "Switch the viewport to Material Preview to see it")
        return answer


class EndLiveMap(Internal, bpy.types.Operator):
    """Put the head's own map back."""

    bl_idname = "reggan.end_live_map"
    bl_label = "End Live on Head"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Tell whether a head is shown live: the key is Blender's own else."""
        return is_shown(LiveHead)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """End it."""
        stop()
        return {"FINISHED"}


classes = (ToggleLive, ToggleLiveMap, EndLiveMap)
keys = (("VIEWPORT", EndLiveMap.bl_idname, "ESC", "PRESS"),)
handlers = (
    (bpy.app.handlers.load_pre, stop),
    (bpy.app.handlers.save_pre, _before_save),
    (bpy.app.handlers.save_post, _after_save),
    (getattr(bpy.app.handlers, "save_post_fail", []), _after_save),
    (bpy.app.handlers.depsgraph_update_post, _on_change),
)


def detach() -> None:
    """End it all."""
    stop()
    close()
