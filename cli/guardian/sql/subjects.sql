-- Who sends the requests of a load, and what they ask about. A user is taken by number, the first by far the most often:
-- the patients with the longest histories, and the providers with the most patients. Of many users ten thousand are enough.

begin;
set local client_min_messages = warning;
drop schema if exists guardian_load cascade;
create schema guardian_load;

-- What each patient would ask: the page at nine tenths of the history, the events of a kind in the last year of it, and
-- the documents with the longest word of a title.
create unlogged table guardian_load.patients as
with chosen as (
  select p.patient_id, p.profile_id
    from guardian.patients as p
   order by md5(p.patient_id::text)
   limit 10000
), ranked as (
  select row_number() over (order by history.events desc, chosen.patient_id) as number,
         chosen.patient_id, chosen.profile_id, history.events, history.newest_at
    from chosen
   cross join lateral (
     select count(*) as events, max(t.occurred_at) as newest_at
       from guardian.timeline_events as t
      where t.patient_id = chosen.patient_id and t.archived_at is null
   ) as history
)
select ranked.number,
       ranked.patient_id,
       jsonb_build_object('sub', ranked.profile_id, 'role', 'authenticated')::text as claims,
       coalesce(deep.occurred_at, now()) as before_at,
       coalesce(deep.timeline_event_id, ranked.patient_id) as before_id,
       (array['laboratory', 'medication', 'visit', 'document', 'measurement'])[1 + ranked.number % 5] as kind,
       coalesce(ranked.newest_at, now()) - interval '1 year' as since,
       coalesce(title.word, 'report') as words
  from ranked
  left join lateral (
    select t.occurred_at, t.timeline_event_id
      from guardian.timeline_events as t
     where t.patient_id = ranked.patient_id and t.archived_at is null
     order by t.occurred_at desc, t.timeline_event_id desc
    offset ranked.events * 9 / 10
     limit 1
  ) as deep on true
  left join lateral (
    select part.word
      from (
        select d.title from guardian.documents as d where d.patient_id = ranked.patient_id order by d.uploaded_at limit 1
      ) as document
     cross join lateral regexp_split_to_table(document.title, '[^[:alnum:]]+') as part (word)
     order by length(part.word) desc, part.word
     limit 1
  ) as title on true;

-- Providers with the patients that let them write, who let them read as well.
create unlogged table guardian_load.grants as
with open as (
  select g.patient_id, g.provider_id, count(*) over (partition by g.provider_id) as panel
    from guardian.access_grants as g
   where g.level = 'write' and g.revoked_at is null
     and (g.expires_at is null or g.expires_at > now() + interval '1 day')
), chosen as (
  select * from open order by md5(open.patient_id::text || open.provider_id::text) limit 10000
)
select row_number() over (order by chosen.panel desc, chosen.provider_id, chosen.patient_id) as number,
       chosen.patient_id,
       chosen.provider_id,
       jsonb_build_object('sub', p.profile_id, 'role', 'authenticated')::text as claims,
       coalesce(patient.words, 'report') as words
  from chosen
  join guardian.providers as p on p.provider_id = chosen.provider_id
  left join guardian_load.patients as patient on patient.patient_id = chosen.patient_id;

alter table guardian_load.patients add primary key (number);
alter table guardian_load.grants add primary key (number);
analyze guardian_load.patients;
analyze guardian_load.grants;
commit;
