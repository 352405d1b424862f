"""Lay out the pages of our own people: what each shows, in the reader's language, ready for its template."""
