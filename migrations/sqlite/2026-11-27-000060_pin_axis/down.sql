drop view pin_sendings;
drop table jobs;
drop table pin_marks;
drop index pins_removed;
drop index messages_with_pin;
