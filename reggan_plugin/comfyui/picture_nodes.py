"""The nodes that take pictures: Change Expression, Expression Editor with its live picture, Find
Faces, Save EXR with Layers.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reggan_plugin.array_types import Float, Pixels
from reggan_plugin.change.region_limits import LARGEST_BLUR, LARGEST_GROWTH, RegionLimits
from reggan_plugin.comfyui import host
from reggan_plugin.comfyui.batch import (
    MOTION_OUTPUTS,
    BatchSettings,
    ChangedValues,
    change_batch,
    no_face_in,
    track_batch,
    which_faces,
)
from reggan_plugin.comfyui.expression_nodes import (
    BatchExpression,
    StillExpression,
    weights_from_text,
)
from reggan_plugin.comfyui.frames_from_tensors import (
    BatchPicture,
    ImageEncoding,
    Tensor,
    array_from_tensor,
    read_batch,
    refuse_no_batch,
)
from reggan_plugin.comfyui.node_inputs_and_models import (
    EXPRESSION,
    FACES,
    LEAVE,
    SHOT,
    Node,
    beside_batch,
    choice,
    face,
    intensity,
    not_found,
    of_batch,
    of_model,
    opened,
)
from reggan_plugin.comfyui.preview import PREVIEWS
from reggan_plugin.errors import UsageError
from reggan_plugin.faces.landmarks_and_pose import LANDMARK_NAMES
from reggan_plugin.faces.tracks import VISIBLE, TrackedFace, Tracks
from reggan_plugin.file_safety import write_atomically
from reggan_plugin.files.exr.writing_settings import MASK
from reggan_plugin.imaging.colour import linear_from_srgb
from reggan_plugin.jobs.change_layers import OWN_CHANNELS
from reggan_plugin.ui.change_from_json import change_from_json

_NO_LAYERS = (
    "This output of Change Expression is empty: set its input `layers` to true, so that motion, "
    "gain and paint are kept."
)
_NO_MOTION = (
    "This output of Change Expression is empty: the model {model} does not say where a face "
    "moves. Choose reggan."
)
NO_CHANGE = '{"weights": {}, "intensity": 1, "adds": false}'
_CHANNELS = {**OWN_CHANNELS, "mask": (MASK,)}
"""As `render --exr-layers` names them."""


class ChangeExpression(Node):
    """Pictures in, the same with an expression out."""

    DESCRIPTION = (
        "Changes the expression of faces. A batch is a shot. Pixels beside the change keep their "
        "values, and alpha and values above 1 stay."
    )
    RETURN_TYPES = ("IMAGE", "MASK", "IMAGE", "IMAGE", "IMAGE")
    RETURN_NAMES = ("image", "changed", *MOTION_OUTPUTS)
    OUTPUT_TOOLTIPS = (
        "The pictures with the expression.",
        "What each pixel took of the change.",
        "Where each pixel comes from: parts of the width, and of the height from below.",
        "Factor on linear light.",
        "Linear paint, and how much it covers in a fourth channel.",
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's own name
        """Return the inputs."""
        growth = {"default": 0.0, "min": -LARGEST_GROWTH, "max": LARGEST_GROWTH, "step": 0.005}
        blur = {"default": 0.0, "min": 0.0, "max": LARGEST_BLUR, "step": 0.005}
        return {
            "required": {
                "image": ("IMAGE",),
                "expression": (EXPRESSION,),
                "intensity": intensity(),
                "face": face(),
                "region": choice(["all", "upper", "lower"], "The part of the face that changes."),
                "grow": ("FLOAT", {**growth, "tooltip": "Of the change's edge, in faces."}),
                "blur": ("FLOAT", {**blur, "tooltip": "Of the change's edge, in faces."}),
                "face_not_found": not_found(),
                **of_batch(),
                "layers": (
                    "BOOLEAN",
                    {"default": False, "tooltip": "Fill the outputs stmap, gain and paint."},
                ),
                **of_model(),
            },
            **beside_batch(),
            "hidden": {"node": "UNIQUE_ID", "prompt": "PROMPT"},
        }

    def run(
        self,
        image: Tensor,
        expression: BatchExpression,
        intensity: float,
        face: str,
        region: Any,
        grow: float,
        blur: float,
        face_not_found: str,
        batch_is: str,
        encoding: ImageEncoding,
        layers: bool,
        model: str,
        device: str,
        mask: Tensor | None = None,
        faces: Tracks | None = None,
        node: str | None = None,
        prompt: Mapping[str, Any] | None = None,
    ) -> tuple[Any, ...]:
        """Return the pictures with the expression, what changed, and the layers.

        Raises:
            RegganError: as `change_batch`.
            UsageError: a layer is connected, and the model has none.
        """
        transfer = opened(model, device)
        pictures = read_batch(image, encoding, mask)
        says_motion = transfer.card.says_motion
        if _layer_is_taken(prompt or {}, node):
            layers = True
            if not says_motion:
                raise UsageError(_NO_MOTION.format(model=model))
        settings = BatchSettings(
            which=which_faces(face),
            intensity=intensity,
            limits=RegionLimits(part=region, grow=grow, blur=blur),
            is_shot=batch_is == SHOT,
            passes_through=face_not_found == LEAVE,
            keeps_layers=layers and says_motion,
        )
        is_to_track = faces is None and settings.tracks(pictures)
        progress = host.NodeProgress(len(pictures) * (1 + is_to_track), node)
        changed = change_batch(transfer, pictures, expression, settings, faces, progress)
        results: list[Any] = [*image_and_mask(image, changed)]
        for name in MOTION_OUTPUTS:
            if settings.keeps_layers:
                results.append(image.new_tensor(np.stack([one.layers[name] for one in changed])))
            else:
                said = _NO_LAYERS if says_motion else _NO_MOTION.format(model=model)
                results.append(host.blocked(said))
        return tuple(results)


def _layer_is_taken(prompt: Mapping[str, Any], node: str | None) -> bool:
    """Tell whether a workflow connects a layer of Change Expression with something."""
    names = ChangeExpression.RETURN_NAMES
    links = [value for one in prompt.values() for value in one.get("inputs", {}).values()]
    taken = [link[1] for link in links if isinstance(link, list) and link[:1] == [node]]
    return any(names[place] in MOTION_OUTPUTS for place in taken)


class ExpressionEditor(Node):
    """Choose an expression by eye, on the picture that comes in."""

    DESCRIPTION = (
        "Choose an expression by eye: click one of the small faces, or move sliders. The picture "
        "in the node follows at once; the workflow runs only when you queue it."
    )
    RETURN_TYPES = ("IMAGE", EXPRESSION, "MASK")
    RETURN_NAMES = ("image", "expression", "changed")
    OUTPUT_TOOLTIPS = (
        "The pictures with the expression.",
        "The expression alone, for other nodes.",
        "What each pixel took of the change.",
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's own name
        """Return the inputs; the sliders write what they say into one of them."""
        tooltip = f"What the sliders say, as JSON: {NO_CHANGE}."
        return {
            "required": {
                "image": ("IMAGE",),
                "change": ("STRING", {"default": NO_CHANGE, "tooltip": tooltip}),
                "face": face(),
                "face_not_found": not_found(),
                **of_batch(),
                **of_model(),
            },
            **beside_batch(),
        }

    def run(
        self,
        image: Tensor,
        change: str,
        face: str,
        face_not_found: str,
        batch_is: str,
        encoding: ImageEncoding,
        model: str,
        device: str,
        mask: Tensor | None = None,
        faces: Tracks | None = None,
        node: str | None = None,
    ) -> tuple[Any, ...]:
        """Return the pictures with the expression, the expression, and what changed.

        Raises:
            RegganError: as `change_batch`.
        """
        transfer = opened(model, device)
        pictures = read_batch(image, encoding, mask)
        expression = StillExpression(change_from_json(weights_from_text(change)).mix)
        settings = BatchSettings(
            which=which_faces(face),
            is_shot=batch_is == SHOT,
            passes_through=face_not_found == LEAVE,
        )
        is_to_track = faces is None and settings.tracks(pictures)
        progress = host.NodeProgress(len(pictures) * (1 + is_to_track), node)
        if is_to_track:
            faces = track_batch(transfer, pictures, progress, is_shot=True)
        PREVIEWS.remember(str(node), pictures, faces)
        changed = change_batch(transfer, pictures, expression, settings, faces, progress)
        picture, weight = image_and_mask(image, changed)
        return picture, expression, weight


class FindFaces(Node):
    """Where the faces of pictures are."""

    DESCRIPTION = (
        "Finds the faces of pictures, or tracks them over a shot. Numbers are those that Change "
        "Expression takes."
    )
    RETURN_TYPES = (FACES, "BBOX", "STRING", "IMAGE")
    RETURN_NAMES = ("faces", "boxes", "landmarks", "picture")
    OUTPUT_TOOLTIPS = (
        "For Change Expression.",
        "Of each picture a list of x, y, width, height.",
        "The landmarks as JSON, in the form of `reggan-plugin render --landmarks`.",
        "The pictures with faces, landmarks and numbers drawn.",
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Return the inputs."""
        return {
            "required": {
                "image": ("IMAGE",),
                "face_not_found": not_found(),
                **of_batch(),
                **of_model(),
            },
            "hidden": {"node": "UNIQUE_ID"},
        }

    def run(
        self,
        image: Tensor,
        face_not_found: str,
        batch_is: str,
        encoding: ImageEncoding,
        model: str,
        device: str,
        node: str | None = None,
    ) -> tuple[Any, ...]:
        """Return the faces, and pictures in which they are drawn.

        Raises:
            FaceNotFoundError: a picture shows none, unless these are left.
        """
        pictures = read_batch(image, encoding)
        progress = host.NodeProgress(len(pictures), node)
        transfer = opened(model, device)
        tracks = track_batch(transfer, pictures, progress, is_shot=batch_is == SHOT)
        seen = [_visible(tracks, place) for place in range(len(pictures))]
        if face_not_found != LEAVE:
            for place in (place for place, faces in enumerate(seen) if not faces):
                raise no_face_in(pictures, place, "all")
        boxes = [[list(one.box_px) for one in faces] for faces in seen]
        drawn = [_drawn(picture, faces) for picture, faces in zip(pictures, seen, strict=True)]
        return tracks, boxes, _landmarks_text(seen), image.new_tensor(np.stack(drawn))


class SaveExrWithLayers(Node):
    """Pictures as EXR files, the change as layers of the same file."""

    DESCRIPTION = (
        "Writes EXR files of 32-bit floats, scene-linear, with the change as layers under the "
        "names that `reggan-plugin render --exr-layers` gives them."
    )
    RETURN_TYPES = ("STRING",)
    RETURN_NAMES = ("paths",)
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Return the inputs."""
        layer = "A layer of Change Expression."
        return {
            "required": {
                "image": ("IMAGE",),
                "filename_prefix": ("STRING", {"default": "reggan"}),
                "encoding": of_batch()["encoding"],
            },
            "optional": {
                "changed": ("MASK", {"tooltip": layer}),
                **{name: ("IMAGE", {"tooltip": layer}) for name in MOTION_OUTPUTS},
            },
        }

    def run(
        self,
        image: Tensor,
        filename_prefix: str,
        encoding: ImageEncoding,
        changed: Tensor | None = None,
        stmap: Tensor | None = None,
        gain: Tensor | None = None,
        paint: Tensor | None = None,
    ) -> dict[str, Any]:
        """Write the files, and return their paths.

        Raises:
            UsageError: a layer has another size than the pictures.
            OutputError: a file cannot be written.
        """
        batch = array_from_tensor(image)
        refuse_no_batch(batch)
        given = {"mask": changed, "stmap": stmap, "gain": gain, "paint": paint}
        layers = {
            name: array_from_tensor(layer, name)
            for name, layer in given.items()
            if layer is not None
        }
        for name, layer in layers.items():
            if layer.shape[:3] != batch.shape[:3]:
                raise UsageError(
                    f"The layer {name} is {layer.shape[:3]} and the image {batch.shape[:3]} "
                    "(pictures, height, width); expected the same. Take both from one node."
                )
            channels = layer.shape[3] if layer.ndim == 4 else 1
            if channels < len(_CHANNELS[name]):
                raise UsageError(
                    f"The layer {name} has {channels} channels; expected {len(_CHANNELS[name])}. "
                    f"Connect the output {name} of Change Expression."
                )
        folder, name, number, subfolder = host.next_output(
            filename_prefix, batch.shape[1], batch.shape[2]
        )
        paths = [folder / f"{name}_{number + place:05}_.exr" for place in range(len(batch))]
        for place, path in enumerate(paths):
            own = {layer: planes[place] for layer, planes in layers.items()}
            write_atomically(path, _exr_of(batch[place], encoding, own))
        texts = [str(path) for path in paths]
        listed = [
            {"filename": path.name, "subfolder": subfolder, "type": "output"} for path in paths
        ]
        return {"ui": {"files": listed, "text": texts}, "result": ("\n".join(texts),)}


def image_and_mask(image: Tensor, changed: Sequence[ChangedValues]) -> tuple[Any, Any]:
    """Return changed pictures as tensors like the given one: the pictures, and what changed."""
    values = np.stack([one.values for one in changed])
    weight = np.stack([one.weight for one in changed])
    return image.new_tensor(values), image.new_tensor(weight)


def _visible(tracks: Tracks, place: int) -> tuple[TrackedFace, ...]:
    return tuple(one for one in tracks.frames[str(place)].faces if one.status in VISIBLE)


def _landmarks_text(seen: Sequence[Sequence[TrackedFace]]) -> str:
    """Return landmarks by the place of the picture; of faces without any there is nothing."""
    document = {
        str(place): [
            {
                name: [float(value) for value in point]
                for name, point in zip(LANDMARK_NAMES, face.landmarks, strict=True)
            }
            for face in faces
            if face.landmarks is not None
        ]
        for place, faces in enumerate(seen)
    }
    return json.dumps(document)


def _drawn(picture: BatchPicture, faces: Sequence[TrackedFace]) -> Pixels:
    """Return a picture with boxes, landmarks and numbers, sRGB-encoded."""
    from PIL import Image, ImageDraw

    from reggan_plugin.transfer.display_picture import shown_samples

    image = Image.fromarray(np.ascontiguousarray(shown_samples(picture.frame)[..., :3]))
    canvas = ImageDraw.Draw(image)
    width = max(1, round(max(image.size) / 400))
    for one in faces:
        x, y, across, down = one.box_px
        canvas.rectangle((x, y, x + across, y + down), outline=(255, 200, 0), width=width)
        size = max(12, round(one.size_px / 8))
        canvas.text((x + 2 * width, y + width), str(one.face), (255, 200, 0), font_size=size)
        for px, py in [] if one.landmarks is None else one.landmarks:
            reach = 1.5 * width
            canvas.ellipse((px - reach, py - reach, px + reach, py + reach), fill=(0, 220, 255))
    return np.asarray(image, np.float32) / np.float32(255)


def _exr_of(
    picture: Float[np.ndarray, "height width channels"],
    encoding: ImageEncoding,
    layers: Mapping[str, Float[np.ndarray, "height width *some"]],
) -> bytes:
    """Return a file of 32-bit floats: linear Rec. 709 with premultiplied alpha, and the layers."""
    from reggan_plugin.files.exr.block_codec import exr_from_planes  # few nodes need OpenEXR

    light = picture[..., :3]
    if encoding == "sRGB":
        light = linear_from_srgb(light)
        if picture.shape[2] == 4:
            light = light * picture[..., 3:]
    planes = {channel: light[..., place] for place, channel in enumerate("RGB")}
    if picture.shape[2] == 4:
        planes["A"] = picture[..., 3]
    for name, layer in layers.items():
        stacked = layer[..., None] if layer.ndim == 2 else layer
        planes |= {channel: stacked[..., place] for place, channel in enumerate(_CHANNELS[name])}
    return exr_from_planes(planes, (0, 0), picture.shape[:2])
