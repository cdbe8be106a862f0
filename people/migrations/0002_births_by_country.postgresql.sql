CREATE MATERIALIZED VIEW births_by_country AS
SELECT places.country,
       COUNT(*) AS births
  FROM people
  JOIN places ON places.id = people.place_of_birth_id
 GROUP BY places.country;

CREATE UNIQUE INDEX births_by_country_country ON births_by_country (country);
