-- Last-resort keys were written under a number that nobody could read.
UPDATE objects SET kind = 8 WHERE kind = -1;
