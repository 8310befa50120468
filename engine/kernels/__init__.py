"""Fast kernels that whole nets are compiled to; the reference ones are in ``layers/kernels``."""
