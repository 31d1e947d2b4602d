"""The paper's experiment: which systems, on which films, kept how."""
