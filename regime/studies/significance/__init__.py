"""How much of a measured skill or Sharpe ratio is more than chance, and what it rests on."""
