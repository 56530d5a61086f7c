"""heald: the unprivileged half. It detects what is wrong, decides what to do, and asks the root helper to do it."""

__version__ = "0.1.0"
