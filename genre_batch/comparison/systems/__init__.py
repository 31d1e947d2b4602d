"""The systems that the paper's experiment compares, one module per kind."""
