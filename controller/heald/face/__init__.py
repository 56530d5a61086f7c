"""What a person meets: the command and its words."""
