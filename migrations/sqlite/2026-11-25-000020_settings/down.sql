drop view companion_signs;
drop table user_settings;
