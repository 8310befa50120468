"""For editors: the JSON Schema of configs, which completes, explains and checks what is typed."""
