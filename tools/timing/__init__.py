"""How long the layers of a net take, and how much work they do."""
