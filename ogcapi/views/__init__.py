"""Views: one standard shown of a collection each."""
