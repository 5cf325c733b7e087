"""Held-out heads in the states that an evaluation asks for, as files, and their trials."""

import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image

from reggan_plugin.drawing.contact_sheet import encoded_picture
from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_plugin.vocabulary.expression import BASIC_EXPRESSIONS
from reggan_plugin.vocabulary.face_shapes import CONTROLS
from reggan_training.data.identity_and_split import RENDERED_STYLES, SPLIT_FAMILIES, is_held_out
from reggan_training.heads.head import HeadFamily, HeadMesh
from reggan_training.metrics.motion.measures import Planes, ResultKind, TrueFace
from reggan_training.rendering.face_states import Weights
from reggan_training.rendering.head_look import sample_look
from reggan_training.rendering.rasterising import (
    Camera,
    RasterisedHead,
    Rasters,
    rasterise_head,
    sample_camera,
)
from reggan_training.rendering.shading import (
    HeadShader,
    PairTruth,
    reduce_to,
    request_of_pair,
    truth_of_pair,
)
from reggan_training.training_run import write_arrays

HEAD_SUFFIX = ".head.npz"
_PLAIN = (
    "triangles",
    "parts",
    "texture_of",
    "canonical",
    "regions",
    "eye_angle",
    "uv",
    "landmarks",
)
EXPRESSIONS = tuple(one.name for one in BASIC_EXPRESSIONS[1:])
"""Those that are asked for; state 0 is neutral."""
NEUTRALISED = "happy"
"""What the source of the neutralised face shows."""
SUPERSAMPLING = 2
"""Raster pixels along the side of a pixel that is measured."""


def write_head(head: RasterisedHead, path: Path) -> None:
    """Write a rasterised head as one compressed npz, in one step.

    Positions are kept to 1/65536 of their extent, normals to 1/127.
    """
    low, high = head.positions.min(axis=(0, 1)), head.positions.max(axis=(0, 1))
    steps = np.rint((head.positions - low) / (high - low) * 65535).astype(np.uint16)
    facts = {
        "family": head.family,
        "identity": head.identity,
        "states": head.states,
        "controls": head.controls,
        "distance": head.camera.distance,
        "rotation": head.camera.rotation.tolist(),
        "crop_from_plane": head.camera.crop_from_plane.tolist(),
        "textures": len(head.textures),
    }
    arrays: dict[str, Any] = {name: getattr(head, name) for name in _PLAIN}
    arrays |= {
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
        "low": low,
        "high": high,
        # differences between states are small, and compress
        "positions": np.concatenate([steps[:1], steps[1:] - steps[:1]]),
        "normals": np.rint(head.normals * 127).astype(np.int8),
    }
    arrays |= {"face_triangle": head.face.triangle, "face_barycentric": head.face.barycentric}
    arrays |= {f"texture_{k}": _encoded(texture) for k, texture in enumerate(head.textures)}
    write_arrays(path, arrays)


def _encoded(texture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, " bytes"]:
    jpeg = encoded_picture(Image.fromarray(texture), "JPEG", quality=90)
    return np.frombuffer(jpeg, np.uint8)


def read_head(path: Path) -> RasterisedHead:
    """Read what `write_head` wrote.

    Raises:
        SourceError: the file is not a rasterised head.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return _from_arrays({name: stored[name] for name in stored.files})
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise SourceError(f"{path} is not a rasterised head ({error}). Render it again.") from error


def _from_arrays(stored: Mapping[str, np.ndarray]) -> RasterisedHead:
    facts = json.loads(stored["facts"].tobytes())
    steps = np.concatenate(
        [stored["positions"][:1], stored["positions"][1:] + stored["positions"][:1]]
    )
    low, high = stored["low"], stored["high"]
    return RasterisedHead(
        family=facts["family"],
        identity=facts["identity"],
        states=tuple(facts["states"]),
        controls=tuple(facts["controls"]),
        camera=Camera(
            rotation=np.array(facts["rotation"]),
            distance=facts["distance"],
            crop_from_plane=np.array(facts["crop_from_plane"]),
        ),
        positions=(low + steps * ((high - low) / 65535)).astype(np.float32),
        normals=stored["normals"].astype(np.float32) / 127,
        textures=tuple(
            np.asarray(Image.open(io.BytesIO(stored[f"texture_{k}"].tobytes())).convert("RGB"))
            for k in range(facts["textures"])
        ),
        face=Rasters(triangle=stored["face_triangle"], barycentric=stored["face_barycentric"]),
        **{name: stored[name] for name in _PLAIN},
    )


def states_of_test(controls: Sequence[str]) -> list[Weights]:
    """Neutral, each expression in full, then each by half, with the shapes that a head has."""
    states: list[Weights] = [{}]
    for share in (1.0, 0.5):
        for expression in BASIC_EXPRESSIONS[1:]:
            weights = expression.weights.items()
            states.append({name: share * value for name, value in weights if name in controls})
    return states


def rasterise_test_head(
    head: HeadMesh, side_px: int, states: list[Weights] | None = None
) -> RasterisedHead:
    """Rasterise a head for crops of a size; the same head gives the same rasters.

    Args:
        head: what is seen.
        side_px: of the crops that are measured.
        states: those of `states_of_test` unless given; the first is neutral.
    """
    random = np.random.default_rng(zlib.crc32(f"{head.family}/{head.identity}".encode()))
    camera = sample_camera(head.landmarks(head.rest), random)
    states = states_of_test(head.controls) if states is None else states
    return rasterise_head(head, states, camera, face_px=SUPERSAMPLING * side_px)


def held_out_identities(family: HeadFamily, count: int, seed: int) -> list[str]:
    """Names of heads that no training uses, at most so many; a user's own head is always one."""
    enough = 10 * count + 100  # one in ten is held out
    is_own = family.name not in SPLIT_FAMILIES
    names = [n for n in family.identities(enough, seed) if is_own or is_held_out(family.name, n)]
    return names[:count]


def render_test_heads(
    family: HeadFamily, identities: Sequence[str], folder: Path, side_px: int
) -> Iterator[Path]:
    """Write the identities that a folder does not hold yet; yields their files."""
    target = folder / family.name
    target.mkdir(parents=True, exist_ok=True)
    for identity in identities:
        path = target / f"{identity}{HEAD_SUFFIX}"
        if not path.exists():
            write_head(rasterise_test_head(family.head(identity), side_px), path)
            yield path


@frozen(eq=False)
class MotionTrial:
    """A request to a face; `controls` in the order of `CONTROLS`."""

    kind: ResultKind
    expression: str
    controls: Float[np.ndarray, " controls"]
    face: TrueFace


class TestHead:
    """A rasterised head in one look, drawn from its name."""

    __test__ = False  # not one of pytest's

    def __init__(self, head: RasterisedHead, style: str | None = None) -> None:
        """Take what `rasterise_test_head` made; `style` fixes the material."""
        self.head = head
        random = np.random.default_rng(zlib.crc32(f"look of {self.name}".encode()))
        self.look = sample_look(random, style=style)
        self._shader = HeadShader(self.head)
        self._pictures: dict[int, Planes] = {}

    @property
    def name(self) -> str:
        """Family and identity."""
        return f"{self.head.family}/{self.head.identity}"

    @cached_property
    def side_px(self) -> int:
        """Side of the crops that are measured."""
        return self.head.face.side_px // SUPERSAMPLING

    def trials(self, expressions: Sequence[str] = EXPRESSIONS) -> list[MotionTrial]:
        """All requests: full and half expressions of a neutral source, and back from a smile."""
        count = len(EXPRESSIONS)
        trials = []
        for name in expressions:
            number = 1 + EXPRESSIONS.index(name)
            trials.append(self.trial(ResultKind.FULL, name, 0, number))
            trials.append(self.trial(ResultKind.HALF, name, 0, number + count))
        smile = 1 + EXPRESSIONS.index(NEUTRALISED)
        return [*trials, self.trial(ResultKind.NEUTRALISED, NEUTRALISED, smile, 0)]

    def trial(
        self, kind: ResultKind, expression: str, source: int, target: int, *, rest: float = 1.0
    ) -> MotionTrial:
        """One request, from a state to another; `rest` of the source's own is asked to go."""
        states = self.head.states
        asked = request_of_pair(states[source], states[target], rest)
        if kind is ResultKind.HALF:
            asked[CONTROLS.index("neutral")] = 0.5  # as half of an expression is asked for
        return MotionTrial(
            kind=kind, expression=expression, controls=asked, face=self._face(source, target)
        )

    def _face(self, source: int, target: int) -> TrueFace:
        truth = _reduced(truth_of_pair(self._shader, self.head.face, source, target), self.side_px)
        return TrueFace(
            source=self.picture(source),
            target=self.picture(target),
            motion=truth.motion.numpy(),
            is_visible=truth.visible.numpy(),
            is_head=truth.hit.numpy(),
            parts=truth.part.numpy().astype(np.uint8),
            eye_distance=self.head.eye_distance,
            source_landmarks=self.head.landmarks[source],
            target_landmarks=self.head.landmarks[target],
        )

    def picture(self, state: int) -> Planes:
        """Return the true render of a state, sRGB-encoded, in [0, 1]."""
        if state not in self._pictures:
            with torch.no_grad():
                picture = self._shader.picture(self.head.face, state, self.look)
            self._pictures[state] = reduce_to(picture, self.side_px).clamp(0, 1).numpy()
        return self._pictures[state]


def style_of(number: int) -> str:
    """Materials in turn, so that few identities show them all."""
    return RENDERED_STYLES[number % len(RENDERED_STYLES)]


def _reduced(truth: PairTruth, side_px: int) -> PairTruth:
    """Reduce the truth to blocks of pixels: what most of each shows, and its mean motion."""
    seen = (truth.hit & truth.visible).float()
    shares = torch.stack([truth.hit.float(), truth.visible.float(), seen, *(truth.motion * seen)])
    hit, visible, weight, x, y = reduce_to(shares, side_px)
    motion = torch.stack([x, y]) / weight.clamp(min=1e-6)
    step = truth.hit.shape[-1] // side_px
    return PairTruth(
        motion=torch.where(weight > 0, motion, torch.zeros_like(motion)),
        visible=visible > 0.5,
        hit=hit > 0.5,
        part=truth.part[step // 2 :: step, step // 2 :: step],
    )
