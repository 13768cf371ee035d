-- The last generation of a refresh token that was repeated after the grace window, and how many in a row were.
ALTER TABLE sessions ADD COLUMN late_generation INTEGER;
ALTER TABLE sessions ADD COLUMN late_in_a_row   INTEGER;
