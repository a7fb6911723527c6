"""The API document, built from the view table."""
