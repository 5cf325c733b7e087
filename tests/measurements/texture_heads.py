"""What a texture alone can do: ECS of heads re-rendered with changed maps, unlit and lit.

    python tests/measurements/texture_heads.py maps --heads DIR --out OUT
    python tests/measurements/texture_heads.py lit --heads DIR --out OUT      (in Blender's Python)
    python tests/measurements/texture_heads.py judge --out OUT
    python tests/measurements/texture_heads.py sheet --out OUT          (OUT/texture_maps.jpg)

DIR holds `<identity>/head.glb`, heads with a base colour map: those of the documentation were
drawn by `dataset avatars --glb` at commit 762c15c. `maps` writes every expression's map, the
model's picture and the unlit re-renders from the front and from 30 degrees to both sides; `lit`
renders the same maps with Cycles, a key and a fill lamp; `judge` prints the share of pictures in
which the project's own classifier names the wanted expression, and how far the re-renders are
from the model's pictures.
"""

import argparse
import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

EXPRESSIONS = ("happy", "sad", "angry", "disgusted", "afraid", "surprised")
SIDE_PX, LIT_PX = 512, 256
SIDES_DEG = (-30.0, 30.0)
SHOWN, CELL_PX = ("skin_01003", "skin_01011"), 200
FACE_ON_MAP = (0.22, 0.12, 0.78, 0.68)
"""What is shown of a map: left, top, right, bottom."""


def make_maps(heads: Path, out: Path) -> None:
    """Write maps, pictures and the camera of every head."""
    from PIL import Image

    from reggan_plugin.textures.map_change import PreparedFace
    from reggan_plugin.textures.maps.texture_files import write_tiles
    from reggan_plugin.textures.texture_request import Look
    from reggan_plugin.textures.views.framing import closer
    from reggan_plugin.transfer.expression_transfer import ExpressionTransfer
    from reggan_plugin.vocabulary.expression import ExpressionMix

    transfer = ExpressionTransfer()
    for mesh in sorted(heads.glob("*/head.glb")):
        folder = out / mesh.parent.name
        if (folder / "view.json").exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            face = PreparedFace(mesh, Look(), transfer, Path(scratch))
            sides = _sides(face, transfer)
            for number, (side, side_crop) in enumerate(sides):
                shown = face.stage.take(side).colour
                _save_crop(shown, side_crop, folder / f"side{number}_map.png")
            view, crop = closer(face.framed, SIDE_PX)
            _save_crop(face.stage.take(view).colour, crop, folder / "unlit_map.png")
            distances: dict[str, list[float]] = {}
            for name in EXPRESSIONS:
                changed = face.change(ExpressionMix({name: 1.0}))
                write_tiles(face.files, face.texture, changed.tiles, folder / f"{name}.png")
                stage, shot = face.wearing(changed.tiles), changed.view
                again, touched = stage.take(shot.view), shot.touched
                off = np.abs(again.colour - shot.after).mean(axis=2) * 255
                on_skin = touched & np.isin(again.part, face.parts)
                distances[name] = [float(off[touched].mean()), float(off[on_skin].mean())]
                distances[name] += _off_from_sides(face, stage, transfer, name, sides, folder)
                _save_crop(stage.take(view).colour, crop, folder / f"unlit_{name}.png")
                _save_crop(_at(shot.after, SIDE_PX), crop, folder / f"model_{name}.png")
            Image.fromarray(face.texture.tiles[1001].colours).save(folder / "map.png")
        document = {
            "eye": view.eye.tolist(),
            "axes": view.axes.tolist(),
            "focal_px": view.focal_px,
            "centre_px": list(view.centre_px),
            "crop": crop.frame_from_crop.tolist(),
            "crop_side_px": crop.side_px,
            "levels_from_model": distances,
        }
        (folder / "view.json").write_text(json.dumps(document))
        print(mesh.parent.name, {k: [round(x, 2) for x in v] for k, v in distances.items()})


def render_lit(heads: Path, out: Path) -> None:
    """Render every map of every head with Cycles."""
    import bpy

    for folder in sorted(path.parent for path in out.glob("*/view.json")):
        if (folder / f"lit_{EXPRESSIONS[-1]}.png").exists():
            continue
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.import_scene.gltf(filepath=str(heads / folder.name / "head.glb"))
        _light_and_look(bpy, json.loads((folder / "view.json").read_text()))
        image = next(image for image in bpy.data.images if image.name.startswith("base_colour"))
        for name in ("map", *EXPRESSIONS):
            new = bpy.data.images.load(str(folder / f"{name}.png"))
            for material in bpy.data.materials:
                for node in material.node_tree.nodes if material.node_tree else ():
                    if node.type == "TEX_IMAGE" and node.image == image:
                        node.image = new
            image = new
            bpy.context.scene.render.filepath = str(folder / f"lit_{name}.png")
            bpy.ops.render.render(write_still=True)
        print(folder.name, flush=True)


def judge(out: Path) -> None:
    """Print ECS by expression for the inputs, the model's pictures and both re-renders."""
    import torch
    from PIL import Image

    from reggan_plugin.vocabulary.expression import EXPRESSION_NAMES
    from reggan_training.metrics.judges import Judges, name_expressions

    network = Judges.load().expression
    folders = sorted(path.parent for path in out.glob("*/view.json"))
    for folder in folders:
        _crop_lit(folder)
    print(f"{len(folders)} heads; ECS named / mean probability")
    kinds = ("unlit_map", "model", "unlit", "side_map", "side", "lit_map", "lit")
    print("| expression |", " | ".join(kinds), "|")
    for name in EXPRESSIONS:
        row = []
        for kind in kinds:
            stem = kind if kind.endswith("map") else f"{kind}_{name}"
            stem = f"crop_{stem}" if kind.startswith("lit") else stem.replace("side", "side?")
            files = [file for folder in folders for file in sorted(folder.glob(f"{stem}.png"))]
            pictures = [np.asarray(Image.open(file).convert("RGB")) / 255 for file in files]
            if not pictures:
                row.append("-")
                continue
            planes = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
            named = name_expressions(network, planes)
            wanted = EXPRESSION_NAMES.index(name)
            share = (named.argmax(dim=1) == wanted).float().mean()
            row.append(f"{share:.2f} / {named[:, wanted].mean():.2f}")
        print("|", name, "|", " | ".join(row), "|")
    documents = [json.loads((folder / "view.json").read_text()) for folder in folders]
    every = np.array([[d["levels_from_model"][name] for name in EXPRESSIONS] for d in documents])
    for column, what in enumerate(("all", "changed material", "changed material, from 30 degrees")):
        values = every[..., column]
        print(f"levels from the model's picture, {what}: {values.mean():.2f} ({values.max():.2f})")


def draw_sheet(out: Path) -> None:
    """Write the maps of two heads and the heads that wear them, without light, as one picture."""
    from PIL import Image

    stems = ("map", *EXPRESSIONS)
    sheet = Image.new("RGB", (CELL_PX * len(stems), CELL_PX * 2 * len(SHOWN)))
    for row, (name, prefix) in enumerate((name, p) for name in SHOWN for p in ("", "unlit_")):
        for column, stem in enumerate(stems):
            picture = Image.open(out / name / f"{prefix}{stem}.png").convert("RGB")
            if not prefix:
                picture = picture.crop([round(share * picture.width) for share in FACE_ON_MAP])
            cell = picture.resize((CELL_PX, CELL_PX), Image.Resampling.LANCZOS)
            sheet.paste(cell, (column * CELL_PX, row * CELL_PX))
    sheet.save(out / "texture_maps.jpg", quality=88)


def _sides(face: Any, transfer: Any) -> list[tuple[Any, Any]]:
    """Views from both sides in which a face is found, and the crops."""
    from reggan_plugin.faces.face_finder import FaceFinder
    from reggan_plugin.textures.views.framing import closer, locate, turned

    finder = FaceFinder(transfer.card.canonical_points, transfer.card.image_size_px)
    views = [turned(face.framed, yaw_deg) for yaw_deg in SIDES_DEG]
    found = [(view, locate(face.stage, finder, view)) for view in views]
    return [
        closer(replace(face.framed, view=view, crop=crop), SIDE_PX)
        for view, crop in found
        if crop is not None
    ]


def _off_from_sides(
    face: Any, stage: Any, transfer: Any, name: str, sides: list[tuple[Any, Any]], folder: Path
) -> list[float]:
    """Levels between the changed head from the sides and what the model makes of those views."""
    from reggan_plugin.vocabulary.expression import ExpressionMix

    off = []
    for number, (view, crop) in enumerate(sides):
        before, after = face.stage.take(view), stage.take(view)
        wanted = transfer.change_view(
            before.colour, before.coverage, ExpressionMix({name: 1.0}), crop
        ).pixels
        inside = (wanted != before.colour).any(axis=2) & np.isin(after.part, face.parts)
        off.append(float(np.abs(after.colour - wanted).mean(axis=2)[inside].mean() * 255))
        _save_crop(after.colour, crop, folder / f"side{number}_{name}.png")
    return [float(np.mean(off))]


def _light_and_look(bpy: Any, view: dict[str, Any]) -> None:
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.seed = "CYCLES", 16, 0
    scene.cycles.use_denoising = True
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.resolution_x = scene.render.resolution_y = LIT_PX
    scene.view_settings.view_transform = "Standard"
    swap = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # Blender's importer turns y to z
    matrix = np.eye(4)
    matrix[:3, :3] = (np.array(view["axes"]) @ swap.T).T
    matrix[:3, 3] = swap @ np.array(view["eye"])
    camera = bpy.data.cameras.new("camera")
    camera.sensor_width = 36.0
    camera.lens = view["focal_px"] / SIDE_PX * 36.0
    camera.shift_x = -(view["centre_px"][0] / SIDE_PX - 0.5)
    camera.shift_y = view["centre_px"][1] / SIDE_PX - 0.5
    thing = bpy.data.objects.new("camera", camera)
    thing.matrix_world = matrix.T.tolist()
    scene.collection.objects.link(thing)
    scene.camera = thing
    for azimuth_deg, energy in ((40.0, 22.0), (-55.0, 8.0)):
        lamp = bpy.data.lights.new("lamp", "AREA")
        lamp.energy, lamp.size = energy, 0.4
        way = np.array(
            [math.sin(math.radians(azimuth_deg)), -math.cos(math.radians(azimuth_deg)), 0.5]
        )
        place = bpy.data.objects.new("lamp", lamp)
        place.location = (1.2 * way / np.linalg.norm(way)).tolist()
        place.rotation_mode = "QUATERNION"
        import mathutils

        place.rotation_quaternion = mathutils.Vector(way.tolist()).to_track_quat("Z", "Y")
        scene.collection.objects.link(place)
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.2, 0.2, 0.2, 1)
    scene.world = world


def _crop_lit(folder: Path) -> None:
    from PIL import Image

    from reggan_plugin.imaging.crop import FaceCrop

    view = json.loads((folder / "view.json").read_text())
    crop = FaceCrop(np.array(view["crop"]), view["crop_side_px"]).scaled(LIT_PX / SIDE_PX)
    for path in folder.glob("lit_*.png"):
        picture = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
        _save_crop(picture, crop, folder / f"crop_{path.name}")


def _at(picture: np.ndarray, side_px: int) -> np.ndarray:
    from PIL import Image

    planes = [
        np.asarray(Image.fromarray(plane).resize((side_px, side_px), Image.Resampling.LANCZOS))
        for plane in np.ascontiguousarray(np.moveaxis(picture, 2, 0))
    ]
    return np.stack(planes, axis=2)


def _save_crop(picture: np.ndarray, crop: Any, path: Path) -> None:
    from reggan_plugin.imaging.crop import cut_crop

    _save(cut_crop(picture, crop), path)


def _save(picture: np.ndarray, path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(path)


def main() -> None:
    """Run one of the steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["maps", "lit", "judge", "sheet"])
    parser.add_argument("--heads", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.step == "maps":
        make_maps(arguments.heads, arguments.out)
    elif arguments.step == "lit":
        render_lit(arguments.heads, arguments.out)
    elif arguments.step == "judge":
        judge(arguments.out)
    else:
        draw_sheet(arguments.out)


if __name__ == "__main__":
    main()
