drop index users_by_look;
drop table nodes;
drop table attempts;
drop table group_invitations;
