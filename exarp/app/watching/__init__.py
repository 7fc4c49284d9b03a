"""What `watch` has beyond a run: the files that it watches, and services that stand from one run to the next."""
