"""The commands: parse arguments, call the engine, print."""
