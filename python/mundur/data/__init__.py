"""Arrays, targets and batches, checked."""
