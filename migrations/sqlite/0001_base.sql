-- The base schema. Times are milliseconds since 1970-01-01T00:00:00Z. `seq` values come from the one sequence `change`:
-- their order is the order of commits.

CREATE TABLE setting (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sequence (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL,
  at    INTEGER NOT NULL          -- the latest time given out with it; never goes back
) WITHOUT ROWID;
INSERT INTO sequence (name, value, at) VALUES ('change', 0, 0);

-- Preconditions that belong to no row: 'admins', 'nesting/<integration>', ...
CREATE TABLE guard (
  key     TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE integration (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again
  name            TEXT NOT NULL UNIQUE,
  preset          TEXT NOT NULL,
  quirks          INTEGER NOT NULL,
  paused          INTEGER NOT NULL DEFAULT 0,
  rate_limit      INTEGER,                            -- requests a second; NULL the default, 0 off
  user_name_email INTEGER NOT NULL DEFAULT 0,         -- insists on a userName in e-mail form
  sign_in_claim   TEXT,                               -- e.g. 'oid=externalId'
  users           INTEGER NOT NULL DEFAULT 0,
  groups          INTEGER NOT NULL DEFAULT 0,
  nested          INTEGER NOT NULL DEFAULT 0,         -- group-in-group edges
  created         INTEGER NOT NULL
);

CREATE TABLE token (
  id          TEXT PRIMARY KEY,
  integration INTEGER NOT NULL REFERENCES integration (id),
  label       TEXT NOT NULL,
  digest      BLOB NOT NULL UNIQUE,
  created     INTEGER NOT NULL,
  expires     INTEGER,
  revoked     INTEGER,
  last_used   INTEGER
) WITHOUT ROWID;
CREATE INDEX token_integration ON token (integration);

CREATE TABLE person (
  seq           INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  state         INTEGER NOT NULL,                     -- 1 active, 2 inactive, 3 closed
  display       TEXT NOT NULL,
  email         TEXT,
  email_key     TEXT,
  user_name     TEXT,
  user_name_key TEXT,
  authority     INTEGER,                              -- seq of the User that decides
  local         INTEGER NOT NULL DEFAULT 0,           -- signs in by itself, was invited or holds a role by hand
  admin         INTEGER NOT NULL DEFAULT 0,
  epoch         INTEGER NOT NULL,                     -- bumped by every change to what the person is or belongs to
  created       INTEGER NOT NULL,
  modified      INTEGER NOT NULL
);
CREATE INDEX person_user_name ON person (user_name_key) WHERE user_name_key IS NOT NULL;
CREATE INDEX person_email ON person (email_key) WHERE email_key IS NOT NULL;
CREATE INDEX person_admin ON person (admin) WHERE admin = 1;

CREATE TABLE local_account (
  person        INTEGER PRIMARY KEY REFERENCES person (seq),
  password_hash TEXT NOT NULL,                        -- argon2id, PHC form
  created       INTEGER NOT NULL,
  changed       INTEGER NOT NULL
);
CREATE TABLE recovery_code (
  digest BLOB PRIMARY KEY,
  person INTEGER NOT NULL REFERENCES person (seq),
  used   INTEGER
) WITHOUT ROWID;

-- One row per SCIM resource. What is computed at reading (groups, display, $ref, meta) is never in the document.
CREATE TABLE resource (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  integration INTEGER NOT NULL REFERENCES integration (id),
  kind        INTEGER NOT NULL,                       -- 1 User, 2 Group
  name_unique TEXT,                                   -- Users: NFKC + full case fold of userName
  name_match  TEXT NOT NULL,                          -- NFKC + simple lower case of userName or displayName
  display     TEXT NOT NULL,                          -- what a reference to it shows
  external_id TEXT,
  active      INTEGER NOT NULL,
  person      INTEGER REFERENCES person (seq),
  manager     TEXT,                                   -- id the client named, known or not
  doc         BLOB NOT NULL,                          -- JSONB: the document
  keys        BLOB NOT NULL,                          -- JSONB: comparison keys of what is not compared as written
  version     INTEGER NOT NULL,                       -- seq of the last change of the row
  created     INTEGER NOT NULL,
  modified    INTEGER NOT NULL
);
CREATE UNIQUE INDEX resource_name ON resource (integration, name_unique) WHERE name_unique IS NOT NULL;
CREATE INDEX resource_group_name ON resource (integration, name_match) WHERE kind = 2;
CREATE INDEX resource_page ON resource (integration, kind);
CREATE INDEX resource_external ON resource (integration, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX resource_modified ON resource (integration, kind, modified);
CREATE INDEX resource_person ON resource (person) WHERE person IS NOT NULL;
CREATE INDEX resource_manager ON resource (integration, manager) WHERE manager IS NOT NULL;

-- Every e-mail address of every User, as its unique key.
CREATE TABLE email (
  key      TEXT NOT NULL,
  resource INTEGER NOT NULL,
  PRIMARY KEY (key, resource)
) WITHOUT ROWID;
CREATE INDEX email_resource ON email (resource);

-- Members are rows, never part of a document; no cascade: who deletes a resource deletes its memberships.
CREATE TABLE membership (
  grp    INTEGER NOT NULL,
  member INTEGER NOT NULL,
  PRIMARY KEY (grp, member)
) WITHOUT ROWID;
CREATE INDEX membership_member ON membership (member);

-- The version and time of a group are the greater of its row and its last member change.
CREATE TABLE member_change (
  grp INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at  INTEGER NOT NULL,
  PRIMARY KEY (grp, seq)
) WITHOUT ROWID;

CREATE TABLE conflict (
  id            TEXT PRIMARY KEY,
  integration   INTEGER NOT NULL,
  resource      TEXT,                                 -- the User, if it was stored
  user_name     TEXT NOT NULL,
  user_name_key TEXT NOT NULL,
  person        TEXT NOT NULL,
  why           TEXT NOT NULL,
  state         TEXT NOT NULL,                        -- open, linked, kept
  created       INTEGER NOT NULL,
  decided       INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX conflict_pair ON conflict (integration, user_name_key, person);
CREATE INDEX conflict_person ON conflict (person);
CREATE INDEX conflict_state ON conflict (state);

CREATE TABLE domain (
  name        TEXT PRIMARY KEY,
  integration INTEGER NOT NULL,
  method      TEXT NOT NULL,                          -- 'host': claimed on the command line
  created     INTEGER NOT NULL
) WITHOUT ROWID;

-- The change feed and the journal. Metadata holds opaque ids only; what was said lies in the payload.
CREATE TABLE event (
  seq         INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  integration INTEGER,
  request     TEXT NOT NULL,                          -- id of the call or command that caused it
  resource    TEXT,
  person      TEXT,
  actor       TEXT NOT NULL,                          -- 'tok_...', 'host', 'server', 'anonymous'
  method      TEXT,                                   -- set on the one event that is the ProvisioningRecord of a call
  status      INTEGER,
  code        TEXT,                                   -- stable code of a failure
  duration_us INTEGER,
  digest      BLOB NOT NULL                           -- salted digest of the payload
);
CREATE INDEX event_request ON event (request);
CREATE INDEX event_resource ON event (resource) WHERE resource IS NOT NULL;
CREATE INDEX event_failure ON event (integration, code) WHERE code IS NOT NULL;

CREATE TABLE event_payload (
  seq  INTEGER PRIMARY KEY,
  salt BLOB NOT NULL,
  body TEXT NOT NULL
);

-- Hash-chained blocks over events.
CREATE TABLE block (
  number   INTEGER PRIMARY KEY,
  first    INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  previous BLOB NOT NULL,
  hash     BLOB NOT NULL,
  at       INTEGER NOT NULL,
  traces   BLOB NOT NULL                              -- 8 bytes of each event's hash: they tell which event is bad
);

-- Calls by hour and result. Successful reads are counted only here, not stored one by one.
CREATE TABLE call_count (
  integration INTEGER NOT NULL,
  hour        INTEGER NOT NULL,                       -- start of the hour
  method      TEXT NOT NULL,
  status      INTEGER NOT NULL,
  calls       INTEGER NOT NULL,
  PRIMARY KEY (integration, hour, method, status)
) WITHOUT ROWID;
CREATE TABLE integration_seen (
  integration  INTEGER PRIMARY KEY,
  last_call    INTEGER,
  last_success INTEGER,
  last_failure INTEGER
) WITHOUT ROWID;
