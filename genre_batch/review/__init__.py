"""`apply`: write a catalog again with the labels that a person decided on."""
