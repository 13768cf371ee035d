-- Another code for a sign-in takes the mails of its ticket out of the queue, however many mails wait.
CREATE INDEX mail_of_ticket ON mail (tenant, ticket) WHERE ticket IS NOT NULL;
-- What is long over is found without reading the mails that wait.
CREATE INDEX mail_by_end ON mail (expires);
