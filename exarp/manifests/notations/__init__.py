"""What a manifest is written in: TOML, YAML, JSON, a table of pyproject.toml. Text becomes dictionaries, and offsets places."""
