-- schema: secrets by name; each has versions, the newest of which is the current one
create table if not exists secret (
  name       text primary key collate nocase,
  deleted_at integer,
  purge_at   integer
);
create table if not exists version (
  number       integer primary key autoincrement,
  name         text not null collate nocase references secret (name) on delete cascade,
  version      text not null unique,
  value        text not null,
  content_type text,
  tags         text not null,
  enabled      integer not null,
  not_before   integer,
  expires      integer,
  created      integer not null,
  updated      integer not null
);
create index if not exists version_of_secret on version (name, number);

-- add_secret: a name that was not there before
insert into secret (name) values (:name) on conflict do nothing;

-- find_secret: whether a name exists, and since when it is deleted
select name, deleted_at, purge_at from secret where name = :name;

-- add_version: a new current version
insert into version (name, version, value, content_type, tags, enabled, not_before, expires, created, updated)
values (:name, :version, :value, :content_type, :tags, :enabled, :not_before, :expires, :created, :updated);

-- current: the newest version of a name, deleted or not
select * from version where name = :name order by number desc limit 1;

-- one_version: a version by its id
select * from version where name = :name and version = :version;

-- change_version: what an update may change
update version
   set content_type = :content_type, tags = :tags, enabled = :enabled, not_before = :not_before, expires = :expires,
       updated = :updated
 where version = :version;

-- page_of_secrets: current versions of what is not deleted, by name
select v.* from secret s join version v on v.name = s.name
 where s.deleted_at is null and s.name > :after
   and v.number = (select max(number) from version where name = s.name)
 order by s.name limit :limit;

-- page_of_versions: all versions of a name, by id as the real service does
select * from version where name = :name and version > :after order by version limit :limit;

-- page_of_deleted: current versions of what is deleted, by name
select v.*, s.deleted_at, s.purge_at from secret s join version v on v.name = s.name
 where s.deleted_at is not null and s.name > :after
   and v.number = (select max(number) from version where name = s.name)
 order by s.name limit :limit;

-- mark_deleted: soft delete
update secret set deleted_at = :deleted_at, purge_at = :purge_at where name = :name;

-- mark_recovered: undo a soft delete
update secret set deleted_at = null, purge_at = null where name = :name;

-- purge: remove a name and all its versions
delete from secret where name = :name;

-- purge_due: remove what was deleted longer ago than it can be recovered
delete from secret where purge_at <= :now;
