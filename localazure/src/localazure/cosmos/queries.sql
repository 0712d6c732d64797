-- Every statement of the store. A line "-- name: purpose" gives the statement below it its name.

-- list_databases: All databases, oldest first.
SELECT rid, id, ts, etag FROM databases ORDER BY rowid;

-- add_database: A new database.
INSERT INTO databases (rid, id, ts, etag) VALUES (:rid, :id, :ts, :etag);

-- drop_database: Forgets a database; its containers are dropped before.
DELETE FROM databases WHERE rid = :rid;

-- list_containers: All containers, oldest first. Their numbers are those of the newest item, or of a later delete.
SELECT number, rid, database_rid, id, properties, ts, etag,
  max(lsn, coalesce((SELECT max(items.lsn) FROM items WHERE container = number), 0)),
  max(sequence, coalesce((SELECT max(items.sequence) FROM items WHERE container = number), 0)),
  range_count
FROM containers WHERE database_rid != '' ORDER BY number;

-- add_container: A new container; its number is never used again.
INSERT INTO containers (rid, database_rid, id, properties, ts, etag, lsn, sequence, range_count)
VALUES (:rid, :database_rid, :id, :properties, :ts, :etag, 0, 0, :range_count)
RETURNING number, rid, database_rid, id, properties, ts, etag, lsn, sequence, range_count;

-- replace_container: New properties of a container.
UPDATE containers SET properties = :properties, ts = :ts, etag = :etag WHERE number = :container;

-- advance_container: Where the log and the creation numbers of a container have got to with a delete.
UPDATE containers SET lsn = :lsn, sequence = :sequence WHERE number = :container;

-- drop_container: Takes a container out of its database; its rows stay until they are erased in slices.
UPDATE containers SET database_rid = '', id = rid WHERE number = :container;

-- dropped_containers: Containers whose rows are still to be erased.
SELECT number FROM containers WHERE database_rid = '' ORDER BY number;

-- erase_items: Deletes a slice of a dropped container's items.
DELETE FROM items WHERE row IN (SELECT row FROM items WHERE container = :container LIMIT :slice);

-- erase_unique_values: Deletes a slice of a dropped container's unique values.
DELETE FROM unique_values WHERE (container, partition_key, key_index, value) IN
  (SELECT container, partition_key, key_index, value FROM unique_values WHERE container = :container LIMIT :slice);

-- erase_changes: Deletes a slice of a dropped container's log.
DELETE FROM changes WHERE rowid IN (SELECT rowid FROM changes WHERE container = :container LIMIT :slice);

-- forget_container: Forgets a dropped container that holds nothing any more.
DELETE FROM containers WHERE number = :container;

-- list_offers: All throughput offers, oldest first.
SELECT rid, resource_rid, resource_link, content, ts, etag FROM offers ORDER BY rowid;

-- add_offer: A new offer.
INSERT INTO offers (rid, resource_rid, resource_link, content, ts, etag)
VALUES (:rid, :resource_rid, :resource_link, :content, :ts, :etag);

-- replace_offer: A new throughput.
UPDATE offers SET content = :content, ts = :ts, etag = :etag WHERE rid = :rid;

-- drop_offer: Forgets the offer of a resource.
DELETE FROM offers WHERE resource_rid = :resource_rid;

-- find_item: The live item with this id in this logical partition.
SELECT row, partition_key, epk, id, sequence, body, size, etag, ts, written_at, lsn FROM items
WHERE container = :container AND partition_key = :partition_key AND id = :id
  AND (expires_at IS NULL OR expires_at > :now);

-- find_item_by_sequence: The live item with this creation number, which is the end of its resource id.
SELECT row, partition_key, epk, id, sequence, body, size, etag, ts, written_at, lsn FROM items
WHERE container = :container AND sequence = :sequence AND (expires_at IS NULL OR expires_at > :now);

-- add_item: A new item.
INSERT INTO items (container, partition_key, epk, id, sequence, body, size, etag, ts, written_at, lsn, position, expires_at)
VALUES (:container, :partition_key, :epk, :id, :sequence, :body, :size, :etag, :ts, :written_at, :lsn, :position, :expires_at);

-- change_item: A new version of an item, at the end of the change feed.
UPDATE items SET body = :body, size = :size, etag = :etag, ts = :ts, written_at = :written_at, lsn = :lsn,
  position = :position, expires_at = :expires_at
WHERE row = :row;

-- delete_item: Removes an item.
DELETE FROM items WHERE row = :row;

-- add_unique_value: Claims a unique value; fails when it is taken.
INSERT INTO unique_values (container, partition_key, key_index, value, id)
VALUES (:container, :partition_key, :key_index, :value, :id);

-- release_unique_values: Frees the values of an item.
DELETE FROM unique_values WHERE container = :container AND partition_key = :partition_key AND id = :id;

-- log_change: Keeps one write for readers of all versions and deletes.
INSERT INTO changes (container, lsn, position, operation, partition_key, epk, id, body, previous_lsn, ts, expired)
VALUES (:container, :lsn, :position, :operation, :partition_key, :epk, :id, :body, :previous_lsn, :ts, :expired);

-- scan_container: Live items of a container after a creation number, oldest first.
SELECT sequence, body, etag, ts FROM items INDEXED BY items_by_sequence
WHERE container = :container AND sequence > :after AND (expires_at IS NULL OR expires_at > :now)
  AND ts BETWEEN :ts_from AND :ts_to
ORDER BY sequence;

-- scan_interval: The same within an interval of effective partition keys.
SELECT sequence, body, etag, ts FROM items INDEXED BY items_by_epk
WHERE container = :container AND epk >= :epk_from AND epk < :epk_to AND sequence > :after
  AND (expires_at IS NULL OR expires_at > :now)
  AND ts BETWEEN :ts_from AND :ts_to
ORDER BY sequence;

-- scan_partition: The same within one logical partition.
SELECT sequence, body, etag, ts FROM items INDEXED BY items_by_epk
WHERE container = :container AND epk = :epk AND partition_key = :partition_key AND sequence > :after
  AND (expires_at IS NULL OR expires_at > :now)
  AND ts BETWEEN :ts_from AND :ts_to
ORDER BY sequence;

-- scan_partition_ids: The same for some ids of one logical partition.
SELECT sequence, body, etag, ts FROM items
WHERE container = :container AND partition_key = :partition_key AND id IN (SELECT value FROM json_each(:ids))
  AND +sequence > :after AND (expires_at IS NULL OR expires_at > :now)
  AND ts BETWEEN :ts_from AND :ts_to
ORDER BY +sequence;

-- scan_ids: The same for some ids within an interval of effective partition keys.
SELECT sequence, body, etag, ts FROM items INDEXED BY items_by_id
WHERE container = :container AND id IN (SELECT value FROM json_each(:ids)) AND epk >= :epk_from AND epk < :epk_to
  AND sequence > :after AND (expires_at IS NULL OR expires_at > :now)
  AND ts BETWEEN :ts_from AND :ts_to
ORDER BY sequence;

-- count_container: How many live items a container has.
SELECT count(*) FROM items INDEXED BY items_by_sequence
WHERE container = :container AND (expires_at IS NULL OR expires_at > :now);

-- count_interval: The same within an interval of effective partition keys.
SELECT count(*) FROM items INDEXED BY items_by_epk
WHERE container = :container AND epk >= :epk_from AND epk < :epk_to
  AND (expires_at IS NULL OR expires_at > :now);

-- count_partition: The same within one logical partition.
SELECT count(*) FROM items INDEXED BY items_by_epk
WHERE container = :container AND epk = :epk AND partition_key = :partition_key
  AND (expires_at IS NULL OR expires_at > :now);

-- list_property_indexes: The indexes that were made for queries.
SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE :prefix;

-- make_property_index: A template. An index over one property of one container.
CREATE INDEX IF NOT EXISTS "{index}" ON items (json_extract(body, '{path}'), sequence) WHERE container = {container};

-- drop_property_index: A template. The container is gone.
DROP INDEX "{index}";

-- scan_property: A template. Live items of an interval with a certain value of an indexed property, oldest first.
SELECT sequence, body, etag, ts FROM items INDEXED BY "{index}"
WHERE container = {container} AND json_extract(body, '{path}') = :value AND sequence > :after
  AND epk >= :epk_from AND epk < :epk_to AND (expires_at IS NULL OR expires_at > :now)
  AND ts BETWEEN :ts_from AND :ts_to
ORDER BY sequence;

-- items_of_interval: All live items of an interval of effective partition keys, to be deleted.
SELECT row, partition_key, epk, id, sequence, body, size, etag, ts, written_at, lsn FROM items INDEXED BY items_by_epk
WHERE container = :container AND epk >= :epk_from AND epk < :epk_to AND (expires_at IS NULL OR expires_at > :now)
ORDER BY sequence;

-- items_to_reschedule: Every item of a container, whose expiry is to be recomputed.
SELECT row, body, written_at FROM items WHERE container = :container;

-- reschedule_item: When an item expires.
UPDATE items SET expires_at = :expires_at WHERE row = :row;

-- expired_partition_items: Items of one logical partition whose time is over.
SELECT row, partition_key, epk, id, sequence, body, size, etag, ts, written_at, lsn FROM items INDEXED BY items_by_expiry
WHERE expires_at IS NOT NULL AND expires_at <= :now AND container = :container AND partition_key = :partition_key;

-- expired_items: Items of one container whose time is over, a slice of them.
SELECT row, partition_key, epk, id, sequence, body, size, etag, ts, written_at, lsn FROM items INDEXED BY items_by_expiry
WHERE expires_at IS NOT NULL AND expires_at <= :now AND container = :container ORDER BY expires_at LIMIT :slice;

-- expired_containers: Containers, but for dropped ones, that hold items whose time is over.
SELECT number FROM containers WHERE database_rid != '' AND number IN
  (SELECT container FROM items INDEXED BY items_by_expiry WHERE expires_at IS NOT NULL AND expires_at <= :now);

-- count_items: Number and size of a container's items.
SELECT count(*), coalesce(sum(size), 0) FROM items WHERE container = :container;

-- forget_changes: Drops log entries that were written before a second, the first of all; looks at none that stays.
DELETE FROM changes WHERE rowid <
  coalesce((SELECT rowid FROM changes WHERE ts >= :before ORDER BY rowid LIMIT 1), 9223372036854775807);

-- oldest_change: Where the log of a container begins.
SELECT min(lsn) FROM changes WHERE container = :container;

-- latest_versions: Latest versions after a log number, in the order of their last writes.
SELECT lsn, sequence, body, etag, ts FROM items INDEXED BY items_by_lsn
WHERE container = :container AND lsn > :after AND epk >= :epk_from AND epk < :epk_to AND ts >= :since
  AND (expires_at IS NULL OR expires_at > :now)
ORDER BY lsn, position;

-- changes_after: All changes after a log number, in order.
SELECT lsn, operation, partition_key, id, body, previous_lsn, ts, expired FROM changes
WHERE container = :container AND lsn > :after AND epk >= :epk_from AND epk < :epk_to AND ts >= :since
ORDER BY lsn, position;
