-- How many people a person asked within a day is counted when they ask the next one.
create index conversations_begun on conversations (created_by, id);
