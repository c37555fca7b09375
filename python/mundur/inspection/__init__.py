"""Models looked into: each pass shown, each gradient checked."""
