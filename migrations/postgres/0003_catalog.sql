-- The catalog: teams and entities, grants with their history, credentials, holds, and the documents of admins.

-- Attributes of a person with where each came from.
ALTER TABLE person ADD COLUMN doc jsonb NOT NULL DEFAULT '{}';

-- Every change of a person's state after its creation.
CREATE TABLE person_state (
  person bigint NOT NULL,
  seq    bigint NOT NULL,                             -- the version of the change
  at     bigint NOT NULL,
  before bigint NOT NULL,
  after  bigint NOT NULL,
  PRIMARY KEY (person, seq)
);
CREATE INDEX person_state_left ON person_state (at, person) WHERE before = 1 AND after <> 1;

ALTER TABLE integration ADD COLUMN observe boolean NOT NULL DEFAULT false;   -- its groups give nothing yet
ALTER TABLE integration ADD COLUMN guard_percent bigint NOT NULL DEFAULT 10; -- removals are held above this share
ALTER TABLE integration ADD COLUMN guard_people bigint NOT NULL DEFAULT 5;   -- and above this number
ALTER TABLE integration ADD COLUMN mapping text COLLATE "C";                 -- JSON: which attribute becomes what

-- A team or a catalog entity.
CREATE TABLE item (
  seq          bigint PRIMARY KEY,
  id           text COLLATE "C" NOT NULL UNIQUE,
  kind         text COLLATE "C" NOT NULL,             -- team, component, system, domain, api, resource, ...
  namespace    text COLLATE "C" NOT NULL,
  name         text COLLATE "C" NOT NULL,
  name_key     text COLLATE "C" NOT NULL,             -- match key
  title        text COLLATE "C" NOT NULL,
  title_key    text COLLATE "C" NOT NULL,             -- match key
  owner        bigint,                                -- seq of the owning team
  owner_person bigint,
  owner_ref    text COLLATE "C",                      -- the owner as it was written
  parent       bigint,                                -- team: parent team; component, api, resource: system; ...
  parent_ref   text COLLATE "C",
  type         text COLLATE "C",
  tier         text COLLATE "C",
  lifecycle    text COLLATE "C",
  source       text COLLATE "C",                      -- id of the import source that keeps it
  doc          jsonb NOT NULL,                        -- the document
  keys         jsonb NOT NULL,                        -- comparison keys of what is not compared as written
  version      bigint NOT NULL,                       -- seq of the last change of the row
  created      bigint NOT NULL,
  modified     bigint NOT NULL
);
CREATE UNIQUE INDEX item_name ON item (kind, namespace, name_key);
CREATE INDEX item_title ON item (kind, title_key, seq);
CREATE INDEX item_order ON item (title_key, seq);
CREATE INDEX item_owner ON item (owner) WHERE owner IS NOT NULL;
CREATE INDEX item_owner_person ON item (owner_person) WHERE owner_person IS NOT NULL;
CREATE INDEX item_parent ON item (parent) WHERE parent IS NOT NULL;
CREATE INDEX item_source ON item (source) WHERE source IS NOT NULL;
CREATE INDEX item_owner_ref ON item (owner_ref) WHERE owner IS NULL AND owner_person IS NULL;
CREATE INDEX item_parent_ref ON item (parent_ref) WHERE parent IS NULL;

-- Every name an item answers to, its own included. A name is never taken from a living item.
CREATE TABLE alias (
  space text COLLATE "C" NOT NULL,                    -- kind:namespace
  key   text COLLATE "C" NOT NULL,                    -- match key
  item  bigint NOT NULL,
  at    bigint NOT NULL,
  PRIMARY KEY (space, key)
);
CREATE INDEX alias_item ON alias (item);

CREATE TABLE relation (
  item       bigint NOT NULL,
  type       text COLLATE "C" NOT NULL,
  target_ref text COLLATE "C" NOT NULL,               -- kind:namespace/name
  target     bigint,                                  -- NULL while nothing of that name is known
  note       text COLLATE "C",
  PRIMARY KEY (item, type, target_ref)
);
CREATE INDEX relation_target ON relation (target) WHERE target IS NOT NULL;
CREATE INDEX relation_target_ref ON relation (target_ref) WHERE target IS NULL;

-- Groups whose members belong to a team.
CREATE TABLE team_feed (
  team bigint NOT NULL,
  grp  bigint NOT NULL,
  role text COLLATE "C" NOT NULL,
  PRIMARY KEY (team, grp)
);
CREATE INDEX team_feed_group ON team_feed (grp);

-- What a person was given, from when until when. Closed, never deleted.
CREATE TABLE access_grant (
  seq      bigint PRIMARY KEY,
  person   bigint NOT NULL,
  kind     bigint NOT NULL,                           -- 1 team, 2 role, 3 property, 4 ownership
  object   text COLLATE "C" NOT NULL,
  value    text COLLATE "C" NOT NULL,
  origin   text COLLATE "C" NOT NULL,                 -- the rule, the feed, or by hand
  path     text COLLATE "C" NOT NULL,                 -- JSON: how it came about
  began    bigint NOT NULL,                           -- version that opened it
  from_at  bigint NOT NULL,
  ended    bigint,                                    -- version that closed it
  until_at bigint
);
CREATE UNIQUE INDEX access_grant_open ON access_grant (person, kind, object, value, origin) WHERE until_at IS NULL;
CREATE INDEX access_grant_person ON access_grant (person, seq);
CREATE INDEX access_grant_holder ON access_grant (kind, object, person) WHERE until_at IS NULL;
CREATE INDEX access_grant_left ON access_grant (object, until_at) WHERE kind = 1 AND until_at IS NOT NULL;

-- Persons whose grants are to be evaluated again.
CREATE TABLE dirty (
  person bigint PRIMARY KEY,
  mark   bigint NOT NULL,                             -- version of the change that asked for it last
  cause  bigint                                       -- the integration whose call it follows from, if any
);

-- Persons whose removals wait for an admin, or were rejected.
CREATE TABLE held (
  person bigint PRIMARY KEY,
  hold   text COLLATE "C" NOT NULL,
  state  bigint NOT NULL,                             -- 1 waiting, 2 pinned
  at     bigint NOT NULL
);
CREATE INDEX held_hold ON held (hold);

-- The window of the removal guard.
CREATE TABLE removal (
  integration bigint NOT NULL,
  at          bigint NOT NULL,
  person      bigint NOT NULL,
  PRIMARY KEY (integration, at, person)
);

CREATE TABLE credential (
  id        text COLLATE "C" PRIMARY KEY,
  kind      bigint NOT NULL,                          -- 1 session, 2 personal token, 3 service token, 4 invite
  person    bigint,
  service   text COLLATE "C",
  label     text COLLATE "C" NOT NULL,
  digest    bytea NOT NULL UNIQUE,
  scopes    text COLLATE "C" NOT NULL,                -- JSON
  created   bigint NOT NULL,
  expires   bigint,
  revoked   bigint,
  last_used bigint
);
CREATE INDEX credential_person ON credential (person) WHERE person IS NOT NULL;
CREATE INDEX credential_service ON credential (service) WHERE service IS NOT NULL;
CREATE INDEX credential_session_end ON credential (expires) WHERE kind = 1;

-- Documents of admins: roles, rule versions, reviews, holds, hand-overs, ... Few and small.
CREATE TABLE entry (
  collection text COLLATE "C" NOT NULL,
  id         text COLLATE "C" NOT NULL,
  parent     text COLLATE "C",
  state      text COLLATE "C",
  due        bigint,
  doc        jsonb NOT NULL,
  version    bigint NOT NULL,                         -- seq of the last change of the row
  created    bigint NOT NULL,
  modified   bigint NOT NULL,
  PRIMARY KEY (collection, id)
);
CREATE INDEX entry_state ON entry (collection, state, due);
CREATE INDEX entry_parent ON entry (collection, parent) WHERE parent IS NOT NULL;

-- How far each consumer has read the change feed.
CREATE TABLE consumer (
  name     text COLLATE "C" PRIMARY KEY,
  position bigint NOT NULL,
  at       bigint NOT NULL
);

-- Answers given to requests with an idempotency key.
CREATE TABLE answer (
  caller  text COLLATE "C" NOT NULL,
  key     text COLLATE "C" NOT NULL,
  digest  bytea NOT NULL,                             -- of the request
  status  bigint NOT NULL,
  headers text COLLATE "C" NOT NULL,
  body    text COLLATE "C" NOT NULL,
  at      bigint NOT NULL,
  PRIMARY KEY (caller, key)
);
CREATE INDEX answer_at ON answer (at);

-- How many active Users there were at a moment: the removal guard asks again and again while many leave.
CREATE INDEX resource_active ON resource (integration, created) WHERE kind = 1 AND active;

-- The history of a person.
CREATE INDEX event_person ON event (person, seq) WHERE person IS NOT NULL;
