-- Builds a table of 60,000 rows, two indices over it, and queries them: the input of the trace `index`.
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, town TEXT, age INTEGER);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO people
SELECT i, printf('person %d %s', i * 7919 % 100003, substr('abcdefghijklmnopqrstuvwxyz', 1 + i % 20, i % 7)),
       printf('town %d', i * 31 % 977), i * 17 % 90
FROM n;
CREATE INDEX by_name ON people (name);
CREATE INDEX by_town ON people (town, age);
SELECT town, count(*), avg(age) FROM people GROUP BY town ORDER BY 2 DESC LIMIT 5;
SELECT count(*) FROM people a JOIN people b ON a.name = b.name WHERE a.age < 20;
SELECT group_concat(name) FROM (SELECT name FROM people WHERE town = 'town 31' ORDER BY name);
