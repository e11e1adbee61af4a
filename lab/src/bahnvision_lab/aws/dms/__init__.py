"""AWS DMS Serverless for PostgreSQL: what AWS keeps and refuses, and full loads that truly move the rows."""
