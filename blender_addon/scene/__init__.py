"""Reading and changing a .blend: images, frames, heads, materials, the compositor."""
