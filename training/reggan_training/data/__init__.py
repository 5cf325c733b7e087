"""Training data: sets on disk, splits, augmentation, pairs."""
