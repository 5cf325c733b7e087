"""One evaluation: a model on every request to every held-out head, and its faces on a sheet."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from reggan_plugin.array_types import Pixels
from reggan_plugin.backends.onnx_runtime_runner import open_runner
from reggan_plugin.change.answer import Answer, AnswerSource, motion_in_frame
from reggan_plugin.change.pipeline import answer_faces, change_crop
from reggan_plugin.drawing.contact_sheet import SheetRow
from reggan_plugin.errors import ModelCardError, SourceError
from reggan_plugin.imaging.composite_motion import FrameMotion
from reggan_plugin.imaging.in_front_and_behind import Front
from reggan_plugin.models.model_card import ModelCard, card_from_metadata, check_seal
from reggan_plugin.transfer.expression_transfer import source_from_card
from reggan_plugin.vocabulary.expression import ExpressionMix
from reggan_plugin.vocabulary.face_shapes import CONTROLS, NEUTRAL, SHUT_MOUTH
from reggan_training.metrics.image_distance import resized
from reggan_training.metrics.motion.measures import (
    INPUT,
    INTENSITIES,
    RESULT,
    FaceAnswer,
    FacePart,
    FaceResult,
    Figures,
    MotionPlanes,
    Planes,
    ResultKind,
    TrueFace,
    changeable_region,
    measure_motion,
    measure_picture,
    motion_rises,
    moved_region,
    part_masks,
    whole_crop,
)
from reggan_training.metrics.motion.test_heads import (
    HEAD_SUFFIX,
    MotionTrial,
    TestHead,
    read_head,
    style_of,
)


def motion_answers(
    source: AnswerSource,
    pictures: Sequence[Planes],
    controls: Sequence[Float[np.ndarray, " controls"]],
) -> list[Answer]:
    """Ask about pictures of any size, the way that users' frames go.

    Args:
        source: that is asked.
        pictures: sRGB-encoded crops of one size.
        controls: for each picture, in the order of `CONTROLS`.
    """
    planes = resized(torch.from_numpy(np.stack(pictures)), source.side_px)
    faces = planes.clamp(0, 1).permute(0, 2, 3, 1).contiguous().numpy()
    mixes = [mix_from_controls(row, source.card) for row in controls]
    return answer_faces(source, list(faces), mixes)


def mix_from_controls(row: Float[np.ndarray, " controls"], card: ModelCard) -> ExpressionMix:
    """Weights in the order of `CONTROLS` as a request, without shapes that a model lacks."""
    weights = dict(zip(CONTROLS, row.tolist(), strict=True))
    asked = {name: weights[name] for name in card.controls if weights[name]}
    shut = asked.pop(NEUTRAL, 0.0)  # a model's control, which reads no face
    return ExpressionMix({**asked, **({SHUT_MOUTH: shut} if shut else {})})


def motion_in_crop(answer: Answer, side_px: int) -> FrameMotion:
    """Resample an answer to the pixels of a crop, as the runtime brings it to those of a frame."""
    return motion_in_frame(answer, *whole_crop(side_px))


def compose(source: Planes, answer: Answer) -> FaceAnswer:
    """Change a crop as the runtime changes a user's frame."""
    pixels = np.ascontiguousarray(source.transpose(1, 2, 0), dtype=np.float32)
    side_px = pixels.shape[0]
    motion = motion_in_crop(answer, side_px)
    motion_seen = displacement(motion)
    if answer.front is not None:
        crop, everywhere = whole_crop(side_px)
        stays = Front(matte=answer.front, crop=crop).stays(everywhere)
        motion_seen = np.where(stays, np.float32(0.0), motion_seen)
    return FaceAnswer(
        motion=motion_seen,
        behind=displacement(motion),
        cover=motion.cover,
        picture=np.clip(change_crop(pixels, answer).pixels, 0, 1).transpose(2, 0, 1),
    )


def displacement(motion: FrameMotion) -> MotionPlanes:
    """Motion of a whole crop, in parts of its side."""
    return motion.displacement.transpose(2, 0, 1) / np.float32(len(motion.displacement))


def open_exported(path: Path, threads: int | None = None) -> AnswerSource:
    """Open a sealed file on the CPU.

    Raises:
        ModelCardError: it has no card, or answers with pictures.
        ModelHashError: it is not as it was sealed.
    """
    check_seal(path)
    runner = open_runner(path, "cpu", threads=threads)
    card = card_from_metadata(runner.metadata, path.name)
    if not card.says_motion:
        raise ModelCardError(
            f"{path.name} is of contract {card.contract}, which answers with a picture; expected "
            "one that answers with motion. Measure it with: reggan-plugin evaluate."
        )
    return source_from_card(runner, card)


COLUMNS = tuple(
    f"{what}{part}" for part in ("", ", mouth", ", brows") for what in ("source", "truth", "result")
)
"""Of a contact sheet."""
Methods = dict[str, Figures]


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
    model: AnswerSource, heads: Mapping[str, Sequence[Path]], report: Callable[[str], None]
) -> tuple[list[FaceResult], dict[str, list[SheetRow]]]:
    """Measure all heads; also rows for a contact sheet of each material, from its first head.

    Args:
        model: what is judged.
        heads: files by family.
        report: told of each head.
    """
    results: list[FaceResult] = []
    rows: dict[str, list[SheetRow]] = {}
    for number, path in enumerate(path for paths in heads.values() for path in paths):
        head = TestHead(read_head(path), style_of(number))
        report(f"{head.name}, {head.look.style}")
        trials = head.trials()
        answers = answers_to(model, trials)
        made = [compose(t.face.source, one) for t, one in zip(trials, answers, strict=True)]
        results += [
            FaceResult(
                family=head.head.family,
                identity=head.head.identity,
                style=head.look.style,
                expression=trial.expression,
                kind=trial.kind,
                figures=figures,
            )
            for trial, figures in zip(trials, _measured(model, trials, made), strict=True)
        ]
        if head.look.style not in rows:
            rows[head.look.style] = [
                _sheet_row(f"{head.name}\n{trial.expression}", trial.face, ours.picture)
                for trial, ours in zip(trials, made, strict=True)
                if trial.kind is ResultKind.FULL
            ]
    return results, rows


def answers_to(
    model: AnswerSource, trials: Sequence[MotionTrial], intensity: float = 1.0
) -> list[Answer]:
    """Ask for trials as they are, or at a part of what they ask for."""
    sources = [trial.face.source for trial in trials]
    return motion_answers(model, sources, [intensity * trial.controls for trial in trials])


def _measured(
    model: AnswerSource, trials: Sequence[MotionTrial], made: Sequence[FaceAnswer]
) -> list[Methods]:
    """Figures of every trial, of the result and of the source as it is."""
    measured: list[Methods] = [
        {
            RESULT: measure_picture(ours.picture, trial.face) | measure_motion(ours, trial.face),
            INPUT: measure_picture(trial.face.source, trial.face),
        }
        for trial, ours in zip(trials, made, strict=True)
    ]
    full = [n for n, trial in enumerate(trials) if trial.kind is ResultKind.FULL]
    rises = _rises(model, [trials[n] for n in full], [made[n] for n in full])
    for number, value in zip(full, rises, strict=True):
        measured[number][RESULT]["rises"] = value
    return measured


def _rises(
    model: AnswerSource, trials: Sequence[MotionTrial], full: Sequence[FaceAnswer]
) -> list[float]:
    """1 for each face whose motion grows with the intensity, 0 for others, NaN where none moves."""
    between = [answers_to(model, trials, share) for share in INTENSITIES[1:-1]]
    found = []
    for trial, last, *steps in zip(trials, full, *between, strict=True):
        face = trial.face
        motions = [displacement(motion_in_crop(one, face.side_px)) for one in steps]
        moved = moved_region(face) & changeable_region(face.side_px)
        rises = motion_rises([*motions, last.motion], face.motion, moved)
        found.append(float(rises) if moved.any() else float("nan"))
    return found


def _sheet_row(label: str, face: TrueFace, result: Planes) -> SheetRow:
    """Whole faces, then mouths and brows, enlarged."""
    pictures = [face.source, face.target, result]
    views = [_view(one, face.side_px) for one in pictures]
    for part in (FacePart.MOUTH, FacePart.BROWS_AND_LIDS):
        rows, columns = (
            slice(int(line.min()), int(line.max()) + 1) if line.size else slice(0, 1)
            for line in np.nonzero(part_masks(face)[part])
        )
        views += [_view(one[:, rows, columns], face.side_px) for one in pictures]
    return SheetRow(label=label, views=views)


def _view(picture: Planes, side_px: int) -> Pixels:
    """Enlarge a picture until it fills a cell one way or the other, pixel by pixel."""
    times = side_px / max(picture.shape[1:])
    down, across = ((np.arange(int(n * times)) / times).astype(int) for n in picture.shape[1:])
    return np.clip(picture.transpose(1, 2, 0)[down][:, across], 0, 1)
