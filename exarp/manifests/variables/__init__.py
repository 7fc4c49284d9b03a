"""Variables: those of [vars], those of dotenv files, and how a script finds them."""
