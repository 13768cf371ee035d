-- The key under which the secret of a ticket was hashed; none if it was hashed by a version without such keys.
ALTER TABLE tickets ADD COLUMN kid TEXT;
