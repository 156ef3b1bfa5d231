"""Read models in PostgreSQL: tables, live writes by version, generations, consistent reads."""
