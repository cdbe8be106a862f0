-- The most common compounds are those used in the most experiments of a user. If several tie, all of them are listed in
-- ascending order.
CREATE VIEW user_features_live AS
WITH totals AS (
    SELECT user_id,
           COUNT(*)                 AS total_experiments,
           AVG(experiment_run_time) AS mean_run_time
      FROM user_experiments
     GROUP BY user_id
), uses AS (
    SELECT user_experiments.user_id,
           used.compound_id,
           RANK() OVER (PARTITION BY user_experiments.user_id ORDER BY COUNT(*) DESC) AS place
      FROM user_experiments
      JOIN user_experiment_compounds AS used ON used.experiment_id = user_experiments.experiment_id
     GROUP BY user_experiments.user_id, used.compound_id
), most_common AS (
    -- GROUP_CONCAT takes an order of its own only from SQLite 3.44 on, but that of a window always. All rows of a user
    -- have the same list. With DISTINCT instead of GROUP BY, SQLite would read all lists for each user.
    SELECT user_id, MAX(list) AS compounds
      FROM (SELECT user_id,
                   GROUP_CONCAT(compound_id, ';') OVER (
                       PARTITION BY user_id ORDER BY compound_id
                       ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                   ) AS list
              FROM uses
             WHERE place = 1)
     GROUP BY user_id
)
SELECT users.user_id,
       COALESCE(totals.total_experiments, 0) AS total_experiments,
       totals.mean_run_time,
       most_common.compounds                 AS most_common_compounds
  FROM users
  LEFT JOIN totals      ON totals.user_id      = users.user_id
  LEFT JOIN most_common ON most_common.user_id = users.user_id;
