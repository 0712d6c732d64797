-- name: schema
CREATE TABLE IF NOT EXISTS messages (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  sender TEXT NOT NULL,
  recipients TEXT NOT NULL,
  subject TEXT NOT NULL,
  message_id TEXT NOT NULL,
  received_at TEXT NOT NULL,
  text TEXT NOT NULL,
  headers TEXT NOT NULL,
  raw BLOB NOT NULL
);

-- name: keep_message
-- One mail as it came.
INSERT INTO messages (sender, recipients, subject, message_id, received_at, text, headers, raw)
VALUES (:sender, :recipients, :subject, :message_id, :received_at, :text, :headers, :raw);

-- name: messages
-- Mail that matches every filter that is not null, oldest first; letters' case does not matter.
SELECT position, sender, recipients, subject, message_id, received_at, text, headers FROM messages
WHERE (:to IS NULL OR EXISTS (SELECT 1 FROM json_each(recipients) WHERE lower(json_each.value) = lower(:to)))
  AND (:subject IS NULL OR instr(lower(subject), lower(:subject)) > 0)
  AND (:contains IS NULL OR instr(lower(text), lower(:contains)) > 0)
ORDER BY position;

-- name: message
-- One mail.
SELECT position, sender, recipients, subject, message_id, received_at, text, headers FROM messages
WHERE position = :position;

-- name: raw_message
-- One mail, byte for byte.
SELECT raw FROM messages WHERE position = :position;

-- name: clear
-- Empties the inbox.
DELETE FROM messages;
