-- Indexes for searching and sorting. They use functions of SQLite alone, so that any SQLite can check the file.

-- userName and a Group's displayName as they are compared: eq, sw and sortBy.
CREATE INDEX resource_match ON resource (integration, kind, name_match);
DROP INDEX resource_group_name;

-- With the kind, so that the planner never takes these for no better than resource_page.
CREATE INDEX resource_external_id ON resource (integration, kind, external_id) WHERE external_id IS NOT NULL;
DROP INDEX resource_external;
CREATE INDEX resource_managed ON resource (integration, kind, manager) WHERE manager IS NOT NULL;
DROP INDEX resource_manager;

-- Attributes of Users that are often searched for and sorted by. Compiled filters hold the same expressions.
CREATE INDEX resource_display_name ON resource (integration, kind, json_extract(keys, '$.displayName'))
  WHERE kind = 1;
CREATE INDEX resource_employee_number ON resource (integration, kind,
  json_extract(keys, '$."urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".employeeNumber'))
  WHERE kind = 1;

-- The match key of "İ" is "i", its unique key keeps the dot above (U+0307): such addresses are looked at apart.
CREATE INDEX email_dotted ON email (key) WHERE instr(key, char(775)) > 0;
