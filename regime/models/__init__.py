"""The classifier, its rivals and their calibration."""
