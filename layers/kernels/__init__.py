"""Array work that several layers share: window geometry, im2col, labels."""
