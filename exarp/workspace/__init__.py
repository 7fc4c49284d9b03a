"""What is on disk: globbing, stat and content fingerprints. Decides nothing."""
