-- Removes a bite of the samples that are kept for a shorter time than their partition; 0 when there are none left.
select monitoring.remove_short_lived_samples()::int8 as removed
