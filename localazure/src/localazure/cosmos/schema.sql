-- Containers are known to the other tables by a small number, which AUTOINCREMENT never gives out twice.

CREATE TABLE databases (rid TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, ts INTEGER NOT NULL, etag TEXT NOT NULL);

CREATE TABLE containers (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  rid TEXT NOT NULL UNIQUE,
  database_rid TEXT NOT NULL,
  id TEXT NOT NULL,
  properties TEXT NOT NULL,
  ts INTEGER NOT NULL,
  etag TEXT NOT NULL,
  lsn INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  range_count INTEGER NOT NULL,
  UNIQUE (database_rid, id)
);

CREATE TABLE offers (
  rid TEXT PRIMARY KEY,
  resource_rid TEXT NOT NULL UNIQUE,
  resource_link TEXT NOT NULL,
  content TEXT NOT NULL,
  ts INTEGER NOT NULL,
  etag TEXT NOT NULL
);

-- `sequence` counts creations, `lsn` counts transactions, `position` orders the writes of one transaction.
-- `body` is the user's JSON without system properties; `written_at` is `ts` with its fraction, for expiry.
CREATE TABLE items (
  row INTEGER PRIMARY KEY,
  container INTEGER NOT NULL,
  partition_key TEXT NOT NULL,
  epk TEXT NOT NULL,
  id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  body TEXT NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  ts INTEGER NOT NULL,
  written_at REAL NOT NULL,
  lsn INTEGER NOT NULL,
  position INTEGER NOT NULL,
  expires_at REAL,
  UNIQUE (container, partition_key, id)
);
CREATE INDEX items_by_sequence ON items (container, sequence);
CREATE INDEX items_by_lsn ON items (container, lsn, position);
CREATE INDEX items_by_epk ON items (container, epk, sequence);
CREATE INDEX items_by_id ON items (container, id);
CREATE INDEX items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE unique_values (
  container INTEGER NOT NULL,
  partition_key TEXT NOT NULL,
  key_index INTEGER NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (container, partition_key, key_index, value)
) WITHOUT ROWID;
CREATE INDEX unique_values_by_item ON unique_values (container, partition_key, id);

CREATE TABLE changes (
  container INTEGER NOT NULL,
  lsn INTEGER NOT NULL,
  position INTEGER NOT NULL,
  operation TEXT NOT NULL,
  partition_key TEXT NOT NULL,
  epk TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT,
  previous_lsn INTEGER,
  ts INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  PRIMARY KEY (container, lsn, position)
);
