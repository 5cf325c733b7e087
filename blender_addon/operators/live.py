"""Show the changed face while sliders move: one warm process, and the image of an editor.

It is asked when Blender's depsgraph hears of a moved slider, before the window is drawn for that,
and looked at from a timer, which also sees what the depsgraph does not hear of.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, ClassVar, Protocol

import bpy

from ..bridge.errors import BridgeError
from ..bridge.live_worker import LONGEST_PX, LiveWorker
from ..bridge.remedies import with_remedy
from ..bridge.tracks_file import box_of_face
from ..job_display import Explained, keep_last_words, redraw_sidebars, refuse
from ..preferences import chosen_runtime
from ..scene.expression_choice import still_expression
from ..scene.image_files import file_of_image
from ..scene.live_picture import end_live, live_picture, show_live
from ..scene.made_images import image_to_change, source_of
from ..scene.sequence_images import show
from ..scene.settings import absolute_path, model_settings, presets_file
from .job_operator import new_job_folder, without_work_paths

INTERVAL_S = 0.01
"""Between two looks at its process: for so long an answer waits at most."""
IDLE_S = 0.05
"""Between two looks while nothing is asked for: what moves without the depsgraph waits so long."""
_FILE = "live.raw"
_warm: list[LiveWorker] = []
"""The process of this Blender, once it was used."""
_shown: list["Shown"] = []
"""What is shown live now."""
_saving: list["Shown"] = []
"""What was, while the file is saved without it."""


class LiveSubject(Protocol):
    """What is changed live. Images are known by their names: undo makes others of them."""

    editors: ClassVar[tuple[str, ...]]
    """Kinds of editor that show it."""
    button: ClassVar[str]
    """Property of the window manager that says whether such a subject is live."""

    def is_in_view(self, context: bpy.types.Context) -> bool:
        """Tell whether an editor still shows it."""
        ...

    def request(self, context: bpy.types.Context) -> dict[str, Any]:
        """Return what is asked for now, without where it goes.

        Raises:
            BridgeError: it is gone, or nothing is asked of the face.
        """
        ...

    def take(self, context: bpy.types.Context, out: Path, answer: dict[str, Any]) -> None:
        """Show an answer.

        Args:
            context: of the timer.
            out: the file with the picture; of tiles, their pattern with `<UDIM>`.
            answer: what else was said.

        Raises:
            BridgeError: there is nothing left to show it on.
        """
        ...


@dataclass(kw_only=True)
class Shown:
    """A subject, and what it was asked for.

    Attributes:
        subject: what is changed.
        folder: for pictures.
        asked: what was asked for last.
        first: the number of its first request; 0 before there is one.
    """

    subject: LiveSubject
    folder: Path
    asked: dict[str, Any] = field(default_factory=dict)
    first: int = 0


def toggled(
    button: bpy.types.Operator,
    context: bpy.types.Context,
    kind: type[LiveSubject],
    begin: Callable[[bpy.types.Context], None],
) -> set[str]:
    """End a kind of subject that is shown, or begin it; what a button's `execute` answers."""
    if is_shown(kind):
        stop()
        return {"FINISHED"}
    try:
        begin(context)
    except BridgeError as error:
        return refuse(button, error)
    return {"FINISHED"}


def begin_live(context: bpy.types.Context, subject: LiveSubject, folder: Path) -> None:
    """Show a subject live, in place of what is live now.

    Raises:
        BridgeError: the runtime cannot be started.
    """
    if _shown:
        stop()
    _worker(context)
    _shown.append(Shown(subject=subject, folder=folder))
    setattr(context.window_manager, subject.button, True)
    tick()
    if not bpy.app.background:
        bpy.app.timers.register(_timer, first_interval=INTERVAL_S)


def is_shown(kind: type) -> bool:
    """Tell whether a subject of this kind is live."""
    return bool(_shown) and isinstance(_shown[0].subject, kind)


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
    if not shown.subject.is_in_view(context):
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


def _ask(context: bpy.types.Context, shown: Shown, worker: LiveWorker) -> None:
    asked = _request(context, shown)
    if asked != shown.asked:
        shown.asked = asked
        number = worker.ask(asked)
        shown.first = shown.first or number


def is_settled() -> bool:
    """Tell whether the picture shows what is asked for."""
    return not _shown or (bool(_warm) and _warm[0].is_done)


def _worker(context: bpy.types.Context) -> LiveWorker:
    """Return the warm process; a new one if another runtime, model or device is asked for."""
    runtime, arguments = chosen_runtime(context), tuple(model_settings(context).arguments())
    if _warm and (_warm[0].arguments, _warm[0].runtime.python) != (arguments, runtime.python):
        close()
    if not _warm:
        _warm.append(LiveWorker(runtime, arguments, new_job_folder()))
        for shown in _shown:  # it has to ask the new one
            shown.asked, shown.first = {}, 0
    return _warm[0]


def _request(context: bpy.types.Context, shown: Shown) -> dict[str, Any]:
    presets = presets_file(context.scene)
    return {
        **shown.subject.request(context),
        "change": still_expression(context).document(),
        "presets": None if presets is None else str(presets),
        "out": str(shown.folder / _FILE),
    }


def _take(context: bpy.types.Context, shown: Shown, answer: dict[str, Any]) -> None:
    if "width" not in answer:
        raise BridgeError(without_work_paths(with_remedy(answer)))
    name = answer["tiles"] if "tiles" in answer else answer["file"]
    shown.subject.take(context, shown.folder / name, answer)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in shown.subject.editors:
                for region in area.regions:
                    if region.type == "WINDOW":  # drawing the sidebar, too, takes as long again
                        region.tag_redraw()


def stop() -> None:
    """End what is live; the process stays warm."""
    _shown.clear()
    end_live()
    manager = bpy.context.window_manager
    manager.reggan_live = manager.reggan_live_map = False
    redraw_sidebars(manager)


def close() -> None:
    """End the process."""
    for worker in _warm:
        worker.close()
    _warm.clear()


def _on_load(*_: Any) -> None:
    """Another file is opened, whose images are others."""
    if _shown:
        stop()


def _before_save(*_: Any) -> None:
    """Save the file as it was before something was live."""
    _saving[:] = _shown
    if _shown:
        stop()


def _after_save(*_: Any) -> None:
    """Go on."""
    while _saving:
        shown = _saving.pop()
        try:
            begin_live(bpy.context, shown.subject, shown.folder)
        except BridgeError as error:
            keep_last_words(bpy.context.window_manager, str(error), is_failure=True)


@dataclass(kw_only=True)
class LiveImage:
    """A picture in an Image Editor.

    Attributes:
        source: the name of the image.
        frame: the scene's frame that `path` is of.
        path: the file of the image.
        folder: for a file of it.
    """

    source: str
    frame: int
    path: Path
    folder: Path
    editors: ClassVar[tuple[str, ...]] = ("IMAGE_EDITOR",)
    button: ClassVar[str] = "reggan_live"

    def is_in_view(self, context: bpy.types.Context) -> bool:
        """Tell whether an Image Editor shows it, or its source while there is no answer yet."""
        live, source = live_picture(), bpy.data.images.get(self.source)
        if source is None:  # the next request says so
            return True
        shown = [
            area.spaces.active.image
            for window in context.window_manager.windows
            for area in window.screen.areas
            if area.type == "IMAGE_EDITOR"
        ]
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
        return {"frame": str(self.path), "face": _face(scene), "longest_px": LONGEST_PX}

    def take(self, context: bpy.types.Context, out: Path, answer: dict[str, Any]) -> None:
        """Show it in the editor."""
        is_new = live_picture() is None
        source = bpy.data.images.get(self.source)
        image = show_live(out, answer["width"], answer["height"], source)
        if is_new:
            show(context, image)


class ToggleLive(Explained, bpy.types.Operator):
    """Show this image with the expression and the sliders as they are, again at every change."""

    bl_idname = "reggan.live"
    bl_label = "Live"
    bl_options = {"INTERNAL"}  # noqa: RUF012 - Blender's own way; nothing of the file changes

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        can_be_shown = is_shown(LiveImage) or image_to_change(context) is not None
        return "" if can_be_shown else "Open an image in the Image Editor first"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin or end."""
        return toggled(self, context, LiveImage, _begin)


def _begin(context: bpy.types.Context) -> None:
    image, folder = image_to_change(context), new_job_folder()
    path = file_of_image(image, folder, context.space_data).path
    frame = context.scene.frame_current
    subject = LiveImage(source=image.name, frame=frame, path=path, folder=folder)
    begin_live(context, subject, folder)


def _face(scene: bpy.types.Scene) -> Any:
    settings = scene.reggan
    if settings.use_rig_tracks and settings.rig_tracks:
        tracks = absolute_path(settings.rig_tracks, "Tracks")
        number = settings.face_index if settings.face == "INDEX" else 0
        return {"box": box_of_face(tracks, scene.frame_current, number)}
    return settings.face_index if settings.face == "INDEX" else 0


classes = (ToggleLive,)
settings = tuple(
    (bpy.types.WindowManager, name, bpy.props.BoolProperty(options={"SKIP_SAVE"}))
    for name in ("reggan_live", "reggan_live_map")
)
handlers = (
    (bpy.app.handlers.load_pre, _on_load),
    (bpy.app.handlers.save_pre, _before_save),
    (bpy.app.handlers.save_post, _after_save),
    (getattr(bpy.app.handlers, "save_post_fail", []), _after_save),
    (bpy.app.handlers.depsgraph_update_post, _on_change),
)


def detach() -> None:
    """End it all."""
    if _shown:
        stop()
    close()
