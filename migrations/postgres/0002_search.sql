-- Indexes for searching and sorting. The row number at the end lets pages be read in order.

-- All rows of a kind in their order. Pages are ordered by the same expression, which the primary key does not have: see
-- the note on row_order where filters are compiled.
DROP INDEX resource_page;
CREATE INDEX resource_page ON resource (integration, kind, (+seq));

-- userName and a Group's displayName as they are compared: eq, sw and sortBy.
CREATE INDEX resource_match ON resource (integration, kind, name_match, seq);
CREATE INDEX resource_external_id ON resource (integration, kind, external_id, seq) WHERE external_id IS NOT NULL;
CREATE INDEX resource_managed ON resource (integration, kind, manager, seq) WHERE manager IS NOT NULL;

-- Attributes of Users that are often searched for and sorted by. Compiled filters hold the same expressions. The kind
-- is no column of them: a condition that the index itself fulfils is not used to look into it.
CREATE INDEX resource_display_name ON resource (integration, ((keys #>> '{"displayName"}') COLLATE "C"), seq)
  WHERE kind = 1;
CREATE INDEX resource_employee_number ON resource (integration, ((keys #>>
  '{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","employeeNumber"}') COLLATE "C"), seq)
  WHERE kind = 1;

-- The match key of "İ" is "i", its unique key keeps the dot above (U+0307): such addresses are looked at apart.
CREATE INDEX email_dotted ON email (key) WHERE strpos(key, chr(775)) > 0;
