"""What ``demitasse check`` prints of the nets it has seen."""
