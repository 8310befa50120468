"""What every command shares with the terminal: messages, tables, exit codes."""
