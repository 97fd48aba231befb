alter table users drop column suspended_at;
drop table notices;
drop table reports;
drop table cases;
drop table audit_log;
drop table moderators;
