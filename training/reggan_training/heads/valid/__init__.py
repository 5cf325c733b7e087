"""The VALID family: artist-made game avatars with textures."""
