-- What each embedder that served is called where models are found (a package, a folder, a hub): by its revision, which
-- generations of the vector read model name, every process finds it.
CREATE TABLE annals.embedders (
    revision text PRIMARY KEY,
    name text NOT NULL,
    name_revision text
);
