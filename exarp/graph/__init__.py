"""Tasks as a graph of dense ids: edges, cycles, levels, reachability, critical path."""
