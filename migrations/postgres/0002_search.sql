-- Indexes for searching and sorting. `seq` at the end lets pages be read in order.

-- userName and a Group's displayName as they are compared: eq, sw and sortBy.
CREATE INDEX resource_match ON resource (integration, kind, name_match, seq);
CREATE INDEX resource_external_id ON resource (integration, kind, external_id, seq) WHERE external_id IS NOT NULL;
CREATE INDEX resource_managed ON resource (integration, kind, manager, seq) WHERE manager IS NOT NULL;
