-- Switches a channel ($1 name) on or off ($2). One that is switched on is asked at once, however it did before.
update monitoring.channels
   set enabled = $2,
       consecutive_failures = case when $2 then 0 else consecutive_failures end,
       open_until = case when $2 then null else open_until end
 where name = $1
