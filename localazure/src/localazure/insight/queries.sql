-- What is read of a task hub; see the schema in `durable/queries.sql`. Nothing here writes.

-- found: Instances whose id holds a text, the newest first; those that begin with it before all others.
SELECT instance_id FROM instances WHERE instr(instance_id, :text) > 0
ORDER BY instance_id <> :text, instr(instance_id, :text) > 1, created_at DESC LIMIT :top;

-- counts: How many instances each orchestrator has in each state.
SELECT name, status, count(*) AS number FROM instances GROUP BY name, status ORDER BY name, status;

-- live: Instances that have not ended, the oldest first.
SELECT instance_id FROM instances WHERE status NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated')
ORDER BY created_at, instance_id LIMIT :top;

-- activities: Activities that were called and have not answered.
SELECT name, count(*) AS number FROM activities GROUP BY name ORDER BY number DESC, name;

-- timers: Timers that have not fired, and when the next one will.
SELECT count(*) AS number, min(fire_at) AS next FROM timers;

-- entities: How many entities there are of each name; an id is `@name@key`.
SELECT substr(entity_id, 2, instr(substr(entity_id, 2), '@') - 1) AS name, count(*) AS number FROM entities
GROUP BY name ORDER BY name;

-- backlog: Messages to instances and requests to entities that nobody has taken yet.
SELECT (SELECT count(*) FROM inbox) AS messages, (SELECT count(*) FROM requests) AS requests;
