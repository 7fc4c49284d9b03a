"""A plan and its graph: tables, documents, DOT and Mermaid, and why two may not run side by side."""
