"""The RegGAN tab in the sidebars."""
