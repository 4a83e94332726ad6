"""Store in an SQL database: writes by the standard library, reads by SQLAlchemy."""
