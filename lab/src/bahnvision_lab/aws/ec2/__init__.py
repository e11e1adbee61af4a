"""EC2 of the lab."""
