"""Updates of all parameters at once, with the fast engine: by compiled loops or oneDNN's passes."""
