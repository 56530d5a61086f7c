"""`healctl backup` with the real rsync."""
