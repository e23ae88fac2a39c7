"""`python -m bridge.cli` is `bbb`."""

from bridge.cli.app import main

main()
