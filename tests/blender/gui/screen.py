"""A hand and an eye for Blender's window: sidebars, buttons, clicks, screenshots."""

import subprocess
from collections.abc import Generator
from pathlib import Path

import bpy

STEP_PX = 8
HOVER_S = 0.08
"""Until Blender knows what the mouse is over, on a busy machine."""
WHEEL_STEPS = 40
Pause = Generator[float, None, None]
"""Yields seconds to wait, in which Blender draws and answers."""


def area_of(kind: str, window: bpy.types.Window | None = None) -> bpy.types.Area:
    """The largest editor of this kind."""
    areas = (window or bpy.context.window_manager.windows[0]).screen.areas
    return max((area for area in areas if area.type == kind), key=lambda area: area.width)


def region_of(area: bpy.types.Area, kind: str = "UI") -> bpy.types.Region:
    """A region of an editor, the sidebar by default."""
    return next(region for region in area.regions if region.type == kind)


def open_sidebar(kind: str, tab: str) -> Pause:
    """Show an editor's sidebar with this tab in front."""
    area = area_of(kind)
    area.spaces.active.show_region_ui = True
    yield 1.0
    region_of(area).active_panel_category = tab
    area.tag_redraw()
    yield 1.0


def open_at_first(panel: str) -> None:
    """Register a panel anew as one that is open where nobody has closed it.

    A click on its header is no way: simulated, it reaches another panel's in 5.2.
    """
    cls = getattr(bpy.types, panel)
    bpy.utils.unregister_class(cls)
    cls.bl_options = set()
    bpy.utils.register_class(cls)


def move(window: bpy.types.Window, x: int, y: int) -> None:
    """Put the mouse there, in pixels from the window's lower left corner."""
    window.event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)


def click(window: bpy.types.Window, x: int, y: int) -> Pause:
    """Press and release the left button there."""
    move(window, x, y)
    yield 0.6
    window.event_simulate("LEFTMOUSE", "PRESS", x=x, y=y)
    yield 0.1
    window.event_simulate("LEFTMOUSE", "RELEASE", x=x, y=y)
    yield 0.2


def press(window: bpy.types.Window, key: str, x: int, y: int) -> Pause:
    """Press and release a key with the mouse there."""
    move(window, x, y)
    yield 0.3
    window.event_simulate(key, "PRESS", x=x, y=y)
    yield 0.1
    window.event_simulate(key, "RELEASE", x=x, y=y)
    yield 0.5


def scroll(kind: str, *, back: bool = False) -> Pause:
    """Turn the wheel over an editor's sidebar, to its end or back."""
    window, region = bpy.context.window_manager.windows[0], region_of(area_of(kind))
    move(window, x := region.x + region.width // 2, y := region.y + region.height // 2)
    yield 0.3
    for _ in range(WHEEL_STEPS):
        wheel = "WHEELUPMOUSE" if back else "WHEELDOWNMOUSE"
        window.event_simulate(wheel, "PRESS", x=x, y=y)
        yield 0.05
    yield 0.5


def buttons_of(
    kind: str, *, window: bpy.types.Window | None = None, region: str = "UI", across: float = 0.6
) -> Generator[float, None, dict[str, tuple[int, int]]]:
    """Where the operators' buttons of an editor's region are, found by hovering over all of it.

    Blender tells it in no other way: over a button, its command can be copied.
    """
    window = window or bpy.context.window_manager.windows[0]
    area = area_of(kind, window)
    place = region_of(area, region)
    x = place.x + round(place.width * across)
    seen: dict[str, list[int]] = {}
    move(window, window.width // 2, 4)  # away from the button that was pressed last
    yield 0.5
    for y in range(place.y + place.height - 4, place.y, -STEP_PX):
        name = yield from _operator_under(window, area, place, (x, y))
        if name:
            seen.setdefault(name, []).append(y)
    return {name: (x, sum(rows) // len(rows)) for name, rows in seen.items()}


def _operator_under(
    window: bpy.types.Window,
    area: bpy.types.Area,
    region: bpy.types.Region,
    at: tuple[int, int],
    hover_s: float = HOVER_S,
) -> Generator[float, None, str]:
    """The operator of the button at a place of the window; empty without one."""
    move(window, *at)
    yield hover_s
    manager = bpy.context.window_manager
    manager.clipboard = ""
    with bpy.context.temp_override(window=window, area=area, region=region):
        if bpy.ops.ui.copy_python_command_button.poll():
            bpy.ops.ui.copy_python_command_button()
    command = manager.clipboard
    is_operator = command.startswith("bpy.ops.")
    return command.removeprefix("bpy.ops.").partition("(")[0] if is_operator else ""


def button_of(
    kind: str, name: str, *, across: float = 0.6
) -> Generator[float, None, tuple[int, int]]:
    """Where the button of an operator is in an editor's sidebar, turned there if need be.

    Raises:
        AssertionError: it is nowhere.
    """
    for turn in (None, False, True):
        if turn is not None:
            yield from scroll(kind, back=turn)
        found = yield from buttons_of(kind, across=across)
        if name in found:
            window, area = bpy.context.window_manager.windows[0], area_of(kind)
            place = region_of(area)
            there = yield from _operator_under(window, area, place, found[name], hover_s=0.5)
            if there == name:  # nothing has moved since it was seen
                return found[name]
    raise AssertionError(f"{name} is not in the sidebar of {kind}, which has {sorted(found)}")


def sliders_of(kind: str) -> Generator[float, None, dict[str, tuple[int, int]]]:
    """Where settings are in an editor's sidebar, by their paths; found as buttons are."""
    window, area = bpy.context.window_manager.windows[0], area_of(kind)
    place, manager = region_of(area), bpy.context.window_manager
    x = place.x + round(place.width * 0.6)
    seen: dict[str, list[int]] = {}
    for y in range(place.y + place.height - 4, place.y, -STEP_PX):
        move(window, x, y)
        yield HOVER_S
        manager.clipboard = ""
        with bpy.context.temp_override(window=window, area=area, region=place):
            if bpy.ops.ui.copy_data_path_button.poll():
                bpy.ops.ui.copy_data_path_button()
        if manager.clipboard:
            seen.setdefault(manager.clipboard, []).append(y)
    return {path: (x, sum(rows) // len(rows)) for path, rows in seen.items()}


def take_picture(path: Path) -> None:
    """Save what the screen shows. In a process beside Blender, which goes on."""
    subprocess.Popen(["import", "-window", "root", str(path)])
