"""The camera before a head, the turn of the head, and the projection of its points."""

import math

import numpy as np
from jaxtyping import Float

from reggan_training.avatars.avatar_look import AvatarCamera

SENSOR_MM = 36.0
TURN_CENTRE_M = np.array([0.0, 0.075, 0.0])
"""The head's middle, around which it is turned, from the middle between the eyes."""


def head_turn(yaw_deg: float, pitch_deg: float) -> Float[np.ndarray, "4 4"]:
    """The motion that turns a head to its own left (yaw) and up (pitch)."""
    yaw, pitch = math.radians(yaw_deg), math.radians(-pitch_deg)
    about_z = np.array(
        [[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]]
    )
    about_x = np.array(
        [[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]]
    )
    motion = np.eye(4)
    motion[:3, :3] = about_z @ about_x
    motion[:3, 3] = TURN_CENTRE_M - motion[:3, :3] @ TURN_CENTRE_M
    return motion


def pose_looking_from(
    eye: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "4 4"]:
    """The pose (to world) of something at `eye` whose −z points at `target` and whose y is up."""
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = right, np.cross(back, right), back
    pose[:3, 3] = eye
    return pose


def camera_pose(camera: AvatarCamera, chin_m: float, crown_m: float) -> Float[np.ndarray, "4 4"]:
    """The camera's pose for a head between these heights over its eyes."""
    height = crown_m - chin_m
    distance = camera.focal_length_mm * height / (SENSOR_MM * camera.head_height)
    view_m = height / camera.head_height
    centre = np.array(
        [-camera.shift_right * view_m, 0.0, (chin_m + crown_m) / 2 - camera.shift_up * view_m]
    )
    pose = pose_looking_from(centre - np.array([0.0, distance, 0.0]), centre)
    roll = math.radians(camera.roll_deg)
    turn = np.array(
        [[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
    )
    pose[:3, :3] = pose[:3, :3] @ turn
    return pose


def pixels_from_points(
    points: Float[np.ndarray, "points 3"],
    pose: Float[np.ndarray, "4 4"],
    focal_length_mm: float,
    side_px: int,
) -> Float[np.ndarray, "points 2"]:
    """Project points of the world: (x, y) in pixels from the picture's upper left corner."""
    local = (points - pose[:3, 3]) @ pose[:3, :3]
    seen = local[:, :2] / -local[:, 2:] * (focal_length_mm / SENSOR_MM)
    return (seen * [1.0, -1.0] + 0.5) * side_px
