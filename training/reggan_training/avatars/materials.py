"""Blender materials of an avatar's parts, for every style."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reggan_training.avatars.avatar_look import AvatarLook, Rgb
from reggan_training.avatars.render_passes import light_from_srgb
from reggan_training.avatars.shader_nodes import ShaderTree
from reggan_training.avatars.surfaces import SURFACES

_SCATTER_RADIUS = (1.0, 0.36, 0.22)
_SCATTER_SCALE_M = 0.0045
_WRINKLE_DEPTH_M = 0.0016


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinImages:
    """Blender images on the head's texture layout."""

    albedo: Any
    wrinkles: Any
    shirt: Any


def linear(colour: Rgb) -> Rgb:
    """Linear light of an sRGB-encoded colour."""
    red, green, blue = light_from_srgb(np.array(colour)).tolist()
    return red, green, blue


def build_materials(look: AvatarLook, images: SkinImages, eye_image: Any) -> dict[str, Any]:
    """A material for each of `SURFACES` but the background."""
    if look.style != "skin":
        return _statue_materials(look, images)
    return {
        "face": _skin("face", look, images),
        "neck": _skin("neck", look, images),
        "eye": _eye(eye_image),
        "tooth": _glossy("tooth", (0.80, 0.755, 0.66), 0.25),
        "mouth": _glossy("mouth", (0.33, 0.085, 0.085), 0.3),
        "hair": _strands("hair", look.hair),
        "brow": _strands("brow", look.brow),
        "lash": _strands("lash", (0.06, 0.045, 0.04)),
        "beard": _strands("beard", look.hair),
        "glasses": _glossy("glasses", look.frame, 0.2),
        "lens": _lens(),
    }


def _number(surface: str) -> int:
    return SURFACES.index(surface)


def _skin(surface: str, look: AvatarLook, images: SkinImages) -> Any:
    tree = ShaderTree(surface, _number(surface))
    albedo = tree.image(images.albedo).outputs[0]
    wrinkle = tree.image(images.wrinkles).outputs[0]
    shirt = tree.image(images.shirt).outputs[0]
    bump = tree.node(
        "ShaderNodeBump", {"Height": wrinkle, "Distance": 2 * _WRINKLE_DEPTH_M, "Strength": 1.0}
    )
    valley = tree.math("MULTIPLY", tree.math("SUBTRACT", 0.5, wrinkle, clamp=True), 1.1)
    skin = tree.math("SUBTRACT", 1.0, shirt)
    dark = tree.mix_colours(valley, albedo, (0.25, 0.06, 0.04), "MULTIPLY")
    shader = tree.node(
        "ShaderNodeBsdfPrincipled",
        {
            "Base Color": dark,
            "Roughness": tree.math(
                "ADD", 0.62 - 0.22 * look.gloss, tree.math("MULTIPLY", shirt, 0.35)
            ),
            "Specular IOR Level": 0.4,
            "Subsurface Weight": tree.math("MULTIPLY", skin, 0.9),
            "Subsurface Radius": _SCATTER_RADIUS,
            "Subsurface Scale": _SCATTER_SCALE_M,
            "Normal": bump.outputs[0],
        },
        subsurface_method="BURLEY",
    )
    return tree.finish(shader)


def _eye(image: Any) -> Any:
    tree = ShaderTree("eye", _number("eye"))
    shader = tree.node(
        "ShaderNodeBsdfPrincipled",
        {
            "Base Color": tree.image(image).outputs[0],
            "Roughness": 0.12,
            "Coat Weight": 0.4,
            "Coat Roughness": 0.03,
        },
    )
    return tree.finish(shader)


def _glossy(surface: str, colour: Rgb, roughness: float) -> Any:
    tree = ShaderTree(surface, _number(surface))
    inputs: dict[str | int, Any] = {"Base Color": linear(colour), "Roughness": roughness}
    return tree.finish(tree.node("ShaderNodeBsdfPrincipled", inputs))


def _lens() -> Any:
    tree = ShaderTree("lens", _number("lens"))
    facing = tree.node("ShaderNodeLayerWeight", {"Blend": 0.25}).outputs["Fresnel"]
    clear = tree.node("ShaderNodeBsdfTransparent", {"Color": (0.95, 0.96, 0.96)})
    mirror = tree.node("ShaderNodeBsdfGlossy", {"Color": (1.0, 1.0, 1.0), "Roughness": 0.05})
    factor = tree.math("MULTIPLY", facing, 0.5)
    shader = tree.node(
        "ShaderNodeMixShader", {0: factor, 1: clear.outputs[0], 2: mirror.outputs[0]}
    )
    return tree.finish(shader)


def _strands(surface: str, colour: Rgb) -> Any:
    """Hair: each strand a little lighter or darker, tips lighter than roots."""
    tree = ShaderTree(surface, _number(surface))
    info = tree.node("ShaderNodeHairInfo")
    along, chance = info.outputs["Intercept"], info.outputs["Random"]
    light = tree.math("ADD", tree.math("MULTIPLY", chance, 0.5), tree.math("MULTIPLY", along, 0.3))
    grown = tree.math("ADD", light, 0.62)
    shade = tree.node("ShaderNodeCombineColor", {0: grown, 1: grown, 2: grown}).outputs[0]
    tint = tree.mix_colours(1.0, linear(colour), shade, "MULTIPLY")
    diffuse = tree.node("ShaderNodeBsdfDiffuse", {"Color": tint})
    shine = tree.mix_colours(0.5, tint, (0.5, 0.5, 0.5))
    gloss = tree.node(
        "ShaderNodeBsdfHair",
        {"Color": shine, "RoughnessU": 0.25, "RoughnessV": 0.9, "Offset": -0.05},
        component="Reflection",
    )
    mixed = tree.node("ShaderNodeMixShader", {0: 0.3, 1: diffuse.outputs[0], 2: gloss.outputs[0]})
    return tree.finish(mixed)


def _statue_materials(look: AvatarLook, images: SkinImages) -> dict[str, Any]:
    """One material for all parts, under the numbers of the parts."""
    return {surface: _statue(surface, look, images) for surface in SURFACES[1:]}


def _statue(surface: str, look: AvatarLook, images: SkinImages) -> Any:
    tree = ShaderTree(surface, _number(surface))
    place = tree.node("ShaderNodeTexCoord").outputs["Object"]
    colour, roughness, metallic, scatter = _statue_colour(tree, place, look)
    inputs: dict[str | int, Any] = {
        "Base Color": colour,
        "Roughness": roughness,
        "Metallic": metallic,
        "Subsurface Weight": scatter,
        "Subsurface Radius": (1.0, 0.9, 0.75),
        "Subsurface Scale": 0.004,
    }
    if surface in ("face", "neck"):
        wrinkle = tree.image(images.wrinkles).outputs[0]
        bump = tree.node("ShaderNodeBump", {"Height": wrinkle, "Distance": 2 * _WRINKLE_DEPTH_M})
        inputs["Normal"] = bump.outputs[0]
    shader = tree.node("ShaderNodeBsdfPrincipled", inputs, subsurface_method="BURLEY")
    return tree.finish(shader)


def _statue_colour(tree: ShaderTree, place: Any, look: AvatarLook) -> tuple[Any, Any, float, float]:
    """Colour, roughness, metallic share and scattering of marble, metal or clay."""
    own = linear(look.material)
    dark = tuple(0.45 * level for level in own)
    shift = (look.texture_seed % 97) * 1.0
    moved = tree.node("ShaderNodeVectorMath", {0: place, 1: (shift, shift, shift)}, operation="ADD")
    if look.style == "stone":
        vein = tree.node(
            "ShaderNodeTexNoise",
            {"Vector": moved.outputs[0], "Scale": 14.0, "Detail": 4.0, "Distortion": 1.6},
        ).outputs[0]
        ridge = tree.math(
            "MULTIPLY", tree.math("ABSOLUTE", tree.math("SUBTRACT", vein, 0.5)), 9.0, clamp=True
        )
        strength = tree.math(
            "MULTIPLY", tree.math("SUBTRACT", 1.0, ridge), 0.2 + 0.5 * look.mottling
        )
        return tree.mix_colours(strength, own, dark), 0.35 + 0.3 * (1 - look.gloss), 0.0, 0.25
    grain = tree.node(
        "ShaderNodeTexNoise", {"Vector": moved.outputs[0], "Scale": 30.0, "Detail": 3.0}
    ).outputs[0]
    if look.style == "metal":
        rough = tree.math("ADD", 0.16 + 0.25 * (1 - look.gloss), tree.math("MULTIPLY", grain, 0.18))
        patina = tree.math(
            "MULTIPLY", tree.math("SUBTRACT", grain, 0.45, clamp=True), 2.5 * look.mottling
        )
        return tree.mix_colours(patina, own, dark), rough, 1.0, 0.0
    spots = tree.math(
        "MULTIPLY", tree.math("SUBTRACT", grain, 0.3, clamp=True), 0.8 * look.mottling
    )
    return tree.mix_colours(spots, own, dark), 0.9, 0.0, 0.0
