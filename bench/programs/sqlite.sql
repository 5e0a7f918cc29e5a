-- A shop: made by arithmetic, so that every run has the same rows.
create table customer(id integer primary key, name text, city text);
create table item(id integer primary key, title text, price real, tags text);
create table sale(id integer primary key, customer integer, item integer, amount integer, day integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
  insert into customer select i, printf('Customer %05d %s', i * 7919 % 5003, hex(i * i)), 'City ' || (i * 31 % 97) from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
  insert into item select i, 'Item ' || hex(i * 7) || ' of ' || (i % 13), (i * 37 % 9973) / 7.0,
    json_array('tag ' || (i % 7), 'tag ' || (i % 11), json_object('weight', i % 5, 'name', 'n' || i)) from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
  insert into sale select i, i * 7919 % 5000 + 1, i * 104729 % 3000 + 1, i % 9 + 1, i * 13 % 365 from n;
create index sale_customer on sale(customer);
create index sale_item on sale(item, day);
select city, count(*), round(sum(amount * price), 2) from sale join customer on customer.id = sale.customer
  join item on item.id = sale.item group by city order by 3 desc limit 10;
select tag.value, count(*), sum(amount) from sale join item on item.id = sale.item, json_each(item.tags) tag
  where tag.type = 'text' group by tag.value order by 1;
select name, length(group_concat(title, ', ')) from customer join sale on customer.id = sale.customer
  join item on item.id = sale.item group by customer.id order by 2 desc, 1 limit 10;
with best as (select customer, item, row_number() over (partition by customer order by amount * day desc, sale.id) place from sale)
  select count(*), sum(item) from best where place <= 2;
update item set title = upper(title) || replace(title, 'Item', 'Thing') where id % 3 = 0;
delete from sale where day in (select day from sale group by day having count(*) % 2 = 1 limit 50);
select count(*), max(title), min(title) from item;
select substr(name, 10, 4) part, count(distinct city), group_concat(distinct substr(city, 6)) from customer
  where id % 50 = 0 group by part order by part limit 10;
select count(*) from sale a join sale b on a.item = b.item and a.day = b.day and a.id < b.id;
vacuum;
pragma integrity_check;
