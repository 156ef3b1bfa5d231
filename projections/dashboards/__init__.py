"""Views of the live read models for dashboards of others, and the database roles that may read them."""
