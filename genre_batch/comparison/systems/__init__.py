"""The systems that the paper's experiment compares."""
