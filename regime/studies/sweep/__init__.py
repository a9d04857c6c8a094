"""Very many settings of a rule through one history, and which of them to choose."""
