"""Colours of teeth."""

import pytest
import torch

from reggan_training.motion.mouth_painter import evenly_tinted


def test_teeth_have_the_tint_of_those_that_are_seen_and_their_own_brightness() -> None:
    tones = torch.empty(1, 3, 1, 4)
    tones[0, :, 0, 0] = torch.tensor([0.8, 0.7, 0.6])
    tones[0, :, 0, 1] = torch.tensor([0.4, 0.35, 0.3])
    tones[0, :, 0, 2:] = torch.tensor([0.1, 0.9, 0.9])[:, None]  # teal, behind the lips
    seen = torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 1, 4)
    even = evenly_tinted(tones, seen)[0, :, 0]
    assert even[:, 0].numpy() == pytest.approx([0.8, 0.7, 0.6], abs=0.01)
    assert even[:, 1].numpy() == pytest.approx([0.4, 0.35, 0.3], abs=0.01)
    assert (even[2] < even[1]).all()
    assert (even[1] < even[0]).all()
