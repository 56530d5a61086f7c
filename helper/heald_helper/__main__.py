"""`python3 -m heald_helper`."""

from .service import main

main()
