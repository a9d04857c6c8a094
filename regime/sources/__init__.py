"""From bytes to Observations: a folder of files, or a simulated market."""
