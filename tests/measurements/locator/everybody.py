"""Whom the locator finds: heads turned up to 75 degrees, toons, statues, people; and what else.

    python -m tests.measurements.locator.everybody --ict ict_face_model_light.npz \\
        --makehuman makehuman --face-units faceunits01 --valid valid --avatars avatars \\
        --london london --drawings drawings --photographs photographs --model weights/face_locator

Every face is pasted into a painting or a photograph, 56 to 320 px, rolled up to 30 degrees, or also
by quarters. Found is a face whose middle lies within a quarter of its true size and whose size is
right within a factor of 1.6. Medians of the errors are over the faces found: of position and of
landmarks in parts of the size, of scale as a ratio, of roll in degrees. Several `--model` are shown
the same frames.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from jaxtyping import Float

from reggan_plugin.faces.landmarks_and_pose import FaceLandmarks
from reggan_plugin.faces.locator import FaceLocator
from reggan_plugin.imaging.crop import crop_around_face, face_centre_px, face_size_px
from reggan_training.commands.options import FOLDER, OpenFamilies, family_options
from reggan_training.landmarks.points_on_mesh import SHARES, HeadSource
from reggan_training.locator.cartoons import draw_cartoon
from reggan_training.locator.drawn_heads import KINDS, draw_whole_head
from reggan_training.locator.labelled_pictures import LabelledPicture, load_pictures
from reggan_training.locator.pasted_faces import Placement
from reggan_training.locator.styled_faces import cut_out_head
from reggan_training.rendering.head_look import keep_textures
from tests.measurements.locator.contact_sheet import ContactSheet
from tests.measurements.locator.evaluate import LONDON_EYES, locate_bytes, six_points
from tests.measurements.locator.evaluation_frames import (
    CHOSEN_BY,
    Frame,
    draw_faceless_frame,
    draw_faceless_set,
    read_photographs,
    warp_continuous,
)

YAWS_DEG = (0, 15, 30, 45, 60, 75)
SIZES_PX = (56.0, 320.0)
FRAME_SIZE = (480, 640)
HEADS_SEED, FRAMES_SEED = 9, 31


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownFace:
    """A frame with one face, what it is counted under, and its landmarks if they are known."""

    group: str
    frame: Frame
    points: Float[np.ndarray, "6 2"] | None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a locator made of a frame; errors are NaN where the face was not found."""

    found: bool
    position: float = math.nan
    points: float = math.nan
    scale: float = math.nan
    roll_deg: float = math.nan
    others: int = 0


@click.command()
@family_options
@click.option("--avatars", type=FOLDER, help="Rendered set; its test split is used.")
@click.option("--london", type=FOLDER, help="Aligned photographs with `neutral` and `happy`.")
@click.option(
    "--drawings", type=FOLDER, help="Square pictures KIND_NUMBER.png, each of one character."
)
@click.option(
    "--photographs", type=FOLDER, help="Of nobody: backgrounds, and frames by themselves."
)
@click.option("--model", "models", type=FOLDER, multiple=True, help="Weights; repeatable.")
@click.option("--heads", default=8, show_default=True, help="For each turn and kind.")
@click.option("--sheet", type=click.Path(path_type=Path), help="PNG of the last model's misses.")
def main(
    *,
    open_families: OpenFamilies,
    avatars: Path | None,
    london: Path | None,
    drawings: Path | None,
    photographs: Path | None,
    models: tuple[Path, ...],
    heads: int,
    sheet: Path | None,
) -> None:
    """Print a table for faces and one for frames without any."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    backgrounds = read_photographs(photographs) if photographs else []
    locators = [FaceLocator(model) for model in models] or [FaceLocator()]
    pictures = load_pictures(avatars, "test", without=CHOSEN_BY) if avatars else []
    faces = [
        *_turned_heads(open_families, heads, backgrounds),
        *_pasted(pictures[::9], backgrounds),
        *(_people(london, backgrounds) if london else ()),
        *_cartoons(5 * heads, backgrounds),
        *(_drawings(drawings) if drawings else ()),
    ]
    misses = ContactSheet()
    judged = [
        [judge(locator, face, misses if locator is locators[-1] else None) for face in faces]
        for locator in locators
    ]
    for number, judgements in enumerate(judged):
        print(
            f"\nmodel {models[number] if models else 'as shipped'}\n\n{_table(faces, judgements)}"
        )
        _print_false_faces(locators[number], backgrounds, pictures[::40])
    if sheet:
        misses.write(sheet)


def judge(locator: FaceLocator, face: KnownFace, sheet: ContactSheet | None) -> Judgement:
    """Run the locator on one frame."""
    found = locate_bytes(locator, face.frame)
    judgement = _judged(found, face)
    if sheet:
        sheet.add(face.frame, found, failed=not judgement.found)
    return judgement


def _judged(found: list[FaceLandmarks], face: KnownFace) -> Judgement:
    if face.points is None:  # somewhere about the middle
        side = face.frame.shape[0]
        crops = [crop_around_face(one.points) for one in found]
        near = [
            (np.abs(face_centre_px(crop) / side - [0.5, 0.55]) < [0.25, 0.32]).all()
            and 0.15 < face_size_px(crop) / side < 1.0
            for crop in crops
        ]
        return Judgement(found=any(near), others=len(found) - min(1, sum(near)))
    true = crop_around_face(face.points)
    size = face_size_px(true)
    best = Judgement(found=False, others=len(found))
    for one in found:
        crop = crop_around_face(one.points)
        away = float(np.hypot(*(face_centre_px(crop) - face_centre_px(true)))) / size
        ratio = abs(math.log(face_size_px(crop) / size))
        if away > 0.25 or ratio > math.log(1.6) or (best.found and away > best.position):
            continue
        turn = crop.frame_from_crop[:, :2] @ np.linalg.inv(true.frame_from_crop[:, :2])
        distances = np.hypot(*(one.points - face.points).T)
        best = Judgement(
            found=True,
            position=away,
            points=float(distances.mean()) / size,
            scale=math.exp(ratio),
            roll_deg=abs(math.degrees(math.atan2(turn[1, 0], turn[0, 0]))),
            others=len(found) - 1,
        )
    return best


def _turned_heads(
    open_families: OpenFamilies, count: int, backgrounds: list[Frame]
) -> Iterator[KnownFace]:
    families = {family.name: family for family in open_families()}
    if not families:
        return
    keep_textures(8)
    source = HeadSource(families, SHARES, HEADS_SEED, held_out=True)
    random = np.random.default_rng(HEADS_SEED)
    for number, (head, found) in zip(range(count), source.heads(random), strict=False):
        for kind in KINDS:
            for yaw in YAWS_DEG:
                side = -1 if (number + yaw // 15) % 2 else 1
                (drawn,) = draw_whole_head(
                    head, found, random, states=1, looks=1, kind=kind, yaw_deg=float(side * yaw)
                )
                picture = LabelledPicture(
                    style=kind, image=drawn.image, points=drawn.points, mask=drawn.mask
                )
                yield _framed(picture, f"{kind}, {yaw}°", backgrounds, random)
                if yaw in (0, 30):
                    quarter = int(random.integers(1, 4))
                    group = f"{kind}, rolled {90 * quarter}°"
                    yield _framed(picture, group, backgrounds, random, quarter)


def _pasted(pictures: list[LabelledPicture], backgrounds: list[Frame]) -> Iterator[KnownFace]:
    for number, picture in enumerate(pictures):
        random = np.random.default_rng([FRAMES_SEED, number])
        yield _framed(picture, f"avatars, {picture.style}", backgrounds, random)


def _people(folder: Path, backgrounds: list[Frame]) -> Iterator[KnownFace]:
    for number, path in enumerate(sorted(folder.glob("*/*.jpg"))[::2]):
        random = np.random.default_rng([FRAMES_SEED, 1, number])
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        fitted = np.asarray(cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
        points = six_points(LONDON_EYES * 256)
        picture = LabelledPicture(style="photograph", image=fitted, points=points)
        yield _framed(picture, "photographs of people", backgrounds, random)


def _cartoons(count: int, backgrounds: list[Frame]) -> Iterator[KnownFace]:
    random = np.random.default_rng([FRAMES_SEED, 2])
    for _ in range(count):
        yield _framed(draw_cartoon(random), "cartoons as trained on", backgrounds, random)


def _drawings(folder: Path) -> Iterator[KnownFace]:
    for path in sorted(folder.glob("*.png")):
        image = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)
        kind = path.stem.rpartition("_")[0]
        yield KnownFace(group=f"drawings, {kind}", frame=image, points=None)


def _framed(
    picture: LabelledPicture,
    group: str,
    backgrounds: list[Frame],
    random: np.random.Generator,
    quarter: int = 0,
) -> KnownFace:
    """Paste a face, its head cut out or the whole picture."""
    height, width = FRAME_SIZE
    frame = np.asarray(cv2.resize(draw_faceless_frame(backgrounds, random), (width, height)))
    size = float(np.exp(random.uniform(*np.log(SIZES_PX))))
    roll = float(random.uniform(-30, 30)) + 90 * quarter
    room = 0.55 * size
    spot = (random.uniform(room, width - room), random.uniform(room, height - room))
    placement = Placement(spot, size, roll, 1.0, mirrored=False)
    matrix = placement.matrix_for(picture.points)
    mask = cut_out_head(picture) if picture.mask is None else picture.mask
    if random.random() < 0.5:
        mask = np.full_like(mask, 255)
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    drawn = warp_continuous(picture.image, matrix, FRAME_SIZE, shrink=shrink)
    cover = cv2.resize(mask, picture.image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    share = warp_continuous(np.asarray(cover, np.uint8), matrix, FRAME_SIZE, shrink=shrink)
    weight = share[..., None] / np.float32(255)
    pasted = (frame * (1 - weight) + drawn * weight + 0.5).astype(np.uint8)
    points = picture.points @ matrix[:, :2].T + matrix[:, 2]
    return KnownFace(group=group, frame=pasted, points=points)


def _table(faces: list[KnownFace], judgements: list[Judgement]) -> str:
    lines = ["| faces | n | found | position | landmarks | scale | roll | others |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for group in dict.fromkeys(face.group for face in faces):
        rows = [one for face, one in zip(faces, judgements, strict=True) if face.group == group]
        hits = [one for one in rows if one.found]
        share = f"{len(hits) / len(rows):.2f}"
        errors = np.array([[one.position, one.points, one.scale, one.roll_deg] for one in hits])
        middle = np.median(errors, axis=0) if hits else np.full(4, np.nan)
        shown = [f"{value:.3f}" for value in middle[:3]] + [f"{middle[3]:.1f}°"]
        others = str(sum(one.others for one in rows))
        lines.append("| " + " | ".join([group, str(len(rows)), share, *shown, others]) + " |")
    return "\n".join(lines)


def _print_false_faces(
    locator: FaceLocator, backgrounds: list[Frame], heads: list[LabelledPicture]
) -> None:
    print("\n| frames of nobody | n | false faces |\n|---|---|---|")
    counts: dict[str, list[int]] = {}
    for kind, frame in draw_faceless_set(backgrounds, heads, FRAMES_SEED):
        counts.setdefault(kind, []).append(len(locate_bytes(locator, frame)))
    for kind, found in counts.items():
        print(f"| {kind} | {len(found)} | {sum(found)} |")


if __name__ == "__main__":
    main()
