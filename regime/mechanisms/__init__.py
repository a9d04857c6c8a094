"""Market mechanics: prices and reports in, levels, exposures and flows out."""
