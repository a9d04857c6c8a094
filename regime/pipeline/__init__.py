"""What joins the stages without being a verb."""
