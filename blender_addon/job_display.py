"""State of the running and the last job of the session, and its display in panels."""

from collections.abc import Callable, Mapping
from functools import wraps
from textwrap import wrap
from typing import Any, ClassVar

import bpy

from .bridge.errors import BridgeError

_CHARACTER_PX = 6.0
"""Of a label, on average, where the interface is not scaled."""
_AROUND_TEXT_PX = 60
"""Of a sidebar's width: tabs, the panel's and the box's edges."""
_KEEPS_BUTTONS = bpy.app.version < (5, 2)
"""5.2.2 draws the button under the mouse anew, 4.3.2 does not; those between were not clicked."""


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """Return a progress bar and a button that stops the job, where one runs; whether one does."""
    manager = context.window_manager
    if not manager.reggan_job:
        return False
    column = layout.column(align=True)
    column.progress(factor=manager.reggan_progress, text=manager.reggan_job)
    column.operator("reggan.cancel", icon="CANCEL")
    return True


def draw_status(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Show in one line what runs or what the last job had to say; more of it where it is unfolded.

    The line is always there, so that the buttons below stay under the mouse.
    """
    manager = context.window_manager
    said, done = manager.reggan_last_words, manager.reggan_done
    row = layout.row(align=True)
    if manager.reggan_job:
        row.progress(factor=manager.reggan_progress, text=manager.reggan_job)
        row.operator("reggan.cancel", icon="CANCEL", text="")
        return
    if not said and not done:
        row.label(text="Ready", icon="CHECKMARK")
        return
    failed = manager.reggan_last_failed
    row.alert = failed
    first = said.partition("\n")[0].partition(". ")[0].partition("; ")[0]
    head = first if failed or not done else done
    arrow = "DOWNARROW_HLT" if manager.reggan_unfolds else "RIGHTARROW"
    if said:
        row.prop(manager, "reggan_unfolds", text=head, icon=arrow, emboss=False)
    else:
        row.label(text=head, icon="CHECKMARK")
    if manager.reggan_done_folder:
        row.operator("reggan.open_folder", icon="FILE_FOLDER", text="")
    row.operator("reggan.dismiss", icon="X", text="", emboss=False)
    if said and manager.reggan_unfolds:
        draw_lines(layout.box(), said, context)


def draw_job_button(
    layout: bpy.types.UILayout, name: str, values: Mapping[str, Any] | None = None, **look: Any
) -> None:
    """Draw the button of an operator that runs a job; grey while one runs.

    Blender 4.3 takes over the button under the mouse as it was, grey and dead, and draws it so
    when the mouse has left, too. So it is another operator's while a job runs: the end of the job
    draws a new one.

    Args:
        layout: of the panel.
        name: of the operator, as `reggan.preview`.
        values: its properties.
        look: text and icon, as `UILayout.operator` takes them.
    """
    if _KEEPS_BUTTONS and bpy.context.window_manager.reggan_job:
        label = getattr(bpy.ops.reggan, name.partition(".")[2]).get_rna_type().name
        layout.operator(WaitForJob.bl_idname, **{"text": label, **look})
        return
    button = layout.operator(name, **look)
    for key, value in (values or {}).items():
        setattr(button, key, value)


def draw_last_words(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Show all that the last job had to say: Blender's own pop-up goes when the mouse moves."""
    if context.window_manager.reggan_last_words:
        box = layout.box()
        draw_lines(box, context.window_manager.reggan_last_words, context)
        box.operator("reggan.dismiss", icon="X")


def draw_lines(layout: bpy.types.UILayout, text: str, context: bpy.types.Context) -> None:
    """Draw a text in lines that fit the region that is drawn."""
    scale = context.preferences.system.ui_scale
    room = context.region.width / scale - _AROUND_TEXT_PX if context.region else 0
    length = max(20, int(room / _CHARACTER_PX))
    column = layout.column(align=True)
    for paragraph in text.splitlines():
        for line in wrap(paragraph, length) or [""]:
            column.label(text=line)


def keep_done(manager: Any, words: str, folder: str) -> None:
    """Let the panels show what was done, with a button for its folder."""
    manager.reggan_done, manager.reggan_done_folder = words, folder
    redraw_sidebars(manager)


def keep_last_words(manager: Any, message: str, *, is_failure: bool = False) -> None:
    """Let the panels show a message, below those of the same job."""
    lines = (manager.reggan_last_words, message)
    manager.reggan_last_words = "\n".join(line for line in lines if line)
    manager.reggan_last_failed = manager.reggan_last_failed or is_failure
    redraw_sidebars(manager)


def refuse(operator: Any, error: Exception) -> set[str]:
    """Say why a button did nothing; the panels go on saying it."""
    said, manager = str(error).strip().removeprefix("Error: "), bpy.context.window_manager
    forget_last_words(manager)
    keep_last_words(manager, said, is_failure=True)
    operator.report({"ERROR"}, said)
    return {"CANCELLED"}


def refusing(action: Callable[[Any, Any], set[str]]) -> Callable[[Any, Any], set[str]]:
    """Let an operator's `execute` say what it is refused, instead of raising it."""

    @wraps(action)
    def said(operator: Any, context: Any) -> set[str]:  # Blender counts the arguments
        try:
            return action(operator, context)
        except BridgeError as error:
            return refuse(operator, error)

    return said


def is_under_mouse(place: Any, event: bpy.types.Event) -> bool:
    """Tell whether the mouse is over an area or a region."""
    x, y = event.mouse_x - place.x, event.mouse_y - place.y
    return 0 <= x < place.width and 0 <= y < place.height


class Internal:
    """Mixin of operators that are no undo step, and that no search finds."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}


class Undoable:
    """Mixin of operators that are an undo step, whose options the last operation's panel shows."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}


class Explained:
    """Mixin of operators whose button says why it is grey, before `bpy.types.Operator`."""

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:  # noqa: ARG003
        """Return the reason why the button is grey; empty if it is not."""
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether the button can be pressed; says why not."""
        reason = cls._why_not(context)
        if reason:
            cls.poll_message_set(reason)  # type: ignore[attr-defined]
        return not reason


def forget_last_words(manager: Any) -> None:
    """Let the panels show nothing of the last job any more."""
    manager.reggan_last_words, manager.reggan_last_failed = "", False
    manager.reggan_done = manager.reggan_done_folder = ""
    redraw_sidebars(manager)


def redraw_sidebars(manager: Any) -> None:
    """Draw again where panels show what has changed."""
    for window in manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if region.type == "UI" or area.type == "PREFERENCES":
                    region.tag_redraw()


def redraw_views(context: bpy.types.Context) -> None:
    """Draw again what points are drawn over."""
    for area in open_areas(context.window_manager, "IMAGE_EDITOR", "VIEW_3D"):
        area.tag_redraw()


def open_areas(manager: Any, *kinds: str) -> list[Any]:
    """Return the areas of all windows that are editors of these kinds."""
    areas = (area for window in manager.windows for area in window.screen.areas)
    return [area for area in areas if area.type in kinds]


class Dismiss(Internal, bpy.types.Operator):
    """Take this message away."""

    bl_idname = "reggan.dismiss"
    bl_label = "Dismiss"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget what the last job said."""
        forget_last_words(context.window_manager)
        return {"FINISHED"}


class WaitForJob(Internal, bpy.types.Operator):
    """Stand for a button that cannot be pressed while a job runs."""

    bl_idname = "reggan.wait_for_job"
    bl_label = "Wait"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:  # noqa: ARG003
        """Say why it is grey."""
        cls.poll_message_set("Another RegGAN job is running")
        return False


class OpenFolder(Internal, bpy.types.Operator):
    """Show the folder of the results in the system's own file browser."""

    bl_idname = "reggan.open_folder"
    bl_label = "Open Folder"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open it."""
        return set(bpy.ops.wm.path_open(filepath=context.window_manager.reggan_done_folder))


classes = (Dismiss, WaitForJob, OpenFolder)
_UNFOLDS = {"name": "All of It", "description": "Show all that the last job had to say"}
settings = tuple(
    (bpy.types.WindowManager, f"reggan_{name}", kind(options={"SKIP_SAVE"}, **said))
    for name, kind, said in (
        ("job", bpy.props.StringProperty, {}),
        ("progress", bpy.props.FloatProperty, {}),
        ("last_words", bpy.props.StringProperty, {}),
        ("last_failed", bpy.props.BoolProperty, {}),
        ("done", bpy.props.StringProperty, {}),
        ("done_folder", bpy.props.StringProperty, {}),
        ("unfolds", bpy.props.BoolProperty, _UNFOLDS),
        ("doctor", bpy.props.StringProperty, {}),
    )
)
"""Of the session, not of the file."""
