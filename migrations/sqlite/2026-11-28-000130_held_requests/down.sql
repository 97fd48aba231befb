drop table held_requests;
drop table request_marks;
