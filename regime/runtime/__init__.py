"""The saved model: numpy and lightgbm only."""
