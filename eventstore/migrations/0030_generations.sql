-- Every generation of every read model, the live ones too. What a generation is called where it lies (a schema, a label,
-- an index) is made of its id; its purpose is `next`, `verify`, or whatever name somebody gave it. `as_of`: the position of
-- the log where it ends; null follows the log. Who works on it renews the lease; one that is not live and has expired is
-- removed when nobody holds its lease.
CREATE TABLE annals.generations (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{1,32}$'),
    read_model text NOT NULL,
    purpose text NOT NULL,
    schema_version integer NOT NULL,
    model_revision text,
    as_of bigint,
    state text NOT NULL CHECK (state IN ('building', 'ready', 'live', 'retired', 'dropping')),
    owner text,
    leased_until timestamptz,
    rows bigint,
    position bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    switched_at timestamptz,
    expires_at timestamptz
);
CREATE UNIQUE INDEX generations_live ON annals.generations (read_model) WHERE state = 'live';
CREATE UNIQUE INDEX generations_purpose ON annals.generations (read_model, purpose) WHERE state IN ('building', 'ready');
