-- Acknowledges an open alert ($1) by somebody ($2), with a note ($3 or null): it is not escalated while it gets no worse.
update monitoring.alerts as a
   set acknowledged_at = now(), acknowledged_by = $2, acknowledged_level = a.level, acknowledged_note = $3::text
 where a.alert_id = $1 and a.state <> 'resolved'
