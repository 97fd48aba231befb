drop view own_blocks;
drop table search_progress;
drop table search_blocks;
