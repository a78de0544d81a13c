"""The tables of a gallery, version by version, and what is true of their rows."""

APPLICATION_ID = 0x45644661
"""Marks the file as ours ("EdFa"), so that no other program's database is ever changed."""

MIGRATIONS = (
    (
        "CREATE TABLE migrations (number INTEGER PRIMARY KEY, applied_at REAL NOT NULL)",
        "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, "
        "enrolled_at REAL NOT NULL)",
        "CREATE TABLE templates (id INTEGER PRIMARY KEY, "
        "person_id INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE, vector BLOB NOT NULL, "
        "model TEXT NOT NULL, source TEXT NOT NULL, created_at REAL NOT NULL)",
        "CREATE INDEX templates_of_person ON templates (person_id)",
        f"PRAGMA application_id = {APPLICATION_ID}",
    ),
    (
        "CREATE TABLE encryption (ring BLOB NOT NULL)",
        "CREATE TABLE key_copies (folder TEXT PRIMARY KEY)",
        "ALTER TABLE people ADD COLUMN key BLOB",
    ),
    (
        "CREATE TABLE audit (number INTEGER PRIMARY KEY, at REAL NOT NULL, actor TEXT NOT NULL, "
        "action TEXT NOT NULL, person INTEGER, amounts TEXT NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL)",
        "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit "
        "BEGIN SELECT raise(ABORT, 'entries of the audit log are never changed'); END",
    ),
    (
        "CREATE TABLE consents (person_id INTEGER PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE, "
        "given_by TEXT NOT NULL, text TEXT NOT NULL, given_at REAL NOT NULL, expires_at REAL)",
    ),
    (
        "ALTER TABLE templates ADD COLUMN set_aside TEXT",
        "CREATE TABLE calibrations (model TEXT PRIMARY KEY, threshold REAL NOT NULL, margin REAL NOT NULL, "
        "rate REAL NOT NULL, people INTEGER NOT NULL, made_at REAL NOT NULL)",
    ),
    (
        "CREATE TABLE chips (look INTEGER PRIMARY KEY REFERENCES templates (id) ON DELETE CASCADE, "
        "picture BLOB NOT NULL)",
        "CREATE TABLE next_templates (look INTEGER PRIMARY KEY REFERENCES templates (id) ON DELETE CASCADE, "
        "vector BLOB NOT NULL, model TEXT NOT NULL)",
        "CREATE TABLE upgrades (number INTEGER PRIMARY KEY, old TEXT NOT NULL, new TEXT NOT NULL, "
        "begun_at REAL NOT NULL, ended_at REAL)",
    ),
    (
        "CREATE TABLE visits (person_id INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE, "
        "model TEXT NOT NULL, similarity REAL NOT NULL, at REAL NOT NULL)",
        "CREATE INDEX visits_of_person ON visits (person_id)",
    ),
    (
        "CREATE TABLE unknowns (person_id INTEGER PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE, "
        "visits INTEGER NOT NULL, last_at REAL NOT NULL, ignored INTEGER NOT NULL)",
    ),
)
"""The statements of each schema version, from 1. Append only: what was released is never edited."""

KINDS = (
    (1, "people", "typeof(name) = 'text' AND enrolled_at BETWEEN 0 AND 253402300799"),
    (
        1,
        "templates",
        "typeof(vector) = 'blob' AND typeof(model) = 'text' AND typeof(source) = 'text' "
        "AND created_at BETWEEN 0 AND 253402300799",
    ),
    (2, "encryption", "typeof(ring) = 'blob' AND length(ring) = 16"),
    (2, "key_copies", "typeof(folder) = 'text'"),
    (
        2,
        "people",
        "CASE WHEN EXISTS (SELECT 1 FROM encryption) THEN typeof(key) = 'blob' AND length(key) = 16 "
        "ELSE key IS NULL END",
    ),
    (3, "audit", "typeof(previous) = 'blob' AND typeof(hash) = 'blob' AND at BETWEEN 0 AND 253402300799"),
    (
        4,
        "consents",
        "typeof(given_by) = 'text' AND typeof(text) = 'text' AND given_at BETWEEN 0 AND 253402300799 "
        "AND (expires_at IS NULL OR expires_at BETWEEN 0 AND 253402300799)",
    ),
    (5, "templates", "typeof(set_aside) IN ('text', 'null')"),
    (
        5,
        "calibrations",
        "typeof(model) = 'text' AND threshold BETWEEN -1 AND 1 AND margin BETWEEN 0 AND 2 AND rate BETWEEN 0 AND 1 "
        "AND typeof(people) = 'integer' AND made_at BETWEEN 0 AND 253402300799",
    ),
    (6, "chips", "typeof(picture) = 'blob'"),
    (6, "next_templates", "typeof(vector) = 'blob' AND typeof(model) = 'text'"),
    (
        6,
        "upgrades",
        "typeof(old) = 'text' AND typeof(new) = 'text' AND begun_at BETWEEN 0 AND 253402300799 "
        "AND (ended_at IS NULL OR ended_at BETWEEN 0 AND 253402300799)",
    ),
    (7, "visits", "typeof(model) = 'text' AND similarity BETWEEN -1 AND 1.001 AND at BETWEEN 0 AND 253402300799"),
    (8, "unknowns", "typeof(visits) = 'integer' AND ignored IN (0, 1) AND last_at BETWEEN 0 AND 253402300799"),
)
"""Since which schema, what is true of every row of a table; SQLite itself keeps any value in any column. A text is
after every number, and the last time is the end of the year 9999. Either everybody has a key or nobody."""
