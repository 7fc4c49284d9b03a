"""What is wrong with a manifest: where it stands, in which words, what was most likely meant."""
