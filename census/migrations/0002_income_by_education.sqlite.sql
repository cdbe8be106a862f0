CREATE VIEW income_by_education_live AS
SELECT levels.name                                         AS education,
       levels.years,
       COUNT(*)                                            AS respondents,
       COUNT(*) FILTER (WHERE respondents.income_over_50k) AS over_50k,
       COUNT(*) FILTER (WHERE respondents.income_over_50k) * 1.0 / COUNT(*) AS share_over_50k
  FROM respondents
  JOIN education_levels AS levels ON levels.id = respondents.education_id
 GROUP BY levels.id;
