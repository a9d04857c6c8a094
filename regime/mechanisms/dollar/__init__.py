"""Dollar stress: dash for dollars, debasement and carry."""
