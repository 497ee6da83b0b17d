-- The 17 metrics of the model for all accounts as one query, as somebody who knows DuckDB and these files writes it:
-- windows as constants, days as a bit mask, distinct values by CASE (a FILTER is slower there). The bench puts the list
-- of files for $files and the moment for $now.
SELECT account,
    coalesce(bit_count(bit_or(CASE WHEN used AND recent THEN 1::BIGINT << days_ago END)), 0) / 30.0 AS daily_active_rate,
    CASE WHEN arg_max(p_features_in_plan, "at") FILTER (name = 22) > 0 THEN
        least(count(DISTINCT CASE WHEN name = 2 AND recent THEN p_feature END)
            / arg_max(p_features_in_plan, "at") FILTER (name = 22), 1.0) END AS feature_adoption_depth,
    CASE WHEN count(*) FILTER (name = 2 AND days_ago BETWEEN 30 AND 59) >= $minimum THEN
        count(*) FILTER (name = 2 AND recent) / count(*) FILTER (name = 2 AND days_ago BETWEEN 30 AND 59) - 1
        END AS usage_trend_30_days,
    coalesce(sum(p_usage_units) FILTER (name = 4 AND recent), 0)
        / nullif(arg_max(p_usage_limit, "at") FILTER (name = 22), 0) AS plan_utilization_rate,
    avg(p_sentiment) FILTER (name IN (7, 8) AND days_ago < 90) AS support_interaction_sentiment,
    count(*) FILTER (name IN (9, 10) AND days_ago < 90) AS feature_request_frequency,
    count(*) FILTER (name = 11 AND days_ago < 90) AS community_participation,
    arg_max(p_onboarding_share, "at") FILTER (name = 12) AS onboarding_completion_rate,
    count(*) FILTER (name = 6 AND recent) AS documentation_engagement,
    count(*) FILTER (name = 13 AND p_on_time = 1 AND days_ago < 180)
        / nullif(count(*) FILTER (name IN (13, 14, 15) AND days_ago < 180), 0) AS payment_health,
    CASE WHEN sum(p_usage_units) FILTER (name = 4 AND days_ago BETWEEN 60 AND 119) > 0 THEN
        coalesce(sum(p_usage_units) FILTER (name = 4 AND days_ago < 60), 0)
        / sum(p_usage_units) FILTER (name = 4 AND days_ago BETWEEN 60 AND 119) - 1 END AS contract_utilization_trend,
    CASE WHEN arg_max(p_team_seats, "at") FILTER (name = 22) > 0 THEN
        least(count(DISTINCT CASE WHEN used AND recent THEN contact END)
            / arg_max(p_team_seats, "at") FILTER (name = 22), 1.0) END AS team_adoption_rate,
    count(DISTINCT CASE WHEN name = 16 AND recent THEN p_integration END) AS integration_usage,
    count(*) FILTER (name IN (17, 18, 19) AND days_ago < 90) AS success_manager_interactions,
    count(*) FILTER (name = 17 AND p_with_executive = 1 AND days_ago < 180) AS executive_engagement,
    count(*) FILTER (name = 20 AND days_ago < 365) AS referral_generation,
    count(*) FILTER (name = 21 AND days_ago < 730) AS case_study_participation
FROM (
    SELECT *, name <= 2 AS used, days_ago < 30 AS recent FROM (
        SELECT *, ((epoch_us($now) - epoch_us("at")) // 86400000000)::INTEGER AS days_ago
        FROM $files WHERE "at" < $now AND known_at < $now
    )
)
GROUP BY account
