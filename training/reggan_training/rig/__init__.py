<<<<<<< HEAD
"""The rig that ships: its template, and what its mouth is made of."""
=======
"""Geometry that the runtime lays over pictures, built from the CC0 head assets."""
>>>>>>> mouth
