"""What `edgeface bench` measures: the stages of the loop, the files of a bundle, and the loop beside its peers."""
