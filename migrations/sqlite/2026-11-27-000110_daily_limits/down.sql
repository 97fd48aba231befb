drop index conversations_begun;
