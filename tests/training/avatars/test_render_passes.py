import numpy as np

from reggan_training.avatars.render_passes import (
    RenderPasses,
    face_mask,
    light_from_srgb,
    picture_from_light,
)
from reggan_training.avatars.surfaces import SURFACES


def test_face_mask_leaves_out_hair_glasses_and_background() -> None:
    surface = np.arange(len(SURFACES))[None, :]
    passes = RenderPasses(colour=np.zeros((1, len(SURFACES), 3)), surface=surface)
    shown = dict(zip(SURFACES, face_mask(passes)[0].tolist(), strict=True))
    assert shown["face"]
    assert shown["tooth"]
    assert not any(shown[name] for name in ("background", "hair", "glasses", "lens", "neck"))


def test_light_is_encoded_as_srgb_and_highlights_stay_below_white() -> None:
    light = np.array([[[0.0, 0.18, 0.7], [1.0, 4.0, 100.0]]])
    picture = picture_from_light(light)
    np.testing.assert_allclose(light_from_srgb(picture)[0, 0], light[0, 0], atol=1e-9)
    assert (np.diff(picture[0, 1]) >= 0).all()
    assert picture.max() <= 1.0
