"""The rig that ships: its template, and what its mouth is made of."""
