"""Market depth: spreads and price impact."""
