"""Where the face is: landmarks, crops, locator."""
