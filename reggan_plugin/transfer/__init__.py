"""A frame in, a frame out: a face is cut out for the model, and its answer is pasted back."""
