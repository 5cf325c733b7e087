"""A set of pictures of heads in the seven expressions of contract 1: resumable, made by several
processes, the same from the same seed.
"""

import hashlib
import math
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.errors import OutputError, UnknownExpressionError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.frozen import frozen
from reggan_plugin.jobs.signals_and_timeouts import StopRequest, stop_on_signals
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS, ExpressionMix
from reggan_plugin.vocabulary.face_shapes import NEUTRAL
from reggan_training.data.identity_and_split import RENDERED_STYLES, is_held_out, last_two_digits
from reggan_training.data.set_files import (
    SCHEMA,
    NewFolder,
    check_resumable,
    is_finished,
    remove_unfinished,
    write_manifest,
)
from reggan_training.heads.head import HeadFamily, HeadMesh
from reggan_training.heads.worn.dress import dress
from reggan_training.rendering.face_states import Weights, sample_gaze
from reggan_training.rendering.head_look import HeadLook, sample_look
from reggan_training.rendering.rasterising import (
    Camera,
    RasterisedHead,
    rasterise_head,
    sample_camera,
)
from reggan_training.rendering.shading import HeadShader, reduce_to

Drawn = Callable[[int], Float[Tensor, "3 height width"]]
"""One state of a head in a look, sRGB-encoded, [0, 1], at the side of the rasters or half of it."""
Drawing = Callable[[HeadMesh, HeadShader, HeadLook], Drawn]

_MARGIN = 1.25
"""Side of a picture over that of the crops that training cuts from it."""
_ZOOM = 0.9 * _MARGIN
"""Reach of a picture over that of a head's own crop, which is wider than contract 1's."""
_SUPERSAMPLING = 2
_GRADED, _HALF = (0.2, 0.75), 0.5
_SOURCES = 2
_JPEG_QUALITY = 95
_TRAINED, _CHOSEN_BY, _TESTED = 1, 8, 9
"""Last digits of identities' numbers, which decide their split (`data/identity_and_split.py`)."""


@frozen
class Renderer:
    """What makes pictures of heads.

    Attributes:
        name: of its settings in a set's manifest.
        styles: that it can draw.
        draw: opens a head in a look.
        packages: whose versions the manifest names.
    """

    name: str
    styles: tuple[str, ...]
    draw: Drawing
    packages: tuple[str, ...] = ("torch",)


@frozen
class HeadPictureSettings:
    """Settings of a set.

    Attributes:
        side_px: side of the crops to train on.
        looks: pictured looks of each head and style.
        styles: of heads to train on; held-out heads are pictured in all.
        seed: of everything that is drawn.
    """

    side_px: int = 128
    looks: int = 1
    styles: tuple[str, ...] = ("skin",)
    seed: int = 0


@frozen
class FaceState:
    """One picture: what is asked for, what else is seen, and both as ARKit weights."""

    expression: str
    intensity: float
    weights: Weights
    eye_closure: float = 0.0
    mouth_open: float = 0.0


def picture_head(
    family: HeadFamily,
    identity: str,
    view: int,
    settings: HeadPictureSettings,
    root: Path,
    *,
    renderer: Renderer,
) -> str:
    """Write what the set lacks of one head before one camera; returns a line about it, or "".

    Every look is an identity of the set, `<style>_<identity>-<number>`, of fifteen pictures:
    neutral, the six expressions in full and in part, two with eyes shut or mouth open. The last
    digit of the number puts heads that are never trained on (`data/identity_and_split.py`) into the
    test split.

    Args:
        family: of the head.
        identity: its name there.
        view: number of the camera.
        settings: of the set.
        root: folder of the set.
        renderer: that makes the pictures.
    """
    styles = renderer.styles if is_held_out(family.name, identity) else settings.styles
    digit = _split_digit(family.name, identity)
    named = {
        f"{style}_{identity}-{view * settings.looks + look}{digit}": (style, look)
        for style in styles
        for look in range(settings.looks)
    }
    missing = [name for name in named if not is_finished(root, name)]
    if not missing:
        return ""
    text = f"{family.name}/{identity}/{view}/{settings.seed}".encode()
    seed = int.from_bytes(hashlib.sha256(text).digest()[:8], "little")
    random = np.random.default_rng(seed)
    head = dress(family.head(identity), random)
    camera = sample_camera(head.landmarks(head.rest), random)
    drawn_faces = sample_faces(random, head.controls, is_tested=digit == _TESTED)
    faces = [face for face in drawn_faces if _can_show(head, face.expression)]
    face_px = _SUPERSAMPLING * round(_MARGIN * settings.side_px)
    states = [face.weights for face in faces]
    shader = HeadShader(rasterise_head(head, states, _farther(camera), face_px=face_px))
    for name in missing:
        style, look = named[name]
        drawn = np.random.default_rng([seed, look, RENDERED_STYLES.index(style)])
        sampled = sample_look(drawn, style=style)
        drawing = renderer.draw(head, shader, sampled)
        _write_look(name, shader.head, faces, sampled, drawing, root)
    lacking = sorted({one.expression for one in drawn_faces} - {one.expression for one in faces})
    without = f", without {', '.join(lacking)}: the head lacks their shapes" if lacking else ""
    return missing[0] + without


def _can_show(head: HeadMesh, expression: str) -> bool:
    """Tell whether the head has what a model needs to show the expression."""
    try:
        ExpressionMix({expression: 1.0}).control_vector((*head.controls, NEUTRAL))
    except UnknownExpressionError:
        return False
    return True


def sample_faces(
    random: np.random.Generator, controls: Sequence[str], *, is_tested: bool
) -> list[FaceState]:
    """Draw the fifteen faces of a head, with the shapes that it has; the gaze is one in all.

    Expressions in part have half of their weights in tested heads, and 0.2 to 0.75 in others.
    """
    gaze = sample_gaze(random) if random.random() < 0.5 else {}
    shown = BASIC_EXPRESSIONS[1:]
    parts = [_HALF if is_tested else round(float(random.uniform(*_GRADED)), 2) for _ in shown]
    asked = [("neutral", 1.0), *((one.name, 1.0) for one in shown)]
    asked += [(one.name, part) for one, part in zip(shown, parts, strict=True)]
    faces = [_face(name, share, controls, gaze) for name, share in asked]
    for _ in range(_SOURCES):
        expression = BASIC_EXPRESSIONS[int(random.integers(len(BASIC_EXPRESSIONS)))].name
        kind = int(random.integers(3))
        faces.append(
            _face(
                expression,
                round(float(random.uniform(0.0, 0.6)), 2),
                controls,
                gaze,
                eye_closure=round(float(random.uniform(0.6, 1.0)), 2) if kind != 1 else 0.0,
                mouth_open=round(float(random.uniform(0.2, 0.8)), 2) if kind != 0 else 0.0,
            )
        )
    return faces


def _face(
    name: str,
    intensity: float,
    controls: Sequence[str],
    gaze: Weights,
    *,
    eye_closure: float = 0.0,
    mouth_open: float = 0.0,
) -> FaceState:
    expression = next(one for one in BASIC_EXPRESSIONS if one.name == name)
    weights = {shape: intensity * value for shape, value in expression.weights.items()}
    for shape, least in (
        ("eyeBlinkLeft", eye_closure),
        ("eyeBlinkRight", eye_closure),
        ("jawOpen", 0.7 * mouth_open),
    ):
        weights[shape] = max(weights.get(shape, 0.0), least)
    weights = {**gaze, **weights}
    return FaceState(
        expression=name,
        intensity=intensity,
        weights={shape: value for shape, value in weights.items() if value and shape in controls},
        eye_closure=eye_closure,
        mouth_open=mouth_open,
    )


def _split_digit(family: str, identity: str) -> int:
    if is_held_out(family, identity):
        return _TESTED
    number = last_two_digits(family, identity)
    return _CHOSEN_BY if number is not None and 80 <= number < 90 else _TRAINED


def _farther(camera: Camera) -> Camera:
    """Widen the view to show more of the surroundings."""
    crop_from_plane = camera.crop_from_plane / _ZOOM
    crop_from_plane[:, 2] += 0.5 - 0.5 / _ZOOM
    return replace(camera, crop_from_plane=crop_from_plane)


def _write_look(
    name: str,
    head: RasterisedHead,
    faces: Sequence[FaceState],
    look: HeadLook,
    drawn: Drawn,
    root: Path,
) -> None:
    folder = NewFolder(root, name)
    side_px = head.face.side_px // _SUPERSAMPLING
    yaw_deg, pitch_deg = _turn_deg(head.camera.rotation)
    images = []
    try:
        for state, face in enumerate(faces):
            file = f"{state:02d}_{face.expression}_{round(100 * face.intensity):03d}.jpg"
            picture = reduce_to(drawn(state), side_px).permute(1, 2, 0).numpy()
            folder.write(
                file, encoded_picture(picture, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
            )
            images.append(
                {
                    "file": file,
                    "expression": face.expression,
                    "intensity": face.intensity,
                    "eye_closure": face.eye_closure,
                    "mouth_open": face.mouth_open,
                    "yaw_deg": yaw_deg,
                    "pitch_deg": pitch_deg,
                    "landmarks": _landmarks(head, state),
                }
            )
        made_of = {"family": head.family, "identity": head.identity}
        record = {"schema": SCHEMA, "name": name, "style": look.style}
        folder.finish({**record, "parameters": made_of, "images": images})
    except BaseException:
        folder.discard()
        raise


def _shaded(head: HeadMesh, shader: HeadShader, look: HeadLook) -> Drawn:
    del head  # all that is seen of it is in the shader

    def drawn(state: int) -> Float[Tensor, "3 side side"]:
        with torch.no_grad():
            return shader.picture(shader.head.face, state, look)

    return drawn


SHADED = Renderer(name="pictures", styles=RENDERED_STYLES, draw=_shaded)
"""Shades by itself, as for training: quick, without cast shadows."""


def _landmarks(head: RasterisedHead, state: int) -> dict[str, Any]:
    points = head.landmarks[state] * (head.face.side_px // _SUPERSAMPLING)
    return {
        name: [round(float(value), 3) for value in point]
        for name, point in zip(LANDMARK_NAMES, points, strict=True)
    }


def _turn_deg(rotation: Float[np.ndarray, "3 3"]) -> tuple[float, float]:
    """Yaw, positive towards the head's own left, and pitch, positive upwards."""
    x, y, z = rotation[:, 2]  # where the head looks
    return round(math.degrees(math.atan2(x, z)), 3), round(math.degrees(math.asin(y)), 3)


Task = tuple[str, str, int]
"""A head before a camera: family, identity, view."""
OpenFamilies = Callable[[], Sequence[HeadFamily]]
_MANIFEST_EVERY = 20
_POLL_S = 0.2
_families: dict[str, HeadFamily] = {}
"""Those of this process, opened once."""


def picture_heads(
    open_families: OpenFamilies,
    tasks: Sequence[Task],
    settings: HeadPictureSettings,
    root: Path,
    *,
    processes: int,
    report: Callable[[str], None],
    renderer: Renderer = SHADED,
) -> None:
    """Picture the heads that a set lacks.

    Args:
        open_families: called once in each process.
        tasks: heads and cameras; more of them extend a set.
        settings: those of the set that is there, if there is one.
        root: folder of the set.
        processes: one core each.
        report: told what is done, and which expressions a head cannot show.
        renderer: that makes the pictures.

    Raises:
        OutputExistsError: the folder holds something else, or a set of other settings.
        OutputError: a process was killed; what is finished stays.
        Interrupted: a signal came; what is finished stays.
    """
    about = {renderer.name: {**asdict(settings), "styles": list(settings.styles)}}
    check_resumable(root, about)
    root.mkdir(parents=True, exist_ok=True)
    remove_unfinished(root)
    software = {name: version(name) for name in renderer.packages}
    write_manifest(root, about, software)
    work = partial(_picture, settings=settings, root=root, renderer=renderer)
    try:
        with stop_on_signals() as request:
            lines = _worked_off(work, tasks, open_families, processes, request)
            for done, line in enumerate(lines, 1):
                if line:
                    report(f"{done}/{len(tasks)} {line}")
                if done % _MANIFEST_EVERY == 0:
                    write_manifest(root, about, software)
    finally:
        remove_unfinished(root)
        write_manifest(root, about, software)


def tasks_of(families: Sequence[HeadFamily], identities: int, views: int, seed: int) -> list[Task]:
    """Heads of each family before so many cameras; VALID's few before four times as many."""
    return [
        (family.name, identity, view)
        for family in families
        for view, identity in product(
            range(views * (4 if family.name == "valid" else 1)), family.identities(identities, seed)
        )
    ]


def _worked_off(
    work: Callable[[Task], str],
    tasks: Sequence[Task],
    open_families: OpenFamilies,
    processes: int,
    request: StopRequest,
) -> Iterator[str]:
    """Yield the result of every task, in this process, or in any order from several.

    Raises:
        OutputError: a process was killed.
        Interrupted: a signal came.
    """
    if processes == 1:
        _families.update({family.name: family for family in open_families()})
        for task in tasks:
            yield work(task)
            request.raise_if_made()
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _begin, (open_families,))
    try:
        waiting = {pool.submit(work, task) for task in tasks}
        while waiting:
            finished, waiting = wait(waiting, _POLL_S, FIRST_COMPLETED)
            request.raise_if_made()
            yield from (one.result() for one in finished)
    except BrokenProcessPool as error:
        raise OutputError(
            "A process that makes pictures was ended, perhaps for want of memory. What is "
            "finished stays: run it again, with fewer processes.",
            kind="picture-process-ended",
        ) from error
    finally:
        for process in multiprocessing.active_children():
            process.kill()  # one that is stopped, too
        pool.shutdown(cancel_futures=True)


def _begin(open_families: OpenFamilies) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes
    torch.set_num_threads(1)
    _families.update({family.name: family for family in open_families()})


def _picture(task: Task, settings: HeadPictureSettings, root: Path, renderer: Renderer) -> str:
    family, identity, view = task
    return picture_head(_families[family], identity, view, settings, root, renderer=renderer)
