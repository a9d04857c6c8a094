"""What was known at each decision: sessions, release times, the as-of merge."""
