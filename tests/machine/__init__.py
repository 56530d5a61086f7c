"""A real systemd: a throw-away machine booted from an overlay of this host's own root, with heald installed in it."""
