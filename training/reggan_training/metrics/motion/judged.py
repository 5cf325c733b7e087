"""Scores of our own judges for a result beside the true picture: identity and expression."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reggan_plugin.faces.face_crop import crop_from_landmarks
from reggan_plugin.faces.landmarks import FaceLandmarks
from reggan_plugin.imaging.crop import cut_crop
from reggan_plugin.vocabulary.expression_mix import EXPRESSION_NAMES
from reggan_training.data.identity import CANONICAL_LANDMARKS
from reggan_training.metrics.judges import Judges, embed, name_expressions
from reggan_training.metrics.motion.face import TrueFace
from reggan_training.metrics.motion.figures import Figures

_CROP_PX = 256


def judge_pictures(
    judges: Judges,
    faces: Sequence[TrueFace],
    expressions: Sequence[str],
    pictures: Sequence[Float[np.ndarray, "3 side side"]],
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


def _judged_crop(
    face: TrueFace, picture: Float[np.ndarray, "3 side side"]
) -> Float[Tensor, "3 256 256"]:
    landmarks = FaceLandmarks(face.source_landmarks.astype(np.float64) * picture.shape[-1])
    crop = crop_from_landmarks(landmarks, CANONICAL_LANDMARKS, _CROP_PX)
    image = np.ascontiguousarray(picture.transpose(1, 2, 0))
    cut = np.clip(cut_crop(image, crop), 0.0, 1.0).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(cut, dtype=np.float32))
