"""Walk-forward folds, purged from the labels' ends and embargoed."""
