"""An avatar in Blender: one head with its look, shown and rendered in any state."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from reggan_training.avatars.albedo import paint_albedo, shirt_map
from reggan_training.avatars.backdrop import paint_backdrop
from reggan_training.avatars.eye_image import paint_eye
from reggan_training.avatars.framing import camera_pose, head_turn, pixels_from_points
from reggan_training.avatars.glb import colour_material, texture_material
from reggan_training.avatars.growth import grow_strands
from reggan_training.avatars.identity_plan import IdentityPlan
from reggan_training.avatars.materials import SkinImages, build_materials, linear
from reggan_training.avatars.render_passes import RenderPasses
from reggan_training.avatars.render_settings import AvatarRenderSettings
from reggan_training.avatars.scene import Scene, image_from_picture, set_image
from reggan_training.avatars.texel_map import TexelMap, build_texel_map, face_corner_uv
from reggan_training.avatars.wrinkles import wrinkle_height
from reggan_training.heads.anatomy.face_state import FaceState
from reggan_training.heads.anatomy.head import Head, PosedHead
from reggan_training.heads.worn.glasses_meshes import build_glasses

ALBEDO_SIDE_PX = 1024
_WRINKLE_SIDE_PX = 512
_MOUTH_PARTS = ("gums_upper", "gums_lower", "tongue")
_TOOTH_PARTS = ("teeth_upper", "teeth_lower")
_texel_maps: dict[int, TexelMap] = {}


@dataclass(frozen=True, kw_only=True, eq=False)
class AvatarView:
    """One rendering, with what is known of it."""

    passes: RenderPasses
    landmarks: dict[str, list[float]]
    """x and y in pixels from the upper left, to a hundredth."""


class Avatar:
    """The avatar that Blender holds now. A process has one at a time."""

    def __init__(self, head: Head, plan: IdentityPlan, settings: AvatarRenderSettings) -> None:
        """Build the scene: everything that is the same in all pictures of the avatar."""
        self.head, self.plan, self.settings = head, plan, settings
        self.look = look = plan.look
        self._scene = Scene(settings)
        self._add_surroundings()
        self._images = self._paint_skin()
        eye = image_from_picture("eye", paint_eye(look))
        self._materials = build_materials(look, self._images, eye)
        self._add_parts()
        self._strands = grow_strands(head, plan)
        for name, strands in self._strands.items():
            material = self._materials[name.partition("_")[0]]
            rest = strands.follow(head.pose(FaceState(), plan.habits))
            self._scene.add_strands(name, rest, strands.radius, material)

    def show(self, state: FaceState) -> AvatarView:
        """Render the avatar in a state, its head turned as its look says."""
        posed = self.head.pose(state, self.plan.habits)
        for name in self._moving_parts():
            self._scene.move_mesh(name, posed.points[name])
        for name, strands in self._strands.items():
            if name != "hair":  # the scalp moves less than a pixel, and hair is slow to renew
                self._scene.move_strands(name, strands.follow(posed))
        height = wrinkle_height(posed.wrinkles, self.look.wrinkles, _WRINKLE_SIDE_PX)
        set_image(self._images.wrinkles, _wrinkle_pixels(height))
        turn = head_turn(self.look.yaw_deg, self.look.pitch_deg)
        self._scene.turn(turn)
        return AvatarView(passes=self._scene.render(), landmarks=self._landmarks(posed, turn))

    def write_glb(self, path: Path) -> None:
        """Write the neutral head as glTF, its hair painted on; it cannot be shown after that."""
        brow = 0.8 * self._texels().paint(self.head.region("brow"))[..., None]
        painted = self.albedo + brow * (np.array(self.look.brow) - self.albedo)
        texture = texture_material("skin", self._scene.byte_image("base_colour", painted))
        eye = texture_material("eye", self._scene.byte_image("eye_colour", paint_eye(self.look)))
        mouth, tooth = (
            colour_material(name, linear(colour))
            for name, colour in (("mouth", (0.33, 0.085, 0.085)), ("tooth", (0.80, 0.755, 0.66)))
        )
        materials: dict[str, tuple[Any, ...]] = dict.fromkeys(
            _TOOTH_PARTS, (tooth,)
        ) | dict.fromkeys(_MOUTH_PARTS, (mouth,))
        materials |= {"skin": (texture, texture, mouth), "eye_left": (eye,), "eye_right": (eye,)}
        neutral = self.head.pose(FaceState(), self.plan.habits)
        for name in materials:
            self._scene.move_mesh(name, neutral.points[name])
        self._scene.turn(np.eye(4))
        self._scene.export(path, materials)

    def _landmarks(
        self, posed: PosedHead, turn: Float[np.ndarray, "4 4"]
    ) -> dict[str, list[float]]:
        names = list(posed.landmarks)
        points = np.array([posed.landmarks[name] for name in names]) @ turn[:3, :3].T + turn[:3, 3]
        camera = self.look.camera
        pixels = pixels_from_points(
            points, self._pose, camera.focal_length_mm, self.settings.side_px
        )
        return dict(zip(names, pixels.round(2).tolist(), strict=True))

    def _add_surroundings(self) -> None:
        rest, look = self.head.rest["skin"], self.look
        above = self.head.canonical[:, 2] > 0.05
        crown, chin = float(rest[above, 2].max()), self._chin_height()
        self._pose = camera_pose(look.camera, chin, crown)
        self._scene.set_camera(self._pose, look.camera)
        for lamp in look.lighting.lamps:
            self._scene.add_lamp(lamp, crown - chin)
        side = self.settings.side_px
        backdrop = paint_backdrop(look.lighting, look.texture_seed, (side, side))
        self._scene.set_world(look.lighting.ambient_colour, look.lighting.ambient, backdrop)

    def _chin_height(self) -> float:
        neutral = self.head.pose(FaceState(), self.plan.habits)
        return float(neutral.landmarks["chin"][2])

    def _texels(self) -> TexelMap:
        """The texture's map: made once in a process, since all heads share it."""
        if ALBEDO_SIDE_PX not in _texel_maps:
            faces = self.head.parts["skin"].faces
            shown = self.head.region("inside_mouth")[faces].max(axis=1) < 0.5
            _texel_maps[ALBEDO_SIDE_PX] = build_texel_map(
                self.head.canonical, faces[shown], ALBEDO_SIDE_PX
            )
        return _texel_maps[ALBEDO_SIDE_PX]

    def _paint_skin(self) -> SkinImages:
        head, texels = self.head, self._texels()
        lips, scalp, beard, moustache = (
            texels.paint(head.region(name)) for name in ("lips", "scalp", "beard", "moustache")
        )
        self.albedo = paint_albedo(
            self.look, ALBEDO_SIDE_PX, lips, scalp, np.maximum(beard, moustache)
        )
        flat = np.full((_WRINKLE_SIDE_PX, _WRINKLE_SIDE_PX, 1), 0.5)
        shirt = shirt_map(ALBEDO_SIDE_PX)[..., None]
        return SkinImages(
            albedo=image_from_picture("albedo", self.albedo),
            wrinkles=image_from_picture("wrinkles", flat, is_data=True),
            shirt=image_from_picture("shirt", shirt, is_data=True),
        )

    def _add_parts(self) -> None:
        head, materials = self.head, self._materials
        skin = head.parts["skin"]
        slots = np.where(_is_face(head), 0, 1)
        slots[head.region("inside_mouth")[skin.faces].mean(axis=1) > 0.5] = 2
        self._scene.add_mesh(
            "skin",
            head.rest["skin"],
            skin.faces,
            face_corner_uv(head.canonical, skin.faces),
            (materials["face"], materials["neck"], materials["mouth"]),
            face_materials=slots,
            subdivisions=1,
        )
        for name in ("eye_left", "eye_right"):
            part = head.parts[name]
            uv = part.uv[part.uv_faces]
            self._scene.add_mesh(name, head.rest[name], part.faces, uv, (materials["eye"],))
        for surface, names in (("tooth", _TOOTH_PARTS), ("mouth", _MOUTH_PARTS)):
            for name in names:
                part = head.parts[name]
                self._scene.add_mesh(name, head.rest[name], part.faces, None, (materials[surface],))

        if self.look.glasses != "none":
            self._add_glasses()

    def _add_glasses(self) -> None:
        worn = build_glasses(self.head, self.look.glasses, self.plan.generator("glasses"))
        for surface, part, points in (
            ("glasses", worn.frame, worn.frame_points),
            ("lens", worn.lenses, worn.lens_points),
        ):
            self._scene.add_mesh(surface, points, part.faces, None, (self._materials[surface],))

    def _moving_parts(self) -> tuple[str, ...]:
        return ("skin", "eye_left", "eye_right", *_TOOTH_PARTS, *_MOUTH_PARTS)


def _is_face(head: Head) -> Bool[np.ndarray, " faces"]:
    """True for faces of the skin in front of the ears' backs and above the jaw."""
    middle = head.canonical[head.parts["skin"].faces].mean(axis=1)
    jaw = -0.118 + 0.6 * np.maximum(0.0, middle[:, 1] + 0.02)
    return (middle[:, 2] > jaw) & (middle[:, 1] < 0.11)


def _wrinkle_pixels(height: Float[np.ndarray, "side side"]) -> Float[np.ndarray, "side side 1"]:
    return (0.5 + 0.5 * height).clip(0.0, 1.0)[..., None]
