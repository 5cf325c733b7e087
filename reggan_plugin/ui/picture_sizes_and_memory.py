"""Sizes of shown pictures, and what stays in memory, of the page and of *Live*."""

LARGEST_PICTURE_PX = 4096
"""Of the longer side that a request may ask for."""
LONGEST_SCREEN_PX = 4096
"""Larger frames are shown reduced by a whole factor; they are saved at their own size."""
LONGEST_MAP_PX = 2048
"""Larger maps are shown reduced by a whole factor; they are saved at their own size."""
THUMBNAIL_PX = 192
"""Of the gallery."""
THUMBNAILS_AT_ONCE = 2
"""More need memory, and are no quicker on few cores."""
FRAMES_HELD, HEADS_HELD, FACES_HELD, EXPOSURES_HELD = 2, 1, 6, 64
"""That stay in memory, the newest of each; frames also those of *Live* in Blender."""
LARGEST_LIVE_FACE_PX = 640
"""Of a side, in Blender's *Live*: on one core it is changed in 0.15 s."""
