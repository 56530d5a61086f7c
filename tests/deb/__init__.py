"""The Debian packages, built from this checkout and installed by apt in booted machines that have no heald."""
