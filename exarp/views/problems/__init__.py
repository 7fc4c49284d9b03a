"""What is wrong: for people, for GitHub, as SARIF."""
