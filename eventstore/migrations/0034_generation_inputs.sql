-- What a generation is built by: a build that was broken off goes on only where that is still the same.
ALTER TABLE annals.generations ADD COLUMN inputs text;
