"""Face location: landmarks, crops, locator."""
