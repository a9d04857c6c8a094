"""Studies of one question each over the same pipeline; none imports another."""
