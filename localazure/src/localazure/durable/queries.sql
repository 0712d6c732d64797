-- The task hub's schema and statements. Times are UTC texts of one width, so that they compare as times do.

-- name: schema
-- Inbox and outbox of every instance; a row leaves in the transaction that makes it history.
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

-- name: count_start
-- Each start of a hub has its own range of arrival numbers, so that they grow for ever.
INSERT INTO hub (only, starts) VALUES (1, 1) ON CONFLICT (only) DO UPDATE SET starts = starts + 1 RETURNING starts;

-- name: instances_to_run
-- Instances with work that no timer or activity will bring: not begun, or with messages.
SELECT instance_id FROM instances
WHERE status NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated')
  AND (episodes = 0 OR instance_id IN (SELECT instance_id FROM inbox));

-- name: activities_to_run
SELECT instance_id, execution_id, task_id, name, input FROM activities;

-- name: timers_to_fire
SELECT instance_id, execution_id, task_id, fire_at FROM timers;

-- name: put_instance
-- A new instance, in place of a finished one of the same id.
INSERT OR REPLACE INTO instances (instance_id, execution_id, name, version, input, parent, generation, status,
  custom_status, output, created_at, updated_at, episodes)
VALUES (:instance_id, :execution_id, :name, :version, :input, :parent, :generation, 'Pending', NULL, NULL, :now, :now, 0);

-- name: status_of
SELECT status, execution_id FROM instances WHERE instance_id = ?;

-- name: instance
SELECT * FROM instances WHERE instance_id = ?;

-- name: instances
-- One page of instances in the order of their creation. Entities never are among them.
SELECT * FROM instances
WHERE created_at >= :created_from AND created_at <= :created_to
  AND (created_at, instance_id) > (:after_time, :after_id)
  AND substr(instance_id, 1, length(:prefix)) = :prefix
  AND (:statuses = '' OR instr(:statuses, ',' || status || ','))
ORDER BY created_at, instance_id LIMIT :top;

-- name: update_instance
UPDATE instances SET status = :status, custom_status = :custom_status, output = :output, updated_at = :now,
  episodes = episodes + 1
WHERE instance_id = :instance_id AND execution_id = :execution_id;

-- name: continue_instance
-- The next execution of an instance that continued as new.
UPDATE instances SET execution_id = :next_execution_id, input = :input, generation = :generation,
  custom_status = :custom_status, updated_at = :now, episodes = 0
WHERE instance_id = :instance_id AND execution_id = :execution_id;

-- name: rewind_instance
UPDATE instances SET status = 'Running', output = NULL, updated_at = :now WHERE instance_id = :instance_id;

-- name: delete_instance
DELETE FROM instances WHERE instance_id = ?;

-- name: add_history
INSERT INTO history (instance_id, episode, events)
SELECT :instance_id, episodes, :events FROM instances
WHERE instance_id = :instance_id AND execution_id = :execution_id;

-- name: put_history
INSERT INTO history (instance_id, episode, events) VALUES (?, 0, ?);

-- name: history
SELECT events FROM history WHERE instance_id = ? ORDER BY episode;

-- name: delete_history
DELETE FROM history WHERE instance_id = ?;

-- name: add_message
-- Only for a live instance, and only for the execution that the message is meant for.
INSERT INTO inbox (seq, instance_id, execution_id, event)
SELECT :seq, :instance_id, :execution_id, :event FROM instances
WHERE instance_id = :instance_id AND status NOT IN ('Completed', 'Failed', 'Canceled', 'Terminated')
  AND (:execution_id IS NULL OR execution_id = :execution_id);

-- name: inbox
SELECT seq, execution_id, event FROM inbox WHERE instance_id = ? ORDER BY seq;

-- name: delete_message
DELETE FROM inbox WHERE seq = ?;

-- name: delete_inbox
DELETE FROM inbox WHERE instance_id = ?;

-- name: put_activity
INSERT OR REPLACE INTO activities (instance_id, execution_id, task_id, name, input) VALUES (?, ?, ?, ?, ?);

-- name: delete_activity
DELETE FROM activities WHERE execution_id = ? AND task_id = ?;

-- name: put_timer
INSERT OR REPLACE INTO timers (instance_id, execution_id, task_id, fire_at) VALUES (?, ?, ?, ?);

-- name: delete_timer
DELETE FROM timers WHERE execution_id = ? AND task_id = ?;

-- name: delete_timers
DELETE FROM timers WHERE execution_id = ?;

-- name: add_request
INSERT INTO requests (seq, entity_id, request) VALUES (?, ?, ?);

-- name: delete_request
DELETE FROM requests WHERE seq = ?;

-- name: requests_to_run
SELECT seq, request FROM requests ORDER BY seq;

-- name: put_entity
INSERT INTO entities (entity_id, state, updated_at) VALUES (:entity_id, :state, :now)
ON CONFLICT (entity_id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at;

-- name: delete_entity
DELETE FROM entities WHERE entity_id = ?;

-- name: entity
SELECT entity_id, state, updated_at FROM entities WHERE entity_id = ?;

-- name: entities
-- One page of entities in the order of their ids.
SELECT entity_id, state, updated_at FROM entities
WHERE entity_id > :after AND substr(entity_id, 1, length(:prefix)) = :prefix
  AND updated_at >= :updated_from AND updated_at <= :updated_to
ORDER BY entity_id LIMIT :top;
