"""What a model answers for a face, and what is mended in it before the frame is changed."""
