"""Writes the EXR files of this folder: `python write_frames.py` with Blender's `bpy` installed.

Small frames of Blender's default cube with passes, cryptomatte and two views; the files are kept
so that their tests need no Blender.
"""

from pathlib import Path

import bpy

FOLDER = Path(__file__).parent


def write(name: str, *, views: bool = False, layers: bool = True, **settings: object) -> None:
    """Render the scene into a file of this folder."""
    render = bpy.context.scene.render
    image = render.image_settings
    image.media_type = "MULTI_LAYER_IMAGE" if layers else "IMAGE"
    image.file_format = "OPEN_EXR_MULTILAYER" if layers else "OPEN_EXR"
    render.use_multiview = views
    render.views_format = "STEREO_3D"
    if views:
        image.views_format = "MULTIVIEW"
    for key, value in {"color_depth": "16", "exr_codec": "ZIP", **settings}.items():
        setattr(image, key, value)
    render.filepath = str(FOLDER / name)
    bpy.ops.render.render(write_still=True)


def main() -> None:
    """Write all files."""
    scene = bpy.context.scene
    render = scene.render
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 2, False
    render.resolution_x, render.resolution_y, render.resolution_percentage = 48, 32, 100
    render.film_transparent = True
    for name in dir(render):
        if name.startswith("use_stamp_"):  # names of folders and machines do not belong here
            setattr(render, name, name in ("use_stamp_frame", "use_stamp_camera"))
    passes = scene.view_layers[0]
    passes.use_pass_z = passes.use_pass_diffuse_color = True
    passes.use_pass_cryptomatte_object, passes.pass_cryptomatte_depth = True, 2
    write("multilayer.exr", use_exr_interleave=True)
    write("multilayer_parts.exr", use_exr_interleave=False, exr_codec="PIZ")
    write("multiview.exr", views=True, use_exr_interleave=True)
    write("multiview_parts.exr", views=True, use_exr_interleave=False)
    write("stereo.exr", views=True, layers=False, exr_codec="ZIPS", color_depth="32")
    write("lossy.exr", layers=False, exr_codec="DWAA")


main()
