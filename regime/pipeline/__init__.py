"""What joins the stages without being a verb: from one config to a forecast and a strategy."""
