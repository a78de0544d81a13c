"""The bench that proves a network: verification, one-shot search, slices and intervals on people it never saw."""
