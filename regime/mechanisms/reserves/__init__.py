"""Reserve scarcity: funding spreads, demand for reserves and backstops."""
