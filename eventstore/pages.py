"""Reading tables page by page, each bounded by bytes in the database: what is too much is never sent."""


def page(columns: str, *, size: str, source: str, order: str, rows: str, max_bytes: str) -> str:
    """The SELECT of the next rows of `source` (a table and its WHERE) in a total `order`.

    At most `rows`, and of these at most `max_bytes`, or a single larger one. `size` is the SQL of a row's bytes, as in
    `octet_length(state)`, which PostgreSQL knows without reading the value. All arguments are SQL of ours; `rows` and
    `max_bytes` may be parameters.
    """
    return (
        f"SELECT {columns} FROM (SELECT *, {size} AS own_bytes, "
        f"sum({size}) OVER (ORDER BY {order} ROWS UNBOUNDED PRECEDING) AS total_bytes "
        f"FROM (SELECT * FROM {source} ORDER BY {order} LIMIT {rows}) AS next) AS page "
        f"WHERE total_bytes <= {max_bytes} OR total_bytes = own_bytes ORDER BY {order}"
    )
