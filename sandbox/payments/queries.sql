-- name: schema
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS intents (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  status TEXT NOT NULL,
  amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  customer TEXT,
  capture_before INTEGER,
  order_id TEXT,
  authorised INTEGER NOT NULL,
  captured INTEGER NOT NULL,
  refunded INTEGER NOT NULL,
  voided INTEGER NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS intents_by_order ON intents (order_id);
CREATE INDEX IF NOT EXISTS intents_by_expiry ON intents (capture_before) WHERE status = 'requires_capture';
CREATE TABLE IF NOT EXISTS intent_metadata (
  intent_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (intent_id, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS intents_by_metadata ON intent_metadata (key, value);
CREATE TABLE IF NOT EXISTS charges (id TEXT PRIMARY KEY, intent_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refunds (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  intent_id TEXT NOT NULL,
  charge_id TEXT NOT NULL,
  settles_at INTEGER,
  document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_by_intent ON refunds (intent_id);
CREATE INDEX IF NOT EXISTS refunds_by_charge ON refunds (charge_id);
CREATE INDEX IF NOT EXISTS refunds_to_settle ON refunds (settles_at) WHERE settles_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY,
  endpoint TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  request_id TEXT NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  created REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_age ON answers (created);
CREATE TABLE IF NOT EXISTS events (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  type TEXT NOT NULL,
  document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
  position INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at REAL,
  last_status INTEGER
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;

-- name: setting
-- One setting of the simulator itself.
SELECT value FROM settings WHERE name = :name;

-- name: keep_setting
-- Remembers a setting over a restart.
INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: keep_intent
-- The newest state of one intent, with the columns that listings, the search and the ledger read.
INSERT INTO intents (id, created, status, amount, currency, customer, capture_before, order_id, authorised, captured,
                     refunded, voided, document)
VALUES (:id, :created, :status, :amount, :currency, :customer, :capture_before, :order_id, :authorised, :captured,
        :refunded, :voided, :document)
ON CONFLICT (id) DO UPDATE SET
  status = excluded.status, amount = excluded.amount, currency = excluded.currency, customer = excluded.customer,
  capture_before = excluded.capture_before, order_id = excluded.order_id, authorised = excluded.authorised,
  captured = excluded.captured, refunded = excluded.refunded, voided = excluded.voided, document = excluded.document;

-- name: forget_metadata
-- Makes room for an intent's new metadata.
DELETE FROM intent_metadata WHERE intent_id = :intent_id;

-- name: keep_metadata
-- One key of an intent's metadata, for the search.
INSERT INTO intent_metadata (intent_id, key, value) VALUES (:intent_id, :key, :value);

-- name: keep_charge
-- Which intent a charge belongs to.
INSERT INTO charges (id, intent_id) VALUES (:id, :intent_id) ON CONFLICT DO NOTHING;

-- name: intent
-- One intent by its id.
SELECT document FROM intents WHERE id = :id;

-- name: intent_of_charge
-- The intent that made a charge.
SELECT document FROM intents JOIN charges ON charges.intent_id = intents.id WHERE charges.id = :charge_id;

-- name: intents
-- A page of intents, newest first.
SELECT document FROM intents WHERE /*where*/ ORDER BY position DESC LIMIT ? OFFSET ?;

-- name: expired_intents
-- Authorisations whose time is over.
SELECT document FROM intents WHERE status = 'requires_capture' AND capture_before <= :now;

-- name: keep_refund
-- The newest state of one refund.
INSERT INTO refunds (id, created, intent_id, charge_id, settles_at, document)
VALUES (:id, :created, :intent_id, :charge_id, :settles_at, :document)
ON CONFLICT (id) DO UPDATE SET settles_at = excluded.settles_at, document = excluded.document;

-- name: refund
-- One refund by its id.
SELECT document FROM refunds WHERE id = :id;

-- name: refunds
-- A page of refunds, newest first.
SELECT document FROM refunds WHERE /*where*/ ORDER BY position DESC LIMIT ? OFFSET ?;

-- name: refunds_to_settle
-- Refunds on which the bank's last word is due.
SELECT document FROM refunds WHERE settles_at <= :now;

-- name: next_settlement
-- When the passing of time next changes an intent or a refund.
SELECT MIN(at) AS at FROM (
  SELECT MIN(capture_before) AS at FROM intents WHERE status = 'requires_capture' AND capture_before IS NOT NULL
  UNION ALL SELECT MIN(settles_at) FROM refunds WHERE settles_at IS NOT NULL
);

-- name: ledger
-- Money by order.
SELECT order_id, SUM(authorised) AS authorised, SUM(captured) AS captured, SUM(refunded) AS refunded,
       SUM(voided) AS voided, COUNT(*) AS intents,
       CASE WHEN MIN(currency) = MAX(currency) THEN MIN(currency) END AS currency
FROM intents WHERE order_id IS NOT NULL AND (:order_id IS NULL OR order_id = :order_id)
GROUP BY order_id ORDER BY order_id;

-- name: answer
-- What a key was first answered, if it is kept still.
SELECT endpoint, fingerprint, request_id, status, body FROM answers WHERE key = :key AND created >= :since;

-- name: keep_answer
-- Remembers the answer of a keyed request.
INSERT INTO answers (key, endpoint, fingerprint, request_id, status, body, created)
VALUES (:key, :endpoint, :fingerprint, :request_id, :status, :body, :created);

-- name: forget_answers
-- Keys older than the provider keeps them.
DELETE FROM answers WHERE created < :before;

-- name: keep_event
-- Something that happened; written with the change itself.
INSERT INTO events (id, created, type, document) VALUES (:id, :created, :type, :document);

-- name: event
-- One event by its id.
SELECT document FROM events WHERE id = :id;

-- name: events
-- A page of events, newest first.
SELECT document FROM events WHERE /*where*/ ORDER BY position DESC LIMIT ? OFFSET ?;

-- name: plan_delivery
-- One copy of an event to be sent.
INSERT INTO deliveries (event_id, due_at) VALUES (:event_id, :due_at);

-- name: due_deliveries
-- What is to be sent now, in the order in which it happened.
SELECT deliveries.position, attempts, event_id, document FROM deliveries JOIN events ON events.id = event_id
WHERE due_at <= :now ORDER BY deliveries.position LIMIT 100;

-- name: next_delivery
-- When the next delivery is due.
SELECT MIN(due_at) AS at FROM deliveries WHERE due_at IS NOT NULL;

-- name: keep_attempt
-- How an attempt went; without `due_at` it was the last.
UPDATE deliveries SET attempts = :attempts, due_at = :due_at, last_status = :last_status WHERE position = :position;

-- name: deliveries
-- The latest deliveries and how they went.
SELECT event_id AS event, events.type AS type, attempts, last_status, due_at FROM deliveries
JOIN events ON events.id = event_id ORDER BY deliveries.position DESC LIMIT 100;
