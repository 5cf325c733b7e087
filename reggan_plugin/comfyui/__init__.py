"""Nodes for ComfyUI: a batch of pictures in, the same batch with an expression out."""
