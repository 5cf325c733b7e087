"""What is chosen by eye: a face of the sheet, a picture of the menu, a slider that is dragged."""

import time
from array import array
from collections.abc import Callable, Generator
from typing import Any

import bpy
from screen import Pause, area_of, button_of, click, move, region_of, sliders_of
from watch import (
    FRAME,
    LONGEST_CALLBACK_MS,
    TICK_S,
    Ticks,
    addon,
    live_asked,
    live_callbacks,
    live_settled,
    longest_silence,
    note_tick,
    picture,
    report,
    run_job,
    window,
)

_LONGEST_ANSWER_S = 60.0
_SINGLE_MOVES = 5


def click_in_image(x: float, y: float) -> Pause:
    """Click a pixel of the Image Editor's picture, from its upper left corner."""
    area = area_of("IMAGE_EDITOR")
    place, size = region_of(area, "WINDOW"), area.spaces.active.image.size
    at = place.view2d.view_to_region(x / size[0], 1 - y / size[1], clip=False)
    yield from click(window(), place.x + at[0], place.y + at[1])
    yield 0.5


def click_a_face_of_the_sheet() -> Pause:
    """The sheet is open: a click on *sad* at 70 % sets the panel."""
    settings, area = bpy.context.scene.reggan, area_of("IMAGE_EDITOR")
    sheet = area.spaces.active.image
    cells = addon("bridge.sheet_cells").cells_from_text(sheet["reggan_cells"])
    cell = next(c for c in cells if (c.expression, c.intensity) == ("sad", 0.7))
    x, y, width, height = cell.box
    yield from click_in_image(x + width / 2, y + height / 2)
    assert settings.expression == "sad", settings.expression
    assert round(settings.intensity, 3) == 0.7
    yield from picture("4b_chosen_on_the_sheet")


def draw_the_menu_of_faces() -> Pause:
    """All expressions of this face, as pictures of the menu."""
    area_of("IMAGE_EDITOR").spaces.active.image = bpy.data.images.load(str(FRAME))
    button = yield from button_of("IMAGE_EDITOR", "reggan.draw_faces", across=0.85)
    yield from run_job("draw_faces", button, window())
    icons = addon("scene.expression_icons").face_icons()
    assert len(icons) > 40, len(icons)
    assert len(set(icons.values())) == len(icons)
    yield from picture("4c_menu_of_faces")


def drag_a_slider_live() -> Pause:
    """The picture follows Intensity while it is dragged, and Blender's timers go on.

    Blender draws the whole window at every move of a slider; the viewport beside the picture would
    take 0.3 s of it here, where the processor draws.
    """
    area, settings = area_of("IMAGE_EDITOR"), bpy.context.scene.reggan
    if area.spaces.active.image is None:
        area.spaces.active.image = bpy.data.images.load(str(FRAME))
    settings.expression, settings.intensity = "happy", 0.2
    button = yield from button_of("IMAGE_EDITOR", "reggan.live")
    yield from click(window(), *button)
    yield from until(lambda: area.spaces.active.image.name == "RegGAN live")
    yield from until(addon("operators.live").is_settled)
    places = yield from sliders_of("IMAGE_EDITOR")
    shown = lambda: area.spaces.active.image  # noqa: E731 - the editor's, whatever that is then
    beside = area_of("VIEW_3D")
    beside.type = "TEXT_EDITOR"
    yield 1.0
    try:
        report["live"] = yield from drag_live(places["reggan.intensity"], shown)
    finally:
        beside.type = "VIEW_3D"
    yield from picture("5b_live")
    button = yield from button_of("IMAGE_EDITOR", "reggan.live")
    yield from click(window(), *button)
    yield 0.5
    assert area.spaces.active.image.name != "RegGAN live"


def drag_live(
    slider: tuple[int, int], image: Callable[[], Any], space: Any = bpy.types.SpaceImageEditor
) -> Generator[float, None, dict[str, Any]]:
    """Drag Intensity to the right for two seconds, then in single moves; how the picture followed.

    Args:
        slider: where it is.
        image: gives what is changed live.
        space: the kind of editor that shows it.

    Raises:
        AssertionError: it did not, or Blender was busy for too long.
    """
    settings, (x, y) = bpy.context.scene.reggan, slider
    before, answers = _pixels(image()), 0
    ticks: Ticks = []
    live_callbacks.clear()
    bpy.app.timers.register(tick := _ticking(ticks))
    drawn: list[float] = []
    handle = space.draw_handler_add(lambda: _note_drawn(drawn), (), "WINDOW", "POST_PIXEL")
    move(window(), x, y)
    yield 0.3
    window().event_simulate("LEFTMOUSE", "PRESS", x=x, y=y)
    for step in range(1, 21):
        yield 0.1
        move(window(), x + 4 * step, y)
        now = _pixels(image())
        answers, before = answers + (now != before), now
    waits = [(yield from _until_drawn(drawn, time.perf_counter()))]
    for step in range(_SINGLE_MOVES):
        yield 0.3
        move(window(), x + 80 + 4 * (step + 1), y)
        waits.append((yield from _until_drawn(drawn, time.perf_counter())))
    end = x + 80 + 4 * _SINGLE_MOVES
    window().event_simulate("LEFTMOUSE", "RELEASE", x=end, y=y)
    space.draw_handler_remove(handle, "WINDOW")
    seen = {
        "size": list(image().size),
        "intensity": round(settings.intensity, 3),
        "pictures_while_dragged": answers,
        "last_picture_asked_made_drawn_s": waits[0],
        "move_asked_made_drawn_s": waits[1:],
        "longest_callback_ms": round(max(wall for wall, _ in live_callbacks), 2),
        "longest_callback_cpu_ms": round(max(cpu for _, cpu in live_callbacks), 2),
        **longest_silence(ticks),
    }
    bpy.app.timers.unregister(tick)
    assert seen["longest_callback_cpu_ms"] < LONGEST_CALLBACK_MS, seen
    assert settings.intensity > 0.3, seen
    assert answers > 1, seen
    return seen


def _note_drawn(drawn: list[float]) -> None:
    """Called after the picture's editor is drawn: the first time since an answer counts."""
    if live_settled[-1] > (drawn[-1] if drawn else 0.0):
        drawn.append(time.perf_counter())


def _until_drawn(drawn: list[float], moved: float) -> Generator[float, None, list[float]]:
    """Wait until the editor shows what was asked for at `moved` or later.

    Returns:
        The seconds since then to the request, to the pixels in Blender's image, and to the drawn
        picture.
    """
    yield from until(lambda: bool(drawn) and drawn[-1] > live_settled[-1] > moved)
    return [round(at - moved, 3) for at in (live_asked[-1], live_settled[-1], drawn[-1])]


def drag_a_point() -> Pause:
    """The mouth of a tracked head, over a picture of the shot."""
    scene, area = bpy.context.scene, area_of("IMAGE_EDITOR")
    area.spaces.active.image = bpy.data.images.load(str(FRAME), check_existing=True)  # no sheet
    scene.frame_set(1001)  # the picture's: points are drawn over no other frame
    before, size = scene.reggan_head.head, tuple(area.spaces.active.image.size)
    render = scene.render
    shape = render.resolution_x, render.resolution_y
    render.resolution_x, render.resolution_y = size
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1.5)
    scene.reggan_head.head = head = bpy.context.object
    bpy.ops.reggan.place_points()
    area.tag_redraw()
    yield 1.0
    yield from picture("5c_points_over_the_picture")
    handles, place = addon("scene.face_handles"), region_of(area, "WINDOW")
    x, y = handles.face_handles(bpy.context).handles["mouth"]
    at = place.view2d.view_to_region(x / size[0], 1 - y / size[1], clip=False)
    begin = place.x + at[0], place.y + at[1]
    move(window(), *begin)
    yield 0.3
    window().event_simulate("LEFTMOUSE", "PRESS", x=begin[0], y=begin[1])
    for step in range(1, 6):
        yield 0.1
        move(window(), begin[0] + 8 * step, begin[1] - 4 * step)
    window().event_simulate("LEFTMOUSE", "RELEASE", x=begin[0] + 40, y=begin[1] - 20)
    yield 0.5
    moved = handles.face_handles(bpy.context).handles["mouth"]
    expected = place.view2d.region_to_view(at[0] + 40, at[1] - 20)
    assert abs(moved[0] - expected[0] * size[0]) < 2, (moved, expected)
    assert abs(moved[1] - (1 - expected[1]) * size[1]) < 2, (moved, expected)
    yield from picture("5d_point_dragged")
    for name in ("left_eye", "right_eye", "mouth"):
        bpy.data.objects.remove(getattr(scene.reggan_head, name))
    bpy.data.objects.remove(head)
    scene.reggan_head.head = before
    scene.frame_set(1)
    render.resolution_x, render.resolution_y = shape


def until(holds: Callable[[], bool]) -> Pause:
    """Wait for it.

    Raises:
        AssertionError: it does not come.
    """
    end = time.monotonic() + _LONGEST_ANSWER_S
    while not holds():
        assert time.monotonic() < end, bpy.context.window_manager.reggan_last_words
        yield 0.05


def _pixels(image: Any) -> bytes:
    values = array("f", bytes(16 * image.size[0] * image.size[1]))
    image.pixels.foreach_get(values)
    return values.tobytes()


def _ticking(ticks: Ticks) -> Callable[[], float]:
    def tick() -> float:
        note_tick(ticks)
        return TICK_S

    return tick


STEPS: tuple[Callable[[], Pause], ...] = (
    click_a_face_of_the_sheet,
    draw_the_menu_of_faces,
    drag_a_slider_live,
    drag_a_point,
)
