"""The add-on's preferences: which runtime, which device, and what its doctor says."""

import sys
from pathlib import Path
from typing import Any

import bpy

from .bridge.errors import BridgeError
from .bridge.find_runtime import Runtime, find_runtime, own_runtime
from .bridge.own_environment import note_of, version_of_wheel
from .job_display import draw_job, draw_last_words, draw_lines

PACKAGE = __package__
_LONGEST_REMOVAL_S = 180.0
"""Of the thousands of files of an environment whose making was cancelled, on a slow disk."""


class RegganPreferences(bpy.types.AddonPreferences):
    """Preferences of the RegGAN add-on."""

    bl_idname = PACKAGE

    runtime: bpy.props.EnumProperty(
        name="Runtime",
        description="Which Python runs reggan-plugin, in a process of its own",
        items=(
            ("BUNDLED", "Bundled", "What came with the extension: no installation, processor only"),
            ("ENVIRONMENT", "Environment", "A Python environment that has reggan-plugin, GPU too"),
        ),
    )
    environment: bpy.props.StringProperty(
        name="Environment",
        description="Folder of a virtual environment, or a Python executable, with reggan-plugin: "
        "a full path, never one beside the .blend. It is kept in these preferences alone",
        subtype="DIR_PATH",
    )
    device: bpy.props.StringProperty(
        name="Device",
        description="auto, cpu, cuda, cuda:1, rtx, … as the doctor lists them",
        default="auto",
    )

    landmarker: bpy.props.StringProperty(
        name="Landmarker",
        description="MediaPipe's face_landmarker.task, by which Take from Video reads a face. It "
        "is yours to download; Take from Video says where from",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Runtime, device, doctor."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "runtime", expand=True)
        if self.runtime == "ENVIRONMENT":
            layout.prop(self, "environment")
        layout.prop(self, "device")
        layout.prop(self, "landmarker")
        layout.operator("reggan.manual", icon="HELP")
        if not draw_job(layout, context):
            layout.operator("reggan.doctor", icon="CHECKMARK")
            _draw_own_environment(layout.column(align=True))
        draw_last_words(layout, context)
        draw_lines(layout, context.window_manager.reggan_doctor, context)


def _draw_own_environment(column: Any) -> None:
    """Draw the button that makes an environment, or what was made and the button that undoes it."""
    note, wheel = note_of(own_environment()), own_wheel()
    if note is not None:
        gpu = "with NVIDIA's packages" if note.get("has_gpu_packages") else "for the processor"
        column.label(
            text=f"Environment of reggan-plugin {note['version']}, {gpu}", icon="CHECKMARK"
        )
        if wheel is not None and note["version"] != version_of_wheel(wheel):
            column.operator("reggan.make_environment", icon="IMPORT", text="Update Environment")
        column.operator("reggan.remove_environment", icon="TRASH")
        return
    if not bpy.app.online_access:
        column.label(text="Make Environment needs Allow Online Access", icon="INTERNET_OFFLINE")
        shown = column.operator("screen.userpref_show", text="Show System > Network", icon="SYSTEM")
        shown.section = "SYSTEM"
    column.operator("reggan.make_environment", icon="IMPORT")
    if own_environment().exists():  # of a run that was cut off
        column.operator("reggan.remove_environment", icon="TRASH")


def own_environment() -> Path:
    """Return the folder of the environment that the extension makes; it need not be there."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, path="environment"))
    except ValueError:  # run from its source, not installed as an extension
        return Path(bpy.utils.user_resource("DATAFILES"), "reggan", "environment")


def own_wheel() -> Path | None:
    """Return the wheel of reggan-plugin that came in the extension's zip; None without one."""
    return next(Path(__file__).parent.glob("wheels/reggan_plugin-*.whl"), None)


def maker_of_environments() -> Runtime:
    """Return this Blender's Python, to make the environment with.

    Raises:
        BridgeError: there is none.
    """
    script = Path(__file__).parent / "bridge" / "own_environment.py"
    return own_runtime(script, clears_away_s=_LONGEST_REMOVAL_S)


def preferences_of(context: bpy.types.Context) -> Any:
    """Return this add-on's preferences, whatever the name that it is installed under."""
    return context.preferences.addons[PACKAGE].preferences


def chosen_runtime(context: bpy.types.Context) -> Runtime:
    """Return the runtime that the preferences name.

    Raises:
        BridgeError: it is not there, or cannot be used.
    """
    preferences = preferences_of(context)
    if preferences.runtime == "BUNDLED":
        return find_runtime("", _bundled_site_packages())
    if not preferences.environment:
        raise BridgeError(
            "No environment is named. Choose the folder of one that has reggan-plugin, or the "
            "bundled runtime, in the add-on's preferences."
        )
    return find_runtime(preferences.environment, None)


def _bundled_site_packages() -> Path | None:
    """Folder into which Blender unpacks the wheels of its extensions."""
    extensions = bpy.utils.user_resource("EXTENSIONS")
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return Path(extensions, ".local", "lib", python, "site-packages") if extensions else None


classes = (RegganPreferences,)
