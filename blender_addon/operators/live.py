"""Show the changed face while sliders move: one warm process.

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
from bpy.app.handlers import persistent

from ..bridge.errors import BridgeError
from ..bridge.live_worker import LiveWorker
from ..bridge.remedies import with_remedy
from ..job_display import keep_last_words, redraw_sidebars
from ..preferences import chosen_runtime
from ..scene.asked_expression import still_expression
from ..scene.live_picture import end_live
from ..scene.settings import model_settings, presets_file
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

classes = ()


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
        button.report({"ERROR"}, str(error))
        return {"CANCELLED"}
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


def _handlers() -> list[tuple[Any, Callable[..., None]]]:
    handlers = bpy.app.handlers
    found = [
        (handlers.load_pre, _on_load),
        (handlers.save_pre, _before_save),
        (handlers.save_post, _after_save),
    ]
    if hasattr(handlers, "save_post_fail"):
        found.append((handlers.save_post_fail, _after_save))
    return found


def attach() -> None:
    """Let the panels know whether something is live, and end it with its file."""
    bpy.types.WindowManager.reggan_live = bpy.props.BoolProperty(options={"SKIP_SAVE"})
    bpy.types.WindowManager.reggan_live_map = bpy.props.BoolProperty(options={"SKIP_SAVE"})
    for handlers, function in _handlers():
        handlers.append(persistent(function))
    bpy.app.handlers.depsgraph_update_post.append(persistent(_on_change))


def detach() -> None:
    """End it all."""
    if _shown:
        stop()
    close()
    for handlers, function in _handlers():
        handlers.remove(function)
    bpy.app.handlers.depsgraph_update_post.remove(_on_change)
    del bpy.types.WindowManager.reggan_live, bpy.types.WindowManager.reggan_live_map
