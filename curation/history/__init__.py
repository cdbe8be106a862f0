"""What changed, by whom, and taking it back."""
