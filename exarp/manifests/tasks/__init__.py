"""What the keys of a task mean: fields, matrices, templates, parameters, conditions."""
