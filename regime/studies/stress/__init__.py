"""What is left of a rule under worse fills, costs, signals, histories and training."""
