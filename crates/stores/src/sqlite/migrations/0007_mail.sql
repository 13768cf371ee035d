-- A mail that has expired stays for a day, and no claim reads its row.
DROP INDEX mail_by_due;
CREATE INDEX mail_by_due ON mail (due, id, expires);
