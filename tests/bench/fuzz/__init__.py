"""Feed hostile input to every parser of the device, millions of times: `python -m tests.bench.fuzz --help`."""
