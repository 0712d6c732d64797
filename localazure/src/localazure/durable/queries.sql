-- The task hub's schema and statements, each under a line `-- name: purpose`. Times are UTC texts of one width, so that
-- they compare as times do.

-- schema: Everything that the hub keeps. Inbox and outbox of every instance: a row leaves in the transaction that makes it history.
CREATE TABLE IF NOT EXISTS hub (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  starts INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS instances (
  instance_id TEXT PRIMARY KEY,
  execution_id TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT,
  input TEXT,
  parent TEXT,
  generation INTEGER NOT NULL,
  status TEXT NOT NULL,
  custom_status TEXT,
  output TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  episodes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS instances_by_time ON instances (created_at, instance_id);
CREATE INDEX IF NOT EXISTS unfinished_by_time ON instances (created_at, instance_id)
  WHERE status NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated');
CREATE TABLE IF NOT EXISTS history (
  instance_id TEXT NOT NULL,
  episode INTEGER NOT NULL,
  events TEXT NOT NULL,
  PRIMARY KEY (instance_id, episode)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
  seq INTEGER PRIMARY KEY,
  instance_id TEXT NOT NULL,
  execution_id TEXT,
  event TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_by_instance ON inbox (instance_id);
CREATE TABLE IF NOT EXISTS activities (
  execution_id TEXT NOT NULL,
  task_id INTEGER NOT NULL,
  instance_id TEXT NOT NULL,
  name TEXT NOT NULL,
  input TEXT NOT NULL,
  PRIMARY KEY (execution_id, task_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timers (
  execution_id TEXT NOT NULL,
  task_id INTEGER NOT NULL,
  instance_id TEXT NOT NULL,
  fire_at TEXT NOT NULL,
  PRIMARY KEY (execution_id, task_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entities (
  entity_id TEXT PRIMARY KEY,
  state TEXT,
  updated_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS requests (
  seq INTEGER PRIMARY KEY,
  entity_id TEXT NOT NULL,
  request TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS requests_by_entity ON requests (entity_id);

-- count_start: Each start of a hub has its own range of arrival numbers, so that they grow for ever.
INSERT INTO hub (only, starts) VALUES (1, 1) ON CONFLICT (only) DO UPDATE SET starts = starts + 1 RETURNING starts;

-- instances_to_run: Instances with work that no timer or activity will bring: not begun, or with messages.
SELECT instance_id FROM instances
WHERE status NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated')
  AND (episodes = 0 OR instance_id IN (SELECT instance_id FROM inbox));

-- activities_to_run: Every activity that was called and has not answered.
SELECT instance_id, execution_id, task_id, name, input FROM activities;

-- timers_to_fire: Every timer that is not due yet, or has not been noticed to be.
SELECT instance_id, execution_id, task_id, fire_at FROM timers;

-- put_instance: A new instance, in place of a finished one of the same id.
INSERT OR REPLACE INTO instances (instance_id, execution_id, name, version, input, parent, generation, status,
  custom_status, output, created_at, updated_at, episodes)
VALUES (:instance_id, :execution_id, :name, :version, :input, :parent, :generation, 'Pending', NULL, NULL, :now, :now, 0);

-- status_of: Whether an id is taken, by which execution, and how far that is.
SELECT status, execution_id, episodes FROM instances WHERE instance_id = ?;

-- instance: One instance.
SELECT * FROM instances WHERE instance_id = ?;

-- instances: One page of instances in the order of their creation. Entities never are among them.
SELECT * FROM instances
WHERE created_at >= :created_from AND created_at <= :created_to
  AND (created_at, instance_id) > (:after_time, :after_id)
  AND substr(instance_id, 1, length(:prefix)) = :prefix
  AND (:statuses = '' OR instr(:statuses, ',' || status || ','))
ORDER BY created_at, instance_id LIMIT :top;

-- unfinished_instances: As `instances`, of those alone that have not ended: so the others cost nothing.
SELECT * FROM instances
WHERE created_at >= :created_from AND created_at <= :created_to
  AND (created_at, instance_id) > (:after_time, :after_id)
  AND substr(instance_id, 1, length(:prefix)) = :prefix
  AND status NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated')
  AND instr(:statuses, ',' || status || ',')
ORDER BY created_at, instance_id LIMIT :top;

-- touch_instance: What one more episode changes that leaves the status as it is.
UPDATE instances SET custom_status = :custom_status, output = :output, updated_at = :now, episodes = episodes + 1
WHERE instance_id = :instance_id AND execution_id = :execution_id AND status = :status;

-- update_instance: What one more episode made of an instance, unless the execution was replaced meanwhile.
UPDATE instances SET status = :status, custom_status = :custom_status, output = :output, updated_at = :now,
  episodes = episodes + 1
WHERE instance_id = :instance_id AND execution_id = :execution_id;

-- continue_instance: The next execution of an instance that continued as new, unless this one has gone on meanwhile.
UPDATE instances SET execution_id = :next_execution_id, input = :input, generation = :generation,
  custom_status = :custom_status, updated_at = :now, episodes = 0
WHERE instance_id = :instance_id AND execution_id = :execution_id AND episodes = :episode;

-- rewind_instance: A failed instance runs again.
UPDATE instances SET status = 'Running', output = NULL, updated_at = :now WHERE instance_id = :instance_id;

-- delete_instance: Forgets an instance.
DELETE FROM instances WHERE instance_id = ?;

-- add_history: The events of one episode, if it is the next one of the execution.
INSERT INTO history (instance_id, episode, events)
SELECT :instance_id, :episode, :events FROM instances
WHERE instance_id = :instance_id AND execution_id = :execution_id AND episodes = :episode;

-- put_history: The whole history of a rewound instance.
INSERT INTO history (instance_id, episode, events) VALUES (?, 0, ?);

-- history: The events of an instance, by episode.
SELECT events FROM history WHERE instance_id = ? ORDER BY episode;

-- delete_history: Forgets what an instance did.
DELETE FROM history WHERE instance_id = ?;

-- add_message: Only for a live instance, and only for the execution that the message is meant for.
INSERT INTO inbox (seq, instance_id, execution_id, event)
SELECT :seq, :instance_id, :execution_id, :event FROM instances
WHERE instance_id = :instance_id AND status NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated')
  AND (:execution_id IS NULL OR execution_id = :execution_id);

-- inbox: What waits for an instance, oldest first.
SELECT seq, execution_id, event FROM inbox WHERE instance_id = ? ORDER BY seq;

-- delete_message: A message that became history.
DELETE FROM inbox WHERE seq = ?;

-- delete_inbox: Messages that nobody will take any more.
DELETE FROM inbox WHERE instance_id = ?;

-- put_activity: An activity to be run.
INSERT OR REPLACE INTO activities (instance_id, execution_id, task_id, name, input) VALUES (?, ?, ?, ?, ?);

-- delete_activity: An activity that has answered.
DELETE FROM activities WHERE execution_id = ? AND task_id = ?;

-- put_timer: A timer to be fired.
INSERT OR REPLACE INTO timers (instance_id, execution_id, task_id, fire_at) VALUES (?, ?, ?, ?);

-- delete_timer: A timer that has fired or was cancelled.
DELETE FROM timers WHERE execution_id = ? AND task_id = ?;

-- delete_timers: The timers of an execution that has ended.
DELETE FROM timers WHERE execution_id = ?;

-- add_request: A request to an entity.
INSERT INTO requests (seq, entity_id, request) VALUES (?, ?, ?);

-- delete_request: A request that was served.
DELETE FROM requests WHERE seq = ?;

-- requests_to_run: Every request that was not served, in the order of arrival.
SELECT seq, request FROM requests ORDER BY seq;

-- put_entity: The state of an entity.
INSERT INTO entities (entity_id, state, updated_at) VALUES (:entity_id, :state, :now)
ON CONFLICT (entity_id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at;

-- delete_entity: An entity without state is none.
DELETE FROM entities WHERE entity_id = ?;

-- entity: One entity.
SELECT entity_id, state, updated_at FROM entities WHERE entity_id = ?;

-- entities: One page of entities in the order of their ids.
SELECT entity_id, state, updated_at FROM entities
WHERE entity_id > :after AND substr(entity_id, 1, length(:prefix)) = :prefix
  AND updated_at >= :updated_from AND updated_at <= :updated_to
ORDER BY entity_id LIMIT :top;
