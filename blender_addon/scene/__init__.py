"""What lies in a .blend, read and changed: images, frames, heads, materials, the compositor."""
