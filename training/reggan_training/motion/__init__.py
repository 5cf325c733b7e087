"""RegGAN of contract 2: motion, light gain, cover and paint, with the truth from the rig."""
