"""One evaluation: a model on every request to every held-out head, and its faces on a sheet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from reggan_plugin.change.answer import Answer, AnswerSource
from reggan_plugin.errors import SourceError
from reggan_plugin.faces.face_crop import crop_from_landmarks
from reggan_plugin.faces.landmarks import FaceLandmarks
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import CANONICAL_LANDMARKS
from reggan_training.metrics.judges import Judges, embed, name_expressions
from reggan_training.metrics.motion.answer import (
    compose,
    displacement,
    motion_answers,
    motion_in_crop,
    true_answer,
)
from reggan_training.metrics.motion.face import (
    FaceAnswer,
    FacePart,
    Planes,
    TrueFace,
    changeable_region,
    changed_region,
    moved_region,
    part_masks,
)
from reggan_training.metrics.motion.figures import (
    CROSS_FADE,
    INPUT,
    RESULT,
    TRUE,
    TRUE_MOTION,
    FaceResult,
    Figures,
    ResultKind,
    measure_motion,
    measure_picture,
)
from reggan_training.metrics.motion.quantities import (
    INTENSITIES,
    cross_fade,
    measure_detail,
    motion_rises,
)
from reggan_training.metrics.motion.test_heads import (
    HEAD_SUFFIX,
    MotionTrial,
    TestHead,
    read_head,
    style_of,
)

_ZOOM = 2
_TITLE_PX, _MARGIN_PX, _GAP_PX = 26, 150, 4
_BACKGROUND, _INK = (245, 245, 245), (20, 20, 20)
_CROP_PX = 256
LARGE_EXPRESSIONS = ("happy", "surprised")
"""Those that are measured in large frames: most detail moves in the one, furthest in the other."""
Methods = dict[str, Figures]


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionRow:
    """One request: what is on its left, and pictures beside each other."""

    label: str
    face: TrueFace
    result: Planes


def draw_contact_sheet(rows: Sequence[MotionRow]) -> Image.Image:
    """Draw a row for each request; whole faces first, then mouths, then brows, as they are.

    Raises:
        ValueError: there is no row.
    """
    strips = [_strip(row) for row in rows]
    width = max(strip.width for strip in strips)
    height = sum(strip.height + _GAP_PX for strip in strips)
    sheet = Image.new("RGB", (_MARGIN_PX + width, _TITLE_PX + height), _BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    titles = "source | truth | result, then mouth and brows of each"
    draw.text((_MARGIN_PX, 4), titles, _INK, font)
    top = _TITLE_PX
    for row, strip in zip(rows, strips, strict=True):
        draw.multiline_text((6, top + strip.height / 2), row.label, _INK, font, anchor="lm")
        sheet.paste(strip, (_MARGIN_PX, top))
        top += strip.height + _GAP_PX
    return sheet


def _strip(row: MotionRow) -> Image.Image:
    face = row.face
    pictures = [_levels(picture) for picture in (face.source, face.target, row.result)]
    cells = [Image.fromarray(picture) for picture in pictures]
    for part in (FacePart.MOUTH, FacePart.BROWS_AND_LIDS):
        where = _window(face, part)
        for picture in pictures:
            close = Image.fromarray(np.ascontiguousarray(picture[where]))
            size = (_ZOOM * close.width, _ZOOM * close.height)
            cells.append(close.resize(size, Image.Resampling.NEAREST))
    width = sum(cell.width + _GAP_PX for cell in cells)
    strip = Image.new("RGB", (width, max(cell.height for cell in cells)), _BACKGROUND)
    left = 0
    for cell in cells:
        strip.paste(cell, (left, (strip.height - cell.height) // 2))
        left += cell.width + _GAP_PX
    return strip


def _window(face: TrueFace, part: FacePart) -> tuple[slice, slice]:
    """Rows and columns around a part of the face."""
    rows, columns = np.nonzero(part_masks(face)[part])
    if rows.size == 0:
        return slice(0, 1), slice(0, 1)
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def _levels(picture: Planes) -> UInt8[np.ndarray, "side side 3"]:
    levels = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


def judge_pictures(
    judges: Judges,
    faces: Sequence[TrueFace],
    expressions: Sequence[str],
    pictures: Sequence[Planes],
) -> list[Figures]:
    """Judge one picture for each face.

    Quantities: `distance` (1 − cosine of the embeddings of picture and source) and `named` (1 if
    the expression judge names the wanted expression). All are seen in the crop of the source,
    placed as the judges learnt it.
    """
    crops = [_judged_crop(face, picture) for face, picture in zip(faces, pictures, strict=True)]
    made, sources = torch.stack(crops), torch.stack([_judged_crop(f, f.source) for f in faces])
    cosine = (embed(judges.face, made) * embed(judges.face, sources)).sum(dim=1)
    wanted = torch.tensor([EXPRESSION_NAMES.index(name) for name in expressions])
    is_named = name_expressions(judges.expression, made).argmax(dim=1) == wanted
    return [
        {"distance": float(1 - one), "named": float(hit)}
        for one, hit in zip(cosine, is_named, strict=True)
    ]


def _judged_crop(face: TrueFace, picture: Planes) -> Float[Tensor, "3 256 256"]:
    landmarks = FaceLandmarks(face.source_landmarks.astype(np.float64) * picture.shape[-1])
    crop = crop_from_landmarks(landmarks, CANONICAL_LANDMARKS, _CROP_PX)
    image = np.ascontiguousarray(picture.transpose(1, 2, 0))
    cut = np.clip(cut_crop(image, crop), 0.0, 1.0).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(cut, dtype=np.float32))


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelAndJudges:
    """The model that is judged, and its judges."""

    model: AnswerSource
    judges: Judges


def find_heads(folder: Path, most: int | None = None) -> dict[str, list[Path]]:
    """Files of test heads by family, at most so many of each.

    Raises:
        SourceError: there is none.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"*/*{HEAD_SUFFIX}")):
        found.setdefault(path.parent.name, []).append(path)
    if not found:
        raise SourceError(
            f"{folder} holds no {HEAD_SUFFIX} files in folders of families. Make them with: "
            "reggan-plugin dataset test-heads."
        )
    return {family: paths[:most] for family, paths in found.items()}


def evaluate_motion(
    judged: ModelAndJudges,
    heads: Mapping[str, Sequence[Path]],
    large: Mapping[str, Sequence[Path]],
    report: Callable[[str], None],
) -> tuple[list[FaceResult], dict[str, list[MotionRow]]]:
    """Measure all heads; also rows for a contact sheet of each material, from its first head.

    Args:
        judged: what is judged.
        heads: files by family, for everything.
        large: files by family of large crops, for detail alone.
        report: told of each head.
    """
    results: list[FaceResult] = []
    rows: dict[str, list[MotionRow]] = {}
    for number, path in enumerate(path for paths in heads.values() for path in paths):
        head = TestHead(read_head(path), style_of(number))
        report(f"{head.name}, {head.look.style}")
        trials = head.trials()
        made = _made(judged.model, trials)
        measured = _measured(judged, trials, made)
        results += [_result(head, t, one) for t, one in zip(trials, measured, strict=True)]
        if head.look.style not in rows:
            rows[head.look.style] = _sheet_rows(head, trials, made)
    for path in (path for paths in large.values() for path in paths):
        head = TestHead(read_head(path))
        report(f"{head.name}, {head.side_px} px")
        results += _large_results(judged.model, head)
    return results, rows


def _made(model: AnswerSource, trials: Sequence[MotionTrial]) -> list[FaceAnswer]:
    answers = _answers(model, trials)
    return [compose(t.face.source, answer) for t, answer in zip(trials, answers, strict=True)]


def _answers(
    model: AnswerSource, trials: Sequence[MotionTrial], intensity: float = 1.0
) -> list[Answer]:
    sources = torch.from_numpy(np.stack([trial.face.source for trial in trials]))
    controls = torch.from_numpy(np.stack([trial.controls for trial in trials]))
    return motion_answers(model, sources, intensity * controls)


def _measured(
    judged: ModelAndJudges, trials: Sequence[MotionTrial], made: Sequence[FaceAnswer]
) -> list[Methods]:
    """Figures of every trial by method; see `ResultKind` for what each kind is about."""
    full = {t.expression: n for n, t in enumerate(trials) if t.kind is ResultKind.FULL}
    measured: list[Methods] = []
    for trial, ours in zip(trials, made, strict=True):
        methods = {RESULT: measure_picture(ours.picture, trial.face)}
        methods[RESULT] |= measure_motion(ours, trial.face)
        if trial.kind is ResultKind.HALF:
            faded = cross_fade(trial.face.source, made[full[trial.expression]].picture, 0.5)
            methods[CROSS_FADE] = measure_picture(faded, trial.face)
        else:
            methods[INPUT] = measure_picture(trial.face.source, trial.face)
        measured.append(methods)
    numbers = list(full.values())
    asked, answered = [trials[n] for n in numbers], [made[n] for n in numbers]
    for further in (
        _true_motion(asked),
        _rises(judged.model, asked, answered),
        _judgements(judged.judges, asked, answered),
    ):
        for number, one in zip(numbers, further, strict=True):
            for method, figures in one.items():
                measured[number].setdefault(method, {}).update(figures)
    return measured


def _true_motion(trials: Sequence[MotionTrial]) -> list[Methods]:
    """Figures of a model that knew the truth."""
    found = []
    for trial in trials:
        best = compose(trial.face.source, true_answer(trial.face))
        figures = measure_picture(best.picture, trial.face) | measure_motion(best, trial.face)
        found.append({TRUE_MOTION: figures})
    return found


def _rises(
    model: AnswerSource, trials: Sequence[MotionTrial], full: Sequence[FaceAnswer]
) -> list[Methods]:
    between = [_answers(model, trials, share) for share in INTENSITIES[1:-1]]
    found: list[Methods] = []
    for trial, last, *steps in zip(trials, full, *between, strict=True):
        face = trial.face
        motions = [displacement(motion_in_crop(one, face.side_px)) for one in steps]
        moved = moved_region(face) & changeable_region(face.side_px)
        rises = motion_rises([*motions, last.motion], face.motion, moved)
        found.append({RESULT: {"rises": float(rises) if moved.any() else float("nan")}})
    return found


def _judgements(
    judges: Judges, trials: Sequence[MotionTrial], made: Sequence[FaceAnswer]
) -> list[Methods]:
    faces, names = [trial.face for trial in trials], [trial.expression for trial in trials]
    ours = judge_pictures(judges, faces, names, [one.picture for one in made])
    truth = judge_pictures(judges, faces, names, [face.target for face in faces])
    return [{RESULT: a, TRUE: b} for a, b in zip(ours, truth, strict=True)]


def _large_results(model: AnswerSource, head: TestHead) -> list[FaceResult]:
    """Detail at a resolution above the model's own."""
    results = []
    for trial in head.trials(LARGE_EXPRESSIONS):
        if trial.kind is ResultKind.FULL:
            region = changed_region(trial.face) & changeable_region(head.side_px)
            pictures = {
                RESULT: _made(model, [trial])[0].picture,
                TRUE_MOTION: compose(trial.face.source, true_answer(trial.face)).picture,
            }
            found = {
                method: {"large detail": measure_detail(picture, trial.face.target, region).whole}
                for method, picture in pictures.items()
            }
            results.append(replace(_result(head, trial, found), kind=ResultKind.LARGE))
    return results


def _result(head: TestHead, trial: MotionTrial, methods: Methods) -> FaceResult:
    return FaceResult(
        family=head.head.family,
        identity=head.head.identity,
        style=head.look.style,
        expression=trial.expression,
        kind=trial.kind,
        figures=methods,
    )


def _sheet_rows(
    head: TestHead, trials: Sequence[MotionTrial], made: Sequence[FaceAnswer]
) -> list[MotionRow]:
    return [
        MotionRow(
            label=f"{head.head.family}\n{head.head.identity[:16]}\n{trial.expression}",
            face=trial.face,
            result=ours.picture,
        )
        for trial, ours in zip(trials, made, strict=True)
        if trial.kind is ResultKind.FULL
    ]
