"""RDS for PostgreSQL: what AWS offers and refuses, and a real server behind every instance."""
