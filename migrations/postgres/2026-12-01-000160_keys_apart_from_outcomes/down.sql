-- It is SQLite that changes: here rows stand apart from their keys already.
select 1;
