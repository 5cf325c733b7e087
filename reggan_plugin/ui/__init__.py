"""A local page: open a picture, see its face with other expressions, save it or render the shot."""
