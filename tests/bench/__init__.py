"""make bench: how long repairs take and what watching costs, beside others, in one booted machine and one run."""
