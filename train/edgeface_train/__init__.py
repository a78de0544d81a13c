"""Train, evaluate and export edgeface networks on a workstation."""
