"""What a person wrote in a file of TOML, read or shown back to them. Pure."""


def shown(value: object) -> str:
    """As it is written there."""
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def count(value: object) -> int:
    """A whole number from 1 on; ValueError for all else."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"must be a whole number from 1 on, not {shown(value)}")
    return value
