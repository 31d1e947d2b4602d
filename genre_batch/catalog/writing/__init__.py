"""Write catalogs: chunks of rows in, whole files out, renamed into place when done."""
