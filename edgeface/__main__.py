"""Run the command line as `python -m edgeface`."""

from edgeface.cli.main import main

main()
