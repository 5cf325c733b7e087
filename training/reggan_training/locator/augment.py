"""Photometric augmentation of a finished grey patch: light, tone, noise, blur, compression."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

Patch = Float[np.ndarray, "height width"]


def augment(
    patch: UInt8[np.ndarray, "height width"], rng: np.random.Generator
) -> UInt8[np.ndarray, "height width"]:
    """Return the patch as another camera, light and codec might have shown it."""
    if rng.random() < 0.12:
        patch = _occlude(patch.copy(), rng)
    image = patch.astype(np.float32) / np.float32(255.0)
    if rng.random() < 0.4:
        image = _shade(image, rng)
    image = _change_tone(image, rng)
    if rng.random() < 0.35:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.3)), np.float32)
    if rng.random() < 0.45:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        limit = min(0.07, 0.45 * float(image.std()))  # the face stays visible
        image = image + noise * np.float32(rng.uniform(0.0, limit))
    result = np.clip(image * 255.0 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        _, code = cv2.imencode(
            ".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 90))]
        )
        result = np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return result


def _change_tone(image: Patch, rng: np.random.Generator) -> Patch:
    """Gamma, contrast, brightness; once in 25 a negative."""
    if rng.random() < 0.04:
        image = 1 - image
    if rng.random() < 0.6:
        image = np.clip(image, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.4)))
    middle = float(image.mean())
    contrast = np.exp(rng.uniform(np.log(0.35), np.log(1.6)))
    reach = contrast * float(image.std())
    target = np.clip(middle + rng.normal(0, 0.12), min(reach, 0.5), max(1 - reach, 0.5))
    return np.asarray((image - middle) * np.float32(contrast) + np.float32(target), np.float32)


def _shade(image: Patch, rng: np.random.Generator) -> Patch:
    """Multiply by a smooth ramp: light from one side, or the shadow of something."""
    corners = rng.uniform(0.35, 1.3, (int(rng.integers(1, 4)), int(rng.integers(1, 4))))
    size = (image.shape[1], image.shape[0])
    ramp = cv2.resize(corners.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(image * ramp, dtype=np.float32)


def _occlude(
    patch: UInt8[np.ndarray, "height width"], rng: np.random.Generator
) -> UInt8[np.ndarray, "height width"]:
    """Cover a small ellipse or bar with one tone."""
    height, width = patch.shape
    centre = (int(rng.integers(width)), int(rng.integers(height)))
    axes = (int(width * rng.uniform(0.02, 0.12)), int(height * rng.uniform(0.02, 0.12)))
    angle, tone = float(rng.uniform(0, 180)), (int(rng.integers(256)),)
    cv2.ellipse(patch, centre, axes, angle, 0, 360, tone, -1)
    return patch
