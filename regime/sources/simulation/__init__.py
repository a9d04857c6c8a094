"""A simulated market: agents trade on prices that their own flows move, and what it publishes."""
