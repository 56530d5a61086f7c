"""make demo: three things are broken, one per category, and heald is watched healing each."""
