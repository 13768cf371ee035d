CREATE TABLE todo_lists (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT, owner TEXT NOT NULL, created BIGINT NOT NULL);
CREATE INDEX todo_lists_of_owner ON todo_lists (owner, created);
CREATE TABLE todo_tasks (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, completed BIGINT NOT NULL, created BIGINT NOT NULL,
    list TEXT NOT NULL REFERENCES todo_lists (id) ON DELETE CASCADE);
CREATE INDEX todo_tasks_of_list ON todo_tasks (list, created);
