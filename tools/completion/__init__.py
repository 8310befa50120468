"""What shells complete: commands and options by argparse, and what stands in a config."""
