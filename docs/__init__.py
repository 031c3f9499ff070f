"""The documents, and what makes the parts of them that are made from the code."""
