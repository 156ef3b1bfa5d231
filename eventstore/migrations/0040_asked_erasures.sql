-- Erasures of a subject that somebody asked for, until they have ended: one whose process was killed is gone on with by
-- another. `documents`: the list that was shown, and once `listed` those of it that name the subject; `done`: how many of
-- them are erased. `questions`, `entities`, `keys` and `in_the_clear` are what went with those.
CREATE TABLE annals.asked_erasures (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    asked_by jsonb NOT NULL,
    names text[] NOT NULL,
    documents text[] NOT NULL,
    reason text NOT NULL,
    listed boolean NOT NULL DEFAULT false,
    done integer NOT NULL DEFAULT 0,
    questions text[] NOT NULL DEFAULT '{}',
    entities text[] NOT NULL DEFAULT '{}',
    keys integer NOT NULL DEFAULT 0,
    in_the_clear integer NOT NULL DEFAULT 0,
    asked_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz NOT NULL
);
