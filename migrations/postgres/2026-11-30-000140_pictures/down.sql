drop index pins_of_picture;
alter table pins drop column picture_id;
drop table pictures;
