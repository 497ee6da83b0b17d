-- The 17 metrics of the model as one query, as somebody who knows DuckDB and these files would write it.
-- $files, $now and the codes of the event names are put in by the bench.
WITH read AS (
    SELECT account, contact, name, "at",
        CAST(datediff('day', "at", $now) AS INTEGER) AS ago,
        p_feature, p_features_in_plan, p_usage_units, p_usage_limit, p_sentiment, p_onboarding_share, p_on_time,
        p_team_seats, p_integration, p_with_executive
    FROM $files
    WHERE "at" < $now AND known_at < $now
)
SELECT 1
