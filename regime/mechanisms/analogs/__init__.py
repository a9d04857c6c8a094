"""Which past windows resemble today, and what kind of episode a day belongs to."""
