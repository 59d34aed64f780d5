-- The catalog: teams and entities, grants with their history, credentials, holds, and the documents of admins.

-- Attributes of a person with where each came from: JSONB, at first an empty object.
ALTER TABLE person ADD COLUMN doc BLOB NOT NULL DEFAULT x'0c';

-- Every change of a person's state after its creation.
CREATE TABLE person_state (
  person INTEGER NOT NULL,
  seq    INTEGER NOT NULL,                            -- the version of the change
  at     INTEGER NOT NULL,
  before INTEGER NOT NULL,
  after  INTEGER NOT NULL,
  PRIMARY KEY (person, seq)
) WITHOUT ROWID;
CREATE INDEX person_state_left ON person_state (at, person) WHERE before = 1 AND after <> 1;

ALTER TABLE integration ADD COLUMN observe INTEGER NOT NULL DEFAULT 0;        -- its groups give nothing yet
ALTER TABLE integration ADD COLUMN guard_percent INTEGER NOT NULL DEFAULT 10; -- removals are held above this share
ALTER TABLE integration ADD COLUMN guard_people INTEGER NOT NULL DEFAULT 5;   -- and above this number
ALTER TABLE integration ADD COLUMN mapping TEXT;                              -- JSON: which attribute becomes what

-- A team or a catalog entity.
CREATE TABLE item (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  kind         TEXT NOT NULL,                         -- team, component, system, domain, api, resource, ...
  namespace    TEXT NOT NULL,
  name         TEXT NOT NULL,
  name_key     TEXT NOT NULL,                         -- match key
  title        TEXT NOT NULL,
  title_key    TEXT NOT NULL,                         -- match key
  owner        INTEGER,                               -- seq of the owning team
  owner_person INTEGER,
  owner_ref    TEXT,                                  -- the owner as it was written
  parent       INTEGER,                               -- team: parent team; component, api, resource: system; ...
  parent_ref   TEXT,
  type         TEXT,
  tier         TEXT,
  lifecycle    TEXT,
  source       TEXT,                                  -- id of the import source that keeps it
  doc          BLOB NOT NULL,                         -- JSONB: the document
  keys         BLOB NOT NULL,                         -- JSONB: comparison keys of what is not compared as written
  version      INTEGER NOT NULL,                      -- seq of the last change of the row
  created      INTEGER NOT NULL,
  modified     INTEGER NOT NULL
);
CREATE UNIQUE INDEX item_name ON item (kind, namespace, name_key);
CREATE INDEX item_title ON item (kind, title_key);
CREATE INDEX item_order ON item (title_key);
CREATE INDEX item_owner ON item (owner) WHERE owner IS NOT NULL;
CREATE INDEX item_owner_person ON item (owner_person) WHERE owner_person IS NOT NULL;
CREATE INDEX item_parent ON item (parent) WHERE parent IS NOT NULL;
CREATE INDEX item_source ON item (source) WHERE source IS NOT NULL;
CREATE INDEX item_owner_ref ON item (owner_ref) WHERE owner IS NULL AND owner_person IS NULL;
CREATE INDEX item_parent_ref ON item (parent_ref) WHERE parent IS NULL;

-- Every name an item answers to, its own included. A name is never taken from a living item.
CREATE TABLE alias (
  space TEXT NOT NULL,                                -- kind:namespace
  key   TEXT NOT NULL,                                -- match key
  item  INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE INDEX alias_item ON alias (item);

CREATE TABLE relation (
  item       INTEGER NOT NULL,
  type       TEXT NOT NULL,
  target_ref TEXT NOT NULL,                           -- kind:namespace/name
  target     INTEGER,                                 -- NULL while nothing of that name is known
  note       TEXT,
  PRIMARY KEY (item, type, target_ref)
) WITHOUT ROWID;
CREATE INDEX relation_target ON relation (target) WHERE target IS NOT NULL;
CREATE INDEX relation_target_ref ON relation (target_ref) WHERE target IS NULL;

-- Groups whose members belong to a team.
CREATE TABLE team_feed (
  team INTEGER NOT NULL,
  grp  INTEGER NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (team, grp)
) WITHOUT ROWID;
CREATE INDEX team_feed_group ON team_feed (grp);

-- What a person was given, from when until when. Closed, never deleted.
CREATE TABLE access_grant (
  seq      INTEGER PRIMARY KEY,
  person   INTEGER NOT NULL,
  kind     INTEGER NOT NULL,                          -- 1 team, 2 role, 3 property, 4 ownership
  object   TEXT NOT NULL,
  value    TEXT NOT NULL,
  origin   TEXT NOT NULL,                             -- the rule, the feed, or by hand
  path     TEXT NOT NULL,                             -- JSON: how it came about
  began    INTEGER NOT NULL,                          -- version that opened it
  from_at  INTEGER NOT NULL,
  ended    INTEGER,                                   -- version that closed it
  until_at INTEGER
);
CREATE UNIQUE INDEX access_grant_open ON access_grant (person, kind, object, value, origin) WHERE until_at IS NULL;
CREATE INDEX access_grant_person ON access_grant (person);
CREATE INDEX access_grant_holder ON access_grant (kind, object, person) WHERE until_at IS NULL;
CREATE INDEX access_grant_left ON access_grant (object, until_at) WHERE kind = 1 AND until_at IS NOT NULL;

-- Persons whose grants are to be evaluated again.
CREATE TABLE dirty (
  person INTEGER PRIMARY KEY,
  mark   INTEGER NOT NULL,                            -- version of the change that asked for it last
  cause  INTEGER                                      -- the integration whose call it follows from, if any
);

-- Persons whose removals wait for an admin, or were rejected.
CREATE TABLE held (
  person INTEGER PRIMARY KEY,
  hold   TEXT NOT NULL,
  state  INTEGER NOT NULL,                            -- 1 waiting, 2 pinned
  at     INTEGER NOT NULL
);
CREATE INDEX held_hold ON held (hold);

-- The window of the removal guard.
CREATE TABLE removal (
  integration INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  person      INTEGER NOT NULL,
  PRIMARY KEY (integration, at, person)
) WITHOUT ROWID;

CREATE TABLE credential (
  id        TEXT PRIMARY KEY,
  kind      INTEGER NOT NULL,                         -- 1 session, 2 personal token, 3 service token, 4 invite
  person    INTEGER,
  service   TEXT,
  label     TEXT NOT NULL,
  digest    BLOB NOT NULL UNIQUE,
  scopes    TEXT NOT NULL,                            -- JSON
  created   INTEGER NOT NULL,
  expires   INTEGER,
  revoked   INTEGER,
  last_used INTEGER
) WITHOUT ROWID;
CREATE INDEX credential_person ON credential (person) WHERE person IS NOT NULL;
CREATE INDEX credential_service ON credential (service) WHERE service IS NOT NULL;
CREATE INDEX credential_session_end ON credential (expires) WHERE kind = 1;

-- Documents of admins: roles, rule versions, reviews, holds, hand-overs, ... Few and small.
CREATE TABLE entry (
  collection TEXT NOT NULL,
  id         TEXT NOT NULL,
  parent     TEXT,
  state      TEXT,
  due        INTEGER,
  doc        BLOB NOT NULL,                           -- JSONB
  version    INTEGER NOT NULL,                        -- seq of the last change of the row
  created    INTEGER NOT NULL,
  modified   INTEGER NOT NULL,
  PRIMARY KEY (collection, id)
);
CREATE INDEX entry_state ON entry (collection, state, due);
CREATE INDEX entry_parent ON entry (collection, parent) WHERE parent IS NOT NULL;

-- How far each consumer has read the change feed.
CREATE TABLE consumer (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  at       INTEGER NOT NULL
) WITHOUT ROWID;

-- Answers given to requests with an idempotency key.
CREATE TABLE answer (
  caller  TEXT NOT NULL,
  key     TEXT NOT NULL,
  digest  BLOB NOT NULL,                              -- of the request
  status  INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body    TEXT NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (caller, key)
);
CREATE INDEX answer_at ON answer (at);

-- How many active Users there were at a moment: the removal guard asks again and again while many leave.
CREATE INDEX resource_active ON resource (integration, created) WHERE kind = 1 AND active;

-- The history of a person.
CREATE INDEX event_person ON event (person) WHERE person IS NOT NULL;
